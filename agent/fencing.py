"""What keeps data apart from instructions in a prompt: nothing that a user or a source wrote can pass for a fence."""

from __future__ import annotations

import re
import unicodedata

_MARKERS = re.compile(
    r"</?\s*(?:passages?|problems?|question|context|system)\s*>"
    r"|<\|[^|>]{0,40}\|>|\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>",  # of ChatML, Phi, Llama, Gemma
    re.IGNORECASE,
)
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs"})
"""Unicode categories that a reader does not see: controls, zero-width and bidirectional marks, tags, private use."""


def as_data(text: str) -> str:
    """Return `text` without what could pass for more than data.

    The markers that fence it in a prompt go, a chat template's control tokens, and characters that nobody sees: they
    hide words from readers, or markers from us.
    """
    seen = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in _UNSEEN)
    while (cleaned := _MARKERS.sub(" ", seen)) != seen:  # taking one out may leave another
        seen = cleaned
    return seen
