"""Vectors over HTTP: of unit length and in order, or an error in our words; another model is noticed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blockbuster import blockbuster_ctx

from agent.errors import AgentError, ConfigurationError, IndexMismatch, ModelTimeout, ModelUnavailable
from agent.index_build import build
from agent.providers import http_clients, served_embedding
from agent.providers.circuit import FAILURES
from agent.providers.embeddings import build_embedding, model_identity, same_model
from agent.providers.served_embedding import ServedEmbedding
from agent.providers.signature import same_weights
from agent.schema import SearchRequest
from agent.service import Service
from agent.settings import Settings, load_settings
from tests.servers import faults, openai
from tests.servers.embeddings import embeds
from tests.support import DIMENSION, HashEmbedding

TEXTS = ["a sphere", "an actor", "", "how to draw " * 50, "a sphere"]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_clients, "FIRST_PAUSE", 0.01)


@pytest.fixture
def server() -> Generator[openai.OpenAIServer]:
    with openai.serving(embeds()) as server:
        yield server


def served(url: str, provider: str = "openai-like", **changes: Any) -> ServedEmbedding:
    embedding = build_embedding(
        load_settings(
            embedding=provider, embedding_url=url, embedding_model="served", embedding_key="sk-secret", **changes
        )
    )
    assert isinstance(embedding, ServedEmbedding)
    return embedding


@pytest.mark.parametrize("provider", ["openai-like", "tei"])
def test_vectors_are_the_models_own_in_the_order_of_the_texts_and_of_unit_length(
    server: openai.OpenAIServer, provider: str
) -> None:
    embedding, direct = served(server.url, provider, embedding_batch=2), HashEmbedding()
    expected = [direct.get_text_embedding(text) for text in TEXTS]
    np.testing.assert_allclose(embedding.get_text_embedding_batch(TEXTS), expected, atol=1e-6)
    np.testing.assert_allclose(embedding.get_query_embedding(TEXTS[0]), expected[0], atol=1e-6)
    assert embedding.get_text_embedding_batch([]) == []
    field = "inputs" if provider == "tei" else "input"
    assert [len(request[field]) for request in server.requests] == [3, 2, 1, 1]  # the probe comes with the first batch
    assert set(server.keys) == {"Bearer sk-secret"}


def test_prefixes_are_written_before_questions_and_passages(server: openai.OpenAIServer) -> None:
    embedding = served(server.url, embedding_query_prefix="query: ", embedding_passage_prefix="passage: ")
    embedding.get_query_embedding("a sphere")
    embedding.get_text_embedding_batch(["an actor"])
    sent = [text for request in server.requests for text in request["input"]]
    assert sent[1:] == ["query: a sphere", "passage: an actor"]
    plain, other_query = served(server.url), served(server.url, embedding_query_prefix="ask: ")
    assert not same_weights(embedding.revision, plain.revision)  # the index has other vectors
    assert same_weights(other_query.revision, plain.revision)


def test_async_methods_give_the_same_without_blocking_the_loop(server: openai.OpenAIServer) -> None:
    embedding = served(server.url)

    async def ask() -> tuple[list[float], list[list[float]]]:
        return await asyncio.gather(
            embedding.aget_query_embedding("a sphere"), embedding.aget_text_embedding_batch(["a sphere"])
        )

    with blockbuster_ctx():
        query, [text] = asyncio.run(ask())
    assert query == text == embedding.get_query_embedding("a sphere")


def test_threads_get_the_same_as_one(server: openai.OpenAIServer) -> None:
    embedding = served(server.url)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(embedding.get_text_embedding_batch, [TEXTS] * 8))
    assert found == [embedding.get_text_embedding_batch(TEXTS)] * 8


@pytest.mark.parametrize("provider", ["openai-like", "tei"])
def test_what_is_too_much_for_the_server_is_halved(provider: str) -> None:
    with openai.serving(embeds(batch=2, longest=300)) as server:
        long = "how to draw " * 50
        vectors = served(server.url, provider).get_text_embedding_batch(["a", long, "b", "c"])
    direct = HashEmbedding()
    np.testing.assert_allclose(vectors[0], direct.get_text_embedding("a"), atol=1e-6)
    np.testing.assert_allclose(vectors[1], direct.get_text_embedding(long[: len(long) // 2]), atol=1e-6)


def test_a_server_that_refuses_everything_is_not_asked_for_ever() -> None:
    with openai.serving(openai.refuses(400)) as server:
        with pytest.raises(ModelUnavailable, match="refused even a short text"):
            served(server.url).get_text_embedding_batch(["text " * 2000] * 32)
        assert len(server.requests) < 20


def page(body: str) -> faults.Fault:
    return faults.replies(200, body.encode(), {"Content-Type": "application/json"})


BROKEN: dict[str, tuple[faults.Fault, type[AgentError], str]] = {
    "hangs": (faults.hangs, ModelTimeout, "within 0.4 s"),
    "hangs in the middle": (faults.hangs_after(400), ModelTimeout, "within 0.4 s"),
    "drips": (faults.drips(0.02), ModelTimeout, "within 0.4 s"),
    "late": (faults.delays(1), ModelTimeout, "within 0.4 s"),
    "resets": (faults.resets, ModelUnavailable, "broke off"),
    "resets in the middle": (faults.resets_after(400), ModelUnavailable, "broke off"),
    "babbles": (faults.babbles, ModelUnavailable, "broke off"),
    "truncated": (faults.truncates_after(400), ModelUnavailable, "does not answer with vectors"),
    "401": (faults.replies(401), ModelUnavailable, "401.*FURY_AGENT_EMBEDDING_KEY"),
    "404": (faults.replies(404), ModelUnavailable, "404.*FURY_AGENT_EMBEDDING_URL"),
    "429": (faults.replies(429), ModelUnavailable, "HTTP 429"),
    "500": (faults.replies(500), ModelUnavailable, "HTTP 500"),
    "503": (faults.replies(503), ModelUnavailable, "HTTP 503"),
    "a web site": (page("<html>"), ModelUnavailable, "does not answer with vectors"),
    "other JSON": (page('{"error": "sk-secret"}'), ModelUnavailable, "does not answer with vectors"),
    "too few": (page('{"data": []}'), ModelUnavailable, "does not answer with vectors"),
    "ragged": (page('{"data": [{"embedding": [1]}, {"embedding": [1, 2]}]}'), ModelUnavailable, "not answer with"),
    "zeros": (page('{"data": [{"embedding": [0]}, {"embedding": [0]}]}'), ModelUnavailable, "not answer with"),
    "huge": (page('{"data": [{"embedding": [1e300]}, {"embedding": [1]}]}'), ModelUnavailable, "not answer with"),
}


@pytest.mark.parametrize(("fault", "error", "told"), BROKEN.values(), ids=BROKEN)
def test_every_fault_is_an_error_in_our_words_in_time(
    server: openai.OpenAIServer, fault: faults.Fault, error: type[AgentError], told: str
) -> None:
    with faults.proxy(server.url, fault) as proxy:
        started = time.monotonic()
        with pytest.raises(error, match=told) as caught:
            served(proxy.url, embedding_timeout=0.4).get_query_embedding("a sphere")
        assert time.monotonic() - started < 2.0
    assert "sk-secret" not in str(caught.value)
    assert caught.value.remedy


def test_a_restarting_server_is_waited_for_and_a_dead_one_is_left_alone(server: openai.OpenAIServer) -> None:
    with faults.proxy(server.url, faults.replies(503), faults.replies(502), faults.passes) as proxy:
        embedding = served(proxy.url)
        assert len(embedding.get_query_embedding("a sphere")) == DIMENSION
        proxy.breaks(faults.replies(500))
        for _ in range(FAILURES):
            with pytest.raises(ModelUnavailable, match="HTTP 500"):
                embedding.get_query_embedding("a sphere")
        before = proxy.connections
        with pytest.raises(ModelUnavailable, match="has kept failing"):
            embedding.get_query_embedding("a sphere")
        assert proxy.connections == before
        assert "keeps failing" in embedding.problem


def test_nothing_secret_shows() -> None:
    embedding = served("http://me:sk-secret@127.0.0.1:1/v1")
    assert "sk-secret" not in f"{embedding!r} {embedding} {embedding.to_payload()} {embedding.model_dump()}"
    with pytest.raises(ModelUnavailable, match="cannot be reached") as caught:
        embedding.get_query_embedding("a sphere")
    assert "sk-secret" not in str(caught.value)


@pytest.mark.parametrize("url", [None, "http://host:port"])
def test_an_address_that_cannot_be_is_a_configuration_error(url: str | None) -> None:
    with pytest.raises(ConfigurationError, match="FURY_AGENT_EMBEDDING_URL"):
        build_embedding(Settings(embedding="tei", embedding_url=url))


# --- which model it is ----------------------------------------------------------------------------


def revision(behaviour: openai.Behaviour) -> str:
    with openai.serving(behaviour) as server:
        return served(server.url).revision


def test_one_model_is_itself_on_another_machine_and_no_other_model() -> None:
    """Numbers differ a little between machines and batches; of another model they have nothing in common."""
    first = revision(embeds())
    assert first.startswith(f"{DIMENSION}:")
    assert revision(embeds()) == first
    assert same_weights(first, revision(embeds(waver=0.002)))
    assert not same_weights(first, revision(embeds(model="another")))


@pytest.mark.parametrize("other", ["", "1110a243fdf4706b3f48f1d95db1a4f5529b4d41", "64:", "64:ü", "384:AAAA"])
def test_a_revision_of_another_kind_is_another_model(other: str) -> None:
    assert not same_weights(revision(embeds()), other)
    assert same_weights(other, other)


def test_the_name_counts_too() -> None:
    assert same_model(("a", "1"), ("a", "1"))
    assert not same_model(("a", "1"), ("b", "1"))


@pytest.fixture
def library(tmp_path: Path) -> Callable[..., Settings]:
    """Settings over a small library, with a served embedding."""
    root = tmp_path / "demo"
    root.mkdir()
    (root / "pyproject.toml").write_text('[project]\nname = "demo"\nversion = "1.0"\n')
    (root / "demo.py").write_text(
        'def sphere(centers):\n    """Draw a sphere."""\n\n\ndef cube():\n    """Draw it."""\n'
    )

    def settings(url: str) -> Settings:
        return Settings(
            data_dir=tmp_path / "data",
            library=str(root),
            llm="none",
            embedding="openai-like",
            embedding_url=url,
            embedding_model="served",
            embedding_timeout=0.5,
        )

    return settings


def test_an_index_is_built_and_searched_with_it_and_unchanged_is_not_built_again(
    server: openai.OpenAIServer, library: Callable[..., Settings]
) -> None:
    settings = library(server.url)
    built = build(settings.library, settings)
    assert built.info.dimension == DIMENSION
    server.behaviour = embeds(waver=0.002)  # the same model, on another machine
    assert not build(settings.library, settings).changed
    found = Service(settings).search(SearchRequest("draw a sphere")).passages
    assert found[0].symbol == "sphere"


def test_another_model_behind_the_address_is_a_mismatch_and_no_nonsense(
    server: openai.OpenAIServer, library: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = library(server.url)
    build(settings.library, settings)
    running = Service(settings)
    running.search(SearchRequest("draw a sphere"))
    server.behaviour = embeds(model="another")
    with pytest.raises(IndexMismatch, match="fury-agent index"):
        Service(settings).search(SearchRequest("draw a sphere"))
    monkeypatch.setattr(served_embedding, "RECHECK", 0.0)
    with pytest.raises(IndexMismatch, match="another model than before"):
        running.search(SearchRequest("draw another sphere"))  # the vector of the first question is remembered
    assert build(settings.library, settings).changed
    assert Service(settings).search(SearchRequest("draw a sphere")).passages


def test_while_the_server_is_down_words_and_names_still_find_places(
    server: openai.OpenAIServer, library: Callable[..., Settings]
) -> None:
    settings = library(server.url)
    build(settings.library, settings)
    with faults.proxy(server.url) as proxy:
        service = Service(library(proxy.url))
        service.search(SearchRequest("draw a sphere"))
        for number, fault in enumerate((faults.hangs, faults.resets, faults.replies(500))):
            proxy.breaks(fault)
            assert service.search(SearchRequest(f"draw {number} sphere")).passages[0].symbol == "sphere"
        health = service.health()
        assert health.status == "degraded"
        assert "keeps failing" in health.problems[0]


def test_a_server_that_is_down_at_the_start_is_told_and_asked_again(
    server: openai.OpenAIServer, library: Callable[..., Settings]
) -> None:
    settings = library(server.url)
    build(settings.library, settings)
    with faults.proxy(server.url, faults.replies(500), faults.passes) as proxy:
        service = Service(library(proxy.url))
        with pytest.raises(ModelUnavailable, match="HTTP 500"):
            service.search(SearchRequest("draw a sphere"))
        assert service.search(SearchRequest("draw a sphere")).passages


def test_identity_is_asked_of_the_server(server: openai.OpenAIServer) -> None:
    settings = Settings(embedding="tei", embedding_url=server.url, embedding_model="served")
    name, revision = model_identity(settings)
    assert name == "served"
    assert same_weights(revision, served(server.url).revision)
