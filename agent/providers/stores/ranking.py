"""LlamaIndex's query modes over the two searches that a store has: dense and lexical."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Protocol, TypeVar

import numpy as np
from llama_index.core.vector_stores.types import VectorStoreQuery, VectorStoreQueryMode
from numpy.typing import NDArray

from agent.errors import InvalidInput
from agent.providers.stores.rows import Tokenize, checked_vector

RRF_K = 60
HYBRID_DEPTH = 60
"""Hits of each search that are fused at least."""

Row = TypeVar("Row")
"""What a store names its rows by."""
Where_contra = TypeVar("Where_contra", contravariant=True)
"""How a store writes a restriction."""

Hits = list[tuple[str, float]]
"""Id and score, best first."""


class Search(Protocol[Row, Where_contra]):
    """One fixed version of a table."""

    def dense(self, vector: NDArray[np.float32], count: int, where: Where_contra) -> list[tuple[Row, float]]:
        """Return the nearest rows with their cosines, best first."""
        ...

    def lexical(self, tokens: list[str], count: int, where: Where_contra) -> list[tuple[Row, float]]:
        """Return the rows in which tokens occur, with their BM25 scores, best first."""
        ...


def ranked(
    search: Search[Row, Where_contra],
    query: VectorStoreQuery,
    where: Where_contra,
    *,
    dimension: int,
    tokenize: Tokenize,
) -> list[tuple[Row, float]]:
    """Return the hits of a query among the rows that meet `where`, best first, at most `similarity_top_k`.

    Raises:
        InvalidInput: an unknown mode, or what the mode needs is missing.
        IndexMismatch: the query's vector does not have `dimension` numbers.
    """
    count = query.similarity_top_k
    if count < 1:
        raise InvalidInput(f"A top k of {count!r} finds nothing.", remedy="Use 1 or more.", field="similarity_top_k")

    def dense(depth: int) -> list[tuple[Row, float]]:
        return search.dense(checked_vector(query.query_embedding, dimension, "The query"), depth, where)

    def lexical(depth: int) -> list[tuple[Row, float]]:
        return search.lexical(_tokens(query, tokenize), depth, where)

    match query.mode:
        case VectorStoreQueryMode.DEFAULT:
            return dense(count)
        case VectorStoreQueryMode.TEXT_SEARCH:
            return lexical(count)
        case VectorStoreQueryMode.HYBRID:
            depth = max(count, HYBRID_DEPTH)
            alpha = 0.5 if query.alpha is None else query.alpha
            return _fused([(alpha, dense(depth)), (1 - alpha, lexical(depth))])[:count]
        case other:
            raise InvalidInput(
                f"Query mode {other.value!r} is not supported.",
                remedy="Use default, text_search or hybrid.",
                field="mode",
            )


def _tokens(query: VectorStoreQuery, tokenize: Tokenize) -> list[str]:
    """Return the question's tokens, each once: saying a word twice does not make it matter more."""
    if query.query_str is None:
        raise InvalidInput("The query has no text.", remedy="Set query_str.", field="query_str")
    return list(dict.fromkeys(" ".join(tokenize(query.query_str)).split()))


def _fused(rankings: Iterable[tuple[float, list[tuple[Row, float]]]]) -> list[tuple[Row, float]]:
    """Return the weighted reciprocal rank fusion of rankings."""
    scores: dict[Row, float] = defaultdict(float)
    for weight, hits in rankings:
        for rank, (row, _) in enumerate(hits, start=1):
            scores[row] += weight / (RRF_K + rank)
    return sorted(((row, score) for row, score in scores.items() if score > 0), key=lambda hit: -hit[1])
