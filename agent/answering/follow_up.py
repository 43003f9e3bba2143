"""A question that leans on the one before ("and with a texture?") -> one that can be answered by itself.

By rules of English, without a model: what was asked before lends its words, in brackets. What each way of joining them
is worth is measured by `python -m evals follow-ups`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.chunking.tokens import code_tokens
from agent.ranking.named_places import identifiers
from agent.records import Turn
from agent.schema import MAX_QUESTION

MOST_WORDS = 14
"""Of a question that is joined to one before; a longer one says what it is about."""
FEW_THINGS = 3
"""Content words of a question that may lean on another although it is a sentence: "how do I change the font size?"."""
LENT_WORDS = 16
"""How many words the earlier question lends at most."""

_JOINED = re.compile(
    r"(?:(?:and|but|or|so|ok|okay|then|also|plus|now|thanks|great)\b[\s,.!]*)*"
    r"(?:(?:what|how) (?:about|if|of)\b\s*|(?:the )?same (?:thing )?(?:for|with|but)\b\s*|instead\b[\s,]*)?",
    re.IGNORECASE,
)
_POINTS_BACK = re.compile(
    r"\b(?:it|its|they|them|their|this|these|those|again|(?:that|one|ones)(?=\W*$|\s+(?:after|as|at|for|from|in|on|to|with)\b))\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w")
_SENTENCE_END = re.compile(r"[.?!:;]\s+\S|\n\s*\S")
_SAYS_NOTHING = frozenset(("add", "get", "make", "many", "put", "see", "show", "want"))


def whole_question(question: str, turns: Sequence[Turn]) -> str:
    """Return the question, with words of the last one behind it where it leans on that.

    Args:
        question: as it was asked.
        turns: what came before in the same conversation, oldest first.
    """
    if not turns or not leans(question):
        return question
    own = _JOINED.sub("", question.strip(), count=1) or question
    lent = _content(turns[-1].question)[:LENT_WORDS]
    whole = f"{own} ({' '.join(lent)})"
    return whole if lent and len(whole) <= MAX_QUESTION else question


def leans(question: str) -> bool:
    """Whether a question seems to leave out what it is about: joined to one before, pointing back, or saying little."""
    text = question.strip()
    if len(text.split()) > MOST_WORDS or _SENTENCE_END.search(text) or identifiers(text):
        return False
    joined = _JOINED.match(text)
    if joined is not None and joined[0]:
        return bool(_WORD.search(text, joined.end()))  # "Thanks!" asks for nothing
    return len(_content(text)) <= FEW_THINGS + bool(_POINTS_BACK.search(text))


def _content(question: str) -> list[str]:
    """Return the words of a question that say what it is about."""
    words = re.findall(r"[\w.]*\w", question)
    return [word for word in words if code_tokens(word) and word.lower() not in _SAYS_NOTHING]
