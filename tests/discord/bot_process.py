"""The bot as `fury-agent discord` runs it, led to the local Discord: `python -m tests.discord.bot_process PORT`."""

from __future__ import annotations

import sys

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
    settings = load_settings(log_format="json")
    configure(settings)
    run_bot(settings)
