"""Question -> passages: rankings by text and by what is known of the code, fused into one list."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import NodeWithScore, QueryBundle
from llama_index.core.vector_stores.types import BasePydanticVectorStore, VectorStoreQuery, VectorStoreQueryMode
from msgspec import Struct

from agent.chunking.nodes import from_node, to_node
from agent.chunking.tokens import code_tokens
from agent.error_messages import ErrorMessages
from agent.manifest import Manifest
from agent.name_ranking import NameRanking
from agent.priors import prior
from agent.schema import Chunk
from agent.symbols import ApiModel
from agent.usage import Usage

RRF_K = 60
"""Constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009)."""
DEPTH = 50
"""How far down each ranking is read."""
WORDS_WEIGHT = 0.1
"""Weight of names said in plain words: they decide between near equals; given more, they push good prose away."""
USAGE_WEIGHT = 0.15
"""Weight of what the examples found make use of: it decides between near equals, too."""
MESSAGE_WEIGHT = 2.0
"""Weight of a quoted error message: there is one place that says it, whatever else the words may mean."""

_IDENTIFIER = re.compile(
    r"`([^`\n]{1,200})`|\b([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|[A-Za-z]+_\w+|[A-Z][a-z0-9]+[A-Z]\w*)\b|\b(\w+)\("
)

Ranking = Sequence[str]
"""Chunk ids, best first."""


class Hit(Struct, frozen=True):
    """A chunk found for a question; `score` is the fused one, and only its order means anything."""

    chunk: Chunk
    score: float


class HybridRetriever(BaseRetriever):
    """Fuses rankings over one generation of an index; any LlamaIndex store and embedding will do.

    Args:
        store: answers dense and text queries.
        manifest: symbol names of the same generation.
        api: API model of the same generation.
        embedding: the model that the store's vectors were made with.
        top_k: passages returned where the caller does not say.
        rankings: which of `dense`, `lexical` and `symbol` take part; the last is all that is known of the code beyond
            its text: names, error messages, and what the examples use.
    """

    def __init__(
        self,
        store: BasePydanticVectorStore,
        manifest: Manifest,
        api: ApiModel,
        embedding: BaseEmbedding,
        *,
        top_k: int,
        rankings: Iterable[str] = ("dense", "lexical", "symbol"),
    ) -> None:
        super().__init__()
        self._store = store
        self._manifest = manifest
        self.api = api
        self._embedding = embedding
        self._top_k = top_k
        self._rankings = frozenset(rankings)
        self._usage = Usage(manifest, api)
        self._names = NameRanking(manifest)

    @cached_property
    def _error_messages(self) -> ErrorMessages:
        return ErrorMessages(self._manifest.messages)

    def with_rankings(self, rankings: Iterable[str]) -> HybridRetriever:
        """Return a retriever over the same parts in which only these rankings take part."""
        return HybridRetriever(
            self._store, self._manifest, self.api, self._embedding, top_k=self._top_k, rankings=rankings
        )

    def find(self, question: str, top_k: int | None = None) -> list[Hit]:
        """Return the best passages for a question, at most one for each symbol, best first."""
        wanted = top_k or self._top_k
        scores = self._scores(question)
        ids = sorted(scores, key=lambda identifier: (-scores[identifier], identifier))
        best: list[Hit] = []
        # Several parts of one symbol may stand before the next symbol: fetch on until there are enough symbols.
        for start in range(0, len(ids), 2 * wanted):
            batch = ids[start : start + 2 * wanted]
            chunks = {node.node_id: from_node(node) for node in self._store.get_nodes(batch)}
            found = [Hit(chunks[identifier], scores[identifier]) for identifier in batch if identifier in chunks]
            best = collapse([*best, *found])
            if len(best) >= wanted:
                break
        return best[:wanted]

    def _scores(self, question: str) -> Mapping[str, float]:
        """Return the fused score of every chunk that any ranking names."""
        rankings: list[tuple[float, Ranking]] = []
        if "dense" in self._rankings:
            rankings.append((1.0, self.dense(question)))
        if "lexical" in self._rankings:
            rankings.append((1.0, self.lexical(question)))
        quoted: Ranking = ()
        if "symbol" in self._rankings:
            quoted = self._error_messages.rank(question)
            rankings += [
                (USAGE_WEIGHT, self._usage.rank(fuse(rankings))),
                (WORDS_WEIGHT, self.symbol(question)),
                (1.0, self.mentioned(question)),
                (MESSAGE_WEIGHT, quoted),
            ]
        scores = fuse(rankings)
        if quoted:
            return scores  # what went wrong may well have gone wrong inside
        return {place.id: scores[place.id] * prior(place, question) for place in self._manifest.standings(scores)}

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [NodeWithScore(node=to_node(hit.chunk), score=hit.score) for hit in self.find(query_bundle.query_str)]

    def dense(self, question: str) -> Ranking:
        """Rank chunks by the cosine of their vectors with the question's."""
        vector = self._embedding.get_query_embedding(question)
        return self._ids(VectorStoreQuery(query_embedding=vector, similarity_top_k=DEPTH, output_fields=["id"]))

    def nearest(self, question: str) -> float:
        """Return the cosine of the question with the nearest chunk: low where the sources hold nothing like it."""
        vector = self._embedding.get_query_embedding(question)
        found = self._store.query(
            VectorStoreQuery(query_embedding=vector, similarity_top_k=1, output_fields=["id"])
        ).similarities
        return found[0] if found else 0.0

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

    def passages(self, definitions: Iterable[str], ids: Iterable[str] = ()) -> list[Hit]:
        """Return the passages of definitions, by their paths, and others by their ids; what has none is left out."""
        order = {path: rank for rank, path in enumerate(definitions)}
        places = sorted(self._manifest.qualified(order), key=lambda place: (order[place.qualified or ""], place.id))
        wanted = dict.fromkeys([*(place.id for place in places), *ids])
        return collapse(Hit(from_node(node), 1.0) for node in self._store.get_nodes([*wanted]))

    def symbol(self, question: str) -> Ranking:
        """Rank definitions by how much of their name the question says in plain words, rare words first."""
        return self._names.rank(code_tokens(question))

    def mentioned(self, question: str) -> Ranking:
        """Rank the definitions that the question writes out as code: `actor.sphere`, ShowManager, update_full."""
        names = identifiers(question)
        order = {symbol.path: None for name in names for symbol in self.api.find(name)[:DEPTH]}
        rank = {path: number for number, path in enumerate(order)}
        places = self._manifest.qualified(rank)
        return [place.id for place in sorted(places, key=lambda place: (rank[place.qualified or ""], place.id))]


def identifiers(question: str) -> list[str]:
    """Return what is written like code in a question: back-quoted, dotted, snake_case, CamelCase or called."""
    found = (next(group for group in match.groups() if group) for match in _IDENTIFIER.finditer(question))
    return list(dict.fromkeys(name.strip().removesuffix("()") for name in found))


def fuse(rankings: Iterable[tuple[float, Ranking]]) -> Mapping[str, float]:
    """Return the reciprocal rank fusion of weighted rankings: sum of weight / (k + rank)."""
    scores: dict[str, float] = defaultdict(float)
    for weight, ranking in rankings:
        for rank, identifier in enumerate(ranking, start=1):
            scores[identifier] += weight / (RRF_K + rank)
    return scores


def collapse(hits: Iterable[Hit]) -> list[Hit]:
    """Keep the best hit of every symbol, and of every section or block of a file."""
    best: dict[tuple[str, str], Hit] = {}
    for hit in hits:
        best.setdefault((hit.chunk.path, hit.chunk.symbol or hit.chunk.title), hit)
    return list(best.values())
