"""What griffe's visitor passes over: unpacked names, attributes set outside `__init__`, signs of dynamic members."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import griffe

DYNAMIC = "dynamic"  # label of a module or class that may have members which no static reading can see

_SCOPES = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)


class HiddenMembers(griffe.Extension):
    """Extension of griffe that adds them while a file is visited."""

    def on_module_members(self, *, node: ast.AST | griffe.ObjectNode, mod: griffe.Module, **_: Any) -> None:
        """Add names bound by unpacking and loops; look for `__getattr__` and for writing into its names."""
        if not isinstance(node, ast.Module):
            return
        for part in _own_scope(node):
            if isinstance(part, ast.Name):
                _bind(mod, part.id, part)
            name = part.id if isinstance(part, ast.Name) else getattr(part, "name", "")
            if name in {"__getattr__", "globals", "locals", "vars", "setattr"}:
                mod.labels.add(DYNAMIC)

    def on_class_members(self, *, node: ast.AST | griffe.ObjectNode, cls: griffe.Class, **_: Any) -> None:
        """Add names bound by unpacking, and every `self.name = ...` of every method."""
        if not isinstance(node, ast.ClassDef):
            return
        for part in _own_scope(node):
            if isinstance(part, ast.Name):
                _bind(cls, part.id, part)
            elif isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                first = next(iter([*part.args.posonlyargs, *part.args.args]), None)
                for inner in ast.walk(part) if first else ():
                    _look_for_self(inner, first.arg if first else "", cls)


def _own_scope(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a module's or class's own scope, definitions included but not entered."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, _SCOPES):
            yield from _own_scope(child)


def _bind(owner: griffe.Module | griffe.Class, name: str, node: ast.Name | ast.Attribute) -> None:
    """Add an attribute that is assigned at `node`, unless its owner has a member of that name."""
    if isinstance(node.ctx, ast.Store) and name not in owner.members:
        owner.set_member(name, griffe.Attribute(name, lineno=node.lineno, endlineno=node.end_lineno))


def _look_for_self(part: ast.AST, first: str, cls: griffe.Class) -> None:
    """Note what one node of a method does to its first argument."""
    if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == first:
        if part.attr == "__dict__":
            cls.labels.add(DYNAMIC)
        _bind(cls, part.attr, part)
    elif isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id in {"setattr", "vars"}:
        target = part.args[0] if part.args else None
        if isinstance(target, ast.Name) and target.id == first:
            cls.labels.add(DYNAMIC)
