"""The README does what it says: its commands are run as they stand."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import agent
from agent.service import Service
from agent.settings import PREFIX, Settings, as_markdown, child_environment

REPOSITORY = Path(agent.__file__).parents[1]
README = (REPOSITORY / "README.md").read_text()
BLOCKS = re.findall(r"^```\w*\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = [line.split("  #")[0].strip() for block in BLOCKS for line in block.splitlines()]
SHELL = [command for command in COMMANDS if command.startswith("fury-agent ") and "serve" not in command]
CURL = [command for command in COMMANDS if command.startswith("curl ")]
MAKE = [command for command in COMMANDS if command.startswith("make ")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, fury_service: Service) -> Path:
    """A folder with a library in it, and a data directory that starts with the machine's index of FURY."""
    shared = fury_service.settings.data_dir
    folder = tmp_path_factory.mktemp("readme")
    data = folder / "data"
    shutil.copytree(shared / "indexes" / "fury" / "2.0.0", data / "indexes" / "fury" / "2.0.0")
    for name in ("weights", "sources", "embeddings.sqlite"):
        (data / name).symlink_to(shared / name)
    (folder / "my-library").mkdir()
    (folder / "my-library" / "mine.py").write_text('def mine():\n    """Do what is mine."""\n')
    return folder


def environment(home: Path) -> dict[str, str]:
    """The README's commands, without waiting for the language model: another test has the real one."""
    bin_directory = Path(sys.executable).parent
    inherited = child_environment()
    return {
        **inherited,
        "PATH": f"{bin_directory}:{inherited['PATH']}",
        f"{PREFIX}DATA_DIR": str(home / "data"),
        f"{PREFIX}LLM": "none",
    }


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.network
@pytest.mark.timeout(600)
def test_the_shell_commands_run(home: Path) -> None:
    """In the order of the page: a later one may need what an earlier one indexed."""
    assert len(SHELL) >= 7
    for command in SHELL:
        done = subprocess.run(
            shlex.split(command), cwd=home, env=environment(home), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        assert done.stdout.strip() or command.startswith("fury-agent check")  # which found nothing
        if command.startswith("fury-agent search"):
            assert re.search(r"^fury/window.py:\d+-\d+  ShowManager", done.stdout, re.MULTILINE)
            assert re.search(r"^ +def ", done.stdout, re.MULTILINE)  # nothing wrapped or numbered in a pipe


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[str]:
    """The address of `fury-agent serve`."""
    command = ["fury-agent", "serve", "--port", "0"]
    with subprocess.Popen(command, cwd=home, env=environment(home), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("fury-agent listening on http://127.0.0.1:")
        yield line.split()[-1]
        process.terminate()
        assert process.wait(20) == 0


@pytest.mark.weights
def test_the_curl_commands_run(server: str, home: Path) -> None:
    plain, streamed = (
        subprocess.run(
            shlex.split(command.replace("http://127.0.0.1:8000", server)),
            env=environment(home),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for command in CURL
    )
    assert json.loads(plain)["citations"][0]["symbol"] == "sphere"
    assert streamed.startswith("event: sources")
    assert "event: answer" in streamed


def test_the_make_targets_exist() -> None:
    assert MAKE
    for command in MAKE:
        done = subprocess.run(["make", "--dry-run", *shlex.split(command)[1:]], cwd=REPOSITORY, check=False)
        assert done.returncode == 0, command


def test_every_setting_has_a_meaning() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_page_of_settings_is_current() -> None:
    """`make docs` writes it."""
    assert (REPOSITORY / "docs" / "settings.md").read_text() == as_markdown()


def test_every_name_in_the_documentation_is_a_setting() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    pages = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *(REPOSITORY / "docs").glob("*.md")]
    named = {name for page in pages for name in re.findall(rf"{PREFIX}[A-Z_]*[A-Z]", page.read_text())}
    assert named <= known
