"""A real HTTP server on 127.0.0.1 that speaks the OpenAI protocol, and the ways in which such servers fail."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WORDS = ("FURY ", "draws ", "spheres ", "with ", "actor.sphere.")

Behaviour = Callable[["Reply"], None]


class Reply:
    """One request, and the means to answer it well or badly."""

    def __init__(self, server: OpenAIServer, handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        self.server = server
        self.body = body
        self._handler = handler

    def headers(self, status: int = 200, kind: str = "text/event-stream") -> None:
        """Send the head; the body ends when the connection does."""
        self._handler.send_response(status)
        self._handler.send_header("Content-Type", kind)
        self._handler.send_header("Connection", "close")
        self._handler.end_headers()

    def raw(self, text: str) -> None:
        """Send some of the body."""
        self._handler.wfile.write(text.encode())

    def event(self, data: object) -> None:
        """Send one event."""
        self.raw(f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n")

    def chunk(self, text: str | None = None, finish_reason: str | None = None, **more: Any) -> None:
        """Send one chunk of the answer."""
        choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}
        self.event({"choices": [choice], **_CHUNK, **more})

    def usage(self, prompt: int, completion: int) -> None:
        """Send the token counts as servers do: in a chunk without choices."""
        counts = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
        self.event({"choices": [], "usage": counts, **_CHUNK})

    def problem(self, status: int, message: str, code: str = "error") -> None:
        """Answer with an error as OpenAI words it."""
        self.headers(status, "application/json")
        self.raw(json.dumps({"error": {"message": message, "code": code, "type": code}}))

    def reset(self) -> None:
        """Break the connection off without a goodbye."""
        self._handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self._handler.connection.close()

    def hang(self) -> None:
        """Say nothing more; return when the client has hung up, and note it."""
        self._handler.connection.settimeout(30)
        if not self._handler.connection.recv(1):
            self.server.hung_up.set()


_CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "test-model"}


class OpenAIServer(ThreadingHTTPServer):
    """Answers every request as `behaviour` does.

    Attributes:
        requests: bodies of all requests.
        keys: their `Authorization` headers.
        hung_up: set when a client left while the server was hanging or talking.
    """

    daemon_threads = True

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behaviour = behaviour
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.hung_up = threading.Event()

    @property
    def url(self) -> str:
        """Base URL, ending in /v1."""
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: OpenAIServer  # pyright: ignore[reportIncompatibleVariableOverride] - the only one it is used with

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(body)
        self.server.keys.append(self.headers["Authorization"])
        try:
            self.server.behaviour(Reply(self.server, self, body))
        except OSError:
            self.server.hung_up.set()

    def finish(self) -> None:
        try:
            super().finish()
        except (OSError, ValueError):
            self.server.hung_up.set()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
        """Keep the test's output clean."""


@contextmanager
def serving(behaviour: Behaviour) -> Generator[OpenAIServer]:
    """Serve in the background while the block runs."""
    server = OpenAIServer(behaviour)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answers(reply: Reply) -> None:
    """Answer as a good server does."""
    reply.headers()
    for word in WORDS:
        reply.chunk(word)
    reply.chunk(finish_reason="stop")
    reply.usage(7, len(WORDS))
    reply.event("[DONE]")


def hangs_at_once(reply: Reply) -> None:
    """Accept the request and say nothing."""
    reply.hang()


def hangs_after_the_role(reply: Reply) -> None:
    """Begin the answer as servers do that have not read the prompt yet."""
    reply.headers()
    reply.event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}], **_CHUNK})
    reply.hang()


def hangs_in_the_middle(reply: Reply) -> None:
    """Stop talking after two words."""
    reply.headers()
    reply.chunk(WORDS[0])
    reply.chunk(WORDS[1])
    reply.hang()


def hangs_after_the_end(reply: Reply) -> None:
    """Give the whole answer, but neither counts nor the end of the stream."""
    reply.headers()
    reply.chunk(WORDS[0])
    reply.chunk(finish_reason="stop")
    reply.hang()


def resets_in_the_middle(reply: Reply) -> None:
    """Die after one word."""
    reply.headers()
    reply.chunk(WORDS[0])
    reply.reset()


def ends_in_the_middle(reply: Reply) -> None:
    """Close the connection politely after one word, as a proxy does whose server has died."""
    reply.headers()
    reply.chunk(WORDS[0])


def says_nothing(reply: Reply) -> None:
    """Answer with an empty text."""
    reply.headers()
    reply.chunk(finish_reason="stop")
    reply.event("[DONE]")


def talks_garbage(reply: Reply) -> None:
    """Send events that are not JSON."""
    reply.headers()
    reply.event("{not json")


def is_a_web_site(reply: Reply) -> None:
    """Answer with a page."""
    reply.headers(kind="text/html")
    reply.raw("<html>Welcome</html>")


def fails_in_the_stream(reply: Reply) -> None:
    """Report an error after the head was sent."""
    reply.headers()
    reply.chunk(WORDS[0])
    reply.event({"error": {"message": "out of memory, key sk-secret", "code": 500}})


def never_stops(reply: Reply) -> None:
    """Ignore `max_tokens`."""
    reply.headers()
    while True:
        reply.chunk("more ")


def refuses(status: int, message: str = "no, your key is sk-secret", code: str = "error") -> Behaviour:
    """Answer every request with an error."""
    return lambda reply: reply.problem(status, message, code)
