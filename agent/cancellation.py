"""A flag that says "nobody waits for this any more", shared between the caller and the working thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

from agent.errors import Cancelled


class CancelToken:
    """Thread-safe, one-way: once cancelled it stays so."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = False
        self._callbacks: list[Callable[[], None]] = []

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled

    def cancel(self) -> None:
        """Cancel, and run what waits for it in the calling thread; later calls do nothing."""
        with self._lock:
            if self._cancelled:
                return
            self._cancelled = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def check(self) -> None:
        """Raise `Cancelled` if it was cancelled; call it between steps that cannot be interrupted."""
        if self._cancelled:
            raise Cancelled("The question was withdrawn by its caller.")

    @contextmanager
    def calls(self, callback: Callable[[], None]) -> Generator[None]:
        """Run `callback` if cancellation comes while the block runs, or at once if it already has."""
        with self._lock:
            late = self._cancelled
            if not late:
                self._callbacks.append(callback)
        if late:
            callback()
        try:
            yield
        finally:
            with self._lock:
                if callback in self._callbacks:
                    self._callbacks.remove(callback)
