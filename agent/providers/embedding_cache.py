"""Vectors that were computed before, kept in SQLite by (model, revision, text hash).

Shared by all libraries and versions in a data directory: two versions of a library have most texts in common.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agent.errors import StorageError

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding

Vectors = NDArray[np.float32]
"""float32, shape (texts, dimension)."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS vectors (
    model TEXT NOT NULL, revision TEXT NOT NULL, text BLOB NOT NULL, vector BLOB NOT NULL,
    PRIMARY KEY (model, revision, text)
) WITHOUT ROWID;
"""
_LOOKUP = 500
"""Keys in one look-up; well under SQLite's limit on variables."""
STEP = 128
"""Texts embedded and stored at once: after a kill, at most so many are lost."""


class EmbeddingCache:
    """An embedding model with a memory.

    Args:
        path: the SQLite file; made when missing. A damaged file is set aside, since all it holds can be computed again.
        embedding: the model.
        model: its name.
        revision: revision or digest of its weights.
    """

    def __init__(self, path: Path, embedding: BaseEmbedding, *, model: str, revision: str) -> None:
        self._embedding = embedding
        self._identity = (model, revision)
        self._path = path
        self._connection = _open(path)
        self.computed = 0
        """How many texts had to be embedded so far."""

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def embed(self, texts: Sequence[str], *, done: Callable[[int], None] = lambda _: None) -> Vectors:
        """Return one vector for each text, in order.

        Args:
            texts: what to embed.
            done: called with the number of texts that were just finished.

        Raises:
            StorageError: the cache cannot be written.
        """
        keys = [hashlib.sha256(text.encode()).digest() for text in texts]
        found = self._find(keys)
        # Long texts together: a batch costs as much as its longest text.
        missing = sorted(
            {key: text for key, text in zip(keys, texts, strict=True) if key not in found}.items(),
            key=lambda item: len(item[1]),
            reverse=True,
        )
        done(len(texts) - len(missing))
        step = STEP
        for start in range(0, len(missing), step):
            batch = missing[start : start + step]
            vectors = self._embedding.get_text_embedding_batch([text for _, text in batch])
            fresh = {key: np.asarray(vector, np.float32) for (key, _), vector in zip(batch, vectors, strict=True)}
            self._keep(fresh)
            found |= fresh
            done(len(batch))
        self.computed += len(missing)
        return np.stack([found[key] for key in keys]) if keys else np.empty((0, 0), np.float32)

    def _find(self, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        wanted = sorted(set(keys))
        found: dict[bytes, NDArray[np.float32]] = {}
        for start in range(0, len(wanted), _LOOKUP):
            part = wanted[start : start + _LOOKUP]
            marks = ",".join("?" * len(part))
            try:
                rows = self._connection.execute(
                    f"SELECT text, vector FROM vectors WHERE model = ? AND revision = ? AND text IN ({marks})",  # noqa: S608 - only marks
                    (*self._identity, *part),
                ).fetchall()
            except sqlite3.DatabaseError:
                self._set_aside()
                return found
            found |= {key: np.frombuffer(vector, np.float32) for key, vector in rows}
        return found

    def _set_aside(self) -> None:
        """Start afresh: all that a damaged file holds can be computed again."""
        self._connection.close()
        self._path.replace(self._path.with_suffix(".damaged"))
        self._connection = _connect(self._path)

    def _keep(self, vectors: dict[bytes, NDArray[np.float32]]) -> None:
        try:
            with self._connection:
                self._connection.executemany(
                    "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)",
                    [(*self._identity, key, vector.tobytes()) for key, vector in vectors.items()],
                )
        except sqlite3.DatabaseError as error:
            raise StorageError(
                f"The embedding cache cannot be written ({error}).",
                remedy="Free some space or choose another directory with FURY_AGENT_DATA_DIR.",
            ) from error


def _open(path: Path) -> sqlite3.Connection:
    try:
        return _connect(path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise StorageError(
                f"The embedding cache {str(path)!r} cannot be opened ({error}).",
                remedy="Make its directory writable or choose another one with FURY_AGENT_DATA_DIR.",
            ) from error
        path.replace(path.with_suffix(".damaged"))
        return _connect(path)


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=30.0)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.executescript(_SCHEMA)
    return connection
