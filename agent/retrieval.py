"""Question -> passages: rankings by text and by what is known of the code, fused into one list."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Literal, get_args

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle
from llama_index.core.vector_stores.types import BasePydanticVectorStore, VectorStoreQuery, VectorStoreQueryMode
from msgspec import Struct, structs

from agent.arrangement import Hit, collapse, spread, with_used
from agent.chunking.nodes import from_node, to_node
from agent.errors import ModelTimeout, ModelUnavailable
from agent.manifest import Manifest
from agent.ranking.error_messages import ErrorMessages
from agent.ranking.named_places import NamedPlaces, spelled
from agent.ranking.priors import prior
from agent.ranking.stale_names import StaleNames
from agent.ranking.tracebacks import walked
from agent.ranking.usage import Usage
from agent.symbols import ApiModel

RRF_K = 60
"""Constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009)."""
DEPTH = 50
"""How far down the rankings by text are read."""
POOL = 60
"""How many of the best chunks are fetched and arranged: enough for the longest list and for what stands in its way."""
Part = Literal[
    "dense",
    "lexical",
    "words",
    "mentions",
    "members",
    "files",
    "messages",
    "frames",
    "usage",
    "spelling",
    "priors",
    "spread",
]
"""An idea that can be left out, so that it can be measured."""
PARTS: tuple[Part, ...] = get_args(Part)
KNOWN_OF_CODE: tuple[Part, ...] = ("words", "mentions", "members", "files", "messages", "frames", "usage", "spelling")
"""What the setting calls `symbol`: all that is known of the code beyond its text."""
SCRIPTS = 6
"""How many examples are read for one that shows a definition."""
EMBEDDED = 64
"""Questions whose vectors are remembered: each is searched for, and asked whether it can be answered at all."""
RERANKED = 30
"""How many of the best places a cross-encoder reads."""
_log = logging.getLogger(__name__)
_BY_TEXT: tuple[Part, ...] = ("dense", "lexical")
WEIGHTS: Mapping[Part, float] = {"words": 0.1, "members": 1.5, "usage": 0.2, "files": 3.0, "messages": 2.0}
"""Weights other than 1. Names said in plain words and what the examples found make use of decide between near equals;
given more, they push good prose away. Where a class is named, its members that match count for more than itself. An
error message that is quoted has one place that says it, whatever else the words may mean; so has a file's name."""

Ranking = Sequence[str]
"""Chunk ids, best first."""


class Nearby(Struct, frozen=True):
    """What lies nearest to a question.

    Attributes:
        cosines: of the `DEPTH` nearest chunks, best first; fewer where the index has fewer.
        texts: of those chunks and of the `DEPTH` that match best by words; some may be there twice.
        shared: how many chunks are among both.
    """

    cosines: tuple[float, ...]
    texts: tuple[str, ...]
    shared: int


