"""A service that does what its script says, and the real HTTP server in front of it."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import httpx
from blockbuster import blockbuster_ctx
from litestar import Litestar

from agent.api import create_app
from agent.cancellation import CancelToken
from agent.errors import UnknownAnswer, UnknownPicture
from agent.records import ApiKey
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
from agent.web.bridge import Answering
from agent.web.server import Server, listen

CITATION = Citation(1, "fury/actor.py", "sphere", 3, 9, "https://example.org/actor.py#L3-L9", "sphere")
ANSWER = Answer(
    answer_id=UUID(int=1),
    conversation_id=UUID(int=2),
    status="answered",
    answer="Use `actor.sphere` [1].",
    citations=(CITATION,),
    verification=Verification(checked_names=1),
    library="fury",
    version="2.0.0",
    revision="v2.0.0",
    model="scripted",
    timings=Timings(1.0, 2.0, 3.0),
)
SOURCES = SourcesEvent((CITATION,), "fury", "2.0.0")
EVENTS: tuple[Event, ...] = (SOURCES, TokenEvent("Use "), TokenEvent("`actor.sphere` [1]."), AnswerEvent(ANSWER))
REPLY = SearchReply((Passage("fury/actor.py", "sphere", 3, 9, None, 0.5, "def sphere(): ..."),), "fury", "2.0.0")
LIBRARY = Library("fury", "2.0.0", "v2.0.0", "2026-01-01T00:00:00Z", 10, 100, "all-MiniLM-L6-v2")

QUESTION = {"question": "How do I draw a sphere?"}
STREAM = "text/event-stream"

Step = Event | float | Exception
"""An event is yielded, a number is seconds of work that notices a cancellation, an exception is raised."""


class ScriptedService:
    """Every question runs the same script; what came and how it ended is recorded."""

    def __init__(self, *script: Step, health: Health | None = None) -> None:
        self.script = script or EVENTS
        self.search_seconds = 0.0
        self.state = health or Health("ok")
        self.questions: list[QueryRequest] = []
        self.searches: list[SearchRequest] = []
        self.checks: list[CheckRequest] = []
        self.feedbacks: list[FeedbackRequest] = []
        self.users: list[str | None] = []
        self.keys: tuple[ApiKey, ...] = ()
        self.tokens: list[CancelToken] = []
        self.running = 0
        self.most_running = 0
        self.forgotten: list[str] = []
        self.closed = False
        self._lock = threading.Lock()

    def recall(self, request: QueryRequest, *, user: str | None = None) -> None:
        """Nothing is known, unless to a test's own service."""

    def plan(self, request: QueryRequest, *, user: str | None = None) -> Plan:
        """Share nothing, unless a test's own service does."""
        del user
        return Plan(request, request, request.conversation_id or UUID(int=2))

    def answer(self, plan: Plan, cancel: CancelToken) -> Iterator[Event]:
        return self.stream(plan.request, cancel)

    def keep(self, plan: Plan, answer: Answer, *, user: str | None = None) -> Answer:
        del plan
        self.users.append(user)
        return answer

    def api_keys(self) -> tuple[ApiKey, ...]:
        return self.keys

    def stream(self, request: QueryRequest, cancel: CancelToken, *, user: str | None = None) -> Iterator[Event]:
        del user
        with self._lock:
            self.questions.append(request)
            self.tokens.append(cancel)
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        try:
            for step in self.script:
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, float | int):
                    pause(step, cancel)
                else:
                    yield step
        finally:
            with self._lock:
                self.running -= 1

    def search(self, request: SearchRequest) -> SearchReply:
        self.searches.append(request)
        time.sleep(self.search_seconds)
        return REPLY

    def check(self, request: CheckRequest) -> Verification:
        self.checks.append(request)
        return ANSWER.verification

    def picture(self, name: str) -> bytes:
        if name != "known.png":
            raise UnknownPicture(f"There is no picture {name!r}.")
        return b"\x89PNG"

    def feedback(self, request: FeedbackRequest, *, user: str | None = None) -> None:
        if request.answer_id != ANSWER.answer_id:
            raise UnknownAnswer("There is no such answer.")
        self.users.append(user)
        self.feedbacks.append(request)

    def forget(self, user: str) -> int:
        self.forgotten.append(user)
        return 3

    def libraries(self) -> tuple[Library, ...]:
        return (LIBRARY,)

    def health(self) -> Health:
        return self.state

    def close(self) -> None:
        self.closed = True


def pause(seconds: float, cancel: CancelToken) -> None:
    """Work for a while, as an LLM does that is asked to stop through its token."""
    stopped = threading.Event()
    with cancel.calls(stopped.set):
        stopped.wait(seconds)
    cancel.check()


def eventually(condition: Callable[[], bool], within: float = 1.0) -> bool:
    """Return whether `condition` holds within some seconds."""
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


class Client(httpx.Client):
    """A client that also sees how many questions the server works on or keeps waiting."""

    app: Litestar

    def questions(self) -> int:
        return len(self.app.state.bridge._questions._deadlines)


@contextmanager
def running(service: Answering | Callable[[], Answering], settings: Settings | None = None) -> Generator[Client]:
    """Serve on a free port, with a loop that raises where it is blocked; gives a client of it."""
    app = create_app(service, settings or Settings())
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    server = Server(app, stopping=lambda: app.state.bridge.stop(0.1))
    thread = threading.Thread(target=server.run, args=([listener],))
    with blockbuster_ctx() as blocking:
        for name in ("io.TextIOWrapper.write", "io.BufferedWriter.write"):
            if name in blocking.functions:  # the ready line, and the log of a test's unexpected failure
                blocking.functions[name].deactivate()
        thread.start()
        try:
            with Client(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False) as client:
                client.app = app
                assert eventually(lambda: server.started, 5)
                yield client
        finally:
            server.should_exit = True
            thread.join(10)
    assert not thread.is_alive()


@contextmanager
def asking(client: httpx.Client, accept: str, receive_buffer: int = 0) -> Generator[socket.socket]:
    """Ask on a bare connection, which breaks off when the block ends."""
    host, port = client.base_url.host, client.base_url.port
    assert port is not None
    body = json.dumps(QUESTION)
    with socket.socket() as connection:
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.connect((host, port))
        connection.sendall(
            f"POST /query HTTP/1.1\r\nHost: {host}\r\nAccept: {accept}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        yield connection


def ask_together(client: httpx.Client, count: int, path: str = "/query") -> list[httpx.Response]:
    """Ask from many threads at once."""
    with ThreadPoolExecutor(count) as pool:
        futures = [pool.submit(client.post, path, json=QUESTION) for _ in range(count)]
        return [future.result() for future in futures]


def events_of(text: str) -> list[tuple[str, Any]]:
    """Decode a stream's events; comments are left out."""
    frames = [frame.split("\n") for frame in text.split("\n\n") if frame and not frame.startswith(":")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, _, data in frames]
