"""Records kept beside the answering: one thread owns the database, and no answer waits long for it.

What the thread is given is done in order, so that feedback finds its answer and a follow-up the turn before it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar
from uuid import UUID

from msgspec import Struct

from agent.errors import AgentError, RecordsUnavailable, UnknownAnswer
from agent.records import ApiKey, Given, Records, Turn
from agent.schema import Answer, FeedbackRequest
from agent.settings import Settings

KEEPING = 0.005
"""Seconds that an answer waits for its record; a healthy SQLite takes a tenth of it."""
RECALLING = 1.0
"""Seconds that a question waits for the turns before it; milliseconds pass unless the database is in trouble."""
UNRECALLED = 10.0
"""Seconds for which no question waits again, once the records did not say in time."""
FEEDBACK = 8.0
"""Seconds that feedback, or who wants to be forgotten, waits for its place in the line and its commit."""
FAREWELL = 3.0
"""Seconds that are left for what is not written yet when the service ends."""
MOST_WAITING = 1_000
FULL = f"{MOST_WAITING} records wait to be written; further answers are not recorded."
BETWEEN_PRUNINGS = 3_600.0

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Recalled(Struct, frozen=True):
    """An answer that was known when somebody asked.

    Attributes:
        answer: a client's own.
        recorded: done when it is; None where it is not recorded.
    """

    answer: Answer
    recorded: Future[None] | None


class _Batch:
    """Answers that are written together, until their turn comes."""

    def __init__(self) -> None:
        self.given: list[Given] = []
        self.future: Future[None] | None = None


class Recorder:
    """Keeps answers and feedback, and recalls conversations; thread-safe.

    Opening happens in its thread, and again with every use until it succeeds: a database that is down when the service
    starts stops nothing.

    Args:
        settings: where records go, what is kept and how long.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._records: Records | None = None
        self._pruned = self._recalls_from = float("-inf")
        self._problem = ""
        self._room = threading.Semaphore(MOST_WAITING)
        self._gathering = threading.Lock()
        self._batch: _Batch | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="records")
        self._submit(self._prune)

    @property
    def problem(self) -> str:
        """Why nothing is recorded at the moment, or an empty string."""
        return self._problem

    def keep(self, given: Given) -> None:
        """Record an answer; it is given whether or not that works."""
        written = self.begin_keeping(given)
        if written is not None:
            wait([written], KEEPING)

    def begin_keeping(self, given: Given) -> Future[None] | None:
        """Begin to record an answer, and return at once what is done when that is, if it can be begun at all.

        Answers that come while the thread is busy are written together, in one transaction; not before the database is
        open: each then tries to open it anew.
        """
        with self._gathering:
            if self._records is None or self._batch is None or self._batch.future is None or self._batch.future.done():
                self._batch = batch = _Batch()
                batch.future = self._submit(lambda records: self._write(records, batch))
            if len(self._batch.given) < MOST_WAITING:
                self._batch.given.append(given)
            else:
                self._problem = FULL
            return self._batch.future

    def _write(self, records: Records, batch: _Batch) -> None:
        with self._gathering:
            if self._batch is batch:
                self._batch = None
        try:
            records.keep(*batch.given)
        except AgentError:
            if len(batch.given) == 1:
                raise
            self._write_singly(records, batch.given)
        self._prune(records)

    def _write_singly(self, records: Records, answers: list[Given]) -> None:
        """Write what one transaction could not hold; the first failure is raised when all have been tried."""
        failures: list[AgentError] = []
        for given in answers:
            try:
                records.keep(given)
            except AgentError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def turns(self, conversation_id: UUID) -> tuple[Turn, ...]:
        """Return the last turns of a conversation; none where the records cannot say in time."""
        if time.monotonic() < self._recalls_from:
            return ()
        future = self._submit(lambda records: records.turns(conversation_id))
        try:
            return future.result(RECALLING) if future is not None else ()
        except TimeoutError:
            self._recalls_from = time.monotonic() + UNRECALLED
            return ()
        except Exception:  # noqa: BLE001 - what it was is logged where it was raised; a question needs no records
            return ()

    def feed_back(self, request: FeedbackRequest, user: str | None = None) -> None:
        """Record feedback; when this returns, it is on disk.

        Raises:
            UnknownAnswer: there is no such answer.
            RecordsUnavailable: it could not be recorded, or not in time; then it may still be.
        """
        self._done(lambda records: records.feed_back(request, user))

    def forget(self, user: str) -> int:
        """Delete what a user asked and said; when this returns, it is gone.

        Raises:
            RecordsUnavailable: it could not be deleted, or not in time; then it may still be.
        """
        return self._done(lambda records: records.forget(user))

    def api_keys(self) -> tuple[ApiKey, ...]:
        """Return the API keys that were made.

        Raises:
            RecordsUnavailable: they cannot be read, or not in time.
        """
        return self._done(lambda records: records.keys.all())

    def close(self) -> None:
        """Write what is waiting, for some seconds, and close the database."""
        last = self._thread.submit(self._close)
        wait([last], FAREWELL)
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _done(self, work: Callable[[Records], T]) -> T:
        future = self._submit(work)
        if future is None:
            raise RecordsUnavailable(self._problem or "The service is stopping.", remedy="Send it again later.")
        try:
            return future.result(FEEDBACK)
        except TimeoutError:
            raise RecordsUnavailable(
                f"The records did not answer within {FEEDBACK:g} seconds.", remedy="Send it again later."
            ) from None

    def _submit(self, work: Callable[[Records], T]) -> Future[T] | None:
        if not self._room.acquire(blocking=False):
            self._problem = FULL
            return None
        try:
            future = self._thread.submit(self._do, work)
        except RuntimeError:  # closed
            self._room.release()
            return None
        future.add_done_callback(lambda _: self._room.release())
        return future

    def _do(self, work: Callable[[Records], T]) -> T:
        try:
            if self._records is None:
                self._records = Records(self._settings)
            result = work(self._records)
        except UnknownAnswer:
            raise
        except AgentError as error:
            if not self._problem:
                _log.warning("%s", error)
            self._problem = str(error)
            raise
        except Exception:
            self._problem = "Something unexpected happened to the records; see the log."
            _log.exception("The records failed unexpectedly.")
            raise
        self._problem = ""
        return result

    def _prune(self, records: Records) -> None:
        if time.monotonic() - self._pruned >= BETWEEN_PRUNINGS:
            self._pruned = time.monotonic()
            records.prune()

    def _close(self) -> None:
        if self._records is not None:
            self._records.close()
