"""What the records are given, and give back."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from agent.schema import Answer, Citation, Status, Timings, Verdict, Verification


class Given(Struct, frozen=True):
    """An answer as somebody was given it.

    Attributes:
        question: as it was asked.
        whole: as it was answered: the same, or a follow-up made whole.
        user: whoever asked, in the caller's own terms; only a keyed hash is kept.
    """

    answer: Answer
    question: str
    whole: str
    user: str | None = None


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
        return self.status == "sources_only" or self.shows_gap

    @property
    def shows_gap(self) -> bool:
        """Whether the sources may be why: they, or the answer, were found wanting. A missing model is not it."""
        return self.status == "declined" or any(opinion.verdict == "down" for opinion in self.opinions)
