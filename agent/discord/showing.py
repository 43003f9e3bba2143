"""Where an answer appears: one message that is edited while it is written, and the rest below it."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import aiohttp
import discord

from agent.discord.interactions import Interaction
from agent.discord.messages import Shown, draft
from agent.discord.questions import Place

EVERY = 1.5
"""Seconds between edits of a draft; Discord allows five in five seconds in a channel, which other users share."""
PATIENCE = 60.0
"""Seconds that Discord may take for one message; rate limits are waited for within them."""
TROUBLE = (discord.HTTPException, aiohttp.ClientError, OSError)  # a timeout is an OSError
"""What is raised where Discord, or the network before it, does not do what it was asked."""
_UNKNOWN_MESSAGE = 10008  # Discord's code: somebody deleted it

_NONE: Mapping[str, bytes] = {}
Put = Callable[..., Awaitable[discord.Message]]
Buttons = Callable[[Sequence[int]], discord.ui.View]
_log = logging.getLogger(__name__)


async def begin_response(interaction: Interaction, every: float) -> Showing:
    """Tell Discord, which waits for three seconds only, that a command or a button will be answered."""
    deferred = await interaction.response.defer(thinking=True)
    place = cast("discord.abc.MessageableChannel", interaction.channel)
    below = partial(interaction.followup.send, wait=True)
    first = (deferred and deferred.message_id) or 0
    attach = interaction.app_permissions.attach_files
    return Showing(place, below, interaction.edit_original_response, first, attach, every)


async def begin_reply(message: discord.Message, question: str, every: float) -> Showing:
    """Show below a message, in a thread of its own if that may be, that it will be answered."""
    place = await _place_for(message, question)
    send = message.reply if place == message.channel else place.send  # where others write, it points to its question
    attach = place.permissions_for(place.guild.me).attach_files
    try:
        first = await send(draft(None, ""))
    except TROUBLE as error:
        _log.warning("A draft could not be shown: %s", error)
        return Showing(place, send, None, 0, attach, every)
    return Showing(place, place.send, first.edit, first.id, attach, every)


async def _place_for(message: discord.Message, question: str) -> Place:
    """Return a thread of the question's own, if it may be made and Discord makes it, or else the message's channel."""
    channel = message.channel
    assert isinstance(channel, Place)
    rights = channel.permissions_for(channel.guild.me)
    may_thread = rights.create_public_threads and rights.send_messages_in_threads
    if isinstance(channel, discord.Thread) or message.reference is not None or not may_thread:
        return channel
    try:
        return await message.create_thread(name=" ".join(question.split())[:90], auto_archive_duration=1440)
    except TROUBLE as error:  # of many 429 or 5xx in a row, say; the channel may still take an answer
        _log.warning("A thread could not be made: %s", error)
        return channel


@dataclass(eq=False)
class Showing:
    """One answer on Discord.

    Args:
        place: channel or thread, which takes what the others do not any more: an interaction's token lasts 15 minutes.
        below: sends a further message.
        edit: changes the first message; None if Discord did not take it yet, and the next attempt is to send it.
        first: its id, or 0.
        attach: files may be attached.
        every: seconds between edits of the draft.
    """

    place: discord.abc.MessageableChannel
    below: Put
    edit: Put | None
    first: int
    attach: bool
    every: float

    def __post_init__(self) -> None:
        self._draft = ""
        self._changed = asyncio.Event()
        self._writing = asyncio.Lock()
        self._drafting = asyncio.create_task(self._show_drafts())

    def draft(self, text: str) -> None:
        """Show `text` as soon as another edit may be made; only the latest draft matters."""
        self._draft = text
        self._changed.set()

    async def finish(self, shown: Shown, buttons: Buttons | None = None) -> None:
        """Replace the draft by the answer.

        Args:
            shown: what to show.
            buttons: makes those below the last message, from the ids of the messages above it.
        """
        async with self._writing:  # the edit that is on its way could arrive after the answer
            self._drafting.cancel()
        ids: list[int] = []
        for number, text in enumerate(shown.texts, 1):
            last = number == len(shown.texts)
            view = buttons(ids) if buttons and last else None
            message = await self._put(text, shown.files if last else _NONE, view, first=not ids)
            if message is None:
                return
            ids.append(message.id)

    async def _put(
        self, text: str, files: Mapping[str, bytes], view: discord.ui.View | None, *, first: bool
    ) -> discord.Message | None:
        """Send or edit; None if somebody deleted the answer in the meantime, which is then left at that."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await (self._change(text, files, view) if first else self.below(text, **_given(files, view)))
        except discord.NotFound as error:
            if error.code == _UNKNOWN_MESSAGE:
                return None
            _log.info("Discord does not know the message's place any more: %s", error)
        except TROUBLE as error:
            _log.warning("A message could not be put in its place: %s", error)
        async with asyncio.timeout(PATIENCE):
            return await self.place.send(text, **_given(files, view))

    async def _change(
        self, text: str, files: Mapping[str, bytes] = _NONE, view: discord.ui.View | None = None
    ) -> discord.Message:
        """Change the first message, or send it."""
        if self.edit is not None:
            return await self.edit(content=text, attachments=_opened(files), view=view)
        message = await self.below(text, **_given(files, view))
        self.edit = message.edit
        return message

    async def _show_drafts(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                async with self._writing, asyncio.timeout(PATIENCE):
                    await self._change(self._draft)
            except TROUBLE as error:
                _log.info("A draft could not be shown: %s", error)  # the next one, or the answer, will be
            await asyncio.sleep(self.every)


def _opened(files: Mapping[str, bytes]) -> list[discord.File]:
    return [discord.File(io.BytesIO(content), name) for name, content in files.items()]


def _given(files: Mapping[str, bytes], view: discord.ui.View | None) -> dict[str, Any]:
    return {"files": _opened(files), **({} if view is None else {"view": view})}
