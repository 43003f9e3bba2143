"""What a store of ours does beyond LlamaIndex's interface.

Async methods work off the event loop: LlamaIndex's defaults call the synchronous ones on it, and block it.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Container, Sequence
from typing import Any

from llama_index.core.schema import BaseNode
from llama_index.core.vector_stores.types import (
    BasePydanticVectorStore,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryResult,
)

Steps = Callable[[int, int], None]
"""Called with the steps that are done, and how many there are."""


def nobody(_done: int, _total: int) -> None:
    """Tell nobody."""


class ThreadedVectorStore(BasePydanticVectorStore):
    """Base of stores whose methods may be called from any thread; comes first among several bases.

    One store holds one generation of an index; the abstract methods are what a build needs.
    """

    @abstractmethod
    def count(self) -> int:
        """Return the number of nodes."""

    @abstractmethod
    def copy_from(self, other: Any, paths: Container[str]) -> None:
        """Carry over the nodes of `other` whose `path` is in `paths`, as they are, in bounded memory.

        Args:
            other: a store of the same class.
            paths: which files' nodes.

        Raises:
            IndexMismatch: the other's vectors have another dimension.
        """

    def append(self, nodes: Sequence[BaseNode]) -> None:
        """Store nodes whose ids are new; a store may save itself the look-up of each."""
        self.add(nodes)

    @abstractmethod
    def optimize(self, *, progress: Steps = nobody) -> None:
        """Finish a generation: everything that was added is found from now on, as fast as it will ever be.

        Args:
            progress: told how many steps are done, and of how many; they take about equally long.
        """

    def behind(self) -> dict[str, int]:
        """Return what is indexed -> nodes that its index lacks; none once the store is finished."""
        return {}

    def reads_all_words(self) -> bool:
        """Whether a question of words has their whole index read into memory, as long as the store is open."""
        return False

    async def aquery(self, query: VectorStoreQuery, **kwargs: Any) -> VectorStoreQueryResult:
        """Run `query` in a thread."""
        return await asyncio.to_thread(self.query, query, **kwargs)

    async def aget_nodes(
        self, node_ids: list[str] | None = None, filters: MetadataFilters | None = None
    ) -> list[BaseNode]:
        """Run `get_nodes` in a thread."""
        return await asyncio.to_thread(self.get_nodes, node_ids, filters)

    async def async_add(self, nodes: Sequence[BaseNode], **kwargs: Any) -> list[str]:
        """Run `add` in a thread."""
        return await asyncio.to_thread(self.add, nodes, **kwargs)

    async def adelete(self, ref_doc_id: str, **delete_kwargs: Any) -> None:
        """Run `delete` in a thread."""
        await asyncio.to_thread(self.delete, ref_doc_id, **delete_kwargs)

    async def adelete_nodes(
        self, node_ids: list[str] | None = None, filters: MetadataFilters | None = None, **delete_kwargs: Any
    ) -> None:
        """Run `delete_nodes` in a thread."""
        await asyncio.to_thread(self.delete_nodes, node_ids, filters, **delete_kwargs)

    async def aclear(self) -> None:
        """Run `clear` in a thread."""
        await asyncio.to_thread(self.clear)
