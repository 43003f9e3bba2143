"""Follows code from statement to statement and notes every use of the library in it.

What a name is known to be is given up wherever branches, loops, exceptions or other functions may have changed it:
a use that is noted as wrong is wrong. Functions are followed after the code around them, with what holds of all
bindings of its names.
"""

from __future__ import annotations

import ast
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from agent.symbols import Symbol
from agent.verification.bindings import FunctionNode, arguments, bound_names, decorator_names, first_argument
from agent.verification.expressions import Call, Expressions, Use, use_of
from agent.verification.scopes import Scope, Table, merged
from agent.verification.values import LocalClass, LocalInstance, Ref, Value, join

_MISSING_NAME = frozenset({"AttributeError", "ImportError", "ModuleNotFoundError", "NameError", "TypeError"})
_DYNAMIC = frozenset({"__getattr__", "__getattribute__"})
_GIVEN_CLASS = frozenset({"__new__", "__init_subclass__", "__class_getitem__"})


class Flow(Expressions):
    """One pass over a module."""

    def follow(self, body: Sequence[ast.stmt]) -> None:
        """Follow a module's body, then all functions in it."""
        self._body(body)
        while self._later:
            self._later.popleft()()

    def follow_apart(self, pieces: Sequence[list[ast.stmt]]) -> tuple[list[Use], list[Call]]:
        """Return what is used and called in pieces of code that see the module's names as functions do."""
        uses, calls = len(self.uses), len(self.calls)
        module = self._scope
        for piece in pieces:
            self._scope = Scope(module)
            self.follow(piece)
        self._scope = module
        return self.uses[uses:], self.calls[calls:]

    # --- statements

    def _body(self, body: Sequence[ast.stmt]) -> None:
        for statement in body:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:  # noqa: C901, PLR0912 - one case for each kind of statement
        match node:
            case ast.Import():
                self._import(node)
            case ast.ImportFrom():
                self._import_from(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node)
            case ast.ClassDef():
                self._class_definition(node)
            case ast.Assign(targets=targets, value=value):
                self._assign(targets, value)
            case ast.AnnAssign(target=target, annotation=annotation, value=value):
                declared = self._annotated(annotation)
                assigned = self._value(value) if value is not None else None
                self._bind(target, assigned or declared)
            case ast.AugAssign(target=target, value=value):
                self._value(value)
                self._change(target)
            case ast.Delete(targets=targets):
                for target in targets:
                    self._change(target)
            case ast.If(test=test, body=body, orelse=orelse):
                self._value(test)
                self._branches(body, orelse)
            case ast.For() | ast.AsyncFor() | ast.While():
                self._loop(node)
            case ast.With() | ast.AsyncWith():
                self._with(node)
            case ast.Try() | ast.TryStar():
                self._try(node)
            case ast.Match(subject=subject, cases=cases):
                self._value(subject)
                self._scope.forget(bound_names([node]))
                self._branches(*([*_tests(case), *case.body] for case in cases), [])
            case _:
                self._children(node)

    def _branches(self, *bodies: Sequence[ast.stmt]) -> None:
        before = self._scope.now
        ends: list[Table] = []
        for body in bodies:
            self._scope.now = dict(before)
            self._body(body)
            ends.append(self._scope.now)
        self._scope.now = merged(ends)

    def _loop(self, node: ast.For | ast.AsyncFor | ast.While) -> None:
        if not isinstance(node, ast.While):
            self._value(node.iter)
        self._scope.forget(bound_names([node]))
        if isinstance(node, ast.While):
            self._value(node.test)
        else:
            self._bind(node.target, None)
        self._branches(node.body, [])
        self._body(node.orelse)

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        expects = False
        for item in node.items:
            manager = self._value(item.context_expr)
            if item.optional_vars is not None:
                self._bind(item.optional_vars, self._library.entered(manager) if isinstance(node, ast.With) else None)
            expects = expects or bool(_named_in(item.context_expr) & _MISSING_NAME)
        with self._guard(when=expects):
            self._body(node.body)
        if expects:
            self._scope.forget(bound_names(node.body))

    def _try(self, node: ast.Try | ast.TryStar) -> None:
        caught = {name for handler in node.handlers if handler.type for name in _named_in(handler.type)}
        before = dict(self._scope.now)
        with self._guard(when=bool(caught & _MISSING_NAME)):
            self._body(node.body)
        self._body(node.orelse)
        ends = [self._scope.now]
        for handler in node.handlers:
            self._scope.now = dict(before)
            self._scope.forget(bound_names(node.body))
            if handler.type is not None:
                self._value(handler.type)
            if handler.name:
                self._scope.bind(handler.name, None)
            self._body(handler.body)
            ends.append(self._scope.now)
        self._scope.now = merged(ends)
        if node.finalbody:
            self._scope.forget(bound_names(node.body))
            self._body(node.finalbody)

    @contextmanager
    def _guard(self, *, when: bool) -> Generator[None]:
        """Where a missing name is expected, it is no mistake."""
        before, self._guarded = self._guarded, self._guarded or when
        yield
        self._guarded = before

    # --- binding

    def _assign(self, targets: Sequence[ast.expr], value: ast.expr) -> None:
        pairs = _pairs(targets, value)
        if pairs:
            for part, known in [(part, self._value(expression)) for part, expression in pairs]:
                self._bind(part, known)
            return
        known = self._value(value)
        for target in targets:
            self._bind(target, known)

    def _bind(self, target: ast.expr, value: Value) -> None:
        match target:
            case ast.Name(id=name):
                self._scope.bind(name, None if name in self._bindings.shared else value)
            case ast.Attribute(value=inner, attr=name):
                use = self._chain(target)[1]
                if use is not None and (use.presence == "known" or use.node is not target):
                    self._note(use)  # what is set exists from then on
                if isinstance(inner, ast.Name) and isinstance(self._value(inner), LocalInstance):
                    self.attributes[name] = join(self.attributes[name], value) if name in self.attributes else value
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part in parts:
                    self._bind(part, None)
            case ast.Starred(value=inner):
                self._bind(inner, None)
            case _:
                self._children(target)

    def _change(self, target: ast.expr) -> None:
        """Follow a target that must be there, since it is changed or deleted."""
        if isinstance(target, ast.Attribute):
            self._note(self._chain(target)[1])
        self._bind(target, None)

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            root, *_ = alias.name.split(".")
            found = self._module(alias, alias.name, alias.name)
            if alias.asname is None:
                symbol = self._library.api.symbols.get(root)
                self._scope.bind(root, Ref(root, symbol) if symbol is not None else None)
            else:
                self._scope.bind(alias.asname, Ref(alias.name, found) if found is not None else None)

    def _import_from(self, node: ast.ImportFrom) -> None:
        path = node.module or ""
        module = None if node.level else self._module(node, path, f"{path}.{node.names[0].name}")
        for alias in node.names:
            if alias.name == "*":
                self._import_star(module)
                continue
            value: Value = None
            if module is not None:
                found = self._library.attribute(Ref(path, module), alias.name)
                self._note(use_of(alias, f"{path}.{alias.name}", found))
                value = found.value
            self._scope.bind(alias.asname or alias.name, value)

    def _import_star(self, module: Symbol | None) -> None:
        if module is None or not module.members_known:
            self.open_stars = True
        if module is not None:
            for name, value in self._library.star(module):
                self._scope.bind(name, value)
                self.star_names.add(name)

    def _module(self, node: ast.stmt | ast.alias, path: str, meant: str) -> Symbol | None:
        """Return the module that an import names; note what the library does not have."""
        api = self._library.api
        symbol = api.symbols.get(path)
        if symbol is None or symbol.kind != "module":
            symbol = api.resolve(path)
        presence = api.presence(path)
        if path.partition(".")[0] not in api.symbols:
            return None
        if symbol is not None and symbol.kind in ("class", "function", "method"):
            self._note(Use(node, path, path, "unknown", symbol))
            return None
        self._note(Use(node, path, path, presence, symbol, meant))
        return symbol if symbol is not None and symbol.kind == "module" else None

    # --- definitions

    def _function(self, node: FunctionNode) -> None:
        for expression in (*node.decorator_list, *node.args.defaults, *(d for d in node.args.kw_defaults if d)):
            self._value(expression)
        known = {arg.arg: self._annotated(arg.annotation) for arg in arguments(node.args) if arg.annotation}
        if node.returns is not None:
            self._value(node.returns)
        self._scope.bind(node.name, None)
        cls = self._class if self._scope.is_class else None
        takes_class = "classmethod" in decorator_names(node) or node.name in _GIVEN_CLASS
        if cls is not None and (first := first_argument(node)) and not takes_class:
            known[first] = LocalInstance(cls)
        for arg in (node.args.vararg, node.args.kwarg):
            if arg is not None:
                known[arg.arg] = None
        self._defer(arguments(node.args), known, lambda: self._body(node.body), bound_names(node.body))

    def _class_definition(self, node: ast.ClassDef) -> None:
        for expression in node.decorator_list:
            self._value(expression)
        for keyword in node.keywords:
            self._value(keyword.value)
        bases = tuple(self._value(base) for base in node.bases)
        members = bound_names(node.body)
        plain = not (node.keywords or node.decorator_list or _DYNAMIC & members or node.name in self._bindings.mixed)
        cls = LocalClass(node, bases, members, plain)
        before = self._scope, self._class
        self._scope, self._class = Scope(self._scope, runs_at_once=True, is_class=True), cls
        self._body(node.body)
        self._scope, self._class = before
        self._scope.bind(node.name, None if node.name in self._bindings.shared else cls)


def _pairs(targets: Sequence[ast.expr], value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    """Return which part is assigned to which in `a, b = c, d`; nothing for any other form."""
    match targets, value:
        case [ast.Tuple(elts=parts)], ast.Tuple(elts=values) if len(parts) == len(values):
            starred = any(isinstance(part, ast.Starred) for part in (*parts, *values))
            return [] if starred else list(zip(parts, values, strict=True))
        case _:
            return []


def _named_in(node: ast.AST) -> set[str]:
    """Return the names, or last parts of dotted names, in an expression."""
    return {getattr(part, "attr", "") or getattr(part, "id", "") for part in ast.walk(node)}


def _tests(case: ast.match_case) -> list[ast.stmt]:
    """Return what is evaluated to see whether a case is the one: classes and values of its pattern, then its guard."""
    pattern = [part for node in ast.walk(case.pattern) for part in _parts(node)]
    return [ast.Expr(test) for test in (*pattern, case.guard) if test is not None]


def _parts(pattern: ast.AST) -> list[ast.expr]:
    match pattern:
        case ast.MatchValue(value=value) | ast.MatchClass(cls=value):
            return [value]
        case ast.MatchMapping(keys=keys):
            return keys
        case _:
            return []
