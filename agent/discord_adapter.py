"""The Discord door: `/ask`, mentions and replies, answered by the HTTP API. It knows nothing else of the agent.

Nobody waits for ever and nothing stops the bot: what the service or Discord fail to do becomes one clear message.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections import deque
from collections.abc import Generator
from contextlib import aclosing, contextmanager
from functools import partial
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import discord
from discord import app_commands
from msgspec import Struct

from agent.discord.buttons import DeleteButton, FeedbackButton, answer_buttons, user_of
from agent.discord.messages import Shown, apology, draft, shown
from agent.discord.service import AskClient
from agent.discord.showing import EVERY, Showing
from agent.errors import AgentError, ConfigurationError, ServiceError
from agent.schema import MAX_QUESTION, Answer, AnswerEvent, QueryRequest, SourcesEvent, TokenEvent
from agent.settings import Settings

HELP = "Ask me about the library: `/ask`, or mention me with your question."
BUSY = "I am still answering your last question; one at a time, please."
STOPPED = "Sorry, I was restarted before the answer was done. Please ask again."
_SEEN = 1_000
"""Events that are remembered: Discord repeats some after a lost connection."""
_GOODBYE = 5.0
"""Seconds for apologies at the end."""
_log = logging.getLogger(__name__)


class Asked(Struct, frozen=True):
    """One question, and who asked it where.

    Attributes:
        channel: Discord's id of the channel or thread.
        in_thread: everybody in a thread takes part in one conversation; in a channel each has their own.
    """

    question: str
    version: str | None
    user: int
    channel: int
    in_thread: bool

    @property
    def conversation(self) -> UUID:
        """The same after a restart, since nothing but the place and the person makes it."""
        who = "" if self.in_thread else f"/{self.user}"
        return uuid5(NAMESPACE_URL, f"discord:{self.channel}{who}")

    def request(self) -> QueryRequest:
        """Return what the service is asked."""
        return QueryRequest(self.question, version=self.version or None, conversation_id=self.conversation)


class Bot(discord.Client):
    """Answers on Discord.

    Args:
        settings: `discord_*` of them.
        service: the client of the API; closed with the bot.
        every: seconds between edits of a draft.
    """

    def __init__(self, settings: Settings, service: AskClient, *, every: float = EVERY) -> None:
        # Text of messages that mention us comes without the privileged intent; that of our own threads needs it.
        intents = discord.Intents(guilds=True, guild_messages=True, message_content=settings.discord_threads)
        super().__init__(
            intents=intents,
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
        )
        self.settings = settings
        self.service = service
        self._every = every
        self._seen: deque[int] = deque(maxlen=_SEEN)
        self._answering: dict[int, asyncio.Task[Any]] = {}
        self._tree = _commands(self)

    async def setup_hook(self) -> None:
        """Register the command and the buttons."""
        self.add_dynamic_items(FeedbackButton, DeleteButton)
        await self._tree.sync()

    async def close(self) -> None:
        """Apologise for what is not answered yet, and leave."""
        tasks = list(self._answering.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_GOODBYE)
        await self.service.close()
        await super().close()

    # --- how questions come -----------------------------------------------------------------------

    async def on_command(self, interaction: discord.Interaction, question: str, version: str | None) -> None:
        """Answer `/ask`."""
        refusal = self._refusal(interaction.user.id, interaction.guild_id)
        if refusal:
            await interaction.response.send_message(refusal, ephemeral=True)
            return
        with self._busy(interaction.user.id):
            await interaction.response.defer(thinking=True)  # Discord waits for three seconds only
            channel = interaction.channel
            in_thread = isinstance(channel, discord.Thread)
            asked = Asked(question, version, interaction.user.id, interaction.channel_id or 0, in_thread)
            instead = channel.send if isinstance(channel, discord.abc.Messageable) else interaction.followup.send
            below = partial(interaction.followup.send, wait=True)
            await self._answer(asked, Showing(interaction.edit_original_response, below, instead, self._every))

    async def on_message(self, message: discord.Message) -> None:
        """Answer a message that is meant for us."""
        if message.author.bot or message.id in self._seen or not self._meant(message):
            return
        self._seen.append(message.id)
        question = self._without_our_name(message.content)[:MAX_QUESTION]
        refusal = self._refusal(message.author.id, message.guild and message.guild.id) or ("" if question else HELP)
        try:
            if refusal:
                await message.reply(refusal, mention_author=False)
                return
            with self._busy(message.author.id):
                place = await self._place(message, question)
                first = await place.send(draft(None, ""), **_reply_to(message, place))
                asked = Asked(question, None, message.author.id, place.id, isinstance(place, discord.Thread))
                await self._answer(asked, Showing(first.edit, place.send, place.send, self._every))
        except discord.HTTPException as error:
            _log.warning("A question could not be replied to: %s", error)

    def _meant(self, message: discord.Message) -> bool:
        channel = message.channel
        if not isinstance(channel, discord.TextChannel | discord.Thread):
            return False
        allowed = self.settings.discord_channels
        parent = channel.parent_id if isinstance(channel, discord.Thread) else channel.id
        if allowed and parent not in allowed and channel.id not in allowed:
            return False
        replied = message.reference.resolved if message.reference else None
        ours = isinstance(channel, discord.Thread) and self._owns(channel)
        to_us = isinstance(replied, discord.Message) and replied.author == self.user and bool(message.content)
        return self.user in message.mentions or to_us or (ours and not message.mentions)

    def _owns(self, thread: discord.Thread) -> bool:
        return self.settings.discord_threads and self.user is not None and thread.owner_id == self.user.id

    def _without_our_name(self, text: str) -> str:
        assert self.user is not None
        return text.replace(f"<@{self.user.id}>", " ").replace(f"<@!{self.user.id}>", " ").strip()

    async def _place(self, message: discord.Message, question: str) -> discord.TextChannel | discord.Thread:
        """Return where to answer: a thread of the question's own, if that may be made."""
        channel = message.channel
        assert isinstance(channel, discord.TextChannel | discord.Thread)
        if isinstance(channel, discord.Thread) or message.reference is not None:
            return channel
        rights = channel.permissions_for(channel.guild.me)
        if not (rights.create_public_threads and rights.send_messages_in_threads):
            return channel
        return await message.create_thread(name=" ".join(question.split())[:90], auto_archive_duration=1440)

    def _refusal(self, user: int, guild: int | None) -> str:
        if self.settings.discord_guilds and guild not in self.settings.discord_guilds:
            return "I am not set up for this server."
        return BUSY if user in self._answering else ""

    @contextmanager
    def _busy(self, user: int) -> Generator[None]:
        task = asyncio.current_task()
        assert task is not None
        self._answering[user] = task
        try:
            yield
        finally:
            del self._answering[user]

    # --- how they are answered ---------------------------------------------------------------------

    async def _answer(self, asked: Asked, showing: Showing) -> None:
        try:
            async with asyncio.timeout(self.settings.discord_timeout):
                answer, picture = await self._fetched(asked, showing)
        except asyncio.CancelledError:
            await self._tell(showing, STOPPED)
            raise
        except (AgentError, TimeoutError) as error:
            _log.warning("A question was not answered: %s", error)
            await self._tell(showing, apology(error))
        except Exception:  # noqa: BLE001 - whatever else is wrong: the user is told, and the bot goes on
            _log.exception("A question failed unexpectedly.")
            await self._tell(showing, apology(ServiceError("")))
        else:
            buttons = partial(answer_buttons, answer.answer_id, asked.user)
            await self._tell(showing, shown(answer, picture), buttons)

    async def _fetched(self, asked: Asked, showing: Showing) -> tuple[Answer, bytes | None]:
        """Return the final answer and its picture, while its draft is shown."""
        sources: SourcesEvent | None = None
        text = ""
        async with aclosing(self.service.ask(asked.request(), user_of(asked.user))) as events:
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

    async def _tell(self, showing: Showing, what: Shown | str, view: Any = None) -> None:
        try:
            await showing.finish(what if isinstance(what, Shown) else Shown((what,)), view)
        except (discord.HTTPException, TimeoutError) as error:
            _log.error("Discord did not take an answer: %s", error)


