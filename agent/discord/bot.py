"""The bot: a client of Discord that hands commands, mentions, replies and forum posts to who answers them."""

from __future__ import annotations

import logging
from collections import deque
from functools import partial

import discord

from agent.discord.answering import STOPPED, Answering
from agent.discord.buttons import BUTTONS
from agent.discord.commands import HELP, Commands
from agent.discord.health import Metrics
from agent.discord.interactions import Interaction
from agent.discord.memory import Memory, OpenQuestion
from agent.discord.questions import Asked, Place, may_write, question_of
from agent.discord.service import AskClient
from agent.discord.showing import EVERY, TROUBLE, begin_reply, begin_response
from agent.settings import Settings

_SEEN = 1_000
"""Events that are remembered: Discord repeats some after a lost connection."""
_log = logging.getLogger(__name__)


class Bot(discord.Client):
    """Answers on Discord.

    Args:
        settings: `discord_*` of them, and where its memory is.
        every: seconds between edits of a draft.
    """

    def __init__(self, settings: Settings, *, every: float = EVERY) -> None:
        # Text of messages that mention us comes without the privileged intent; that of other messages needs it.
        intents = discord.Intents(guilds=True, guild_messages=True, message_content=settings.discord_threads)
        super().__init__(
            intents=intents,
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
        )
        self.settings = settings
        self.service = AskClient(settings)
        self.memory = Memory(settings.discord_file)
        self.metrics = Metrics()
        self.answering = Answering(settings, self.service, self.memory, self.metrics)
        self.commands = Commands(self)
        self._every = every
        self._seen: deque[int] = deque(maxlen=_SEEN)
        self._left_open: tuple[OpenQuestion, ...] = ()

    def problem(self) -> str:
        """Return why nobody can be answered now, or an empty string."""
        return "" if self.is_ready() and self.ws.open else "There is no connection to Discord."

    def is_new(self, event: int) -> bool:
        """Say whether an event comes for the first time: Discord repeats some after a lost connection."""
        new = event not in self._seen
        self._seen.append(event)
        return new

    async def setup_hook(self) -> None:
        """Take up what the last run left, and register commands and buttons."""
        self._left_open = await self.memory.load()
        self.add_dynamic_items(*BUTTONS)
        await self.commands.sync_if_changed()

    async def on_ready(self) -> None:
        """Apologise to those who waited when the last run ended."""
        left, self._left_open = self._left_open, ()
        _log.info("Connected.", extra={"guilds": len(self.guilds), "left_open": len(left)})
        for question in left:
            try:
                await self._apologise(question)
            except (discord.NotFound, discord.Forbidden) as error:
                _log.info("There is nowhere to apologise any more: %s", error)
            except TROUBLE as error:
                _log.warning("An apology could not be made; the next start tries again: %s", error)
                continue
            await self.memory.end(question.id)

    async def _apologise(self, left: OpenQuestion) -> None:
        place = self.get_partial_messageable(left.channel)
        if left.message:
            await place.get_partial_message(left.message).edit(content=STOPPED)
        else:
            await place.send(STOPPED)

    async def on_disconnect(self) -> None:
        """Count; discord.py connects again for ever, with growing pauses."""
        self.metrics.disconnects.inc()

    async def close(self) -> None:
        """Apologise for what is not answered yet, and leave."""
        await self.answering.stop()
        await self.service.close()
        await self.memory.close()
        await super().close()

    async def answer(self, interaction: Interaction, question: str, version: str | None) -> None:
        """Answer a question that came as a command or a button."""
        place, guild = interaction.channel_id or 0, interaction.guild_id or 0
        asked = Asked(interaction.id, question, version, interaction.user, guild, place)
        begin = partial(begin_response, interaction, self._every)
        await self.answering.answer(asked, begin, partial(interaction.response.send_message, ephemeral=True))

    async def on_message(self, message: discord.Message) -> None:
        """Answer a message that is meant for us."""
        place = message.channel
        if self.user is None or not isinstance(place, Place):
            return
        question = question_of(message, place, self.user, self.settings, self.memory.rules(place.guild.id))
        if question is None or not self.is_new(message.id):
            return
        if not may_write(place):
            _log.info("A question came from where I may not write.", extra={"channel": place.id})
            return
        try:
            if question:
                asked = Asked(message.id, question, None, message.author, place.guild.id, place.id)
                await self.answering.answer(asked, partial(begin_reply, message, question, self._every), message.reply)
            else:
                await message.reply(HELP)
        except TROUBLE as error:
            _log.warning("A question could not be replied to: %s", error)
