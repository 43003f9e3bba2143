"""The slash commands. Each is one short function; what they do is done by the bot, the service and the memory."""

from __future__ import annotations

import hashlib
import logging
from collections import deque
from typing import Any, cast

import discord
import msgspec
from discord import app_commands

from agent.discord.door import Door, Interaction, door_of, privately, user_of
from agent.discord.messages import indexed, places
from agent.discord.setup import SetupForm
from agent.schema import MAX_QUESTION, SearchRequest

HELP = (
    "Ask me about the library: I answer from its sources, with links to the exact lines, and check what I say.\n"
    "- `/ask` asks; mention me to have a thread of your own; reply to an answer, or ask again there, to go on.\n"
    "- `/search` only shows places in the sources. `/version` says which versions I know.\n"
    "- Below an answer: say whether it helped, see its sources, ask again, or delete it.\n"
    "- `/forget-me` deletes what you asked and said. Moderators: `/setup`."
)
_COMMANDS = "commands"  # the note that says what Discord was told last
_log = logging.getLogger(__name__)

Question = app_commands.Range[str, 1, MAX_QUESTION]
Version = app_commands.Range[str, 1, 50]


class Commands(app_commands.CommandTree[Any]):
    """Discord's tree of commands; an event that comes twice is served once."""

    def __init__(self, client: discord.Client) -> None:
        super().__init__(client)
        self._seen: deque[int] = deque(maxlen=1_000)
        for command in (ask, search, version, help_, forget_me, setup):
            self.add_command(command)

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        """Say whether a command is new: Discord repeats some after a lost connection."""
        if interaction.id in self._seen:
            return False
        self._seen.append(interaction.id)
        return True

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError, /) -> None:
        """Log what went wrong; Discord itself tells the user that there was no reply."""
        _log.error("A command failed.", exc_info=error, extra={"interaction": interaction.id})

    async def sync_if_changed(self) -> bool:
        """Tell Discord of the commands unless it knows them; return whether that was needed."""
        memory = cast(Door, self.client).memory
        payload = [command.to_dict(self) for command in self.get_commands()]
        digest = hashlib.sha256(msgspec.json.encode([self.client.application_id, payload], order="sorted")).hexdigest()
        if await memory.note(_COMMANDS) == digest:
            return False
        await self.sync()
        await memory.set_note(_COMMANDS, digest)
        return True


@app_commands.command(description="Ask about the library; answered from its sources.")
@app_commands.describe(question="In plain words.", version="Of the library; the default one without it.")
@app_commands.guild_only()
async def ask(interaction: Interaction, question: Question, version: Version | None = None) -> None:
    """Answer a question."""
    await door_of(interaction).answer(interaction, question, version)


@app_commands.command(description="Find places in the library's sources, without an answer. Only you see them.")
@app_commands.describe(query="Names or plain words.", version="Of the library; the default one without it.")
@app_commands.guild_only()
async def search(interaction: Interaction, query: Question, version: Version | None = None) -> None:
    """Show places."""
    door = door_of(interaction)
    wanted = version or door.memory.rules(interaction.guild_id).version

    async def found() -> str:
        return places(await door.service.search(SearchRequest(query, version=wanted)))

    await privately(interaction, found)


@app_commands.command(description="Say which libraries and versions can be asked about.")
@app_commands.guild_only()
async def version(interaction: Interaction) -> None:
    """List what is indexed."""
    door = door_of(interaction)

    async def known() -> str:
        return indexed(await door.service.libraries(), door.memory.rules(interaction.guild_id).version)

    await privately(interaction, known)


@app_commands.command(name="help", description="Say what I can do.")
@app_commands.guild_only()
async def help_(interaction: Interaction) -> None:
    """Say what can be done."""
    await interaction.response.send_message(HELP, ephemeral=True)


@app_commands.command(name="forget-me", description="Delete what you asked and said, for good.")
@app_commands.guild_only()
async def forget_me(interaction: Interaction) -> None:
    """Delete what is kept of a person; messages on Discord are theirs to delete."""
    door = door_of(interaction)

    async def forgotten() -> str:
        await door.memory.forget(interaction.user.id)
        count = await door.service.forget(user_of(interaction.user.id))
        return f"Done: {count} of your questions and opinions are deleted. Messages here are yours to delete."

    await privately(interaction, forgotten)


@app_commands.command(description="Choose where I answer, whom, about which version, and how often. For moderators.")
@app_commands.default_permissions(manage_guild=True)
@app_commands.guild_only()
async def setup(interaction: Interaction) -> None:
    """Open the form, for those who manage the server: an administrator may have shown the command to others."""
    if interaction.guild is None or not interaction.permissions.manage_guild:
        await interaction.response.send_message("Only who may manage this server can set me up.", ephemeral=True)
        return
    await interaction.response.send_modal(SetupForm(door_of(interaction).memory.rules(interaction.guild_id)))
