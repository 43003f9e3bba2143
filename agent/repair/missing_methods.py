"""Another call where a run failed over a method that the object has not: tried, and kept if the program then runs.

A function of the library that takes the object first is called as such (`slicer.show_slices(x)`, which is
`actor.show_slices(slicer, x)`), or the object's only method that begins or ends so (`panel.add`, `panel.add_element`).
"""

from __future__ import annotations

import ast
import re

from agent.repair.edits import Place, edited
from agent.repair.giving_up import gives_up
from agent.symbols import ApiModel, Symbol

_MISSING = re.compile(r"AttributeError: '(?P<cls>\w+)' object has no attribute '(?P<name>\w+)'")


@gives_up
def without_missing_method(code: str, error: str, api: ApiModel) -> str | None:
    """Return a program that calls something else in the place of a method that does not exist, or None.

    Args:
        code: a program that failed.
        error: what it said.
        api: the library's API model.
    """
    missing = _MISSING.search(error)
    tree = ast.parse(code)
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
        places = [place for call in calls if (place := _as_function(code, *call)) is not None]
        changed = edited(code, places) if len(places) == len(calls) else None
        return f"from {module} import {name}\n{changed}" if changed is not None else None
    method = _method(missing["cls"], name, api)
    return edited(code, [_renamed(func, method) for _, func in calls]) if method is not None else None


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


def _as_function(code: str, call: ast.Call, func: ast.Attribute) -> Place | None:
    """Return the change, or None where more than the bracket stands between the name and the arguments."""
    whole, called = (ast.get_source_segment(code, node) or "" for node in (call, func))
    if not whole.startswith(f"{called}("):
        return None
    owner = ast.unparse(func.value)
    line, column = func.end_lineno or func.lineno, func.end_col_offset or 0
    opened = f"{func.attr}({owner}{', ' if call.args or call.keywords else ''}"
    return (func.lineno, func.col_offset, line, column + 1, opened)


def _renamed(func: ast.Attribute, method: str) -> Place:
    line, column = func.end_lineno or func.lineno, func.end_col_offset or 0
    return (line, column - len(func.attr.encode()), line, column, method)
