"""What the transformers library says: off the terminal, and short in our errors; importing this module imports it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from transformers.utils import logging as log


@contextmanager
def quiet() -> Generator[None]:
    """Keep transformers' progress bars and remarks off the terminal while a model is loaded."""
    level, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(level)
        if bars:
            log.enable_progress_bar()


def first_line(error: Exception) -> str:
    """Return what an error says first; further lines advise what we do not do, as running a model's own code."""
    said = str(error).strip().splitlines()
    return said[0].rstrip(" .") if said else type(error).__name__
