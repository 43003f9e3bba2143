"""`fury-agent sandbox` and what `doctor` says of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.diagnosis import doctor
from agent.errors import InvalidInput, SandboxUnavailable
from agent.settings import PREFIX, Settings
from agent.shell.sandbox import app


def test_a_file_is_run(plain_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}DATA_DIR", str(plain_data))
    (tmp_path / "code.py").write_text("print('hello')\n1 / 0")
    result = CliRunner().invoke(app, ["run", str(tmp_path / "code.py"), "--spec", "plain==1.0"])
    assert result.exit_code == 1
    assert result.stdout == "hello\n"
    assert "Line 2: 1 / 0\nZeroDivisionError" in result.stderr


def test_without_an_environment_it_says_what_to_do(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{PREFIX}DATA_DIR", str(settings.data_dir))
    (tmp_path / "code.py").write_text("pass")
    result = CliRunner().invoke(app, ["run", str(tmp_path / "code.py")])
    assert isinstance(result.exception, SandboxUnavailable)
    assert "fury-agent sandbox prepare 'fury==2.0.0'" in str(result.exception)


@pytest.mark.parametrize(
    ("code", "spec", "said"),
    [(b"print('\xe9')", "plain==1.0", "is not UTF-8"), (b"pass", "plain", "names no version")],
)
def test_what_cannot_be_run_is_said_in_our_own_words(code: bytes, spec: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "code.py").write_bytes(code)
    result = CliRunner().invoke(app, ["run", str(tmp_path / "code.py"), "--spec", spec])
    assert isinstance(result.exception, InvalidInput)
    assert said in str(result.exception)


def found_by_doctor(settings: Settings) -> list[tuple[str, str]]:
    return [(finding.state, finding.remedy) for finding in doctor.examine(settings) if finding.part == "sandbox"]


def test_doctor_does_not_miss_what_is_not_enabled(settings: Settings) -> None:
    assert found_by_doctor(settings) == [("optional", "export FURY_AGENT_SANDBOX=bubblewrap")]


def test_doctor_names_what_an_enabled_sandbox_lacks(settings: Settings) -> None:
    enabled = settings.model_copy(update={"sandbox": "bubblewrap"})
    assert ("missing", "fury-agent sandbox prepare 'fury==2.0.0'") in found_by_doctor(enabled)


def test_doctor_is_content_where_code_can_run(plain_data: Path) -> None:
    enabled = Settings(data_dir=plain_data, sandbox="bubblewrap", library="plain==1.0")
    assert found_by_doctor(enabled) == [("ok", "")]
