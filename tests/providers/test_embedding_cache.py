"""What was embedded once is not embedded again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.providers.embedding_cache import EmbeddingCache
from tests.support import HashEmbedding


def open_cache(path: Path, embedding: HashEmbedding, revision: str = "1") -> EmbeddingCache:
    return EmbeddingCache(path, embedding, model="hash", revision=revision)


def test_vectors_come_in_order_and_only_new_texts_are_embedded(tmp_path: Path) -> None:
    embedding = HashEmbedding()
    cache = open_cache(tmp_path / "c.sqlite", embedding)
    first = cache.embed(["a b", "c", "a b"])
    cache.close()
    again = open_cache(tmp_path / "c.sqlite", embedding)
    second = again.embed(["c", "new", "a b"])
    again.close()
    assert sorted(embedding.texts) == ["a b", "c", "new"]
    assert again.computed == 1
    np.testing.assert_array_equal(first[[1, 0]], second[[0, 2]])
    np.testing.assert_array_equal(first[0], first[2])


def test_another_revision_of_the_model_shares_nothing(tmp_path: Path) -> None:
    embedding = HashEmbedding()
    for revision in ("1", "2"):
        cache = open_cache(tmp_path / "c.sqlite", embedding, revision)
        cache.embed(["a"])
        cache.close()
    assert embedding.texts == ["a", "a"]


def test_a_damaged_file_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    path.write_bytes(b"this is not a database, not at all" * 100)
    cache = open_cache(path, HashEmbedding())
    assert cache.embed(["a"]).shape == (1, 64)
    cache.close()


@settings(max_examples=25)
@given(st.lists(st.text(max_size=20), max_size=30))
def test_a_cached_vector_is_the_model_s_own(texts: list[str]) -> None:
    embedding = HashEmbedding()
    cache = EmbeddingCache(Path(":memory:"), embedding, model="hash", revision="1")
    done: list[int] = []
    vectors = cache.embed(texts, done=done.append)
    cache.close()
    assert sum(done) == len(texts)
    for text, vector in zip(texts, vectors, strict=True):
        np.testing.assert_allclose(vector, np.asarray(embedding.get_query_embedding(text), np.float32))
