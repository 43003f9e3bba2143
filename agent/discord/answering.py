"""What becomes of a question, from who may ask to its last message. Each ends with one answer or one clear message."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import aclosing, contextmanager
from functools import partial
from typing import Any

import discord

from agent.discord.buttons import answer_buttons
from agent.discord.health import Metrics
from agent.discord.memory import Memory, OpenQuestion
from agent.discord.messages import Shown, apology, draft, shown
from agent.discord.questions import Asked, conversation
from agent.discord.service import AskClient
from agent.discord.showing import TROUBLE, Buttons, Showing
from agent.errors import AccessDenied, AgentError, ServiceError
from agent.schema import Answer, QueryRequest, SourcesEvent, TokenEvent
from agent.settings import Settings

BUSY = "I am still answering your last question; one at a time, please."
STOPPED = "Sorry, I was restarted before the answer was done. Please ask again."
_GOODBYE = 5.0
"""Seconds for apologies at the end."""
_VERSION = re.compile(r"\d\.\d")
_log = logging.getLogger(__name__)


class Answering:
    """Takes questions, one at a time of each person.

    Args:
        settings: `discord_*` of them.
        service: is asked.
        memory: knows the servers' rules, and keeps who waits.
        metrics: count how questions end.
    """

    def __init__(self, settings: Settings, service: AskClient, memory: Memory, metrics: Metrics) -> None:
        self._settings, self._service, self._memory, self._metrics = settings, service, memory, metrics
        token = settings.discord_token
        self._secret = b"" if token is None else token.get_secret_value().encode()
        self._tasks: dict[int, asyncio.Task[Any]] = {}
        metrics.answering.set_function(lambda: len(self._tasks))

    async def stop(self) -> None:
        """Apologise for what is not answered yet."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_GOODBYE)

    async def answer(
        self, asked: Asked, begin: Callable[[], Awaitable[Showing]], refuse: Callable[[str], Awaitable[Any]]
    ) -> None:
        """Answer a question, or say why not.

        Args:
            asked: the question.
            begin: shows that it will be answered.
            refuse: shows why it will not.

        Raises:
            TROUBLE: neither could be shown.
        """
        try:
            with self._turn(asked.user.id):
                await self._admit(asked)
                await self._answer(asked, begin)
        except AccessDenied as refusal:
            self._metrics.questions.labels("refused").inc()
            await refuse(refusal.message)

    @contextmanager
    def _turn(self, user: int) -> Generator[None]:
        if user in self._tasks:
            raise AccessDenied(BUSY)
        task = asyncio.current_task()
        assert task is not None
        self._tasks[user] = task
        try:
            yield
        finally:
            del self._tasks[user]

    async def _admit(self, asked: Asked) -> None:
        wanted = self._memory.rules(asked.guild).roles
        roles = [role.id for role in asked.user.roles] if isinstance(asked.user, discord.Member) else []
        if self._settings.discord_guilds and asked.guild not in self._settings.discord_guilds:
            raise AccessDenied("I am not set up for this server.")
        if wanted and not set(wanted).intersection(roles):
            raise AccessDenied("On this server, only some roles may ask me; yours is not among them.")
        await self._memory.admit(asked.id, asked.guild, asked.user.id, asked.channel, self._settings)

    async def _answer(self, asked: Asked, begin: Callable[[], Awaitable[Showing]]) -> None:
        begun = time.monotonic()
        told = False
        try:
            showing = await begin()
        except TROUBLE:
            await self._memory.end(asked.id)
            raise
        outcome, what, buttons = await self._outcome(asked, showing)
        try:
            await showing.finish(what, buttons)
            await self._memory.end(asked.id)
            told = True
        except TROUBLE as error:
            _log.error("Discord did not take an answer: %s", error)
        seconds = time.monotonic() - begun
        self._metrics.questions.labels(outcome).inc()
        if buttons:
            self._metrics.seconds.observe(seconds)
        _log.info("A question has ended.", extra={"outcome": outcome, "told": told, "seconds": round(seconds, 2)})
        if outcome == "stopped":
            raise asyncio.CancelledError

    async def _outcome(self, asked: Asked, showing: Showing) -> tuple[str, Shown, Buttons | None]:
        """Return how a question ended, in a word, as people see it, and with which buttons."""
        request = self._request(asked, showing)
        try:
            await self._memory.place(OpenQuestion(asked.id, showing.place.id, showing.first))
            async with asyncio.timeout(self._settings.discord_timeout):
                answer = await self._asked(request, asked.user.id, showing)
                picture = await self._picture(answer)
            await self._memory.keep(asked.id, answer.answer_id, asked.question, request.version)
        except asyncio.CancelledError:
            return "stopped", Shown((STOPPED,)), None
        except Exception as error:  # noqa: BLE001 - whatever is wrong: the user is told, and the bot goes on
            expected = isinstance(error, AgentError | TimeoutError)
            _log.warning("A question was not answered: %s", error, exc_info=not expected)
            return "apologised", Shown((apology(error),)), None
        buttons = partial(answer_buttons, answer.answer_id, asked.user.id)
        return answer.status, shown(answer, picture, attach=showing.attach), buttons

    def _request(self, asked: Asked, showing: Showing) -> QueryRequest:
        """The server's version is meant, unless the question seems to name one: the service knows which."""
        version = asked.version or None
        if version is None and not _VERSION.search(asked.question):
            version = self._memory.rules(asked.guild).version
        who = None if isinstance(showing.place, discord.Thread) else asked.user.id
        talk = conversation(self._secret, showing.place.id, who)
        return QueryRequest(asked.question, version=version, conversation_id=talk)

    async def _asked(self, request: QueryRequest, user: int, showing: Showing) -> Answer:
        """Return the final answer, while its draft is shown."""
        sources: SourcesEvent | None = None
        text = ""
        async with aclosing(self._service.ask(request, user)) as events:
            async for event in events:
                match event:
                    case SourcesEvent():
                        sources = event
                    case TokenEvent():
                        text += event.text
                    case Answer():
                        return event
                showing.draft(draft(sources, text))
        raise ServiceError("The service's reply ended without an answer.")

    async def _picture(self, answer: Answer) -> bytes | None:
        ran = answer.verification.ran
        if ran is None or ran.image_url is None:
            return None
        try:
            return await self._service.picture(ran.image_url)
        except AgentError as error:
            _log.warning("An answer comes without its picture: %s", error)
            return None
