"""Search by LanceDB itself and the indexes it needs, for tables that are too large to hold in memory."""

# Arrow's classes have no types.
# pyright: reportUnknownParameterType=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from agent.providers.stores.filters import predicate
from agent.providers.stores.memory import return_free_blocks
from agent.providers.stores.ranking import Hits

PROBES = 128
"""Partitions of the vector index that a query reads, of about 4,000 rows each: all, up to half a million rows. At
100,000 rows, reading a quarter of them found 92 % of the ten nearest, all 98 %; at a million, a quarter 98 %, half
all."""
PROBES_ONCE = 4
"""The same for a store that is queried once, by vectors of its own rows: each is in the nearest, but for rounding."""
WORDS_MB = 48
"""Memory for building the full-text index: whenever it is full, another part is written, of some 80,000 rows, and each
question looked up in each: 13 parts instead of 2, at a million rows, take 10.1 ms of processor time instead of 8.7."""
PARTITION = 4_096
"""Rows of a partition of the vector index, about: LanceDB's own size."""
SAMPLED = 16_384
"""Vectors in memory while the partitions are found: 64 for each partition at a million rows."""
MOST_SAMPLED = 64
"""For each partition, of smaller tables."""
REFINED = 2
"""How many times as many hits as wanted are compared by their whole vectors: that found the rest of the first fifty."""


class NativeSearch:
    """One version of a table; rows are named by their ids, which come with a search. Same interface as `ExactSearch`.

    Args:
        table: a LanceDB table at a fixed version.
        probes: partitions of the vector index that a query reads.
    """

    def __init__(self, table: Any, probes: int = PROBES) -> None:
        self._table = table
        self._probes = probes

    def dense(self, vector: NDArray[np.float32], count: int, where: str | None) -> Hits:
        """Return the nearest rows with their cosines."""
        query = self._table.search(vector, vector_column_name="vector").distance_type("cosine")
        found = _run(query.nprobes(self._probes).refine_factor(REFINED), ["id", "_distance"], where, count)
        return _hits(found, 1.0 - found["_distance"].to_numpy())

    def lexical(self, tokens: Sequence[str], count: int, where: str | None) -> Hits:
        """Return the rows in which tokens occur, with their BM25 scores."""
        from lancedb.query import MatchQuery  # takes a second

        if not tokens:
            return []
        words = MatchQuery(" ".join(tokens), "lexical")  # pyright: ignore[reportCallIssue] - pydantic's defaults
        query = self._table.search(words, query_type="fts")
        found = _run(query, ["id", "_score"], where, count)
        return [hit for hit in _hits(found, found["_score"].to_numpy()) if hit[1] > 0]

    def matching(self, where: str | None) -> list[str]:
        """Return the rows that meet a predicate, in the order of the table."""
        return _run(self._table.search(), ["id"], where, None)["id"].to_pylist()

    def take(self, rows: Sequence[str], columns: Sequence[str]) -> pa.Table:
        """Return columns of rows, in this order, without those that don't exist."""
        found = _run(self._table.search(), list(columns), predicate(node_ids=rows), None)
        places = {id_: place for place, id_ in enumerate(found["id"].to_pylist())}
        return found.take(pa.array([places[id_] for id_ in rows if id_ in places], pa.int64()))


def _run(query: Any, columns: list[str], where: str | None, count: int | None) -> pa.Table:
    query = query.select(columns)
    if where is not None:
        query = query.where(where)
    if count is not None:
        query = query.limit(count)
    return query.to_arrow()


def _hits(found: pa.Table, scores: NDArray[np.float32]) -> Hits:
    return list(zip(found["id"].to_pylist(), scores.tolist(), strict=True))


def index_words(table: Any) -> None:
    """Build the full-text index anew.

    Without one, LanceDB would search the column too, but cut it with a tokenizer of its own choice; so even an empty
    table gets one.
    """
    from lancedb.index import FTS  # takes a second

    words = FTS(
        base_tokenizer="whitespace",  # the column is cut already: nothing may be changed or left out
        max_token_length=None,
        lower_case=False,
        stem=False,
        remove_stop_words=False,
        ascii_folding=False,
        memory_limit=WORDS_MB,
    )
    table.create_index("lexical", config=words)


def _sampled(table: Any) -> int:
    """Return the vectors for each partition with which the partitions are found, so that they are never many."""
    partitions = max(1, table.count_rows() // PARTITION)
    return max(1, min(MOST_SAMPLED, SAMPLED // partitions))


def finish(table: Any, *, approximate: bool, progress: Callable[[int, int], None]) -> None:
    """Compact a LanceDB table, build its indexes anew and drop its older versions.

    The old indexes go first: `optimize` would bring them up to date, the full-text one without its limit of memory.

    Args:
        table: writable, at its newest version.
        approximate: also build the indexes on vectors and ids that pay on large tables.
        progress: told how many steps are done, and of how many.
    """
    from lancedb.index import BTree, IvfSq  # takes a second

    # LanceDB warns about 0, since that breaks readers of older versions; an unfinished generation has no readers.
    now = timedelta(milliseconds=1)
    for index in table.list_indices():
        table.drop_index(index.name)
    steps: list[Callable[[], object]] = [
        lambda: table.optimize(cleanup_older_than=now),
        lambda: index_words(table),
        lambda: table.optimize(cleanup_older_than=now),
    ]
    if approximate:
        steps[2:2] = [
            lambda: table.create_index("id", config=BTree()),
            lambda: table.create_index("vector", config=IvfSq(distance_type="cosine", sample_rate=_sampled(table))),
        ]
    for done, step in enumerate(steps):
        progress(done, len(steps))
        return_free_blocks()
        step()
