"""What BM25 and filters must know of all texts of a store that keeps only vectors: one SQLite file beside it."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from msgspec import Struct

from agent.durable_files import storage_errors
from agent.errors import IndexCorrupt

_SCHEMA = """
CREATE TABLE terms (term INTEGER PRIMARY KEY, documents INTEGER NOT NULL);
CREATE TABLE known (name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name, value)) WITHOUT ROWID;
CREATE TABLE totals (documents INTEGER NOT NULL, added INTEGER NOT NULL, usual_length REAL);
INSERT INTO totals VALUES (0, 0, NULL);
"""


class Totals(Struct, frozen=True):
    """Of the whole store.

    Attributes:
        documents: how many there are.
        added: how many were ever added; numbers them in the order of adding.
        usual_length: tokens of a usual document, to which BM25 compares lengths; fixed by the first ones.
    """

    documents: int
    added: int
    usual_length: float | None


class Document(Struct, frozen=True):
    """What is counted of one document.

    Attributes:
        terms: its distinct terms.
        values: column -> value.
    """

    terms: tuple[int, ...]
    values: Mapping[str, str]


class Statistics:
    """Counts over the documents of a store; safe to use from several threads, and processes of which one writes.

    Args:
        path: the file; made by `create`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path) -> Statistics:
        """Make an empty file.

        Raises:
            StorageError: it cannot be written.
        """
        with storage_errors(path), closing(sqlite3.connect(path)) as connection:
            connection.executescript(_SCHEMA)
        return cls(path)

    def totals(self) -> Totals:
        """Return the counts of the whole store."""
        [(documents, added, usual_length)] = self._rows("SELECT documents, added, usual_length FROM totals")
        return Totals(documents, added, usual_length)

    def begin(self, usual_length: float, added: int = 0) -> None:
        """Fix what lengths are compared to, and the number of the next document."""
        with storage_errors(self.path), closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute("UPDATE totals SET usual_length = ?, added = ?", (usual_length, added))

    def add(self, documents: Iterable[Document]) -> None:
        """Count documents."""
        self._change(list(documents), 1)

    def remove(self, documents: Iterable[Document]) -> None:
        """Take documents out of the counts; their values stay known, which does no harm."""
        self._change(list(documents), -1)

    def clear(self) -> None:
        """Forget everything."""
        with storage_errors(self.path), closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute("DELETE FROM terms")
            connection.execute("DELETE FROM known")
            connection.execute("UPDATE totals SET documents = 0, usual_length = NULL")

    def frequencies(self, terms: Iterable[int]) -> dict[int, int]:
        """Return in how many documents each of the terms occurs, for those that do."""
        wanted = list(terms)
        marks = ",".join("?" * len(wanted))
        query = f"SELECT term, documents FROM terms WHERE documents > 0 AND term IN ({marks})"  # noqa: S608 - only marks
        return dict(self._rows(query, wanted))

    def values(self, name: str) -> list[str]:
        """Return the values of a column, and perhaps some that it had."""
        return [value for (value,) in self._rows("SELECT value FROM known WHERE name = ?", [name])]

    def _change(self, documents: list[Document], by: int) -> None:
        terms = Counter(term for document in documents for term in document.terms)
        known = {item for document in documents for item in document.values.items()} if by > 0 else ()
        with storage_errors(self.path), closing(sqlite3.connect(self.path)) as connection, connection:
            connection.executemany(
                "INSERT INTO terms VALUES (?1, ?2) ON CONFLICT (term) DO UPDATE SET documents = documents + ?2",
                ((term, by * count) for term, count in terms.items()),
            )
            connection.executemany("INSERT OR IGNORE INTO known VALUES (?, ?)", known)
            connection.execute(
                "UPDATE totals SET documents = documents + ?, added = added + ?",
                (by * len(documents), max(by, 0) * len(documents)),
            )

    def _rows(self, query: str, parameters: Iterable[object] = ()) -> list[tuple[Any, ...]]:
        try:
            with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as connection:
                return connection.execute(query, tuple(parameters)).fetchall()
        except sqlite3.Error as error:
            raise IndexCorrupt(
                f"The statistics in {str(self.path)!r} cannot be read ({error}).",
                remedy="Build the index again: `fury-agent index --force`.",
            ) from error
