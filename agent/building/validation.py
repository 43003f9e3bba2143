"""Query a finished generation before anyone else does."""

from __future__ import annotations

from contextlib import closing

from llama_index.core.schema import TextNode
from llama_index.core.vector_stores.types import VectorStoreQuery, VectorStoreQueryMode

from agent.chunking.tokens import code_tokens
from agent.errors import IndexCorrupt
from agent.generations import Generation
from agent.manifest import Manifest
from agent.providers.stores.memory import large_blocks_returned
from agent.providers.stores.threaded import ThreadedVectorStore
from agent.schema import IndexInfo

PROBES = 5
"""Chunks that must be found again before a generation is published."""
SAME = 0.999
"""Cosine from which two vectors are the same text's."""


def validate(store: ThreadedVectorStore, generation: Generation, info: IndexInfo, written: int) -> None:
    """Query the finished store before anyone else does.

    Args:
        store: that of the generation, opened anew.
        generation: what was built.
        info: what it says of itself.
        written: how many chunks went in.

    Raises:
        IndexCorrupt: rows are missing, in the store or in one of its indexes, or a chunk is not found by its own vector
            or its own words (where the index of words is too large to be read for that, only the former).
    """
    if not store.count() == info.chunks == written:
        raise IndexCorrupt(
            f"The new index holds {store.count()} chunks instead of {written}.",
            remedy="The old index stays in use; run `fury-agent index --force`.",
        )
    if behind := store.behind():
        lacking = ", ".join(f"{rows} by {indexed!r}" for indexed, rows in behind.items())
        raise IndexCorrupt(
            f"Of the {written} chunks of the new index, some are not indexed: {lacking}.",
            remedy="The old index stays in use; run `fury-agent index --force`.",
        )
    with closing(Manifest(generation.manifest_file)) as manifest:
        listed = manifest.count()
        ids = manifest.sample(PROBES)
    if listed != info.chunks:
        raise IndexCorrupt(
            f"The new manifest lists {listed} chunks instead of {info.chunks}.",
            remedy="The old index stays in use; run `fury-agent index --force`.",
        )
    by_words = not store.reads_all_words()
    with large_blocks_returned():
        for node in store.get_nodes(ids):
            _find_again(store, node, by_words=by_words)


def _find_again(store: ThreadedVectorStore, node: object, *, by_words: bool) -> None:
    assert isinstance(node, TextNode)
    nearest = store.query(VectorStoreQuery(query_embedding=node.embedding, similarity_top_k=1))
    if (nearest.similarities or [0.0])[0] > SAME and not (by_words and _is_lost(store, code_tokens(node.text)[:32])):
        return
    raise IndexCorrupt(
        f"The new index does not find its own chunk {node.node_id!r}.",
        remedy="The old index stays in use; run `fury-agent index --force`.",
    )


def _is_lost(store: ThreadedVectorStore, words: list[str]) -> bool:
    """Whether no chunk has any of the words that one has."""
    question = VectorStoreQuery(query_str=" ".join(words), mode=VectorStoreQueryMode.TEXT_SEARCH, similarity_top_k=1)
    return bool(words) and not store.query(question).nodes
