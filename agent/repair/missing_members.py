"""What a module lacks where a run looked for it: imported if it is a module of its own, else taken from where it is.

A checker cannot tell what is in a module that others fill or that makes its members on demand; a run can.
"""

from __future__ import annotations

import ast
import re

from agent.repair.edits import Place, edited, with_line
from agent.repair.giving_up import gives_up
from agent.symbols import ApiModel

_LACKS = re.compile(
    r"AttributeError: (?:(?:partially initialized )?module '(?P<module>[\w.]+)' has no attribute '(?P<name>\w+)'"
    r"|No (?P<lazy>[\w.]+) attribute (?P<member>\w+))"
)
"""Python's words, and those of modules that load their parts when they are needed (scientific-python's lazy-loader)."""
_FREE = ("function", "class")


@gives_up
def with_missing_member(code: str, error: str, api: ApiModel) -> str | None:
    """Return a program that has what a module lacked, or None where it is in no other place or in several.

    Args:
        code: a program that failed.
        error: what it said.
        api: the library's API model.
    """
    lacks = _LACKS.search(error)
    tree = ast.parse(code)
    if lacks is None:
        return None
    module, name = lacks["module"] or lacks["lazy"], lacks["name"] or lacks["member"]
    part = api.symbols.get(f"{module}.{name}")
    if part is not None and part.kind == "module":
        return _importing(code, tree, f"import {module}.{name}")
    paths = {symbol.public for symbol in api.find(name) if symbol.kind in _FREE and symbol.public}
    homes = [path for path in paths if path.rpartition(".")[2] == name]
    uses = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == name]
    said = (module, module.rpartition(".")[2])  # not `self.window`, which is an object
    uses = [node for node in uses if ast.unparse(node.value) in said]
    assigned = any(not isinstance(node.ctx, ast.Load) for node in uses)
    taken = any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))
    if len(homes) != 1 or not uses or assigned or taken:
        return None
    places = [_instead(node, name) for node in uses]
    changed = edited(code, places)
    if changed is None:
        return None
    return _importing(changed, tree, f"from {homes[0].rpartition('.')[0]} import {name}")


def _importing(code: str, tree: ast.Module, statement: str) -> str:
    """Add an import behind those of `__future__`."""
    future = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    first = max((node.end_lineno or node.lineno for node in future), default=0)
    return with_line(code, first, statement)


def _instead(node: ast.Attribute, new: str) -> Place:
    return (node.lineno, node.col_offset, node.end_lineno or node.lineno, node.end_col_offset or 0, new)
