"""A row times a number for each of many: numpy multiplies number by number, and what is meant is a row for each."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from agent.repair.edits import edited
from agent.repair.giving_up import gives_up
from agent.repair.row_literals import Written, bound_once, is_number, numpy_names

_UNEQUAL = re.compile(
    r"^Line (?P<line>\d+): .*^ValueError: operands could not be broadcast together with shapes "
    r"\((?P<left>\d+),\) \((?P<right>\d+),\)",
    re.MULTILINE | re.DOTALL,
)


_ROW = range(2, 5)
"""Numbers of a row: a point or a colour."""


@gives_up
def with_outer_product(code: str, error: str) -> str | None:
    """Return a program that makes a row for each number (`np.outer(numbers, row)`), or None where that is not sure.

    That is where one product stands on the line that failed of which just one side is written as a row, maybe times a
    number, of as many numbers as the error says, and of fewer than the other side has.

    Args:
        code: a program that failed.
        error: what it said: `Line 3: <the line>`, then Python's own words.
    """
    said = _UNEQUAL.search(error)
    if said is None:
        return None
    tree = ast.parse(code)
    numpy = next(iter(numpy_names(tree)), None)
    found = list(_products(tree, int(said["line"]), int(said["left"]), int(said["right"])))
    if numpy is None or len(found) != 1:
        return None
    node, row, numbers = found[0]
    new = f"{numpy}.outer({ast.unparse(numbers)}, {ast.unparse(row)})"
    return edited(code, [(node.lineno, node.col_offset, node.end_lineno or node.lineno, node.end_col_offset or 0, new)])


def _products(tree: ast.Module, line: int, left: int, right: int) -> Iterator[tuple[ast.BinOp, ast.expr, ast.expr]]:
    """Yield (product, its row, its numbers) for those on a line that are wrong by so many numbers on each side."""
    written, bound = Written(tree), dict(bound_once(tree))

    def is_one(value: ast.expr) -> bool:
        return is_number(bound.get(value.id, value) if isinstance(value, ast.Name) else value)

    def width(value: ast.expr) -> int | None:
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult):
            sides = (value.left, value.right)
            return next((width(row) for row, other in (sides, sides[::-1]) if is_one(other)), None)
        return written.width(value)

    for node in ast.walk(tree):
        if (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Mult)
            and node.lineno <= line <= (node.end_lineno or node.lineno)
            and not (is_one(node.left) or is_one(node.right))
        ):
            match width(node.left), width(node.right):
                case int(row), None if row == left < right and row in _ROW:
                    yield node, node.left, node.right
                case None, int(row) if row == right < left and row in _ROW:
                    yield node, node.right, node.left
                case _:
                    pass
