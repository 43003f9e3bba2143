"""One hop from the event loop to worker threads: bounded, cancellable, and never blocking the loop.

A `Lane` owns a few threads and a short line of waiting `Job`s. A job's thread may be some events ahead of a slow
client, then it waits; it gives up when its job is closed. A place in the lane is free again when the *thread* is done,
not when the client has gone, so that no more work runs than was allowed.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from contextvars import copy_context
from functools import partial
from typing import Any, Generic, TypeVar

from msgspec import Struct

from agent.cancellation import CancelToken
from agent.errors import AgentError, Cancelled, ModelTimeout, Overloaded

EVENTS_AHEAD = 64
FAREWELL = 2.0  # seconds that cancelled threads have to end in

T = TypeVar("T")
Work = Callable[[CancelToken], Generator[T, None, None]]


class Mailbox:
    """Calls that threads leave for the event loop, which is woken once for all that have come together.

    Waking it costs a system call on either side, and each lets other threads take the interpreter from it: with a
    thousand streams that is what the loop would mostly do.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._letters: deque[Callable[[], None]] = deque()
        self._woken = False

    def post(self, call: Callable[[], None]) -> None:
        """Let the loop call something soon, in the order of posting; from any thread."""
        self._letters.append(call)
        if not self._woken:  # two threads may both see that, which only wakes the loop twice
            self._woken = True
            with suppress(RuntimeError):  # the loop was closed in the meantime: nobody listens any more
                self._loop.call_soon_threadsafe(self._read)

    def _read(self) -> None:
        self._woken = False  # first: whoever posts from here on wakes the loop again
        for _ in range(len(self._letters)):
            self._letters.popleft()()


class _End(Struct, frozen=True):
    """The last item of a job: why there are no more."""

    reason: Exception


class Job(Generic[T]):
    """The work of one request: iterate over what its thread yields, and `close` it when nobody wants more.

    All methods but `run` belong to the event loop's thread.

    Args:
        work: a generator function; runs in a worker thread and should end soon after its token is cancelled.
        mailbox: of the event loop.
        released: called once the job takes no thread and no place in line any more.
    """

    def __init__(self, work: Work[T], mailbox: Mailbox, released: Callable[[Job[T]], None]) -> None:
        self.submitted = time.monotonic()
        self.started: float | None = None
        self.context = copy_context()  # with the request's id and span, for the thread
        self._work = work
        self._mailbox = mailbox
        self._released = released
        self._cancel = CancelToken()
        self._room = threading.Semaphore(EVENTS_AHEAD)
        self._items: asyncio.Queue[T | _End] = asyncio.Queue()  # `_room` bounds it

    def __aiter__(self) -> Job[T]:
        return self

    async def __anext__(self) -> T:
        item = await self._items.get()
        if isinstance(item, _End):
            self._items.put_nowait(item)  # asked again, it says the same
            if isinstance(item.reason, StopAsyncIteration):
                raise StopAsyncIteration  # a new one: its traceback would tie the whole job into a cycle
            raise item.reason
        self._room.release()
        return item

    async def last(self) -> T:
        """Wait for the end and return the last item.

        Raises:
            AgentError: what the work raised.
        """
        items = [item async for item in self]
        if not items:
            raise RuntimeError("The service ended without a result.")
        return items[-1]

    def close(self) -> None:
        """Cancel the work, running or waiting; after its end this does nothing."""
        self.fail(Cancelled("The caller has gone."))

    def fail(self, reason: AgentError) -> None:
        """Cancel the work and let the iteration end with `reason`."""
        if self._cancel.cancelled:
            return
        self._cancel.cancel()  # before `started` is read: either `run` sees it, or we see that it never began
        self._items.put_nowait(_End(reason))
        if self.started is None:
            self._released(self)

    def run(self) -> None:
        """Do the work in the calling thread, and hand over what it yields or raises; `started` is set before."""
        reason: Exception = StopAsyncIteration()
        try:
            self._cancel.check()
            with self._cancel.calls(self._room.release), closing(self._work(self._cancel)) as items:
                for item in items:
                    self._room.acquire()
                    self._cancel.check()
                    self._mailbox.post(partial(self._items.put_nowait, item))
        except Exception as error:  # noqa: BLE001 - not swallowed: it is raised where the job is awaited
            reason = error
        self._mailbox.post(partial(self._items.put_nowait, _End(reason)))
        self._mailbox.post(partial(self._released, self))


