"""A service behind lanes of worker threads: what the HTTP door asks of it, and how much of each at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

from agent.cancellation import CancelToken
from agent.observability.telemetry import Telemetry
from agent.recording import Recalled
from agent.records import ApiKey
from agent.schema import (
    Answer,
    CheckRequest,
    Event,
    FeedbackRequest,
    Health,
    Library,
    Plan,
    QueryRequest,
    SearchReply,
    SearchRequest,
    Verification,
)
from agent.settings import Settings
from agent.web.flights import Flight, Question, seen
from agent.web.lanes import Job, Lane, Work

SEARCHES = 4
CHECKS = 2
LOOKUPS = 2
FEEDBACKS = 2
PLANS = 4
WAITING_QUICK = 64  # searches and lookups take milliseconds: a longer line still moves within a second
WAITING_PLANS = 1_000  # each is a question that may be answered at once: a kept answer needs no turn in the queue
LOOKUP_TIMEOUT = 10.0
RECORDING = 0.1
"""Seconds that a known answer waits for its record, so that a flood of questions is not faster than the records."""

T = TypeVar("T")


class Answering(Protocol):
    """What the HTTP door needs of the service behind it; all but `recall` block, and several threads call them."""

    def recall(self, request: QueryRequest, *, user: str | None = None) -> Recalled | None:
        """Return what the same request was answered a moment ago, if it is known without a look at anything."""
        ...

    def plan(self, request: QueryRequest, *, user: str | None = None) -> Plan:
        """Say how a question will be answered, in milliseconds; an answer that is known comes with it."""
        ...

    def answer(self, plan: Plan, cancel: CancelToken) -> Iterator[Event]:
        """Yield events, an `AnswerEvent` last; stop soon after `cancel`, whose callbacks must not block."""
        ...

    def keep(self, plan: Plan, answer: Answer, *, user: str | None = None) -> Answer:
        """Return a client's own copy of what `answer` gave, recorded; in milliseconds, and always."""
        ...

    def search(self, request: SearchRequest) -> SearchReply:
        """Return passages without an LLM."""
        ...

    def check(self, request: CheckRequest) -> Verification:
        """Check code against a library's API, in a time that its length bounds."""
        ...

    def picture(self, name: str) -> bytes:
        """Return the PNG of a run, by the name that the answer gave."""
        ...

    def feedback(self, request: FeedbackRequest, *, user: str | None = None) -> None:
        """Record what somebody says of an answer; once this returns, it is kept."""
        ...

    def api_keys(self) -> tuple[ApiKey, ...]:
        """Return the API keys that were made."""
        ...

    def forget(self, user: str) -> int:
        """Delete what a user asked and said; return how many answers and opinions went."""
        ...

    def libraries(self) -> tuple[Library, ...]:
        """Return what is indexed."""
        ...

    def health(self) -> Health:
        """Return cheaply whether a question could be answered."""
        ...

    def close(self) -> None:
        """Release what it holds."""
        ...


