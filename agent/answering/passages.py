"""The passages that an answer is written from: what was found, and for a program what the request names."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from agent.answering.absent_names import AbsentName
from agent.answering.program_passages import for_author
from agent.answering.program_requests import asks_for_program, describes_what_was_found, for_program, ingredients
from agent.arrangement import Hit, collapse
from agent.question import valid_question
from agent.retrieval import HybridRetriever
from agent.schema import MAX_TOP_K
from agent.symbols import ApiModel


class Passages(Struct, frozen=True):
    """What an answer is written from; `program` where it shall be one."""

    hits: list[Hit]
    program: bool = False


def passages_for(
    question: str,
    absent: Sequence[AbsentName],
    retriever: HybridRetriever,
    api: ApiModel | None,
    top_k: int | None = None,
) -> Passages:
    """Return the passages to answer from; those for a program hold what the request names in plain words.

    Args:
        question: the user's words.
        absent: names in it that the version does not have.
        retriever: finds the passages.
        api: the library's API model, or None where there is none: then nothing is known to be a request for a program.
        top_k: how many; the retriever's own number without.

    Raises:
        InvalidInput: the question is empty, too long, or not text.
    """
    if api is None:
        return Passages(find_passages(question, absent, retriever, top_k))
    if not asks_for_program(question, api):
        hits = find_passages(question, absent, retriever, top_k)
        if not describes_what_was_found(question, hits):
            return Passages(hits)
    named = retriever.passages(ingredients(question, api))
    chosen = for_program(question, find_passages(question, absent, retriever, MAX_TOP_K), named)
    most = top_k or retriever.top_k
    # What is told of a missing name cites its evidence, which is prose as a rule.
    hits = collapse([*_on_missing(absent, retriever)[: max(most // 2, 1)], *chosen])
    return Passages(for_author(hits[:most], api, retriever.scripts_with), program=True)


def find_passages(
    question: str, absent: Sequence[AbsentName], retriever: HybridRetriever, top_k: int | None = None
) -> list[Hit]:
    """Return the passages for a question, as `passages_for`; those on what replaces a missing name come first."""
    hits = retriever.find(valid_question(question), top_k)
    score = hits[0].score if hits else 1.0
    first = [replace(hit, score=score) for hit in _on_missing(absent, retriever)[: max(len(hits) // 2, 1)]]
    return collapse([*first, *hits])[: max(len(hits), 1)]


def _on_missing(absent: Sequence[AbsentName], retriever: HybridRetriever) -> list[Hit]:
    """Return the passages on what replaces missing names, and on where that is known from."""
    nearest = [name.replacements[0] for name in absent if name.replacements]
    said = [*(item.evidence for item in nearest), *(name.told for name in absent)]
    return retriever.passages([item.symbol.path for item in nearest], [item.chunk for item in said if item])
