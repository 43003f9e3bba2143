"""The embedding model in process: quiet, offline, exact under threads, failing at once and in words."""

from __future__ import annotations

import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.errors import ConfigurationError, MissingExtra, ModelUnavailable, WeightsMissing
from agent.providers.embeddings import build_embedding, model_identity
from agent.settings import Settings, load_settings

TEXTS = ["a sphere", "how to draw a red sphere in a scene " * 20, "", "window", "ShowManager.start " * 5] * 8


@pytest.fixture(scope="module")
def embedding(shared_settings: Settings) -> Any:
    """The real default model."""
    return build_embedding(shared_settings)


def model(tmp_path: Path, **files: str) -> Settings:
    directory = tmp_path / "model"
    directory.mkdir(exist_ok=True)
    for name, text in files.items():
        (directory / f"{name}.json").write_text(text)
    return load_settings(data_dir=tmp_path, embedding_model=str(directory))


@pytest.mark.weights
def test_loading_is_silent_and_never_tries_the_network(
    shared_settings: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    vector = build_embedding(shared_settings).get_query_embedding("a sphere")
    assert len(vector) == 384
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)
    assert capfd.readouterr() == ("", "")


@pytest.mark.weights
def test_vectors_are_the_models_own_in_the_order_of_the_texts(embedding: Any) -> None:
    expected = embedding._model.encode(TEXTS, normalize_embeddings=True)
    np.testing.assert_allclose(embedding.get_text_embedding_batch(TEXTS), expected, atol=1e-5)
    assert embedding.get_text_embedding_batch([]) == []


@pytest.mark.weights
def test_meaning_is_near_meaning(embedding: Any) -> None:
    query = np.array(embedding.get_query_embedding("how do I draw a ball?"))
    near, far = np.array(embedding.get_text_embedding_batch(["render a sphere", "read a file from disk"]))
    assert query @ near > query @ far


@pytest.mark.weights
def test_threads_get_the_same_vectors_as_one(embedding: Any) -> None:
    expected = embedding.get_text_embedding_batch(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(embedding.get_text_embedding_batch, [TEXTS] * 4))
        queries = list(pool.map(embedding.get_query_embedding, ["a sphere"] * 8))
    assert all(result == expected for result in results)
    assert all(query == queries[0] for query in queries)


@pytest.mark.weights
def test_a_failure_is_told_at_once_in_words(embedding: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []

    def fail(*args: Any, **_: Any) -> None:
        calls.append(args)
        raise RuntimeError("out of memory")

    monkeypatch.setattr(embedding._model, "encode", fail)
    started = time.perf_counter()
    with pytest.raises(ModelUnavailable, match="out of memory"):
        embedding.get_query_embedding("x")
    assert len(calls) == 1
    assert time.perf_counter() - started < 2


@pytest.mark.weights
def test_a_built_model_has_the_identity_of_its_settings(embedding: Any, shared_settings: Settings) -> None:
    assert model_identity(shared_settings, embedding) == model_identity(shared_settings)


def test_the_catalogues_model_is_identified_without_its_weights(settings: Settings) -> None:
    name, revision = model_identity(settings)
    assert (name, len(revision)) == ("all-MiniLM-L6-v2", 40)
    assert not settings.data_dir.exists()


def test_a_directory_is_identified_by_its_contents(tmp_path: Path) -> None:
    first = model_identity(model(tmp_path, config="{}"))
    (tmp_path / "model" / "README.md").write_text("words do not matter")
    assert model_identity(model(tmp_path, config="{}")) == first
    assert model_identity(model(tmp_path, config='{"a": 1}')) != first
    assert first[0] == "model"


def test_a_missing_extra_is_named_with_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "agent.providers.local_embedding", raising=False)
    monkeypatch.setitem(sys.modules, "llama_index.embeddings.huggingface", None)
    with pytest.raises(MissingExtra, match=r"pip install 'fury-agent\[hf\]'"):
        build_embedding(model(tmp_path))


def test_a_directory_without_a_model_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        build_embedding(model(tmp_path, config="{}"))


def test_a_file_or_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"")
    with pytest.raises(ConfigurationError, match=r"m\.gguf.*directory"):
        build_embedding(load_settings(data_dir=tmp_path, embedding_model=str(tmp_path / "m.gguf")))
    with pytest.raises(WeightsMissing, match="absent"):
        build_embedding(load_settings(data_dir=tmp_path, embedding_model=str(tmp_path / "absent")))


def test_prompts_of_the_models_own_configuration_are_used(tmp_path: Path) -> None:
    from agent.providers.local_embedding import _instructions

    model(tmp_path, config_sentence_transformers='{"prompts": {"query": "Q: ", "document": "D: "}}')
    assert _instructions(tmp_path / "model") == ("Q: ", "D: ")
    model(tmp_path, config_sentence_transformers="{broken")
    assert _instructions(tmp_path / "model") == (None, None)


@pytest.mark.weights
def test_half_precision_gives_nearly_the_same_vectors_of_unit_length(shared_settings: Settings) -> None:
    whole, half = (
        np.array(build_embedding(_computing_in(name, shared_settings)).get_text_embedding_batch(TEXTS))
        for name in ("float32", "bfloat16")
    )
    np.testing.assert_allclose(np.linalg.norm(half, axis=1), 1.0, atol=1e-5)
    assert (whole * half).sum(axis=1).min() > 0.9995
    assert not np.array_equal(whole, half)


def _computing_in(precision: str, settings: Settings) -> Settings:
    return settings.model_copy(update={"embedding_precision": precision})
