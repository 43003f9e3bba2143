"""The API model of one version of a library: which names it has, where, and how they may be called.

It is read from the sources without importing them (`agent.symbols.reader`) and answers by dotted path, as a program
would find the name: through re-exports, stubs, aliases and inheritance. Where the sources cannot tell (external bases,
`__getattr__`, foreign modules) the answer is "unchecked", never "unknown".
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import msgspec
from msgspec import Struct

from agent.durable_files import storage_errors, write_atomically
from agent.errors import IndexCorrupt
from agent.schema import SourceTree

Kind = Literal["module", "class", "function", "method", "property", "attribute"]
Presence = Literal["known", "unknown", "unchecked"]
ParameterKind = Literal["positional_only", "positional_or_keyword", "var_positional", "keyword_only", "var_keyword"]


class Parameter(Struct, frozen=True, omit_defaults=True):
    """A parameter as declared; `default` and `annotation` are source text, None where there is none."""

    name: str
    kind: ParameterKind = "positional_or_keyword"
    default: str | None = None
    annotation: str | None = None


class Base(Struct, frozen=True, omit_defaults=True):
    """A base class: its definition path, or the best known dotted name where it is outside the sources."""

    path: str
    external: bool = True


class Symbol(Struct, frozen=True, omit_defaults=True):
    """One definition.

    Attributes:
        path: dotted definition path (`fury.actor.curved.sphere`).
        file: POSIX path relative to the repository root; empty for a namespace package.
        start_line, end_line: 1-based, inclusive, decorators included.
        public: shortest public path (`fury.actor.sphere`), or None.
        aliases: other public paths, shortest first.
        parameters: as declared, `self` included; a class has its constructor's, without `self`.
        decorators: dotted paths, outermost first.
        doc: first line of the docstring.
        deprecated: the deprecating decorator's or directive's own text, or None.
        static: a static method.
        signature_known: no decorator or external base may have changed how it is called.
        members_known: of a module or class: every member is known, so a missing one does not exist.
    """

    path: str
    kind: Kind
    file: str
    start_line: int
    end_line: int
    public: str | None = None
    aliases: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    returns: str | None = None
    bases: tuple[Base, ...] = ()
    decorators: tuple[str, ...] = ()
    doc: str = ""
    deprecated: str | None = None
    static: bool = False
    signature_known: bool = True
    members_known: bool = False

    @property
    def name(self) -> str:
        """Last part of the definition path."""
        return self.path.rpartition(".")[2]

    @property
    def is_private(self) -> bool:
        """Whether the name itself is private by convention; `__init__` and its like are not."""
        return self.name.startswith("_") and not is_dunder(self.name)

    @property
    def bound_parameters(self) -> tuple[Parameter, ...]:
        """What a caller passes: `parameters` without a method's `self` or `cls`."""
        return self.parameters[1:] if self.kind == "method" and not self.static else self.parameters


class _Stored(Struct, frozen=True):
    """Layout on disk."""

    symbols: tuple[Symbol, ...]
    aliases: dict[str, str]
    problems: tuple[str, ...]


