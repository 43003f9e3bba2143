"""A model hub on this machine: what its client asks for when it downloads a model, and its refusals."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
Models = Mapping[str, Mapping[str, bytes] | int]
"""Repository -> its files, or the status with which it is refused."""
Reply = tuple[int, bytes, dict[str, str]]
_REFUSALS = {401: "RepoNotFound", 403: "GatedRepo"}


class Hub:
    """What it holds, and what was asked of it.

    Attributes:
        url: its address.
        given: paths of the files that were downloaded.
    """

    def __init__(self, models: Models) -> None:
        self._models = models
        self.url = ""
        self.given: list[str] = []

    def reply(self, method: str, path: str) -> Reply:
        """Answer a request with status, body and headers."""
        parts = path.partition("?")[0].strip("/").split("/")
        if parts == [""]:
            return 200, b"", {}
        about = parts[:2] == ["api", "models"]
        owner, name, *rest = parts[2:] if about else parts
        held = self._models.get(f"{owner}/{name}", 401)
        if isinstance(held, int):
            return held, b"{}", {"X-Error-Code": _REFUSALS[held]}
        if about:
            return 200, json.dumps(_listed(held) if "tree" in rest else _said(held)).encode(), {}
        return self._file(method, held, "/".join(rest[2:]))  # resolve/REVISION/PATH

    def _file(self, method: str, held: Mapping[str, bytes], path: str) -> Reply:
        if path not in held:
            return 404, b"", {"X-Error-Code": "EntryNotFound"}
        if method == "GET":
            self.given.append(path)
        return 200, held[path], {"ETag": f'"{_digest(held[path])}"', "X-Repo-Commit": COMMIT}


def _said(held: Mapping[str, bytes]) -> object:
    return {"_id": "1", "id": "someone/model", "sha": COMMIT, "siblings": [{"rfilename": path} for path in held]}


def _listed(held: Mapping[str, bytes]) -> object:
    return [{"type": "file", "path": path, "size": len(data), "oid": _digest(data)} for path, data in held.items()]


def _digest(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


@contextmanager
def serving(models: Models) -> Generator[Hub]:
    """Serve models until the block ends."""
    hub = Hub(models)

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - same
            """Say nothing."""

        def _answer(self) -> None:
            status, body, headers = hub.reply(self.command, self.path)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
