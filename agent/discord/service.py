"""The client of our own HTTP API: answers as they are written, and all that is said at once. Every wait ends."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import PurePosixPath
from typing import TypeVar

import httpx
import msgspec

from agent.errors import InvalidInput, ModelTimeout, Overloaded, ServiceError
from agent.schema import (
    Answer,
    FeedbackRequest,
    Forgotten,
    Library,
    Problem,
    QueryRequest,
    SearchReply,
    SearchRequest,
    SourcesEvent,
    TokenEvent,
)
from agent.settings import Settings

TIMEOUT = httpx.Timeout(10, read=60)
"""Seconds; the service sends something every ten while it works, so a minute of silence means that it hangs."""
MAX_PICTURE = 8_000_000
"""Bytes; Discord takes 10 MB from a bot."""
_EVENTS: dict[str, type[SourcesEvent | TokenEvent | Answer]] = {
    "sources": SourcesEvent,
    "token": TokenEvent,
    "answer": Answer,
}
_CAUSES = {400: InvalidInput, 404: InvalidInput, 413: InvalidInput, 429: Overloaded, 504: ModelTimeout}

T = TypeVar("T")


class AskClient:
    """Talks to `fury-agent serve`. `user` is Discord's id of who asks, of which the service keeps a keyed hash only.

    All of it raises `InvalidInput` where the service cannot use what it is given, and says why; `Overloaded` or
    `ModelTimeout` where it says so; and `ServiceError` where it is down, hangs, or replies with what is no answer.

    Args:
        settings: `discord_api_url`, and `discord_api_key` if the service asks for one.
    """

    def __init__(self, settings: Settings) -> None:
        key = settings.discord_api_key
        headers = {} if key is None else {"Authorization": f"Bearer {key.get_secret_value().strip()}"}
        url = settings.discord_api_url
        self._client = httpx.AsyncClient(base_url=url, timeout=TIMEOUT, trust_env=False, headers=headers)

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()

    async def ask(self, request: QueryRequest, user: int) -> AsyncGenerator[SourcesEvent | TokenEvent | Answer]:
        """Yield the events of an answer; the last is the `Answer` itself, unless the service breaks off."""
        async with self._reply("POST", "/query", request, user, accept="text/event-stream") as reply:
            name = ""
            async for line in reply.aiter_lines():
                key, _, value = line.partition(": ")
                if key == "event":
                    name = value
                elif key == "data" and name == "error":
                    raise _refusal(value.encode())
                elif key == "data" and name in _EVENTS:  # there may be others one day
                    yield msgspec.json.decode(value, type=_EVENTS[name])

    async def picture(self, image_url: str) -> bytes:
        """Return the PNG that an answer's `image_url` names; it is only ever taken from the service itself."""
        async with self._reply("GET", f"/pictures/{PurePosixPath(image_url).name}") as reply:
            content = await reply.aread()
        if len(content) > MAX_PICTURE:
            raise ServiceError(f"The picture {image_url!r} is too large for Discord: {len(content)} bytes.")
        return content

    async def feedback(self, request: FeedbackRequest, user: int) -> None:
        """Tell the service whether an answer helped; `InvalidInput` if it does not know that answer any more."""
        await self._read(type(None), "POST", "/feedback", request, user)

    async def search(self, request: SearchRequest) -> SearchReply:
        """Return the places that answer a question."""
        return await self._read(SearchReply, "POST", "/search", request)

    async def libraries(self) -> tuple[Library, ...]:
        """Return what is indexed."""
        return await self._read(tuple[Library, ...], "GET", "/libraries")

    async def forget(self, user: int) -> int:
        """Have the service delete what somebody asked and said; return how many answers and opinions went."""
        return (await self._read(Forgotten, "DELETE", "/records", user=user)).count

    async def _read(
        self, kind: type[T], method: str, path: str, body: msgspec.Struct | None = None, user: int | None = None
    ) -> T:
        async with self._reply(method, path, body, user) as reply:
            return msgspec.json.decode(await reply.aread() or b"null", type=kind)

    @asynccontextmanager
    async def _reply(
        self,
        method: str,
        path: str,
        body: msgspec.Struct | None = None,
        user: int | None = None,
        *,
        accept: str = "*/*",
    ) -> AsyncGenerator[httpx.Response]:
        """Give a successful reply that is to be read; what httpx and msgspec raise meanwhile becomes ours."""
        headers = {"Accept": accept}
        if user is not None:
            headers["X-Fury-User"] = f"discord:{user}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        content = None if body is None else msgspec.json.encode(body)
        try:
            async with self._client.stream(method, path, content=content, headers=headers) as reply:
                if not reply.is_success:
                    raise _refusal(await reply.aread())
                yield reply
        except httpx.TimeoutException as error:
            raise ServiceError("The service did not answer in time.", remedy="Is it overloaded?") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ServiceError(
                f"The service could not be reached ({type(error).__name__}).", remedy="Start `fury-agent serve`."
            ) from error
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ServiceError(f"The service replied with what is not an answer: {error}.") from error


def _refusal(body: bytes) -> ServiceError | InvalidInput:
    problem = msgspec.json.decode(body, type=Problem)
    if problem.type.endswith("/overloaded"):
        return Overloaded(problem.detail)
    return _CAUSES.get(problem.status, ServiceError)(problem.detail)
