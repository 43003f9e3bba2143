"""Programs of answers are run in turn, and what they show is kept."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from agent.answering.code_runner import CodeRunner, Turns
from agent.cancellation import CancelToken
from agent.errors import Cancelled, SandboxUnavailable
from agent.sandbox import picture_path
from agent.settings import Settings, load_settings

PICTURE = """
import struct, zlib
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
png = b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 8, 2, 0, 0, 0))
png += chunk(b"IDAT", zlib.compress(b"\\0\\xff\\0\\0\\0\\0\\xff")) + chunk(b"IEND", b"")
open("shown.png", "wb").write(png)
"""


@pytest.fixture
def settings(plain_data: Path) -> Settings:
    return load_settings(data_dir=plain_data, sandbox="bubblewrap", sandbox_timeout=20.0)


def test_a_run_is_told_and_its_picture_kept(settings: Settings) -> None:
    ran = CodeRunner(settings, "plain", "1.0", Turns(1)).run(PICTURE, CancelToken())
    assert ran.ok, ran.error
    assert ran.image_url is not None
    path = picture_path(ran.image_url.removeprefix("/pictures/"), settings)
    assert path is not None
    assert path.read_bytes().startswith(b"\x89PNG")


def test_an_error_is_told(settings: Settings) -> None:
    ran = CodeRunner(settings, "plain", "1.0", Turns(1)).run("x = 1\nx.y", CancelToken())
    assert not ran.ok
    assert ran.image_url is None
    assert ran.error == "Line 2: x.y\nAttributeError: 'int' object has no attribute 'y'"


def test_a_version_without_environment_is_not_run(settings: Settings) -> None:
    with pytest.raises(SandboxUnavailable, match="no environment of plain 2"):
        CodeRunner(settings, "plain", "2", Turns(1)).run("1", CancelToken())


def test_turns_are_given_back_and_waiting_ends() -> None:
    turns = Turns(1)
    turns.wait(1, CancelToken())
    with pytest.raises(SandboxUnavailable, match="busy"):
        turns.wait(0, CancelToken())
    gone = CancelToken()
    threading.Timer(0.1, gone.cancel).start()
    with pytest.raises(Cancelled):
        turns.wait(10, gone)
    turns.done()
    turns.wait(0, CancelToken())
