"""Log lines as the operator reads them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from structlog.contextvars import bound_contextvars

from agent.observability.logs import configure
from agent.settings import Settings

LOG = logging.getLogger("agent.somewhere")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Put the process's logging back: other tests listen to it."""
    root, ours = logging.getLogger(), logging.getLogger("agent")
    before = root.handlers, root.level, ours.level
    yield
    root.handlers = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


def test_a_json_line_holds_who_says_what_for_which_request(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Settings(log_format="json"))
    with bound_contextvars(request_id="0123abcd"):
        LOG.info("Took %d steps.", 3, extra={"route": "/query"})
    line = json.loads(capsys.readouterr().err)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "Took 3 steps.",
        "level": "info",
        "logger": "agent.somewhere",
        "request_id": "0123abcd",
        "route": "/query",
    }


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_traceback_shows_no_variables(capsys: pytest.CaptureFixture[str], log_format: str) -> None:
    configure(Settings(log_format=log_format))  # pyright: ignore[reportArgumentType] - one of the two
    key = "sk-" + "123"
    try:
        _ = [][len(key)]
    except IndexError:
        LOG.exception("It failed.")
    said = capsys.readouterr().err
    assert "IndexError: list index out of range" in said
    assert "sk-123" not in said


def test_the_level_is_ours_alone(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Settings(log_level="DEBUG"))
    LOG.debug("ours")
    logging.getLogger("openai").info("a whole prompt")
    logging.getLogger("openai").warning("theirs")
    said = capsys.readouterr().err
    assert "ours" in said
    assert "theirs" in said
    assert "prompt" not in said


def test_configuring_twice_writes_each_line_once(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Settings())
    configure(Settings())
    LOG.warning("once")
    assert capsys.readouterr().err.count("once") == 1


def test_a_misspelt_setting_is_told_when_a_program_starts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FURY_AGENT_PROT", "secret")
    configure(Settings(log_format="json"))
    line = json.loads(capsys.readouterr().err)
    assert line["event"] == "FURY_AGENT_PROT is no setting, and does nothing. Is FURY_AGENT_PORT meant?"
    assert line["level"] == "warning"
