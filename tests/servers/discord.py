"""A local Discord that the real discord.py talks to: gateway and REST, as strict as the real one where bots go wrong.

It refuses messages that are empty or too long, bad components, forms and commands, first responses after three seconds,
unknown tokens, writing without the right to, requests beyond a rate limit, and edits of what is not there; it keeps all
messages and all edits, so that tests read what people would see.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.servers import discord_data as data
from tests.servers.discord_gateway import Gateway
from tests.servers.discord_limits import Limits
from tests.servers.discord_rules import (
    ATTACH,
    SEND,
    SEND_IN_THREADS,
    THREADS,
    Interaction,
    Refusal,
    buttons,
    check,
    check_commands,
    check_modal,
    read,
    reply,
)

PREFIX = "/api/v10"
FIRST_RESPONSE = 3.0
"""Seconds that Discord waits for the first response to an interaction."""


class Discord(Gateway):
    """One guild with some channels and a forum.

    Attributes:
        messages: id -> message as it is now, in order; deleted ones are gone.
        said: id -> what people wrote.
        history: message id -> each content that it has had, with the time.
        files: message id -> name -> bytes.
        modals: what opened, newest last.
        refused: what the bot was refused, in words; tests expect none unless they cause it.
        registered: how often the commands were sent.
        roles: person -> ids of their roles.
        limits: how often the bot may ask, and what goes wrong.
        directory: for what a bot keeps between two runs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.messages: dict[int, dict[str, Any]] = {}
        self.said: dict[int, dict[str, Any]] = {}
        self.history: dict[int, list[tuple[float, str]]] = {}
        self.files: dict[int, dict[str, bytes]] = {}
        self.modals: list[dict[str, Any]] = []
        self.commands: list[dict[str, Any]] = []
        self.registered = 0
        self.ephemeral: list[str] = []
        self.refused: list[str] = []
        self.roles: dict[int, tuple[int, ...]] = {}
        self.limits = Limits()
        self.directory = Path()
        self.places = {each: data.channel(each) for each in (*data.TEXT_CHANNELS, data.FORUM_ID)}
        self._reserved: dict[int, int] = {}
        self._ids = 1_000
        self._telling: set[asyncio.Future[None]] = set()
        self._tokens: dict[str, Interaction] = {}

    # --- what people do: called from the test's thread ---------------------------------------------

    def ask(self, who: int, question: str, version: str | None = None, place: int = data.CHANNEL_ID) -> Interaction:
        """Run `/ask`."""
        return self.run(who, "ask", place, question=question, **({"version": version} if version else {}))

    def run(self, who: int, name: str, place: int = data.CHANNEL_ID, rights: str = "0", **given: str) -> Interaction:
        """Run a command."""
        options = [{"type": 3, "name": option, "value": value} for option, value in given.items()]
        return self._interact(2, who, {"id": "900", "name": name, "type": 1, "options": options}, place, rights)

    def press(self, who: int, message: dict[str, Any], label: str, rights: str = "0") -> Interaction:
        """Press a button of a message."""
        payload = {"component_type": 2, "custom_id": buttons(message)[label]}
        return self._interact(3, who, payload, int(message["channel_id"]), rights, message=message)

    def submit(self, who: int, modal: dict[str, Any], **values: Any) -> Interaction:
        """Fill in a modal: texts and lists of ids, by custom id; the other fields are left as they are."""
        components = [_filled(each["component"], values) for each in modal["components"]]
        resolved = {
            "channels": {str(each): {**place, "permissions": "0"} for each, place in self.places.items()},
            "roles": {str(data.ROLE_ID): data.role(data.ROLE_ID, "helpers", "0")},
        }
        payload = {"custom_id": modal["custom_id"], "components": components, "resolved": resolved}
        return self._interact(5, who, payload, data.CHANNEL_ID)

    def say(self, who: int, content: str, place: int = data.CHANNEL_ID, **more: Any) -> dict[str, Any]:
        """Write a message into a channel or a thread; `<@100>` mentions the bot."""
        mentions = [data.BOT] if "<@100>" in content else []
        said = data.message(self._new_id(), place, data.user(who), content, mentions=mentions) | more
        said |= {"guild_id": str(data.GUILD_ID), "member": data.member(who, roles=self.roles.get(who, ()))}
        self.said[int(said["id"])] = said
        self.dispatch("MESSAGE_CREATE", said if self.reads(bool(mentions)) else {**said, "content": ""})
        return said

    def post(self, who: int, title: str, content: str, forum: int = data.FORUM_ID) -> dict[str, Any]:
        """Write a post into the forum: a thread that has its first message's id."""
        identity = self._new_id()
        self.places[identity] = data.thread(identity, title, forum, who)
        self.dispatch("THREAD_CREATE", self.places[identity] | {"newly_created": True})
        return self.say(who, content, identity, id=str(identity))

    def log(self) -> list[dict[str, Any]]:
        """What the bot's process has logged."""
        return [json.loads(line) for line in (self.directory / "log").read_text().splitlines()]

    def from_bot(self) -> list[dict[str, Any]]:
        """What the bot has written, as it is now, in order."""
        return [message for message in list(self.messages.values()) if message["author"] == data.BOT]

    def _interact(
        self, kind: int, who: int, payload: dict[str, Any], place: int, rights: str = "0", **more: Any
    ) -> Interaction:
        made = Interaction(self._new_id(), place, more.get("message"))
        self._tokens[f"token{made.id}"] = made
        member = data.member(who, rights, self.roles.get(who, ()))
        more["app_permissions"] = self.rights
        made.event = data.interaction(made.id, kind, member, payload, self.places[place], **more)
        self.dispatch("INTERACTION_CREATE", made.event)
        return made

    def _new_id(self) -> int:
        self._ids += 1
        return self._ids

    # --- REST --------------------------------------------------------------------------------------

    async def rest(self, request: web.Request) -> web.Response:
        """Find the route, and reply as Discord does."""
        path = request.path.removeprefix(PREFIX)
        body, files = await read(request)
        refusal, headers = self.limits.admit(request.method, path)
        if refusal is not None:
            return refusal
        for method, pattern, handle in self._routes():
            match = re.fullmatch(pattern, path)
            if match and method == request.method:
                try:
                    made = handle(*match.groups(), body, files)
                except Refusal as problem:
                    self.refused.append(f"{method} {path}: {problem}")
                    return reply({"message": str(problem), "code": problem.code}, problem.status, headers)
                return web.Response(status=204, headers=headers) if made is None else reply(made, headers=headers)
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
            ("POST", r"/channels/(\d+)/messages/(\d+)/threads", self._start_thread),
        ]

    def _change_first(self, token: str, body: Any, files: dict[str, bytes]) -> dict[str, Any]:
        return self._change(self._first(token), body, files)

    def _remove_first(self, token: str, *_: Any) -> None:
        self._remove(self._first(token))

    def _register(self, body: Any, _files: Any) -> list[dict[str, Any]]:
        check_commands(body)
        self.registered += 1
        self.commands = [{**each, "id": str(900 + number)} for number, each in enumerate(body)]
        fixed = {"application_id": "100", "version": "1"}
        return [{"default_member_permissions": None, **each, **fixed, "type": 1} for each in self.commands]

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
        elif made.kind == 5 and not made.ephemeral:
            made.first = self._new_id()
            self._reserved[made.first] = made.place
        elif made.kind == 6:
            made.first = int(made.message["id"]) if made.message else 0
        elif made.kind == 9:
            check_modal(body["data"])
            self.modals.append(body["data"])
        known = {"id": identity, "type": 2} | ({"response_message_id": str(made.first)} if made.first else {})
        return {"interaction": known, "resource": resource}

    def _valid(self, token: str) -> Interaction:
        if token not in self._tokens or self._tokens[token].expired:
            raise Refusal(401, 50027, "Invalid Webhook Token")
        return self._tokens[token]

    def _first(self, token: str) -> int:
        made = self._valid(token)
        if made.kind not in {4, 5, 6}:
            raise Refusal(404, 10015, "Unknown Webhook")
        return made.first

    def _follow_up(self, token: str, body: Any, files: dict[str, bytes]) -> dict[str, Any]:
        made = self._valid(token)
        if made.ephemeral or body.get("flags", 0) & 64:
            check(body, files)
            self.ephemeral.append(body["content"])
            return data.message(self._new_id(), made.place, data.BOT, body["content"], flags=64)
        self._need(ATTACH if files else 0)
        created = self._change(self._add(self._new_id(), made.place), body, files)
        made.first = made.first or int(created["id"])
        return created

    def _create(self, place: str, body: Any, files: dict[str, bytes]) -> dict[str, Any]:
        if int(place) not in self.places:
            raise Refusal(404, 10003, "Unknown Channel")
        self._need((SEND_IN_THREADS if self.places[int(place)]["type"] == 11 else SEND) | (ATTACH if files else 0))
        check(body, files)
        more = {"message_reference": body["message_reference"]} if body.get("message_reference") else {}
        return self._change(self._add(self._new_id(), int(place), **more), body, files)

    def _start_thread(self, channel: str, on: str, body: Any, _files: Any) -> dict[str, Any]:
        self._need(THREADS)
        self.places[int(on)] = thread = data.thread(int(on), body["name"], int(channel))
        self._telling.add(asyncio.ensure_future(self._dispatch("THREAD_CREATE", thread)))
        return thread

    def _need(self, rights: int) -> None:
        if int(self.rights) & rights != rights:
            raise Refusal(403, 50013, "Missing Permissions")

    def _add(self, identity: int, place: int, **more: Any) -> int:
        self.messages[identity] = data.message(identity, place, data.BOT, "", **more)
        self.history[identity] = []
        return identity

    def _change(self, written: str | int, body: Any, files: dict[str, bytes]) -> dict[str, Any]:
        identity = int(written)
        if identity in self._reserved:
            self._add(identity, self._reserved.pop(identity))
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


def _filled(component: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    name = component["custom_id"]
    if component["type"] == 4:
        given: dict[str, Any] = {"value": values.get(name, component.get("value") or "")}
    else:
        defaults = [each["id"] for each in component.get("default_values", [])]
        given = {"values": [str(each) for each in values.get(name, defaults)]}
    return {"type": 18, "id": 1, "component": {"type": component["type"], "id": 2, "custom_id": name, **given}}
