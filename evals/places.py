"""What a search finds, whoever searched: the common measure of our retriever and of its peers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

DEPTH = 20
"""How many places of every search are scored."""


class Place(Struct, frozen=True):
    """A found place.

    Attributes:
        path: POSIX path relative to the repository root.
        symbols: definitions that it touches, the one with most of its lines first; empty for text without any.
        start_line, end_line: 1-based, inclusive.
    """

    path: str
    symbols: tuple[str, ...]
    start_line: int
    end_line: int


Search = Callable[[str], Sequence[Place]]
"""Question -> distinct places, best first, `DEPTH` of them where there are as many."""
