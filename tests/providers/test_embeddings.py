"""The embedding model in process: quiet, offline, exact under threads, failing at once and in words."""

from __future__ import annotations

import json
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
from tests.tiny_models import gte

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
        build_embedding(model(tmp_path, config="{}", modules="[]").model_copy(update={"embedding_pooling": "cls"}))


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


def test_half_precision_meets_few_lengths_whatever_it_embeds(tiny_gte: Path) -> None:
    """For each, torch keeps code and weights for good: memory would grow with what was ever embedded."""
    embedding: Any = build_embedding(load_settings(embedding_model=str(tiny_gte), embedding_precision="bfloat16"))
    lengths: set[int] = set()

    def note(_module: Any, arguments: Any) -> None:
        lengths.add(arguments[0]["input_ids"].shape[1])

    embedding._model[0].register_forward_pre_hook(note)
    embedding.get_text_embedding_batch(["sphere " * count for count in range(1, 60, 3)])
    for count in (1, 2, 3, 20, 21):
        embedding.get_query_embedding("sphere " * count)
    assert lengths
    assert {length % 16 for length in lengths} == {0}


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


# --- GTE, of two layers ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny_gte(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return gte(tmp_path_factory.mktemp("models") / "tiny-gte")


def gte_settings(directory: Path, **changes: Any) -> Settings:
    return load_settings(embedding_model=str(directory), embedding_precision="float32", **changes)


def first_states(directory: Path, texts: list[str]) -> Any:
    """Return the last layer's first state of each text, of unit length, as transformers alone computes it."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, encoder = AutoTokenizer.from_pretrained(directory), AutoModel.from_pretrained(directory)
    assert type(encoder).__name__ == "GteModel"
    with torch.no_grad():
        states = [encoder(**tokenizer(text, return_tensors="pt")).last_hidden_state[0, 0] for text in texts]
    return torch.nn.functional.normalize(torch.stack(states), dim=1).numpy()


def test_gte_is_the_native_class_and_its_first_state_is_the_vector(tiny_gte: Path) -> None:
    texts = ["draw a sphere", "window " * 40, "show", "use centers then draw"] * 20
    expected = first_states(tiny_gte, texts)
    embedded: Any = build_embedding(gte_settings(tiny_gte, embedding_batch=8))
    np.testing.assert_allclose(embedded.get_text_embedding_batch(texts), expected, atol=1e-5)
    assert len(expected[0]) == 32


def test_texts_of_one_length_are_embedded_together(tiny_gte: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedded: Any = build_embedding(gte_settings(tiny_gte, embedding_batch=4))
    encode, batches = embedded._model.encode, []

    def spy(texts: list[str], **options: Any) -> Any:
        batches.append([len(text) for text in texts])
        return encode(texts, **options)

    monkeypatch.setattr(embedded._model, "encode", spy)
    embedded.get_text_embedding_batch(["sphere " * (1 + number % 8) for number in range(32)])
    assert [len(set(lengths)) for lengths in batches] == [1] * 8


def test_prefixes_of_the_settings_stand_before_questions_and_passages(tiny_gte: Path) -> None:
    prefixes = {"embedding_query_prefix": "how ", "embedding_passage_prefix": "use "}
    embedded = build_embedding(gte_settings(tiny_gte, **prefixes))
    question, passage = first_states(tiny_gte, ["how sphere", "use sphere"])
    np.testing.assert_allclose(embedded.get_query_embedding("sphere"), question, atol=1e-5)
    np.testing.assert_allclose(embedded.get_text_embedding("sphere"), passage, atol=1e-5)


@pytest.mark.parametrize(
    "changes",
    [{"embedding_pooling": "mean"}, {"embedding_query_prefix": "how "}, {"embedding_passage_prefix": "use "}],
)
def test_what_changes_vectors_changes_the_identity(tiny_gte: Path, changes: dict[str, str], tmp_path: Path) -> None:
    name, revision = model_identity(gte_settings(tiny_gte))
    assert name == "tiny-gte"
    assert model_identity(gte_settings(tiny_gte, **changes)) != (name, revision)
    assert model_identity(gte_settings(gte(tmp_path / "tiny-gte", pooling="mean"))) != (name, revision)


def test_a_model_that_does_not_say_how_it_pools_is_not_guessed_at(tmp_path: Path) -> None:
    bare = gte(tmp_path / "bare", pooling=None)
    with pytest.raises(ConfigurationError, match=r"modules\.json.*FURY_AGENT_EMBEDDING_POOLING"):
        build_embedding(gte_settings(bare))
    embedded = build_embedding(gte_settings(bare, embedding_pooling="cls"))
    np.testing.assert_allclose(embedded.get_text_embedding("sphere"), first_states(bare, ["sphere"])[0], atol=1e-5)
    mean = build_embedding(gte_settings(bare, embedding_pooling="mean"))
    assert not np.allclose(embedded.get_text_embedding("sphere"), mean.get_text_embedding("sphere"), atol=1e-3)


def test_code_that_comes_with_a_model_is_not_run(tmp_path: Path) -> None:
    directory = gte(tmp_path / "new", pooling="cls")
    own = {"model_type": "new", "auto_map": {"AutoConfig": "own.Own", "AutoModel": "own.Own"}}
    (directory / "config.json").write_text(json.dumps(own))
    (directory / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(ModelUnavailable, match=r"cannot be loaded.*without code of its own"):
        build_embedding(gte_settings(directory))
    assert not (tmp_path / "ran").exists()
