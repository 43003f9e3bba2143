"""The embedded vector store: one LanceDB table in one directory is one generation of an index.

Small tables are answered from memory (`exact`), large ones by LanceDB (`native`); both read one fixed version of the
table, so that a hybrid query never mixes two states. Writes of another process are not seen by an open store.
"""

# Arrow's classes have no types.
# pyright: reportUnknownParameterType=false

from __future__ import annotations

import threading
from collections.abc import Container, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
from llama_index.core.schema import BaseNode
from llama_index.core.vector_stores.types import (
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryResult,
)
from pydantic import PrivateAttr

from agent.errors import IndexMismatch, IndexMissing, InvalidInput
from agent.providers.stores.exact import ExactSearch
from agent.providers.stores.faults import translated
from agent.providers.stores.filters import equals, predicate
from agent.providers.stores.memory import connect, large_blocks_returned
from agent.providers.stores.native import PROBES, PROBES_ONCE, NativeSearch, finish, index_words
from agent.providers.stores.ranking import ranked
from agent.providers.stores.rows import BATCH_ROWS, NODE_COLUMNS, Tokenize, schema, to_batches, to_nodes
from agent.providers.stores.threaded import Steps, ThreadedVectorStore, nobody

if TYPE_CHECKING:
    from lancedb.db import DBConnection

TABLE = "chunks"
EXACT_ROWS = 50_000
INDEXED = ("lexical", "vector", "id")
"""Columns with an index; small tables need but the first."""


