"""Whatever is logged, and however: no token of Discord's stands in it."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from agent.discord.logs import hide_tokens
from agent.observability.logs import configure
from agent.settings import Settings

ADDRESS = "https://discord.com/api/v10/webhooks/42/aBc-1.x_2/messages"


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_tokens_are_cut_out_of_lines_extras_and_tracebacks(capsys: pytest.CaptureFixture[str], log_format: str) -> None:
    configure(Settings(log_format=log_format))  # pyright: ignore[reportArgumentType] - one of the two
    hide_tokens()
    log = logging.getLogger("agent.discord")
    log.info("Asked %s.", ADDRESS, extra={"why": ADDRESS})
    try:
        Path(ADDRESS).read_bytes()
    except OSError:
        log.exception("It failed.")
    said = capsys.readouterr().err
    assert said.count("webhooks/42/...") == 3
    assert "aBc" not in said
