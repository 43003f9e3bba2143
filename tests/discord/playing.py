"""What a scene is played with: a local Discord, the real bot in a thread, and the service's real HTTP server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager

from agent.discord.service import AskClient
from agent.discord_adapter import Bot
from agent.settings import Settings
from tests.fakes import ScriptedService, eventually, running
from tests.servers.discord import Discord, local_discord

EVERY = 0.2
"""Seconds between edits of a draft in tests."""


@contextmanager
def bot_running(discord: Discord, url: str, **settings: object) -> Generator[Bot]:
    """Run the bot until the block ends."""
    ended: list[BaseException] = []
    made = Bot(Settings(discord_api_url=url).model_copy(update=settings), AskClient(url), every=EVERY)

    made._connection.guild_ready_timeout = 0.1  # else two seconds are waited for guilds that we don't have

    async def run() -> None:
        async with made:
            await made.start("token")

    def target() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:  # noqa: BLE001 - shown in the test's thread
            ended.append(error)

    before = len(discord.identifies)
    thread = threading.Thread(target=target)
    thread.start()
    try:
        assert eventually(lambda: bool(ended) or (len(discord.identifies) > before and made.is_ready()), 10)
        assert not ended, ended
        yield made
    finally:
        if thread.is_alive() and made.is_ready():
            asyncio.run_coroutine_threadsafe(made.close(), made.loop).result(10)
        thread.join(10)
    assert not thread.is_alive()
    assert not ended, ended


@contextmanager
def playing(service: ScriptedService, **settings: object) -> Generator[Discord]:
    """Serve, connect, and give Discord; the bot must not have been refused anything that a test does not expect."""
    with running(service) as api, local_discord() as discord, bot_running(discord, str(api.base_url), **settings):
        yield discord
        refused = list(discord.refused)
    assert refused == []
