"""Importing is free: no socket, no model, no environment; and the shell's help comes at once."""

from __future__ import annotations

import ast
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import agent

MODULES = sorted(
    module.name for module in pkgutil.walk_packages(agent.__path__, "agent.") if "__main__" not in module.name
)
NEEDS_TORCH = {
    f"agent.providers.{name}"
    for name in (
        "local_embedding",
        "processor",
        "transformers_talk",
        "llms.huggingface",
        "llms.huggingface_loading",
        "llms.speaker",
    )
}
"""Derive from classes of torch's libraries, and are imported only where a model is about to be loaded."""
NEEDS_PINECONE = {f"agent.providers.stores.pinecone{part}" for part in ("", "_client", "_namespace", "_search")}
"""Derive from the extra's classes, and are imported only where the settings choose Pinecone."""
HEAVY = (
    "torch",
    "transformers",
    "lancedb",
    "xllamacpp",
    "llama_index",
    "litestar",
    "sentence_transformers",
    "pinecone",
)


@pytest.fixture(scope="module")
def imported() -> str:
    """What an interpreter says that may not open sockets and imports every module."""
    program = f"""
import socket, sys, os
def refuse(*_, **__): raise AssertionError("a socket was opened at import")
socket.socket.connect = refuse
before = dict(os.environ)
for name in {[name for name in MODULES if name not in {*NEEDS_TORCH, *NEEDS_PINECONE}]!r}:
    __import__(name)
print("torch" in sys.modules, "xllamacpp" in sys.modules, "pinecone" in sys.modules)
for name in {sorted(NEEDS_TORCH)!r}:
    __import__(name)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_no_module_opens_a_socket_or_loads_a_model(imported: str) -> None:
    assert imported.split() == ["False", "False", "False"]


def test_the_shell_imports_nothing_heavy() -> None:
    program = f"import sys, agent.cli; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_only_settings_reads_the_environment() -> None:
    root = Path(agent.__file__).parent
    readers: set[str] = set()
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "environb"}:
                readers.add(path.name)
    assert readers == {"settings.py"}
