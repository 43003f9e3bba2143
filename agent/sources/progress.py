"""How long work reports where it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called now and then from the working thread, so it must be quick and must not raise."""

    def __call__(self, stage: str, done: int, total: int | None, /) -> None:
        """Say that `done` of `total` bytes of `stage` are through; `total` is None where it is not known."""


def silent(_stage: str, _done: int, _total: int | None, /) -> None:
    """Report to nobody."""
