"""Another call where a run failed over a method that the object has not: tried, and kept if the program then runs.

A function of the library that takes the object first is called as such (`slicer.show_slices(x)`, which is
`actor.show_slices(slicer, x)`), or the object's only method that begins or ends so (`panel.add`, `panel.add_element`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from agent.symbols import ApiModel, Symbol

_MISSING = re.compile(r"AttributeError: '(?P<cls>\w+)' object has no attribute '(?P<name>\w+)'")


def without_missing_method(code: str, error: str, api: ApiModel) -> str | None:
    """Return a program that calls something else in the place of a method that does not exist, or None.

    Args:
        code: a program that failed.
        error: what it said.
        api: the library's API model.
    """
    missing = _MISSING.search(error)
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if missing is None:
        return None
    name = missing["name"]
    imported = {node.asname or node.name for node in ast.walk(tree) if isinstance(node, ast.alias)}
    calls = [
        (node, node.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name
    ]
    calls = [(call, func) for call, func in calls if ast.unparse(func.value) not in imported]
    if not calls:
        return None
    function = _function(name, api)
    if function is not None:
        module, _, _ = (function.public or function.path).rpartition(".")
        return f"from {module} import {name}\n" + _edited(code, [_as_function(*call) for call in calls])
    method = _method(missing["cls"], name, api)
    return _edited(code, [_renamed(func, method) for _, func in calls]) if method is not None else None


Place = tuple[int, int, int, int, str]
"""First line, first column and last ones (1-based lines, columns in bytes), and what becomes of it."""


def _function(name: str, api: ApiModel) -> Symbol | None:
    """Return the only public function of a name, if it takes something by position."""
    functions = [s for s in api.find(name) if s.kind == "function" and s.public and s.public.endswith(f".{name}")]
    takes = [s for s in functions if s.parameters and s.parameters[0].kind.startswith("positional")]
    return functions[0] if len(functions) == 1 and takes else None


def _method(cls: str, name: str, api: ApiModel) -> str | None:
    """Return the only public method of a class whose first or last words are `name`."""
    classes = [symbol for symbol in api.find(cls) if symbol.kind == "class" and symbol.name == cls]
    if len(classes) != 1:
        return None
    held = {member for item in api.lineage(classes[0]) for member in api.members(item) if not member.startswith("_")}
    near = [member for member in held if member.startswith(f"{name}_") or member.endswith(f"_{name}")]
    return near[0] if len(near) == 1 else None


def _as_function(call: ast.Call, func: ast.Attribute) -> Place:
    owner = ast.unparse(func.value)
    line, column = func.end_lineno or func.lineno, func.end_col_offset or 0
    opened = f"{func.attr}({owner}{', ' if call.args or call.keywords else ''}"
    return (func.lineno, func.col_offset, line, column + 1, opened)


def _renamed(func: ast.Attribute, method: str) -> Place:
    line, column = func.end_lineno or func.lineno, func.end_col_offset or 0
    return (line, column - len(func.attr.encode()), line, column, method)


def _edited(code: str, places: Sequence[Place]) -> str:
    lines = [line.encode() for line in code.split("\n")]
    for first, start, last, end, new in sorted(places, reverse=True):
        joined = lines[first - 1][:start] + new.encode() + lines[last - 1][end:]
        lines[first - 1 : last] = [joined]
    return b"\n".join(lines).decode()
