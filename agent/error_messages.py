"""From an error message that a user quotes to the definition that raises it."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise

from agent.chunking.messages import HOLE

ENOUGH = 0.5
"""Share of a message's word pairs that a question must quote."""
SHORTEST = 2
"""Word pairs that make a message; "Invalid value" could be anybody's."""
DEPTH = 5

_WORD = re.compile(r"\w+")

Pair = tuple[str, str]


class ErrorMessages:
    """The messages of one generation, found by the pairs of words that follow each other in them.

    Args:
        messages: (chunk id, message with holes).
    """

    def __init__(self, messages: Iterable[tuple[str, str]]) -> None:
        pairs = ((id_, word_pairs(text)) for id_, text in messages)
        known = [(id_, own) for id_, own in pairs if len(own) >= SHORTEST]
        self._messages = [(id_, len(own)) for id_, own in known]
        self._saying: dict[Pair, list[int]] = defaultdict(list)
        for number, (_, own) in enumerate(known):
            for pair in own:
                self._saying[pair].append(number)

    def rank(self, question: str) -> list[str]:
        """Rank the definitions whose message is quoted, the longest and most complete quotation first."""
        quoted = Counter(number for pair in word_pairs(question) for number in self._saying.get(pair, ()))
        best: dict[str, float] = defaultdict(float)
        for number, count in quoted.items():
            id_, length = self._messages[number]
            if count >= ENOUGH * length:
                best[id_] = max(best[id_], count / length * math.log1p(count))
        return sorted(best, key=lambda id_: (-best[id_], id_))[:DEPTH]


def word_pairs(text: str) -> set[Pair]:
    """Return the pairs of neighbouring words, none across a hole."""
    runs = (_WORD.findall(part.lower()) for part in text.split(HOLE))
    return {pair for words in runs for pair in pairwise(words)}
