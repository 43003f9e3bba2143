"""The bot: commands, mentions, replies and forum posts, answered by the HTTP API.

Nobody waits for ever and nothing stops the bot: what the service or Discord fail to do becomes one clear message.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Any

import aiohttp
import discord

from agent.discord import health
from agent.discord.buttons import BUTTONS, answer_buttons
from agent.discord.commands import HELP, Commands
from agent.discord.door import user_of
from agent.discord.memory import Memory, OpenQuestion
from agent.discord.messages import Shown, apology, draft, shown
from agent.discord.questions import Asked, Place, may_write, place_for, question_of
from agent.discord.service import AskClient
from agent.discord.setup import limits
from agent.discord.showing import EVERY, Showing
from agent.errors import AgentError, ServiceError
from agent.schema import Answer, AnswerEvent, SourcesEvent, TokenEvent
from agent.settings import Settings

BUSY = "I am still answering your last question; one at a time, please."
STOPPED = "Sorry, I was restarted before the answer was done. Please ask again."
LIMITS = {
    "user": "You have asked as many questions as you may here today. Tomorrow (UTC) you can go on.",
    "guild": "This server has asked as many questions as it may today. Tomorrow (UTC) it goes on.",
}
_SEEN = 1_000
"""Events that are remembered: Discord repeats some after a lost connection."""
_GOODBYE = 5.0
"""Seconds for apologies at the end."""
_VERSION = re.compile(r"\d\.\d")
_log = logging.getLogger(__name__)


class Bot(discord.Client):
    """Answers on Discord.

    Args:
        settings: `discord_*` of them, and where the bot's memory is.
        service: the client of the API; closed with the bot.
        every: seconds between edits of a draft.
    """

    def __init__(self, settings: Settings, service: AskClient, *, every: float = EVERY) -> None:
        # Text of messages that mention us comes without the privileged intent; that of other messages needs it.
        intents = discord.Intents(guilds=True, guild_messages=True, message_content=settings.discord_threads)
        super().__init__(
            intents=intents,
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
        )
        self.settings = settings
        self.service = service
        token = settings.discord_token
        self._secret = b"" if token is None else token.get_secret_value().encode()
        self.memory = Memory(settings.discord_file)
        self.counts = health.Counts()
        self.counts.answering = lambda: len(self._answering)
        self._every = every
        self._seen: deque[int] = deque(maxlen=_SEEN)
        self._answering: dict[int, asyncio.Task[Any]] = {}
        self._left_open: tuple[OpenQuestion, ...] = ()
        self._commands = Commands(self)

    def problem(self) -> str:
        """Return why nobody can be answered now, or an empty string."""
        return "" if self.is_ready() and self.ws.open else "There is no connection to Discord."

    async def setup_hook(self) -> None:
        """Take up what the last run left, and register commands and buttons."""
        self._left_open = await self.memory.load()
        self.add_dynamic_items(*BUTTONS)
        try:
            if await self._commands.sync_if_changed():
                _log.info("Discord was told of the commands.")
        except discord.HTTPException as error:
            _log.error("Discord was not told of the commands; the next start tries again: %s", error)

    async def on_ready(self) -> None:
        """Apologise to those who waited when the last run ended."""
        left, self._left_open = self._left_open, ()
        _log.info("Connected.", extra={"guilds": len(self.guilds), "left_open": len(left)})
        for question in left:
            try:
                await self._apologise(question)
                await self.memory.end(question.id)
            except discord.HTTPException as error:
                _log.warning("An apology could not be made; the next start tries again: %s", error)

    async def on_disconnect(self) -> None:
        """Count; discord.py connects again for ever, with growing pauses."""
        self.counts.disconnects += 1

    async def close(self) -> None:
        """Apologise for what is not answered yet, and leave."""
        tasks = list(self._answering.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_GOODBYE)
        await self.service.close()
        await self.memory.close()
        await super().close()

    # --- how questions come -----------------------------------------------------------------------

    async def answer(self, interaction: discord.Interaction[Any], question: str, version: str | None) -> None:
        """Answer a question that came as a command or a button."""
        user = interaction.user
        async with self._admitted(user, interaction.guild_id) as refusal:
            if refusal:
                await interaction.response.send_message(refusal, ephemeral=True)
                return
            deferred = await interaction.response.defer(thinking=True)  # Discord waits for three seconds only
            first = (deferred and deferred.message_id) or 0
            channel = interaction.channel
            in_thread = isinstance(channel, discord.Thread)
            version = version or self._version(question, interaction.guild_id)
            asked = Asked(interaction.id, question, version, user.id, interaction.channel_id or 0, in_thread)
            instead = channel.send if isinstance(channel, discord.abc.Messageable) else interaction.followup.send
            below = partial(interaction.followup.send, wait=True)
            showing = Showing(interaction.edit_original_response, below, instead, self._every)
            await self._answer(asked, showing, first, attach=interaction.app_permissions.attach_files)

    async def on_message(self, message: discord.Message) -> None:
        """Answer a message that is meant for us."""
        guild = message.guild and message.guild.id
        if self.user is None or message.id in self._seen:
            return
        question = question_of(message, self.user, self.settings, self.memory.rules(guild))
        if question is None:
            return
        self._seen.append(message.id)
        assert isinstance(message.channel, Place)
        if not may_write(message.channel):
            _log.info("A question came from where I may not write.", extra={"channel": message.channel.id})
            return
        try:
            if not question:
                await message.reply(HELP, mention_author=False)
                return
            async with self._admitted(message.author, guild) as refusal:
                if refusal:
                    await message.reply(refusal, mention_author=False)
                else:
                    await self._answer_message(message, question)
        except discord.HTTPException as error:
            _log.warning("A question could not be replied to: %s", error)

    async def _answer_message(self, message: discord.Message, question: str) -> None:
        place = await place_for(message, question)
        text = draft(None, "")
        # In a channel that others use, the answer points to its question.
        alone = place != message.channel
        first = await (place.send(text) if alone else message.reply(text, mention_author=False))
        version = self._version(question, place.guild.id)
        asked = Asked(message.id, question, version, message.author.id, place.id, isinstance(place, discord.Thread))
        attach = place.permissions_for(place.guild.me).attach_files
        await self._answer(asked, Showing(first.edit, place.send, place.send, self._every), first.id, attach=attach)

    @asynccontextmanager
    async def _admitted(self, user: discord.User | discord.Member, guild: int | None) -> AsyncGenerator[str]:
        """Give why somebody may not ask now, or an empty string; then their next question waits for the block's end."""
        rules = self.memory.rules(guild)
        roles = {role.id for role in user.roles} if isinstance(user, discord.Member) else set[int]()
        refusal = ""
        if self.settings.discord_guilds and guild not in self.settings.discord_guilds:
            refusal = "I am not set up for this server."
        elif rules.roles and not roles.intersection(rules.roles):
            refusal = "On this server, only some roles may ask me; yours is not among them."
        elif user.id in self._answering:
            refusal = BUSY
        if refusal:
            self.counts.outcomes["refused"] += 1
            yield refusal
            return
        task = asyncio.current_task()
        assert task is not None
        self._answering[user.id] = task
        try:
            reached = await self.memory.admit(guild or 0, user.id, *limits(rules, self))
            self.counts.outcomes["refused"] += bool(reached)
            yield LIMITS[reached] if reached else ""
        finally:
            del self._answering[user.id]

    def _version(self, question: str, guild: int | None) -> str | None:
        """Return the server's version, unless the question seems to name one: the service knows which."""
        return None if _VERSION.search(question) else self.memory.rules(guild).version

    # --- how they are answered ---------------------------------------------------------------------

    async def _answer(self, asked: Asked, showing: Showing, first: int, *, attach: bool) -> None:
        begun = time.monotonic()
        outcome, what, view = await self._outcome(asked, showing, first, attach=attach)
        told = await self._tell(showing, what, view)
        if told:
            await self.memory.end(asked.id)
        seconds = time.monotonic() - begun
        self.counts.outcomes[outcome] += 1
        self.counts.seconds += seconds if view else 0
        _log.info("A question has ended.", extra={"outcome": outcome, "told": told, "seconds": round(seconds, 2)})
        if outcome == "stopped":
            raise asyncio.CancelledError

    async def _outcome(self, asked: Asked, showing: Showing, first: int, *, attach: bool) -> tuple[str, Shown, Any]:
        """Return how a question ended, in a word, as people see it, and with which buttons."""
        try:
            await self.memory.begin(OpenQuestion(asked.id, asked.channel, first))
            async with asyncio.timeout(self.settings.discord_timeout):
                answer, picture = await self._fetched(asked, showing)
            await self.memory.keep(answer.answer_id, asked.user, asked.question, asked.version)
        except asyncio.CancelledError:
            return "stopped", Shown((STOPPED,)), None
        except (AgentError, TimeoutError) as error:
            _log.warning("A question was not answered: %s", error)
            return "apologised", Shown((apology(error),)), None
        except Exception:  # noqa: BLE001 - whatever else is wrong: the user is told, and the bot goes on
            _log.exception("A question failed unexpectedly.")
            return "apologised", Shown((apology(ServiceError("")),)), None
        buttons = partial(answer_buttons, answer.answer_id, asked.user)
        return answer.status, shown(answer, picture, attach=attach), buttons

    async def _fetched(self, asked: Asked, showing: Showing) -> tuple[Answer, bytes | None]:
        """Return the final answer and its picture, while its draft is shown."""
        sources: SourcesEvent | None = None
        text = ""
        async with aclosing(self.service.ask(asked.request(self._secret), user_of(asked.user))) as events:
            async for event in events:
                match event:
                    case SourcesEvent():
                        sources = event
                    case TokenEvent():
                        text += event.text
                    case AnswerEvent(answer):
                        return answer, await self._picture(answer)
                showing.draft(draft(sources, text))
        raise ServiceError("The service's reply ended without an answer.")

    async def _picture(self, answer: Answer) -> bytes | None:
        ran = answer.verification.ran
        if ran is None or ran.image_url is None:
            return None
        try:
            return await self.service.picture(ran.image_url)
        except AgentError as error:
            _log.warning("An answer comes without its picture: %s", error)
            return None

    async def _tell(self, showing: Showing, what: Shown, view: Any) -> bool:
        try:
            await showing.finish(what, view)
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            _log.error("Discord did not take an answer: %s", error)
            return False
        return True

    async def _apologise(self, left: OpenQuestion) -> None:
        place = self.get_partial_messageable(left.channel)
        none = discord.AllowedMentions.none()
        try:
            if left.message:
                await place.get_partial_message(left.message).edit(content=STOPPED, allowed_mentions=none)
            else:
                await place.send(STOPPED, allowed_mentions=none)
        except (discord.NotFound, discord.Forbidden) as error:
            _log.info("There is nowhere to apologise any more: %s", error)
