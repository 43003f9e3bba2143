"""How the ways to call something differ between two versions."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Literal

from msgspec import Struct

from agent.symbols import Parameter

What = Literal[
    "parameter added",
    "parameter removed",
    "parameter renamed",
    "parameter made required",
    "parameter made optional",
    "parameter default",
    "parameter kind",
    "parameter order",
    "returns",
    "kind",
    "deprecated",
]
OF_ARGUMENTS = re.compile(r"^\w*(?:warn_on_args|arg|param)\w*\(", re.IGNORECASE)
"""A deprecation that is about some arguments, not about the whole definition: the decorator says so by its name."""
_ALIKE = 0.6
"""Least similarity of two names for a rename: `center` and `centers` are, `size` and `scale` are not."""
_POSITIONAL = frozenset({"positional_only", "positional_or_keyword"})
_VARIADIC = {"var_positional": "*", "var_keyword": "**"}


class Change(Struct, frozen=True, omit_defaults=True):
    """One thing that is different about a name which both versions have.

    Attributes:
        name: the parameter, by its new name where it was renamed; empty where the change is not about one.
        before, after: as declared (`colors=(1, 0, 0)`), or the kinds or annotations; None where there is none.
    """

    what: What
    name: str = ""
    before: str | None = None
    after: str | None = None

    def __str__(self) -> str:
        if self.before is None or self.after is None:
            return f"{self.what}: {self.after or self.before}"
        return f"{self.what}: {self.before} -> {self.after}"


def parameter_changes(old: Sequence[Parameter], new: Sequence[Parameter]) -> tuple[Change, ...]:
    """Compare what a caller may pass, in the order of the declarations; annotations are not held against each other."""
    before = {_key(parameter): parameter for parameter in old}
    after = {_key(parameter): parameter for parameter in new}
    renamed = _renamed(old, new)
    gone = [key for key in before if key not in after and key not in renamed]
    come = [key for key in after if key not in before and key not in renamed.values()]
    pairs = [(before[key], after[renamed.get(key, key)]) for key in before if renamed.get(key, key) in after]
    return (
        *(Change("parameter removed", before[key].name, before=declared(before[key])) for key in gone),
        *(Change("parameter added", after[key].name, after=declared(after[key])) for key in come),
        *chain.from_iterable(_changes(*pair) for pair in pairs),
        *_order(old, new),
    )


def declared(parameter: Parameter) -> str:
    """Return a parameter as it is declared, without its annotation."""
    name = _VARIADIC.get(parameter.kind, "") + parameter.name
    return name if parameter.default is None else f"{name}={_normal(parameter.default)}"


def _key(parameter: Parameter) -> str:
    """What callers know a parameter by: how `*args` is called is nobody's business."""
    return _VARIADIC.get(parameter.kind, parameter.name)


def _renamed(old: Sequence[Parameter], new: Sequence[Parameter]) -> dict[str, str]:
    """Find parameters that kept their position and much of their name."""
    before = {_key(parameter) for parameter in old}
    after = {_key(parameter) for parameter in new}
    return {
        was.name: now.name
        for was, now in zip(old, new, strict=False)
        if was.name != now.name
        and was.kind not in _VARIADIC
        and now.kind not in _VARIADIC
        and was.name not in after
        and now.name not in before
        and difflib.SequenceMatcher(None, was.name, now.name).ratio() >= _ALIKE
    }


def _changes(was: Parameter, now: Parameter) -> Iterator[Change]:
    if was.kind in _VARIADIC:
        return
    if was.name != now.name:
        yield Change("parameter renamed", now.name, was.name, now.name)
    if was.default is not None and now.default is None:
        yield Change("parameter made required", now.name, declared(was), declared(now))
    elif was.default is None and now.default is not None:
        yield Change("parameter made optional", now.name, declared(was), declared(now))
    elif was.default and now.default and _normal(was.default) != _normal(now.default):
        yield Change("parameter default", now.name, declared(was), declared(now))
    if was.kind != now.kind:
        yield Change("parameter kind", now.name, f"{was.name} {_words(was.kind)}", _words(now.kind))


def _order(old: Sequence[Parameter], new: Sequence[Parameter]) -> Iterator[Change]:
    """Say so if what callers pass by position would now land on other parameters that were there before."""
    before = [parameter.name for parameter in old if parameter.kind in _POSITIONAL]
    after = [parameter.name for parameter in new if parameter.kind in _POSITIONAL]
    before, after = [name for name in before if name in after], [name for name in after if name in before]
    if before != after:
        yield Change("parameter order", before=", ".join(before), after=", ".join(after))


def _words(kind: str) -> str:
    return kind.replace("_", " ")


@lru_cache(maxsize=4096)
def _normal(default: str) -> str:
    """Spell a default in one way: quotes and spaces are no change."""
    try:
        return ast.unparse(ast.parse(default, mode="eval"))
    except (SyntaxError, ValueError, RecursionError):
        return default
