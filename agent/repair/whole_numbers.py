"""Numbers of which a program takes a part, as if they were lists: `sectors = 32`, and then `sectors[0]`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from agent.repair.edits import Place, edited
from agent.repair.giving_up import gives_up
from agent.repair.row_literals import bound_once, is_number


@gives_up
def with_whole_numbers(code: str) -> str | None:
    """Return a program that takes such numbers as they are, or None where it has none.

    To take a part of a number is an error, whatever else the program does; one that catches its errors is left alone.
    """
    tree = ast.parse(code)
    numbers = {name for name, value in bound_once(tree) if is_number(value)}
    if not numbers or any(isinstance(node, ast.Try) and node.handlers for node in ast.walk(tree)):
        return None
    places = list(_parts(tree, numbers))
    return edited(code, places) if places else None


def _parts(node: ast.AST, numbers: set[str]) -> Iterator[Place]:
    """Yield what makes the outermost parts of numbers the numbers themselves."""
    for child in ast.iter_child_nodes(node):
        name = _whole(child) if isinstance(child, ast.Subscript) and isinstance(child.ctx, ast.Load) else None
        if isinstance(child, ast.Subscript) and name in numbers:
            end = child.end_lineno or child.lineno, child.end_col_offset or 0
            yield (child.lineno, child.col_offset, *end, str(name))
        else:
            yield from _parts(child, numbers)


def _whole(value: ast.expr) -> str | None:
    while isinstance(value, ast.Subscript):
        value = value.value
    return value.id if isinstance(value, ast.Name) else None
