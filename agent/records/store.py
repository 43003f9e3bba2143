"""Writing and reading the records; every method blocks, and is one transaction."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace
from sqlalchemy import Row, delete, desc, insert, select, update

from agent.errors import UnknownAnswer
from agent.records.database import database_errors, open_database, url_of, with_mode
from agent.records.identity import Pseudonyms, agree, read_key
from agent.records.keys import ApiKeys
from agent.records.tables import answers, feedback
from agent.records.values import Given, Opinion, Record, Turn
from agent.schema import Citation, FeedbackRequest, Timings, Verification
from agent.settings import Settings

DAY = 86_400.0
MAX_TURNS = 3
MAX_TURN_AGE = 3_600.0
"""Seconds after which a conversation is taken up as a new one: nobody remembers what "it" was."""
MAX_TURN_CHARACTERS = 4_000
"""Of all questions and answers together."""


class Records:
    """What was asked, answered and said of it, in one database; thread-safe.

    Attributes:
        keys: the API keys, in the same database.

    Args:
        settings: where they are, what is kept and how long.

    Raises:
        RecordsUnavailable: the database cannot be used; the message says why.
        ConfigurationError, MissingExtra: the setting names none, or its driver is not installed.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._url = url_of(settings)
        with database_errors(self._url):
            self._names = Pseudonyms(read_key(settings))
        self._engine = open_database(settings)
        try:
            with database_errors(self._url):
                agree(self._engine, self._names)
        except BaseException:
            self._engine.dispose()
            raise
        self.keys = ApiKeys(self._engine, self._url)
        self._reading = with_mode(self._engine, "reading")
        self._durable = with_mode(self._engine, "durable")

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def keep(self, *given: Given) -> None:
        """Record answers, all or none of them."""
        rows = [self._row(one) for one in given]
        with database_errors(self._url), self._engine.begin() as connection:
            connection.execute(insert(answers), rows)

    def _row(self, given: Given) -> dict[str, Any]:
        said, answer = self._settings.record_questions, given.answer
        return {
            "id": answer.answer_id,
            "conversation_id": answer.conversation_id,
            "asked": time.time(),
            "user_hash": self._names.user(given.user) if given.user else None,
            "question_hash": self._names.question(given.question),
            "question": given.question if said else None,
            "whole_question": given.whole if said else None,
            "answer": _storable(answer.answer) if said else None,
            "status": answer.status,
            "library": answer.library,
            "version": answer.version,
            "revision": answer.revision,
            "model": answer.model,
            "citations": _json([replace(citation, excerpt="") for citation in answer.citations]),
            "verification": _json(answer.verification if said else _counted(answer.verification)),
            "timings": _json(answer.timings),
        }

    def feed_back(self, request: FeedbackRequest, user: str | None = None) -> None:
        """Record what somebody says of an answer; a second opinion of the same person replaces the first.

        When this returns, it is on disk.

        Raises:
            UnknownAnswer: there is none of that id, or no longer.
        """
        row = {
            "answer_id": request.answer_id,
            "user_hash": self._names.user(user) if user else "",
            "verdict": request.verdict,
            "reason": _storable(request.reason) if request.reason and self._settings.record_questions else None,
            "given": time.time(),
        }
        mine = (feedback.c.answer_id == row["answer_id"]) & (feedback.c.user_hash == row["user_hash"])
        with database_errors(self._url), self._durable.begin() as connection:
            known = select(answers.c.id).where(answers.c.id == request.answer_id).with_for_update()
            if connection.execute(known).first() is None:
                raise _unknown(request.answer_id)
            connection.execute(delete(feedback).where(mine))
            connection.execute(insert(feedback), row)

    def turns(self, conversation_id: UUID) -> tuple[Turn, ...]:
        """Return the last turns of a conversation, oldest first: at most three, not older than an hour, and short.

        Whoever knows the id of a conversation takes part in it. Empty where only hashes are kept.
        """
        last = (
            select(answers.c.whole_question, answers.c.answer, answers.c.library, answers.c.version)
            .where(answers.c.conversation_id == conversation_id, answers.c.asked >= time.time() - MAX_TURN_AGE)
            .where(answers.c.whole_question.is_not(None))
            .order_by(desc(answers.c.asked))
            .limit(MAX_TURNS)
        )
        with database_errors(self._url), self._reading.connect() as connection:
            found = [Turn(*row) for row in connection.execute(last)]
        return _within_budget(found)

    def record(self, answer_id: UUID) -> Record:
        """Return one answer with all opinions.

        Raises:
            UnknownAnswer: there is none of that id, or no longer.
        """
        found = self._select(answers.c.id == answer_id)
        if not found:
            raise _unknown(answer_id)
        return found[0]

    def since(self, moment: float) -> tuple[Record, ...]:
        """Return what was answered since a moment (seconds since 1970), oldest first."""
        return self._select(answers.c.asked >= moment)

    def forget(self, user: str) -> int:
        """Delete all that a person asked and said, for good; returns how many answers and opinions went."""
        name = self._names.user(user)
        with database_errors(self._url), self._durable.begin() as connection:
            # Somebody else's follow-up in the same conversation has borrowed their words.
            theirs = select(answers.c.conversation_id).where(answers.c.user_hash == name)
            borrowed = update(answers).where(answers.c.conversation_id.in_(theirs))
            connection.execute(borrowed.values(whole_question=answers.c.question))
            gone = connection.execute(delete(feedback).where(feedback.c.user_hash == name)).rowcount
            gone += connection.execute(delete(answers).where(answers.c.user_hash == name)).rowcount
        self._clear_log()
        return gone

    def prune(self) -> int:
        """Delete what is older than the settings allow; returns how many answers went."""
        oldest = time.time() - self._settings.records_retention_days * DAY
        with database_errors(self._url), self._engine.begin() as connection:
            return connection.execute(delete(answers).where(answers.c.asked < oldest)).rowcount

    def _select(self, condition: Any) -> tuple[Record, ...]:
        said = select(feedback).where(feedback.c.answer_id.in_(select(answers.c.id).where(condition)))
        asked = select(answers).where(condition).order_by(answers.c.asked)
        with database_errors(self._url), self._reading.connect() as connection:
            opinions: dict[UUID, list[Opinion]] = {}
            for row in connection.execute(said.order_by(feedback.c.given)):
                opinions.setdefault(row.answer_id, []).append(Opinion(row.verdict, row.reason, row.given))
            return tuple(_record(row, opinions.get(row.id, ())) for row in connection.execute(asked))

    def _clear_log(self) -> None:
        """Have SQLite's write-ahead log emptied too: deleted text would stay in it until it is written over."""
        if self._engine.dialect.name == "sqlite":
            with database_errors(self._url), self._engine.connect() as connection:
                connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _record(row: Row[Any], opinions: Sequence[Opinion]) -> Record:
    return Record(
        answer_id=row.id,
        conversation_id=row.conversation_id,
        asked=row.asked,
        question=row.question,
        whole_question=row.whole_question,
        question_hash=row.question_hash,
        answer=row.answer,
        status=row.status,
        library=row.library,
        version=row.version,
        revision=row.revision,
        model=row.model,
        citations=msgspec.json.decode(row.citations, type=tuple[Citation, ...]),
        verification=msgspec.json.decode(row.verification, type=Verification),
        timings=msgspec.json.decode(row.timings, type=Timings),
        opinions=tuple(opinions),
    )


