"""What the bot's file keeps, and for how long."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from uuid import UUID

import pytest

from agent.discord.memory import Memory
from agent.errors import OverLimit
from agent.settings import Settings

GUILD, ALICE, PLACE = 200, 42, 300
FIRST, SECOND = UUID(int=1), UUID(int=2)


async def ask(memory: Memory, number: int, answer: UUID | None = None) -> None:
    await memory.admit(number, GUILD, ALICE, PLACE, Settings(discord_user_daily=1))
    if answer is not None:
        await memory.keep(number, answer, "How?", None)
    await memory.end(number)


def age(file: Path, days: int) -> None:
    """Let that many days pass."""
    with sqlite3.connect(file) as connection:
        connection.execute(f"UPDATE questions SET day = date(day, '-{days} days')")  # noqa: S608 - a number
    connection.close()


def test_an_answer_is_known_for_thirty_days_and_who_got_none_until_tomorrow(tmp_path: Path) -> None:
    file = tmp_path / "discord.sqlite"

    async def play() -> None:
        memory = Memory(file)
        await ask(memory, 1, FIRST)
        with pytest.raises(OverLimit):
            await ask(memory, 2)
        age(file, 1)
        await ask(memory, 3)  # another day
        age(file, 1)
        await ask(memory, 4, SECOND)
        assert await memory.asked(FIRST) == ("How?", None)
        assert rows(file) == [1, 4]
        age(file, 29)
        await ask(memory, 5)
        assert (await memory.asked(FIRST), await memory.asked(SECOND)) == (None, ("How?", None))
        await memory.close()

    asyncio.run(play())


def rows(file: Path) -> list[int]:
    connection = sqlite3.connect(file)
    found = [row[0] for row in connection.execute("SELECT id FROM questions ORDER BY id")]
    connection.close()
    return found
