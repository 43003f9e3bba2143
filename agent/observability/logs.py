"""How log lines look: the modules use `logging`, structlog writes the lines, with the request's id in each."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import Processor

from agent.settings import Settings, unknown_variables

_log = logging.getLogger(__name__)


def configure(settings: Settings) -> None:
    """Write log lines to stderr, as `log_format` and `log_level` say; for programs, not for who embeds us.

    Other packages are heard from warnings on: some of them log whole prompts when asked for details.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(settings)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("agent").setLevel(settings.log_level)
    for name, nearest in unknown_variables().items():
        _log.warning("%s is no setting, and does nothing.%s", name, f" Is {nearest} meant?" if nearest else "")


def _rendering(settings: Settings) -> list[Processor]:
    if settings.log_format == "json":
        # A traceback as text: frames with their variables would show questions and keys.
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    colors = sys.stderr.isatty()
    plain = structlog.dev.plain_traceback  # as above
    return [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)]
