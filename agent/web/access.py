"""Who may come in, and how often: API keys, addresses and limits, before anything of a request is read."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Literal

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from agent.errors import AgentError, OverLimit, RecordsUnavailable, Unauthorized
from agent.records.keys import ApiKey, digest
from agent.settings import Settings
from agent.web.limits import Limiter, Rate, Window, parse_rates

FRESH = 2.0
"""Seconds after which keys are read again: a revoked one counts no longer than that."""
PATIENCE = 1.0
"""Seconds that a request waits for such a reading; milliseconds pass unless the records are in trouble."""
_LOCAL_NETWORK = 64
"""Bits of an IPv6 address that are somebody's; the others they can choose anew for every request."""

MOST_ADDRESSES = 4_096
"""That are remembered as they were read."""

Kind = Literal["question", "search", "other"]
Connection = ASGIConnection[Any, Any, Any, Any]
ReadKeys = Callable[[], Awaitable[tuple[ApiKey, ...]]]


class Access:
    """Lets requests in; belongs to one event loop.

    Args:
        settings: limits, whether keys are needed, and whose X-Forwarded-For is believed.
        limiter: counts; it stays the caller's to close.
        read_keys: returns all keys that were made.
    """

    def __init__(self, settings: Settings, limiter: Limiter, read_keys: ReadKeys) -> None:
        self._keys = KeyRing(read_keys, required=settings.require_keys)
        self._limiter = limiter
        self._proxies = settings.trusted_proxies
        self._rates: dict[Kind, tuple[Rate, ...]] = {
            "question": parse_rates(settings.limit_questions),
            "search": parse_rates(settings.limit_searches),
            "other": (),
        }
        self._key_rates = parse_rates(settings.limit_key)

    async def admit(self, connection: Connection, kind: Kind) -> None:
        """Let a request in, and count it.

        Raises:
            Unauthorized: it needs a key that counts.
            OverLimit: its caller has sent too many.
            RecordsUnavailable: keys are needed, and were never read.
        """
        key = await self._keys.holder(_bearer(connection))
        caller = self._caller(connection, key)
        windows = [Window(_hashed(kind, caller), rate) for rate in self._rates[kind]]
        if key is not None:
            windows += [Window(_hashed("key", key.name), rate) for rate in self._key_rates]
        if windows and (wait := await self._limiter.take(windows)) > 0:
            raise OverLimit(
                f"This caller may send no more than {_told(windows)}.",
                remedy=f"Come back in {math.ceil(wait)} s.",
                retry_after=wait,
            )

    def _caller(self, connection: Connection, key: ApiKey | None) -> str:
        """Return who is counted; whom a key's holder names is believed, and nobody else: they could be anybody."""
        if key is not None:
            return f"key {key.name} {connection.headers.get('x-fury-user', '')}"
        peer = connection.client.host if connection.client else ""
        return f"address {address(peer, connection.headers.getall('x-forwarded-for', []), self._proxies)}"


class KeyRing:
    """The API keys as they were a moment ago; belongs to one event loop.

    Args:
        read: returns all keys that were made.
        required: whether a request needs one; None: as soon as one was ever made.
    """

    def __init__(self, read: ReadKeys, *, required: bool | None) -> None:
        self._read = read
        self._required = required
        self._keys: tuple[ApiKey, ...] | None = None  # None: never read
        self._reading: asyncio.Task[None] | None = None
        self._read_at = float("-inf")

    async def holder(self, sent: str | None) -> ApiKey | None:
        """Return the key that was sent, or None where none is needed.

        Raises:
            Unauthorized: none was sent, or not one that counts.
            RecordsUnavailable: keys are needed, and were never read.
        """
        keys = await self._known()
        if keys is None and self._required:
            raise RecordsUnavailable("Who may ask cannot be told: the API keys cannot be read.", remedy="Ask later.")
        if sent is not None and (key := _match(keys or (), sent)) is not None:
            return key
        if self._required or (keys and (sent is not None or self._required is None)):
            raise Unauthorized(
                "The API key that was sent does not count." if sent is not None else "No API key was sent.",
                remedy="Send `Authorization: Bearer KEY`; `fury-agent keys add NAME` makes one.",
            )
        return None

    async def _known(self) -> tuple[ApiKey, ...] | None:
        """Return the keys as last read; a later reading than the first is waited for only so long."""
        if self._reading is None and time.monotonic() - self._read_at > FRESH:
            self._reading = asyncio.create_task(self._read_again())
        if self._reading is not None:  # what was read long ago may let somebody in who was sent away since
            await asyncio.wait((self._reading,), timeout=None if self._read_at < 0 else PATIENCE)
        return self._keys

    async def _read_again(self) -> None:
        try:
            self._keys = await self._read()
        except AgentError:
            pass  # the keys stay as they were; /health/ready says that the records are in trouble
        finally:
            self._read_at = time.monotonic()
            self._reading = None


def admits(kind: Kind) -> Callable[[Connection, BaseRouteHandler], Awaitable[None]]:
    """Return a route's guard; routes without one are open to everybody."""

    async def guard(connection: Connection, _: BaseRouteHandler) -> None:
        await connection.app.state.access.admit(connection, kind)

    return guard


def address(peer: str, forwarded: Sequence[str], proxies: Sequence[Any]) -> str:
    """Return whose request this is: the nearest address that is not one of our own proxies.

    Args:
        peer: who opened the connection; empty on a Unix socket.
        forwarded: all values of X-Forwarded-For, to which each proxy has added whom it saw, on the right.
        proxies: networks whose word is taken.

    Returns:
        An address; of IPv6 the network, in which its owner has addresses without number.
    """
    nearest = peer
    seen = [part.strip() for value in forwarded for part in value.split(",")]
    while _is_within(nearest, proxies) and seen:
        nearest = seen.pop()
    found = _parsed(nearest)
    if isinstance(found, IPv6Address):
        return str(ip_network((found, _LOCAL_NETWORK), strict=False))
    return nearest if found is None else str(found)


def _is_within(written: str, networks: Sequence[Any]) -> bool:
    found = _parsed(written)
    return found is not None and any(found in network for network in networks)


@lru_cache(MOST_ADDRESSES)
def _parsed(written: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(written)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def _bearer(connection: Connection) -> str | None:
    scheme, _, key = connection.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else None


def _match(keys: Sequence[ApiKey], sent: str) -> ApiKey | None:
    """Return the key that was sent, in a time that does not tell which of them it resembles."""
    given = digest(sent)
    same = [key for key in keys if hmac.compare_digest(key.digest, given)]
    return next((key for key in same if key.revoked is None), None)


def _hashed(kind: str, caller: str) -> str:
    return f"{kind}:{hashlib.sha256(caller.encode()).hexdigest()[:32]}"


def _told(windows: Sequence[Window]) -> str:
    rates = dict.fromkeys(f"{window.rate.amount} requests in {window.rate.seconds} seconds" for window in windows)
    return " or ".join(rates)
