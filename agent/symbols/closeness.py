"""Which real name an invented one surely stands for: a slip of the pen or another convention, never another word."""

from __future__ import annotations

import os.path
from collections.abc import Iterable, Sequence

_VERBS = frozenset({"add", "create", "make", "draw", "get", "new"})
_NOUNS = frozenset({"actor"})
_SHORTEST = 4  # beyond that, one letter makes another word: `x` and `y`, `get` and `set`


def same_name(name: str, candidates: Iterable[str]) -> str | None:
    """Return the one candidate that `name` surely stands for.

    That is one which differs in case and underscores only (`showManager`), else one from which a single word of at
    least four letters differs by one letter that is not its first (`spheres`), or which lacks an empty word
    (`create_sphere`). Where two would do, neither is meant.
    """
    others = sorted({other for other in candidates if other != name})
    alike = [other for other in others if _folded(other) == _folded(name)]
    if alike:
        return alike[0] if len(alike) == 1 else None
    words = _words(name)
    shorter = {"".join(rest).lower() for rest in _without_empty_words(words)}
    near = [other for other in others if _folded(other) in shorter or _one_letter_apart(words, _words(other))]
    return near[0] if len(near) == 1 else None


def _folded(name: str) -> str:
    return name.replace("_", "").lower()


def _words(name: str) -> list[str]:
    return [word for word in name.lower().split("_") if word]


def _without_empty_words(words: Sequence[str]) -> Iterable[Sequence[str]]:
    if len(words) > 1 and words[0] in _VERBS:
        yield words[1:]
    if len(words) > 1 and words[-1] in _NOUNS:
        yield words[:-1]


def _one_letter_apart(words: Sequence[str], others: Sequence[str]) -> bool:
    if len(words) != len(others):
        return False
    different = [pair for pair in zip(words, others, strict=True) if pair[0] != pair[1]]
    return len(different) == 1 and _is_slip(*different[0])


def _is_slip(word: str, other: str) -> bool:
    """Whether one letter was dropped, added or replaced, or two were swapped, after the first."""
    short, long = sorted((word, other), key=len)
    start = len(os.path.commonprefix([short, long]))
    if len(short) < _SHORTEST or start == 0:
        return False
    rest, longer = short[start:], long[start:]
    dropped = rest == longer[1:]
    replaced = len(short) > _SHORTEST and rest[1:] == longer[1:]
    swapped = len(short) == len(long) and rest[:2] == longer[1::-1] and rest[2:] == longer[2:]
    return dropped or replaced or swapped
