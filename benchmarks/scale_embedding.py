"""Vectors for a corpus that is too large to be embedded for a benchmark: real ones where there are any, else derived.

A text without a vector of its own gets that of the text which it was copied from (of any, where that has none either),
moved by the difference between two other texts' vectors. Noise in all directions would leave the space where vectors of
texts lie; this stays in it.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from numpy.typing import NDArray
from pydantic import PrivateAttr

from agent.providers.embedding_cache import Vectors
from benchmarks.scale_corpus import Words

STEP = 1.1
"""How many of such differences a vector is moved: then its cosine with the original's is 0.59, the median of 60 renamed
texts of the corpus when they are embedded for real (5th and 95th percentile: 0.39 and 0.76)."""


class DerivedEmbedding(BaseEmbedding):
    """Stands for a model of which it has but some vectors; questions go to the model itself.

    Attributes:
        revision: that of the model, so that its questions are accepted by the index.
    """

    revision: str
    _model: BaseEmbedding = PrivateAttr()
    _vectors: Vectors = PrivateAttr()
    _rows: Mapping[bytes, int] = PrivateAttr()
    _words: Words = PrivateAttr()
    _seconds: float = PrivateAttr(default=0.0)
    _number: int = PrivateAttr(default=0)

    @classmethod
    def of(cls, model: BaseEmbedding, identity: tuple[str, str], cache: Path, words: Words) -> DerivedEmbedding:
        """Derive from the vectors of `model` that a cache holds."""
        name, revision = identity
        with closing(sqlite3.connect(cache)) as connection:
            query = "SELECT text, vector FROM vectors WHERE model = ? AND revision = ? ORDER BY text"
            rows = connection.execute(query, identity).fetchall()
        made = cls(model_name=name, revision=revision, embed_batch_size=128)
        made._model, made._words = model, words
        made._vectors = np.stack([np.frombuffer(vector, np.float32) for _, vector in rows])
        made._rows = {key: row for row, (key, _) in enumerate(rows)}
        return made

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._model.get_query_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        started = time.perf_counter()
        vector = self._derived(text).tolist()
        self._seconds += time.perf_counter() - started
        return vector

    @property
    def real(self) -> int:
        """How many vectors the model itself made."""
        return len(self._vectors)

    @property
    def seconds(self) -> float:
        """Spent deriving vectors so far."""
        return self._seconds

    def _derived(self, text: str) -> NDArray[np.float32]:
        own = hashlib.sha256(text.encode()).digest()
        if own in self._rows:
            return self._vectors[self._rows[own]]
        original = hashlib.sha256(self._restored(text).encode()).digest()
        first = self._rows.get(original, self._drawn(original))
        step = self._vectors[self._drawn(own)] - self._vectors[self._drawn(own[8:])]
        vector = self._vectors[first] + STEP * step
        return vector / np.linalg.norm(vector)

    def _drawn(self, seed: bytes) -> int:
        return int.from_bytes(seed[:8]) % len(self._vectors)

    def _restored(self, text: str) -> str:
        """Return what a text was copied from; one that names no package is of the same copy as the text before."""
        marked = self._words.marks.search(text)
        if marked:
            self._number = int(marked[1])
        return self._words.restoring(self._number)(text) if self._number else text