def _within_budget(newest_first: Sequence[Turn]) -> tuple[Turn, ...]:
    """Drop turns, oldest first, until the rest is short enough; of the newest, the end of its answer."""
    kept: list[Turn] = []
    left = MAX_TURN_CHARACTERS
    for turn in newest_first:
        room = left - len(turn.question)
        if room < len(turn.answer) and (kept or room < 0):
            break
        left = room - min(room, len(turn.answer))
        kept.append(Turn(turn.question, turn.answer[: max(room, 0)], turn.library, turn.version))
    return tuple(reversed(kept))


def _counted(verification: Verification) -> Verification:
    """Return what of a check says nothing of the question: the counts."""
    calls, open_calls = verification.checked_calls, verification.unchecked_calls
    return Verification(verification.checked_names, checked_calls=calls, unchecked_calls=open_calls)


def _storable(words: str) -> str:
    """Return text that every database takes: PostgreSQL has no NUL, and half a surrogate is no UTF-8."""
    return words.replace("\0", "").encode("utf-8", "replace").decode()


def _json(value: object) -> str:
    return _storable(msgspec.json.encode(value).decode())


def _unknown(answer_id: UUID) -> UnknownAnswer:
    return UnknownAnswer(
        f"There is no answer {str(answer_id)!r}.",
        remedy="Take `answer_id` from a reply of /query; records expire after FURY_AGENT_RECORDS_RETENTION_DAYS.",
    )
