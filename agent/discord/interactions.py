"""What commands, buttons and forms share: the type of their events, and a reply that one person alone sees."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

from agent.discord.markdown import split
from agent.discord.messages import apology
from agent.errors import AgentError

if TYPE_CHECKING:
    import discord

    from agent.discord.bot import Bot

MOST_PARTS = 5
"""Messages that somebody is told privately at once."""
Interaction: TypeAlias = "discord.Interaction[Bot]"
_log = logging.getLogger(__name__)


@asynccontextmanager
async def privately(interaction: Interaction) -> AsyncGenerator[Callable[[str], Awaitable[None]]]:
    """Do what may take longer than the three seconds that Discord waits for.

    Gives what tells one thing to who wanted it, and to nobody else; the block's `AgentError` is told so as well.
    """

    async def tell(text: str) -> None:
        for part in split(text)[:MOST_PARTS]:
            await interaction.followup.send(part, ephemeral=True)

    await interaction.response.defer(ephemeral=True, thinking=True)
    try:
        yield tell
    except AgentError as error:
        _log.warning("What somebody wanted could not be done: %s", error)
        await tell(apology(error))
