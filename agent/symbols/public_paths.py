"""Completes what was read into an API model: inheritance, constructors, and the shortest public path of everything.

Public means that no part of the path begins with an underscore and that it can be reached as an attribute of a public
module. A name that an ordinary module merely imports for its own use is public there only if nothing better exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import msgspec
from msgspec.structs import replace

from agent.index_file import scratch
from agent.symbols import ApiModel
from agent.symbols.model import Base, Symbol
from agent.symbols.reader import MEMBERLESS_BASES, Reading
from agent.symbols.table import TableWriter

# A candidate path sorts by: an incidental import, length, another name than its own, not in `__all__`, the alphabet.
_Candidate = tuple[bool, int, bool, int, str]


def complete(readings: Iterable[Reading], path: Path | None) -> ApiModel:
    """Write what is read to a table at `path`, or in memory, and return the model that it holds."""
    table = TableWriter(path)
    with closing(_Scratch()) as scratch:
        for reading in readings:
            table.add(reading.symbols.values(), reading.aliases, reading.problems)
            scratch.add_modules(reading)
        table.add_members()
        model = ApiModel.over(table)
        table.update(replace(symbol, bases=_bases(model, symbol)) for symbol in _classes(table))
        table.update(_inherited(model, symbol) for symbol in _classes(table))
        table.update(_published(model, scratch))
    table.finish()
    return model


def _classes(table: TableWriter) -> Iterator[Symbol]:
    return (symbol for _, symbol in table.symbols.stream() if symbol.kind == "class")


def _bases(model: ApiModel, symbol: Symbol) -> tuple[Base, ...]:
    """Replace each base's dotted name by its definition path where the sources have it."""
    bases: list[Base] = []
    for base in symbol.bases:
        found = model.resolve(base.path)
        inside = found is not None and found.kind == "class" and found.path != symbol.path
        bases.append(Base(found.path, external=False) if found and inside else base)
    return tuple(bases)


def _inherited(model: ApiModel, symbol: Symbol) -> Symbol:
    """Add the constructor's parameters, and what unseen bases leave open."""
    lineage = model.lineage(symbol)
    unseen = any(base.external and base.path not in MEMBERLESS_BASES for item in lineage for base in item.bases)
    candidates = (
        model.symbols.get(f"{item.path}.{name}") for item in lineage for name in ("__init__", "__cinit__", "__new__")
    )
    constructor = next((found for found in candidates if found is not None), None)
    own = constructor is not None and constructor.path.rpartition(".")[0] == symbol.path
    return replace(
        symbol,
        parameters=constructor.bound_parameters if constructor else (),
        signature_known=symbol.signature_known
        and (own or not unseen)
        and (constructor is None or constructor.signature_known),
        members_known=not unseen and all(item.members_known for item in lineage),
    )


