"""Log lines without the tokens that addresses of Discord carry."""

from __future__ import annotations

import logging
import re

_TOKENS = re.compile(r"((?:webhooks|interactions)/\d+)/[\w.-]+")


class WithoutTokens(logging.Formatter):
    """Another formatter's lines, tracebacks included, with tokens cut out.

    Args:
        formatter: makes the lines.
    """

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self._formatter = formatter

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return _TOKENS.sub(r"\1/...", self._formatter.format(record))


def hide_tokens() -> None:
    """Cut tokens out of whatever this process logs from now on, however it does that."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(WithoutTokens(handler.formatter or logging.Formatter()))
