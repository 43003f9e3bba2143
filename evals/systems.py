"""The systems that the retrieval suite compares: our rankings alone and together, and well-known peers."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import PrivateAttr
from msgspec import Struct

from agent.answering.absent_names import AbsentName
from agent.answering.passages import find_passages
from agent.arrangement import Hit
from agent.providers.embedding_cache import EmbeddingCache
from agent.query_engine import QueryEngine
from agent.retrieval import KNOWN_OF_CODE, HybridRetriever, Part, parts_of
from agent.schema import SourceTree
from agent.settings import Settings
from evals.answerers import Answerer
from evals.places import DEPTH, Place, Search

RANKINGS = ("dense", "lexical", "symbol")
IDEAS: tuple[Part, ...] = (*KNOWN_OF_CODE, "priors", "spread")
SHIPPED = "fury-agent"
"""Name of the system that users get, with whatever rankings are configured."""
WITHOUT_TUTORIALS = f"{SHIPPED} without tutorials"


class System(Struct, frozen=True):
    """Something that finds places for a question.

    Attributes:
        search: question -> distinct places, best first.
        role: the shipped system, one of its parts, or somebody else's.
    """

    name: str
    search: Search
    role: str


class RememberedQueries(BaseEmbedding):
    """An embedding that computes the vectors of all questions in one batch, once for all systems."""

    _inner: BaseEmbedding = PrivateAttr()
    _vectors: dict[str, list[float]] = PrivateAttr(default_factory=dict[str, "list[float]"])

    def __init__(self, inner: BaseEmbedding) -> None:
        super().__init__(model_name=inner.model_name, embed_batch_size=inner.embed_batch_size)
        self._inner = inner

    @property
    def revision(self) -> str:
        """Revision or digest of the weights, where the model tells."""
        return str(getattr(self._inner, "revision", ""))

    def remember(self, questions: Sequence[str]) -> None:
        """Embed those questions that were not embedded before."""
        missing = [question for question in dict.fromkeys(questions) if question not in self._vectors]
        batch: Callable[[Sequence[str]], list[list[float]]] | None = getattr(self._inner, "embed_queries", None)
        if batch is not None and missing:
            self._vectors.update(zip(missing, batch(missing), strict=True))

    def _get_query_embedding(self, query: str) -> list[float]:
        if query not in self._vectors:
            self._vectors[query] = self._inner.get_query_embedding(query)
        return self._vectors[query]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._inner.get_text_embedding(text)

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self._inner.get_text_embedding_batch(texts)


def shipped(answerer: Answerer) -> System:
    """Return what users get, seen from outside: `POST /search`, or the same call in this process."""

    def search(question: str) -> list[Place]:
        found = answerer.search(question, DEPTH)
        return [Place(p.path, (p.symbol,) if p.symbol else (), p.start_line, p.end_line) for p in found]

    return System(SHIPPED, search, "shipped")


def ablations(engine: QueryEngine) -> Iterator[System]:
    """Yield every other combination of rankings, the whole without each of its ideas, and without tutorials.

    All but what a row leaves out is what ships: names that went lead each of them to what took their place.
    """
    retriever = engine.retriever
    for size in (1, 2):
        for names in itertools.combinations(RANKINGS, size):
            yield System(" + ".join(names), search_of(retriever.with_parts(parts_of(names))), "part")
    for idea in IDEAS:
        yield System(f"{SHIPPED} without {idea}", search_of(retriever.without(idea), engine.absent), "part")
    yield System(f"{SHIPPED} without vanished names", search_of(retriever), "part")
    yield System(
        WITHOUT_TUTORIALS, search_of(retriever, engine.absent, lambda hit: hit.chunk.role != "example"), "part"
    )


def search_of(
    retriever: HybridRetriever,
    absent: Callable[[str], tuple[AbsentName, ...]] = lambda _: (),
    keep: Callable[[Hit], bool] = lambda _: True,
) -> Search:
    """Return a search by a retriever of ours.

    Args:
        retriever: finds the passages.
        absent: question -> the names in it that this version lacks, which lead to what took their place.
        keep: which passages count.
    """

    def search(question: str) -> list[Place]:
        # Twice as deep, so that enough is left where some are not kept.
        hits = find_passages(question, absent(question), retriever, 2 * DEPTH)
        return [place(hit) for hit in hits if keep(hit)][:DEPTH]

    return search


def place(hit: Hit) -> Place:
    """Return a hit as a place."""
    chunk = hit.chunk
    return Place(chunk.path, (chunk.symbol,) if chunk.symbol else (), chunk.start_line, chunk.end_line)


def peer_systems(tree: SourceTree, settings: Settings, query: RememberedQueries) -> Iterator[System]:
    """Yield the peers over the same files, with the same embedding model; the first run embeds their chunks."""
    from evals.peers import peers

    cache = EmbeddingCache(
        settings.data_dir / "embeddings.sqlite", query, model=query.model_name, revision=query.revision
    )
    try:
        for name, search in peers(tree, cache.embed, query):
            yield System(name, search, "peer")
    finally:
        cache.close()


def timed(search: Search, question: str) -> tuple[Sequence[Place], float]:
    """Return what was found, and milliseconds."""
    started = time.perf_counter()
    found = search(question)
    return found, (time.perf_counter() - started) * 1e3
