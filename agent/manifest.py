"""What a generation holds, file by file and place by place (SQLite): drives incremental builds and symbol look-up."""

from __future__ import annotations

import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from agent.chunking.messages import messages
from agent.chunking.uses import uses, written
from agent.errors import IndexCorrupt
from agent.schema import Chunk, SourceFile

_SCHEMA = """
CREATE TABLE files (path TEXT PRIMARY KEY, sha256 TEXT NOT NULL, fingerprint TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE chunks (
    id TEXT PRIMARY KEY, path TEXT NOT NULL, kind TEXT NOT NULL, role TEXT NOT NULL,
    symbol TEXT, qualified TEXT, public TEXT, part INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX chunks_by_path ON chunks (path);
CREATE INDEX chunks_by_qualified ON chunks (qualified);
CREATE TABLE places (number INTEGER PRIMARY KEY, chunk TEXT NOT NULL, hidden INTEGER NOT NULL);
CREATE TABLE names (token TEXT PRIMARY KEY, places BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE messages (chunk TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (chunk, text)) WITHOUT ROWID;
CREATE TABLE uses (chunk TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (chunk, name)) WITHOUT ROWID;
"""
_LOOKUP = 10_000
"""Values in one look-up; well under SQLite's limit on variables."""
_CACHE_KB = 65_536
"""Pages that the writer keeps in memory: ids are random, so every insertion touches another page."""

Numbers = NDArray[np.int32]


class Place(Struct, frozen=True):
    """Where a named definition is: one row of the manifest."""

    id: str
    path: str
    kind: str
    role: str
    symbol: str
    qualified: str | None
    public: str | None


class Standing(Struct, frozen=True):
    """What a chunk is, named or not."""

    id: str
    kind: str
    symbol: str | None
    path: str


class Manifest:
    """The manifest of one generation; safe to read from several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False)
        except sqlite3.Error as error:
            raise IndexCorrupt(
                f"The manifest {str(path)!r} cannot be opened ({error}).",
                remedy="Build the index again: `fury-agent index --force`.",
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _among(self, query: str, values: Iterable[str | int]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query whose last word is a column that must be one of the values."""
        for group in _batched(sorted(set(values))):
            yield from self._rows(f"{query} IN ({','.join('?' * len(group))})", group)

    def _rows(self, query: str, parameters: Sequence[str | int] = ()) -> list[tuple[Any, ...]]:
        try:
            with closing(self._connection.execute(query, parameters)) as cursor:
                return cursor.fetchall()
        except sqlite3.Error as error:
            raise IndexCorrupt(
                f"The manifest {str(self.path)!r} cannot be read ({error}).",
                remedy="Build the index again: `fury-agent index --force`.",
            ) from error

    def fingerprints(self) -> dict[str, str]:
        """Return path -> fingerprint of every file."""
        return {path: print_ for path, print_ in self._rows("SELECT path, fingerprint FROM files")}  # noqa: C416 - typed

    def chunk_ids(self, paths: Iterable[str] | None = None) -> dict[str, list[str]]:
        """Return path -> ids of the file's chunks, of all files or of some."""
        query = "SELECT path, id FROM chunks"
        rows = self._rows(query) if paths is None else self._among(f"{query} WHERE path", paths)
        ids: dict[str, list[str]] = {}
        for path, identifier in sorted(rows):
            ids.setdefault(path, []).append(identifier)
        return ids

    def count(self) -> int:
        """Return the number of chunks."""
        return int(self._rows("SELECT COUNT(*) FROM chunks")[0][0])

    def sample(self, number: int) -> list[str]:
        """Return the ids of some chunks; ids are digests, so their order is nobody's."""
        return [id_ for (id_,) in self._rows(f"SELECT id FROM chunks ORDER BY id LIMIT {number:d}")]  # noqa: S608 - a number

    def named(self, tokens: Iterable[str]) -> dict[str, Numbers]:
        """Return token -> ascending numbers of the places in whose name it occurs, see `ids`."""
        rows = self._among("SELECT token, places FROM names WHERE token", tokens)
        return {token: np.frombuffer(numbers, np.int32) for token, numbers in rows}

    def names(self) -> Iterator[tuple[str, Numbers]]:
        """Yield `named` for all tokens."""
        return ((token, np.frombuffer(numbers, np.int32)) for token, numbers in self._rows("SELECT * FROM names"))

    def count_places(self) -> int:
        """Return how many places have a name."""
        return int(self._rows("SELECT COUNT(*) FROM places")[0][0])

    def hidden(self) -> Numbers:
        """Return the numbers of the places in the package that have no public path."""
        return np.array([number for (number,) in self._rows("SELECT number FROM places WHERE hidden")], np.int32)

    def ids(self, places: Iterable[int]) -> list[str]:
        """Return the chunks of numbered places, in this order.

        Places are numbered by the length of their symbol, then path and id: of equals, the first is to be preferred.
        """
        wanted = [*places]
        found = dict(self._among("SELECT number, chunk FROM places WHERE number", wanted))
        return [found[number] for number in wanted]

    def qualified(self, paths: Iterable[str]) -> list[Place]:
        """Return the places with one of these definition paths."""
        query = (
            "SELECT id, path, kind, role, symbol, qualified, public FROM chunks "
            "WHERE symbol IS NOT NULL AND part = 0 AND qualified"
        )
        return [Place(*row) for row in self._among(query, paths)]

    def standings(self, ids: Iterable[str]) -> list[Standing]:
        """Return what these chunks are, in no order."""
        return [Standing(*row) for row in self._among("SELECT id, kind, symbol, path FROM chunks WHERE id", ids)]

    def definitions(self, ids: Iterable[str]) -> list[tuple[str, str]]:
        """Return (id, definition path) of those chunks that are definitions."""
        rows = self._among("SELECT id, qualified FROM chunks WHERE qualified IS NOT NULL AND id", ids)
        return [(id_, path) for id_, path in rows]

    def paths(self, ids: Iterable[str]) -> dict[str, str]:
        """Return chunk id -> path."""
        return dict(self._among("SELECT id, path FROM chunks WHERE id", ids))

    @cached_property
    def messages(self) -> list[tuple[str, str]]:
        """(chunk id, message) for what is raised or warned with, see `agent.chunking.messages`."""
        rows = self._rows("SELECT chunk, text FROM messages ORDER BY chunk, text")
        return [(chunk, text) for chunk, text in rows]

    @cached_property
    def uses(self) -> list[tuple[str, str]]:
        """(chunk id, name) for what examples use, see `agent.chunking.uses`."""
        query = "SELECT chunk, name FROM uses JOIN chunks ON chunk = id WHERE role = 'example' ORDER BY chunk, name"
        return [(chunk, name) for chunk, name in self._rows(query)]

    def used_by(self, ids: Iterable[str]) -> list[tuple[str, str]]:
        """Return (chunk id, name) for what these examples use and these pages write out."""
        return sorted((chunk, name) for chunk, name in self._among("SELECT chunk, name FROM uses WHERE chunk", ids))


