"""The buttons below an answer. All they need is in their ids or in the memory, so that they survive restarts."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from typing import Any, Self
from uuid import UUID

import discord

from agent.discord.interactions import Interaction, privately
from agent.discord.messages import places
from agent.errors import AgentError, InvalidInput
from agent.schema import MAX_REASON, FeedbackRequest, SearchRequest

_LOOKS = {
    "up": ("Helpful", "👍"),
    "down": ("Not helpful", "👎"),
    "sources": ("Sources", "📖"),
    "again": ("Ask again", "🔁"),
}
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_MAX_ABOVE = 3
"""Messages above the last that `Delete` knows of: an id has up to 20 digits, and a custom id 100 characters."""
_FORGOTTEN = "That answer is not known any more."
_log = logging.getLogger(__name__)

Button = discord.ui.DynamicItem[discord.ui.Button[Any]]


def answer_buttons(answer_id: UUID, asker: int, above: Sequence[int]) -> discord.ui.View:
    """Return the buttons of an answer.

    Args:
        answer_id: of the service.
        asker: Discord's id of who asked, and may delete it.
        above: ids of the answer's messages above the one with the buttons.
    """
    view = discord.ui.View(timeout=None)
    for name in _LOOKS:
        view.add_item(AnswerButton(name, answer_id))
    view.add_item(DeleteButton(asker, above[-_MAX_ABOVE:]))
    view.stop()  # nothing is kept in memory: the ids say it all
    return view


class AnswerButton(Button, template=rf"fury:(?P<name>{'|'.join(_LOOKS)}):(?P<answer>{_UUID})"):
    """A button that needs nothing but the answer's id."""

    def __init__(self, name: str, answer_id: UUID) -> None:
        label, emoji = _LOOKS[name]
        super().__init__(discord.ui.Button(label=label, emoji=emoji, custom_id=f"fury:{name}:{answer_id}"))
        self._name, self._answer_id = name, answer_id

    @classmethod
    async def from_custom_id(
        cls, _: discord.Interaction[Any], _item: discord.ui.Item[Any], match: re.Match[str]
    ) -> Self:
        """Make the button that was pressed from its id."""
        return cls(match["name"], UUID(match["answer"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Do what the button says."""
        answer = self._answer_id
        match self._name:
            case "up":
                await _feed_back(interaction, FeedbackRequest(answer, "up"))
            case "down":
                await interaction.response.send_modal(ReasonModal(answer))
                try:  # at once, in case nobody says why; who does is told if it cannot be kept
                    await interaction.client.service.feedback(FeedbackRequest(answer, "down"), interaction.user.id)
                except AgentError as error:
                    _log.warning("Feedback could not be kept: %s", error)
            case "sources":
                await _show_sources(interaction, answer)
            case _:
                await _ask_again(interaction, answer)


async def _feed_back(interaction: Interaction, feedback: FeedbackRequest) -> None:
    """Tell the service whether an answer helped."""
    async with privately(interaction) as tell:
        try:
            await interaction.client.service.feedback(feedback, interaction.user.id)
        except InvalidInput:
            await tell(_FORGOTTEN)
        else:
            await tell("Thank you, that helps to make the answers better.")


async def _show_sources(interaction: Interaction, answer_id: UUID) -> None:
    """Search with the question again: the answer itself kept only where its places are, not their code."""
    bot = interaction.client
    async with privately(interaction) as tell:
        asked = await bot.memory.asked(answer_id)
        await tell(places(await bot.service.search(SearchRequest(asked[0], version=asked[1]))) if asked else _FORGOTTEN)


async def _ask_again(interaction: Interaction, answer_id: UUID) -> None:
    """Answer the same question again, for whoever pressed."""
    asked = await interaction.client.memory.asked(answer_id)
    if asked is None:
        await interaction.response.send_message(_FORGOTTEN, ephemeral=True)
    else:
        await interaction.client.answer(interaction, *asked)


class ReasonModal(discord.ui.Modal):
    """Asks what was wrong."""

    def __init__(self, answer_id: UUID) -> None:
        super().__init__(title="What was wrong?", custom_id=f"fury:why:{answer_id}", timeout=3600)
        self._answer_id = answer_id
        self._reason: discord.ui.TextInput[Any] = discord.ui.TextInput(
            custom_id="reason", style=discord.TextStyle.paragraph, max_length=MAX_REASON, required=False
        )
        self.add_item(discord.ui.Label(text="In your own words", component=self._reason))

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        """Keep the verdict with its reason."""
        await _feed_back(interaction, FeedbackRequest(self._answer_id, "down", self._reason.value.strip() or None))


class DeleteButton(Button, template=r"fury:delete:(?P<asker>\d+)(?P<above>(?::\d+)*)"):
    """Deletes the answer, for who asked and for moderators."""

    def __init__(self, asker: int, above: Sequence[int]) -> None:
        identity = ":".join(["fury", "delete", str(asker), *map(str, above)])
        super().__init__(discord.ui.Button(label="Delete", emoji="🗑️", custom_id=identity))
        self._asker, self._above = asker, above

    @classmethod
    async def from_custom_id(
        cls, _: discord.Interaction[Any], _item: discord.ui.Item[Any], match: re.Match[str]
    ) -> Self:
        """Make the button that was pressed from its id."""
        return cls(int(match["asker"]), [int(part) for part in match["above"].split(":") if part])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Delete the answer's messages; one that is gone already is no matter."""
        if interaction.user.id != self._asker and not interaction.permissions.manage_messages:
            text = "Only who asked, and moderators, can delete this."
            await interaction.response.send_message(text, ephemeral=True)
            return
        await interaction.response.defer()
        place = interaction.client.get_partial_messageable(interaction.channel_id or 0)
        above = (place.get_partial_message(each).delete() for each in self._above)
        for failed in await asyncio.gather(interaction.delete_original_response(), *above, return_exceptions=True):
            if isinstance(failed, BaseException):
                _log.info("A message of an answer could not be deleted: %s", failed)


BUTTONS = (AnswerButton, DeleteButton)
"""What the bot registers, so that the buttons of older messages work."""
