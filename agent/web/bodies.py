"""Bodies of requests: JSON that is exactly what the route takes, or a refusal that names the field."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any, TypeVar

import msgspec
from litestar import Request
from litestar.exceptions import HTTPException, InternalServerException

from agent.errors import Cancelled, InvalidInput

MAX_SHOWN = 80
"""Characters of what was sent that a refusal repeats."""

T = TypeVar("T", bound=msgspec.Struct)
_FIELD = re.compile(r"at `\$\.(\w+)|field `(\w+)`")


async def read_body(request: Request[Any, Any, Any], kind: type[T]) -> T:
    """Return what was sent. Litestar alone would take any media type, and "5" for a number.

    Raises:
        HTTPException: 415, the body is not declared as JSON.
        InvalidInput: it is not exactly a `kind`.
        Cancelled: it broke off.
    """
    # Strict about the type: a browser may send any other cross-site without asking us first.
    declared = request.headers.get("content-type", "")
    if declared.partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(
            status_code=415, detail=f"The body is {declared[:MAX_SHOWN]!r}; send `Content-Type: application/json`."
        )
    try:
        body = await request.body()
    except InternalServerException as error:  # Litestar's word for a body that broke off
        raise Cancelled("The caller has gone.") from error
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
