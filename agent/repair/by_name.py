"""Which parameter an argument is that is passed by position and may only be passed by name."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from agent.symbols import Parameter

_SINGULARS = {"radii": "radius", "vertices": "vertex", "indices": "index", "us": "us", "ss": "ss", "s": ""}
"""Endings of plurals, the longest first -> those of their singulars."""


def parameters_meant(
    arguments: Sequence[ast.expr], parameters: Sequence[Parameter], *, in_order: bool
) -> list[str] | None:
    """Return the parameter that each argument surely is, or None where one of them is not sure.

    An argument is the parameter that is called as it is (`colors[i]`, `options.colors`, `color`, `cube_colors`), or the
    only one whose default is a text, or a row, as it is. A number may be anything.

    Args:
        arguments: what is passed beyond the positional parameters, in order.
        parameters: what may be passed by name and is not, in order.
        in_order: whether the function is known to have taken them by position, in this order.
    """
    meant: list[str] = []
    for argument in arguments:
        free = [parameter for parameter in parameters if parameter.name not in meant]
        found = _called(argument, free) or _alike(argument, free)
        if found is None and in_order:
            found = _following(meant, parameters)
        if found is None or found in meant:
            return None
        meant.append(found)
    return meant


def plural_or_singular(name: str, names: Iterable[str]) -> str | None:
    """Return the only one of some names that is another number of a name (`radius`, `radii`)."""
    found = [other for other in names if other != name and _singular(other) == _singular(name)]
    return found[0] if len(found) == 1 else None


def _following(meant: Sequence[str], parameters: Sequence[Parameter]) -> str | None:
    names = [parameter.name for parameter in parameters]
    following = names[names.index(meant[-1]) + 1 :] if meant else names
    return following[0] if following else None


def _called(argument: ast.expr, parameters: Sequence[Parameter]) -> str | None:
    own = _own_name(argument)
    if own is None:
        return None
    names = [(parameter.name, _singular(parameter.name)) for parameter in parameters]
    found = [name for name, single in names if single == own] or [
        name for name, single in names if own.endswith(f"_{single}")
    ]
    return found[0] if len(found) == 1 else None


def _own_name(argument: ast.expr) -> str | None:
    match argument:
        case ast.Subscript(value=value):
            return _own_name(value)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return _singular(name)
        case _:
            return None


def _singular(name: str) -> str:
    low = name.lower()
    ending = next((plural for plural in _SINGULARS if low.endswith(plural)), "")
    return low.removesuffix(ending) + _SINGULARS.get(ending, "")


def _alike(argument: ast.expr, parameters: Sequence[Parameter]) -> str | None:
    kind = _kind(argument)
    alike = [parameter.name for parameter in parameters if kind is not None and _kind_of_default(parameter) == kind]
    return alike[0] if len(alike) == 1 else None


def _kind_of_default(parameter: Parameter) -> str | None:
    try:
        return _kind(ast.parse(parameter.default or "", mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _kind(node: ast.expr) -> str | None:
    match node:
        case ast.Constant(value=str()):
            return "text"
        case ast.Tuple() | ast.List():
            return "row"
        case _:
            return None
