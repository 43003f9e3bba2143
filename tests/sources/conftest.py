"""A package index on this machine, as honest or as broken as a test wants it."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from agent.sources import package_index
from agent.sources.pip_config import PipConfig

SOURCE = {
    "PKG-INFO": "Metadata-Version: 2.1\nName: Nice-Lib\nVersion: 1.2.0\nProject-URL: Source, https://github.com/o/nice\n",
    "nice_lib/__init__.py": "def answer():\n    return 42\n",
    "README.md": "# Nice\n",
}


def make_sdist(files: dict[str, str], top: str = "nice_lib-1.2.0") -> bytes:
    """Return a .tar.gz of `files` below one directory."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(f"{top}/{name}")
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


def write_tree(root: Path, files: dict[str, str | bytes]) -> Path:
    """Write `files` below `root`."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


class FakeIndex:
    """Serves `/simple/NAME/` as PEP 691 says, and files below `/files/`."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.hashes: dict[str, str] = {}
        self.yanked: set[str] = set()
        self.status = 200
        self.page: bytes | None = None
        self.cut = 0  # bytes left out at the end of a download
        self.delay = 0.0  # seconds before a file is answered
        self.requests: list[str] = []
        self.url = ""

    def add(self, name: str, content: bytes, *, sha256: str | None = None) -> None:
        self.files[name] = content
        self.hashes[name] = sha256 or hashlib.sha256(content).hexdigest()

    def body(self, path: str) -> tuple[int, str, bytes]:
        name = path.rpartition("/files/")[2]
        if name in self.files:
            return 200, "application/octet-stream", self.files[name]
        if path != "/simple/nice-lib/":
            return 404, "text/plain", b""
        files = [
            {"filename": name, "url": f"/files/{name}", "hashes": {"sha256": digest}, "yanked": name in self.yanked}
            for name, digest in self.hashes.items()
        ]
        page = json.dumps({"meta": {"api-version": "1.0"}, "name": "nice-lib", "files": files}).encode()
        return self.status, "application/vnd.pypi.simple.v1+json", page if self.page is None else self.page


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeIndex]:
    fake = FakeIndex()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fake.requests.append(self.path)
            status, kind, content = fake.body(self.path)
            is_file = "/files/" in self.path
            if is_file:
                time.sleep(fake.delay)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) - (fake.cut if is_file else 0)])

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    fake.url = f"http://127.0.0.1:{server.server_port}/simple"
    monkeypatch.setattr(package_index, "read_pip_config", lambda: PipConfig(index_url=fake.url))
    yield fake
    server.shutdown()
    server.server_close()
