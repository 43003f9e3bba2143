"""The vector store in Pinecone: one namespace of an index is one generation.

LlamaIndex's `PineconeVectorStore` with what it gets wrong done right: `delete` takes one document and no other whose
name begins like it, nodes are found and deleted by their ids, every filter means what it says, nulls and long texts are
stored, batches keep to the limits, nothing blocks the event loop, and what was written is found by the next query.

What only a whole collection knows (document frequencies, values of columns) is kept in a file of the generation's
directory, which all who use the generation must share. Importing this needs the extra `pinecone`.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any, Self

from llama_index.core.schema import BaseNode, TextNode
from llama_index.core.vector_stores.types import MetadataFilters, VectorStoreQuery, VectorStoreQueryResult
from llama_index.vector_stores.pinecone import PineconeVectorStore
from pydantic import PrivateAttr

from agent.errors import IndexMismatch, InvalidInput
from agent.providers.stores.pinecone_client import Connection
from agent.providers.stores.pinecone_filters import Where, restriction
from agent.providers.stores.pinecone_namespace import Namespace
from agent.providers.stores.pinecone_place import MARKER, Place, note_place, place_of
from agent.providers.stores.pinecone_records import (
    Written,
    carried,
    document,
    node_id_of,
    record_id,
    to_records,
    to_text_node,
)
from agent.providers.stores.pinecone_search import PineconeSearch
from agent.providers.stores.ranking import ranked
from agent.providers.stores.rows import Tokenize, checked_vector, distinct_ids, to_row
from agent.providers.stores.sparse import Bm25Embedding
from agent.providers.stores.statistics import Statistics
from agent.providers.stores.threaded import Steps, ThreadedVectorStore, nobody

STATISTICS = "statistics.sqlite"


class PineconeStore(ThreadedVectorStore, PineconeVectorStore):
    """Vector store of one generation; made by `create` or `open`.

    Thread-safe; one process at a time may write. Nodes come back as they were added, their vectors at length 1.
    """

    stores_text: bool = True

    _tokenize: Tokenize = PrivateAttr()
    _statistics: Statistics = PrivateAttr()
    _bm25: Bm25Embedding = PrivateAttr()
    _records: Namespace = PrivateAttr()
    _known: set[str] | None = PrivateAttr(default=None)
    _writing: Any = PrivateAttr(default_factory=threading.Lock)

    @classmethod
    def create(
        cls, connection: Connection, directory: Path, namespace: str, dimension: int, *, tokenize: Tokenize
    ) -> Self:
        """Make an empty store, and the index in Pinecone if there is none.

        Args:
            connection: names the index.
            directory: for the note of the place and the statistics; made if needed.
            namespace: the generation's own; of ASCII letters, digits and `._+-~`.
            dimension: numbers in each vector.
            tokenize: cuts texts and questions into the tokens that lexical search compares.

        Raises:
            InvalidInput: there is a store already.
            IndexMismatch: the index holds other vectors.
            ConfigurationError, StoreUnavailable: see `Connection.call`.
            StorageError: the directory cannot be written.
        """
        if (directory / MARKER).exists():
            raise InvalidInput(
                f"There is a store in {str(directory)!r} already.", remedy="Open it, or take a new directory."
            )
        index = connection.make_index(dimension)
        place = Place(connection.index_name, namespace, dimension)
        note_place(directory, place)  # before any record: whatever happens then, the namespace can be found and deleted
        statistics = Statistics.create(directory / STATISTICS)
        return cls._of(Namespace(connection, index, place), statistics, tokenize)

    @classmethod
    def open(cls, connection: Connection, directory: Path, *, tokenize: Tokenize) -> Self:
        """Open a store.

        Raises:
            IndexMissing, IndexMismatch: Pinecone has no such index, or one with other vectors.
            ConfigurationError, StoreUnavailable: see `Connection.call`.
        """
        place = place_of(directory)
        index = connection.open_index(place.dimension)
        return cls._of(Namespace(connection, index, place), Statistics(directory / STATISTICS), tokenize)

    @classmethod
    def _of(cls, records: Namespace, statistics: Statistics, tokenize: Tokenize) -> Self:
        bm25 = Bm25Embedding.of(statistics, tokenize)
        # A dictionary, since the fields hide the arguments of LlamaIndex's constructor from type checkers.
        options: dict[str, Any] = {
            "pinecone_index": records.index,
            "index_name": records.place.index,
            "namespace": records.place.namespace,
            "add_sparse_vector": True,
            "sparse_embedding_model": bm25,
        }
        store = cls(**options)
        store._records, store._statistics, store._tokenize, store._bm25 = records, statistics, tokenize, bm25
        return store

    @classmethod
    def class_name(cls) -> str:
        """Return the name that LlamaIndex shows."""
        return "PineconeStore"

    @property
    def dimension(self) -> int:
        """Numbers in each vector."""
        return self._records.place.dimension

    # --- writing ---------------------------------------------------------------------------------

    def add(self, nodes: Sequence[BaseNode], **_: Any) -> list[str]:
        """Store nodes with their vectors; one with a known id replaces the old one.

        All are checked before anything is written. If Pinecone fails midway, the batches before are stored.

        Returns:
            Their ids.

        Raises:
            InvalidInput: an id comes twice, or a node cannot be stored.
            IndexMismatch: a vector has another dimension.
            ConfigurationError, StoreUnavailable: see `Connection.call`.
        """
        ids = distinct_ids(nodes)
        rows = [to_row(node, self._tokenize) for node in nodes]
        vectors = [checked_vector(node.embedding, self.dimension, f"Node {node.node_id!r}") for node in nodes]
        tokens = [(row["lexical"] or "").split() for row in rows]
        if not nodes:
            return ids
        with self._writing:
            totals = self._statistics.totals()
            usual = totals.usual_length or sum(map(len, tokens)) / len(tokens) or 1.0
            if totals.usual_length is None:
                self._statistics.begin(usual, totals.added)
            weights = (self._bm25.document(words, usual) for words in tokens)
            numbers = itertools.count(totals.added)
            self._write([*map(to_records, rows, vectors, weights, numbers)])
        return ids

    def copy_from(self, other: Self, paths: Container[str]) -> None:
        """Carry over the nodes of `other` whose `path` is in `paths`, as they are, in bounded memory.

        This store must be empty: the weights of words are those of the other's first documents.

        Raises:
            IndexMismatch: the other's vectors have another dimension.
            InvalidInput: this store is not empty.
        """
        if other.dimension != self.dimension:
            raise IndexMismatch(
                f"Vectors of {other.dimension!r} numbers cannot be carried over into an index of {self.dimension!r}.",
                remedy="Rebuild the index: `fury-agent index --force`.",
            )
        totals = other._statistics.totals()
        with self._writing:
            if self._statistics.totals().added:
                raise InvalidInput("Nodes can only be carried over into an empty store.", field="other")
            self._statistics.begin(totals.usual_length or 1.0)
            for page in other._records.matching(where=True):
                kept = [record for record in page if record.metadata.get("path") in paths]
                contents = other._records.contents([record.metadata for record in kept])
                self._write([carried(record, content) for record, content in zip(kept, contents, strict=True)])
            self._statistics.begin(totals.usual_length or 1.0, totals.added)  # later ones come after these

    def delete(self, ref_doc_id: str, **_: Any) -> None:
        """Delete the nodes of exactly this document; none is no error."""
        self._delete(self._restriction(None, doc_ids=[ref_doc_id]))

    def delete_nodes(self, node_ids: list[str] | None = None, filters: MetadataFilters | None = None, **_: Any) -> None:
        """Delete the nodes that have one of the ids and meet the filters; without either, nothing.

        Raises:
            InvalidInput: the filters cannot be used.
        """
        if node_ids is not None or (filters is not None and filters.filters):
            self._delete(self._restriction(filters, node_ids=node_ids))

    def clear(self) -> None:
        """Delete all nodes."""
        with self._writing:
            self._records.clear()
            self._statistics.clear()
            self._known = set()

    def optimize(self, *, progress: Steps = nobody) -> None:
        """Wait until Pinecone counts everything that was added: one step."""
        progress(0, 1)
        self.count()

    def _write(self, written: list[Written]) -> None:
        if self._known is None:
            self._known = {id_ for page in self._records.ids() for id_ in page}
        known = self._known
        replaced = [*self._records.fetch([one.record["id"] for one in written if one.record["id"] in known]).values()]
        old = {record.id: record for record in replaced}

        def stored(batch: list[Any]) -> None:
            # What a batch replaces leaves the statistics with it: where a later one fails, they agree with the rest.
            self._statistics.remove(document(old[record["id"]]) for record in batch if record["id"] in old)
            self._statistics.add(map(document, batch))
            known.update(record["id"] for record in batch)

        self._records.upsert(written, stored)
        self._records.remove_contents(replaced)

    def _delete(self, where: Where) -> None:
        with self._writing:
            records = [record for page in self._records.matching(where) for record in page]
            self._records.remove(records)
            self._statistics.remove(map(document, records))
            if self._known is not None:
                self._known -= {record.id for record in records}

    # --- reading ---------------------------------------------------------------------------------

    def count(self) -> int:
        """Return the number of nodes that Pinecone counts, once it has counted all that were written."""
        return self._records.count(self._statistics.totals().documents)

    # LlamaIndex's adapter has arguments that its own base class does not have.
    def get_nodes(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, node_ids: list[str] | None = None, filters: MetadataFilters | None = None
    ) -> list[BaseNode]:
        """Return nodes with their vectors: those of `node_ids` in that order, else in the order of adding.

        Ids that don't exist are left out.

        Raises:
            InvalidInput: the filters cannot be used.
        """
        if node_ids is not None and filters is None:
            ids = [record_id(node_id) for node_id in node_ids]
            found = self._records.fetch(ids)
            return [*self._nodes([found[id_] for id_ in ids if id_ in found])]
        where = self._restriction(filters, node_ids=node_ids)
        records = [record for page in self._records.matching(where) for record in page]
        if node_ids is None:
            records.sort(key=lambda record: record.metadata["number"])
        else:
            order = {node_id: rank for rank, node_id in enumerate(node_ids)}
            records.sort(key=lambda record: order[record.metadata["node_id"]])
        return [*self._nodes(records)]

    def query(self, query: VectorStoreQuery, **_: Any) -> VectorStoreQueryResult:
        """Return the `similarity_top_k` best nodes, best first; similarities are cosines, BM25 or fused scores.

        As the LanceDB store's: modes, restrictions, and `output_fields=["id"]`, which saves sending the nodes.

        Raises:
            InvalidInput: another mode, what it needs is missing, the filters cannot be used, or the top k is too large.
            IndexMismatch: the question's vector has another dimension.
        """
        only_ids = query.output_fields == ["id"]
        where = self._restriction(query.filters, node_ids=query.node_ids, doc_ids=query.doc_ids)
        search = PineconeSearch(self._records, self._bm25, with_nodes=not only_ids)
        hits = ranked(search, query, where, dimension=self.dimension, tokenize=self._tokenize)
        ids = [id_ for id_, _ in hits]
        return VectorStoreQueryResult(
            nodes=None if only_ids else self._found(ids, search.found),
            similarities=[score for _, score in hits],
            ids=[node_id_of(id_) for id_ in ids],
        )

    def _found(self, ids: list[str], matches: dict[str, Any]) -> list[TextNode]:
        found = matches | self._records.fetch([id_ for id_ in ids if id_ not in matches])
        nodes = self._nodes([found[id_] for id_ in ids])
        for node in nodes:
            node.embedding = None
        return nodes

    def _nodes(self, records: Sequence[Any]) -> list[TextNode]:
        metadata = [record.metadata for record in records]
        contents = self._records.contents(metadata)
        nodes = [to_text_node(one, content) for one, content in zip(metadata, contents, strict=True)]
        for node, record in zip(nodes, records, strict=True):
            node.embedding = record.values or None
        return nodes

    def _restriction(
        self, filters: MetadataFilters | None, *, node_ids: list[str] | None = None, doc_ids: list[str] | None = None
    ) -> Where:
        return restriction(filters, self._statistics.values, node_ids=node_ids, doc_ids=doc_ids)
