"""Nodes and stores to try the contract on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.types import BasePydanticVectorStore

MakeNode = Callable[..., TextNode]

FLAVOURS = {"native": 0, "in-memory": 50_000}


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


@pytest.fixture(params=FLAVOURS, scope="module")
def shared_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> BasePydanticVectorStore:
    """One store for all examples of property tests, which leave nodes in it; takes vectors of four numbers."""
    return _create(tmp_path_factory.mktemp("store") / "one", request.param)


@pytest.fixture(params=FLAVOURS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BasePydanticVectorStore:
    """An empty store for vectors of four numbers; a further store joins as one more parameter."""
    return _create(tmp_path / "store", request.param)


def _create(directory: Path, flavour: str) -> BasePydanticVectorStore:
    from agent.providers.stores.lancedb import LanceVectorStore  # only these tests pay for it

    return LanceVectorStore.create(directory, 4, tokenize=str.split, exact_rows=FLAVOURS[flavour])
