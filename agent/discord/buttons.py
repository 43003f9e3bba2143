"""The buttons below an answer. All they need is in their ids or in the memory, so that they survive restarts."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from typing import Any, ClassVar, Self, cast
from uuid import UUID

import discord

from agent.discord.door import Interaction, door_of, privately, user_of
from agent.discord.messages import places
from agent.errors import AgentError, InvalidInput
from agent.schema import MAX_REASON, FeedbackRequest, SearchRequest, Verdict

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_MAX_ABOVE = 3
"""Messages above the last that `Delete` knows of: an id has up to 20 digits, and a custom id 100 characters."""
_LABELS: dict[Verdict, tuple[str, str]] = {"up": ("Helpful", "👍"), "down": ("Not helpful", "👎")}
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
    for verdict in _LABELS:
        view.add_item(FeedbackButton(answer_id, verdict))
    view.add_item(SourcesButton(answer_id))
    view.add_item(AgainButton(answer_id))
    view.add_item(DeleteButton(asker, above[-_MAX_ABOVE:]))
    view.stop()  # nothing is kept in memory: the ids say it all
    return view


class FeedbackButton(Button, template=rf"fury:(?P<verdict>up|down):(?P<answer>{_UUID})"):
    """Helpful, or not and why."""

    def __init__(self, answer_id: UUID, verdict: Verdict) -> None:
        label, emoji = _LABELS[verdict]
        super().__init__(discord.ui.Button(label=label, emoji=emoji, custom_id=f"fury:{verdict}:{answer_id}"))
        self._answer_id, self._verdict = answer_id, verdict

    @classmethod
    async def from_custom_id(cls, _interaction: Interaction, _item: discord.ui.Item[Any], match: re.Match[str]) -> Self:
        """Make the button that was pressed from its id."""
        return cls(UUID(match["answer"]), cast(Verdict, match["verdict"]))

    async def callback(self, interaction: Interaction) -> None:
        """Keep the verdict; one that is bad is kept at once, in case nobody says why."""
        if self._verdict == "up":
            await privately(interaction, lambda: _keep(interaction, FeedbackRequest(self._answer_id, "up")))
        else:
            await interaction.response.send_modal(ReasonModal(self._answer_id))
            await _keep(interaction, FeedbackRequest(self._answer_id, "down"))


class ReasonModal(discord.ui.Modal):
    """Asks what was wrong."""

    def __init__(self, answer_id: UUID) -> None:
        super().__init__(title="What was wrong?", custom_id=f"fury:why:{answer_id}", timeout=3600)
        self._answer_id = answer_id
        self._reason: discord.ui.TextInput[Any] = discord.ui.TextInput(
            custom_id="reason", style=discord.TextStyle.paragraph, max_length=MAX_REASON, required=False
        )
        self.add_item(discord.ui.Label(text="In your own words", component=self._reason))

    async def on_submit(self, interaction: Interaction) -> None:
        """Keep the verdict with its reason."""
        reason = self._reason.value.strip() or None
        await privately(interaction, lambda: _keep(interaction, FeedbackRequest(self._answer_id, "down", reason)))


class _AnswerButton(Button, template=r"fury:none"):
    """A button that needs nothing but the answer's id."""

    name: ClassVar[str]
    label: ClassVar[str]
    emoji: ClassVar[str]

    def __init__(self, answer_id: UUID) -> None:
        custom_id = f"fury:{self.name}:{answer_id}"
        super().__init__(discord.ui.Button(label=self.label, emoji=self.emoji, custom_id=custom_id))
        self._answer_id = answer_id

    @classmethod
    async def from_custom_id(cls, _interaction: Interaction, _item: discord.ui.Item[Any], match: re.Match[str]) -> Self:
        """Make the button that was pressed from its id."""
        return cls(UUID(match["answer"]))


class SourcesButton(_AnswerButton, template=rf"fury:sources:(?P<answer>{_UUID})"):
    """Shows the places that the question leads to, with their code, to who pressed it."""

    name, label, emoji = "sources", "Sources", "📖"

    async def callback(self, interaction: Interaction) -> None:
        """Search with the question again: the answer itself kept only where its places are."""
        door = door_of(interaction)

        async def found() -> str:
            asked = await door.memory.asked(self._answer_id)
            if asked is None:
                return _FORGOTTEN
            return places(await door.service.search(SearchRequest(asked[0], version=asked[1])))

        await privately(interaction, found)


class AgainButton(_AnswerButton, template=rf"fury:again:(?P<answer>{_UUID})"):
    """Asks the same question again, for whoever pressed it."""

    name, label, emoji = "again", "Ask again", "🔁"

    async def callback(self, interaction: Interaction) -> None:
        """Answer below."""
        door = door_of(interaction)
        asked = await door.memory.asked(self._answer_id)
        if asked is None:
            await interaction.response.send_message(_FORGOTTEN, ephemeral=True)
        else:
            await door.answer(interaction, *asked)


class DeleteButton(Button, template=r"fury:delete:(?P<asker>\d+)(?P<above>(?::\d+)*)"):
    """Deletes the answer, for who asked and for moderators."""

    def __init__(self, asker: int, above: Sequence[int]) -> None:
        identity = ":".join(["fury", "delete", str(asker), *map(str, above)])
        super().__init__(discord.ui.Button(label="Delete", emoji="🗑️", custom_id=identity))
        self._asker, self._above = asker, above

    @classmethod
    async def from_custom_id(cls, _interaction: Interaction, _item: discord.ui.Item[Any], match: re.Match[str]) -> Self:
        """Make the button that was pressed from its id."""
        return cls(int(match["asker"]), [int(part) for part in match["above"].split(":") if part])

    async def callback(self, interaction: Interaction) -> None:
        """Delete the answer's messages; one that is gone already is no matter."""
        if interaction.user.id != self._asker and not interaction.permissions.manage_messages:
            text = "Only who asked, and moderators, can delete this."
            await interaction.response.send_message(text, ephemeral=True)
            return
        await interaction.response.defer()
        try:
            await interaction.delete_original_response()
            channel = interaction.channel
            if isinstance(channel, discord.abc.Messageable):
                await asyncio.gather(*(_delete(channel, message_id) for message_id in self._above))
        except discord.HTTPException as error:
            _log.info("An answer could not be deleted: %s", error)


BUTTONS = (FeedbackButton, SourcesButton, AgainButton, DeleteButton)
"""What the bot registers, so that the buttons of older messages work."""


async def _delete(channel: discord.abc.Messageable, message_id: int) -> None:
    if isinstance(channel, discord.TextChannel | discord.Thread | discord.VoiceChannel | discord.DMChannel):
        await channel.get_partial_message(message_id).delete()


async def _keep(interaction: Interaction, feedback: FeedbackRequest) -> str:
    """Tell the service; return what the user is told."""
    try:
        await door_of(interaction).service.feedback(feedback, user_of(interaction.user.id))
    except InvalidInput:
        return _FORGOTTEN
    except AgentError as error:
        _log.warning("Feedback could not be kept: %s", error)
        return "Sorry, that could not be kept just now. Please try again later."
    return "Thank you, that helps to make the answers better."
