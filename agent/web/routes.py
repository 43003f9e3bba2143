"""The HTTP routes: what each takes, replies and refuses."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from uuid import uuid4

import msgspec
from litestar import MediaType, Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException, InternalServerException
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, Schema
from litestar.params import Body, FromPath, HeaderParameter
from litestar.response import Stream

from agent.errors import Cancelled, InvalidInput
from agent.question import valid_question
from agent.schema import (
    Answer,
    AnswerEvent,
    CheckRequest,
    Event,
    FeedbackRequest,
    Forgotten,
    Health,
    Library,
    QueryRequest,
    SearchReply,
    SearchRequest,
    Verification,
)
from agent.settings import Settings
from agent.web import examples
from agent.web.access import admits
from agent.web.bridge import Bridge
from agent.web.flights import Question
from agent.web.lanes import Job
from agent.web.problems import describe, documented

HttpRequest = Request[Any, Any, Any]
User = Annotated[
    str | None,
    HeaderParameter(
        name="X-Fury-User",
        max_length=200,
        required=False,
        description="Who asks, in the caller's own terms; only a keyed hash is kept, so that it can be forgotten.",
    ),
]
NamedUser = Annotated[str, HeaderParameter(name="X-Fury-User", min_length=1, max_length=200, description="Who it is.")]
EVENT_STREAM = "text/event-stream"
HEARTBEAT = b": still working\n\n"
IN_LINE = 1.0  # seconds after which a stream first says how many are before it
MAX_SHOWN = 80

T = TypeVar("T")
Struct_ = TypeVar("Struct_", bound=msgspec.Struct)
_FIELD = re.compile(r"at `\$\.(\w+)|field `(\w+)`")


# --- the body ------------------------------------------------------------------------------------


async def check_query(request: HttpRequest) -> None:
    """Check the body of `POST /query`, before Litestar converts it."""
    valid_question(_decoded(QueryRequest, await _body(request)).question)


async def check_search(request: HttpRequest) -> None:
    """Check the body of `POST /search`, before Litestar converts it."""
    valid_question(_decoded(SearchRequest, await _body(request)).question)


async def check_check(request: HttpRequest) -> None:
    """Check the body of `POST /check`, before Litestar converts it."""
    _decoded(CheckRequest, await _body(request))


async def check_feedback(request: HttpRequest) -> None:
    """Check the body of `POST /feedback`, before Litestar converts it."""
    _decoded(FeedbackRequest, await _body(request))


async def _body(request: HttpRequest) -> bytes:
    # Strict about the type: a browser may send any other cross-site without asking us first.
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(
            status_code=415, detail=f"The body is {kind[:MAX_SHOWN]!r}; send `Content-Type: application/json`."
        )
    try:
        return await request.body()
    except InternalServerException as error:  # Litestar's word for a body that broke off
        raise Cancelled("The caller has gone.") from error


def _decoded(kind: type[Struct_], body: bytes) -> Struct_:
    """Return `body`, or raise `InvalidInput` unless it is exactly a `kind`. Litestar alone takes "5" for a number.

    A question is checked by the engine too, but there only after its turn in the queue, when a stream may have begun.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise _refusal(kind, body, str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"The body is not JSON in UTF-8: {error}.", remedy="See /schema.") from error


def _refusal(kind: type[msgspec.Struct], body: bytes, message: str) -> InvalidInput:
    match = _FIELD.search(message)
    field = (match[1] or match[2]) if match else ""
    given = ""
    with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raw = msgspec.json.decode(body, type=dict[str, msgspec.Raw]).get(field)
        given = f" Given: {_shorten(bytes(raw).decode(errors='replace'))}." if raw is not None else ""
    return InvalidInput(
        f"{message.partition(' - at ')[0]} in {field or 'the body'!r}.{given}",
        remedy=f"Fields are: {', '.join(kind.__struct_fields__)}; see /schema.",
        field=field,
    )


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def _as_sent(user: str | None) -> str | None:
    """Return the name that was sent: headers are read as Latin-1, and clients write UTF-8, as a shell does."""
    try:
        return user.encode("latin-1").decode() if user is not None else None
    except UnicodeError:
        return user


