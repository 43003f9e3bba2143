"""Whether a question is worth asking the LLM: told from what retrieval finds around it, so that declining is instant.

Some rules and a logistic regression: who writes out a name that the library has, or tells the end of, is not declined;
who writes out one that it lacks, or an argument that a function does not take, is, unless they say so themselves; else
six signals decide.
The weights and the default of `FURY_AGENT_ABSTAIN` come from `python -m evals calibrate`, which also writes
docs/abstention.md with what they do on questions it has not seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from agent.answering.absent_arguments import AbsentArgument, absent_arguments
from agent.answering.absent_names import AbsentName, says_it_is_missing
from agent.answering.program_requests import describes, ingredients
from agent.chunking.tokens import code_tokens
from agent.dotted_names import is_file_or_site, written_names
from agent.ranking.named_places import identifiers
from agent.retrieval import DEPTH, HybridRetriever
from agent.symbols import ApiModel

SURE, VACANT = 1.0, 0.0


class Signals(Struct, frozen=True):
    """What is seen of a question and what lies around it.

    Attributes:
        nearness: how far the nearest chunk stands out from the fiftieth, (c1 - c50) / (1 - c50) of their cosines, 0 to
            1. Models differ in how near unrelated texts are; where one moves all cosines towards 1 in proportion,
            this stays as it is.
        words: share of the question's words that occur around it, 0 to 1; without the library's own name.
        named: log(1 + n), n of these words occurring in names of definitions.
        agreed: log(1 + n), n of the fifty chunks nearest by meaning being among the fifty nearest by words.
        ingredients: log(1 + n), n public callables bearing the very name of a word, see `program_requests`.
        described: 1 where it says what shall be made and does not ask: such words ("a planet with a ring") are the
            world's, not the library's, and need not occur in the sources.
    """

    nearness: float
    words: float
    named: float
    agreed: float
    ingredients: float
    described: float


class Weights(Struct, frozen=True):
    """A logistic regression over `Signals`."""

    bias: float
    nearness: float
    words: float
    named: float
    agreed: float
    ingredients: float
    described: float

    def confidence(self, signals: Signals) -> float:
        """Return how likely it is that the sources answer, 0 to 1, were both sorts of question equally frequent."""
        score = (
            self.bias
            + self.nearness * signals.nearness
            + self.words * signals.words
            + self.named * signals.named
            + self.agreed * signals.agreed
            + self.ingredients * signals.ingredients
            + self.described * signals.described
        )
        return 1 / (1 + math.exp(-score))


WEIGHTS = Weights(bias=-8.48, nearness=5.27, words=3.93, named=1.13, agreed=0.92, ingredients=2.07, described=2.81)
"""Of `python -m evals calibrate`, for FURY 2.0.0 and all-MiniLM-L6-v2: of five signals together, and of the sixth where
all are fitted with it. Taken from that fit, the five decline three times as many questions that can be answered.
"""


class Abstention:
    """Tells which questions are declined before an LLM is asked.

    Args:
        retriever: over the index that would answer.
        where: name and version of the library, as a reader knows them.
        threshold: questions with less confidence are declined, 0 to 1; 0 declines none.
    """

    def __init__(self, retriever: HybridRetriever, where: str, threshold: float) -> None:
        self._retriever = retriever
        self._api = retriever.api
        self._where = where
        self._threshold = threshold
        self._own = {word for root in self._api.roots for word in code_tokens(root)}

    def why(self, question: str, absent: Sequence[AbsentName] = ()) -> str:
        """Return why a question is declined, as Markdown, or nothing if it is not.

        Args:
            question: the user's words.
            absent: those of its names of which the reader is told anyway.
        """
        if self._threshold == 0 or self.confidence(question, absent) >= self._threshold:
            return ""
        missing = [self._there_is_no(name) for name in vacant_names(question, self._api, absent)]
        refused = [self._takes_no(argument) for argument in self._absent_arguments(question)]
        said = " ".join([*missing, *refused])
        return f"{said} The sources of {self._where} do not seem to answer this.".lstrip()

    def confidence(self, question: str, absent: Sequence[AbsentName] = ()) -> float:
        """Return how likely it is that the sources answer a question, 0 to 1.

        One that writes out a name which the library has, or tells the end of, is never doubted, unless for an argument
        that it does not take.
        """
        if self._absent_arguments(question):
            return VACANT
        if writes_real_name(question, self._api) or any(name.is_explained for name in absent):
            return SURE
        if vacant_names(question, self._api, absent):
            return SURE if says_it_is_missing(question) else VACANT
        signals = self.signals(question)
        return SURE if signals is None else WEIGHTS.confidence(signals)

    def signals(self, question: str) -> Signals | None:
        """Return the signals of a question, or None where there is nothing to tell by.

        That is so where the index is too small to have near and far, and where a question says the library's name only.
        """
        # Parts of names only: `a.b.c` and `a_b` as a whole are hardly ever anywhere else.
        said = {word for word in code_tokens(question) if word.isalnum()}
        words = said - self._own
        nearby = self._retriever.nearby(question)
        if len(nearby.cosines) < DEPTH or (said and not words):
            return None
        best, last = nearby.cosines[0], nearby.cosines[-1]
        around = {token for text in nearby.texts for token in code_tokens(text)}
        return Signals(
            nearness=(best - last) / max(1 - last, 1e-6),
            words=len(words & around) / max(len(words), 1),
            named=math.log1p(len(self._retriever.named(words))),
            agreed=math.log1p(nearby.shared),
            ingredients=math.log1p(len(ingredients(question, self._api))),
            described=float(describes(question, self._api)),
        )

    def _absent_arguments(self, question: str) -> tuple[AbsentArgument, ...]:
        return absent_arguments(question, self._api, self._retriever.named)

    def _takes_no(self, absent: AbsentArgument) -> str:
        taken = ", ".join(f"`{name}`" for name in absent.takes)
        return f"**`{absent.function}` of {self._where} takes no `{absent.name}`.** It takes {taken or 'nothing'}."

    def _there_is_no(self, name: str) -> str:
        close = [f"`{path}`" for path in self._api.close_names(name)]
        exists = f" The nearest names are {', '.join(close)}." if close else ""
        return f"**`{name}` is not in the sources of {self._where}.**{exists}"


def writes_real_name(question: str, api: ApiModel) -> bool:
    """Return whether a question writes out, as code, something public that the library has."""
    return any(symbol.public for name in identifiers(question) for symbol in api.find(name))


def vacant_names(question: str, api: ApiModel, absent: Sequence[AbsentName] = ()) -> tuple[str, ...]:
    """Return the dotted names in a question whose holder the library has, and not the member, nor one of that name.

    `ui.ColorPicker2D` is one; it may still be the asker's own `ui`, which is why a question is declined for it only
    where it names nothing real.

    Args:
        question: any text.
        api: the library's API model.
        absent: missing names that are known of already; those of which something better can be said are left out.
    """
    explained = {name.written for name in absent if name.was_in or name.told or name.replacements}
    return tuple(
        name
        for name in dict.fromkeys([*written_names(question), *filter(_is_dotted, identifiers(question))])
        if name not in explained and not is_file_or_site(name) and _is_vacant(name, api)
    )


def _is_dotted(name: str) -> bool:
    return "." in name and all(part.isidentifier() for part in name.split("."))


def _is_vacant(name: str, api: ApiModel) -> bool:
    holder, _, member = name.rpartition(".")
    held = any(symbol.public and symbol.kind in {"module", "class"} for symbol in api.find(holder))
    return held and not api.find(member)
