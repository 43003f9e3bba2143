"""A real PostgreSQL on 127.0.0.1, with a database of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import eventually
from tests.servers.ports import free_port

NOBODY = "nobody"


@contextmanager
def postgres_server() -> Generator[str]:
    """Serve while the block runs, and give the address; the test is skipped where the programs are not installed."""
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="postgres-") as temporary:  # pytest's own are closed to other users
        directory = Path(temporary)
        who = _not_root(directory)
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/", **who}
        made = [programs / "initdb", "-D", directory / "data", "-U", "tests", "-A", "trust", "--no-sync", "--no-locale"]
        subprocess.run([*made, "-E", "UTF8"], check=True, **quiet)
        port = free_port()
        where = ["-D", directory / "data", "-h", "127.0.0.1", "-p", str(port), "-c", "unix_socket_directories="]
        with subprocess.Popen([programs / "postgres", *where, "-F"], **quiet) as process:
            try:
                ready = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
                assert eventually(lambda: subprocess.run(ready, check=False).returncode == 0, 30)
                yield f"postgresql://tests@127.0.0.1:{port}/postgres"
            finally:
                process.send_signal(signal.SIGINT)  # "fast": breaks connections off
                process.wait(20)


def _programs() -> Path:
    """Return where PostgreSQL's programs are; Debian does not put all of them on the path."""
    found = shutil.which("initdb") or next(
        (str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)), None
    )
    if found is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    return Path(found).resolve().parent


def _not_root(directory: Path) -> dict[str, Any]:
    """Return whom to run it as: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam(NOBODY)
    os.chown(directory, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
