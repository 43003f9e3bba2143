"""The slash commands. Discord shows the first lines of their docstrings, and those of their arguments."""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING

import msgspec
from discord import app_commands

from agent.discord.interactions import Interaction, privately
from agent.discord.messages import indexed, places
from agent.discord.setup import SetupForm
from agent.discord.showing import TROUBLE
from agent.schema import MAX_QUESTION, SearchRequest

if TYPE_CHECKING:
    from agent.discord.bot import Bot

HELP = (
    "Ask me about the library: I answer from its sources, with links to the exact lines, and check what I say.\n"
    "- `/ask` asks; mention me to have a thread of your own; reply to an answer, or ask again there, to go on.\n"
    "- `/search` only shows places in the sources. `/version` says which versions I know.\n"
    "- Below an answer: say whether it helped, see its sources, ask again, or delete it.\n"
    "- `/forget-me` deletes what you asked and said. Moderators: `/setup`."
)
_log = logging.getLogger(__name__)

Question = app_commands.Range[str, 1, MAX_QUESTION]
Version = app_commands.Range[str, 1, 50]


class Commands(app_commands.CommandTree["Bot"]):
    """The commands as Discord is told of them, all for servers only."""

    def __init__(self, client: Bot) -> None:
        super().__init__(client, allowed_contexts=app_commands.AppCommandContext(guild=True))
        for command in (ask, search, version, help_, forget_me, setup):
            self.add_command(command)

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        """Say whether a command is new."""
        return self.client.is_new(interaction.id)

    async def sync_if_changed(self) -> None:
        """Tell Discord of the commands unless it knows them."""
        payload = [command.to_dict(self) for command in self.get_commands()]
        digest = hashlib.sha256(msgspec.json.encode([self.client.application_id, payload], order="sorted")).hexdigest()
        if await self.client.memory.commands() == digest:
            return
        try:
            await self.sync()
        except TROUBLE as error:
            _log.error("Discord was not told of the commands; the next start tries again: %s", error)
        else:
            await self.client.memory.set_commands(digest)
            _log.info("Discord was told of the commands.")


@app_commands.command()
async def ask(interaction: Interaction, question: Question, version: Version | None = None) -> None:
    """Ask about the library; answered from its sources.

    Args:
        interaction: the command.
        question: In plain words.
        version: Of the library; the default one without it.
    """
    await interaction.client.answer(interaction, question, version)


@app_commands.command()
async def search(interaction: Interaction, query: Question, version: Version | None = None) -> None:
    """Find places in the library's sources, without an answer. Only you see them.

    Args:
        interaction: the command.
        query: Names or plain words.
        version: Of the library; the default one without it.
    """
    bot = interaction.client
    wanted = version or bot.memory.rules(interaction.guild_id).version
    async with privately(interaction) as tell:
        await tell(places(await bot.service.search(SearchRequest(query, version=wanted))))


@app_commands.command()
async def version(interaction: Interaction) -> None:
    """Say which libraries and versions can be asked about."""
    bot = interaction.client
    async with privately(interaction) as tell:
        await tell(indexed(await bot.service.libraries(), bot.memory.rules(interaction.guild_id).version))


@app_commands.command(name="help")
async def help_(interaction: Interaction) -> None:
    """Say what I can do."""
    await interaction.response.send_message(HELP, ephemeral=True)


@app_commands.command(name="forget-me")
async def forget_me(interaction: Interaction) -> None:
    """Delete what you asked and said, for good."""
    bot, user = interaction.client, interaction.user.id
    async with privately(interaction) as tell:
        await bot.memory.forget(user)
        count = await bot.service.forget(user)
        await tell(f"Done: {count} of your questions and opinions are deleted. Messages here are yours to delete.")


@app_commands.command()
@app_commands.default_permissions(manage_guild=True)
async def setup(interaction: Interaction) -> None:
    """Choose where I answer, whom, about which version, and how often. For moderators."""
    if interaction.permissions.manage_guild:  # an administrator may have shown the command to others
        await interaction.response.send_modal(SetupForm(interaction.client.memory.rules(interaction.guild_id)))
    else:
        await interaction.response.send_message("Only who may manage this server can set me up.", ephemeral=True)
