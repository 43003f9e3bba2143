"""A real Redis on 127.0.0.1, that a test can stop, freeze and start again."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes import eventually
from tests.servers.ports import accepts, free_port


class RedisServer:
    """Keeps nothing on disk: each start is a new one.

    Args:
        program: path of `redis-server`.
        directory: an empty one.
    """

    def __init__(self, program: str, directory: Path) -> None:
        self._program = program
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @property
    def url(self) -> str:
        """Address for clients."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start, and wait until it answers."""
        where = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self._directory)]
        command = [self._program, *where, "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert eventually(lambda: accepts(self.port), 10)

    def stop(self) -> None:
        """End it; its port refuses connections."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self, *, frozen: bool = True) -> None:
        """Have it hold connections open and say nothing, as behind a network that has gone; or go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)


@contextmanager
def redis_server(directory: Path) -> Generator[RedisServer]:
    """Serve while the block runs; the test is skipped where the program is not installed."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed (Debian: redis-server)")
    server = RedisServer(program, directory)
    server.start()
    try:
        yield server
    finally:
        server.stop()
