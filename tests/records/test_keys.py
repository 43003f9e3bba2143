"""API keys: shown once, kept as digests, revoked for good."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.cli import app
from agent.errors import InvalidInput
from agent.records import Records
from agent.records.keys import digest
from agent.settings import PREFIX, Settings


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv(f"{PREFIX}DATA_DIR", str(tmp_path / "data"))
    return CliRunner()


def test_a_key_is_kept_as_a_digest_alone(settings: Settings) -> None:
    records = Records(settings)
    key = records.keys.add("docs")
    [kept] = records.keys.all()
    records.close()
    assert (kept.name, kept.digest, kept.revoked) == ("docs", digest(key), None)
    assert key.startswith("fury_")
    assert len(key) > 40
    for path in settings.data_dir.iterdir():
        assert key.encode() not in path.read_bytes()


def test_a_revoked_key_stays_with_its_name(settings: Settings) -> None:
    records = Records(settings)
    records.keys.add("docs")
    records.keys.revoke("docs")
    with pytest.raises(InvalidInput, match="'docs'"):
        records.keys.revoke("docs")
    with pytest.raises(InvalidInput, match=r"'docs' already.*another name"):
        records.keys.add("docs")
    assert [key.revoked is not None for key in records.keys.all()] == [True]
    records.close()


@pytest.mark.parametrize("name", ["", "a b", "-x", "ü", "x" * 65, "a\n"])
def test_a_name_that_cannot_be_used_is_named(settings: Settings, name: str) -> None:
    records = Records(settings)
    with pytest.raises(InvalidInput, match="no name for a key"):
        records.keys.add(name)
    records.close()


def test_the_shell_makes_lists_and_revokes(command: CliRunner, settings: Settings) -> None:
    assert "no keys" in command.invoke(app, ["keys", "list"]).stderr
    made = command.invoke(app, ["keys", "add", "docs"])
    key = made.stdout.strip()
    assert made.exit_code == 0
    assert key not in made.stderr
    shown = command.invoke(app, ["keys", "list"]).stdout
    assert shown.startswith("docs\tmade 2")
    assert "counts" in shown
    assert key not in shown
    assert command.invoke(app, ["keys", "revoke", "docs"]).exit_code == 0
    assert "revoked 2" in command.invoke(app, ["keys", "list"]).stdout
    records = Records(settings)
    assert [kept.digest for kept in records.keys.all()] == [digest(key)]
    records.close()
