"""Lexical tokens for BM25, cut the same way from sources and from questions."""

from __future__ import annotations

import re
from functools import lru_cache

_DOTTED = re.compile(r"\w+(?:\.\w+)*")
# A run of capitals ends before a capitalised word (`GPUBuffer`); "2D", "3d" and "v2" stay together.
_PARTS = re.compile(r"\d+[a-zA-Z](?![a-z])|[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*(?![a-zA-Z])|[A-Z]?[a-z]+|\d+")

# Words that frame a question without telling what it is about. They are rare in code, so BM25 would prize them.
_FRAME = (
    "a about all an and any are as at be been both but by can could did do does for from had has have how i if "
    "in into is it its me my no not of on one or our should so some such than that the their them then there "
    "these they this those to too use used using was we were what when where which while who why will with "
    "would you your"
)
_STOP = frozenset(_FRAME.split())
_IRREGULAR = {
    "axes": "axis",
    "bases": "base",
    "caches": "cache",
    "indices": "index",
    "matrices": "matrix",
    "radii": "radius",
    "vertices": "vertex",
}
_LONGEST = 120  # encoded data, not a name
_SHORTEST = 4  # "gas" is no plural, and "tie" has no y
_SINGULAR = frozenset({"alias", "atlas", "bias", "canvas", "lens", "series"})


def code_tokens(text: str) -> list[str]:
    """Cut text into lower-case tokens: identifiers whole and in their parts, plurals as singulars.

    `fury.ui.Panel2D` gives `fury.ui.panel2d`, `fury`, `ui`, `panel2d`, `panel` and `2d`.

    Args:
        text: source code, prose or a question.

    Returns:
        The tokens in order, repeated as often as they occur; words such as "how" and "the" are left out.
    """
    tokens: list[str] = []
    for found in _DOTTED.findall(text):
        if len(found) <= _LONGEST:
            tokens += _tokens(found)
    return tokens


def words(name: str) -> str:
    """Spell a dotted name in plain words: `ui.ShowManager.add_item` becomes "ui show manager add item"."""
    return " ".join(_PARTS.findall(name)).lower()


@lru_cache(maxsize=50_000)
def _tokens(dotted: str) -> tuple[str, ...]:
    names = dotted.split(".")
    tokens = [dotted.lower()] if len(names) > 1 else []
    for name in names:
        whole = name.lower()
        parts = _PARTS.findall(name) if name.isascii() else [part for part in name.split("_") if part]
        if parts != [name]:
            tokens.append(whole)
        tokens += [_singular(part) for part in map(str.lower, parts) if part not in _STOP]
    return tuple(tokens)


def _singular(word: str) -> str:
    """Take off a plural ending; both sides are treated alike, so it need not be a word."""
    if len(word) < _SHORTEST or not word.endswith("s"):
        return word
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith(("ss", "us", "is")) or word in _SINGULAR:
        return word
    if word.endswith("ies"):
        return word[:-3] + "y" if len(word) > _SHORTEST else word[:-1]
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1]
