"""From an error message that a user quotes to the definition that raises it."""

from __future__ import annotations

import math
from collections import defaultdict

from agent.chunking.messages import word_pairs
from agent.manifest import Manifest

DEPTH = 5


class ErrorMessages:
    """The messages of one generation, found by the pairs of words that follow each other in them."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest

    def rank(self, question: str) -> list[str]:
        """Rank the definitions whose message is quoted, the longest and most complete quotation first.

        Returns:
            Ids of chunks.
        """
        best: dict[str, float] = defaultdict(float)
        for id_, length, count in self._manifest.quoted(word_pairs(question)):
            best[id_] = max(best[id_], count / length * math.log1p(count))
        return sorted(best, key=lambda id_: (-best[id_], id_))[:DEPTH]