# --- streaming -----------------------------------------------------------------------------------


@asynccontextmanager
async def _while_connected(request: HttpRequest, job: Job[Any] | Question) -> AsyncGenerator[None]:
    """Close `job` as soon as the client goes; Litestar watches only once a stream has begun."""

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        job.close()

    watcher = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        job.close()
        raise
    finally:
        watcher.cancel()


async def _result(request: HttpRequest, job: Job[T]) -> T:
    async with _while_connected(request, job):
        return await job.last()


async def _frames(request: HttpRequest, job: Question, heartbeat: float) -> AsyncIterator[bytes]:
    """Yield the stream's frames, each at most about `heartbeat` seconds after the one before.

    While the question is in line, a comment tells how many are before it, every second.

    Raises:
        Exception: what comes before any frame, so that the status of the reply can tell; later ones are in-band.
    """
    begun = False
    frames = _Frames()
    try:
        while True:
            patience = heartbeat if job.begun else min(IN_LINE, heartbeat)
            try:
                async with asyncio.timeout(patience):
                    event = await anext(job)
            except TimeoutError:
                if patience < heartbeat and not job.ahead:
                    continue  # its turn has just come
                yield b": queued, %d before yours\n\n" % job.ahead if job.ahead else HEARTBEAT
            else:
                yield frames.event(event)
            begun = True
    except StopAsyncIteration:
        return
    except Exception as error:
        if not begun:
            raise
        yield frames.encode("error", describe(error, request.scope))
    finally:
        job.close()


class _Frames:
    """Encodes the events of one stream.

    Each has an id that no other stream has. Whoever comes back after a break asks anew, and knows by the first id that
    this is another draft, not the rest of the one before.
    """

    def __init__(self) -> None:
        self._stream = uuid4().hex.encode()
        self._number = 0

    def event(self, event: Event) -> bytes:
        """Encode an event of the service."""
        if isinstance(event, AnswerEvent):
            return self.encode("answer", event.answer)
        return self.encode(str(event.__struct_config__.tag), event)

    def encode(self, name: str, value: msgspec.Struct) -> bytes:
        """Encode one frame; JSON never holds a bare line feed."""
        self._number += 1
        data = msgspec.json.encode(value)
        return b"event: %s\nid: %s.%d\ndata: %s\n\n" % (name.encode(), self._stream, self._number, data)


async def _chain(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for frame in rest:
        yield frame


# --- the routes ----------------------------------------------------------------------------------


@dataclass
class _QueryOperation(Operation):
    """Adds the stream to the reply that Litestar documents."""

    def __post_init__(self) -> None:
        reply = (self.responses or {})["200"]
        content = getattr(reply, "content", None)
        if content is not None:
            text = "Events `sources`, `token`, `answer` (the JSON reply), `error` (a problem); comments as heartbeats."
            content[EVENT_STREAM] = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, description=text))


@post(
    "/query",
    status_code=200,
    guards=[admits("question")],
    before_request=check_query,
    operation_class=_QueryOperation,
    responses={
        200: ResponseSpec(Answer, generate_examples=False, description="The checked answer.", examples=examples.ANSWER),
        **documented(400, 401, 404, 413, 415, 429, 500, 503, 504),
    },
)
async def query(
    request: HttpRequest,
    data: Annotated[QueryRequest, Body(examples=examples.QUESTION)],
    bridge: NamedDependency[Bridge],
    settings: NamedDependency[Settings],
    user: User = None,
) -> Response[Any]:
    """Answer a question, whole or (with `Accept: text/event-stream`) as a stream of events."""
    job = bridge.query(data, _as_sent(user))
    if request.accept.best_match([MediaType.JSON, EVENT_STREAM]) != EVENT_STREAM:
        async with _while_connected(request, job):
            event = await job.last()
        if not isinstance(event, AnswerEvent):
            raise RuntimeError("The service ended without an answer.")
        return Response(event.answer)
    frames = _frames(request, job, settings.heartbeat)
    async with _while_connected(request, job):
        first = await anext(frames)  # also begins the generator, so that its `finally` runs whatever comes
    return Stream(_chain(first, frames), media_type=EVENT_STREAM, headers={"Cache-Control": "no-store"})


