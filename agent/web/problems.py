"""Every failure as an RFC 9457 problem document: one table, one translation, one log line for the unexpected."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.openapi.datastructures import ResponseSpec
from litestar.types import Message, Scope

from agent.errors import (
    AccessDenied,
    AgentError,
    Cancelled,
    ConfigurationError,
    IndexError_,
    InvalidInput,
    MissingExtra,
    ModelTimeout,
    NotFound,
    OverLimit,
    Overloaded,
    ServiceError,
    SourceError,
    StorageError,
    Unauthorized,
    WeightsError,
)
from agent.schema import Problem

MEDIA_TYPE = "application/problem+json"

# A subclass without an entry has its base's status.
STATUS: Mapping[type[AgentError], int] = {
    AgentError: 500,
    InvalidInput: 400,
    ConfigurationError: 503,  # the operator's mistake, not the caller's
    NotFound: 404,
    SourceError: 503,
    WeightsError: 503,
    IndexError_: 503,
    StorageError: 503,
    MissingExtra: 503,
    ServiceError: 503,
    ModelTimeout: 504,
    Cancelled: 499,  # nobody reads it; in the numbers it is no failure of ours
    AccessDenied: 403,
    Unauthorized: 401,
    OverLimit: 429,
}

# What the framework raises by itself. Not `HTTPStatus.phrase`: that differs between versions of Python.
HTTP_SLUGS: Mapping[int, str] = {
    400: InvalidInput.slug,
    404: NotFound.slug,
    405: "method-not-allowed",
    413: "body-too-large",
    415: "unsupported-media-type",
}

_log = logging.getLogger(__name__)
_SANE = re.compile(rb"[A-Za-z0-9._-]{8,64}")


def request_id(scope: Scope) -> str:
    """Return the id of a request: the `X-Request-Id` that was sent, if it is harmless in a log, or a new one."""
    state: dict[str, Any] = scope.setdefault("state", {})
    if "request_id" not in state:
        sent = next((value for name, value in scope.get("headers", ()) if name == b"x-request-id"), b"")
        state["request_id"] = sent.decode() if _SANE.fullmatch(sent) else uuid4().hex
    return state["request_id"]


async def name_request(message: Message, scope: Scope) -> None:
    """Litestar's `before_send` hook: every reply, also a failed one, carries `X-Request-Id`."""
    if message["type"] == "http.response.start":
        message["headers"] = [*message["headers"], (b"x-request-id", request_id(scope).encode())]


def describe(error: Exception, scope: Scope) -> Problem:
    """Translate `error`; one that nobody raised on purpose is logged, and nothing of it is shown."""
    if isinstance(error, AgentError):
        status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
        return _problem(error.slug, status, str(error), _extra(error))
    if isinstance(error, HTTPException) and error.status_code in HTTP_SLUGS:
        return _problem(HTTP_SLUGS[error.status_code], error.status_code, _detail(error, scope), {})
    identity = request_id(scope)
    _log.error("Request %s failed unexpectedly.", identity, exc_info=error)
    detail = f"Something went wrong that should not have. Tell the operator the request id {identity}."
    return _problem(AgentError.slug, 500, detail, {"request_id": identity})


def respond(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Litestar's exception handler for everything."""
    problem = describe(error, request.scope)
    headers = dict((error.headers if isinstance(error, HTTPException) else None) or {})
    if isinstance(error, Overloaded | OverLimit):
        headers["Retry-After"] = str(math.ceil(error.retry_after))
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    return Response(problem, status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)


def documented(*statuses: int) -> dict[int, ResponseSpec]:
    """Return the OpenAPI entries of the problems that a route may reply with."""
    names = {
        400: "The request cannot be used; `extra.field` names the field.",
        401: "The service asks for an API key; none was sent, or one that does not count.",
        404: "The library or version is not indexed, or the answer is not known.",
        413: "The body is too large.",
        415: "The body is not declared as JSON.",
        429: "More requests than this caller may send; `Retry-After` says when to come back.",
        500: "An unexpected failure.",
        503: "A part is missing, or the queue is full (then with `Retry-After`).",
        504: "It took too long.",
    }
    return {
        status: ResponseSpec(Problem, generate_examples=False, media_type=MEDIA_TYPE, description=names[status])
        for status in statuses
    }


def _problem(slug: str, status: int, detail: str, extra: dict[str, str | float]) -> Problem:
    return Problem(f"/problems/{slug}", slug.replace("-", " ").capitalize(), status, detail, extra)


def _extra(error: AgentError) -> dict[str, str | float]:
    if isinstance(error, InvalidInput) and error.field:
        return {"field": error.field}
    if isinstance(error, Overloaded | OverLimit):
        return {"retry_after": error.retry_after}
    return {}


def _detail(error: HTTPException, scope: Scope) -> str:
    if error.status_code in {404, 405} and scope["type"] == "http":
        return f"There is no {scope['method']} {scope['path'][:200]}; see /schema."
    return error.detail