class LanceVectorStore(ThreadedVectorStore):
    """Vector store and full-text index of one generation; made by `create` or `open`.

    Thread-safe; one process at a time may write. Nodes come back as they were added, from `get_nodes` with their
    vectors, from `query` without.

    Attributes:
        directory: holds the table.
        dimension: numbers in each vector.
        exact_rows: tables of up to so many rows are answered from memory, about 6 KB a row; larger ones by LanceDB,
            with an approximate index from there on.
    """

    stores_text: bool = True
    directory: Path
    dimension: int
    exact_rows: int = EXACT_ROWS

    _table: Any = PrivateAttr()
    _connection: Any = PrivateAttr()
    _tokenize: Tokenize = PrivateAttr()
    _probes: int = PrivateAttr()
    _search: ExactSearch | NativeSearch | None = PrivateAttr(default=None)
    _reading: Any = PrivateAttr(default_factory=threading.Lock)
    _writing: Any = PrivateAttr(default_factory=threading.Lock)

    @classmethod
    def create(cls, directory: Path, dimension: int, *, tokenize: Tokenize, exact_rows: int = EXACT_ROWS) -> Self:
        """Make an empty store; the directory is made if needed.

        Args:
            directory: where the table goes.
            dimension: numbers in each vector.
            tokenize: cuts texts and questions into the tokens that lexical search compares.
            exact_rows: see the class.

        Raises:
            InvalidInput: there is a store already, or `dimension` is not positive.
            StorageError: the directory cannot be written.
        """
        if dimension < 1:
            raise InvalidInput(f"A dimension of {dimension!r} is impossible.", field="dimension")
        if (directory / f"{TABLE}.lance").exists():
            raise InvalidInput(
                f"There is a store in {str(directory)!r} already.", remedy="Open it, or take a new directory."
            )
        with translated(directory, "be created"):
            directory.mkdir(parents=True, exist_ok=True)
            connection = connect(directory, once=True)
            table = connection.create_table(TABLE, schema=schema(dimension))
            index_words(table)
        return cls._of(connection, table, directory, tokenize, exact_rows, PROBES)

    @classmethod
    def open(cls, directory: Path, *, tokenize: Tokenize, exact_rows: int = EXACT_ROWS, once: bool = False) -> Self:
        """Open the newest version of a store.

        Args:
            directory: holds it.
            tokenize: as in `create`.
            exact_rows: see the class.
            once: keep next to nothing that queries read, since there will be few, by vectors of rows of its own.

        Raises:
            IndexMissing: there is none.
            IndexMismatch: its columns are those of another version of this program.
            IndexCorrupt: its files are damaged.
        """
        if not (directory / f"{TABLE}.lance").is_dir():
            raise IndexMissing(f"There is no store in {str(directory)!r}.", remedy="Build it: `fury-agent index`.")
        with translated(directory, "be opened"):
            connection = connect(directory, once=once)
            table = connection.open_table(TABLE)
        return cls._of(connection, table, directory, tokenize, exact_rows, PROBES_ONCE if once else PROBES)

    @classmethod
    def _of(
        cls, connection: DBConnection, table: Any, directory: Path, tokenize: Tokenize, exact_rows: int, probes: int
    ) -> Self:
        names = table.schema.names
        dimension = table.schema.field("vector").type.list_size if "vector" in names else 1
        if not table.schema.equals(schema(dimension)):
            raise IndexMismatch(
                f"The store in {str(directory)!r} has the columns {', '.join(names)}, which this version cannot read.",
                remedy="Rebuild the index: `fury-agent index --force`.",
            )
        store = cls(directory=directory, dimension=dimension, exact_rows=exact_rows)
        store._connection, store._table, store._tokenize, store._probes = connection, table, tokenize, probes
        return store

    @classmethod
    def class_name(cls) -> str:
        """Return the name that LlamaIndex shows."""
        return "LanceVectorStore"

    @property
    def client(self) -> Any:
        """Return the LanceDB table."""
        return self._table

    # --- writing ---------------------------------------------------------------------------------

    def add(self, nodes: Sequence[BaseNode], **_: Any) -> list[str]:
        """Store nodes with their vectors in one step: all or none; one with a known id replaces the old one.

        Returns:
            Their ids.

        Raises:
            InvalidInput: an id comes twice, or a node cannot be stored.
            IndexMismatch: a vector has another dimension.
            StorageError: the disk is full.
        """
        batches = to_batches(nodes, self.dimension, self._tokenize)
        if batches:
            self._write(batches)
        return [node.node_id for node in nodes]

    def append(self, nodes: Sequence[BaseNode]) -> None:
        """Store nodes whose ids are new, as `add` does; looking ids up takes the longer, the more there are."""
        batches = to_batches(nodes, self.dimension, self._tokenize)
        if batches:
            with self._written():
                self._table.add(pa.Table.from_batches(batches))

    def copy_from(self, other: LanceVectorStore, paths: Container[str]) -> None:
        """Carry over the rows of `other` whose `path` is in `paths`, as they are, in bounded memory.

        Raises:
            IndexMismatch: the other's vectors have another dimension.
        """
        if other.dimension != self.dimension:
            raise IndexMismatch(
                f"Vectors of {other.dimension!r} numbers cannot be carried over into an index of {self.dimension!r}.",
                remedy="Rebuild the index: `fury-agent index --force`.",
            )
        self._write(
            batch.filter(pa.array([path in paths for path in batch["path"].to_pylist()], pa.bool_()))
            for batch in other.rows()
        )

    def delete(self, ref_doc_id: str, **_: Any) -> None:
        """Delete the nodes of exactly this document; none is no error."""
        self._delete(equals("ref_doc_id", ref_doc_id))

    def delete_nodes(self, node_ids: list[str] | None = None, filters: MetadataFilters | None = None, **_: Any) -> None:
        """Delete the nodes that have one of the ids and meet the filters; without either, nothing.

        Raises:
            InvalidInput: the filters cannot be used.
        """
        where = predicate(filters, node_ids=node_ids)
        if where is not None:
            self._delete(where)

    def clear(self) -> None:
        """Delete all nodes."""
        self._delete("true")

    def optimize(self, *, progress: Steps = nobody) -> None:
        """Finish a generation: compact, build the indexes, drop old versions. Nobody else may use the store meanwhile.

        Args:
            progress: told how many steps are done, and of how many; they take about equally long.

        Raises:
            StorageError: the disk is full.
        """
        with self._written():
            finish(self._table, approximate=self._table.count_rows() > self.exact_rows, progress=progress)

    def _write(self, batches: Iterable[pa.RecordBatch]) -> None:
        reader = pa.RecordBatchReader.from_batches(schema(self.dimension), batches)
        with self._written():
            if self._table.count_rows() == 0:
                self._table.add(reader)
            else:
                merge = self._table.merge_insert("id")
                merge.when_matched_update_all().when_not_matched_insert_all().execute(reader)

    def _delete(self, where: str) -> None:
        with self._written():
            self._table.delete(where)

    @contextmanager
    def _written(self) -> Generator[None]:
        """Write to the newest version, one thread at a time, and have queries see it afterwards."""
        with self._writing, large_blocks_returned(), translated(self.directory, "be written"):
            self._table.checkout_latest()  # merging into an older version would add rows twice
            try:
                yield
            finally:
                with self._reading:
                    self._search = None

    # --- reading ---------------------------------------------------------------------------------

    def count(self) -> int:
        """Return the number of nodes."""
        with translated(self.directory, "be read"):
            return self._table.count_rows()

    def behind(self) -> dict[str, int]:
        """Return column -> rows that its index lacks, of the columns that have one in a finished table of this size."""
        with translated(self.directory, "be read"):
            count = self._table.count_rows()
            held = dict.fromkeys(INDEXED if count > self.exact_rows else INDEXED[:1], 0)
            for index in self._table.list_indices():
                held |= {column: index.num_indexed_rows or 0 for column in index.columns if column in held}
        return {column: count - rows for column, rows in held.items() if rows < count}

    def reads_all_words(self) -> bool:
        """Whether LanceDB itself answers them: it holds the words and lengths of all rows, 80 MB of a million."""
        return self.count() > self.exact_rows

    def rows(self, batch_rows: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
        """Yield all rows, with all columns, in batches of at most `batch_rows`; memory stays bounded."""
        with translated(self.directory, "be read"):
            yield from self._table.search().to_batches(batch_size=batch_rows)

    def get_nodes(self, node_ids: list[str] | None = None, filters: MetadataFilters | None = None) -> list[BaseNode]:
        """Return nodes with their vectors: those of `node_ids` in that order, else in the order of the table.

        Ids that don't exist are left out.

        Raises:
            InvalidInput: the filters cannot be used.
        """
        with translated(self.directory, "be read"):
            search = self._searched()
            ids = node_ids
            if ids is None or filters is not None:
                allowed = dict.fromkeys(search.matching(predicate(filters)))
                ids = [*allowed] if ids is None else [id_ for id_ in ids if id_ in allowed]
            return [*to_nodes(search.take(ids, [*NODE_COLUMNS, "vector"]))]

    def query(self, query: VectorStoreQuery, **_: Any) -> VectorStoreQueryResult:
        """Return the `similarity_top_k` best nodes, best first; similarities are cosines, BM25 or fused scores.

        Modes: DEFAULT (dense), TEXT_SEARCH (lexical) and HYBRID (reciprocal rank fusion; `alpha` is the weight of the
        dense ranking, 0.5 where not given). With `output_fields=["id"]` only ids and similarities come back, which
        saves reading the nodes.

        Raises:
            InvalidInput: another mode, or what the mode needs is missing, or the filters cannot be used.
            IndexMismatch: the question's vector has another dimension.
        """
        where = predicate(query.filters, node_ids=query.node_ids, doc_ids=query.doc_ids)
        with translated(self.directory, "be read"):
            search = self._searched()
            hits = ranked(search, query, where, dimension=self.dimension, tokenize=self._tokenize)
            ids = [id_ for id_, _ in hits]
            return VectorStoreQueryResult(
                nodes=None if query.output_fields == ["id"] else to_nodes(search.take(ids, NODE_COLUMNS)),
                similarities=[score for _, score in hits],
                ids=ids,
            )

    def _searched(self) -> ExactSearch | NativeSearch:
        """Return the searcher of the current version; it is loaded by the first query after a write."""
        with self._reading:
            if self._search is None:
                table = self._connection.open_table(TABLE)  # a second handle: this one stays at its version
                table.checkout(table.version)
                self._search = (
                    ExactSearch(table) if table.count_rows() <= self.exact_rows else NativeSearch(table, self._probes)
                )
            return self._search
