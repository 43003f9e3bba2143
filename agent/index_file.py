"""The SQLite files of a generation: written once by one builder, then only read, by any number of threads."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

from agent.errors import IndexCorrupt

T = TypeVar("T")

_CACHE_KB = 32_768
"""Pages that a writer keeps in memory: keys come in no order, so every insertion touches another page."""
_SMALL_KB = 2_048
"""The same once it is written."""
_PAGE = 2_048
_LONGEST = 500
"""Characters of a path that is remembered, there or missing: users write longer ones, too, and others each time."""
"""Rows in memory while a table is walked through."""

Values = Sequence[str | int]


def created(path: Path | None, schema: str) -> sqlite3.Connection:
    """Make a file with these tables, or a database in memory where there is no path."""
    connection = sqlite3.connect(path or ":memory:", check_same_thread=False)
    # A crash loses the whole generation anyway; it is flushed to disk as a whole before the switch.
    connection.executescript(
        f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-{_CACHE_KB};{schema}"
    )
    return connection


def finished(connection: sqlite3.Connection) -> None:
    """Commit what was written; what is read of it afterwards takes little memory."""
    connection.commit()
    connection.execute(f"PRAGMA cache_size=-{_SMALL_KB}")


def scratch(schema: str) -> sqlite3.Connection:
    """Make a nameless database with these tables, on disk but for its first pages; it goes when it is closed."""
    connection = sqlite3.connect("", check_same_thread=False)
    connection.executescript(f"PRAGMA journal_mode=OFF; {schema}")
    return connection


class IndexFile:
    """Reads one file; its connection is closed with it.

    Args:
        connection: to the file.
        name: what errors call it.
    """

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path) -> IndexFile:
        """Open a published file.

        Raises:
            IndexCorrupt: it is missing.
        """
        try:
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?immutable=1&mode=ro", uri=True, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise _corrupt(str(path), error) from error
        return cls(connection, str(path))

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def rows(self, query: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query.

        Raises:
            IndexCorrupt: the file is damaged.
        """
        with self._lock:  # the cached statement of a query is one, whoever runs it
            return [*self.stream(query, values)]

    def stream(self, query: str, values: Values = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query as they are found.

        Raises:
            IndexCorrupt: the file is damaged.
        """
        try:
            yield from self._connection.execute(query, values)
        except sqlite3.Error as error:
            raise _corrupt(self._name, error) from error


class Column(Mapping[str, T]):
    """A column of a table, by the table's key `path`; only what was read last is held in memory.

    Args:
        file: holds the table.
        table: its name.
        column: its name; rows that have NULL there do not count.
        decode: makes values of what is stored.
        cached: values that are held.
    """

    def __init__(
        self,
        file: IndexFile,
        table: str,
        column: str,
        *,
        decode: Callable[[Any], T] = lambda stored: stored,
        cached: int,
    ) -> None:
        self._file = file
        self._decode = decode
        self._one = f"SELECT {column} FROM {table} WHERE path = ?"  # noqa: S608 - names of the callers' own
        self._page = (
            f"SELECT path, {column} FROM {table} WHERE path > ? AND {column} IS NOT NULL ORDER BY path LIMIT {_PAGE}"  # noqa: S608 - same
        )
        self._count = f"SELECT COUNT({column}) FROM {table}"  # noqa: S608 - same
        self._read = lru_cache(cached)(self._look_up)

    def forget(self) -> None:
        """Drop what is held: the table changed."""
        self._read.cache_clear()

    def __getitem__(self, path: str) -> T:
        value = self._value(path)
        if value is None:
            raise KeyError(path)
        return value

    def get(self, path: str, default: Any = None) -> Any:
        """Return the value of a path, if it has one."""
        value = self._value(path)
        return default if value is None else value

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and self._value(path) is not None

    def __iter__(self) -> Iterator[str]:
        return (path for path, _ in self.stream())

    def __len__(self) -> int:
        return int(self._file.rows(self._count)[0][0])

    def stream(self) -> Iterator[tuple[str, T]]:
        """Yield all paths and values in the order of paths, as the table was when each page was read."""
        last = ""
        while page := self._file.rows(self._page, (last,)):
            yield from ((path, self._decode(stored)) for path, stored in page)
            last = cast(str, page[-1][0])

    def _value(self, path: str) -> T | None:
        return self._read(path) if len(path) <= _LONGEST else self._look_up(path)

    def _look_up(self, path: str) -> T | None:
        found = self._file.rows(self._one, (path,))
        return self._decode(found[0][0]) if found and found[0][0] is not None else None


def _corrupt(name: str, error: sqlite3.Error) -> IndexCorrupt:
    return IndexCorrupt(
        f"The index file {name!r} cannot be read ({error}).",
        remedy="Build the index again: `fury-agent index --force`.",
    )
