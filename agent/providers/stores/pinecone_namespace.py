"""One generation's records in Pinecone: written in batches, read in pages, and never read before they are visible."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from pinecone import Index
from pinecone.models.namespaces.models import NamespaceDescription

from agent.errors import IndexCorrupt, IndexMissing
from agent.providers.stores.pinecone_client import Connection
from agent.providers.stores.pinecone_filters import Where
from agent.providers.stores.pinecone_place import Place
from agent.providers.stores.pinecone_records import MAX_RECORDS, Written, batches, pages, piece_ids

FETCHED = 100
"""Records in one reply; the size of a reply is limited."""
FETCHED_CHARACTERS = 4_000
"""Of the ids in the address of a request, which servers limit."""


class Namespace:
    """The records of a place; thread-safe, and one process at a time may write.

    Pinecone shows a write some time after it has taken it; whoever reads here after a write waits for that.

    Args:
        connection: repeats what failed.
        index: the SDK's client.
        place: which namespaces.
    """

    def __init__(self, connection: Connection, index: Index, place: Place) -> None:
        self.place = place
        self.index = index
        self._connection = connection
        self._probe = [1.0] + [0.0] * (place.dimension - 1)
        self._visible: Callable[[], bool] | None = None
        self._waiting = threading.Lock()

    # --- writing ---------------------------------------------------------------------------------

    def upsert(self, written: Sequence[Written], done: Callable[[list[Any]], None]) -> None:
        """Write records, contents first; `done` is told of every batch that is stored."""
        for batch in batches(piece for one in written for piece in one.pieces):
            self._upsert(batch, self.place.pieces)
        for batch in batches(one.record for one in written):
            self._upsert(batch, self.place.namespace)
            done(batch)
        if written:
            last = written[-1].record["metadata"]["number"]
            self._visible = lambda: self._has({"number": {"$eq": last}})

    def remove(self, records: Sequence[Any]) -> None:
        """Delete records, as they were read, and their contents."""
        for page in pages([record.id for record in records], MAX_RECORDS):
            self._delete(ids=page, namespace=self.place.namespace)
        if records:
            gone = [record.metadata["number"] for record in records[-FETCHED:]]
            self._visible = lambda: not self._has({"number": {"$in": gone}})
        self.remove_contents(records)

    def remove_contents(self, records: Iterable[Any]) -> None:
        """Delete the contents of records that are not there any more."""
        for page in pages([id_ for record in records for id_ in piece_ids(record.metadata)], MAX_RECORDS):
            self._delete(ids=page, namespace=self.place.pieces)

    def clear(self) -> None:
        """Delete all records."""
        for namespace in (self.place.namespace, self.place.pieces):
            self._delete(delete_all=True, namespace=namespace)
        self._visible = lambda: not self._has(None)

    def _upsert(self, batch: list[Any], namespace: str) -> None:
        self._connection.call(self.index.upsert, vectors=batch, namespace=namespace)

    def _delete(self, **what: Any) -> None:
        with suppress(IndexMissing):  # a namespace is made by the first record in it
            self._connection.call(self.index.delete, **what)

    # --- reading ---------------------------------------------------------------------------------

    def count(self, expected: int) -> int:
        """Return how many records Pinecone counts, which lags behind: as soon as it is `expected`, or after a while."""
        self._settle()
        found = 0

        def as_expected() -> bool:
            nonlocal found
            found = self._counted()
            return found == expected

        self._connection.holds_soon(as_expected)
        return found

    def search(
        self,
        vector: Sequence[float] | None,
        sparse: Mapping[int, float] | None,
        count: int,
        where: Where,
        *,
        whole: bool,
    ) -> list[Any]:
        """Return the best records by dot product, best first, with their metadata if `whole`, never with values.

        Without a vector, only the sparse part counts.
        """
        if where is False:
            return []
        self._settle()
        return self._connection.call(
            self.index.query,
            vector=vector or [0.0] * self.place.dimension,  # Pinecone wants one in any case
            sparse_vector=sparse and {"indices": list(sparse), "values": list(sparse.values())},
            top_k=count,
            filter=None if where is True else where,
            include_metadata=whole,
            include_values=False,
            namespace=self.place.namespace,
        ).matches

    def fetch(self, ids: Sequence[str]) -> dict[str, Any]:
        """Return records by id, with values and metadata; those that don't exist are left out."""
        self._settle()
        return self._fetch(ids, self.place.namespace)

    def ids(self) -> Iterator[list[str]]:
        """Yield the ids of all records in lists."""
        self._settle()
        token = None
        while True:
            try:
                page = self._connection.call(
                    self.index.list_paginated, namespace=self.place.namespace, limit=FETCHED, pagination_token=token
                )
            except IndexMissing:  # no record was ever in it
                return
            yield [item.id for item in page.vectors if item.id is not None]
            token = page.pagination.next if page.pagination else None
            if not token:
                return

    def matching(self, where: Where) -> Iterator[list[Any]]:
        """Yield the records that meet a filter, with values and metadata, in lists."""
        if where is False:
            return
        if where is True:
            for ids in self.ids():
                yield list(self.fetch(ids).values())
            return
        self._settle()
        token = None
        while True:
            page = self._connection.call(
                self.index.fetch_by_metadata,
                filter=where,
                namespace=self.place.namespace,
                limit=FETCHED,
                pagination_token=token,
            )
            yield list(page.vectors.values())
            token = page.pagination.next if page.pagination else None
            if not token:
                return

    def contents(self, metadata: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return the content of each record.

        Raises:
            IndexCorrupt: a part of it is missing.
        """
        wanted = [id_ for one in metadata for id_ in piece_ids(one)]
        found: dict[str, Any] = {}

        def complete() -> bool:  # they were written earlier than the records, but nothing says they are visible earlier
            found.update(self._fetch([id_ for id_ in wanted if id_ not in found], self.place.pieces))
            return len(found) == len(wanted)

        if wanted and not self._connection.holds_soon(complete):
            raise IndexCorrupt(
                f"Pinecone's namespace {self.place.pieces!r} lacks {len(wanted) - len(found)} parts of long texts.",
                remedy="Rebuild the index: `fury-agent index --force`.",
            )
        return [
            one["content"] if "content" in one else "".join(found[id_].metadata["content"] for id_ in piece_ids(one))
            for one in metadata
        ]

    def _fetch(self, ids: Sequence[str], namespace: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for page in pages(ids, FETCHED, FETCHED_CHARACTERS):
            found |= self._connection.call(self.index.fetch, ids=page, namespace=namespace).vectors
        return found

    def _counted(self) -> int:
        try:
            return self._connection.call(self._described).record_count
        except IndexMissing:
            return 0

    def _described(self, timeout: float) -> NamespaceDescription:  # noqa: ARG002 - the client's own holds
        return self.index.describe_namespace(name=self.place.namespace)

    def _has(self, where: dict[str, Any] | None) -> bool:
        query = self._connection.call(
            self.index.query, vector=self._probe, top_k=1, filter=where, namespace=self.place.namespace
        )
        return bool(query.matches)

    def _settle(self) -> None:
        """Wait until a query shows the last write, and with it, since they are shown in order, all earlier ones."""
        with self._waiting:
            visible = self._visible
            if visible is not None:
                self._connection.wait_until(visible, "show what was written")
                if self._visible is visible:
                    self._visible = None


def drop(connection: Connection, place: Place) -> None:
    """Delete the namespaces of a place; a second time does no harm.

    Raises:
        ConfigurationError, StoreUnavailable: see `Connection.call`.
    """
    with suppress(IndexMissing):  # the index itself is gone
        index = connection.open_index(place.dimension)
        for namespace in (place.namespace, place.pieces):
            with suppress(IndexMissing):  # a namespace is made by the first record in it
                connection.call(index.delete_namespace, name=namespace)
