"""Arrays of rows as functions want them.

Libraries of numpy's kind take many things at once, as arrays of shape (N, 3); small models pass one, of shape (3,), or
five centers and three colors. What is written as a single row is certainly put right; what may be one is tried when a
run failed over shapes, and kept if the program then runs.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from types import MappingProxyType

from msgspec import Struct

from agent.passage_texts import essentials
from agent.repair.edits import Place, edited, with_line
from agent.repair.giving_up import gives_up
from agent.repair.row_literals import Written, bindings, bound_once, first_name, numpy_names
from agent.schema import Chunk

_ROWS = re.compile(r"shape \(\w+, ?\w+\)")
_MANY_ROWS = re.compile(r"shape \([A-Za-z]\w*, ?([2-9]\d*)\)")
_NUMBER = re.compile(r"(?:float|int)(?:, ?optional)?(?: - |$)")
_ONE_ROW = re.compile(r"\(\d+, ?\)")
_ABOUT_SHAPES = re.compile(r"shape|broadcast|dimension|\baxis\b|\baxes\b")
_MADE = "atleast_2d"
_ARRAYS = ("array", "asarray", _MADE)


class Arguments(Struct, frozen=True):
    """What a function's docstring says of its parameters.

    Attributes:
        names: all of them, in order.
        rows: those that take arrays of rows.
        only_rows: those of them that take any number of rows, but no single one, to how many numbers a row has.
        numbers: those that take one number.
    """

    names: tuple[str, ...]
    rows: frozenset[str]
    only_rows: Mapping[str, int] = MappingProxyType({})
    numbers: frozenset[str] = frozenset()


def documented(chunks: Iterable[Chunk]) -> dict[str, Arguments]:
    """Return name of a function -> its arguments, for those that take arrays of rows or numbers.

    Of several functions of one name, the first that takes rows counts.
    """
    known_of: dict[str, Arguments] = {}
    for chunk in chunks:
        described = [line.partition(" : ") for line in essentials(chunk)[1].splitlines()]
        rows = frozenset(name for name, _, text in described if _ROWS.search(text))
        numbers = frozenset(name for name, _, text in described if _NUMBER.match(text))
        if chunk.symbol is not None and (rows or numbers):
            many = {name: int(found[1]) for name, _, text in described if (found := _only_rows(text)) is not None}
            known = Arguments(tuple(name for name, _, _ in described), rows, many, numbers)
            name = chunk.symbol.rpartition(".")[2]
            if name not in known_of or (rows and not known_of[name].rows):
                known_of[name] = known
    return known_of


def _only_rows(text: str) -> re.Match[str] | None:
    return None if _ONE_ROW.search(text) else _MANY_ROWS.search(text)


@gives_up
def with_single_rows(code: str, functions: Mapping[str, Arguments], roots: Collection[str]) -> str | None:
    """Return a program in which arguments that shall be rows, and are written as a single one, are made so, or None.

    Args:
        code: a program that was not run.
        functions: what is known of the functions that it calls, see `documented`.
        roots: top-level packages that they are in; only what is imported from these is taken for them.
    """
    tree = ast.parse(code)
    written, stored = Written(tree), bindings(tree)
    imported = {name for name in _imported(tree, roots) if stored[name] == 1}
    single = [
        value
        for call in _calls(tree)
        if first_name(call.func) in imported
        for parameter, value, known in _given(call, functions)
        if written.width(value) == known.only_rows.get(parameter, 0)
    ]
    return _wrapped(code, tree, single) if stored["np"] <= len(numpy_names(tree)) else None


def _imported(tree: ast.Module, roots: Collection[str]) -> Iterator[str]:
    """Yield the names that a program imports from packages."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in roots and not node.level:
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            named = ((alias.asname, alias.name.partition(".")[0]) for alias in node.names)
            yield from (asname or root for asname, root in named if root in roots)


