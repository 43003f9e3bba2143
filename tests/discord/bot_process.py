"""The bot as `fury-agent discord` runs it, led to the local Discord: `python -m tests.discord.bot_process PORT`.

With `at-once` after the port, it does not wait five seconds before it identifies again.
"""

from __future__ import annotations

import sys

import discord
import discord.gateway
import discord.http
import yarl

from agent.discord_adapter import run_bot
from agent.observability.logs import configure
from agent.settings import load_settings

if __name__ == "__main__":
    port = int(sys.argv[1])
    discord.http.Route.BASE = f"http://127.0.0.1:{port}/api/v10"
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(f"ws://127.0.0.1:{port}/gateway")
    if "at-once" in sys.argv:
        from tests.discord.playing import at_once  # with all that tests need, which would count as the bot's memory

        discord.Client.before_identify_hook = at_once
    settings = load_settings(log_format="json")
    configure(settings)
    run_bot(settings)
