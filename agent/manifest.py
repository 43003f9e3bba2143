"""What a generation holds, file by file and place by place (SQLite): drives incremental builds and symbol look-up."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Self

from msgspec import Struct

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
CREATE TABLE names (token TEXT NOT NULL, chunk TEXT NOT NULL, PRIMARY KEY (token, chunk)) WITHOUT ROWID;
CREATE INDEX names_by_chunk ON names (chunk);
CREATE TABLE messages (chunk TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (chunk, text)) WITHOUT ROWID;
CREATE TABLE uses (chunk TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (chunk, name)) WITHOUT ROWID;
"""


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

    def _rows(self, query: str, parameters: Sequence[str] = ()) -> list[tuple[str, ...]]:
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

    def chunk_ids(self) -> dict[str, list[str]]:
        """Return path -> ids of the file's chunks."""
        ids: dict[str, list[str]] = {}
        for path, identifier in self._rows("SELECT path, id FROM chunks ORDER BY path, id"):
            ids.setdefault(path, []).append(identifier)
        return ids

    def named(self, tokens: Iterable[str]) -> list[tuple[str, Place]]:
        """Return (token, place) for every place one of whose name's tokens is among `tokens`."""
        wanted = sorted(set(tokens))
        marks = ",".join("?" * len(wanted))
        rows = self._rows(
            "SELECT token, id, path, kind, role, symbol, qualified, public FROM names JOIN chunks ON chunk = id "  # noqa: S608 - only marks
            f"WHERE token IN ({marks})",
            wanted,
        )
        return [(token, Place(*place)) for token, *place in rows]

    def frequencies(self, tokens: Iterable[str]) -> dict[str, int]:
        """Return in how many places' names each token occurs."""
        wanted = sorted(set(tokens))
        marks = ",".join("?" * len(wanted))
        query = f"SELECT token, COUNT(*) FROM names WHERE token IN ({marks}) GROUP BY token"  # noqa: S608 - only marks
        return {token: int(count) for token, count in self._rows(query, wanted)}

    def qualified(self, paths: Iterable[str]) -> list[Place]:
        """Return the places with one of these definition paths."""
        wanted = sorted(set(paths))
        marks = ",".join("?" * len(wanted))
        query = (
            "SELECT id, path, kind, role, symbol, qualified, public FROM chunks "  # noqa: S608 - only marks
            f"WHERE qualified IN ({marks}) AND symbol IS NOT NULL AND part = 0"
        )
        return [Place(*row) for row in self._rows(query, wanted)]

    def standings(self, ids: Iterable[str]) -> list[Standing]:
        """Return what these chunks are, in no order."""
        wanted = sorted(ids)
        marks = ",".join("?" * len(wanted))
        query = f"SELECT id, kind, symbol, path FROM chunks WHERE id IN ({marks})"  # noqa: S608 - only marks
        return [Standing(*row) for row in self._rows(query, wanted)]

    def definitions(self, ids: Iterable[str]) -> list[tuple[str, str]]:
        """Return (id, definition path) of those chunks that are definitions."""
        wanted = sorted(ids)
        marks = ",".join("?" * len(wanted))
        query = f"SELECT id, qualified FROM chunks WHERE id IN ({marks}) AND qualified IS NOT NULL"  # noqa: S608 - only marks
        return [(id_, path) for id_, path in self._rows(query, wanted)]

    def paths(self, ids: Iterable[str]) -> dict[str, str]:
        """Return chunk id -> path."""
        wanted = set(ids)
        return {id_: path for path, held in self.chunk_ids().items() for id_ in held if id_ in wanted}

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
        wanted = sorted(set(ids))
        marks = ",".join("?" * len(wanted))
        query = f"SELECT chunk, name FROM uses WHERE chunk IN ({marks}) ORDER BY chunk, name"  # noqa: S608 - only marks
        return [(chunk, name) for chunk, name in self._rows(query, wanted)]

    @cached_property
    def named_places(self) -> int:
        """How many places have a name; a generation never changes."""
        return int(self._rows("SELECT COUNT(DISTINCT chunk) FROM names")[0][0])


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
        self._connection.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;" + _SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.commit()
        self._connection.close()

    def keep(self, previous: Path, paths: Iterable[str]) -> None:
        """Take over the rows of unchanged files from the previous generation's manifest."""
        run = self._connection.execute
        self._connection.commit()
        run("ATTACH ? AS previous", (str(previous),))
        run("CREATE TEMP TABLE kept (path TEXT PRIMARY KEY)")
        self._connection.executemany("INSERT INTO kept VALUES (?)", ((path,) for path in paths))
        run("INSERT INTO files SELECT * FROM previous.files WHERE path IN (SELECT path FROM kept)")
        run("INSERT INTO chunks SELECT * FROM previous.chunks WHERE path IN (SELECT path FROM kept)")
        for table in ("names", "messages", "uses"):
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
        insert("INSERT INTO names VALUES (?, ?)", self._names(chunks))
        if file.role == "package":
            said = ((chunk.id, text) for chunk in chunks for text in messages(chunk))
            insert("INSERT OR IGNORE INTO messages VALUES (?, ?)", said)
        elif file.role == "example" and file.language == "python":
            insert("INSERT OR IGNORE INTO uses VALUES (?, ?)", uses(chunks))
        elif file.role == "docs":
            insert("INSERT OR IGNORE INTO uses VALUES (?, ?)", written(chunks))

    def _names(self, chunks: Sequence[Chunk]) -> Iterator[tuple[str, str]]:
        for chunk in chunks:
            if chunk.symbol is not None and chunk.part == 0:
                for token in set(self._tokenize(chunk.symbol.rsplit(".", 1)[-1])):
                    yield token, chunk.id