class HybridRetriever(BaseRetriever):
    """Fuses rankings over one generation of an index; any LlamaIndex store and embedding will do.

    Args:
        store: answers dense and text queries.
        manifest: symbol names of the same generation.
        api: API model of the same generation.
        embedding: the model that the store's vectors were made with.
        top_k: passages returned where the caller does not say.
        parts: the ideas that take part.
        weights: of their rankings in the fusion, where other than 1.
        reranker: orders the best places anew, or None; where it fails, the order stays.
    """

    def __init__(
        self,
        store: BasePydanticVectorStore,
        manifest: Manifest,
        api: ApiModel,
        embedding: BaseEmbedding,
        *,
        top_k: int,
        parts: Iterable[Part] = PARTS,
        weights: Mapping[Part, float] = WEIGHTS,
        reranker: BaseNodePostprocessor | None = None,
    ) -> None:
        super().__init__()
        self._store = store
        self._manifest = manifest
        self.api = api
        self._embedding = embedding
        self._embed = lru_cache(EMBEDDED)(embedding.get_query_embedding)
        self._top_k = top_k
        self._parts = frozenset(parts)
        self._weights = weights
        self._reranker = reranker
        self._usage = Usage(manifest)
        self._error_messages = ErrorMessages(manifest)
        self._names = NamedPlaces(manifest, api)
        self._stale = StaleNames(manifest, api)

    @property
    def top_k(self) -> int:
        """How many passages there are where the caller does not say."""
        return self._top_k

    def with_parts(self, parts: Iterable[Part], weights: Mapping[Part, float] = WEIGHTS) -> HybridRetriever:
        """Return a retriever over the same index in which only these ideas take part, weighed like this."""
        return HybridRetriever(
            self._store,
            self._manifest,
            self.api,
            self._embedding,
            top_k=self._top_k,
            parts=parts,
            weights=weights,
            reranker=self._reranker,
        )

    def without(self, part: Part) -> HybridRetriever:
        """Return a retriever over the same index that lacks one idea."""
        return self.with_parts(self._parts - {part})

    def find(self, question: str, top_k: int | None = None) -> list[Hit]:
        """Return the best passages for a question, at most one for each symbol, best first.

        Of two lists for one question, the shorter is the beginning of the longer.
        """
        if "spelling" in self._parts:
            question = spelled(question, self.api)
        rankings = self._rankings(question)
        scores = self._fused(rankings, PARTS)
        stale = self._stale.find(scores)
        # What went wrong, and says so, may well have gone wrong inside.
        if "priors" in self._parts and not rankings.get("messages"):
            places = self._manifest.standings(scores)
            scores = {p.id: scores[p.id] * prior(p, question, stale=p.id in stale) for p in places}
        best, used = ordered(scores)[:POOL], rankings.get("usage", [])
        nodes = self._store.get_nodes([*dict.fromkeys([*best, *used])])
        found = {n.node_id: Hit(from_node(n), scores[n.node_id], stale.get(n.node_id, ())) for n in nodes}
        hits = self._reranked(question, collapse(found[id_] for id_ in best if id_ in found))
        if "spread" in self._parts:
            hits = spread(hits)
        return with_used(hits, (found[id_] for id_ in used if id_ in found))[: top_k or self._top_k]

    def _reranked(self, question: str, hits: list[Hit]) -> list[Hit]:
        if self._reranker is None:
            return hits
        nodes = [NodeWithScore(node=to_node(hit.chunk), score=hit.score) for hit in hits[:RERANKED]]
        try:
            order = [node.node_id for node in self._reranker.postprocess_nodes(nodes, query_str=question)]
        except (ModelUnavailable, ModelTimeout) as error:
            _log.warning("places keep their order: %s", error)
            return hits
        known = {hit.chunk.id: hit for hit in hits}
        best = [known[identifier] for identifier in dict.fromkeys([*order, *known])]
        # Scores of whatever scale become ranks, which what follows can weigh.
        return [structs.replace(hit, score=1 / (RRF_K + rank)) for rank, hit in enumerate(best, start=1)]

    def _rankings(self, question: str) -> dict[Part, Ranking]:
        """Return the rankings that take part."""
        makers: dict[Part, Callable[[str], Ranking]] = {
            "dense": self.dense,
            "lexical": self.lexical,
            "words": self._names.in_words,
            "mentions": self._names.mentioned,
            "files": self._names.in_files,
            "messages": self._quoted,
            "frames": self._walked,
        }
        rankings: dict[Part, Ranking] = {part: rank(question) for part, rank in makers.items() if part in self._parts}
        by_text = self._fused(rankings, _BY_TEXT)
        if "members" in self._parts:
            rankings["members"] = self._names.members(question, ordered(by_text))
        if "usage" in self._parts:
            rankings["usage"] = self._usage.rank(by_text)
        return rankings

    def _fused(self, rankings: Mapping[Part, Ranking], parts: Iterable[Part]) -> Mapping[str, float]:
        return fuse((self._weights.get(part, 1.0), rankings[part]) for part in parts if part in rankings)

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [NodeWithScore(node=to_node(hit.chunk), score=hit.score) for hit in self.find(query_bundle.query_str)]

    def dense(self, question: str) -> Ranking:
        """Rank chunks by the cosine of their vectors with the question's."""
        vector = self._vector(question)
        if vector is None:
            return []
        return self._ids(VectorStoreQuery(query_embedding=vector, similarity_top_k=DEPTH, output_fields=["id"]))

    def nearby(self, question: str) -> Nearby:
        """Return what lies nearest to a question, by meaning and by words: what declining is decided from."""
        vector = self._vector(question)
        if vector is None:
            return Nearby((), (), 0)
        dense = self._store.query(VectorStoreQuery(query_embedding=vector, similarity_top_k=DEPTH))
        lexical = self._store.query(
            VectorStoreQuery(query_str=question, mode=VectorStoreQueryMode.TEXT_SEARCH, similarity_top_k=DEPTH)
        )
        texts = tuple(node.get_content() for node in (*(dense.nodes or ()), *(lexical.nodes or ())))
        shared = {*(dense.ids or ())} & {*(lexical.ids or ())}
        return Nearby(tuple(dense.similarities or ()), texts, len(shared))

    def _vector(self, question: str) -> list[float] | None:
        """Return the question's vector, or None where the model fails and words and names have to do."""
        try:
            return self._embed(question)
        except (ModelUnavailable, ModelTimeout) as error:
            if "lexical" not in self._parts:
                raise
            _log.warning("places are found by words and names alone: %s", error)
            return None

    def named(self, words: Iterable[str]) -> frozenset[str]:
        """Return those of the words, as `code_tokens` cuts them, that occur in names of definitions."""
        return frozenset(self._manifest.named(words))

    def lexical(self, question: str) -> Ranking:
        """Rank chunks by BM25 over code-aware tokens."""
        return self._ids(
            VectorStoreQuery(
                query_str=question,
                mode=VectorStoreQueryMode.TEXT_SEARCH,
                similarity_top_k=DEPTH,
                output_fields=["id"],
            )
        )

    def _ids(self, query: VectorStoreQuery) -> Ranking:
        return self._store.query(query).ids or []

    def _quoted(self, question: str) -> Ranking:
        return self._error_messages.rank(question)

    def _walked(self, question: str) -> Ranking:
        return self._names.places(symbol.path for symbol in walked(question, self.api))

    def passages(self, definitions: Iterable[str], ids: Iterable[str] = ()) -> list[Hit]:
        """Return the passages of definitions, by their paths, and others by their ids; what has none is left out."""
        wanted = [*dict.fromkeys([*self._names.places(definitions), *ids])]
        nodes = self._store.get_nodes(wanted) if wanted else []  # most questions: no trip to the store
        return collapse(Hit(from_node(node), 1.0) for node in nodes)

    def scripts_with(self, definition: str) -> list[str]:
        """Return the sources of some example scripts that use a definition, by the id of its chunk."""
        ids = self._manifest.chunk_ids(self._manifest.users_of(definition)[:SCRIPTS])
        nodes = self._store.get_nodes([id_ for group in ids.values() for id_ in group]) if ids else []
        chunks = sorted(
            (from_node(node) for node in nodes), key=lambda chunk: (chunk.path, chunk.start_byte, chunk.part)
        )
        return ["".join(chunk.text for chunk in chunks if chunk.path == path) for path in ids]


def ordered(scores: Mapping[str, float]) -> list[str]:
    """Return ids by their scores, best first; of equals, in the order of their names."""
    return sorted(scores, key=lambda id_: (-scores[id_], id_))


def parts_of(rankings: Iterable[str]) -> tuple[Part, ...]:
    """Return the parts that a choice of `dense`, `lexical` and `symbol` stands for; what only orders stays."""
    chosen = set(rankings)
    named: set[Part] = set(KNOWN_OF_CODE) if "symbol" in chosen else set()
    return tuple(part for part in PARTS if part in named or part in chosen or part in ("priors", "spread"))


def fuse(rankings: Iterable[tuple[float, Ranking]]) -> Mapping[str, float]:
    """Return the reciprocal rank fusion of weighted rankings: sum of weight / (k + rank)."""
    scores: dict[str, float] = defaultdict(float)
    for weight, ranking in rankings:
        for rank, identifier in enumerate(ranking, start=1):
            scores[identifier] += weight / (RRF_K + rank)
    return scores
