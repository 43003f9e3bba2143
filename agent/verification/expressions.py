"""What the expressions of a piece of code are known to be, and every use of the library that they make."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from agent.symbols import Parameter, Presence, Symbol
from agent.verification.bindings import arguments, bound_names
from agent.verification.calls import Given
from agent.verification.scopes import Scope, Table
from agent.verification.values import (
    Found,
    Instance,
    Library,
    LocalClass,
    LocalInstance,
    Ref,
    Super,
    Value,
    join,
    public_path,
)


class Use(Struct, frozen=True):
    """A name of the library, used at a node of the tree; `meant` is what it was to lead to."""

    node: ast.expr | ast.alias | ast.stmt
    written: str
    path: str
    presence: Presence
    symbol: Symbol | None = None
    meant: str | None = None


class Call(Struct, frozen=True):
    """A call of something whose signature is known; `assumed` where nothing imports the name that is called."""

    node: ast.Call
    written: str
    path: str
    symbol: Symbol
    parameters: tuple[Parameter, ...]
    given: Given
    assumed: bool = False

    def as_said(self) -> Call | None:
        """Return the call as words mean it, which may leave arguments out; None where nothing is left to check."""
        given = Given.said(self.node)
        is_clear = not self.assumed and (given.positional or given.keywords)
        return replace(self, given=given) if is_clear else None


class Expressions:
    """Evaluates expressions in the scope that is being followed.

    Attributes:
        uses: every use of a name of the library, in the order of following.
        calls: every call of something whose signature is known.
        star_names: what star imports brought.
        open_stars: one of them may have brought more than can be seen.
    """

    def __init__(self, library: Library, attributes: Table) -> None:
        self.uses: list[Use] = []
        self.calls: list[Call] = []
        self.attributes: Table = {}
        self.star_names: set[str] = set()
        self.open_stars = False
        self._library = library
        self._bindings = library.bindings
        self._known_attributes = attributes
        self._scope = Scope()
        self._class: LocalClass | None = None
        self._guarded = False
        self._later: deque[Callable[[], None]] = deque()

    def _value(self, node: ast.expr) -> Value:
        match node:
            case ast.Name(id=name):
                return self._named(name)
            case ast.Attribute():
                value, use = self._chain(node)
                self._note(use)
                return value
            case ast.Call():
                return self._call(node)
            case ast.NamedExpr(target=target, value=inner):
                value = self._value(inner)
                self._scope.of_walrus.bind(target.id, None if target.id in self._bindings.shared else value)
                return value
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self._value(test)
                return join(self._value(body), self._value(orelse))
            case ast.Lambda(args=args, body=body):
                for default in (*args.defaults, *(d for d in args.kw_defaults if d)):
                    self._value(default)
                self._defer(arguments(args), {}, lambda: self._value(body))
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                names = bound_names([generator.target for generator in node.generators])
                self._scope = Scope(self._scope, owned=names, runs_at_once=True)
                self._children(node)
                self._scope = self._scope.outer or self._scope
            case _:
                self._children(node)
        return None

    def _children(self, node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._value(child)
            else:
                self._children(child)

    def _named(self, name: str) -> Value:
        value, is_bound = self._scope.look_up(name)
        assume = not (is_bound or self.open_stars or self._bindings.binds_any)
        return self._library.assume(name) if assume else value

    def _chain(self, node: ast.Attribute) -> tuple[Value, Use | None]:
        """Return the value of `a.b.c`, and the use to note: the longest part of it that the library can tell about."""
        before: Use | None = None
        if isinstance(node.value, ast.Attribute):
            owner, before = self._chain(node.value)
        else:
            owner = self._value(node.value)
        if isinstance(owner, LocalInstance) and node.attr in self._bindings.own_only:
            return self._known_attributes.get(node.attr), before
        found = self._library.attribute(owner, node.attr)
        if found.path is None:
            return None, before
        if before is not None and before.symbol is not None and before.symbol.deprecated:
            self._note(before)
        return found.value, use_of(node, written(node), found)

    def _call(self, node: ast.Call) -> Value:
        function = self._value(node.func)
        for arg in node.args:
            self._value(arg)
        for keyword in node.keywords:
            self._value(keyword.value)
        match function:
            case Ref(symbol=symbol) if symbol.kind == "class":
                self._hold(node, function.path, symbol, symbol.parameters, assumed=function.assumed)
                return self._library.made_by(symbol)
            case Ref(symbol=symbol) if symbol.kind in ("function", "method"):
                parameters = symbol.bound_parameters if function.bound else symbol.parameters
                self._hold(node, function.path, symbol, parameters)
                return self._library.returned_by(symbol)
            case LocalClass():
                made = self._library.constructor(function)
                if made is not None:
                    self._hold(node, public_path(made), made, made.parameters)
                return LocalInstance(function)
            case _:
                is_super = isinstance(node.func, ast.Name) and node.func.id == "super" and not node.args
                return Super(self._class) if is_super and self._class is not None else None

    def _hold(
        self, node: ast.Call, path: str, symbol: Symbol, parameters: tuple[Parameter, ...], *, assumed: bool = False
    ) -> None:
        if symbol.signature_known and not self._guarded:
            self.calls.append(Call(node, written(node.func), path, symbol, parameters, Given.of(node), assumed))

    def _note(self, use: Use | None) -> None:
        if use is not None:
            unsure = self._guarded and use.presence == "unknown"
            self.uses.append(Use(use.node, use.written, use.path, "unchecked") if unsure else use)

    def _defer(
        self, args: Sequence[ast.arg], known: Table, body: Callable[[], object], owned: frozenset[str] = frozenset()
    ) -> None:
        declared = frozenset(owned) - self._bindings.shared
        scope = Scope(self._scope.of_functions, owned=declared)
        cls = self._class
        for arg in args:
            scope.bind(arg.arg, known.get(arg.arg))

        def follow() -> None:
            self._scope, self._class, before = scope, cls, (self._scope, self._class)
            body()
            self._scope, self._class = before

        self._later.append(follow)

    def _annotated(self, annotation: ast.expr | None) -> Value:
        """Return what an annotation says of a name: an object of the class, or of one below it."""
        cls = self._value(annotation) if annotation is not None else None
        is_class = isinstance(cls, Ref) and cls.symbol.kind == "class"
        return Instance(cls.symbol, exact=False) if is_class and isinstance(cls, Ref) else None


def use_of(node: ast.expr | ast.alias, written: str, found: Found) -> Use | None:
    """Return the use that a look-up is, if it concerns the library."""
    return None if found.path is None else Use(node, written, found.path, found.presence, found.symbol)


def written(node: ast.expr) -> str:
    """Return a dotted name as it is written; what is none of its parts is `…`."""
    if isinstance(node, ast.Attribute):
        return f"{written(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "…"