def _commands(bot: Bot) -> app_commands.CommandTree[Bot]:
    tree = app_commands.CommandTree(bot)

    @tree.command(name="ask", description="Ask about the library; answered from its sources.")
    @app_commands.describe(question="In plain words.", version="Of the library; the default one without it.")
    @app_commands.guild_only()
    async def ask(  # pyright: ignore[reportUnusedFunction] - the tree keeps it
        interaction: discord.Interaction,
        question: app_commands.Range[str, 1, MAX_QUESTION],
        version: app_commands.Range[str, 1, 50] | None = None,
    ) -> None:
        await bot.on_command(interaction, question, version)

    return tree


def _reply_to(message: discord.Message, place: discord.abc.Messageable) -> dict[str, Any]:
    """In a channel that others use, the answer points to its question."""
    return {"reference": message, "mention_author": False} if place == message.channel else {}


def run_bot(settings: Settings) -> None:
    """Answer on Discord until the process is told to end.

    Raises:
        ConfigurationError: there is no token, or Discord refuses it or what it is used for.
    """
    if settings.discord_token is None:
        raise ConfigurationError(
            "FURY_AGENT_DISCORD_TOKEN is not set.", remedy="docs/discord.md says where to get one."
        )
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        bot = Bot(settings, AskClient(settings.discord_api_url))
        asyncio.run(_run(bot, settings.discord_token.get_secret_value()))
    except discord.LoginFailure as error:
        raise ConfigurationError(
            "Discord does not accept FURY_AGENT_DISCORD_TOKEN.", remedy="Reset it in the developer portal."
        ) from error
    except discord.PrivilegedIntentsRequired as error:
        raise ConfigurationError(
            "FURY_AGENT_DISCORD_THREADS needs the message content intent.", remedy="Allow it in the developer portal."
        ) from error


async def _run(bot: Bot, token: str) -> None:
    async with bot:
        main = asyncio.current_task()
        assert main is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, main.cancel)
        try:
            await bot.start(token)
        except asyncio.CancelledError:
            _log.info("Told to end.")
