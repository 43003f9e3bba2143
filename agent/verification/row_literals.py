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
        self._numbers, self._rows = set[str](), set[str]()
        loops = [node for node in ast.walk(tree) if isinstance(node, ast.For | ast.comprehension)]
        stored = _stored(tree)
        for target, source in (pair for loop in loops for pair in _taken(loop.target, loop.iter)):
            if stored[target] == 1:
                (self._numbers if source is None else self._rows if self._is_table(source) else set[str]()).add(target)

    def is_row(self, value: ast.expr) -> bool:
        """Return whether an expression is certainly a single row."""
        match value:
            case ast.Name(id=name):
                return name in self._rows or (name in self._bound and self.is_row(self._bound[name]))
            case ast.Call(func=ast.Attribute(attr="array" | "asarray"), args=[inner, *_]):
                return self.is_row(inner)
            case ast.Subscript(value=table, slice=index):
                return self._is_index(index) and self._is_table(table)
            case ast.List() | ast.Tuple():
                return bool(value.elts) and all(is_number(number) for number in value.elts)
            case _:
                return False

    def _is_table(self, value: ast.expr) -> bool:
        match value:
            case ast.Name(id=name):
                return name in self._bound and self._is_table(self._bound[name])
            case ast.Call(func=ast.Attribute(attr="array" | "asarray"), args=[inner, *_]):
                return self._is_table(inner)
            case ast.List() | ast.Tuple():
                return bool(value.elts) and all(
                    isinstance(row, ast.List | ast.Tuple) and self.is_row(row) for row in value.elts
                )
            case _:
                return False

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
    stored = _stored(tree)
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(name := node.targets[0], ast.Name) and stored[name.id] == 1:
            yield name.id, node.value


def _stored(tree: ast.Module) -> Counter[str]:
    """Return how often each name is bound."""
    return Counter(node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
