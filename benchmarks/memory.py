"""Memory of this process as the kernel counts it."""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

_EVERY = 0.02
"""Seconds between two looks: one takes 0.05 ms, and what is held for less than that is missed."""


def memory(field: str) -> float:
    """Return a figure of this process, in 10^6 bytes.

    Args:
        field: of `/proc/self/status`. `VmRSS` is all that is resident, `VmHWM` its peak. `RssAnon` is that part of it
            which cannot be read from a file again; the rest is pages of mapped files, which the kernel takes back when
            it needs memory.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(f"{field}:"))


class AnonymousMemory:
    """Watches the peak of anonymous memory, stage by stage; the kernel keeps only that of all memory.

    Attributes:
        peaks: of each stage so far, in 10^6 bytes.
    """

    def __init__(self) -> None:
        self.peaks: dict[str, float] = {}
        self._stage = "before"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def begin(self, stage: str) -> None:
        """Count what follows to another stage."""
        self._stage = stage
        self._look()

    def _watch(self) -> None:
        while not self._over.wait(_EVERY):
            self._look()

    def _look(self) -> None:
        stage = self._stage
        self.peaks[stage] = max(self.peaks.get(stage, 0.0), memory("RssAnon"))
