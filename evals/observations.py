"""What a run observes, as values: nothing here is a score."""

from __future__ import annotations

import hashlib
import re

from msgspec import Struct

from agent.schema import Answer, Passage
from evals.places import Place
from evals.scenes import Tried


class Identity(Struct, frozen=True, kw_only=True):
    """What was measured.

    Attributes:
        code: git revision of fury-agent, with a digest of the sources where they differ from it.
        index: digest of what the index was made from and with; of a service by URL, of what it says of its index.
        model: the LLM that answers, or `none`.
        settings: digest of all settings that may change a result.
        answerer: `engine`, or the URL of the service.
    """

    code: str
    library: str
    version: str
    revision: str
    index: str
    embedding: str
    model: str
    settings: str
    answerer: str = "engine"

    @property
    def name(self) -> str:
        """Folder name: git revision, library and index revision, model, and the rest as a digest."""
        rest = hashlib.sha256(f"{self.settings}{self.answerer}".encode()).hexdigest()[:6]
        parts = (self.code, f"{self.library}-{self.version}", self.index[:8], self.model, rest)
        return "_".join(re.sub(r"[^\w.+-]+", "-", part) for part in parts)


class Retrieved(Struct, frozen=True, tag="retrieved", tag_field="type"):
    """What one system found for one question.

    Attributes:
        system: which rankings, or which peer.
        confidence: how sure retrieval is that the sources answer, 0 to 1, where the system tells.
        milliseconds: duration of the search; in this process, without the embedding of the question.
    """

    system: str
    case: str
    question: str
    places: tuple[Place, ...]
    confidence: float | None = None
    milliseconds: float = 0.0

    @property
    def key(self) -> tuple[str, ...]:
        """What makes two observations the same."""
        return self.key_of(self.system, self.case, self.question)

    @staticmethod
    def key_of(system: str, case: str, question: str) -> tuple[str, ...]:
        """Return the key of what a system found for a question."""
        return ("retrieved", system, case, question)


class Asked(Struct, frozen=True, tag="asked", tag_field="type"):
    """What was answered to one question.

    Attributes:
        answer: the final reply, or None where there was an error.
        error: why there is no answer.
        passages: what was found for the question, best first, with its text.
        first_token_ms, total_ms: as the caller saw them; None where no token came.
        tokens: pieces of text that the model sent, one a token from every server that streams token by token.
    """

    case: str
    question: str
    answer: Answer | None = None
    error: str | None = None
    passages: tuple[Passage, ...] = ()
    first_token_ms: float | None = None
    total_ms: float = 0.0
    tokens: int = 0

    @property
    def key(self) -> tuple[str, ...]:
        """What makes two observations the same."""
        return self.key_of(self.case, self.question)

    @staticmethod
    def key_of(case: str, question: str) -> tuple[str, ...]:
        """Return the key of the answer to a question."""
        return ("asked", case, question)


class Judged(Struct, frozen=True, tag="judged", tag_field="type"):
    """What an LLM said of one answer, or of one hand-labelled example.

    Attributes:
        judge: the model that judged.
        measure: `faithfulness`, `relevancy` or `correctness`.
        subject: the case's id, or the example's.
        inputs: digest of all that the judge read: another answer, passage or reference is judged anew.
        passing: the verdict; None where the judge failed, and `reason` says why.
    """

    judge: str
    measure: str
    subject: str
    inputs: str
    passing: bool | None = None
    reason: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """What makes two observations the same."""
        return self.key_of(self.judge, self.measure, self.subject, self.inputs)

    @staticmethod
    def key_of(judge: str, measure: str, subject: str, inputs: str) -> tuple[str, ...]:
        """Return the key of a judge's verdict."""
        return ("judged", judge, measure, subject, inputs)


class Coded(Struct, frozen=True, tag="coded", tag_field="type"):
    """What one way of answering wrote for one request, and what became of its code.

    Attributes:
        arm: the way of answering.
        request: the request's words.
        answer: Markdown, or None where there was an error.
        error: why there is no answer.
        seconds: from asking to the final answer.
        code: the program in the answer; empty where it has none.
        tried: what became of the program, where there is one.
    """

    arm: str
    case: str
    request: str
    answer: str | None = None
    error: str | None = None
    seconds: float = 0.0
    code: str = ""
    tried: Tried | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """What makes two observations the same."""
        return self.key_of(self.arm, self.case, self.request)

    @staticmethod
    def key_of(arm: str, case: str, request: str) -> tuple[str, ...]:
        """Return the key of what an arm wrote for a request."""
        return ("coded", arm, case, request)


Observation = Retrieved | Asked | Judged | Coded
