"""What the local Discord refuses, and how it reads and writes."""

from __future__ import annotations

import json
import time
from typing import Any

from aiohttp import web

MAX_CONTENT, MAX_CUSTOM_ID = 2_000, 100


class Refusal(Exception):
    """Discord's error reply: HTTP status, its own code, and words."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Interaction:
    """What came of one interaction: the kind of its first response, when, and the id of the message."""

    def __init__(self, identity: int, message: dict[str, Any] | None = None) -> None:
        self.id = identity
        self.message = message
        self.begun = time.monotonic()
        self.kind = 0
        self.after = 0.0
        self.first = 0
        self.ephemeral = False
        self.expired = False


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
    rows = body.get("components") or []
    ids = [each.get("custom_id", "") for row in rows for each in row.get("components", [])]
    sound = all(row["type"] == 1 and 0 < len(row["components"]) <= 5 for row in rows) and len(rows) <= 5
    if not sound or len(set(ids)) < len(ids) or any(not 0 < len(each) <= MAX_CUSTOM_ID for each in ids):
        raise Refusal(400, 50035, "Invalid Form Body: components")


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
