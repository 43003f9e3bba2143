"""What a fix is: edits that belong together, and what they do in words."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from agent.repair.places import Edit


class Fix(Struct, frozen=True):
    """Edits that belong together, and what they do in words."""

    edits: tuple[Edit, ...]
    words: str


def fix_of(edits: Sequence[Edit | None], words: str) -> Fix | None:
    """Return the fix that makes these edits, or None where one of them cannot be made, or there is none."""
    made = tuple(edit for edit in edits if edit is not None)
    return Fix(made, words) if made and len(made) == len(edits) else None


def listed(names: Sequence[str]) -> str:
    """Return names as prose lists them."""
    return ", ".join(f"`{name}`" for name in names)
