"""Equal questions at the same time are answered once, and each client can leave without ending it for the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from agent.errors import Cancelled
from agent.schema import Answer, AnswerEvent, Event, Plan
from agent.web.lanes import Job

T = TypeVar("T")


class Flight:
    """One answer that is being written, for all who have boarded.

    It goes as fast as its foremost client takes events, and later ones are given all that they missed.

    Args:
        job: writes the answer.
        over: called, once, when the flight takes nobody any more.
    """

    def __init__(self, job: Job[Event], over: Callable[[], object]) -> None:
        self.job = job
        self._over = over
        self._events: list[Event] = []
        self._next: asyncio.Task[Event] | None = None
        self._aboard = 0

    def board(self) -> Flight:
        """Take one more client."""
        self._aboard += 1
        return self

    def leave(self) -> None:
        """Let a client go; the work ends with the last one."""
        self._aboard -= 1
        if not self._aboard:
            self._land()
            self.job.close()

    def event(self, number: int) -> asyncio.Future[Event]:
        """Return the event of that number, at most one beyond what has come; it may not be cancelled by its clients."""
        if number < len(self._events):
            come: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
            come.set_result(self._events[number])
            return come
        if self._next is None:
            self._next = asyncio.create_task(self._fetch())
            self._next.add_done_callback(seen)
        return self._next

    async def _fetch(self) -> Event:
        try:
            event = await anext(self.job)
        except BaseException:
            self._land()
            raise
        self._events.append(event)
        self._next = None
        return event

    def _land(self) -> None:
        over, self._over = self._over, lambda: None
        over()


class Journey(Protocol):
    """What a question needs of the bridge."""

    def board(self, plan: Plan) -> Flight:
        """Return the flight that answers a plan; raises `Overloaded`."""
        ...

    def keep(self, plan: Plan, answer: Answer, user: str | None) -> Answer:
        """Return the client's own copy of an answer; blocks for some milliseconds."""
        ...

    def ahead(self, job: Job[Any]) -> int:
        """Return how many jobs come before one that waits; 0 if it doesn't."""
        ...


class Question:
    """One client's question: iterate over its events, and `close` it when nobody wants more.

    Args:
        planning: says how it will be answered.
        journey: where to go on from there.
        user: whoever asks, in the caller's own terms.
    """

    def __init__(self, planning: Job[Plan], journey: Journey, user: str | None) -> None:
        self._planning = planning
        self._journey = journey
        self._user = user
        self._plan: Plan | None = None
        self._flight: Flight | None = None
        self._told = 0
        self._keeping: asyncio.Task[Answer] | None = None
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def __aiter__(self) -> Question:
        return self

    async def __anext__(self) -> Event:
        """Return the next event; a wait that is cancelled loses none.

        Raises:
            AgentError: what the planning or the answering raised; `Cancelled` once it was closed.
        """
        if self._plan is None:
            self._plan = await anext(self._planning)
        if self._plan.known:
            if self._told == len(self._plan.known):
                raise StopAsyncIteration
            event = self._plan.known[self._told]
        else:
            event = await self._flown(self._plan)
        self._told += 1
        return event

    async def last(self) -> Event:
        """Wait for the end and return the last event."""
        last: Event | None = None
        async for event in self:
            last = event
        if last is None:
            raise RuntimeError("The service ended without a result.")
        return last

    @property
    def ahead(self) -> int:
        """How many questions will be answered before this one is begun."""
        return self._journey.ahead(self._flight.job) if self._flight is not None else 0

    @property
    def begun(self) -> bool:
        """Whether it is neither looked into nor in line any more."""
        if self._flight is not None:
            return self._flight.job.started is not None
        return self._plan is not None and bool(self._plan.known)

    def close(self) -> None:
        """Leave; after the end this does nothing."""
        if self._gone.done():
            return
        self._gone.set_result(None)
        self._planning.close()
        if self._flight is not None:
            self._flight.leave()

    async def _flown(self, plan: Plan) -> Event:
        if self._flight is None:
            if self._gone.done():
                raise Cancelled("The caller has gone.")
            self._flight = self._journey.board(plan)
        event = await self._unless_gone(self._flight.event(self._told))
        if not isinstance(event, AnswerEvent):
            return event
        if self._keeping is None:
            self._keeping = asyncio.create_task(asyncio.to_thread(self._journey.keep, plan, event.answer, self._user))
        return AnswerEvent(await self._unless_gone(self._keeping))

    async def _unless_gone(self, future: asyncio.Future[T]) -> T:
        await asyncio.wait((future, self._gone), return_when=asyncio.FIRST_COMPLETED)
        if self._gone.done():
            raise Cancelled("The caller has gone.")
        return future.result()


def seen(future: asyncio.Future[Any]) -> None:
    """Look at what was raised, which asyncio would otherwise report where nobody waits for it any more."""
    if not future.cancelled():
        future.exception()
