"""Keeps the transformers library off the terminal; importing this module imports it."""

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
