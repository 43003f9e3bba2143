"""BM25 as a dot product of sparse vectors, for stores that search by those; nothing is downloaded for it.

A document's numbers are its saturated term frequencies, a question's are the idf of its words: what depends on all
documents stands on the question's side and can change with every document that comes or goes. The formula is that of
`bm25`, but for the average length, which is fixed by the first documents (see `Totals.usual_length`).
"""

from __future__ import annotations

import hashlib
import heapq
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from llama_index.core.base.embeddings.base_sparse import BaseSparseEmbedding
from pydantic import PrivateAttr

from agent.providers.stores.bm25 import K1, B
from agent.providers.stores.rows import Tokenize
from agent.providers.stores.statistics import Statistics

MAX_TERMS = 1_000
"""Numbers in one sparse vector (Pinecone's limit); of a longer text the most frequent words count."""

Sparse = dict[int, float]
"""Term -> weight, as LlamaIndex has it."""


class Bm25Embedding(BaseSparseEmbedding):
    """Sparse vectors whose dot product is the BM25 score of a question and a text."""

    model_name: str = "bm25"

    _statistics: Statistics = PrivateAttr()
    _tokenize: Tokenize = PrivateAttr()

    @classmethod
    def of(cls, statistics: Statistics, tokenize: Tokenize) -> Bm25Embedding:
        """Return the embedding over the documents that `statistics` counts, cut by `tokenize`."""
        embedding = cls()
        embedding._statistics, embedding._tokenize = statistics, tokenize
        return embedding

    def document(self, tokens: Sequence[str], usual_length: float) -> Sparse:
        """Return the weights of a document's terms, most of all `K1 + 1`."""
        saturation = K1 * (1 - B + B * len(tokens) / usual_length)
        often = Counter(map(term, tokens)).items()
        kept = often if len(often) <= MAX_TERMS else heapq.nlargest(MAX_TERMS, often, key=lambda item: item[1])
        return {index: (K1 + 1) * count / (count + saturation) for index, count in kept}

    def question(self, tokens: Iterable[str]) -> Sparse:
        """Return the idf of a question's distinct tokens; those that no document has are left out."""
        documents = self._statistics.totals().documents
        found_in = self._statistics.frequencies({term(token) for token in tokens})
        rare = heapq.nsmallest(MAX_TERMS, found_in.items(), key=lambda item: item[1])
        return {index: math.log1p((documents - count + 0.5) / (count + 0.5)) for index, count in rare}

    def _get_text_embedding(self, text: str) -> Sparse:
        return self.document(self._tokenize(text), self._statistics.totals().usual_length or 1.0)

    def _get_query_embedding(self, query: str) -> Sparse:
        return self.question(self._tokenize(query))

    async def _aget_text_embedding(self, text: str) -> Sparse:
        return self._get_text_embedding(text)

    async def _aget_query_embedding(self, query: str) -> Sparse:
        return self._get_query_embedding(query)


@lru_cache(maxsize=100_000)
def term(token: str) -> int:
    """Return the number of a token, an unsigned 32-bit one; among 50,000 tokens hardly two share one."""
    return int.from_bytes(hashlib.blake2b(token.encode(), digest_size=4).digest())
