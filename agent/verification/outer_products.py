"""A row times a number for each of many: numpy multiplies number by number, and what is meant is a row for each."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from agent.verification.edits import Place, edited
from agent.verification.giving_up import gives_up
from agent.verification.row_literals import Written

_UNEQUAL = re.compile(
    r"^Line (?P<line>\d+): .*^ValueError: operands could not be broadcast together with shapes "
    r"\((?P<left>\d+),\) \((?P<right>\d+),\)",
    re.MULTILINE | re.DOTALL,
)


@gives_up
def with_outer_product(code: str, error: str) -> str | None:
    """Return a program that makes a row for each number (`np.outer(numbers, row)`), or None where that is not sure.

    That is where one product stands on the line that failed of which just one side is written as a row, of as many
    numbers as the error says.

    Args:
        code: a program that failed.
        error: what it said: `Line 3: <the line>`, then Python's own words.
    """
    said = _UNEQUAL.search(error)
    if said is None:
        return None
    tree = ast.parse(code)
    line, widths = int(said["line"]), (int(said["left"]), int(said["right"]))
    places = list(_products(tree, line, widths))
    return edited(code, places) if len(places) == 1 else None


def _products(tree: ast.Module, line: int, widths: tuple[int, int]) -> Iterator[Place]:
    written = Written(tree)
    numpy = next((alias.asname or alias.name for alias in _imported(tree) if alias.name == "numpy"), None)
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and numpy is not None:
            last = node.end_lineno or node.lineno
            left, right = written.width(node.left), written.width(node.right)
            if node.lineno <= line <= last and (left, right) in ((widths[0], None), (None, widths[1])):
                row, numbers = (node.left, node.right) if right is None else (node.right, node.left)
                new = f"{numpy}.outer({ast.unparse(numbers)}, {ast.unparse(row)})"
                yield (node.lineno, node.col_offset, last, node.end_col_offset or 0, new)


def _imported(tree: ast.Module) -> Iterator[ast.alias]:
    return (alias for node in tree.body if isinstance(node, ast.Import) for alias in node.names)