class ApiModel:
    """All symbols of one version, looked up by dotted path.

    Immutable; safe to share between threads.

    Attributes:
        symbols: definition path -> symbol.
        problems: what could not be read, and why.
    """

    def __init__(
        self, symbols: Mapping[str, Symbol], aliases: Mapping[str, str], problems: tuple[str, ...] = ()
    ) -> None:
        self.symbols: Mapping[str, Symbol] = MappingProxyType(dict(symbols))
        self.problems = problems
        self._aliases = dict(aliases)

    @classmethod
    def build(cls, tree: SourceTree, *, progress: Callable[[int, int], None] = lambda _done, _total: None) -> ApiModel:
        """Read the sources of `tree`; what cannot be read is skipped and recorded in `problems`.

        Args:
            tree: the sources.
            progress: told how many files are read, and of how many.
        """
        # Only building needs griffe, and these two need the structs of this module.
        from agent.symbols.public_paths import complete
        from agent.symbols.reader import read_symbols

        return complete(read_symbols(tree, progress=progress))

    @classmethod
    def load(cls, path: Path) -> ApiModel:
        """Read what `save` wrote.

        Raises:
            IndexCorrupt: the file is missing or damaged.
        """
        try:
            stored = msgspec.json.decode(path.read_bytes(), type=_Stored)
        except (OSError, msgspec.DecodeError) as error:
            raise IndexCorrupt(
                f"The API model {str(path)!r} cannot be read: {error}.",
                remedy="Build the index again: `fury-agent index`.",
            ) from error
        return cls({symbol.path: symbol for symbol in stored.symbols}, stored.aliases, stored.problems)

    def save(self, path: Path) -> None:
        """Write to `path`, which is either replaced as a whole or left as it was.

        Raises:
            StorageError: the disk is full or the directory cannot be written.
        """
        with storage_errors(path):
            write_atomically(
                path, msgspec.json.encode(_Stored(tuple(self.symbols.values()), self._aliases, self.problems))
            )

    def with_symbols(self, symbols: Mapping[str, Symbol]) -> ApiModel:
        """Return a model with other symbols and the same aliases."""
        return ApiModel(symbols, self._aliases, self.problems)

    @cached_property
    def roots(self) -> tuple[str, ...]:
        """Top-level modules of the library."""
        return tuple(path for path, symbol in self.symbols.items() if symbol.kind == "module" and "." not in path)

    def public_paths(self) -> Mapping[str, str]:
        """Return definition path -> shortest public path, for every symbol that has one."""
        return {path: symbol.public for path, symbol in self.symbols.items() if symbol.public}

    def resolve(self, dotted: str) -> Symbol | None:
        """Return what a rooted dotted name stands for, or None where it is unknown or unchecked (see `presence`)."""
        return self._follow(dotted, frozenset())[0]

    def presence(self, dotted: str) -> Presence:
        """Say whether a rooted dotted name exists: "unchecked" where the sources cannot tell."""
        return self._follow(dotted, frozenset())[1]

    def member(self, owner: Symbol, name: str) -> tuple[Symbol | None, Presence]:
        """Look one attribute up in a symbol, as Python would: own names, then inherited ones."""
        return self._member(owner, name, frozenset())

    def lineage(self, symbol: Symbol) -> tuple[Symbol, ...]:
        """Return the class and its bases inside the library, nearest first, each once."""
        found: dict[str, Symbol] = {}
        waiting = [symbol]
        while waiting:
            current = waiting.pop(0)
            if current.path not in found:
                found[current.path] = current
                inside = (self.symbols.get(base.path) for base in current.bases if not base.external)
                waiting[:0] = [base for base in inside if base is not None]
        return tuple(found.values())

    def _follow(self, dotted: str, seen: frozenset[str]) -> tuple[Symbol | None, Presence]:
        # A definition path may run through a name that an alias hides (`pkg.slicer.cut` where the function
        # `pkg.slicer.slicer` is imported into `pkg`), so definitions are tried before the walk.
        if dotted not in self._aliases and (symbol := self.symbols.get(dotted)):
            return symbol, "known"
        root, *names = dotted.split(".")
        current = self.symbols.get(root)
        presence: Presence = "known" if current else "unchecked"
        for name in names:
            if current is None:
                break
            current, presence = self._member(current, name, seen)
        return current, presence

    def _member(self, owner: Symbol, name: str, seen: frozenset[str]) -> tuple[Symbol | None, Presence]:
        if owner.kind not in ("module", "class"):
            return None, "unchecked"  # attributes of a value: its type is not known
        for holder in self.lineage(owner):
            path = f"{holder.path}.{name}"
            target = self._aliases.get(path)
            if target is not None and path not in seen:
                found, _ = self._follow(target, seen | {path})
                if found is not None:
                    return found, "known"
            if path in self.symbols:
                return self.symbols[path], "known"
            if target is not None:
                return None, "unchecked"  # it exists, but leads outside
        return None, "unknown" if owner.members_known and not is_dunder(name) else "unchecked"

    def members(self, owner: Symbol) -> tuple[str, ...]:
        """Return the names that a module or class holds itself, without inherited ones."""
        return self._members.get(owner.path, ())

    @cached_property
    def _members(self) -> dict[str, tuple[str, ...]]:
        names: dict[str, dict[str, None]] = {}
        for path in (*self.symbols, *self._aliases):
            owner, _, name = path.rpartition(".")
            names.setdefault(owner, {})[name] = None
        return {owner: tuple(sorted(held)) for owner, held in names.items()}

    def find(self, name: str) -> tuple[Symbol, ...]:
        """Return the symbols that `name` may mean: a last name (`sphere`) or the end of a path (`actor.sphere`).

        Public ones come first, then shorter paths, then alphabetical order.
        """
        end = f".{name}"
        found = (
            symbol
            for symbol in self._by_name.get(name.rpartition(".")[2], ())
            if any(f".{path}".endswith(end) for path in (symbol.path, symbol.public or "", *symbol.aliases))
        )
        return tuple(sorted(found, key=_preference))

    @cached_property
    def _by_name(self) -> dict[str, tuple[Symbol, ...]]:
        found: dict[str, dict[str, Symbol]] = {}
        for symbol in self.symbols.values():
            for path in (symbol.path, symbol.public or symbol.path, *symbol.aliases):
                found.setdefault(path.rpartition(".")[2], {})[symbol.path] = symbol
        return {name: tuple(symbols.values()) for name, symbols in found.items()}

    def close_names(self, dotted: str, n: int = 3) -> tuple[str, ...]:
        """Return up to `n` real names that `dotted` may have meant, best first.

        First the same last name elsewhere, then similar names in the same place, then similar names anywhere.
        """
        owner, _, name = dotted.rpartition(".")
        return tuple(dict.fromkeys(self._close_names(owner, name, n)))[:n]

    def _close_names(self, owner: str, name: str, n: int) -> Iterator[str]:
        yield from (symbol.public for symbol in self.find(name) if symbol.public)
        place = self.resolve(owner)
        if place is not None:
            here = {held for holder in self.lineage(place) for held in self.members(holder) if not held.startswith("_")}
            for match in difflib.get_close_matches(name, sorted(here), n):
                yield f"{owner}.{match}"
        for match in difflib.get_close_matches(name, self._public_names, n, cutoff=0.75):
            yield from (symbol.public for symbol in self.find(match) if symbol.public)

    @cached_property
    def _public_names(self) -> tuple[str, ...]:
        return tuple(sorted({path.rpartition(".")[2] for path in self.public_paths().values()}))


def is_dunder(name: str) -> bool:
    """Whether `name` is one of Python's own (`__init__`)."""
    return name.startswith("__") and name.endswith("__")


def _preference(symbol: Symbol) -> tuple[bool, int, str]:
    path = symbol.public or symbol.path
    return symbol.public is None, path.count("."), path
