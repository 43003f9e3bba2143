"""The client of our own HTTP API: answers as they are written, and all that is said at once. Every wait ends."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TypeVar

import httpx
import msgspec

from agent.errors import InvalidInput, ModelTimeout, Overloaded, ServiceError
from agent.schema import (
    Answer,
    AnswerEvent,
    Event,
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

TIMEOUT = httpx.Timeout(10, read=60)
"""Seconds; the service sends something every ten while it works, so a minute of silence means that it hangs."""
MAX_PICTURE = 8_000_000
"""Bytes; Discord takes 10 MB from a bot."""
_CAUSES = {400: InvalidInput, 404: InvalidInput, 413: InvalidInput, 429: Overloaded, 504: ModelTimeout}

T = TypeVar("T")


class AskClient:
    """Talks to `fury-agent serve`.

    Args:
        url: of the service.
        key: sent as a bearer token, where the service asks for one.
    """

    def __init__(self, url: str, key: str | None = None) -> None:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._client = httpx.AsyncClient(base_url=url, timeout=TIMEOUT, trust_env=False, headers=headers)

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()

    async def ask(self, request: QueryRequest, user: str) -> AsyncGenerator[Event]:
        """Yield the events of an answer; the last is the `AnswerEvent`.

        Raises:
            InvalidInput: the service cannot use the question, and says why.
            Overloaded: too many are waiting.
            ModelTimeout: it took too long.
            ServiceError: the service is down, hangs, or replies with what is not an answer.
        """
        headers = {"Accept": "text/event-stream", "Content-Type": "application/json", "X-Fury-User": user}
        with _translated():
            async with self._client.stream(
                "POST", "/query", content=msgspec.json.encode(request), headers=headers
            ) as reply:
                if not reply.is_success:
                    raise _refusal(await reply.aread(), reply.status_code)
                async for event in _events(reply):
                    yield event
                    if isinstance(event, AnswerEvent):
                        return
        raise ServiceError("The service's reply ended without an answer.")

    async def picture(self, image_url: str) -> bytes:
        """Return the PNG that an answer's `image_url` names; it is only ever taken from the service itself.

        Raises:
            ServiceError: it could not be had.
        """
        with _translated():
            reply = await self._client.get(f"/pictures/{PurePosixPath(image_url).name}")
        if not reply.is_success or len(reply.content) > MAX_PICTURE:
            raise ServiceError(f"The picture {image_url!r} could not be had: status {reply.status_code}.")
        return reply.content

    async def feedback(self, request: FeedbackRequest, user: str) -> None:
        """Tell the service whether an answer helped.

        Raises:
            InvalidInput: the answer is not known any more.
            ServiceError: it could not be kept.
        """
        await self._call(type(None), "POST", "/feedback", request, user)

    async def search(self, request: SearchRequest) -> SearchReply:
        """Return the places that answer a question.

        Raises:
            InvalidInput, Overloaded, ServiceError: as `ask`.
        """
        return await self._call(SearchReply, "POST", "/search", request)

    async def libraries(self) -> tuple[Library, ...]:
        """Return what is indexed.

        Raises:
            ServiceError: as `ask`.
        """
        return await self._call(tuple[Library, ...], "GET", "/libraries")

    async def forget(self, user: str) -> int:
        """Have the service delete what somebody asked and said; return how many answers and opinions went.

        Raises:
            ServiceError: it could not be deleted.
        """
        return (await self._call(Forgotten, "DELETE", "/records", user=user)).count

    async def _call(
        self, kind: type[T], method: str, path: str, body: msgspec.Struct | None = None, user: str | None = None
    ) -> T:
        headers = {"X-Fury-User": user} if user is not None else {}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = msgspec.json.encode(body)
        with _translated():
            reply = await self._client.request(method, path, content=content, headers=headers)
            if not reply.is_success:
                raise _refusal(reply.content, reply.status_code)
            return msgspec.json.decode(reply.content or b"null", type=kind)


@contextmanager
def _translated() -> Generator[None]:
    """The boundary at which what httpx and msgspec raise becomes ours."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise ServiceError("The service did not answer in time.", remedy="Is it overloaded?") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ServiceError(
            f"The service could not be reached ({type(error).__name__}).", remedy="Start `fury-agent serve`."
        ) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ServiceError(f"The service replied with what is not an answer: {error}.") from error


def _refusal(body: bytes, status: int) -> ServiceError | InvalidInput:
    problem = msgspec.json.decode(body, type=Problem)
    if problem.type.endswith("/overloaded"):
        return Overloaded(problem.detail)
    return _CAUSES.get(status, ServiceError)(problem.detail)


async def _events(reply: httpx.Response) -> AsyncGenerator[Event]:
    """Yield the stream's events; an `error` is raised, comments and events that we don't know are passed over."""
    name = ""
    async for line in reply.aiter_lines():
        key, _, value = line.partition(": ")
        if key == "event":
            name = value
        elif key == "data" and name == "error":
            problem = msgspec.json.decode(value, type=Problem)
            raise _refusal(value.encode(), problem.status)
        elif key == "data" and name in {"sources", "token", "answer"}:
            yield _decoded(name, value)


def _decoded(name: str, value: str) -> Event:
    if name == "answer":
        return AnswerEvent(msgspec.json.decode(value, type=Answer))
    return msgspec.json.decode(value, type=SourcesEvent if name == "sources" else TokenEvent)
