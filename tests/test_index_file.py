"""SQLite files of a generation: what their writers hold in memory."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from sqlite3 import Connection

from agent.index_file import Column, IndexFile, created, finished, scratch

TABLE = "CREATE TABLE rows (number INTEGER PRIMARY KEY, text TEXT);"
ROWS = (
    "WITH RECURSIVE counted (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM counted WHERE number < 20000) "
    "INSERT INTO rows SELECT number, hex(randomblob(500)) FROM counted"
)


def kept(connection: Connection) -> int:
    """Return how many KiB of pages it may keep."""
    [(pages,)] = connection.execute("PRAGMA cache_size").fetchall()
    return -pages


def test_a_file_that_is_finished_is_whole_and_keeps_few_pages(tmp_path: Path) -> None:
    path = tmp_path / "file.sqlite"
    with closing(created(path, TABLE)) as writer:
        writer.execute(ROWS)
        assert kept(writer) == 32 * 1024
        finished(writer)
        assert kept(writer) == 2 * 1024
        assert path.stat().st_size > 20_000 * 1_000


def test_a_key_of_any_length_is_found() -> None:
    connection = scratch("CREATE TABLE files (path TEXT PRIMARY KEY, size INTEGER)")
    connection.execute("INSERT INTO files VALUES (?, 3)", ("a/" * 400,))
    column = Column[int](IndexFile(connection, "files"), "files", "size", cached=4)
    assert ("a/" * 400 in column, column["a/" * 400], column.get("a/" * 400)) == (True, 3, 3)
    assert "b" * 600 not in column


def test_a_scratch_database_keeps_few_pages_from_the_start() -> None:
    with closing(scratch(TABLE)) as connection:
        connection.execute(ROWS)
        assert connection.execute("SELECT COUNT(*) FROM rows").fetchall() == [(20_000,)]
        assert kept(connection) == 2_000
