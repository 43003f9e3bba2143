"""A local Discord that the real discord.py talks to: gateway and REST, as strict as the real one where bots go wrong.

It refuses messages that are empty or too long, bad components, first responses after three seconds, unknown tokens
and edits of what is not there; it keeps all messages and all edits, so that tests read what people would see.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp import WSMsgType, web

from tests.servers import discord_data as data
from tests.servers.discord_rules import Interaction, Refusal, buttons, check, read, reply

PREFIX = "/api/v10"
FIRST_RESPONSE = 3.0
"""Seconds that Discord waits for the first response to an interaction."""


class Discord:
    """One guild with one channel.

    Attributes:
        messages: id -> message as it is now, in order; deleted ones are gone.
        history: message id -> each content that it has had, with the time.
        files: message id -> name -> bytes.
        modals: what opened, newest last.
        refused: what the bot was refused, in words; tests expect none unless they cause it.
        identifies, resumes: what the client sent when it connected.
        rights: of everybody in the guild, a bit set.
    """

    def __init__(self) -> None:
        self.messages: dict[int, dict[str, Any]] = {}
        self.history: dict[int, list[tuple[float, str]]] = {}
        self.files: dict[int, dict[str, bytes]] = {}
        self.modals: list[dict[str, Any]] = []
        self.commands: list[dict[str, Any]] = []
        self.ephemeral: list[str] = []
        self.refused: list[str] = []
        self.identifies: list[dict[str, Any]] = []
        self.resumes: list[dict[str, Any]] = []
        self.rights = data.ALL_RIGHTS
        self.limited = 0
        self.port = 0
        self._ids = 1_000
        self._sequence = 0
        self._sockets: list[web.WebSocketResponse] = []
        self._sent: list[dict[str, Any]] = []
        self._telling: set[asyncio.Future[None]] = set()
        self._tokens: dict[str, Interaction] = {}
        self.loop: asyncio.AbstractEventLoop

    # --- what people do: called from the test's thread ---------------------------------------------

    def ask(self, who: int, question: str, version: str | None = None) -> Interaction:
        """Run `/ask`."""
        given = {"question": question} | ({"version": version} if version else {})
        options = [{"type": 3, "name": name, "value": value} for name, value in given.items()]
        return self._interact(2, who, {"id": "900", "name": "ask", "type": 1, "options": options})

    def press(self, who: int, message: dict[str, Any], label: str, rights: str = "0") -> Interaction:
        """Press a button of a message."""
        custom_id = buttons(message)[label]
        return self._interact(3, who, {"component_type": 2, "custom_id": custom_id}, rights, message=message)

    def submit(self, who: int, modal: dict[str, Any], text: str) -> Interaction:
        """Fill in a modal's one field."""
        field = {"type": 4, "id": 2, "custom_id": modal["components"][0]["component"]["custom_id"], "value": text}
        components = [{"type": 18, "id": 1, "component": field}]
        return self._interact(5, who, {"custom_id": modal["custom_id"], "components": components})

    def say(self, who: int, content: str, place: int = data.CHANNEL_ID, **more: Any) -> dict[str, Any]:
        """Write a message into the channel or a thread; `<@100>` mentions the bot."""
        mentions = [data.BOT] if "<@100>" in content else []
        said = data.message(self._new_id(), place, data.user(who), content, mentions=mentions, **more)
        said |= {"guild_id": str(data.GUILD_ID), "member": data.member(who)}
        self.dispatch("MESSAGE_CREATE", said)
        return said

    def drop(self, code: int = 4000) -> None:
        """Close the gateway connection."""
        self._run(self._sockets[-1].close(code=code))

    def dispatch(self, name: str, payload: dict[str, Any]) -> None:
        """Send an event, now or when the bot has resumed."""
        self._run(self._dispatch(name, payload))

    def from_bot(self) -> list[dict[str, Any]]:
        """What the bot has written, as it is now, in order."""
        return [message for message in self.messages.values() if message["author"] == data.BOT]

    def _run(self, work: Coroutine[Any, Any, Any]) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    def _interact(self, kind: int, who: int, payload: dict[str, Any], rights: str = "0", **more: Any) -> Interaction:
        made = Interaction(self._new_id(), more.get("message"))
        self._tokens[f"token{made.id}"] = made
        self.dispatch("INTERACTION_CREATE", data.interaction(made.id, kind, who, payload, rights, **more))
        return made

    def _new_id(self) -> int:
        self._ids += 1
        return self._ids

    # --- the gateway -------------------------------------------------------------------------------

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
                self._sockets.append(socket)
                await self._ready()
            elif received["op"] == 6:
                self.resumes.append(received["d"])
                self._sockets.append(socket)
                for event in [event for event in self._sent if event["s"] > received["d"]["seq"]]:
                    await socket.send_json(event)
                await self._dispatch("RESUMED", {})
        return socket

    async def _ready(self) -> None:
        ready = {
            "v": 10,
            "user": data.BOT,
            "guilds": [{"id": str(data.GUILD_ID), "unavailable": True}],
            "session_id": "session",
            "resume_gateway_url": f"ws://127.0.0.1:{self.port}/gateway",
            "application": {"id": "100", "flags": 0},
        }
        await self._dispatch("READY", ready)
        await self._dispatch("GUILD_CREATE", data.guild(self.rights))

    async def _dispatch(self, name: str, payload: dict[str, Any]) -> None:
        self._sequence += 1
        event = {"op": 0, "s": self._sequence, "t": name, "d": payload}
        self._sent.append(event)
        if not self._sockets[-1].closed:
            await self._sockets[-1].send_json(event)

    # --- REST --------------------------------------------------------------------------------------

    async def rest(self, request: web.Request) -> web.Response:
        """Find the route, and reply as Discord does."""
        path = request.path.removeprefix(PREFIX)
        body, files = await read(request)
        if self.limited and request.method in {"POST", "PATCH"} and "/callback" not in path:
            self.limited -= 1
            limits = {"Retry-After": "0.2", "X-RateLimit-Bucket": "bucket", "Via": "1.1 google"}
            return reply({"message": "limited", "retry_after": 0.2, "global": False}, 429, limits)
        for method, pattern, handle in self._routes():
            match = re.fullmatch(pattern, path)
            if match and method == request.method:
                try:
                    made = handle(*match.groups(), body, files)
                except Refusal as refusal:
                    self.refused.append(f"{method} {path}: {refusal}")
                    return reply({"message": str(refusal), "code": refusal.code}, refusal.status)
                return web.Response(status=204) if made is None else reply(made)
        self.refused.append(f"{request.method} {path}: no such route")
        return reply({"message": "404: Not Found", "code": 0}, 404)

    def _routes(self) -> list[tuple[str, str, Callable[..., Any]]]:
        bot, message = r"/webhooks/100/(\w+)", r"/channels/\d+/messages/(\d+)"
        return [
            ("GET", "/gateway/bot", lambda *_: {"url": f"ws://127.0.0.1:{self.port}/gateway", "shards": 1}),
            ("GET", "/users/@me", lambda *_: data.BOT),
            ("GET", r"/(?:oauth2/)?applications/@me", lambda *_: data.APPLICATION),
            ("PUT", "/applications/100/commands", self._register),
            ("POST", r"/interactions/(\d+)/(\w+)/callback", self._respond),
            ("PATCH", rf"{bot}/messages/@original", self._change_first),
            ("DELETE", rf"{bot}/messages/@original", self._remove_first),
            ("POST", bot, self._follow_up),
            ("POST", r"/channels/(\d+)/messages", self._create),
            ("PATCH", message, self._change),
            ("DELETE", message, self._remove),
            ("POST", rf"{message}/threads", self._start_thread),
        ]

    def _change_first(self, token: str, body: Any, files: dict[str, bytes]) -> dict[str, Any]:
        return self._change(self._first(token), body, files)

    def _remove_first(self, token: str, *_: Any) -> None:
        self._remove(self._first(token))

    def _register(self, body: Any, _files: Any) -> list[dict[str, Any]]:
        self.commands = [{**each, "id": str(900 + number)} for number, each in enumerate(body)]
        fixed = {"application_id": "100", "version": "1", "default_member_permissions": None}
        return [{**each, **fixed, "type": each.get("type", 1)} for each in self.commands]

    def _respond(self, identity: str, token: str, body: Any, files: Any) -> dict[str, Any]:
        made = self._valid(token)
        if made.kind:
            raise Refusal(400, 40060, "Interaction has already been acknowledged.")
        made.after = time.monotonic() - made.begun
        if made.after > FIRST_RESPONSE:
            raise Refusal(404, 10062, "Unknown interaction")
        made.kind = body["type"]
        made.ephemeral = bool(body.get("data", {}).get("flags", 0) & 64)
        resource: dict[str, Any] = {"type": made.kind}
        if made.kind == 4:
            resource["message"] = self._follow_up(token, body["data"], files)
        elif made.kind == 6:
            made.first = int(made.message["id"]) if made.message else 0
        elif made.kind == 9:
            self.modals.append(body["data"])
        return {"interaction": {"id": identity, "type": 2}, "resource": resource}

    def _valid(self, token: str) -> Interaction:
        if token not in self._tokens or self._tokens[token].expired:
            raise Refusal(401, 50027, "Invalid Webhook Token")
        return self._tokens[token]

    def _first(self, token: str) -> int:
        """Return the id of an interaction's response; a deferred one is made now."""
        made = self._valid(token)
        if made.kind not in {4, 5, 6}:
            raise Refusal(404, 10015, "Unknown Webhook")
        if not made.first:
            made.first = self._add(data.CHANNEL_ID, "")
        return made.first

    def _follow_up(self, token: str, body: Any, files: dict[str, bytes]) -> dict[str, Any]:
        made = self._valid(token)
        if made.ephemeral or body.get("flags", 0) & 64:
            check(body, files)
            self.ephemeral.append(body["content"])
            return data.message(self._new_id(), data.CHANNEL_ID, data.BOT, body["content"], flags=64)
        created = self._create(data.CHANNEL_ID, body, files)
        made.first = made.first or int(created["id"])
        return created

    def _create(self, place: str | int, body: Any, files: dict[str, bytes]) -> dict[str, Any]:
        check(body, files)
        return self._change(self._add(int(place), body["content"]), body, files)

    def _start_thread(self, on: str, body: Any, _files: Any) -> dict[str, Any]:
        thread = data.thread(int(on), body["name"])
        self._telling.add(asyncio.ensure_future(self._dispatch("THREAD_CREATE", thread)))
        return thread

    def _add(self, place: int, content: str) -> int:
        identity = self._new_id()
        self.messages[identity] = data.message(identity, place, data.BOT, content)
        self.history[identity] = []
        return identity

    def _change(self, written: str | int, body: Any, files: dict[str, bytes]) -> dict[str, Any]:
        identity = int(written)
        if identity not in self.messages:
            raise Refusal(404, 10008, "Unknown Message")
        check(body, files)
        message = self.messages[identity]
        message |= {key: body[key] for key in ("content", "components") if key in body and body[key] is not None}
        self.history[identity].append((time.monotonic(), message["content"]))
        if files:
            self.files[identity] = files
        return message

    def _remove(self, identity: str | int, *_: Any) -> None:
        if self.messages.pop(int(identity), None) is None:
            raise Refusal(404, 10008, "Unknown Message")
