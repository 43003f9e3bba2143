"""Numbers of which a program takes a part, as if they were lists: `sectors = 32`, and then `sectors[0]`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from agent.verification.edits import edited
from agent.verification.giving_up import gives_up
from agent.verification.row_literals import bound_once, is_number


@gives_up
def with_whole_numbers(code: str) -> str | None:
    """Return a program that takes such numbers as they are, or None where it has none.

    Whatever it may do, taking a part of a number is an error; only names that are bound once and nowhere hidden count.
    """
    tree = ast.parse(code)
    hidden = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    numbers = {name for name, value in bound_once(tree) if is_number(value)} - hidden
    parts = [node for node in ast.walk(tree) if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load)]
    taken = [part for part in parts if isinstance(part.value, ast.Name) and part.value.id in numbers]
    return edited(code, _without_parts(taken)) if taken else None


def _without_parts(taken: list[ast.Subscript]) -> Iterator[tuple[int, int, int, int, str]]:
    for part in taken:
        whole, end = part.value, part
        yield (
            whole.end_lineno or whole.lineno,
            whole.end_col_offset or 0,
            end.end_lineno or end.lineno,
            end.end_col_offset or 0,
            "",
        )