class Lane:
    """Some threads, and a bounded line in front of them; lives in one event loop.

    Args:
        name: what one job is, in messages (`question`).
        running: number of threads.
        waiting: how many more jobs may wait.
        timeout: seconds that a job may take, waiting included.
        waited: told how many seconds each job was in line, in its thread.
    """

    def __init__(
        self,
        name: str,
        *,
        running: int,
        waiting: int,
        timeout: float,
        waited: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._name = name
        self._waited = waited
        self._running = running
        self._capacity = running + waiting
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._mailbox = Mailbox()
        self._deadlines: dict[Job[Any], asyncio.TimerHandle] = {}
        self._inbox: deque[Job[Any] | None] = deque()  # no queue: withdrawn jobs are taken out of its middle
        self._arrivals = threading.Semaphore(0)  # at least one for each job in the inbox
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False
        self._typical = 1.0  # seconds that a job has lately taken in its thread
        for number in range(running):
            # Daemons, so that work which ignores its cancellation cannot keep the process from ending.
            threading.Thread(target=self._serve, name=f"{name}-{number}", daemon=True).start()

    def waiting(self) -> int:
        """Return how many jobs are in line."""
        return len(self._inbox)

    def running(self) -> int:
        """Return how many jobs have a thread."""
        return len(self._deadlines) - len(self._inbox)

    def submit(self, work: Work[T]) -> Job[T]:
        """Put `work` in line.

        Raises:
            Overloaded: the line is full, or the service is stopping.
        """
        if self._stopping:
            raise self._farewell()
        if len(self._deadlines) >= self._capacity:
            turns = len(self._deadlines) / self._running
            wait = max(1.0, min(turns * self._typical, self._timeout))
            raise Overloaded(
                f"All {self._capacity} places for a {self._name} are taken.",
                remedy=f"Come back in {math.ceil(wait)} s.",
                retry_after=wait,
            )
        job = Job(work, self._mailbox, self._forget)
        late = ModelTimeout(
            f"The {self._name} was given up after {self._timeout:g} seconds.", remedy="Ask again later."
        )
        self._deadlines[job] = self._loop.call_later(self._timeout, job.fail, late)
        self._idle.clear()
        self._put(job)
        return job

    def ahead(self, job: Job[Any]) -> int:
        """Return how many jobs come before one that waits; 0 if it does not wait."""
        return list(self._deadlines).index(job) if job.started is None and job in self._deadlines else 0

    def stop(self, grace: float) -> None:
        """Cancel what still runs after `grace` seconds, and then accept nothing more.

        Until then jobs are taken: the server lets no new requests in, but some that it let in have not come this far.
        """
        self._loop.call_later(grace, self._end)

    async def close(self) -> None:
        """Cancel everything and end the threads, waiting a moment for them."""
        self._end()
        with suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL):
                await self._idle.wait()
        for _ in range(self._running):
            self._put(None)

    def _end(self) -> None:
        self._stopping = True
        for job in list(self._deadlines):
            job.fail(self._farewell())

    def _farewell(self) -> Overloaded:
        return Overloaded("The service is stopping.", remedy="Ask again when it is back.", retry_after=10)

    def _put(self, job: Job[Any] | None) -> None:
        self._inbox.append(job)
        self._arrivals.release()

    def _serve(self) -> None:
        while True:
            self._arrivals.acquire()
            try:
                job = self._inbox.popleft()
            except IndexError:  # it was withdrawn
                continue
            if job is None:
                return
            job.started = time.monotonic()
            self._waited(job.started - job.submitted)
            job.context.run(job.run)

    def _forget(self, job: Job[Any]) -> None:
        deadline = self._deadlines.pop(job, None)
        if deadline is None:  # withdrawn while waiting; its thread has now seen that
            return
        deadline.cancel()
        if job.started is None:
            with suppress(ValueError):  # a thread has just taken it, and will see that it was withdrawn
                self._inbox.remove(job)
        else:
            self._typical += 0.3 * (time.monotonic() - job.started - self._typical)
        if not self._deadlines:
            self._idle.set()
