"""A proxy on 127.0.0.1 that passes HTTP on, or breaks it in the ways in which networks and servers break.

A fault is a function of one connection. The proxy takes one fault after the other, a connection each, and stays with
the last; clients under test keep no connections, so that a connection is a request.
"""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import httpx

PATIENCE = 30.0
"""Seconds after which a connection ends whatever happens: a test that fails must not hang."""
_PIECE = 4096
_ABORT = b"\1\0\0\0\0\0\0\0"  # struct linger: on, 0 s


class Link:
    """One connection through the proxy."""

    def __init__(self, client: socket.socket, target: tuple[str, int]) -> None:
        self._client = client
        self._target = target
        client.settimeout(PATIENCE)

    def request(self) -> bytes:
        """Read the client's whole request."""
        read = b""
        while b"\r\n\r\n" not in read:
            read += self._more()
        head, _, body = read.partition(b"\r\n\r\n")
        fields = [line.partition(b":") for line in head.lower().split(b"\r\n")]
        length = next((int(value) for name, _, value in fields if name == b"content-length"), 0)
        while len(body) < length:
            piece = self._more()
            body, read = body + piece, read + piece
        return read

    def reply(self) -> Generator[bytes]:
        """Send the client's request to the server, and yield what it says as it comes."""
        request = self.request()
        with socket.create_connection(self._target, timeout=PATIENCE) as server:
            server.sendall(request)
            while piece := server.recv(_PIECE):
                yield piece

    def say(self, data: bytes) -> None:
        """Send to the client."""
        self._client.sendall(data)

    def reset(self) -> None:
        """Break the connection off without a goodbye."""
        self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)

    def wait(self) -> None:
        """Do nothing until the client hangs up."""
        while self._client.recv(_PIECE):
            pass

    def _more(self) -> bytes:
        if not (piece := self._client.recv(_PIECE)):
            raise ConnectionError("the client left in the middle of its request")
        return piece


Fault = Callable[[Link], None]


def passes(link: Link) -> None:
    """Break nothing."""
    for piece in link.reply():
        link.say(piece)


def delays(seconds: float) -> Fault:
    """Pass everything on, but late."""

    def fault(link: Link) -> None:
        for number, piece in enumerate(link.reply()):
            if not number:
                time.sleep(seconds)
            link.say(piece)

    return fault


def drips(seconds: float) -> Fault:
    """Pass the reply on byte by byte after its head, with a pause before each: no read ever times out."""

    def fault(link: Link) -> None:
        head, _, body = b"".join(link.reply()).partition(b"\r\n\r\n")
        link.say(head + b"\r\n\r\n")
        for byte in body:
            link.say(bytes([byte]))
            time.sleep(seconds)

    return fault


def resets(link: Link) -> None:
    """Break off before a word was said."""
    link.request()
    link.reset()


def resets_after(count: int) -> Fault:
    """Pass so many bytes on, then break off."""
    return lambda link: (_some(link, count), link.reset())[-1]


def truncates_after(count: int) -> Fault:
    """Pass so many bytes on, then close politely."""
    return lambda link: _some(link, count)


def hangs(link: Link) -> None:
    """Take the request and say nothing."""
    link.request()
    link.wait()


def hangs_after(count: int) -> Fault:
    """Pass so many bytes on, then say nothing more."""
    return lambda link: (_some(link, count), link.wait())[-1]


def babbles(link: Link) -> None:
    """Answer with something that is not HTTP."""
    link.request()
    link.say(b"\x16\x03\x01\x00 SSH-2.0 \xff\xfe\r\n\r\n" * 20)


def replies(status: int, body: bytes = b"your key is sk-secret", headers: Mapping[str, str] | None = None) -> Fault:
    """Answer in the server's place."""

    def fault(link: Link) -> None:
        link.request()
        fields = {"Content-Length": str(len(body)), "Connection": "close", **(headers or {})}
        lines = [
            f"HTTP/1.1 {status} {httpx.codes.get_reason_phrase(status)}",
            *(f"{k}: {v}" for k, v in fields.items()),
        ]
        link.say("\r\n".join([*lines, "", ""]).encode() + body)

    return fault


def _some(link: Link, count: int) -> None:
    for piece in link.reply():
        link.say(piece[:count])
        count -= len(piece)
        if count <= 0:
            return


class Proxy(socketserver.ThreadingTCPServer):
    """Stands before the server at `target`.

    Attributes:
        connections: how many there were so far.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, target: str, faults: Sequence[Fault]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._url = httpx.URL(target)
        self.target = (self._url.host, self._url.port or 80)
        self.connections = 0
        self._faults = list(faults)
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """The target's address, by way of the proxy."""
        return str(self._url.copy_with(port=self.server_address[1]))

    def breaks(self, *faults: Fault) -> None:
        """Take these faults from now on."""
        with self._lock:
            self._faults = list(faults)

    def take(self) -> Fault:
        """Return the fault of a new connection."""
        with self._lock:
            self.connections += 1
            return self._faults.pop(0) if len(self._faults) > 1 else self._faults[0]


class _Handler(socketserver.BaseRequestHandler):
    server: Proxy  # pyright: ignore[reportIncompatibleVariableOverride] - the only one it is used with
    request: Any

    def handle(self) -> None:
        with suppress(OSError):  # the client has left, as clients may
            self.server.take()(Link(self.request, self.server.target))

    def finish(self) -> None:
        self.request.close()  # at once: `shutdown`, which the server would do first, is a goodbye


@contextmanager
def proxy(target: str, *faults: Fault) -> Generator[Proxy]:
    """Stand before `target` while the block runs."""
    server = Proxy(target, faults or [passes])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def nobody() -> str:
    """Return an address at which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