@post(
    "/search",
    status_code=200,
    guards=[admits("search")],
    before_request=check_search,
    responses={
        200: ResponseSpec(
            SearchReply, generate_examples=False, description="The passages, best first.", examples=examples.PASSAGES
        ),
        **documented(400, 401, 404, 413, 415, 429, 500, 503, 504),
    },
)
async def search(
    request: HttpRequest,
    data: Annotated[SearchRequest, Body(examples=examples.SEARCH)],
    bridge: NamedDependency[Bridge],
) -> SearchReply:
    """Find the places that answer a question; no LLM is involved."""
    return await _result(request, bridge.search(data))


_PICTURE_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",  # the name is the digest of the content
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


@post(
    "/check",
    status_code=200,
    guards=[admits("search")],
    before_request=check_check,
    responses={
        200: ResponseSpec(
            Verification,
            generate_examples=False,
            description="What was found; places are those in the code.",
            examples=examples.FINDINGS,
        ),
        **documented(400, 401, 404, 413, 415, 429, 500, 503, 504),
    },
)
async def check(
    request: HttpRequest,
    data: Annotated[CheckRequest, Body(examples=examples.CODE)],
    bridge: NamedDependency[Bridge],
) -> Verification:
    """Check Python code against the library's API: names that do not exist, calls that do not fit. Nothing is run."""
    return await _result(request, bridge.check(data))


@get(
    "/pictures/{name:str}",
    media_type="image/png",
    responses={
        200: ResponseSpec(bytes, generate_examples=False, description="A PNG.", media_type="image/png"),
        **documented(404, 500, 503, 504),
    },
)
async def picture(request: HttpRequest, name: FromPath[str], bridge: NamedDependency[Bridge]) -> Response[bytes]:
    """Return what the program of an answer showed, by the name in its `image_url`."""
    png = await _result(request, bridge.picture(name))
    return Response(png, media_type="image/png", headers=_PICTURE_HEADERS)


@post(
    "/feedback",
    status_code=204,
    guards=[admits("other")],
    before_request=check_feedback,
    responses=documented(400, 401, 404, 413, 415, 429, 500, 503, 504),
)
async def feedback(
    request: HttpRequest,
    data: Annotated[FeedbackRequest, Body(examples=examples.FEEDBACK)],
    bridge: NamedDependency[Bridge],
    user: User = None,
) -> None:
    """Say whether an answer helped; a second opinion of the same user replaces the first."""
    await _result(request, bridge.feedback(data, _as_sent(user)))


@delete("/records", status_code=200, guards=[admits("other")], responses=documented(400, 401, 429, 500, 503, 504))
async def forget(request: HttpRequest, bridge: NamedDependency[Bridge], user: NamedUser) -> Forgotten:
    """Delete for good all that the user of `X-Fury-User` asked and said."""
    return Forgotten(await _result(request, bridge.forget(_as_sent(user) or user)))


@get("/libraries", guards=[admits("other")], responses=documented(401, 429, 500, 503, 504))
async def libraries(request: HttpRequest, bridge: NamedDependency[Bridge]) -> tuple[Library, ...]:
    """List what is indexed."""
    return await _result(request, bridge.libraries())


@get("/health/live")
async def live() -> Health:
    """Reply while the process serves at all."""
    return Health("ok")


@get(
    "/health/ready",
    responses={
        503: ResponseSpec(Health, generate_examples=False, description="No question could be answered."),
        **documented(500, 504),
    },
)
async def ready(request: HttpRequest, bridge: NamedDependency[Bridge]) -> Response[Health]:
    """Reply whether a question could be answered, with or without an LLM."""
    health = await _result(request, bridge.health())
    return Response(health, status_code=503 if health.status == "unavailable" else 200)
