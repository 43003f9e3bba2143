"""A client that costs little: bare connections that stay open, so that it is the server that is measured."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from msgspec import Struct

JSON = "application/json"
STREAM = "text/event-stream"
TOKEN = b'data: {"type":"token"'


class Burst(Struct, frozen=True):
    """Requests that were sent for some seconds.

    Attributes:
        seconds: of each reply, ascending.
        rate: replies per second.
    """

    seconds: tuple[float, ...]
    rate: float


class Streamed(Struct, frozen=True):
    """Streams that were open at the same time.

    Attributes:
        first: seconds until each stream's first event, ascending.
        late: seconds between each token's being said and its being read, ascending.
        rate: events per second, all streams together.
    """

    first: tuple[float, ...]
    late: tuple[float, ...]
    rate: float


def quantile(ascending: tuple[float, ...], share: float) -> float:
    """Return the value below which a share of the values lies."""
    return ascending[min(int(len(ascending) * share), len(ascending) - 1)]


def request(url: str, path: str, question: str, accept: str) -> bytes:
    """Return the bytes of a request."""
    body = json.dumps({"question": question})
    head = f"POST {path} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nAccept: {accept}\r\nContent-Type: {JSON}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


async def burst(url: str, path: str, question: str, *, connections: int, duration: float) -> Burst:
    """Send the same request again and again over some connections.

    Raises:
        RuntimeError: a reply is no success.
    """
    message = request(url, path, question, JSON)
    taken: list[float] = []
    end = time.perf_counter() + duration

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (began := time.perf_counter()) < end:
            writer.write(message)
            await reader.readexactly(length(await reader.readuntil(b"\r\n\r\n")))
            taken.append(time.perf_counter() - began)

    await together(url, ask, connections)
    return Burst(tuple(sorted(taken)), len(taken) / duration)


async def streams(url: str, question: str, *, count: int, opening: float) -> Streamed:
    """Open streams one after the other, and read each to its answer.

    Args:
        url: of the server, whose tokens tell when they were said.
        question: that is asked.
        count: of the streams.
        opening: how many are opened in a second.
    """
    message = request(url, "/query", question, STREAM)
    first: list[float] = []
    late: list[float] = []
    turns = itertools.count()

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(next(turns) / opening)
        began = time.perf_counter()
        writer.write(message)
        length(await reader.readuntil(b"\r\n\r\n"))
        while (line := await reader.readline()) != b"event: answer\n":
            if not line or line == b"event: error\n":
                raise RuntimeError("A stream broke off.")
            if line == b"event: sources\n":
                first.append(time.perf_counter() - began)
            elif line.startswith(TOKEN):
                late.append(time.monotonic() - float(json.loads(line[len(b"data: ") :])["text"]))

    started = time.perf_counter()
    await together(url, ask, count)
    events = len(first) + len(late) + count
    return Streamed(tuple(sorted(first)), tuple(sorted(late)), events / (time.perf_counter() - started))


async def together(
    url: str, ask: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], connections: int
) -> None:
    """Call `ask` for some connections at the same time, and close them afterwards."""
    address = urlsplit(url)

    async def one() -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            await ask(reader, writer)
        finally:
            writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))


def length(head: bytes) -> int:
    """Return the content length of a successful reply, 0 where it is not told.

    Raises:
        RuntimeError: it is no success.
    """
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"The reply begins with {head[:60]!r}; expected is 200.")
    _, found, rest = head.lower().partition(b"content-length: ")
    return int(rest.partition(b"\r\n")[0]) if found else 0
