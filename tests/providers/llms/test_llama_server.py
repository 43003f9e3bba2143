"""A model that never finishes loading holds up nobody for long; small programs stand for llama.cpp."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from agent.errors import ModelTimeout, ModelUnavailable
from agent.providers.llms.llama_server import LlamaServer
from tests.fakes import eventually

ADDRESS = "http://127.0.0.1:1"
HANGS = """
import time
time.sleep(100)
"""
SERVES = f"""
import sys
sys.stdin.readline()
print({ADDRESS!r}, flush=True)
sys.stdin.read()
"""
SOON = 3.0
"""Seconds that count as at once on a busy machine."""


def serving(folder: Path, program: str, start_timeout: float = 100) -> LlamaServer:
    script = folder / "program.py"
    script.write_text(program)
    return LlamaServer(folder / "model.gguf", start_timeout=start_timeout, program=str(script))


def test_a_child_that_never_answers_is_killed_after_the_deadline(tmp_path: Path) -> None:
    server = serving(tmp_path, HANGS, start_timeout=0.4)
    before = time.monotonic()
    with pytest.raises(ModelTimeout, match=r"model\.gguf' within 0\.4 seconds.*FURY_AGENT_LLM_MODEL"):
        server.address()
    assert 0.4 <= time.monotonic() - before < SOON
    assert server._process is None


def test_the_next_question_after_a_failed_start_starts_anew(tmp_path: Path) -> None:
    server = serving(tmp_path, HANGS, start_timeout=1.5)
    with pytest.raises(ModelTimeout):
        server.address()
    (tmp_path / "program.py").write_text(SERVES)
    assert server.address() == server.address() == ADDRESS
    server.close()


def test_the_deadline_is_for_the_start_alone(tmp_path: Path) -> None:
    server = serving(tmp_path, SERVES, start_timeout=1.0)
    assert server.address() == ADDRESS
    process = server._process
    time.sleep(1.2)
    assert process is not None
    assert process.poll() is None
    server.close()
    assert process.returncode is not None


def test_closing_kills_a_child_that_is_still_loading(tmp_path: Path) -> None:
    server = serving(tmp_path, HANGS)
    raised: list[ModelUnavailable] = []

    def ask() -> None:
        with pytest.raises(ModelUnavailable, match="stopped while it loaded") as caught:
            server.address()
        raised.append(caught.value)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    assert eventually(lambda: server._process is not None, SOON)
    process = server._process
    before = time.monotonic()
    server.close()
    asking.join(SOON)
    assert time.monotonic() - before < SOON
    assert raised
    assert process is not None
    assert process.returncode is not None
    assert server._process is None
