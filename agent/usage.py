"""Examples speak for what they use: where a tutorial answers a question, so do the symbols that it shows."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property

from agent.manifest import Manifest
from agent.symbols import ApiModel, Symbol

WITNESSES = 5
"""How many of the best blocks of examples are heard."""
DEPTH = 15
"""How many symbols they name."""


class Usage:
    """What the examples of one generation use.

    Args:
        manifest: knows the names in each block.
        api: knows what the names stand for.
    """

    def __init__(self, manifest: Manifest, api: ApiModel) -> None:
        self._manifest = manifest
        self._api = api

    def rank(self, scores: Mapping[str, float]) -> list[str]:
        """Rank definitions by how well the blocks that use them match, those that few examples use first.

        Args:
            scores: how well each chunk matches a question.

        Returns:
            Ids of the definitions' chunks.
        """
        found = sorted((id_ for id_ in scores if id_ in self._used), key=lambda id_: (-scores[id_], id_))
        lent: dict[str, float] = defaultdict(float)
        for witness in found[:WITNESSES]:
            for used in self._used[witness]:
                lent[used] += scores[witness] * self._rarity[used]
        return sorted(lent, key=lambda id_: (-lent[id_], id_))[:DEPTH]

    @cached_property
    def _used(self) -> Mapping[str, frozenset[str]]:
        """Block -> definitions."""
        uses = self._manifest.uses
        symbols = {name: symbol.path for name in {name for _, name in uses} for symbol in self._meant(name)}
        places = {place.qualified: place.id for place in self._manifest.qualified(symbols.values())}
        used: dict[str, set[str]] = defaultdict(set)
        for block, name in uses:
            if (id_ := places.get(symbols.get(name))) is not None:
                used[block].add(id_)
        return {block: frozenset(ids) for block, ids in used.items()}

    @cached_property
    def _rarity(self) -> Mapping[str, float]:
        """Definition -> how telling its use is: what every example needs says nothing about any of them."""
        path = self._manifest.paths(self._used)
        users: dict[str, set[str]] = defaultdict(set)
        for block, ids in self._used.items():
            for id_ in ids:
                users[id_].add(path[block])
        examples = len(set(path.values()))
        return {id_: math.log1p(examples / len(paths)) for id_, paths in users.items()}

    def _meant(self, name: str) -> Iterator[Symbol]:
        """Yield the symbol that a name stands for; of a method of an unknown value, if there is but one."""
        if not name.startswith("."):
            symbol = self._api.resolve(name)
            if symbol is not None:
                yield symbol
            return
        methods = [symbol for symbol in self._api.find(name[1:]) if symbol.public and symbol.kind in _MEMBERS]
        if len(methods) == 1:
            yield methods[0]


_MEMBERS = {"method", "property"}
