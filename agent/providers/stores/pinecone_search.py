"""Dense and lexical search in Pinecone, both by dot product: unit vectors give cosines, `sparse` gives BM25."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import InvalidInput
from agent.providers.stores.pinecone_filters import Where
from agent.providers.stores.pinecone_namespace import Namespace
from agent.providers.stores.pinecone_records import unit
from agent.providers.stores.sparse import Bm25Embedding

WITH_NODES = 50
"""Hits that come with their nodes: so many times 40 KB stay below the 4 MB that a reply may have."""
MOST_HITS = 10_000


class PineconeSearch:
    """One query's searches, see `ranking.Search`; rows are named by the ids of records.

    Args:
        records: what is searched.
        bm25: weighs the words of a question.
        with_nodes: whether hits should come with their metadata.

    Attributes:
        found: the records that came with their metadata.
    """

    def __init__(self, records: Namespace, bm25: Bm25Embedding, *, with_nodes: bool) -> None:
        self._records = records
        self._bm25 = bm25
        self._with_nodes = with_nodes
        self.found: dict[str, Any] = {}

    def dense(self, vector: NDArray[np.float32], count: int, where: Where) -> list[tuple[str, float]]:
        """Return the nearest records with their cosines."""
        return self._hits(unit(vector), None, count, where)

    def lexical(self, tokens: list[str], count: int, where: Where) -> list[tuple[str, float]]:
        """Return the records in which tokens occur, with their BM25 scores."""
        weights = self._bm25.question(tokens)
        if not weights:
            return []
        return [hit for hit in self._hits(None, weights, count, where) if hit[1] > 0]

    def _hits(
        self, vector: list[float] | None, sparse: dict[int, float] | None, count: int, where: Where
    ) -> list[tuple[str, float]]:
        if count > MOST_HITS:
            raise InvalidInput(
                f"A top k of {count!r} is more than the {MOST_HITS} that Pinecone gives.",
                remedy="Use a smaller one.",
                field="similarity_top_k",
            )
        whole = self._with_nodes and count <= WITH_NODES
        matches = self._records.search(vector, sparse, count, where, whole=whole)
        if whole:
            self.found |= {match.id: match for match in matches}
        return [(match.id, match.score) for match in matches]
