"""The Discord door: runs the bot, which knows nothing of the agent but its HTTP API."""

from __future__ import annotations

import asyncio
import logging
import signal

import discord
from discord.backoff import ExponentialBackoff

from agent.discord import health
from agent.discord.bot import Bot
from agent.discord.logs import hide_tokens
from agent.discord.showing import TROUBLE
from agent.errors import ConfigurationError
from agent.settings import Settings

_log = logging.getLogger(__name__)


def run_bot(settings: Settings) -> None:
    """Answer on Discord until the process is told to end.

    Raises:
        ConfigurationError: there is no token, or Discord refuses it or what it is used for.
    """
    if settings.discord_token is None:
        raise ConfigurationError(
            "FURY_AGENT_DISCORD_TOKEN is not set.", remedy="docs/discord.md says where to get one."
        )
    hide_tokens()
    try:
        asyncio.run(_run(Bot(settings), settings.discord_token.get_secret_value()))
    except discord.LoginFailure as error:
        raise ConfigurationError(
            "Discord does not accept FURY_AGENT_DISCORD_TOKEN.", remedy="Reset it in the developer portal."
        ) from error
    except discord.PrivilegedIntentsRequired as error:
        raise ConfigurationError(
            "FURY_AGENT_DISCORD_THREADS needs the message content intent.", remedy="Allow it in the developer portal."
        ) from error


async def _run(bot: Bot, token: str) -> None:
    settings = bot.settings
    async with bot, health.served(bot.metrics, bot.problem, settings.host, settings.discord_health_port):
        main = asyncio.current_task()
        assert main is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, main.cancel)
        try:
            await log_in(bot, token)
            await bot.connect()
        except asyncio.CancelledError:
            _log.info("Told to end.")


async def log_in(bot: Bot, token: str) -> None:
    """Log in, as often as it takes: at a start, Discord or the network may be away.

    Raises:
        discord.LoginFailure: Discord does not accept the token.
    """
    pauses = ExponentialBackoff()
    while True:
        try:
            await bot.login(token)
        except (*TROUBLE, discord.GatewayNotFound) as error:
            pause = pauses.delay()
            _log.warning("Discord cannot be reached.", extra={"why": str(error), "again_in": round(pause, 1)})
            await bot.http.close()
            bot.http.connector = discord.utils.MISSING  # it was closed with the session; the next login makes another
            await asyncio.sleep(pause)
        else:
            return
