"""Server-sent events: frames with ids of their own, heartbeats, and the end of the work when the client has gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import msgspec
from litestar import Request

from agent.schema import AnswerEvent, Event
from agent.web.flights import Question
from agent.web.lanes import Job
from agent.web.problems import describe

MEDIA_TYPE = "text/event-stream"
HEARTBEAT = b": still working\n\n"
IN_LINE = 1.0
"""Seconds after which a stream first says how many are before it."""

HttpRequest = Request[Any, Any, Any]


@asynccontextmanager
async def while_connected(request: HttpRequest, job: Job[Any] | Question) -> AsyncGenerator[None]:
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


async def frames(request: HttpRequest, job: Question, heartbeat: float) -> AsyncIterator[bytes]:
    """Yield the stream's frames, each at most about `heartbeat` seconds after the one before.

    While the question is in line, a comment tells how many are before it, every second.

    Raises:
        Exception: what comes before any frame, so that the status of the reply can tell; later ones are in-band.
    """
    begun = False
    encoder = _Frames()
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
                yield encoder.event(event)
            begun = True
    except StopAsyncIteration:
        return
    except Exception as error:
        if not begun:
            raise
        yield encoder.encode("error", describe(error, request.scope))
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
