"""How much a place counts before a question's words are compared with its own."""

from __future__ import annotations

import re

from agent.manifest import Standing

PRIVATE = 0.7
"""Users can't call it."""
SHADER = 0.5
"""It has the words of geometry, but is asked for only by who says so."""
MODULE = 0.8
"""Imports and constants: it names everything and explains nothing."""
STALE = 0.5
"""It names what is not there any more: code outranks prose."""

HISTORY = 0.6
"""It tells how things were at some time, in the words of how they are."""

_ABOUT_SHADERS = re.compile(r"shader|wgsl|glsl", re.IGNORECASE)
_HISTORY = re.compile(r"(?:^|[/_.-])(?:release|change|changelog|history|news\b|whats?.?new)", re.IGNORECASE)
"""Paths of release notes and change logs; a migration guide is about how things are."""
_ABOUT_CHANGES = re.compile(
    r"chang|releas|version|deprecat|remov|renam|migrat|upgrad|introduced|added|\b(?:new|since|before|formerly|still"
    r"|no longer|anymore|used to)\b|\d\.\d",
    re.IGNORECASE,
)
_PRIVATE_NAME = re.compile(r"(?:^|\.)_(?!_)")


def prior(place: Standing, question: str, *, stale: bool = False) -> float:
    """Return the factor in (0, 1] on a place's score; `stale` where it names what is not there any more."""
    return _standing(place, question) * (STALE if stale else 1.0)


def _standing(place: Standing, question: str) -> float:
    if place.kind == "shader":
        return 1.0 if _ABOUT_SHADERS.search(question) else SHADER
    if place.kind == "section" and _HISTORY.search(place.path):
        return 1.0 if _ABOUT_CHANGES.search(question) else HISTORY
    if place.kind == "module" and place.symbol is None:
        return MODULE
    return PRIVATE if place.symbol is not None and _PRIVATE_NAME.search(place.symbol) else 1.0
