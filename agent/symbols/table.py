"""The symbols of one version in SQLite, read by name when they are needed: memory does not grow with the library."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from agent.index_file import Column, IndexFile, created, finished
from agent.symbols.model import Symbol

_SCHEMA = """
CREATE TABLE symbols (path TEXT PRIMARY KEY, kind TEXT NOT NULL, public TEXT, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE aliases (path TEXT PRIMARY KEY, target TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE members (owner TEXT, name TEXT, PRIMARY KEY (owner, name)) WITHOUT ROWID;
CREATE TABLE bases (base TEXT, class TEXT, PRIMARY KEY (base, class)) WITHOUT ROWID;
CREATE TABLE names (
    name TEXT, hidden INTEGER, dots INTEGER, shown TEXT, path TEXT, PRIMARY KEY (name, hidden, dots, shown, path)
) WITHOUT ROWID;
CREATE TABLE problems (text TEXT NOT NULL);
"""
_CACHED = 8_192
"""Symbols in memory, about 1 KB each: all of a library of usual size."""

_decode = msgspec.msgpack.Decoder(Symbol).decode
_encode = msgspec.msgpack.Encoder().encode


class SymbolTable:
    """Symbols and aliases by dotted path.

    Attributes:
        symbols: definition path -> symbol.
        public: definition path -> shortest public path, where there is one.
        aliases: path of an imported or re-bound name -> what it stands for.
    """

    def __init__(self, file: IndexFile) -> None:
        self._file = file
        self.symbols: Column[Symbol] = Column(file, "symbols", "value", decode=_decode, cached=_CACHED)
        self.public: Column[str] = Column(file, "symbols", "public", cached=_CACHED)
        self.aliases: Column[str] = Column(file, "aliases", "target", cached=_CACHED)

    @classmethod
    def open(cls, path: Path) -> SymbolTable:
        """Open what a `TableWriter` wrote.

        Raises:
            IndexCorrupt: the file is missing or damaged.
        """
        table = cls(IndexFile.open(path))
        table.members("")
        return table

    def problems(self) -> tuple[str, ...]:
        """Return what could not be read, and why."""
        return tuple(text for (text,) in self._file.rows("SELECT text FROM problems ORDER BY rowid"))

    def members(self, owner: str) -> tuple[str, ...]:
        """Return the names held by the symbol of a path, in alphabetical order."""
        return tuple(
            name for (name,) in self._file.rows("SELECT name FROM members WHERE owner = ? ORDER BY name", [owner])
        )

    def derived(self, base: str) -> tuple[str, ...]:
        """Return the paths of the classes that name a class among their bases."""
        return tuple(path for (path,) in self._file.rows("SELECT class FROM bases WHERE base = ?", [base]))

    def named(self, name: str) -> Iterator[Symbol]:
        """Yield the symbols that have a path with this last name: public and short ones first, then by alphabet."""
        query = "SELECT path FROM names WHERE name = ? ORDER BY hidden, dots, shown, path"
        return (self.symbols[path] for (path,) in self._file.stream(query, [name]))

    def public_names(self, shortest: float, longest: float) -> list[str]:
        """Return the last names of the shortest public paths, of some lengths."""
        query = (
            "SELECT DISTINCT name FROM names WHERE NOT hidden AND length(name) BETWEEN ? AND ? "
            "AND substr('.' || shown, -length(name) - 1) = '.' || name"
        )
        return [name for (name,) in self._file.rows(query, [int(shortest), int(longest)])]

    def names_like(self, name: str) -> list[str]:
        """Return the last names of public paths that begin with the same letter and are as long, give or take a letter.

        Case and underscores don't count. The beginning is a range of the index, so that few rows are read.
        """
        query = (
            "SELECT DISTINCT name FROM names WHERE (name GLOB ? OR name GLOB ?) AND NOT hidden "
            "AND length(replace(name, '_', '')) BETWEEN ? AND ?"
        )
        first, length = name[:1], len(name.replace("_", ""))
        return [
            name
            for (name,) in self._file.rows(query, [f"{first.lower()}*", f"{first.upper()}*", length - 1, length + 1])
        ]


class TableWriter(SymbolTable):
    """A table that is being made.

    Args:
        path: the file to make, or None for a table in memory.
    """

    def __init__(self, path: Path | None) -> None:
        self._connection = created(path, _SCHEMA)
        super().__init__(IndexFile(self._connection, str(path or "in memory")))

    def add(self, symbols: Iterable[Symbol], aliases: Mapping[str, str], problems: Iterable[str] = ()) -> None:
        """Add what was read; of two symbols with one path, the later one stays."""
        insert = self._connection.executemany
        insert("INSERT INTO problems VALUES (?)", ((text,) for text in problems))
        insert("INSERT OR REPLACE INTO aliases VALUES (?, ?)", aliases.items())
        insert("INSERT OR REPLACE INTO symbols VALUES (?, ?, ?, ?)", map(_row, symbols))
        self._forget()

    def update(self, symbols: Iterable[Symbol]) -> None:
        """Replace symbols; while they are made, look-ups find the old ones."""
        self._connection.execute("CREATE TEMP TABLE fresh AS SELECT * FROM symbols WHERE FALSE")
        self._connection.executemany("INSERT INTO fresh VALUES (?, ?, ?, ?)", map(_row, symbols))
        self._connection.execute("INSERT OR REPLACE INTO symbols SELECT * FROM fresh")
        self._connection.execute("DROP TABLE fresh")
        self._forget()

    def add_members(self) -> None:
        """Write what holds what; afterwards `members` answers."""
        for column in (self.symbols, self.aliases):
            rows = ((owner, name) for path in column for owner, _, name in [path.rpartition(".")])
            self._connection.executemany("INSERT OR IGNORE INTO members VALUES (?, ?)", rows)

    def finish(self) -> None:
        """Write by what names symbols are found, and who derives from whom; commit."""
        for _, symbol in self.symbols.stream():
            bases = ((base.path, symbol.path) for base in symbol.bases if not base.external)
            self._connection.executemany("INSERT OR IGNORE INTO bases VALUES (?, ?)", bases)
            self._connection.executemany("INSERT OR IGNORE INTO names VALUES (?, ?, ?, ?, ?)", _names(symbol))
        finished(self._connection)

    def _forget(self) -> None:
        for column in (self.symbols, self.public, self.aliases):
            column.forget()


def _row(symbol: Symbol) -> tuple[str, str, str | None, bytes]:
    return symbol.path, symbol.kind, symbol.public, _encode(symbol)


def _names(symbol: Symbol) -> Iterator[tuple[str, bool, int, str, str]]:
    shown = symbol.public or symbol.path
    for name in {path.rpartition(".")[2] for path in (symbol.path, shown, *symbol.aliases)}:
        yield name, symbol.public is None, shown.count("."), shown, symbol.path
