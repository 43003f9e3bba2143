"""Servers to measure: ours in front of a service that knows its answers by heart, and a bare handler beside it.

`python -m benchmarks.scripted ours`, `… known` and `… bare` print one line when they are ready.
"""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

import httpx
import msgspec
from litestar import Litestar, Response, post
from msgspec import structs
from prometheus_client import Gauge
from prometheus_client.parser import text_string_to_metric_families

from agent.api import create_app
from agent.cancellation import CancelToken
from agent.recording import Recalled, Recorder
from agent.records import ApiKey, Given
from agent.schema import (
    Answer,
    AnswerEvent,
    CheckRequest,
    Citation,
    Event,
    FeedbackRequest,
    Health,
    Library,
    Passage,
    Plan,
    QueryRequest,
    SearchReply,
    SearchRequest,
    SourcesEvent,
    Timings,
    TokenEvent,
    Verification,
)
from agent.settings import Settings
from agent.web.server import Server, listen

SLOW = "slowly"
"""A question with this word is answered token by token, any other at once."""
TOKENS = 60
PACE = 0.5
"""Seconds between tokens: what a busy model server gives to each of many."""
STREAMS = 1_000

_PLACES = tuple(
    Citation(number, "fury/actor/curved.py", "sphere", 46, 163, "https://example.org/curved.py#L46-L163", "sphere")
    for number in range(1, 7)
)
_TEXT = "Use `actor.sphere` with an array of centres and one of colours [1].\n\n" + "A line of the answer.\n" * 40
ANSWER = Answer(
    answer_id=UUID(int=1),
    conversation_id=UUID(int=2),
    status="answered",
    answer=_TEXT,
    citations=_PLACES,
    verification=Verification(checked_names=3, checked_calls=2),
    library="fury",
    version="2.0.0",
    revision="v2.0.0",
    model="scripted",
    timings=Timings(20.0, 400.0, 3000.0),
)
FOUND = SearchReply(
    tuple(Passage(place.path, place.symbol, 46, 163, place.url, 0.5, _TEXT) for place in _PLACES), "fury", "2.0.0"
)


class Scripted:
    """Says what it knows by heart; what the HTTP door needs of a service."""

    def recall(self, request: QueryRequest, *, user: str | None = None) -> Recalled | None:
        """Know nothing: every request is answered."""
        del request, user

    def plan(self, request: QueryRequest, *, user: str | None = None) -> Plan:
        """Share nothing: every request is answered."""
        del user
        return Plan(request, request, UUID(int=2))

    def answer(self, plan: Plan, cancel: CancelToken) -> Iterator[Event]:
        """Answer at once, or as a model does that has much to do."""
        yield SourcesEvent(_PLACES, "fury", "2.0.0")
        for _ in range(TOKENS if SLOW in plan.request.question else 0):
            time.sleep(PACE)
            cancel.check()
            yield TokenEvent(f"{time.monotonic()}")  # by a clock that all processes share
        yield AnswerEvent(ANSWER)

    def keep(self, plan: Plan, answer: Answer, *, user: str | None = None) -> Answer:
        """Keep nothing."""
        del plan, user
        return answer

    def api_keys(self) -> tuple[ApiKey, ...]:
        """Return none: whoever comes is let in."""
        return ()

    def forget(self, user: str) -> int:
        """Nobody is known."""
        del user
        return 0

    def search(self, request: SearchRequest) -> SearchReply:
        """Return the same six passages."""
        del request
        return FOUND

    def check(self, request: CheckRequest) -> Verification:
        """Find nothing wrong."""
        del request
        return ANSWER.verification

    def picture(self, name: str) -> bytes:
        """Return something small."""
        return name.encode()

    def feedback(self, request: FeedbackRequest, *, user: str | None = None) -> None:
        """Forget it."""

    def libraries(self) -> tuple[Library, ...]:
        """Return none."""
        return ()

    def health(self) -> Health:
        """Return that all is well."""
        return Health("ok")

    def close(self) -> None:
        """Hold nothing."""


class Remembering(Scripted):
    """Has just answered whatever it is asked; each client gets a copy of its own, which is recorded."""

    def __init__(self, settings: Settings) -> None:
        self._recorder = Recorder(settings)

    def recall(self, request: QueryRequest, *, user: str | None = None) -> Recalled:
        """Do what the service does with an answer that it gave a moment ago."""
        mine = structs.replace(ANSWER, answer_id=uuid4(), conversation_id=uuid4())
        return Recalled(mine, self._recorder.begin_keeping(Given(mine, request.question, request.question, user)))

    def close(self) -> None:
        """Write the last records."""
        self._recorder.close()


def known(data_dir: Path) -> Litestar:
    """Return the application in front of answers that it knows, and records below `data_dir`."""
    settings = Settings(data_dir=data_dir, log_level="WARNING")
    return create_app(lambda: Remembering(settings), settings)


def ours(concurrency: int) -> Litestar:
    """Return the application, which also shows how many tasks its loop has."""
    app = create_app(Scripted(), Settings(concurrency=concurrency, queue_size=STREAMS, log_level="WARNING"))

    async def count_tasks() -> None:
        loop = asyncio.get_running_loop()
        tasks = Gauge("asyncio_tasks", "Tasks of the event loop.", registry=app.state.telemetry.metrics.registry)
        tasks.set_function(lambda: len(asyncio.all_tasks(loop)))

    app.on_startup.append(count_tasks)
    return app


def bare() -> Litestar:
    """Return an application that does nothing but send the same bytes."""
    answer, found = msgspec.json.encode(ANSWER), msgspec.json.encode(FOUND)

    @post("/query", status_code=200)
    async def query() -> Response[bytes]:
        return Response(answer, media_type="application/json")

    @post("/search", status_code=200)
    async def search() -> Response[bytes]:
        return Response(found, media_type="application/json")

    return Litestar([query, search], logging_config=None, openapi_config=None)


@contextmanager
def serving(*arguments: str) -> Generator[tuple[str, int]]:
    """Run one of the servers in a process of its own; gives its URL and process id."""
    command = [sys.executable, "-m", "benchmarks.scripted", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[-1], process.pid
        finally:
            process.terminate()


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has taken, by the kernel's clock ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def numbers(url: str) -> dict[tuple[str, ...], float]:
    """Return what `/metrics` shows: name and label values -> value."""
    text = httpx.get(f"{url}/metrics", timeout=30, trust_env=False).raise_for_status().text
    families = text_string_to_metric_families(text)
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def main() -> None:
    """Serve until a signal comes."""
    logging.getLogger("uvicorn").setLevel(logging.ERROR)  # it tells of every request that is no HTTP
    kind, concurrency = sys.argv[1], int(sys.argv[2]) if sys.argv[2:] else 8
    with TemporaryDirectory() as directory, listen("127.0.0.1", 0) as listener:
        app = {"bare": bare, "known": lambda: known(Path(directory)), "ours": lambda: ours(concurrency)}[kind]()
        stopping = (lambda: None) if kind == "bare" else lambda: app.state.bridge.stop(0)
        Server(app, stopping=stopping).run([listener])


if __name__ == "__main__":
    main()
