"""Where a program uses a library beyond doubt: found without the checker that is to be measured there."""

from __future__ import annotations

import ast
import inspect
from collections import Counter
from collections.abc import Iterator, Sequence

from agent.symbols import ApiModel, Symbol


class CertainUses:
    """Where a file uses the library beyond doubt: through names that are bound once in the whole file."""

    def __init__(self, tree: ast.Module, api: ApiModel) -> None:
        self._api = api
        nodes = list(ast.walk(tree))
        bound = Counter(_bound(nodes))
        self._paths: dict[str, str] = {}
        self._objects: dict[str, Symbol] = {}
        self.imports: list[ast.alias] = []
        self.modules: list[ast.ImportFrom] = []
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] in api.roots:
                self.modules += [node] if "." in (node.module or "") else []
                self.imports += [alias for alias in node.names if alias.name != "*"]
                for alias in node.names:
                    if bound[alias.asname or alias.name] == 1:
                        self._paths[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        for node in nodes:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=function)) if bound[name] == 1:
                    made = self._symbol(function)
                    if made is not None and made.kind == "class" and _is_closed(made, api):
                        self._objects[name] = made
                case _:
                    pass
        attributes = [node for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)]
        self.attributes = [node for node in attributes if self._owner(node) is not None]
        calls = [(node, self._symbol(node.func)) for node in nodes if isinstance(node, ast.Call)]
        self.calls = [(call, symbol) for call, symbol in calls if symbol is not None and _is_certain(symbol, api)]

    def _owner(self, node: ast.Attribute) -> Symbol | None:
        """Return the module or class that an attribute must be a member of."""
        if isinstance(node.value, ast.Name) and node.value.id in self._objects:
            return self._objects[node.value.id]
        owner = self._symbol(node.value)
        closed = owner is not None and (
            owner.kind == "module" or (owner.kind == "class" and _is_closed(owner, self._api))
        )
        return owner if closed else None

    def _symbol(self, node: ast.expr) -> Symbol | None:
        if isinstance(node, ast.Name) and node.id in self._paths:
            return self._api.resolve(self._paths[node.id])
        owner = self._owner(node) if isinstance(node, ast.Attribute) else None
        return self._api.member(owner, node.attr)[0] if owner is not None and isinstance(node, ast.Attribute) else None


def _bound(nodes: Sequence[ast.AST]) -> Iterator[str]:
    for node in nodes:
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.alias(name=name, asname=asname):
                yield asname or name.partition(".")[0]
            case ast.ExceptHandler(name=str(name)):
                yield name
            case _:
                pass


def _is_closed(cls: Symbol, api: ApiModel) -> bool:
    """Whether all of a class's bases are in the sources."""
    return not any(base.external for item in api.lineage(cls) for base in item.bases)


def _is_certain(symbol: Symbol, api: ApiModel) -> bool:
    """Whether what is called takes the arguments that it declares: nothing decorates it."""
    if symbol.kind == "class":
        constructor = api.member(symbol, "__init__")[0]
        return constructor is not None and not constructor.decorators and not symbol.decorators
    return symbol.kind in ("function", "method") and not symbol.decorators


def binds(args: list[ast.expr], keywords: list[ast.keyword], symbol: Symbol) -> bool:
    """Ask Python itself whether the arguments fit."""
    if any(isinstance(arg, ast.Starred) for arg in args) or any(keyword.arg is None for keyword in keywords):
        return True  # they may
    empty = inspect.Parameter.empty
    parameters = [
        inspect.Parameter(p.name, getattr(inspect.Parameter, p.kind.upper()), default=p.default or empty)
        for p in symbol.bound_parameters
    ]
    try:
        inspect.Signature(parameters).bind(*args, **{str(keyword.arg): keyword.value for keyword in keywords})
    except TypeError:
        return False
    return True
