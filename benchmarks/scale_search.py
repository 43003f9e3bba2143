"""Finding passages in an index of any size: how long it takes to open, what it holds in memory, how exact it is."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.vector_stores.types import VectorStoreQuery, VectorStoreQueryMode
from msgspec import Struct
from numpy.typing import NDArray
from pydantic import PrivateAttr

from agent.chunking.tokens import code_tokens
from agent.generations import Generation
from agent.providers.stores.lancedb import LanceVectorStore
from agent.service import Service
from agent.settings import Settings
from agent.symbols import ApiModel

QUESTIONS = 200
DEPTH = 50
"""How far down the dense ranking is read, as the retriever does."""
SEED = 7
TARGET_MS = 60
"""Of a search behind the question's embedding, promised for one library."""


class Times(Struct, frozen=True):
    """Median and 95th percentile, in milliseconds."""

    p50: float
    p95: float


class Search(Struct, frozen=True, kw_only=True):
    """Searching one index.

    Attributes:
        open_seconds: from nothing until the first question is answered, the embedding model aside.
        memory_mb: of the process afterwards; base_mb: before, with the embedding model loaded; in 10^6 bytes.
        find: the whole retriever, after the question's embedding.
        dense, lexical: of these, the nearest vectors, and BM25.
        recall_10, recall_50: share of the nearest vectors that the store finds, against comparing with every vector.
    """

    chunks: int
    questions: int
    open_seconds: float
    base_mb: float
    memory_mb: float
    find: Times
    dense: Times
    lexical: Times
    recall_10: float
    recall_50: float


class KnownQuestions(BaseEmbedding):
    """A model that embedded its questions beforehand."""

    revision: str
    _vectors: dict[str, list[float]] = PrivateAttr(default_factory=dict)

    def learn(self, model: BaseEmbedding, questions: Sequence[str]) -> None:
        """Embed questions."""
        for question in questions:
            self._vectors[question] = model.get_query_embedding(question)

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._vectors[query]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._vectors[query]

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._vectors[text]


def questions_about(api: ApiModel, count: int) -> list[str]:
    """Make questions of what public definitions say of themselves; always the same ones of the same index."""
    callables = (s for s in api.symbols.values() if s.public and s.kind in {"function", "class", "method"})
    told = sorted({symbol.doc for symbol in callables if 20 < len(symbol.doc) < 200})
    chosen = random.Random(SEED).sample(told, min(count, len(told)))  # noqa: S311 - questions, not secrets
    return [f"How do I {doc[0].lower()}{doc[1:].rstrip('.')}?" for doc in chosen]


def measure(
    settings: Settings,
    model: BaseEmbedding,
    identity: tuple[str, str],
    generation: Generation,
    memory: Callable[[str], float],
) -> Search:
    """Measure the index that the settings name.

    Args:
        settings: their library is the one to search.
        model: embeds the questions.
        identity: its name and revision.
        generation: what is served.
        memory: tells a figure of this process.
    """
    questions = questions_about(ApiModel.load(generation.api_file), QUESTIONS)
    embedding = KnownQuestions(model_name=identity[0], revision=identity[1])
    embedding.learn(model, ["warm up", *questions])
    base = memory("VmRSS")
    started = time.perf_counter()
    service = Service(settings, embedding=embedding)
    engine = service.engine(None, None)
    engine.find("warm up")
    opened = time.perf_counter() - started
    found = [milliseconds(lambda question=question: engine.find(question)) for question in questions]
    after = memory("VmRSS")
    store = LanceVectorStore.open(generation.store_dir, tokenize=code_tokens)
    vectors = np.array([embedding.get_query_embedding(question) for question in questions], np.float32)
    nearest: list[list[str]] = [nearest_ids(store, vector) for vector in vectors]
    exact = exactly(store, vectors)
    return Search(
        chunks=store.count(),
        questions=len(questions),
        open_seconds=opened,
        base_mb=base,
        memory_mb=after,
        find=times(found),
        dense=times([milliseconds(lambda vector=vector: nearest_ids(store, vector)) for vector in vectors]),
        lexical=times([milliseconds(lambda question=question: by_words(store, question)) for question in questions]),
        recall_10=recall(nearest, exact, 10),
        recall_50=recall(nearest, exact, DEPTH),
    )


def nearest_ids(store: LanceVectorStore, vector: NDArray[np.float32]) -> list[str]:
    """Return the store's nearest chunks."""
    query = VectorStoreQuery(query_embedding=vector.tolist(), similarity_top_k=DEPTH, output_fields=["id"])
    return store.query(query).ids or []


def by_words(store: LanceVectorStore, question: str) -> list[str]:
    """Return the chunks that share the question's words."""
    mode = VectorStoreQueryMode.TEXT_SEARCH
    query = VectorStoreQuery(query_str=question, mode=mode, similarity_top_k=DEPTH, output_fields=["id"])
    return store.query(query).ids or []


def exactly(store: LanceVectorStore, vectors: NDArray[np.float32]) -> list[list[tuple[float, str]]]:
    """Return the nearest chunks of each vector with their cosines, by comparing it with every one."""
    best: list[list[tuple[float, str]]] = [[] for _ in vectors]
    asked = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for batch in store.rows(batch_rows=16_384):
        ids = batch["id"]
        held = batch["vector"].flatten().to_numpy().reshape(len(ids), -1)
        cosines = asked @ (held / np.linalg.norm(held, axis=1, keepdims=True)).T
        depth = min(DEPTH, len(ids))
        for number, row in enumerate(np.argpartition(-cosines, depth - 1, axis=1)[:, :depth]):
            fresh = [(float(cosines[number, place]), ids[int(place)].as_py()) for place in row]
            best[number] = sorted([*best[number], *fresh], reverse=True)[:DEPTH]
    return best


def recall(found: Sequence[Sequence[str]], exact: Sequence[Sequence[tuple[float, str]]], depth: int) -> float:
    """Return the mean share of the exact `depth` nearest that are among the found ones."""
    shares = [
        len(set(ids[:depth]) & {id_ for _, id_ in best[:depth]}) / min(depth, len(best))
        for ids, best in zip(found, exact, strict=True)
    ]
    return float(np.mean(shares))


def milliseconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1e3


def times(measured: Sequence[float]) -> Times:
    """Summarise milliseconds."""
    return Times(float(np.percentile(measured, 50)), float(np.percentile(measured, 95)))
