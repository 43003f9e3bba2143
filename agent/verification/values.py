"""What an expression is known to be, and what its attributes are in the library.

None stands for "not known": nothing is ever said about it.
"""

from __future__ import annotations

import ast
import builtins
import difflib

from msgspec import Struct

from agent.symbols import ApiModel, Presence, Symbol
from agent.verification.bindings import Bindings

_OF_EVERY_CLASS = frozenset(dir(type))
_OF_COROUTINES = frozenset({"close", "send", "throw"})  # an `async` function's annotation is not what a call returns


class Ref(Struct, frozen=True):
    """What a name of the library stands for.

    Attributes:
        path: the dotted path by which it was reached.
        bound: a method reached through an object, so that `self` is given.
        assumed: nothing imports it, but the name is the library's.
    """

    path: str
    symbol: Symbol
    bound: bool = False
    assumed: bool = False


class Instance(Struct, frozen=True):
    """An object of a class of the library; `exact` where it cannot be one of a subclass."""

    symbol: Symbol
    exact: bool = True


class LocalClass(Struct, frozen=True, eq=False):
    """A class that the code itself defines; `plain` where nothing may change how it is made and what it holds."""

    node: ast.ClassDef
    bases: tuple[Value, ...]
    members: frozenset[str]
    plain: bool


class LocalInstance(Struct, frozen=True):
    """An object of such a class."""

    cls: LocalClass


class Super(Struct, frozen=True):
    """`super()` in a method of such a class."""

    cls: LocalClass


Value = Ref | Instance | LocalClass | LocalInstance | Super | None


class Found(Struct, frozen=True):
    """Result of looking an attribute up: its dotted path in the library (None where the library is not concerned)."""

    path: str | None
    presence: Presence
    symbol: Symbol | None = None
    value: Value = None


NOTHING = Found(None, "unchecked")


def join(first: Value, second: Value) -> Value:
    """Return what is known of a name that has one of two values."""
    return first if first == second else None


