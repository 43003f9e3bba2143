"""What a scene is played with: a local Discord, the real bot in a thread, and the service's real HTTP server."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import discord
import discord.gateway
import discord.http
import yarl
from aiohttp import web

from agent.discord.bot import Bot
from agent.settings import PREFIX as PREFIX_OF_SETTINGS
from agent.settings import Settings, child_environment
from tests.fakes import ScriptedService, eventually, running
from tests.servers.discord import PREFIX, Discord

EVERY = 0.2
"""Seconds between edits of a draft in tests."""


ALICE, BOB = 42, 43
FINAL = "Use `actor.sphere` [\\[1\\]](<https://example.org/actor.py#L3-L9>)."


async def at_once(self: discord.Client, shard_id: int | None, *, initial: bool = False) -> None:
    """Wait for nothing before an identification; the real Discord allows one in five seconds."""


@contextmanager
def local_discord() -> Generator[Discord]:
    """Serve on a free port, and lead discord.py there."""
    with TemporaryDirectory() as directory:
        yield from _served(Discord(), Path(directory))


def _served(server: Discord, directory: Path) -> Generator[Discord]:
    server.directory = directory
    started, stopping = threading.Event(), asyncio.Event()

    async def serve() -> None:
        app = web.Application(client_max_size=20_000_000)
        app.router.add_get("/gateway", server.gateway)
        app.router.add_route("*", PREFIX + "/{path:.*}", server.rest)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.port = runner.addresses[0][1]
        server.loop = asyncio.get_running_loop()
        started.set()
        await stopping.wait()
        await runner.cleanup()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert started.wait(10)
    try:
        with (
            patch.object(discord.http.Route, "BASE", f"http://127.0.0.1:{server.port}{PREFIX}"),
            patch.object(
                discord.gateway.DiscordWebSocket,
                "DEFAULT_GATEWAY",
                yarl.URL(f"ws://127.0.0.1:{server.port}/gateway"),
            ),
            patch.object(discord.Client, "before_identify_hook", at_once),
        ):
            yield server
    finally:
        server.loop.call_soon_threadsafe(stopping.set)
        thread.join(10)


@contextmanager
def bot_running(server: Discord, url: str, **settings: object) -> Generator[Bot]:
    """Run the bot until the block ends."""
    ended: list[BaseException] = []
    chosen = Settings(discord_api_url=url).model_copy(update={"data_dir": server.directory, **settings})
    made = Bot(chosen, every=EVERY)
    made._connection.guild_ready_timeout = 0.05  # else two seconds are waited for guilds that we don't have

    async def run() -> None:
        async with made:
            await made.start("token")

    def target() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:  # noqa: BLE001 - shown in the test's thread
            ended.append(error)

    before = len(server.identifies)
    thread = threading.Thread(target=target)
    thread.start()
    try:
        assert eventually(lambda: bool(ended) or (len(server.identifies) > before and made.is_ready()), 10)
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
    with running(service) as api, local_discord() as server, bot_running(server, str(api.base_url), **settings):
        yield server
        refused = list(server.refused)
    assert refused == []


def answered(discord: Discord, count: int = 1) -> bool:
    """Return whether that many answers have come, with their buttons."""
    return eventually(lambda: sum(1 for each in discord.from_bot() if each["components"]) >= count, 8)


def apologised(discord: Discord, words: str) -> bool:
    return eventually(lambda: any(words in each["content"] for each in discord.from_bot()), 8)


@contextmanager
def bot_process(
    server: Discord, url: str, *, earnest: bool = False, **settings: object
) -> Generator[subprocess.Popen[bytes]]:
    """Run the bot as a process of its own, as `fury-agent discord` does; its log is beside its memory."""
    given = {"discord_token": "token", "discord_api_url": url, "data_dir": server.directory, **settings}
    chosen = {f"{PREFIX_OF_SETTINGS}{name.upper()}": str(each) for name, each in given.items()}
    command = [
        sys.executable,
        "-m",
        "tests.discord.bot_process",
        str(server.port),
        "in-earnest" if earnest else "at-once",
    ]
    before = len(server.identifies)
    with (
        (server.directory / "log").open("wb") as log,
        subprocess.Popen(command, stderr=log, env=child_environment() | chosen) as process,
    ):
        try:
            assert eventually(lambda: process.poll() is not None or len(server.identifies) > before, 30)
            assert process.poll() is None, (server.directory / "log").read_text()
            yield process
        finally:
            process.kill()
