"""Arrays of rows where a program passes a single one: tried when a run failed over shapes, and kept if it then runs.

Libraries of numpy's kind take many things at once, as arrays of shape (N, 3); small models pass one, of shape (3,).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile

from msgspec import Struct

from agent.passage_texts import essentials
from agent.schema import Chunk

_ROWS = re.compile(r"shape \(\w+, ?\w+\)")
_ABOUT_SHAPES = re.compile(r"shape|broadcast|dimension|\baxis\b|\baxes\b")
_MADE = "atleast_2d"


class Arguments(Struct, frozen=True):
    """What a function's docstring says of its parameters: all of them in order, and which take rows."""

    names: tuple[str, ...]
    rows: frozenset[str]


def documented(chunks: Iterable[Chunk]) -> dict[str, Arguments]:
    """Return name of a function -> its arguments, for those that take arrays of rows."""
    found: dict[str, Arguments] = {}
    for chunk in chunks:
        described = [line.partition(" : ") for line in essentials(chunk)[1].splitlines()]
        rows = frozenset(name for name, _, text in described if _ROWS.search(text))
        if chunk.symbol is not None and rows:
            found.setdefault(chunk.symbol.rpartition(".")[2], Arguments(tuple(name for name, _, _ in described), rows))
    return found


def with_rows(code: str, error: str, functions: Mapping[str, Arguments]) -> str | None:
    """Return a program whose arguments that shall be rows are made so, or None where that cannot help.

    Args:
        code: a program that failed.
        error: what it said.
        functions: what is known of the functions that it may call, see `documented`.
    """
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    found = [argument for call in calls for argument in _single(call, functions)]
    inner = {id(node) for argument in found for node in ast.walk(argument) if node is not argument}
    arguments = [argument for argument in found if id(argument) not in inner]  # edits must not lie in one another
    if not arguments or not _ABOUT_SHAPES.search(error):
        return None
    numpy = next((name for node in tree.body for name in _numpy(node)), None)
    lines = [line.encode() for line in code.split("\n")]
    for node in sorted(arguments, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        _insert(lines, node.end_lineno or node.lineno, node.end_col_offset or 0, ")")
        _insert(lines, node.lineno, node.col_offset, f"{numpy or 'np'}.{_MADE}(")
    text = b"\n".join(lines).decode()
    return text if numpy else _importing(text)


def _importing(text: str) -> str:
    """Add the import of numpy above all else but what must stand first."""
    lines = text.split("\n")
    first = 1 + max((number for number, line in enumerate(lines) if line.startswith("from __future__ ")), default=-1)
    return "\n".join([*lines[:first], "import numpy as np", *lines[first:]])


def _single(call: ast.Call, functions: Mapping[str, Arguments]) -> Iterator[ast.expr]:
    """Yield the arguments of a call that shall be rows and may not be."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    known = functions.get(name)
    if known is None:
        return
    placed = takewhile(lambda value: not isinstance(value, ast.Starred), call.args)
    given = [*zip(known.names, placed, strict=False), *((keyword.arg, keyword.value) for keyword in call.keywords)]
    for parameter, value in given:
        plain = not isinstance(value, ast.Constant | ast.GeneratorExp)
        if parameter in known.rows and plain and _MADE not in ast.dump(value):
            yield value


def _numpy(node: ast.stmt) -> Iterator[str]:
    for alias in node.names if isinstance(node, ast.Import) else ():
        if alias.name == "numpy":
            yield alias.asname or alias.name


def _insert(lines: list[bytes], line: int, column: int, text: str) -> None:
    lines[line - 1] = lines[line - 1][:column] + text.encode() + lines[line - 1][column:]
