"""A tiny load balancer: each request to the next replica, and to another one where that does not even answer."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any


class Proxy(ThreadingHTTPServer):
    """Passes requests on.

    Attributes:
        replicas: ports on 127.0.0.1.
        served: by which port each reply came, in order.
    """

    daemon_threads = True

    def __init__(self, replicas: Sequence[int]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replicas = replicas
        self.served: list[int] = []
        self._turns = count()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Address for clients."""
        return f"http://127.0.0.1:{self.server_port}"

    def order(self) -> list[int]:
        """Return the replicas for one request, the one whose turn it is first."""
        with self._lock:
            turn = next(self._turns) % len(self.replicas)
        return [*self.replicas[turn:], *self.replicas[:turn]]


class _Handler(BaseHTTPRequestHandler):
    server: Proxy  # pyright: ignore[reportIncompatibleVariableOverride] - the only one it is used with

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        for port in self.server.order():
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
                try:
                    connection.request(self.command, self.path, body, dict(self.headers))
                    reply = connection.getresponse()
                except ConnectionError:
                    continue  # nothing of a reply has come: another one may be asked
                with reply:
                    self._answer(reply, port)
                return
        self.send_error(502)

    def _answer(self, reply: http.client.HTTPResponse, port: int) -> None:
        self.server.served.append(port)
        self.send_response(reply.status)
        for name, value in reply.getheaders():
            if name.lower() not in {"connection", "transfer-encoding", "date", "server"}:
                self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        while piece := reply.read1():
            self.wfile.write(piece)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
        """Keep the test's output clean."""


@contextmanager
def proxying(replicas: Sequence[int]) -> Generator[Proxy]:
    """Serve in the background while the block runs."""
    proxy = Proxy(replicas)
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()
