"""A Pinecone of our own on 127.0.0.1: control plane and data plane of API version 2025-10, with its limits and faults.

What the public documentation says is done; what it leaves open can be switched (`Behaviour`). The control plane
and every index have ports of their own, as the real ones have hosts. `python -m tests.servers.pinecone` serves one for
trying things out.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.servers.pinecone_data import Refused
from tests.servers.pinecone_index import Behaviour, Index

VERSION = "2025-10"
MAX_REQUEST = 2 * 1024 * 1024
MAX_REPLY = 4 * 1024 * 1024
MAX_ADDRESS = 8_000


@dataclass
class Fault:
    """What happens to the next requests whose path begins with `path`, instead of an answer."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    how: str = "status"
    path: str = "/"
    times: int = 1
    after: bool = False
    """Whether the request is carried out before it goes wrong."""


@dataclass
class Exchange:
    """A request and its reply, for who wants to look at them."""

    plane: str
    method: str
    path: str
    query: dict[str, list[str]]
    request: Any
    status: int
    reply: Any
    size: int
    """Bytes of the request's body."""


class PineconeEmulator:
    """The project: its key, its indexes and what goes wrong.

    Attributes:
        key: the only API key that is accepted.
        behaviour: of all its indexes.
        faults: what the next requests meet.
        exchanges: everything that was asked and answered.
    """

    def __init__(self, key: str, behaviour: Behaviour) -> None:
        self.key = key
        self.behaviour = behaviour
        self.faults: list[Fault] = []
        self.exchanges: list[Exchange] = []
        self.indexes: dict[str, Index] = {}
        self.lock = threading.Lock()
        self.released = threading.Event()
        self._servers = {"": _listen(self, None)}

    @property
    def url(self) -> str:
        """Address of the control plane."""
        return f"http://127.0.0.1:{self._servers[''].server_port}"

    def namespaces(self, index: str) -> set[str]:
        """Return the names of an index's namespaces."""
        return set(self.indexes[index].namespaces) if index in self.indexes else set()

    def asked(self, path: str) -> list[Exchange]:
        """Return the exchanges with this path."""
        return [one for one in self.exchanges if one.path == path]

    def fault(self, path: str) -> Fault | None:
        """Take the next fault for a path."""
        for fault in self.faults:
            if fault.times and path.startswith(fault.path):
                fault.times -= 1
                return fault
        return None

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any, dict[str, str]]:
        """Answer a request of the control plane."""
        if path == "/indexes" and method == "GET":
            return 200, {"indexes": [index.description() for index in self.indexes.values()]}, {}
        if path == "/indexes":
            return 201, self._create(body).description(), {}
        name = path.removeprefix("/indexes/")
        if name not in self.indexes:
            raise Refused(404, f"Resource {name} not found")
        if method == "DELETE":
            del self.indexes[name]
            _close(self._servers.pop(name))
            return 202, None, {}
        if method == "PATCH":
            self.indexes[name].wanted |= body
            return 202, self.indexes[name].description(), {}
        return 200, self.indexes[name].description(), {}

    def _create(self, wanted: dict[str, Any]) -> Index:
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,43}[a-z0-9])?", wanted["name"]):
            raise Refused(400, "Name must consist of lower case alphanumeric characters or '-'")
        if wanted["name"] in self.indexes:
            raise Refused(409, "Resource already exists")
        if wanted.get("vector_type", "dense") == "dense" and not 1 <= wanted.get("dimension", 0) <= 20_000:
            raise Refused(400, "Dimension must be 1 to 20000")
        index = self.indexes[wanted["name"]] = Index(wanted, self.behaviour)
        server = self._servers[wanted["name"]] = _listen(self, index)
        index.host = f"http://127.0.0.1:{server.server_port}"
        return index

    def close(self) -> None:
        """Stop all servers."""
        self.released.set()
        for server in self._servers.values():
            _close(server)