class Bridge:
    """A service behind some lanes, so that a search, a check or a look-up never waits for the LLM.

    Attributes:
        heartbeat: seconds after which a stream that has nothing to tell says so.
    """

    def __init__(self, service: Answering, settings: Settings, telemetry: Telemetry) -> None:
        self._service = service
        self._telemetry = telemetry
        self.heartbeat = settings.heartbeat
        timeout = settings.request_timeout
        quick = min(timeout, LOOKUP_TIMEOUT)
        self._questions = self._lane("question", settings.concurrency, settings.queue_size, timeout)
        self._plans = self._lane("new question", PLANS, WAITING_PLANS, quick)
        self._flights: dict[str, Flight] = {}
        self._waiting: tuple[Future[None], asyncio.Future[None]] | None = None
        self._hits, self._misses = (telemetry.metrics.cache.labels(result) for result in ("hit", "miss"))
        self._searches = self._lane("search", SEARCHES, WAITING_QUICK, timeout)
        self._checks = self._lane("check", CHECKS, WAITING_QUICK, timeout)
        # Its own: while the records are locked or down, the state of the service can still be looked up.
        self._feedback = self._lane("feedback", FEEDBACKS, WAITING_QUICK, quick)
        self._lookups = self._lane("look-up", LOOKUPS, WAITING_QUICK, quick)
        self._keys = self._lane("key", 1, WAITING_QUICK, quick)  # no flood may keep a revoked key alive

    def _lane(self, name: str, running: int, waiting: int, timeout: float) -> Lane:
        metrics = self._telemetry.metrics
        waited = metrics.wait_seconds.labels(name).observe
        lane = Lane(name, running=running, waiting=waiting, timeout=timeout, waited=waited)
        metrics.watch_lane(name, lane.waiting, lane.running)
        return lane

    async def recall(self, request: QueryRequest, user: str | None = None) -> Answer | None:
        """Do `Answering.recall`, and wait until the answer is recorded, or could not be, for a moment at most."""
        recalled = self._service.recall(request, user=user)
        if recalled is None:
            return None
        self._hits.inc()
        if recalled.recorded is not None:
            await asyncio.wait((self._waiting_for(recalled.recorded),), timeout=RECORDING)
        return recalled.answer

    def _waiting_for(self, written: Future[None]) -> asyncio.Future[None]:
        """Return the same for all who wait for the same: the loop is woken once."""
        if self._waiting is None or self._waiting[0] is not written:
            shared = asyncio.wrap_future(written)
            shared.add_done_callback(seen)  # the recorder tells of it
            self._waiting = written, shared
        return self._waiting[1]

    def query(self, request: QueryRequest, user: str | None = None) -> Question:
        """Start `Answering.plan`, and what follows from it; raises `Overloaded`, as the question's first event may."""

        def plan() -> Plan:
            found = self._service.plan(request, user=user)
            if found.key:
                (self._hits if found.known else self._misses).inc()
            return found

        return Question(self._plans.submit(_once(plan)), self, user)

    def board(self, plan: Plan) -> Flight:
        """Start `Answering.answer`, or join those who have asked the same; raises `Overloaded`."""
        flight = self._flights.get(plan.key)
        if flight is None:
            flight = Flight(self._answering(plan), lambda: self._flights.pop(plan.key, None))
            if plan.key:
                self._flights[plan.key] = flight
        return flight.board()

    def keep(self, plan: Plan, answer: Answer, user: str | None) -> Answer:
        """Do `Answering.keep` in the calling thread."""
        return self._service.keep(plan, answer, user=user)

    def ahead(self, job: Job[Any]) -> int:
        """Return how many questions will be answered before one that waits."""
        return self._questions.ahead(job)

    def _answering(self, plan: Plan) -> Job[Event]:
        def work(cancel: CancelToken) -> Generator[Event, None, None]:
            yield from self._telemetry.answering(plan.request, lambda: self._service.answer(plan, cancel))

        return self._questions.submit(work)

    def search(self, request: SearchRequest) -> Job[SearchReply]:
        """Start `Answering.search`; raises `Overloaded`."""
        return self._searches.submit(_once(lambda: self._service.search(request)))

    def check(self, request: CheckRequest) -> Job[Verification]:
        """Start `Answering.check`; raises `Overloaded`."""
        return self._checks.submit(_once(lambda: self._service.check(request)))

    def picture(self, name: str) -> Job[bytes]:
        """Start `Answering.picture`; raises `Overloaded`."""
        return self._lookups.submit(_once(lambda: self._service.picture(name)))

    def feedback(self, request: FeedbackRequest, user: str | None = None) -> Job[None]:
        """Start `Answering.feedback`; raises `Overloaded`."""
        return self._feedback.submit(_once(lambda: self._service.feedback(request, user=user)))

    def api_keys(self) -> Job[tuple[ApiKey, ...]]:
        """Start `Answering.api_keys`; raises `Overloaded`."""
        return self._keys.submit(_once(self._service.api_keys))

    def forget(self, user: str) -> Job[int]:
        """Start `Answering.forget`; raises `Overloaded`."""
        return self._feedback.submit(_once(lambda: self._service.forget(user)))

    def libraries(self) -> Job[tuple[Library, ...]]:
        """Start `Answering.libraries`; raises `Overloaded`."""
        return self._lookups.submit(_once(self._service.libraries))

    def health(self) -> Job[Health]:
        """Start `Answering.health`; raises `Overloaded`."""
        return self._lookups.submit(_once(self._service.health))

    def stop(self, grace: float) -> None:
        """Cancel what still runs after `grace` seconds, and then accept nothing more."""
        for lane in self._lanes():
            lane.stop(grace)

    async def close(self) -> None:
        """Cancel everything and end the threads; the service itself stays open."""
        await asyncio.gather(*(lane.close() for lane in self._lanes()))

    def _lanes(self) -> tuple[Lane, ...]:
        return self._plans, self._questions, self._searches, self._checks, self._feedback, self._lookups, self._keys


def _once(call: Callable[[], T]) -> Work[T]:
    def work(_: CancelToken) -> Generator[T, None, None]:
        yield call()

    return work
