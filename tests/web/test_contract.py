"""Requests made up from the OpenAPI document, fitting and not, and replies held to what it promises."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from agent.settings import Settings
from tests.fakes import ScriptedService, running

CONFIG = Path(__file__).with_name("schemathesis.toml")


def test_every_reply_is_as_documented(tmp_path: Path) -> None:
    """For a deeper look, `st --config-file tests/web/schemathesis.toml run http://127.0.0.1:8000/schema/openapi.json`."""
    program = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)]
    with running(ScriptedService(), Settings(queue_size=100)) as client:
        command = [*program, "run", f"{client.base_url}/schema/openapi.json", "--max-examples=3", "--seed=1"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
