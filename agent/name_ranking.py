"""From plain words to the definitions in whose names they occur."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from agent.manifest import Manifest

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
        said = np.zeros(len(self._weight))
        for numbers in self._manifest.named(tokens).values():
            said[numbers] += self._rarity(numbers)
        found = np.flatnonzero(said)
        coverage = said[found] / self._weight[found]
        found, coverage = found[coverage >= COVERAGE], coverage[coverage >= COVERAGE]
        scores = said[found] * coverage * self._worth[found]
        if len(scores) > DEPTH:
            best = np.flatnonzero(scores >= np.partition(scores, -DEPTH)[-DEPTH])
            found, scores = found[best], scores[best]
        return self._manifest.ids(found[np.argsort(-scores, kind="stable")][:DEPTH].tolist())

    def _rarity(self, numbers: NDArray[np.int32]) -> float:
        return float(np.log1p(self._places / len(numbers)))

    @cached_property
    def _places(self) -> int:
        return self._manifest.count_places()

    @cached_property
    def _weight(self) -> NDArray[np.float64]:
        """Weight of all tokens of each place's name; numbers begin at 1."""
        weight = np.zeros(self._places + 1)
        for _, numbers in self._manifest.names():
            weight[numbers] += self._rarity(numbers)
        return weight

    @cached_property
    def _worth(self) -> NDArray[np.float64]:
        worth = np.ones(self._places + 1)
        worth[self._manifest.hidden()] = PRIVATE
        return worth
