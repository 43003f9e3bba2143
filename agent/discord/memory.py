"""What the bot must still know after a restart, in one small SQLite file.

The file is a convenience, never a condition: where it cannot be used, questions are answered as if nothing had been
chosen or counted. Only who sets something is told that it was not kept.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from agent.errors import StorageError

PATIENCE = 1.0
"""Seconds that anybody waits for the file: Discord itself waits for three."""
KEPT_DAYS = 30
"""Days for which *Ask again* and *Sources* know the question of an answer."""
_TABLES = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA secure_delete = ON;
CREATE TABLE IF NOT EXISTS rules (guild INTEGER PRIMARY KEY, rules BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS counts (day TEXT, guild INTEGER, user INTEGER, asked INTEGER NOT NULL,
    PRIMARY KEY (day, guild, user)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS open (id INTEGER PRIMARY KEY, channel INTEGER NOT NULL, message INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS answered (answer TEXT PRIMARY KEY, day TEXT NOT NULL, user INTEGER NOT NULL,
    question TEXT NOT NULL, version TEXT) STRICT;
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""
_COUNT = """
INSERT INTO counts VALUES (?, ?, ?, 1) ON CONFLICT (day, guild, user) DO UPDATE SET asked = asked + 1
"""

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Rules(Struct, frozen=True, omit_defaults=True):
    """What the moderators of a server chose; whatever they left open is not restricted.

    Attributes:
        channels: ids of the text channels in which mentions are answered; all without any.
        forums: ids of the forum channels whose posts are answered.
        roles: ids of the roles that may ask; everybody without any.
        version: of the library, for who names none.
        user_daily, guild_daily: questions a day (UTC) of a person and of the server; the operator's without.
    """

    channels: tuple[int, ...] = ()
    forums: tuple[int, ...] = ()
    roles: tuple[int, ...] = ()
    version: str | None = None
    user_daily: int | None = None
    guild_daily: int | None = None


class OpenQuestion(Struct, frozen=True):
    """A question that somebody waits for; `message` is the bot's that will become the answer, or 0."""

    id: int
    channel: int
    message: int


class Memory:
    """The file, in a thread of its own.

    Args:
        file: made at the first use, readable by its owner only.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._rules: dict[int, Rules] = {}
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="discord-memory")

    async def load(self) -> tuple[OpenQuestion, ...]:
        """Read the rules; return the questions that were open when the bot last ended."""
        rules = await self._try(lambda db: db.execute("SELECT guild, rules FROM rules").fetchall(), [])
        self._rules = {guild: msgspec.json.decode(kept, type=Rules) for guild, kept in rules}
        left = await self._try(lambda db: db.execute("SELECT id, channel, message FROM open").fetchall(), [])
        return tuple(OpenQuestion(*row) for row in left)

    async def close(self) -> None:
        """Close the file."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, connection.close)
        self._thread.shutdown(wait=False)

    def rules(self, guild: int | None) -> Rules:
        """Return a server's rules; from memory, since every message asks for them."""
        return self._rules.get(guild or 0, Rules())

    async def set_rules(self, guild: int, rules: Rules) -> None:
        """Keep a server's rules.

        Raises:
            StorageError: they could not be kept.
        """
        values = (guild, msgspec.json.encode(rules))
        await self._do(lambda db: db.execute("INSERT OR REPLACE INTO rules VALUES (?, ?)", values))
        self._rules[guild] = rules

    async def admit(self, guild: int, user: int, user_daily: int, guild_daily: int) -> Literal["", "user", "guild"]:
        """Count a question of today, unless a limit is reached; return whose."""
        today = _today()

        def work(db: sqlite3.Connection) -> Literal["", "user", "guild"]:
            db.execute("DELETE FROM counts WHERE day < ?", (today,))
            everybody = "SELECT user, asked FROM counts WHERE day = ? AND guild = ?"
            asked = dict(db.execute(everybody, (today, guild)).fetchall())
            if asked.get(user, 0) >= user_daily:
                return "user"
            if sum(asked.values()) >= guild_daily:
                return "guild"
            db.execute(_COUNT, (today, guild, user))
            return ""

        return await self._try(work, "")

    async def begin(self, question: OpenQuestion) -> None:
        """Remember that somebody waits."""
        values = (question.id, question.channel, question.message)
        await self._try(lambda db: db.execute("INSERT OR REPLACE INTO open VALUES (?, ?, ?)", values), None)

    async def end(self, identity: int) -> None:
        """Forget a question that was answered or apologised for."""
        await self._try(lambda db: db.execute("DELETE FROM open WHERE id = ?", (identity,)), None)

    async def keep(self, answer: UUID, user: int, question: str, version: str | None) -> None:
        """Remember for some weeks what was asked, for the buttons below the answer."""
        values = (str(answer), _today(), user, question, version)

        def work(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM answered WHERE day < ?", (_today(KEPT_DAYS),))
            db.execute("INSERT OR REPLACE INTO answered VALUES (?, ?, ?, ?, ?)", values)

        await self._try(work, None)

    async def asked(self, answer: UUID) -> tuple[str, str | None] | None:
        """Return question and version of an answer, or None if they are not known any more."""
        query = "SELECT question, version FROM answered WHERE answer = ?"
        return await self._try(lambda db: db.execute(query, (str(answer),)).fetchone(), None)

    async def forget(self, user: int) -> None:
        """Delete what somebody asked.

        Raises:
            StorageError: it could not be deleted.
        """
        await self._do(lambda db: db.execute("DELETE FROM answered WHERE user = ?", (user,)))

    async def note(self, name: str) -> str:
        """Return a note, or an empty string."""
        row = await self._try(lambda db: db.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone(), None)
        return row[0] if row else ""

    async def set_note(self, name: str, value: str) -> None:
        """Keep a note."""
        await self._try(lambda db: db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, value)), None)

    async def _try(self, work: Callable[[sqlite3.Connection], Any], otherwise: T) -> T | Any:
        try:
            return await self._do(work)
        except StorageError as error:
            _log.warning("Going on without the bot's memory: %s", error)
            return otherwise

    async def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do some work in one transaction, in the file's thread."""

        def run() -> T:
            if self._connection is None:
                self._connection = _opened(self._file)
            with self._connection:
                return work(self._connection)

        try:
            async with asyncio.timeout(PATIENCE):
                return await asyncio.get_running_loop().run_in_executor(self._thread, run)
        except (sqlite3.Error, OSError, RuntimeError, msgspec.MsgspecError) as error:  # TimeoutError is an OSError
            why = str(error) or f"no reply within {PATIENCE:g} seconds"
            raise StorageError(
                f"{str(self._file)!r} cannot be used: {why}.", remedy="Is the disk full, or the file broken?"
            ) from error


def _opened(file: Path) -> sqlite3.Connection:
    file.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(file, timeout=PATIENCE, check_same_thread=False)
    try:
        connection.executescript(_TABLES)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _today(ago: int = 0) -> str:
    return (datetime.now(UTC) - timedelta(days=ago)).date().isoformat()
