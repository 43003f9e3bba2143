"""Runs the code of answers: a few at a time, and what they show is kept where a browser can fetch it."""

from __future__ import annotations

import threading
import time

from agent.cancellation import CancelToken
from agent.errors import SandboxUnavailable
from agent.sandbox import Sandbox, keep_picture
from agent.schema import Ran
from agent.settings import Settings

_TICK = 0.1  # seconds between two looks whether the caller is still there


class Turns:
    """How many runs there may be at a time, over all versions of all libraries."""

    def __init__(self, number: int) -> None:
        self._semaphore = threading.BoundedSemaphore(number)

    def wait(self, seconds: float, cancel: CancelToken) -> None:
        """Wait for a turn; `done` gives it back.

        Raises:
            SandboxUnavailable: there was none in time.
            Cancelled: the caller has gone.
        """
        deadline = time.monotonic() + seconds
        while not self._semaphore.acquire(timeout=_TICK):
            cancel.check()
            if time.monotonic() > deadline:
                raise SandboxUnavailable("The sandbox is busy with other answers.", remedy="Ask again later.")

    def done(self) -> None:
        """Give the turn back."""
        self._semaphore.release()


class CodeRunner:
    """Runs programs with one version of a library; can be used by many threads at once.

    Args:
        settings: name the limits and the data directory.
        library: name of the library.
        version: the version whose environment was prepared.
        turns: shared by all runners of a process.
    """

    def __init__(self, settings: Settings, library: str, version: str, turns: Turns) -> None:
        self._settings = settings
        self._release = (library, version)
        self._turns = turns

    def run(self, code: str, cancel: CancelToken) -> Ran:
        """Run a program and keep its picture.

        Raises:
            SandboxUnavailable: it cannot be run here, or not now; the message says why.
            Cancelled: the caller has gone.
            StorageError: the picture cannot be kept.
        """
        sandbox = Sandbox(self._settings, *self._release)  # each time: its environment may be prepared meanwhile
        self._turns.wait(self._settings.sandbox_timeout, cancel)
        try:
            result = sandbox.run(code, cancel=cancel)
        finally:
            self._turns.done()
        name = keep_picture(result.image, self._settings) if result.image is not None else None
        return Ran(result.ok, round(result.seconds, 3), f"/pictures/{name}" if name else None, result.error)