def _batched(values: Sequence[str | int]) -> Iterator[Sequence[str | int]]:
    return (values[start : start + _LOOKUP] for start in range(0, len(values), _LOOKUP))


class ManifestWriter:
    """Writes the manifest of a new generation; nobody else sees the file before the generation is published.

    Args:
        path: the file to make.
        tokenize: text to lexical tokens, the same function that questions go through.
    """

    def __init__(self, path: Path, tokenize: Callable[[str], Sequence[str]]) -> None:
        self._tokenize = tokenize
        self._connection = sqlite3.connect(path)
        # A crash loses the whole generation anyway; it is flushed to disk as a whole before the switch.
        self._connection.executescript(
            f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-{_CACHE_KB};{_SCHEMA}"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with closing(self._connection):
            if kind is None:
                self._number_places()
                self._connection.commit()

    def keep(self, previous: Path, paths: Iterable[str]) -> None:
        """Take over the rows of unchanged files from the previous generation's manifest."""
        run = self._connection.execute
        self._connection.commit()
        run("ATTACH ? AS previous", (str(previous),))
        run("CREATE TEMP TABLE kept (path TEXT PRIMARY KEY)")
        self._connection.executemany("INSERT INTO kept VALUES (?)", ((path,) for path in paths))
        run("INSERT INTO files SELECT * FROM previous.files WHERE path IN (SELECT path FROM kept)")
        run("INSERT INTO chunks SELECT * FROM previous.chunks WHERE path IN (SELECT path FROM kept)")
        for table in ("messages", "uses"):
            run(f"INSERT INTO {table} SELECT * FROM previous.{table} WHERE chunk IN (SELECT id FROM chunks)")  # noqa: S608 - names of this module
        self._connection.commit()
        run("DETACH previous")

    def add(self, file: SourceFile, fingerprint: str, chunks: Sequence[Chunk]) -> None:
        """Record a file and its chunks."""
        self._connection.execute("INSERT INTO files VALUES (?, ?, ?)", (file.path, file.sha256, fingerprint))
        self._connection.executemany(
            "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            ((c.id, c.path, c.kind, c.role, c.symbol, c.qualified, c.public, c.part) for c in chunks),
        )
        insert = self._connection.executemany
        if file.role == "package":
            said = ((chunk.id, text) for chunk in chunks for text in messages(chunk))
            insert("INSERT OR IGNORE INTO messages VALUES (?, ?)", said)
        elif file.role == "example" and file.language == "python":
            insert("INSERT OR IGNORE INTO uses VALUES (?, ?)", uses(chunks))
        elif file.role == "docs":
            insert("INSERT OR IGNORE INTO uses VALUES (?, ?)", written(chunks))

    def _number_places(self) -> None:
        """Write which places each token occurs in the names of; an array takes a tenth of a table's rows."""
        run = self._connection.execute
        run(
            "INSERT INTO places (chunk, hidden) SELECT id, public IS NULL AND role = 'package' FROM chunks "
            "WHERE symbol IS NOT NULL AND part = 0 ORDER BY length(symbol), path, id"
        )
        places: dict[str, array[int]] = defaultdict(lambda: array("i"))
        for number, symbol in run("SELECT number, symbol FROM places JOIN chunks ON chunk = id ORDER BY number"):
            for token in set(self._tokenize(symbol.rpartition(".")[2])):
                places[token].append(number)
        self._connection.executemany(
            "INSERT INTO names VALUES (?, ?)", ((token, places[token].tobytes()) for token in sorted(places))
        )