class Library:
    """Looks attributes of values up in the API model, with what the code itself adds to them."""

    def __init__(self, api: ApiModel, bindings: Bindings) -> None:
        self.api = api
        self.bindings = bindings
        self._below: dict[str, tuple[Symbol, ...]] = {}
        self._meant: dict[tuple[str, str], bool] = {}
        self._stars: dict[str, list[tuple[str, Ref]]] = {}

    def attribute(self, owner: Value, name: str) -> Found:
        """Return what `owner.name` is."""
        match owner:
            case Ref(symbol=symbol) if symbol.kind in ("module", "class"):
                found = self._member(symbol, f"{owner.path}.{name}", bound=symbol.kind == "module")
                may_be_other = owner.assumed and not self._is_meant(owner, name)
                other = symbol.kind == "class" and name in _OF_EVERY_CLASS
                return _unsure(found) if may_be_other or other else found
            case Instance():
                found = self._member(owner.symbol, f"{public_path(owner.symbol)}.{name}", bound=True)
                return found if owner.exact else self._of_subclasses(owner.symbol, name, found)
            case LocalInstance(cls=cls):
                ours = self.bindings.members | self.bindings.own
                return NOTHING if name in ours else self.inherited(cls, name)
            case Super(cls=cls) if len(cls.bases) == 1:
                return self.inherited(cls, name)
            case _:
                return NOTHING

    def inherited(self, cls: LocalClass, name: str) -> Found:
        """Return what a class of the code's own inherits under a name from the library."""
        missing = NOTHING
        for base in cls.bases:
            if isinstance(base, LocalClass):
                found = NOTHING if name in base.members else self.inherited(base, name)
            elif isinstance(base, Ref) and base.symbol.kind == "class":
                found = self._member(base.symbol, f"{public_path(base.symbol)}.{name}", bound=True)
            else:
                return NOTHING
            if found.presence != "unknown":
                return found
            missing = found
        return missing if cls.plain else NOTHING

    def constructor(self, cls: LocalClass) -> Symbol | None:
        """Return the library class whose constructor makes objects of a class of the code's own, where that is sure."""
        if not cls.plain or len(cls.bases) != 1 or {"__init__", "__new__"} & cls.members:
            return None
        base = cls.bases[0]
        if isinstance(base, LocalClass):
            return self.constructor(base)
        return base.symbol if isinstance(base, Ref) and base.symbol.kind == "class" else None

    def made_by(self, cls: Symbol) -> Value:
        """Return what calling a class gives."""
        custom = self.api.member(cls, "__new__")[0]
        return None if custom else Instance(cls)

    def returned_by(self, function: Symbol) -> Value:
        """Return what a function's annotation says that it returns: one class of the library, or nothing known."""
        text = (function.returns or "").strip("'\"")
        plain = all(decorator in ("classmethod", "staticmethod") for decorator in function.decorators)
        if not plain or not function.signature_known or not all(part.isidentifier() for part in text.split(".")):
            return None
        module = function.path
        while module and (holder := self.api.symbols.get(module)) is not None and holder.kind != "module":
            module = module.rpartition(".")[0]
        found = self.api.resolve(f"{module}.{text}")
        return Instance(found, exact=False) if found is not None and found.kind == "class" else None

    def entered(self, manager: Value) -> Value:
        """Return what `with manager as name` binds: what the annotation of `__enter__` says."""
        if not isinstance(manager, Instance):
            return None
        enter = self.api.member(manager.symbol, "__enter__")[0]
        if enter is None:
            return None
        return manager if (enter.returns or "").rpartition(".")[2] == "Self" else self.returned_by(enter)

    def assume(self, name: str) -> Value:
        """Return the one public module or class of the library that a name may mean that nothing binds."""
        if hasattr(builtins, name):
            return None
        meant = [
            symbol
            for symbol in self.api.find(name)
            if symbol.kind in ("module", "class") and symbol.public and symbol.public.rpartition(".")[2] == name
        ]
        return Ref(meant[0].public or meant[0].path, meant[0], assumed=True) if len(meant) == 1 else None

    def star(self, module: Symbol) -> list[tuple[str, Ref]]:
        """Return what `from module import *` binds."""
        if module.path not in self._stars:
            public = (name for name in self.api.members(module) if not name.startswith("_"))
            found = ((name, self.api.member(module, name)[0]) for name in public)
            self._stars[module.path] = [
                (name, Ref(f"{module.path}.{name}", symbol, bound=True)) for name, symbol in found if symbol is not None
            ]
        return self._stars[module.path]

    def _member(self, owner: Symbol, path: str, *, bound: bool) -> Found:
        name = path.rpartition(".")[2]
        symbol, presence = self.api.member(owner, name)
        if symbol is None:
            added = self.bindings.stores_any or name in self.bindings.stored
            return Found(path, "unchecked" if added and presence == "unknown" else presence)
        rebound = self.bindings.stored | self.bindings.changed
        is_value = symbol.kind in ("attribute", "property") or name in rebound
        bound = bound or "classmethod" in symbol.decorators
        return Found(path, "known", symbol, None if is_value else Ref(path, symbol, bound=bound))

    def _of_subclasses(self, symbol: Symbol, name: str, found: Found) -> Found:
        """Return what an attribute is where the object may be one of a subclass."""
        if name in _OF_COROUTINES:
            return _unsure(found)
        for other in self._subclasses(symbol):
            there, presence = self.api.member(other, name)
            if found.symbol is None and presence != "unknown":
                return _unsure(found)
            if there != found.symbol:
                return Found(found.path, found.presence, found.symbol)
        return found

    def _subclasses(self, symbol: Symbol) -> tuple[Symbol, ...]:
        if symbol.path not in self._below:
            self._below[symbol.path] = self.api.subclasses(symbol)
        return self._below[symbol.path]

    def _is_meant(self, owner: Ref, name: str) -> bool:
        """Whether a name that nothing binds (`data.shape`) is the library's module and not what a reader puts there."""
        if owner.symbol.kind == "class" or "." not in owner.symbol.path:
            return True
        key = owner.symbol.path, name
        if key not in self._meant:
            is_other = any(symbol.kind not in ("module", "class", "function") for symbol in self.api.find(name))
            close = difflib.get_close_matches(name, self.api.members(owner.symbol), 1, cutoff=0.75)
            self._meant[key] = bool(close) and not is_other
        return self._meant[key]


def public_path(symbol: Symbol) -> str:
    """Return the path by which users know a symbol."""
    return symbol.public or symbol.path


def _unsure(found: Found) -> Found:
    return Found(found.path, "unchecked") if found.presence == "unknown" else found
