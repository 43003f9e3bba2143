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
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from agent.errors import OverLimit, StorageError
from agent.settings import Settings

USER_LIMIT = "You have asked as many questions as you may here today. Tomorrow (UTC) you can go on."
GUILD_LIMIT = "This server has asked as many questions as it may today. Tomorrow (UTC) it goes on."
PATIENCE = 1.0
"""Seconds that anybody waits for the file: Discord itself waits for three."""
_TABLES = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA secure_delete = ON;
CREATE TABLE IF NOT EXISTS rules (guild INTEGER PRIMARY KEY, rules BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS commands (digest TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS questions (
    id INTEGER PRIMARY KEY, day TEXT NOT NULL DEFAULT CURRENT_DATE, guild INTEGER NOT NULL, user INTEGER NOT NULL,
    channel INTEGER NOT NULL, message INTEGER NOT NULL DEFAULT 0, open INTEGER NOT NULL DEFAULT 1,
    answer TEXT, question TEXT, version TEXT) STRICT;
DROP TABLE IF EXISTS answered;
CREATE INDEX IF NOT EXISTS questions_by_day ON questions (day, guild);
CREATE INDEX IF NOT EXISTS questions_by_answer ON questions (answer);
"""
# Days are those of UTC. *Ask again* and *Sources* know the question of an answer for thirty of them.
_PRUNE = """
DELETE FROM questions WHERE day < date('now', '-30 days') OR (day < CURRENT_DATE AND answer IS NULL AND NOT open)
"""
_COUNT = "SELECT count(*) FILTER (WHERE user = ?), count(*) FROM questions WHERE day = CURRENT_DATE AND guild = ?"
_ADMIT = "INSERT OR REPLACE INTO questions (id, guild, user, channel) VALUES (?, ?, ?, ?)"
_FORGET = "UPDATE questions SET answer = NULL, question = NULL, version = NULL WHERE user = ?"

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

    def daily(self, settings: Settings) -> tuple[int, int]:
        """Return the questions a day of a person and of the server."""
        return (
            settings.discord_user_daily if self.user_daily is None else self.user_daily,
            settings.discord_guild_daily if self.guild_daily is None else self.guild_daily,
        )


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
        rules = await self._try(_sql("SELECT guild, rules FROM rules"), [])
        self._rules = {guild: msgspec.json.decode(kept, type=Rules) for guild, kept in rules}
        left = await self._try(_sql("SELECT id, channel, message FROM questions WHERE open"), [])
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
        await self._do(_sql("INSERT OR REPLACE INTO rules VALUES (?, ?)", guild, msgspec.json.encode(rules)))
        self._rules[guild] = rules

    async def commands(self) -> str:
        """Return the digest of the commands that Discord was told of last, or an empty string."""
        return next((digest for (digest,) in await self._try(_sql("SELECT digest FROM commands"), [])), "")

    async def set_commands(self, digest: str) -> None:
        """Keep the digest of the commands that Discord was told of."""
        await self._try(_sql("INSERT OR REPLACE INTO commands (rowid, digest) VALUES (1, ?)", digest), [])

    async def admit(self, question: int, guild: int, user: int, channel: int, settings: Settings) -> None:
        """Remember that somebody waits.

        Raises:
            OverLimit: the person or the server asked as often as they may today.
        """
        user_daily, guild_daily = self.rules(guild).daily(settings)

        def work(db: sqlite3.Connection) -> None:
            db.execute(_PRUNE)
            by_user, by_all = db.execute(_COUNT, (user, guild)).fetchone()
            if by_user >= user_daily:
                raise OverLimit(USER_LIMIT)
            if by_all >= guild_daily:
                raise OverLimit(GUILD_LIMIT)
            db.execute(_ADMIT, (question, guild, user, channel))

        await self._try(work, None)

    async def place(self, question: OpenQuestion) -> None:
        """Remember where an open question will be answered."""
        update = "UPDATE questions SET channel = ?, message = ? WHERE id = ?"
        await self._try(_sql(update, question.channel, question.message, question.id), [])

    async def end(self, question: int) -> None:
        """Remember that a question was answered or apologised for."""
        await self._try(_sql("UPDATE questions SET open = 0 WHERE id = ?", question), [])

    async def keep(self, question: int, answer: UUID, text: str, version: str | None) -> None:
        """Remember for some weeks what was asked, for the buttons below the answer."""
        update = "UPDATE questions SET answer = ?, question = ?, version = ? WHERE id = ?"
        await self._try(_sql(update, str(answer), text, version, question), [])

    async def asked(self, answer: UUID) -> tuple[str, str | None] | None:
        """Return question and version of an answer, or None if they are not known any more."""
        found = await self._try(_sql("SELECT question, version FROM questions WHERE answer = ?", str(answer)), [])
        return found[0] if found else None

    async def forget(self, user: int) -> None:
        """Delete what somebody asked; that they asked counts for the rest of the day.

        Raises:
            StorageError: it could not be deleted.
        """
        await self._do(_sql(_FORGET, user))

    async def _try(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
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
        except (sqlite3.Error, OSError, RuntimeError) as error:  # TimeoutError is an OSError
            why = str(error) or f"no reply within {PATIENCE:g} seconds"
            raise StorageError(
                f"{str(self._file)!r} cannot be used: {why}.", remedy="Is the disk full, or the file broken?"
            ) from error


def _sql(statement: str, *values: object) -> Callable[[sqlite3.Connection], list[Any]]:
    return lambda connection: connection.execute(statement, values).fetchall()


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
