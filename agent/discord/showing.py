"""Where an answer appears: one message that is edited while it is written, and the rest below it."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import discord

from agent.discord.messages import Attachment, Shown

EVERY = 1.5
"""Seconds between edits of a draft; Discord allows five in five seconds in a channel, which other users share."""
PATIENCE = 60.0
"""Seconds that Discord may take for one message; rate limits are waited for within them."""
_UNKNOWN_MESSAGE = 10008  # Discord's code: somebody deleted it

Put = Callable[..., Awaitable[discord.Message]]
_log = logging.getLogger(__name__)


class Showing:
    """One answer on Discord.

    Args:
        edit: changes the first message.
        below: sends a further one.
        instead: sends into the channel where the others do not work any more: an interaction's token lasts
            15 minutes.
        every: seconds between edits of the draft.
    """

    def __init__(self, edit: Put, below: Put, instead: Put, every: float = EVERY) -> None:
        self._edit, self._below, self._instead, self._every = edit, below, instead, every
        self._draft = ""
        self._changed = asyncio.Event()
        self._stopped = asyncio.Event()
        self._editing = asyncio.create_task(self._edit_drafts())

    def draft(self, text: str) -> None:
        """Show `text` as soon as another edit may be made; only the latest draft matters."""
        self._draft = text
        self._changed.set()

    async def finish(self, shown: Shown, view: Callable[[Sequence[int]], discord.ui.View] | None = None) -> None:
        """Replace the draft by the answer.

        Args:
            shown: what to show.
            view: makes the buttons below the last message, from the ids of those above it.
        """
        await self._stop_drafts()
        ids: list[int] = []
        for number, text in enumerate(shown.texts):
            options: dict[str, Any] = {"content": text}
            if number == len(shown.texts) - 1:
                options |= {"view": None if view is None else view(ids)}
                options |= {"files": _files(shown.files)} if shown.files else {}
            message = await self._put(options, first=number == 0)
            if message is None:
                return
            ids.append(message.id)

    async def _put(self, options: dict[str, Any], *, first: bool) -> discord.Message | None:
        """Send or edit; None if somebody deleted the answer in the meantime, which is then left at that."""
        options["allowed_mentions"] = discord.AllowedMentions.none()
        try:
            async with asyncio.timeout(PATIENCE):
                return await (self._edit(**_for_edit(options)) if first else self._below(**_for_send(options)))
        except discord.NotFound as error:
            if error.code == _UNKNOWN_MESSAGE:
                return None
            _log.info("Discord does not know the message's place any more: %s", error)
        except (discord.HTTPException, TimeoutError) as error:
            _log.warning("A message could not be put in its place: %s", error)
        for file in options.get("files", ()):
            file.reset()
        async with asyncio.timeout(PATIENCE):
            return await self._instead(**_for_send(options))

    async def _edit_drafts(self) -> None:
        while not self._stopped.is_set():
            await self._changed.wait()
            self._changed.clear()
            if self._stopped.is_set():
                return
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._edit(content=self._draft, allowed_mentions=discord.AllowedMentions.none())
            except (discord.HTTPException, TimeoutError) as error:
                _log.info("A draft could not be shown: %s", error)  # the next one, or the answer, will be
            try:
                await asyncio.wait_for(self._stopped.wait(), self._every)
            except TimeoutError:
                continue

    async def _stop_drafts(self) -> None:
        """End the drafts; the edit that is on its way is waited for, else it could arrive after the answer."""
        self._stopped.set()
        self._changed.set()
        await self._editing


def _files(attachments: Sequence[Attachment]) -> list[discord.File]:
    return [discord.File(io.BytesIO(each.content), each.name) for each in attachments]


def _for_edit(options: dict[str, Any]) -> dict[str, Any]:
    renamed = {key: value for key, value in options.items() if key != "files"}
    return {**renamed, "attachments": options["files"]} if "files" in options else renamed


def _for_send(options: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if value is not None}
