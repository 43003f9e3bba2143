"""From plain words to the definitions in whose names they occur."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from agent.manifest import Manifest, rarity

DEPTH = 15
"""How many definitions are named: one that shares a common word with the question says little."""
COVERAGE = 0.4
"""Share of a name, by weight, that a question must say before the name counts."""
PRIVATE = 0.4
"""What a private symbol's match is worth against a public one's: users can't call it."""


class NameRanking:
    """The names of one generation.

    A frequent word occurs in a hundred thousand names of a large index: they are weighed as arrays, and only the best
    are looked up.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest

    def rank(self, tokens: Iterable[str]) -> list[str]:
        """Rank definitions by how much of their name the tokens say, rare ones first.

        Returns:
            Ids of chunks.
        """
        weights = self._manifest.weights
        said = np.zeros(len(weights))
        for numbers in self._manifest.named(tokens).values():
            said[numbers] += rarity(len(weights) - 1, len(numbers))
        found = np.flatnonzero(said)
        coverage = said[found] / weights[found]
        found, coverage = found[coverage >= COVERAGE], coverage[coverage >= COVERAGE]
        scores = (
            said[found] * coverage * np.where(np.isin(found, self._manifest.hidden, assume_unique=True), PRIVATE, 1.0)
        )
        if len(scores) > DEPTH:
            best = np.flatnonzero(scores >= np.partition(scores, -DEPTH)[-DEPTH])
            found, scores = found[best], scores[best]
        return self._manifest.ids(found[np.argsort(-scores, kind="stable")][:DEPTH].tolist())
