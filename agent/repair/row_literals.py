"""Which expressions of a program are certainly one row of numbers, as far as the program writes them out."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator


class Written:
    """Tells what a program writes out as one row of numbers.

    Args:
        tree: the program.
    """

    def __init__(self, tree: ast.Module) -> None:
        self._bound = dict(bound_once(tree))
        self._numbers = set[str]()
        self._rows = dict[str, int]()
        loops = [node for node in ast.walk(tree) if isinstance(node, ast.For | ast.comprehension)]
        stored = bindings(tree)
        for target, source in (pair for loop in loops for pair in _taken(loop.target, loop.iter)):
            if stored[target] != 1 or "*" in stored:
                continue
            if source is None:
                self._numbers.add(target)
            elif (width := self._table(source)) is not None:
                self._rows[target] = width

    def width(self, value: ast.expr) -> int | None:
        """Return how many numbers an expression has that is certainly a single row, or None."""
        match value:
            case ast.Name(id=name) if name in self._rows:
                return self._rows[name]
            case ast.Name(id=name) if name in self._bound:
                return self.width(self._bound[name])
            case ast.Call(func=ast.Attribute(attr="array" | "asarray"), args=[inner, *_]):
                return self.width(inner)
            case ast.Subscript(value=table, slice=index):
                return self._table(table) if self._is_index(index) else None
            case ast.List() | ast.Tuple():
                return len(value.elts) if value.elts and all(is_number(number) for number in value.elts) else None
            case _:
                return None

    def _table(self, value: ast.expr) -> int | None:
        """Return how many numbers each row has of what is certainly a table, or None."""
        match value:
            case ast.Name(id=name) if name in self._bound:
                return self._table(self._bound[name])
            case ast.Call(func=ast.Attribute(attr="array" | "asarray"), args=[inner, *_]):
                return self._table(inner)
            case ast.List() | ast.Tuple():
                rows = [row for row in value.elts if isinstance(row, ast.List | ast.Tuple)]
                widths = {self.width(row) for row in rows} if len(rows) == len(value.elts) else set[int | None]()
                return widths.pop() if len(widths) == 1 else None
            case _:
                return None

    def _is_index(self, index: ast.expr) -> bool:
        match index:
            case ast.Name(id=name):
                return name in self._numbers
            case _:
                return is_number(index)


def _taken(target: ast.expr, source: ast.expr) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield (name, what it is taken from one by one) for what a loop binds; None for numbers that are counted."""
    match target, source:
        case ast.Name(id=name), ast.Call(func=ast.Name(id="range")):
            yield name, None
        case ast.Tuple(elts=[ast.Name(id=name), inner]), ast.Call(func=ast.Name(id="enumerate"), args=[items, *_]):
            yield name, None
            yield from _taken(inner, items)
        case ast.Tuple(elts=targets), ast.Call(func=ast.Name(id="zip"), args=sources) if len(targets) == len(sources):
            for one, items in zip(targets, sources, strict=True):
                yield from _taken(one, items)
        case ast.Name(id=name), _:
            yield name, source
        case _:
            return


def is_number(value: ast.expr) -> bool:
    """Return whether an expression is a number that is written out, maybe with its sign."""
    if isinstance(value, ast.UnaryOp):
        return is_number(value.operand)
    return (
        isinstance(value, ast.Constant) and isinstance(value.value, int | float) and not isinstance(value.value, bool)
    )


def bound_once(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield (name, value) for what a program assigns in one place only, at its top level."""
    stored = bindings(tree)
    for node in tree.body if "*" not in stored else ():
        if isinstance(node, ast.Assign) and isinstance(name := node.targets[0], ast.Name) and stored[name.id] == 1:
            yield name.id, node.value


def first_name(value: ast.expr) -> str:
    """Return `a` of `a.b.c`, or nothing where an expression does not begin with a name."""
    while isinstance(value, ast.Attribute):
        value = value.value
    return value.id if isinstance(value, ast.Name) else ""


def numpy_names(tree: ast.Module) -> list[str]:
    """Return what a program calls numpy, for each import at its top level."""
    imported = (alias for node in tree.body if isinstance(node, ast.Import) for alias in node.names)
    return [alias.asname or alias.name for alias in imported if alias.name == "numpy"]


def bindings(tree: ast.Module) -> Counter[str]:
    """Return how often each name is bound anywhere, be it by assignment, import, definition or parameter.

    A star import may bind any name: it counts as the name `*`.
    """
    return Counter(name for node in ast.walk(tree) for name in _bound_by(node))


def _bound_by(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.arg(arg=name) | ast.alias(asname=str(name)):
            yield name
        case ast.alias(name=path):
            yield path.partition(".")[0]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.MatchMapping(rest=str(name)):
            yield name
        case _:
            return