class _Scratch:
    """What publishing must know of all modules and definitions, in a nameless database that goes when it is closed."""

    def __init__(self) -> None:
        self._connection = scratch(
            "CREATE TABLE modules (path TEXT PRIMARY KEY, package INTEGER, listed BLOB) WITHOUT ROWID;"
            "CREATE TABLE candidates (path TEXT, rank TEXT, PRIMARY KEY (path, rank)) WITHOUT ROWID;"
        )

    def close(self) -> None:
        self._connection.close()

    def add_modules(self, reading: Reading) -> None:
        rows = (
            (path, path in reading.packages, None if listed is None else msgspec.json.encode(listed))
            for path in {*reading.packages, *reading.exports}
            for listed in [reading.exports.get(path)]
        )
        self._connection.executemany("INSERT INTO modules VALUES (?, ?, ?)", rows)

    def module(self, path: str) -> tuple[bool, frozenset[str] | None]:
        """Return whether a module is a package, and the names in its `__all__`, where it has one."""
        found = self._connection.execute("SELECT package, listed FROM modules WHERE path = ?", (path,)).fetchone()
        package, listed = found or (False, None)
        return bool(package), None if listed is None else msgspec.json.decode(listed, type=frozenset[str])

    def add(self, path: str, candidate: _Candidate) -> None:
        incidental, length, renamed, rank, public = candidate
        text = f"{incidental:d}{length:04d}{renamed:d}{rank:d}{public}"
        self._connection.execute("INSERT OR IGNORE INTO candidates VALUES (?, ?)", (path, text))

    def best(self, path: str) -> _Candidate | None:
        """Return the best candidate of a definition, if it has any yet."""
        found = self._connection.execute("SELECT MIN(rank) FROM candidates WHERE path = ?", (path,)).fetchone()[0]
        return found and (found[0] == "1", int(found[1:5]), found[5] == "1", int(found[6]), found[7:])

    def definitions(self) -> Iterator[str]:
        """Yield the definitions that have a candidate by now, in the order of their best ones."""
        query = "SELECT path, MIN(rank) AS best FROM candidates GROUP BY path ORDER BY best, path"
        return (path for path, _ in self._connection.execute(query))

    def published(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield every such definition with its candidates, best first."""
        rows = self._connection.execute("SELECT path, substr(rank, 8) FROM candidates ORDER BY path, rank")
        for path, held in groupby(rows, key=itemgetter(0)):
            yield path, tuple(dict.fromkeys(public for _, public in held))


def _published(model: ApiModel, scratch: _Scratch) -> Iterator[Symbol]:
    """Yield every symbol that can be reached publicly with its shortest path and its aliases."""
    _find_module_level_paths(model, scratch)
    for path in scratch.definitions():
        if model.symbols[path].kind == "class":
            _add_members(model, model.symbols[path], scratch)
    for path, (public, *aliases) in scratch.published():
        yield replace(model.symbols[path], public=public, aliases=tuple(aliases))


def _find_module_level_paths(model: ApiModel, scratch: _Scratch) -> None:
    """Walk the public modules level by level, so that each is entered by its shortest path."""
    level = sorted(root for root in model.roots if not root.startswith("_"))
    for root in level:
        scratch.add(root, (False, 0, False, 0, root))
    entered = set(level)
    while level:
        publics = [best[-1] for best in map(scratch.best, level) if best is not None]
        met: set[str] = set()
        for module, public in zip(level, publics, strict=True):
            for found, candidate in _exposed(model, scratch, model.symbols[module], public):
                scratch.add(found.path, candidate)
                if found.kind == "module":
                    met.add(found.path)
        level = sorted(met - entered)
        entered |= met


def _exposed(model: ApiModel, scratch: _Scratch, module: Symbol, public: str) -> Iterator[tuple[Symbol, _Candidate]]:
    """Yield what a public module exposes, each with a candidate for its public path."""
    package, listed = scratch.module(module.path)
    for name in model.members(module):
        if name.startswith("_"):
            continue
        found, _ = model.member(module, name)
        if found is None:
            continue
        if listed is not None and name in listed:
            rank = 0
        elif found.path == f"{module.path}.{name}":
            rank = 1
        elif listed is None and package:
            rank = 2
        else:
            rank = 3
        incidental = rank == 3  # noqa: PLR2004 - see the chain
        yield found, (incidental, public.count(".") + 1, name != found.name, rank, f"{public}.{name}")


def _add_members(model: ApiModel, symbol: Symbol, scratch: _Scratch) -> None:
    """Publish a class's members through it, and those of bases that are not public themselves."""
    best = scratch.best(symbol.path)
    assert best is not None
    incidental, length, renamed, rank, public = best
    for holder in model.lineage(symbol):
        if holder.path != symbol.path and scratch.best(holder.path) is not None:
            continue
        for name in model.members(holder):
            member = model.symbols.get(f"{holder.path}.{name}")
            if member is None or name.startswith("_"):
                continue
            scratch.add(member.path, (incidental, length + 1, renamed, rank, f"{public}.{name}"))
            if member.kind == "class" and holder.path == symbol.path:
                _add_members(model, member, scratch)
