"""What the records give back."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from agent.schema import Citation, Status, Timings, Verdict, Verification


class Turn(Struct, frozen=True):
    """One question of a conversation with its answer.

    Attributes:
        question: as it was answered: a follow-up already made whole.
    """

    question: str
    answer: str
    library: str
    version: str


class Opinion(Struct, frozen=True):
    """What one person said of an answer.

    Attributes:
        given: seconds since 1970, UTC.
    """

    verdict: Verdict
    reason: str | None
    given: float


class Record(Struct, frozen=True, kw_only=True):
    """One answered question.

    Attributes:
        asked: when the answer was recorded; seconds since 1970, UTC.
        question: as it was asked; None where only its hash is kept.
        whole_question: as it was answered; differs from `question` for a follow-up.
        question_hash: equal for equal questions, whatever their case and spacing.
        answer: None where `question` is.
    """

    answer_id: UUID
    conversation_id: UUID
    asked: float
    question: str | None
    whole_question: str | None
    question_hash: str
    answer: str | None
    status: Status
    library: str
    version: str
    revision: str
    model: str | None
    citations: tuple[Citation, ...]
    verification: Verification
    timings: Timings
    opinions: tuple[Opinion, ...] = ()

    @property
    def is_unanswered(self) -> bool:
        """Whether somebody went away without an answer, or with one that did not help."""
        return self.status != "answered" or any(opinion.verdict == "down" for opinion in self.opinions)
