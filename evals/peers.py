"""Well-known ways to do retrieval, as their users do them, on the same files and with the same embedding model.

Each peer has its defaults, and the benefit of the doubt. A chunk that touches several definitions finds all of them.
Its text alone is embedded and searched: with the file's path added, as LlamaIndex's file reader does, the right place
came first less often for each of them (hit@1 and MRR on the 73 development questions, where both ways were tried).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from llama_index.core.base.embeddings.base import BaseEmbedding

from agent.errors import MissingExtra
from agent.providers.embedding_cache import Vectors
from agent.schema import SourceTree
from evals.chunkers import Chunks, chonkie, code_splitter, cut_tree
from evals.places import DEPTH, Place, Search

if TYPE_CHECKING:
    from llama_index.core.schema import NodeWithScore

CODE_SPLITTER = "LlamaIndex CodeSplitter"
BM25 = "LlamaIndex BM25"
CHONKIE = "chonkie CodeChunker"
NAMES = (CODE_SPLITTER, BM25, CHONKIE)
"""In the order in which `peers` yields them."""

Embed = Callable[[Sequence[str]], Vectors]
_Retrieve = Callable[[str, int], Sequence["NodeWithScore"]]

_FETCHED = 5 * DEPTH
"""Chunks fetched at first: most places are found by more than one."""


def peers(tree: SourceTree, embed: Embed, query: BaseEmbedding) -> Iterator[tuple[str, Search]]:
    """Yield the name and the search of each peer, built when it is asked for.

    Args:
        tree: the sources that all of them index.
        embed: texts -> vectors; the one of an `EmbeddingCache` makes a second run fast.
        query: the same model, for questions.

    Raises:
        MissingExtra: the extra `evals` is not installed.
    """
    try:
        splitter, chunker = code_splitter(), chonkie()
        from llama_index.retrievers.bm25 import BM25Retriever
    except ImportError as error:
        raise MissingExtra(
            f"The peers need packages that cannot be imported: {error}.",
            remedy="Run `pip install 'fury-agent[evals]'`.",
        ) from error
    chunks = cut_tree(tree, splitter)
    yield CODE_SPLITTER, search_by_cosine(chunks, embed, query)
    lexical = BM25Retriever.from_defaults(nodes=list(chunks.nodes))

    def by_words(question: str, k: int) -> Sequence[NodeWithScore]:
        lexical.similarity_top_k = k
        return lexical.retrieve(question)

    yield BM25, _search(by_words, chunks.places)
    chunks = cut_tree(tree, chunker)
    yield CHONKIE, search_by_cosine(chunks, embed, query)


def search_by_cosine(chunks: Chunks, embed: Embed, query: BaseEmbedding) -> Search:
    """Return a search by the cosine of a question's vector with those of the chunks' texts, and by nothing else."""
    from llama_index.core import VectorStoreIndex
    from llama_index.core.node_parser import SentenceSplitter

    vectors = embed([node.get_content() for node in chunks.nodes])
    embedded = [node.model_copy() for node in chunks.nodes]
    for node, vector in zip(embedded, vectors, strict=True):
        node.embedding = vector  # pyright: ignore[reportAttributeAccessIssue]  # a list would be read anew by every search
    # Everything is named that would otherwise come from LlamaIndex's global settings.
    index = VectorStoreIndex(
        embedded, embed_model=query, callback_manager=query.callback_manager, transformations=[SentenceSplitter()]
    )

    def by_cosine(question: str, k: int) -> Sequence[NodeWithScore]:
        return index.as_retriever(similarity_top_k=k).retrieve(question)

    return _search(by_cosine, chunks.places)


def _search(retrieve: _Retrieve, places: Mapping[str, Place]) -> Search:
    """Return distinct places: a second chunk of the same definition takes no rank."""

    def search(question: str) -> Sequence[Place]:
        found: dict[object, Place] = {}
        for k in sorted({min(_FETCHED, len(places)), len(places)}):
            for hit in retrieve(question, k):
                place = places[hit.node.node_id]
                found.setdefault((place.path, place.symbols[:1] or place.start_line), place)
            if len(found) >= DEPTH:
                break
        return tuple(found.values())[:DEPTH]

    return search
