"""A Pinecone of our own on 127.0.0.1: control plane and data plane of API version 2025-10, with its limits and faults.

What the public documentation says is done; what it leaves open can be switched (`absent_differs`). The control plane
and every index have ports of their own, as the real ones have hosts.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

from tests.servers.pinecone_data import Namespace, Record, Refused, checked_filter, checked_record, checked_sparse, meets

VERSION = "2025-10"
MAX_REQUEST = 2 * 1024 * 1024
MAX_REPLY = 4 * 1024 * 1024
MAX_RECORDS = 1_000
MAX_TOP_K = 10_000
MAX_ADDRESS = 8_000
PAGE = 100


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


class Index:
    """One index and its data plane."""

    def __init__(self, server: PineconeEmulator, wanted: dict[str, Any]) -> None:
        self._server = server
        self.wanted = wanted
        self.ready_at = time.monotonic() + server.ready_after
        self.namespaces: dict[str, Namespace] = {}
        self.http = _listen(server, self)

    def description(self) -> dict[str, Any]:
        """Return it as the control plane describes it."""
        serverless = self.wanted["spec"]["serverless"]
        ready = time.monotonic() >= self.ready_at
        return {
            "name": self.wanted["name"],
            "dimension": self.wanted["dimension"],
            "metric": self.wanted.get("metric", "cosine"),
            "vector_type": self.wanted.get("vector_type", "dense"),
            "deletion_protection": self.wanted.get("deletion_protection", "disabled"),
            "host": f"http://127.0.0.1:{self.http.server_port}",
            "spec": {"serverless": {**serverless, "read_capacity": {"mode": "OnDemand", "status": {"state": "Ready"}}}},
            "status": {"ready": ready, "state": "Ready" if ready else "Initializing"},
        }

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any, dict[str, str]]:
        """Answer a request of the data plane."""
        if path.startswith("/namespaces"):
            return 200, self._namespaces(method, unquote(path.removeprefix("/namespaces").strip("/")), query), {}
        if path == "/describe_index_stats":
            counted = {name: {"vectorCount": self._visible(name)} for name in self.namespaces}
            total = sum(one["vectorCount"] for one in counted.values())
            return 200, {"namespaces": counted, "dimension": self.dimension, "totalVectorCount": total}, {}
        given = body.get("namespace") if method == "POST" else (query.get("namespace") or [""])[0]
        name = given or "__default__"
        if path == "/vectors/upsert":
            return self._upsert(name, body["vectors"])
        if path == "/vectors/delete":
            return self._delete(name, body)
        space = self.namespaces.get(name, Namespace())
        header = {"x-pinecone-max-indexed-lsn": str(space.settle())}
        reads: dict[str, Callable[[], dict[str, Any]]] = {
            "/query": lambda: self._query(space, body),
            "/vectors/fetch": lambda: self._fetch(space, query.get("ids", [])),
            "/vectors/fetch_by_metadata": lambda: self._fetch_by_metadata(space, body),
            "/vectors/list": lambda: self._list(space, query),
        }
        if path not in reads:
            raise Refused(404, f"no route {path}")
        return 200, {**reads[path](), "namespace": given or "", "usage": {"readUnits": 1}}, header

    @property
    def dimension(self) -> int:
        return self.wanted["dimension"]

    def _visible(self, name: str) -> int:
        self.namespaces[name].settle()
        return len(self.namespaces[name].records)

    def _namespaces(self, method: str, name: str, query: dict[str, list[str]]) -> dict[str, Any]:
        if not name:
            start = (query.get("prefix") or [""])[0]
            names = [one for one in sorted(self.namespaces) if one.startswith(start)]
            return {"namespaces": [self._namespace(one) for one in names], "total_count": len(names)}
        if name not in self.namespaces:
            raise Refused(404, "Namespace not found")
        if method == "DELETE":
            del self.namespaces[name]
            return {}
        return self._namespace(name)

    def _namespace(self, name: str) -> dict[str, Any]:
        return {"name": name, "record_count": self._visible(name)}

    def _upsert(self, name: str, vectors: list[Record]) -> tuple[int, Any, dict[str, str]]:
        if not 0 < len(vectors) <= MAX_RECORDS:
            raise Refused(400, f"Number of vectors must be 1 to {MAX_RECORDS}, got {len(vectors)}")
        records = {record["id"]: record for record in (checked_record(one, self.dimension) for one in vectors)}
        space = self.namespaces.setdefault(name, Namespace())
        number = space.write(lambda held: held.update(records), self._server.delay)
        return 200, {"upsertedCount": len(records)}, {"x-pinecone-request-lsn": str(number)}

    def _delete(self, name: str, body: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        if name not in self.namespaces:
            raise Refused(404, "Namespace not found")
        ids, where = body.get("ids"), body.get("filter")
        if (ids is not None) + (where is not None) + bool(body.get("deleteAll")) != 1:
            raise Refused(400, "Exactly one of ids, filter and deleteAll is needed")
        if ids is not None and not 0 < len(ids) <= MAX_RECORDS:
            raise Refused(400, f"Number of ids must be 1 to {MAX_RECORDS}")
        if where is not None:
            checked_filter(where)

        def change(held: dict[str, Record]) -> None:
            for id_ in list(held) if ids is None else ids:
                if id_ in held and (where is None or self._meets(held[id_], where)):
                    del held[id_]

        number = self.namespaces[name].write(change, self._server.delay)
        return 200, {}, {"x-pinecone-request-lsn": str(number)}

    def _meets(self, record: Record, where: dict[str, Any] | None) -> bool:
        return not where or meets(record.get("metadata", {}), where, absent_differs=self._server.absent_differs)

    def _query(self, space: Namespace, body: dict[str, Any]) -> dict[str, Any]:
        if not 1 <= body["topK"] <= MAX_TOP_K:
            raise Refused(400, f"topK must be 1 to {MAX_TOP_K}")
        if "vector" not in body:
            raise Refused(400, "Query must contain a dense vector")
        if len(body["vector"]) != self.dimension:
            raise Refused(400, f"Query vector dimension {len(body['vector'])} does not match {self.dimension}")
        metric = self.description()["metric"]
        sparse = checked_sparse(body["sparseVector"]) if "sparseVector" in body else {"indices": [], "values": []}
        if sparse["indices"] and metric != "dotproduct":
            raise Refused(400, "Index configuration does not support sparse values")
        where = checked_filter(body.get("filter") or {})
        vector = np.array(body["vector"], dtype=np.float32)
        weights = dict(zip(sparse["indices"], sparse["values"], strict=True))
        scores = space.scores(vector, weights, metric)
        best = sorted(scores, key=lambda id_: (scores[id_] if metric == "euclidean" else -scores[id_], id_))
        found = [id_ for id_ in best if self._meets(space.records[id_], where)][: body["topK"]]
        return {"matches": [self._match(space.records[id_], scores[id_], body) for id_ in found]}

    @staticmethod
    def _match(record: Record, score: float, body: dict[str, Any]) -> dict[str, Any]:
        match = {"id": record["id"], "score": score}
        if body.get("includeValues"):
            match |= {name: record[name] for name in ("values", "sparseValues") if name in record}
        if body.get("includeMetadata") and "metadata" in record:
            match["metadata"] = record["metadata"]
        return match

    @staticmethod
    def _fetch(space: Namespace, ids: list[str]) -> dict[str, Any]:
        if not 0 < len(ids) <= MAX_RECORDS:
            raise Refused(400, f"Number of ids must be 1 to {MAX_RECORDS}")
        return {"vectors": {id_: space.records[id_] for id_ in ids if id_ in space.records}}

    def _fetch_by_metadata(self, space: Namespace, body: dict[str, Any]) -> dict[str, Any]:
        where = checked_filter(body["filter"])
        ids = [id_ for id_ in sorted(space.records) if self._meets(space.records[id_], where)]
        page, more = _page(ids, body.get("paginationToken"), body.get("limit", PAGE))
        return {"vectors": {id_: space.records[id_] for id_ in page}, **more}

    @staticmethod
    def _list(space: Namespace, query: dict[str, list[str]]) -> dict[str, Any]:
        limit = int((query.get("limit") or [str(PAGE)])[0])
        if not 1 <= limit <= PAGE:
            raise Refused(400, f"limit must be 1 to {PAGE}")
        ids = [id_ for id_ in sorted(space.records) if id_.startswith((query.get("prefix") or [""])[0])]
        page, more = _page(ids, (query.get("paginationToken") or [None])[0], limit)
        return {"vectors": [{"id": id_} for id_ in page], **more}


def _page(ids: list[str], token: str | None, limit: int) -> tuple[list[str], dict[str, Any]]:
    after = base64.urlsafe_b64decode(token).decode() if token else ""
    rest = [id_ for id_ in ids if id_ > after]
    page = rest[:limit]
    more = len(rest) > limit
    return page, {"pagination": {"next": base64.urlsafe_b64encode(page[-1].encode()).decode()}} if more else {}


class PineconeEmulator:
    """The project: its key, its indexes and what goes wrong.

    Attributes:
        key: the only API key that is accepted.
        delay: seconds until a write is visible.
        ready_after: seconds until a new index is ready.
        absent_differs: see `meets`.
        faults: what the next requests meet.
        exchanges: everything that was asked and answered.
    """

    def __init__(self, key: str, *, delay: float = 0.0, ready_after: float = 0.0, absent_differs: bool = True) -> None:
        self.key = key
        self.delay = delay
        self.ready_after = ready_after
        self.absent_differs = absent_differs
        self.faults: list[Fault] = []
        self.exchanges: list[Exchange] = []
        self.indexes: dict[str, Index] = {}
        self.lock = threading.Lock()
        self.released = threading.Event()
        self._http = _listen(self, None)

    @property
    def url(self) -> str:
        """Address of the control plane."""
        return f"http://127.0.0.1:{self._http.server_port}"

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
            _close(self.indexes.pop(name).http)
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
        self.indexes[wanted["name"]] = Index(self, wanted)
        return self.indexes[wanted["name"]]

    def close(self) -> None:
        """Stop all servers."""
        self.released.set()
        for http in [self._http, *(index.http for index in self.indexes.values())]:
            _close(http)


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

    do_POST = do_PATCH = do_DELETE = do_GET

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

    def _answered(
        self, emulator: PineconeEmulator, index: Index | None, raw: bytes
    ) -> tuple[int, Any, dict[str, str]]:
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
        emulator.exchanges.append(
            Exchange(plane, self.command, address.path, query, body, status, reply, len(raw))
        )
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


@contextmanager
def pinecone_emulator(key: str = "pcsk_test-key", **options: Any) -> Generator[PineconeEmulator]:
    """Serve while the block runs."""
    emulator = PineconeEmulator(key, **options)
    try:
        yield emulator
    finally:
        emulator.close()
