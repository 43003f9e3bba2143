"""What Python code defines, and where."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import lru_cache


@lru_cache(maxsize=512)
def definitions(text: str) -> Mapping[str, tuple[int, int]]:
    """Return qualified name -> first and last line of what Python code defines or assigns in modules and classes.

    What is defined twice, as a property's getter and setter, reaches from the first to the last.
    """
    try:
        found = list(_definitions(ast.parse(text), ""))
    except (SyntaxError, ValueError):
        return {}
    extents: dict[str, tuple[int, int]] = {}
    for name, (first, last) in found:
        start, end = extents.get(name, (first, last))
        extents[name] = (min(start, first), max(end, last))
    return extents


def _definitions(scope: ast.AST, prefix: str) -> Iterator[tuple[str, tuple[int, int]]]:
    has_locals = isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef)
    for node in ast.iter_child_nodes(scope):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                yield prefix + node.name, (first, node.end_lineno or first)
                yield from _definitions(node, f"{prefix}{node.name}.")
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)) if not has_locals:
                yield prefix + name, (node.lineno, node.end_lineno or node.lineno)
            case ast.If() | ast.Try() | ast.With() | ast.ExceptHandler():
                yield from _definitions(node, prefix)
            case _:
                pass
