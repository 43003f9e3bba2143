"""HTTP clients of model servers: a key that stays out of sight, and requests repeated where that is safe.

Repeated is only what the server has refused before it began: a refused connection, 502 and 503, and 429 where it says
when to come back. A request that it may be working on (a timeout, a reset, 500) is not.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Generator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

NOT_KEPT = httpx.Limits(max_keepalive_connections=0)
"""A kept connection fails in the next event loop, and may have been closed when it is used again."""
ATTEMPTS = 3
FIRST_PAUSE = 0.5
"""Seconds before the second attempt; twice as many before the third."""
LONGEST_PAUSE = 10.0
"""Seconds; a server that asks for more has failed: somebody waits, and another may be able to answer."""
_TOO_MANY = 429
_NOT_BEGUN = {502, 503}


class BearerAuth(httpx.Auth):
    """Adds a key on the way out; in a LlamaIndex part's fields it would show in its repr and in events."""

    def __init__(self, key: str) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request with the key."""
        request.headers["Authorization"] = f"Bearer {self._key}"
        yield request


class RetryingClient(httpx.Client):
    """A client that sends up to `ATTEMPTS` times."""

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send, and again after a pause where that is safe and of use."""
        for attempt in range(1, ATTEMPTS):
            try:
                response = super().send(request, **options)
            except httpx.ConnectError:
                time.sleep(backoff(attempt))
                continue
            pause = pause_after(response, attempt)
            if pause is None:
                return response
            response.close()
            time.sleep(pause)
        return super().send(request, **options)


class AsyncRetryingClient(httpx.AsyncClient):
    """`RetryingClient` for event loops; a cancelled task ends a pause at once."""

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send, and again after a pause where that is safe and of use."""
        for attempt in range(1, ATTEMPTS):
            try:
                response = await super().send(request, **options)
            except httpx.ConnectError:
                await asyncio.sleep(backoff(attempt))
                continue
            pause = pause_after(response, attempt)
            if pause is None:
                return response
            await response.aclose()
            await asyncio.sleep(pause)
        return await super().send(request, **options)


def pause_after(response: httpx.Response, attempt: int) -> float | None:
    """Return the seconds after which the request should be sent again, or None where it should not."""
    asked = _retry_after(response)
    if response.status_code not in _NOT_BEGUN and not (response.status_code == _TOO_MANY and asked is not None):
        return None
    pause = max(asked or 0.0, backoff(attempt))
    return pause if pause <= LONGEST_PAUSE else None


def backoff(attempt: int) -> float:
    """Return the pause after the attempt of that number (from 1): doubled each time, and spread over its second half.

    Spread, so that those who failed together don't come back together.
    """
    return FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1.0)  # noqa: S311 - nothing secret


def _retry_after(response: httpx.Response) -> float | None:
    """Return what `Retry-After` says in seconds, or None; a date counts from the server's own clock."""
    said = response.headers.get("Retry-After", "")
    try:
        return float(said)
    except ValueError:
        until = _date(said)
    if until is None:
        return None
    return (until - (_date(response.headers.get("Date", "")) or datetime.now(UTC))).total_seconds()


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except ValueError:
        return None
