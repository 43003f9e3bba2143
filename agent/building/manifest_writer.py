"""Writes the manifest of a generation, file by file; only a few bytes of each named place are held at the end."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from typing import Self

import numpy as np

from agent.chunking.messages import messages, word_pairs
from agent.chunking.uses import required, uses, written
from agent.index_file import created
from agent.manifest import rarity
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
CREATE TABLE arrays (name TEXT PRIMARY KEY, numbers BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE pairs (token TEXT PRIMARY KEY, places BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE uses (chunk TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (chunk, name)) WITHOUT ROWID;
CREATE TABLE required (chunk TEXT NOT NULL, package TEXT NOT NULL, PRIMARY KEY (chunk, package)) WITHOUT ROWID;
CREATE TABLE requirements (package TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE used (chunk TEXT NOT NULL, definition TEXT NOT NULL, PRIMARY KEY (chunk, definition)) WITHOUT ROWID;
CREATE TABLE rarity (definition TEXT PRIMARY KEY, weight REAL NOT NULL) WITHOUT ROWID;
"""
_SHORTEST = 2
"""Word pairs that make a message; "Invalid value" could be anybody's."""
_HIDDEN = "SELECT number FROM places WHERE hidden ORDER BY number"


class ManifestWriter:
    """Writes the manifest of a new generation; nobody else sees the file before the generation is published.

    Args:
        path: the file to make.
        tokenize: text to lexical tokens, the same function that questions go through.
        meant: a name that an example uses to the definition path it stands for.
        requirements: what the library asks for, see `SourceTree`.
    """

    def __init__(
        self,
        path: Path,
        tokenize: Callable[[str], Sequence[str]],
        meant: Callable[[str], str | None] = lambda _: None,
        requirements: Iterable[str] = (),
    ) -> None:
        self._tokenize = tokenize
        self._meant = meant
        self._connection = created(path, _SCHEMA)
        self._connection.executemany("INSERT INTO requirements VALUES (?)", ((name,) for name in requirements))

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
        for table in ("messages", "uses", "required"):
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
            insert("INSERT OR IGNORE INTO required VALUES (?, ?)", required(chunks))

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
        ((count,),) = run("SELECT COUNT(*) FROM places").fetchall()
        weights = np.zeros(count + 1)
        for (listed,) in run("SELECT places FROM names ORDER BY token"):
            numbers = np.frombuffer(listed, np.int32)
            weights[numbers] += rarity(count, len(numbers))
        self._keep_array("weights", weights.data)
        self._keep_array("hidden", memoryview(array("i", (number for (number,) in run(_HIDDEN)))))

    def _keep_array(self, name: str, numbers: memoryview) -> None:
        self._connection.execute("INSERT INTO arrays VALUES (?, ?)", (name, numbers))

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
        lengths = (length for (length,) in run("SELECT pairs FROM quotable ORDER BY number"))
        self._keep_array("lengths", memoryview(array("i", chain([0], lengths))))

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
        weights = ((definition, rarity(examples, count)) for definition, count in users)
        self._connection.executemany("INSERT INTO rarity VALUES (?, ?)", weights)
