"""A circuit breaker: a server that keeps failing is left alone for a while, so that nobody waits for it in vain.

Libraries for this hold a lock for as long as the guarded call lasts; an answer lasts minutes, and others must pass.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

FAILURES = 3
"""In a row; one may be chance, and what is safe to repeat was repeated already."""
REST = 30.0
"""Seconds: about what a model server needs to be restarted by whoever watches over it."""


class Circuit:
    """Says whether a server is worth asking; thread-safe.

    After a rest, one caller is let through to try. The others go on doing without for another rest, or until it has
    succeeded; a trial that is withdrawn needs no clearing up.

    Args:
        failures: failures in a row after which the server rests.
        rest: seconds that it rests.
        clock: seconds from any fixed moment.
    """

    def __init__(
        self, *, failures: int = FAILURES, rest: float = REST, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = failures
        self._rest = rest
        self._clock = clock
        self._lock = threading.Lock()
        self._failed = 0
        self._until = float("-inf")

    @property
    def is_open(self) -> bool:
        """Whether the server has kept failing, and nothing has succeeded since."""
        return self._failed >= self._limit

    def allows(self) -> bool:
        """Return whether to ask the server now; report the outcome with `failed` or `succeeded`."""
        with self._lock:
            now = self._clock()
            if now < self._until:
                return False
            if self.is_open:
                self._until = now + self._rest
            return True

    def failed(self) -> None:
        """Note that the server did not do its work."""
        with self._lock:
            self._failed += 1
            if self.is_open:
                self._until = self._clock() + self._rest

    def succeeded(self) -> None:
        """Note that it did."""
        with self._lock:
            self._failed, self._until = 0, float("-inf")
