"""A served LLM on a network that breaks: asked again where safe, left alone where hopeless, and a second answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.llms.llm import LLM

from agent.cancellation import CancelToken
from agent.errors import AgentError, Cancelled, ConfigurationError, ModelTimeout, ModelUnavailable
from agent.providers import http_clients
from agent.providers.circuit import FAILURES, Circuit
from agent.providers.llms import build_llm, model_name
from agent.providers.llms.fallback import GuardedLLM
from agent.providers.llms.stream import Delta, stream_chat
from agent.schema import Answer, AnswerEvent, QueryRequest
from agent.service import Service
from agent.settings import Settings, load_settings
from tests.servers import faults, openai
from tests.support import HashEmbedding, ScriptedLLM

SOON = 5.0
"""Seconds that count as at once on a busy machine."""
ANSWER = "".join(openai.WORDS)
QUESTION = [ChatMessage(role="user", content="How?")]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_clients, "FIRST_PAUSE", 0.01)


def llm_at(url: str, fallback: str | None = None, **changes: Any) -> LLM:
    second = {"fallback_llm": "openai-like", "fallback_llm_url": fallback, "fallback_llm_model": "second"}
    llm = build_llm(
        load_settings(llm="openai-like", llm_url=url, llm_model="first", **(second if fallback else {}), **changes)
    )
    assert llm is not None
    return llm


def ask(llm: LLM, **changes: Any) -> Generator[Delta, None, None]:
    options: dict[str, Any] = {"cancel": CancelToken(), "first_token_timeout": 10.0, "token_timeout": 10.0, **changes}
    return stream_chat(llm, QUESTION, max_tokens=50, **options)


def said(llm: LLM, **changes: Any) -> tuple[str, str]:
    """Return the answer and who gave it."""
    deltas = list(ask(llm, **changes))
    return "".join(delta.text for delta in deltas), deltas[-1].model


@contextmanager
def within(seconds: float) -> Generator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


BEFORE_A_WORD = {
    "resets": faults.resets,
    "babbles": faults.babbles,
    "500": faults.replies(500),
    "401": faults.replies(401),
    "404": faults.replies(404),
    "429": faults.replies(429),
    "429 for an hour": faults.replies(429, headers={"Retry-After": "3600"}),
    "503": faults.replies(503),
    "a web site": faults.replies(200, b"<html>Welcome</html>", {"Content-Type": "text/html"}),
    "truncated head": faults.truncates_after(10),
    "garbage": faults.replies(200, b"data: {not json\n\n", {"Content-Type": "text/event-stream"}),
    "hangs": faults.hangs,
    "hangs after the head": faults.hangs_after(90),
    "late": faults.delays(2),
}


@pytest.mark.parametrize("fault", BEFORE_A_WORD.values(), ids=BEFORE_A_WORD)
def test_whatever_breaks_before_a_word_the_second_answers_and_is_named(fault: faults.Fault) -> None:
    with openai.serving(openai.answers) as server, faults.proxy(server.url, fault) as proxy:
        llm = llm_at(proxy.url, server.url, fallback_after=1)
        assert model_name(llm) == "first"
        with within(SOON):
            assert said(llm) == (ANSWER, "second")


def test_while_the_first_answers_the_second_is_never_asked() -> None:
    with openai.serving(openai.answers) as first, openai.serving(openai.answers) as second:
        assert said(llm_at(first.url, second.url)) == (ANSWER, "first")
        assert second.requests == []


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.resets_after(400), ModelUnavailable),
        (faults.truncates_after(400), ModelUnavailable),
        (faults.hangs_after(400), ModelTimeout),
    ],
)
def test_what_was_begun_is_taken_over_by_nobody(fault: faults.Fault, error: type[AgentError]) -> None:
    """Two models' halves of one answer are worse than a list of places."""
    with openai.serving(openai.answers) as server, openai.serving(openai.answers) as second:
        with faults.proxy(server.url, fault) as proxy:
            stream = ask(llm_at(proxy.url, second.url), token_timeout=0.5)
            assert next(stream).text == openai.WORDS[0]
            with within(SOON), pytest.raises(error):
                list(stream)
        assert proxy.connections == 1
        assert second.requests == []


