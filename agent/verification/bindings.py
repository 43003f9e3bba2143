"""What a piece of code binds, found without following its flow."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from msgspec import Struct

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


class Bindings(Struct, frozen=True):
    """Facts about a whole tree.

    Attributes:
        shared: names that a function rebinds outside itself (`global`, `nonlocal`).
        stored: attributes that are set from outside or tested for (`actor.tag = 1`, `hasattr(actor, "tag")`).
        changed: attributes that are changed or deleted from outside, and so must be there (`actor.tag += 1`).
        own: attributes that the code's own classes set on their instances.
        members: names that the bodies of its classes bind.
        mixed: classes that others combine with a second base, which may bring whatever they use.
        stores_any: an attribute is set whose name cannot be seen (`setattr(actor, name, 1)`).
        binds_any: names may be bound that cannot be seen (`globals()`, `exec`).
    """

    shared: frozenset[str]
    stored: frozenset[str]
    changed: frozenset[str]
    own: frozenset[str]
    members: frozenset[str]
    mixed: frozenset[str]
    stores_any: bool
    binds_any: bool

    @property
    def own_only(self) -> frozenset[str]:
        """Attributes that only methods set, on their own object."""
        return self.own - self.stored - self.changed - self.members


def bindings_of(tree: ast.Module) -> Bindings:
    """Collect the facts about a tree."""
    nodes = list(ast.walk(tree))
    classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
    own = [store for cls in classes for store in _stores_on_self(cls)]
    on_self = {id(store) for store in own}
    named, stores_any = _named_attributes(nodes)
    augmented = {id(node.target) for node in nodes if isinstance(node, ast.AugAssign)}
    stored: set[str] = set()
    changed: set[str] = set()
    for node in _stores(nodes):
        if id(node) not in on_self:
            must_be_there = isinstance(node.ctx, ast.Del) or id(node) in augmented
            (changed if must_be_there else stored).add(node.attr)
    return Bindings(
        shared=frozenset(n for node in nodes if isinstance(node, ast.Global | ast.Nonlocal) for n in node.names),
        stored=frozenset(stored | named),
        changed=frozenset(changed),
        own=frozenset(store.attr for store in own),
        members=frozenset(name for cls in classes for name in bound_names(cls.body)),
        mixed=frozenset(ast.unparse(base) for cls in classes if len(cls.bases) > 1 for base in cls.bases),
        stores_any=stores_any,
        binds_any=any(isinstance(node, ast.Name) and node.id in ("exec", "globals") for node in nodes),
    )


def bound_names(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """Return the names that statements bind in their own scope (a comprehension's, too)."""
    names: set[str] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                names.add(name)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(node.name)
                continue
            case ast.Lambda():
                continue
            case ast.alias():
                names.add(node.asname or node.name.partition(".")[0])
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                names.add(name)
            case ast.MatchMapping(rest=str(name)):
                names.add(name)
            case _:
                pass
        waiting += ast.iter_child_nodes(node)
    return frozenset(names)


def arguments(args: ast.arguments) -> list[ast.arg]:
    """Return all parameters of a function."""
    variadic = [arg for arg in (args.vararg, args.kwarg) if arg is not None]
    return [*args.posonlyargs, *args.args, *args.kwonlyargs, *variadic]


def decorator_names(node: FunctionNode) -> set[str]:
    """Return the last names of a function's decorators."""
    return {ast.unparse(decorator).partition("(")[0].rpartition(".")[2] for decorator in node.decorator_list}


def first_argument(node: FunctionNode) -> str | None:
    """Return the name that a method gives its object."""
    if "staticmethod" in decorator_names(node):
        return None
    return next((arg.arg for arg in (*node.args.posonlyargs, *node.args.args)), None)


def _stores(nodes: Iterable[ast.AST]) -> Iterator[ast.Attribute]:
    for node in nodes:
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            yield node


def _stores_on_self(cls: ast.ClassDef) -> Iterator[ast.Attribute]:
    for method in cls.body:
        if isinstance(method, FunctionNode):
            first = first_argument(method)
            for node in _stores(ast.walk(method)):
                if isinstance(node.value, ast.Name) and node.value.id == first:
                    yield node


def _named_attributes(nodes: list[ast.AST]) -> tuple[set[str], bool]:
    """Return the names given to `hasattr` and its like, and whether one sets a name that cannot be seen."""
    names: set[str] = set()
    stores_any = False
    for node in nodes:
        match node:
            case ast.Call(func=ast.Name(id="hasattr" | "getattr" | "setattr" as function), args=[_, name, *_]):
                if isinstance(name, ast.Constant):
                    names.add(str(name.value))
                elif function == "setattr":
                    stores_any = True
            case ast.Attribute(attr="__dict__") | ast.Call(func=ast.Name(id="vars")):
                stores_any = True
            case _:
                pass
    return names, stores_any
