"""Examples speak for what they use: where a tutorial answers a question, so do the symbols that it shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from agent.manifest import Manifest
from agent.symbols import ApiModel

WITNESSES = 5
"""How many of the best blocks of examples are heard."""
DEPTH = 15
"""How many symbols they name."""
_MEMBERS = frozenset({"method", "property"})


class Usage:
    """What the examples of one generation use.

    Args:
        manifest: knows what each block uses.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest

    def rank(self, scores: Mapping[str, float]) -> list[str]:
        """Rank definitions by how well the blocks that use them match, those that few examples use first.

        Args:
            scores: how well each chunk matches a question.

        Returns:
            Ids of the definitions' chunks.
        """
        used: dict[str, list[tuple[str, float]]] = defaultdict(list)
        for block, definition, rarity in self._manifest.used_in(scores):
            used[block].append((definition, rarity))
        lent: dict[str, float] = defaultdict(float)
        for witness in sorted(used, key=lambda id_: (-scores[id_], id_))[:WITNESSES]:
            for definition, rarity in used[witness]:
                lent[definition] += scores[witness] * rarity
        return sorted(lent, key=lambda id_: (-lent[id_], id_))[:DEPTH]


def meant(api: ApiModel, name: str) -> str | None:
    """Return the definition path that a name in an example stands for; of a value's method, if there is but one."""
    if not name.startswith("."):
        symbol = api.resolve(name)
        return symbol.path if symbol is not None else None
    methods = [symbol for symbol in api.find(name[1:]) if symbol.public and symbol.kind in _MEMBERS]
    return methods[0].path if len(methods) == 1 else None