@pytest.mark.parametrize(
    ("answered", "tries"),
    [
        ([faults.replies(502), faults.replies(503), faults.passes], 3),
        ([faults.replies(429, headers={"Retry-After": "0"}), faults.passes], 2),
    ],
)
def test_what_the_server_has_not_begun_is_repeated(answered: list[faults.Fault], tries: int) -> None:
    with openai.serving(openai.answers) as server, faults.proxy(server.url, *answered) as proxy:
        assert said(llm_at(proxy.url)) == (ANSWER, "first")
        assert proxy.connections == tries


@pytest.mark.parametrize(
    "fault", [faults.replies(500), faults.replies(429), faults.resets, faults.replies(401), faults.truncates_after(10)]
)
def test_what_it_may_be_working_on_is_not_repeated(fault: faults.Fault) -> None:
    with openai.serving(openai.answers) as server, faults.proxy(server.url, fault) as proxy:
        with pytest.raises(ModelUnavailable) as caught:
            list(ask(llm_at(proxy.url)))
        assert proxy.connections == 1
    assert "sk-secret" not in str(caught.value)


def test_a_refused_connection_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is being restarted is back in a moment."""
    tries: list[int] = []

    def noted(attempt: int) -> float:
        tries.append(attempt)
        return 0.0

    monkeypatch.setattr(http_clients, "backoff", noted)
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        list(ask(llm_at(faults.nobody())))
    assert tries == [1, 2]


def test_one_that_keeps_failing_is_left_alone() -> None:
    with openai.serving(openai.answers) as server, faults.proxy(server.url, faults.replies(500)) as proxy:
        llm = llm_at(proxy.url, server.url)
        for _ in range(FAILURES + 2):
            assert said(llm) == (ANSWER, "second")
        assert proxy.connections == FAILURES
        assert isinstance(llm, GuardedLLM)
        assert llm.problem == "The language model 'first' keeps failing."


def test_without_a_second_a_dead_server_costs_the_next_question_no_time() -> None:
    with openai.serving(openai.answers) as server, faults.proxy(server.url, faults.hangs) as proxy:
        llm = llm_at(proxy.url)
        for _ in range(FAILURES):
            with pytest.raises(ModelTimeout):
                list(ask(llm, first_token_timeout=0.1))
        with within(0.1), pytest.raises(ModelUnavailable, match="has kept failing"):
            list(ask(llm))


def test_after_a_rest_it_is_tried_and_back_in_office() -> None:
    now = [0.0]
    first, second = ScriptedLLM.saying(*[OSError()] * 4, "I am back", "and stay"), ScriptedLLM.saying(*["second"] * 9)
    llm = GuardedLLM(first, second, circuits=[Circuit(clock=lambda: now[0]), Circuit()])
    assert [said(llm)[0] for _ in range(4)] == ["second"] * 4
    assert len(first.asked) == 3
    now[0] = 31.0
    assert [said(llm)[0] for _ in range(2)] == ["second"] * 2
    assert len(first.asked) == 4
    now[0] = 62.0
    assert [said(llm)[0] for _ in range(2)] == ["I am back", "and stay"]
    assert llm.problem == ""


def test_a_question_at_fault_is_not_held_against_the_server() -> None:
    too_long = openai.refuses(400, "too long", "context_length_exceeded")
    with openai.serving(too_long) as server:
        llm = llm_at(server.url)
        for _ in range(FAILURES + 1):
            with pytest.raises(ModelUnavailable, match="longer than the context window"):
                list(ask(llm))
        assert len(server.requests) == FAILURES + 1


def test_both_down_is_one_error_that_names_both() -> None:
    with pytest.raises(ModelUnavailable) as caught:
        list(ask(llm_at(faults.nobody(), faults.nobody())))
    assert "'first'" in caught.value.message
    assert "'second'" in caught.value.message
    assert "fury-agent doctor" in caught.value.remedy


def answer(settings: Settings, llm: LLM) -> Answer:
    service = Service(settings, embedding=HashEmbedding(), llm=llm)
    *_, last = service.stream(QueryRequest("How do I draw a sphere?"), CancelToken())
    assert isinstance(last, AnswerEvent)
    return last.answer


def test_the_answer_names_the_model_that_wrote_it_and_health_the_one_that_fails(two_versions: Settings) -> None:
    with openai.serving(openai.answers) as server, faults.proxy(server.url, faults.replies(500)) as proxy:
        llm = llm_at(proxy.url, server.url)
        found = [answer(two_versions, llm) for _ in range(FAILURES)]
        health = Service(two_versions, embedding=HashEmbedding(), llm=llm).health()
    assert {(one.status, one.model) for one in found} == {("answered", "second")}
    assert (health.status, health.problems) == ("degraded", ("The language model 'first' keeps failing.",))


def test_with_both_down_the_answer_lists_places(two_versions: Settings) -> None:
    found = answer(two_versions, llm_at(faults.nobody(), faults.nobody()))
    assert (found.status, found.model) == ("sources_only", None)
    assert found.citations


@pytest.mark.parametrize("fault", [faults.hangs, faults.replies(503, headers={"Retry-After": "9"})])
def test_a_withdrawn_question_ends_at_once_and_asks_nobody_else(fault: faults.Fault) -> None:
    cancel = CancelToken()
    with openai.serving(openai.answers) as server, faults.proxy(server.url, fault) as proxy:
        threading.Timer(0.3, cancel.cancel).start()
        with within(SOON), pytest.raises(Cancelled):
            list(ask(llm_at(proxy.url, server.url), cancel=cancel))
        assert server.requests == []


def test_a_reader_who_leaves_stops_the_model() -> None:
    with openai.serving(openai.never_stops) as server:
        stream = ask(llm_at(server.url))
        next(stream)
        stream.close()
        assert server.hung_up.wait(SOON)


def test_the_firsts_key_is_not_shown_to_the_second() -> None:
    with openai.serving(openai.refuses(500)) as first, openai.serving(openai.answers) as second:
        said(llm_at(first.url, second.url, llm_key="sk-first"))
        assert first.keys == ["Bearer sk-first"]
        assert second.keys == ["Bearer none"]
        said(llm_at(first.url, second.url, llm_key="sk-first", fallback_llm_key="sk-second"))
        assert second.keys[1] == "Bearer sk-second"


def test_a_fallback_without_an_address_is_a_configuration_error() -> None:
    settings = Settings(llm="openai-like", llm_url="http://127.0.0.1:1/v1", fallback_llm="openai-like")
    with pytest.raises(ConfigurationError, match="FURY_AGENT_FALLBACK_LLM_URL"):
        build_llm(settings)


def test_a_judge_has_no_fallback() -> None:
    settings = Settings(fallback_llm="openai-like", fallback_llm_url="http://127.0.0.1:1/v1", judge_llm="none")
    assert settings.for_judge().fallback_llm is None


def test_the_methods_of_llamaindex_fall_back_too() -> None:
    def whole(reply: openai.Reply) -> None:
        reply.headers(kind="application/json")
        reply.raw(
            '{"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}],'
        )
        reply.raw(' "id": "c", "object": "chat.completion", "created": 0, "model": "m"}')

    with openai.serving(whole) as server:
        llm = llm_at(faults.nobody(), server.url)
        assert llm.chat(QUESTION).message.content == "Hi"
        assert [piece.delta for piece in llm.stream_chat(QUESTION)] == ["Hi"]
        assert llm.complete("How?").text == "Hi"
        assert [piece.delta for piece in llm.stream_complete("How?")] == ["Hi"]
