"""The HTTP routes: what each takes, replies and refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import MediaType, Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, Schema
from litestar.params import Body, FromPath, HeaderParameter
from litestar.response import Stream

from agent.question import valid_question
from agent.schema import (
    Answer,
    AnswerEvent,
    CheckRequest,
    FeedbackRequest,
    Forgotten,
    Health,
    Library,
    QueryRequest,
    SearchReply,
    SearchRequest,
    Verification,
)
from agent.web import event_stream, examples
from agent.web.access import admits
from agent.web.bodies import read_body
from agent.web.bridge import Bridge
from agent.web.lanes import Job
from agent.web.problems import documented

HttpRequest = Request[Any, Any, Any]
MAX_USER = 200
User = Annotated[
    str | None,
    HeaderParameter(
        name="X-Fury-User",
        max_length=MAX_USER,
        required=False,
        description="Who asks, in the caller's own terms; only a keyed hash is kept, so that it can be forgotten.",
    ),
]
NamedUser = Annotated[
    str, HeaderParameter(name="X-Fury-User", min_length=1, max_length=MAX_USER, description="Who it is.")
]

T = TypeVar("T")


# --- what is known before Litestar converts a body ---------------------------------------------------


async def answer_at_once(request: HttpRequest) -> Response[bytes] | None:
    """Check the body of `POST /query`, and reply where the answer is known already."""
    asked = await read_body(request, QueryRequest)
    valid_question(asked.question)  # the engine does so too, but after its turn in the queue, when a stream has begun
    user = request.headers.get("x-fury-user")
    if _wants_stream(request) or len(user or "") > MAX_USER:  # which Litestar will refuse
        return None
    bridge: Bridge = request.app.state.bridge
    answer = await bridge.recall(asked, _as_sent(user))
    return None if answer is None else Response(msgspec.json.encode(answer), media_type=MediaType.JSON)


async def check_search(request: HttpRequest) -> None:
    """Check the body of `POST /search`."""
    valid_question((await read_body(request, SearchRequest)).question)


async def check_check(request: HttpRequest) -> None:
    """Check the body of `POST /check`."""
    await read_body(request, CheckRequest)


async def check_feedback(request: HttpRequest) -> None:
    """Check the body of `POST /feedback`."""
    await read_body(request, FeedbackRequest)


def _wants_stream(request: HttpRequest) -> bool:
    """Return whether a stream is preferred to JSON; most clients speak of none, and need no ranking."""
    if "text/" not in request.headers.get("accept", "").lower():
        return False
    return request.accept.best_match([MediaType.JSON, event_stream.MEDIA_TYPE]) == event_stream.MEDIA_TYPE


def _as_sent(user: str | None) -> str | None:
    """Return the name that was sent: headers are read as Latin-1, and clients write UTF-8, as a shell does."""
    try:
        return user.encode("latin-1").decode() if user is not None else None
    except UnicodeError:
        return user


async def _result(request: HttpRequest, job: Job[T]) -> T:
    async with event_stream.while_connected(request, job):
        return await job.last()


# --- the routes ----------------------------------------------------------------------------------


@dataclass
class _QueryOperation(Operation):
    """Adds the stream to the reply that Litestar documents."""

    def __post_init__(self) -> None:
        reply = (self.responses or {})["200"]
        content = getattr(reply, "content", None)
        if content is not None:
            text = "Events `sources`, `token`, `answer` (the JSON reply), `error` (a problem); comments as heartbeats."
            content[event_stream.MEDIA_TYPE] = OpenAPIMediaType(
                schema=Schema(type=OpenAPIType.STRING, description=text)
            )


@post(
    "/query",
    status_code=200,
    guards=[admits("question")],
    before_request=answer_at_once,
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
    user: User = None,
) -> Response[Any]:
    """Answer a question, whole or (with `Accept: text/event-stream`) as a stream of events."""
    job = bridge.query(data, _as_sent(user))
    if not _wants_stream(request):
        async with event_stream.while_connected(request, job):
            event = await job.last()
        if not isinstance(event, AnswerEvent):
            raise RuntimeError("The service ended without an answer.")
        return Response(event.answer)
    frames = event_stream.frames(request, job, bridge.heartbeat)
    async with event_stream.while_connected(request, job):
        first = await anext(frames)  # also begins the generator, so that its `finally` runs whatever comes

    async def stream() -> AsyncIterator[bytes]:
        yield first
        async for frame in frames:
            yield frame

    return Stream(stream(), media_type=event_stream.MEDIA_TYPE, headers={"Cache-Control": "no-store"})


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
