"""Services by URL: the real HTTP server in front of a scripted service."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, contextmanager

import msgspec
import pytest

from agent.errors import InvalidInput, ServiceError, StoreUnavailable
from agent.settings import Settings
from evals.answerers import HttpAnswerer, ask, settings_digest
from tests.fakes import ANSWER, EVENTS, LIBRARY, REPLY, SOURCES, ScriptedService, Step, running


@contextmanager
def served(*script: Step) -> Generator[HttpAnswerer]:
    with running(ScriptedService(*script)) as client, closing(HttpAnswerer(str(client.base_url))) as answerer:
        yield answerer


def test_a_service_is_asked_and_timed() -> None:
    with served() as answerer:
        asked = ask(answerer, "a", "How do I draw a sphere?")
    assert asked.answer == ANSWER
    assert asked.passages == REPLY.passages
    assert asked.tokens == 2
    assert asked.first_token_ms is not None
    assert 0 < asked.first_token_ms <= asked.total_ms
    assert asked.error is None


def test_the_first_token_is_timed_from_the_question() -> None:
    with served(0.2, *EVENTS) as answerer:
        asked = ask(answerer, "a", "q?")
    assert asked.first_token_ms is not None
    assert asked.first_token_ms >= 200


def test_a_service_says_what_it_is() -> None:
    with served() as answerer:
        identity = answerer.identity()
    assert (identity.library, identity.version, identity.embedding) == ("fury", "2.0.0", LIBRARY.embedding)
    assert identity.answerer.startswith("http://127.0.0.1:")


def test_an_error_in_mid_stream_is_recorded_with_its_reason() -> None:
    with served(SOURCES, StoreUnavailable("The store has gone.")) as answerer:
        asked = ask(answerer, "a", "q?")
    assert asked.answer is None
    assert asked.error is not None
    assert "The store has gone." in asked.error


def test_a_refused_question_is_recorded_with_its_reason() -> None:
    with served(StoreUnavailable("The store has gone.")) as answerer:
        asked = ask(answerer, "a", "q?")
    assert asked.error is not None
    assert "503" in asked.error


def test_a_dead_service_is_told_with_what_to_do() -> None:
    told = r"127\.0\.0\.1:9.*cannot be reached.*fury-agent serve"
    with closing(HttpAnswerer("http://127.0.0.1:9")) as answerer, pytest.raises(ServiceError, match=told):
        answerer.identity()


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://x", "http://"])
def test_an_address_must_be_one(url: str) -> None:
    with pytest.raises(InvalidInput, match="address"):
        HttpAnswerer(url)


def test_only_settings_that_change_results_change_the_digest(settings: Settings) -> None:
    other = settings.model_copy(update={"llm_threads": 7, "port": 1})
    assert settings_digest(other) == settings_digest(settings)
    assert settings_digest(settings.model_copy(update={"top_k": 7})) != settings_digest(settings)


def test_every_setting_is_on_one_side_or_the_other() -> None:
    from evals.answerers import NOT_ABOUT_RESULTS

    assert set(Settings.model_fields) >= NOT_ABOUT_RESULTS


def test_no_secret_is_in_a_run() -> None:
    secret = Settings(llm_key="s3cret", judge_llm_key="s3cret")  # pyright: ignore[reportArgumentType] - pydantic wraps it
    assert "s3cret" not in msgspec.json.encode(settings_digest(secret)).decode()