def _listen(emulator: PineconeEmulator, index: Index | None) -> ThreadingHTTPServer:
    class Handler(_Handler):
        server_state = (emulator, index)

    http = _Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return http


def _close(http: ThreadingHTTPServer) -> None:
    http.shutdown()
    http.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server_state: tuple[PineconeEmulator, Index | None]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Be quiet."""

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the base class looks for these names

    def _serve(self) -> None:
        emulator, index = self.server_state
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        fault = emulator.fault(path)
        status, reply, headers = (0, None, {}) if fault and not fault.after else self._answered(emulator, index, raw)
        if fault is not None:
            self._go_wrong(emulator, fault)
            return
        data = b"" if reply is None else json.dumps(reply, ensure_ascii=False).encode()
        with suppress(OSError):  # the client has gone
            self._send(status, data, headers)

    def _answered(self, emulator: PineconeEmulator, index: Index | None, raw: bytes) -> tuple[int, Any, dict[str, str]]:
        address = urlsplit(self.path)
        query = parse_qs(address.query, keep_blank_values=True)
        body = None
        try:
            self._check(emulator, raw)
            body = json.loads(raw) if raw else None
            with emulator.lock:
                if index is None:
                    status, reply, headers = emulator.answer(self.command, address.path, body)
                else:
                    status, reply, headers = index.answer(self.command, address.path, query, body)
            if reply is not None and len(json.dumps(reply)) > MAX_REPLY and address.path == "/query":
                raise Refused(400, "Result size exceeds 4 MB")  # noqa: TRY301 - one place answers refusals
        except Refused as refused:
            status, headers = refused.status, {}
            codes = {401: "UNAUTHENTICATED", 404: "NOT_FOUND", 409: "ALREADY_EXISTS"}
            error = {"code": codes.get(status, "INVALID_ARGUMENT"), "message": refused.message}
            rpc = {"code": {401: 16, 404: 5}.get(status, 3), "message": refused.message, "details": []}
            reply = {"status": status, "error": error} if index is None else rpc
        plane = "control" if index is None else "data"
        emulator.exchanges.append(Exchange(plane, self.command, address.path, query, body, status, reply, len(raw)))
        return status, reply, headers

    def _check(self, emulator: PineconeEmulator, raw: bytes) -> None:
        if self.headers.get("Api-Key") != emulator.key:
            raise Refused(401, f"Invalid API Key: {self.headers.get('Api-Key')}")
        if self.headers.get("X-Pinecone-Api-Version") != VERSION:
            raise Refused(400, f"API version must be {VERSION}")
        if len(raw) > MAX_REQUEST:
            raise Refused(413, f"Request size {len(raw)} exceeds the maximum supported size of {MAX_REQUEST} bytes")
        if len(self.path) > MAX_ADDRESS:
            raise Refused(414, "Request-URI Too Large")

    def _go_wrong(self, emulator: PineconeEmulator, fault: Fault) -> None:
        if fault.how == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.connection.close()
            self.close_connection = True
        elif fault.how == "hang":
            emulator.released.wait(10)
            self.close_connection = True
        else:
            with suppress(OSError):
                self._send(fault.status, fault.body.encode(), fault.headers)

    def _send(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def main() -> None:
    """Serve until interrupted, and say how to use it."""
    with pinecone_emulator() as emulator:
        chosen = {"STORE": "pinecone", "PINECONE_KEY": emulator.key, "PINECONE_URL": emulator.url}
        print("export", *(f"FURY_AGENT_{name}={value}" for name, value in chosen.items()), flush=True)  # noqa: T201
        with suppress(KeyboardInterrupt):
            emulator.released.wait()


@contextmanager
def pinecone_emulator(key: str = "pcsk_test-key", **options: Any) -> Generator[PineconeEmulator]:
    """Serve while the block runs."""
    emulator = PineconeEmulator(key, Behaviour(**options))
    try:
        yield emulator
    finally:
        emulator.close()


if __name__ == "__main__":
    main()