@gives_up
def with_rows(code: str, error: str, functions: Mapping[str, Arguments]) -> str | None:
    """Return a program whose arguments that shall be rows are made so, or None where that cannot help.

    Args:
        code: a program that failed.
        error: what it said.
        functions: what is known of the functions that it may call, see `documented`.
    """
    tree = ast.parse(code)
    found = [value for call in _calls(tree) for value in _rows_of(call, functions) if _may_be_single(value)]
    return _wrapped(code, tree, found) if _ABOUT_SHAPES.search(error) else None


def _wrapped(code: str, tree: ast.Module, found: Sequence[ast.expr]) -> str | None:
    """Return a program with expressions of it made arrays of rows, or None without any."""
    inner = {id(node) for argument in found for node in ast.walk(argument) if node is not argument}
    arguments = [argument for argument in found if id(argument) not in inner]  # edits must not lie in one another
    if not arguments:
        return None
    numpy = next(iter(numpy_names(tree)), None)
    text = edited(code, (place for node in arguments for place in _around(node, f"{numpy or 'np'}.{_MADE}(")))
    return text if numpy or text is None else _importing(text)


@gives_up
def with_as_many_rows(code: str, error: str, functions: Mapping[str, Arguments]) -> str | None:
    """Return a program that passes as many rows of each argument as there are of the shortest, or None.

    None also where all have the same number, or where it is not written in the program. Arguments as for `with_rows`.
    """
    tree = ast.parse(code)
    bound = dict(bound_once(tree))
    places: list[Place] = []
    for call in _calls(tree):
        counted = [(value, _count(value, bound)) for value in _rows_of(call, functions)]
        counts = [count for _, count in counted if count is not None and count > 1]  # one row is for all
        longer = [value for value, count in counted if count is not None and count > min(counts, default=count)]
        places += [(*_end(value), *_end(value), f"[:{min(counts)}]") for value in longer]
    return edited(code, places) if places and _ABOUT_SHAPES.search(error) else None


def _count(value: ast.expr, bound: Mapping[str, ast.expr]) -> int | None:
    """Return how many rows a value is written with, directly, by a name or as an array."""
    if isinstance(value, ast.Name) and value.id in bound:
        return _count(bound[value.id], {})
    if isinstance(value, ast.Call) and getattr(value.func, "attr", "") in _ARRAYS and value.args:
        return _count(value.args[0], bound)
    if isinstance(value, ast.List | ast.Tuple) and all(isinstance(row, ast.List | ast.Tuple) for row in value.elts):
        return len(value.elts)
    return None


def _importing(text: str) -> str:
    """Add the import of numpy above all else but what must stand first."""
    ends = (
        node.end_lineno or node.lineno
        for node in ast.parse(text).body
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
    )
    return with_line(text, max(ends, default=0), "import numpy as np")


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _rows_of(call: ast.Call, functions: Mapping[str, Arguments]) -> Iterator[ast.expr]:
    """Yield the values of the arguments of a call that shall be rows."""
    yield from (value for parameter, value, known in _given(call, functions) if parameter in known.rows)


def _given(call: ast.Call, functions: Mapping[str, Arguments]) -> Iterator[tuple[str, ast.expr, Arguments]]:
    """Yield (parameter, value, what is known of the function) for the arguments of a call."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    known = functions.get(name)
    if known is None:
        return
    placed = takewhile(lambda value: not isinstance(value, ast.Starred), call.args)
    named = ((keyword.arg, keyword.value) for keyword in call.keywords if keyword.arg is not None)
    yield from ((parameter, value, known) for parameter, value in [*zip(known.names, placed, strict=False), *named])


def _may_be_single(value: ast.expr) -> bool:
    return not isinstance(value, ast.Constant | ast.GeneratorExp) and _MADE not in ast.dump(value)


def _around(node: ast.expr, opened: str) -> Iterator[Place]:
    """Yield the changes that put an expression in brackets."""
    yield (node.lineno, node.col_offset, node.lineno, node.col_offset, opened)
    yield (*_end(node), *_end(node), ")")


def _end(node: ast.expr) -> tuple[int, int]:
    return node.end_lineno or node.lineno, node.end_col_offset or 0
