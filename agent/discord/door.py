"""What commands and buttons need of the bot, and how they tell one person something."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, cast

import discord

from agent.discord.memory import Memory
from agent.discord.messages import apology
from agent.discord.service import AskClient
from agent.discord.text import split
from agent.errors import AgentError
from agent.settings import Settings

MOST_PARTS = 5
"""Messages that somebody is told privately at once."""
_log = logging.getLogger(__name__)

Interaction = discord.Interaction[Any]


class Door(Protocol):
    """The bot."""

    settings: Settings
    service: AskClient
    memory: Memory

    async def answer(self, interaction: Interaction, question: str, version: str | None) -> None:
        """Answer a question that came as an interaction."""
        ...


def door_of(interaction: Interaction) -> Door:
    """Return the bot that an interaction came to."""
    return cast(Door, interaction.client)


def user_of(user_id: int) -> str:
    """Return how the service is told who asks; it keeps a keyed hash only."""
    return f"discord:{user_id}"


async def privately(interaction: Interaction, work: Callable[[], Awaitable[str]]) -> None:
    """Do what may take longer than the three seconds that Discord waits for; tell who wanted it, and nobody else."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    try:
        text = await work()
    except AgentError as error:
        _log.warning("What somebody wanted could not be done: %s", error)
        text = apology(error)
    for part in split(text)[:MOST_PARTS]:
        await interaction.followup.send(part, ephemeral=True)
