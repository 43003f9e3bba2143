"""The gateway of the local Discord: one session at a time, which can be dropped, resumed, replaced or invalidated."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from aiohttp import WSMsgType, web

from tests.servers import discord_data as data

_MESSAGE_CONTENT = 1 << 15


class Gateway:
    """Events, and who gets them.

    Attributes:
        identifies, resumes: what the client sent when it connected.
        rights: of everybody in the guild, a bit set.
        refuse_resume: the next RESUME is answered by "invalid session".
    """

    def __init__(self) -> None:
        self.identifies: list[dict[str, Any]] = []
        self.resumes: list[dict[str, Any]] = []
        self.rights = data.ALL_RIGHTS
        self.refuse_resume = False
        self.port = 0
        self.loop: asyncio.AbstractEventLoop
        self._sequence = 0
        self._sockets: list[web.WebSocketResponse] = []
        self._sent: list[dict[str, Any]] = []
        self._order = asyncio.Lock()

    def drop(self, code: int = 4000) -> None:
        """Close the connection; events wait for the resume."""
        self._run(self._sockets[-1].close(code=code))

    def ask_to_reconnect(self) -> None:
        """Send op 7, as Discord does before it moves a client to another machine."""
        self._run(self._once_connected({"op": 7, "d": None}))

    def invalidate(self) -> None:
        """End the session by op 9: the client has to identify anew, and what was sent meanwhile is lost."""
        self._run(self._once_connected({"op": 9, "d": False}))

    def dispatch(self, name: str, payload: dict[str, Any]) -> None:
        """Send an event, now or when the bot has resumed."""
        self._run(self._dispatch(name, payload))

    def reads(self, mentioned: bool) -> bool:  # noqa: FBT001 - a predicate of one fact
        """Return whether the bot is sent the text of a message."""
        return mentioned or bool(self.identifies[-1]["intents"] & _MESSAGE_CONTENT)

    async def gateway(self, request: web.Request) -> web.WebSocketResponse:
        """Say hello, identify or resume, and acknowledge heartbeats."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"op": 10, "d": {"heartbeat_interval": 41_250}})
        async for frame in socket:
            if frame.type != WSMsgType.TEXT:
                continue
            received = json.loads(frame.data)
            if received["op"] == 1:
                await socket.send_json({"op": 11})
            elif received["op"] == 2:
                self.identifies.append(received["d"])
                await self._ready(socket)
            elif received["op"] == 6 and self.refuse_resume:
                self.refuse_resume = False
                await socket.send_json({"op": 9, "d": False})
            elif received["op"] == 6:
                self.resumes.append(received["d"])
                await self._replay(socket, received["d"]["seq"])
        return socket

    async def _replay(self, socket: web.WebSocketResponse, after: int) -> None:
        async with self._order:
            self._sockets.append(socket)
            with suppress(ConnectionError):  # dropped again: the next resume brings the rest
                for event in [event for event in self._sent if event["s"] > after]:
                    await socket.send_json(event)
            await self._send("RESUMED", {})

    async def _ready(self, socket: web.WebSocketResponse) -> None:
        ready = {
            "v": 10,
            "user": data.BOT,
            "guilds": [{"id": str(data.GUILD_ID), "unavailable": True}],
            "session_id": "session",
            "resume_gateway_url": f"ws://127.0.0.1:{self.port}/gateway",
            "application": {"id": "100", "flags": 0},
        }
        async with self._order:
            self._sockets.append(socket)
            await self._send("READY", ready)
            await self._send("GUILD_CREATE", data.guild(self.rights))

    async def _once_connected(self, payload: dict[str, Any]) -> None:
        while True:
            async with self._order:
                with suppress(ConnectionError):
                    if not self._sockets[-1].closed:
                        return await self._sockets[-1].send_json(payload)
            await asyncio.sleep(0.05)

    async def _dispatch(self, name: str, payload: dict[str, Any]) -> None:
        async with self._order:  # nothing comes between the events of a start, or before those that are replayed
            await self._send(name, payload)

    async def _send(self, name: str, payload: dict[str, Any]) -> None:
        self._sequence += 1
        event = {"op": 0, "s": self._sequence, "t": name, "d": payload}
        self._sent.append(event)
        with suppress(ConnectionError):  # it is on its way out: the resume brings the event
            if not self._sockets[-1].closed:
                await self._sockets[-1].send_json(event)

    def _run(self, work: Coroutine[Any, Any, Any]) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result(10)
