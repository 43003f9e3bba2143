"""What a generation holds, file by file and place by place (SQLite): drives incremental builds and symbol look-up."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Self

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from agent.chunking.messages import messages, word_pairs
from agent.chunking.uses import uses, written
from agent.index_file import IndexFile, created
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
CREATE TABLE quotable (number INTEGER PRIMARY KEY, chunk TEXT NOT NULL, pairs INTEGER NOT NULL);
CREATE TABLE pairs (token TEXT PRIMARY KEY, places BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE uses (chunk TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (chunk, name)) WITHOUT ROWID;
CREATE TABLE used (chunk TEXT NOT NULL, definition TEXT NOT NULL, PRIMARY KEY (chunk, definition)) WITHOUT ROWID;
CREATE TABLE rarity (definition TEXT PRIMARY KEY, weight REAL NOT NULL) WITHOUT ROWID;
"""
QUOTED = 0.5
"""Share of a message's word pairs that a question must quote."""
_LOOKUP = 10_000
"""Values in one look-up; well under SQLite's limit on variables."""
_SHORTEST = 2
"""Word pairs that make a message; "Invalid value" could be anybody's."""

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
        self._file = IndexFile.open(path)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _among(self, query: str, values: Iterable[str | int]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query whose last word is a column that must be one of the values."""
        for group in _batched(sorted(set(values))):
            yield from self._file.rows(f"{query} IN ({','.join('?' * len(group))})", group)

    def fingerprints(self) -> dict[str, str]:
        """Return path -> fingerprint of every file."""
        return {path: print_ for path, print_ in self._file.rows("SELECT path, fingerprint FROM files")}  # noqa: C416 - typed

    def chunk_ids(self, paths: Iterable[str] | None = None) -> dict[str, list[str]]:
        """Return path -> ids of the file's chunks, of all files or of some."""
        query = "SELECT path, id FROM chunks"
        rows = self._file.rows(query) if paths is None else self._among(f"{query} WHERE path", paths)
        ids: dict[str, list[str]] = {}
        for path, identifier in sorted(rows):
            ids.setdefault(path, []).append(identifier)
        return ids

    def count(self) -> int:
        """Return the number of chunks."""
        return int(self._file.rows("SELECT COUNT(*) FROM chunks")[0][0])

    def sample(self, number: int) -> list[str]:
        """Return the ids of some chunks; ids are digests, so their order is nobody's."""
        return [id_ for (id_,) in self._file.rows(f"SELECT id FROM chunks ORDER BY id LIMIT {number:d}")]  # noqa: S608 - a number

    def named(self, tokens: Iterable[str]) -> dict[str, Numbers]:
        """Return token -> ascending numbers of the places in whose name it occurs, see `ids`."""
        rows = self._among("SELECT token, places FROM names WHERE token", tokens)
        return {token: np.frombuffer(numbers, np.int32) for token, numbers in rows}

    def names(self) -> Iterator[tuple[str, Numbers]]:
        """Yield `named` for all tokens."""
        return ((token, np.frombuffer(numbers, np.int32)) for token, numbers in self._file.rows("SELECT * FROM names"))

    def count_places(self) -> int:
        """Return how many places have a name."""
        return int(self._file.rows("SELECT COUNT(*) FROM places")[0][0])

    def hidden(self) -> Numbers:
        """Return the numbers of the places in the package that have no public path."""
        return np.array([number for (number,) in self._file.rows("SELECT number FROM places WHERE hidden")], np.int32)

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

    def quoted(self, pairs: Iterable[str]) -> list[tuple[str, int, int]]:
        """Return (chunk id, word pairs of its message, how many of them are among these) for each message that has any.

        See `agent.chunking.messages`.
        """
        found = [
            np.frombuffer(numbers, np.int32) for _, numbers in self._among("SELECT * FROM pairs WHERE token", pairs)
        ]
        numbers, counts = np.unique(np.concatenate([np.empty(0, np.int32), *found]), return_counts=True)
        enough = counts >= QUOTED * self._lengths[numbers]
        said = dict(zip(numbers[enough].tolist(), counts[enough].tolist(), strict=True))
        rows = self._among("SELECT number, chunk, pairs FROM quotable WHERE number", said)
        return [(chunk, length, said[number]) for number, chunk, length in rows]

    @cached_property
    def _lengths(self) -> Numbers:
        """Word pairs of each message; numbers begin at 1."""
        rows = self._file.rows("SELECT pairs FROM quotable ORDER BY number")
        return np.array([0, *(pairs for (pairs,) in rows)], np.int32)

    def used_in(self, ids: Iterable[str]) -> list[tuple[str, str, float]]:
        """Return (chunk id, chunk id of a definition, how telling its use is) for what these blocks of examples use."""
        query = "SELECT chunk, definition, weight FROM used JOIN rarity USING (definition) WHERE chunk"
        return [(chunk, definition, weight) for chunk, definition, weight in self._among(query, ids)]

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
        meant: a name that an example uses to the definition path it stands for.
    """

    def __init__(
        self, path: Path, tokenize: Callable[[str], Sequence[str]], meant: Callable[[str], str | None] = lambda _: None
    ) -> None:
        self._tokenize = tokenize
        self._meant = meant
        self._connection = created(path, _SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with closing(self._connection):
            if kind is None:
                self._number_places()
                self._number_messages()
                self._count_uses()
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
        named = run("SELECT number, symbol FROM places JOIN chunks ON chunk = id")
        self._list_numbers(
            "names",
            ((token, number) for number, symbol in named for token in self._tokenize(symbol.rpartition(".")[2])),
        )

    def _number_messages(self) -> None:
        """Write which messages each pair of words stands in."""
        run = self._connection.execute
        known = (
            (chunk, word_pairs(text)) for chunk, text in run("SELECT chunk, text FROM messages ORDER BY chunk, text")
        )
        numbered = enumerate(((chunk, pairs) for chunk, pairs in known if len(pairs) >= _SHORTEST), start=1)

        def said() -> Iterator[tuple[str, int]]:
            for number, (chunk, pairs) in numbered:
                run("INSERT INTO quotable VALUES (?, ?, ?)", (number, chunk, len(pairs)))
                yield from ((pair, number) for pair in pairs)

        self._list_numbers("pairs", said())

    def _list_numbers(self, table: str, said: Iterable[tuple[str, int]]) -> None:
        """Write for each token the ascending numbers of what has it; an array takes a tenth of a table's rows."""
        run = self._connection.execute
        run("CREATE TEMP TABLE said (token TEXT, number INTEGER, PRIMARY KEY (token, number)) WITHOUT ROWID")
        self._connection.executemany("INSERT OR IGNORE INTO said VALUES (?, ?)", said)
        rows = groupby(run("SELECT token, number FROM said ORDER BY token, number"), key=itemgetter(0))
        lists = ((token, array("i", (number for _, number in held)).tobytes()) for token, held in rows)
        self._connection.executemany(f"INSERT INTO {table} VALUES (?, ?)", lists)  # noqa: S608 - names of this module
        run("DROP TABLE said")

    def _count_uses(self) -> None:
        """Write which definitions the blocks of examples use, and how telling: what all of them need says nothing."""
        run = self._connection.execute
        run("CREATE TEMP TABLE meanings (name TEXT PRIMARY KEY, path TEXT) WITHOUT ROWID")
        names = run("SELECT DISTINCT name FROM uses JOIN chunks ON chunk = id WHERE role = 'example'")
        meanings = ((name, self._meant(name)) for (name,) in names)
        self._connection.executemany("INSERT INTO meanings VALUES (?, ?)", meanings)
        run(
            "INSERT INTO used SELECT DISTINCT chunk, definition FROM uses JOIN chunks ON chunk = id "
            "JOIN meanings USING (name) JOIN (SELECT qualified, MAX(id) AS definition FROM chunks "
            "WHERE symbol IS NOT NULL AND part = 0 GROUP BY qualified) AS place ON place.qualified = meanings.path "
            "WHERE role = 'example'"
        )
        run("DROP TABLE meanings")
        ((examples,),) = run("SELECT COUNT(DISTINCT path) FROM used JOIN chunks ON chunk = id").fetchall()
        users = run("SELECT definition, COUNT(DISTINCT path) FROM used JOIN chunks ON chunk = id GROUP BY definition")
        weights = ((definition, math.log1p(examples / count)) for definition, count in users)
        self._connection.executemany("INSERT INTO rarity VALUES (?, ?)", weights)
