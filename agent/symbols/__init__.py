"""The API model of one version of a library: which names it has, where, and how they may be called.

It is read from the sources without importing them (`agent.symbols.reader`) and answers by dotted path, as a program
would find the name: through re-exports, stubs, aliases and inheritance. Where the sources cannot tell (external bases,
`__getattr__`, foreign modules) the answer is "unchecked", never "unknown".
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import Literal

from agent.durable_files import storage_errors
from agent.schema import SourceTree
from agent.symbols.closeness import same_name
from agent.symbols.model import Base, Kind, Parameter, ParameterKind, Symbol, is_dunder
from agent.symbols.table import SymbolTable, TableWriter

__all__ = ["ApiModel", "Base", "Kind", "Parameter", "ParameterKind", "Presence", "Symbol", "is_dunder"]

Presence = Literal["known", "unknown", "unchecked"]
_MEMBERS_CACHED = 256
_CLOSE = 0.75
"""Least similarity (`difflib`) of names in different places."""


class ApiModel:
    """All symbols of one version, looked up by dotted path.

    Immutable; safe to share between threads. Symbols are read when they are asked for.

    Attributes:
        symbols: definition path -> symbol.
        problems: what could not be read, and why.
    """

    def __init__(self, symbols: Mapping[str, Symbol], aliases: Mapping[str, str]) -> None:
        table = TableWriter(None)
        table.add(symbols.values(), aliases)
        table.add_members()
        table.finish()
        self._hold(table)

    def _hold(self, table: SymbolTable) -> None:
        self._table = table
        self._aliases = table.aliases
        self._members_of = lru_cache(_MEMBERS_CACHED)(table.members)
        self.symbols: Mapping[str, Symbol] = table.symbols
        self.problems = table.problems()

    @classmethod
    def over(cls, table: SymbolTable) -> ApiModel:
        """Return the model that a table holds."""
        model = cls.__new__(cls)
        model._hold(table)  # noqa: SLF001 - its own class
        return model

    @classmethod
    def build(
        cls,
        tree: SourceTree,
        path: Path | None = None,
        *,
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> ApiModel:
        """Read the sources of `tree`; what cannot be read is skipped and recorded in `problems`.

        Args:
            tree: the sources.
            path: the file to make; without one, the model is held in memory.
            progress: told how many files are read, and of how many.

        Raises:
            StorageError: the disk is full or the file cannot be written.
        """
        # Only building needs griffe, and these two need the structs of this module.
        from agent.symbols.public_paths import complete
        from agent.symbols.reader import read_symbols

        with storage_errors(path or Path("memory")):
            return complete(read_symbols(tree, progress=progress), path)

    @classmethod
    def load(cls, path: Path) -> ApiModel:
        """Open what `build` wrote.

        Raises:
            IndexCorrupt: the file is missing or damaged.
        """
        return cls.over(SymbolTable.open(path))

    @cached_property
    def roots(self) -> tuple[str, ...]:
        """Top-level modules of the library."""
        tops = (self.symbols.get(name) for name in self._members_of(""))
        return tuple(top.path for top in tops if top is not None and top.kind == "module")

    def public_paths(self) -> Mapping[str, str]:
        """Return definition path -> shortest public path, for every symbol that has one."""
        return self._table.public

    def resolve(self, dotted: str) -> Symbol | None:
        """Return what a rooted dotted name stands for, or None where it is unknown or unchecked (see `presence`)."""
        return self._follow(dotted, frozenset())[0]

    def presence(self, dotted: str) -> Presence:
        """Say whether a rooted dotted name exists: "unchecked" where the sources cannot tell."""
        return self._follow(dotted, frozenset())[1]

    def member(self, owner: Symbol, name: str) -> tuple[Symbol | None, Presence]:
        """Look one attribute up in a symbol, as Python would: own names, then inherited ones."""
        return self._member(owner, name, frozenset())

    def constructor(self, symbol: Symbol) -> Symbol:
        """Return what a call of `symbol` runs: of a class its `__init__`, whose decorators are not the class's."""
        found = self.member(symbol, "__init__")[0] if symbol.kind == "class" else None
        return found or symbol

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
        return self._members_of(owner.path)

    def subclasses(self, symbol: Symbol) -> tuple[Symbol, ...]:
        """Return the classes of the library below a class, each once."""
        found: dict[str, None] = {}
        waiting = [symbol.path]
        while waiting:
            fresh = [path for path in self._table.derived(waiting.pop()) if path not in found and path != symbol.path]
            found |= dict.fromkeys(fresh)
            waiting += fresh
        return tuple(self.symbols[path] for path in found)

    def find(self, name: str, most: int | None = None) -> tuple[Symbol, ...]:
        """Return the symbols that `name` may mean: a last name (`sphere`) or the end of a path (`actor.sphere`).

        Public ones come first, then shorter paths, then alphabetical order; the first `most` of them.
        """
        end = f".{name}"
        found = (
            symbol
            for symbol in self._table.named(name.rpartition(".")[2])
            if any(f".{path}".endswith(end) for path in (symbol.path, symbol.public or "", *symbol.aliases))
        )
        return tuple(islice(found, most))

    def close_names(self, dotted: str, n: int = 3) -> tuple[str, ...]:
        """Return up to `n` real names that `dotted` may have meant, best first.

        First the same last name elsewhere, then similar names in the same place, then similar names anywhere.
        """
        owner, _, name = dotted.rpartition(".")
        found: dict[str, None] = {}
        for close in self._close_names(owner, name, n):
            found[close] = None
            if len(found) == n:
                break  # the last places to look in take the longest
        return tuple(found)

    def _close_names(self, owner: str, name: str, n: int) -> Iterator[str]:
        yield from (symbol.public for symbol in self.find(name) if symbol.public)
        place = self.resolve(owner)
        if place is not None:
            here = {held for holder in self.lineage(place) for held in self.members(holder) if not held.startswith("_")}
            for match in difflib.get_close_matches(name, sorted(here), n):
                yield f"{owner}.{match}"
        # The ratio of two names is at most twice the shorter length by the sum of both.
        least, most = len(name) * _CLOSE / (2 - _CLOSE), len(name) * (2 - _CLOSE) / _CLOSE
        for match in difflib.get_close_matches(name, self._table.public_names(least, most), n, cutoff=_CLOSE):
            yield from (symbol.public for symbol in self.find(match) if symbol.public)

    def respelled(self, name: str) -> str | None:
        """Return the one public last name that a misspelled one surely stands for: `spere` is `sphere`.

        None for a name that there is, and for one that is no name at all.
        """
        if not name.isidentifier() or next(self._table.named(name), None) is not None:
            return None
        return same_name(name, self._table.names_like(name))
