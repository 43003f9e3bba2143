"""What the local Discord refuses, and how it reads and writes."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from aiohttp import web

MAX_CONTENT, MAX_CUSTOM_ID, MAX_LABEL = 2_000, 100, 80
VIEW, SEND, ATTACH, THREADS, SEND_IN_THREADS = 1 << 10, 1 << 11, 1 << 15, 1 << 35, 1 << 38
"""Permissions, as Discord numbers them."""


class Refusal(Exception):
    """Discord's error reply: HTTP status, its own code, and words."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Interaction:
    """What came of one interaction: the kind of its first response, when, and the id of the message."""

    def __init__(self, identity: int, place: int, message: dict[str, Any] | None = None) -> None:
        self.id = identity
        self.message = message
        self.begun = time.monotonic()
        self.place = place
        self.kind = 0
        self.after = 0.0
        self.first = 0
        self.ephemeral = False
        self.expired = False
        self.event: dict[str, Any] = {}


def buttons(message: dict[str, Any]) -> dict[str, str]:
    """Return label -> custom id."""
    return {each["label"]: each["custom_id"] for row in message["components"] for each in row["components"]}


def check(body: Any, files: dict[str, bytes]) -> None:
    """Refuse a message that Discord would refuse, and those that ours must never be."""
    content = body.get("content") or ""
    if len(content) > MAX_CONTENT:
        raise Refusal(400, 50035, f"Invalid Form Body: content has {len(content)} characters")
    if "content" in body and not content.strip() and not files:
        raise Refusal(400, 50006, "Cannot send an empty message")
    if body.get("allowed_mentions", {"parse": None}).get("parse") != []:
        raise Refusal(400, 1, "a message that may mention people")  # the real one would; ours must not
    if body.get("embeds"):
        raise Refusal(400, 2, "an embed")  # same
    check_components(body.get("components") or [])


def check_components(rows: Any) -> None:
    """Refuse what Discord refuses below a message: ours are rows of buttons and nothing else."""
    ids = [each.get("custom_id", "") for row in rows for each in row.get("components", [])]
    items = [each for row in rows for each in row.get("components", [])]
    sound = all(row["type"] == 1 and 0 < len(row["components"]) <= 5 for row in rows) and len(rows) <= 5
    sound &= all(each["type"] == 2 and 1 <= each["style"] <= 4 for each in items)
    sound &= all(0 < len(each["label"]) <= MAX_LABEL for each in items)
    if not sound or len(set(ids)) < len(ids) or any(not 0 < len(each) <= MAX_CUSTOM_ID for each in ids):
        raise Refusal(400, 50035, "Invalid Form Body: components")


def check_modal(form: Any) -> None:
    """Refuse a form that Discord would refuse."""
    labels = form["components"]
    inner = [each.get("component", {}) for each in labels]
    sound = 0 < len(form["title"]) <= 45 and 0 < len(form["custom_id"]) <= MAX_CUSTOM_ID and 0 < len(labels) <= 5
    sound &= all(each["type"] == 18 and 0 < len(each["label"]) <= 45 for each in labels)
    sound &= all(len(each.get("description") or "") <= 100 for each in labels)
    sound &= all(each.get("type") in {3, 4, 5, 6, 7, 8} and each["custom_id"] for each in inner)
    for each in inner:
        if each.get("type") == 4:
            sound &= len(each.get("value") or "") <= each.get("max_length", 4_000) <= 4_000
        else:
            sound &= 0 <= each["min_values"] <= each["max_values"] <= 25
            sound &= not (each.get("required", True) and each["min_values"] == 0)
            sound &= len(each.get("default_values", [])) <= each["max_values"]
    if not sound:
        raise Refusal(400, 50035, "Invalid Form Body: modal")


def check_commands(commands: Any) -> None:
    """Refuse commands that Discord would refuse."""
    for each in commands:
        described = [each, *each.get("options", [])]
        named = all(re.fullmatch(r"[-_a-z0-9]{1,32}", one["name"]) for one in described)
        if not named or any(not 0 < len(one["description"]) <= 100 for one in described):
            raise Refusal(400, 50035, f"Invalid Form Body: command {each['name']}")


async def read(request: web.Request) -> tuple[Any, dict[str, bytes]]:
    """Return the JSON of a request, and its files."""
    if request.content_type == "application/json":
        return await request.json(), {}
    if not request.content_type.startswith("multipart"):
        return None, {}
    form = await request.post()
    files = {field.filename: field.file.read() for field in form.values() if isinstance(field, web.FileField)}
    return json.loads(str(form["payload_json"])), files


def reply(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Return a JSON reply."""
    # The client takes JSON for text if the type says anything more.
    head = {"Content-Type": "application/json", **(headers or {})}
    return web.Response(body=json.dumps(value).encode(), status=status, headers=head)
