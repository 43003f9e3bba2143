"""BM25 as LanceDB's full-text index scores it, over texts that are already cut into tokens.

Lucene's idf, k1 = 1.2, b = 0.75. The weight of every (token, row) pair is computed once, with whole-array operations,
so that an index of a library is made while the program starts, and a query only adds up slices.
"""

# Arrow's classes have no types, and its functions are made when it is imported.
# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

K1 = 1.2
B = 0.75


class Bm25:
    """An immutable index.

    Args:
        texts: one string for each row; tokens are separated by spaces.
    """

    def __init__(self, texts: pa.Array) -> None:
        rows = len(texts)
        split = pc.utf8_split_whitespace(texts)
        tokens, owners = split.flatten(), pc.list_parent_indices(split)
        said = pc.not_equal(tokens, "")  # splitting an empty text gives one empty token
        owner = owners.filter(said).to_numpy()
        encoded = pc.dictionary_encode(tokens.filter(said))
        lengths = np.bincount(owner, minlength=rows)
        occurrences = encoded.indices.to_numpy().astype(np.int64) * rows + owner
        pairs, frequency = np.unique(occurrences, return_counts=True)
        token, row = np.divmod(pairs, max(rows, 1))
        found_in = np.bincount(token, minlength=len(encoded.dictionary))
        idf = np.log1p((rows - found_in + 0.5) / (found_in + 0.5))
        average = lengths.sum() / max(rows, 1) or 1.0
        saturation = K1 * (1 - B + B * lengths / average)
        weights = idf[token] * (K1 + 1) * frequency / (frequency + saturation[row])
        self._count = rows
        self._rows = row.astype(np.int32)
        self._weights = weights.astype(np.float32)
        self._starts = np.concatenate([[0], np.cumsum(found_in)])
        self._ids: dict[str, int] = {text: index for index, text in enumerate(encoded.dictionary.to_pylist())}

    def scores(self, tokens: Iterable[str]) -> NDArray[np.float32]:
        """Return one score for each row; 0 where no token occurs."""
        scores = np.zeros(self._count, dtype=np.float32)
        for token in tokens:
            index = self._ids.get(token)
            if index is not None:
                span = slice(self._starts[index], self._starts[index + 1])
                scores[self._rows[span]] += self._weights[span]  # a row occurs once in a token's span
        return scores
