"""Nodes and stores to try the contract on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.types import BasePydanticVectorStore

from tests.servers.pinecone import PineconeEmulator, pinecone_emulator
from tests.servers.pinecone_spec import check_exchanges
from tests.support_pinecone import NO_PINECONE, pinecone_store

MakeNode = Callable[..., TextNode]

FLAVOURS = {"native": 0, "in-memory": 50_000}
"""LanceDB answers by itself or from memory."""
STORES = [*FLAVOURS, "pinecone"]


@pytest.fixture(scope="session")
def make_node() -> MakeNode:
    def make(
        id_: str,
        vector: Sequence[float],
        text: str = "sphere actor",
        /,
        path: str | None = "a.py",
        **metadata: object,
    ) -> TextNode:
        return TextNode(
            id_=id_,
            text=text,
            metadata={"path": path, **metadata},
            embedding=list(vector),
            relationships={} if path is None else {NodeRelationship.SOURCE: RelatedNodeInfo(node_id=path)},
        )

    return make


@pytest.fixture(scope="module")
def emulator() -> Iterator[PineconeEmulator]:
    """An emulated Pinecone, whose every request and reply is held against Pinecone's own API description."""
    pytest.importorskip("pinecone", reason=NO_PINECONE)
    with pinecone_emulator() as running:
        yield running
    check_exchanges(running.exchanges)


@pytest.fixture(params=STORES, scope="module")
def shared_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> BasePydanticVectorStore:
    """One store for all examples of property tests, which leave nodes in it; takes vectors of four numbers."""
    return _create(request, tmp_path_factory.mktemp("store") / "one")


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BasePydanticVectorStore:
    """An empty store for vectors of four numbers; a further store joins as one more parameter."""
    return _create(request, tmp_path / "store")


def _create(request: pytest.FixtureRequest, directory: Path) -> BasePydanticVectorStore:
    if request.param == "pinecone":
        return pinecone_store(request.getfixturevalue("emulator"), directory)
    from agent.providers.stores.lancedb import LanceVectorStore  # only these tests pay for it

    return LanceVectorStore.create(directory, 4, tokenize=str.split, exact_rows=FLAVOURS[request.param])
