"""The bot's log: one JSON object a line, without the tokens that addresses of Discord carry."""

from __future__ import annotations

import logging
import re
import sys
from datetime import UTC, datetime

import msgspec

_TOKENS = re.compile(r"((?:webhooks|interactions)/\d+)/[\w.-]+")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


class JsonLines(logging.Formatter):
    """Time, level, logger, message, what was given as `extra`, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **{name: value for name, value in vars(record).items() if name not in _STANDARD},
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return _TOKENS.sub(r"\1/...", msgspec.json.encode(line, enc_hook=str).decode())


def log_to_stderr() -> None:
    """Send what is logged from now on to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each request says nothing
