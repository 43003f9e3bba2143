"""Kept answers: found by all that they were made from, in this process or in a Redis, and never the wrong ones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from pydantic import SecretStr

from agent import redis_link
from agent.answer_cache import AnswerCache, normal
from agent.redis_link import RedisLink
from agent.schema import Answer, AnswerEvent, Event, QueryRequest, Ran, SourcesEvent, TokenEvent, Verification
from agent.settings import Settings
from tests.fakes import ANSWER, EVENTS, SOURCES
from tests.servers.redis import RedisServer, redis_server

QUESTION = QueryRequest("How do I draw a sphere?", top_k=3)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    pytest.importorskip("redis", reason="the extra `redis` is not installed")
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(params=["own", "shared"])
def shared(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Settings of a cache in this process alone, and of one in Redis."""
    if request.param == "own":
        return {}
    return {"redis_url": SecretStr(request.getfixturevalue("redis").url)}


def keep(cache: AnswerCache, key: str, answer: Answer = ANSWER) -> None:
    events = (*EVENTS[:-1], AnswerEvent(answer))
    assert list(cache.keeping(key, iter(events), lambda: "scripted")) == list(events)


def key_of(request: QueryRequest = QUESTION, where: tuple[str, str, str] = ("fury", "2.0.0", "g1"), **set_: Any) -> str:
    return AnswerCache(Settings(**set_)).key(request, *where)


def test_a_kept_answer_comes_back_as_events_of_the_same_kinds(shared: dict[str, Any]) -> None:
    cache, key = AnswerCache(Settings(**shared)), uuid4().hex
    assert cache.get(key) == ()
    keep(cache, key)
    assert cache.get(key) == (SOURCES, TokenEvent("Use `actor.sphere` [1]."), AnswerEvent(ANSWER))


@pytest.mark.parametrize(
    "answer",
    [
        structs.replace(ANSWER, status="sources_only", model=None),
        structs.replace(ANSWER, model="the fallback"),
        structs.replace(ANSWER, verification=Verification(unchecked="The code was not run: no turn was free.")),
    ],
    ids=["the model failed", "a fallback wrote it", "its code found no turn"],
)
def test_what_another_try_may_do_better_is_not_kept(shared: dict[str, Any], answer: Answer) -> None:
    cache, key = AnswerCache(Settings(sandbox="bubblewrap", **shared)), uuid4().hex
    keep(cache, key, answer)
    assert cache.get(key) == ()


@pytest.mark.parametrize(
    "answer",
    [
        structs.replace(ANSWER, status="declined", model=None),
        structs.replace(ANSWER, verification=Verification(ran=Ran(ok=False, seconds=1.0, error="no"), unchecked="x")),
        structs.replace(ANSWER, verification=Verification(unchecked="Only Python is checked, not the code in bash.")),
    ],
    ids=["declined by what the sources hold", "ran, and failed", "has nothing to run"],
)
def test_what_another_try_would_repeat_is_kept(answer: Answer) -> None:
    cache = AnswerCache(Settings(sandbox="bubblewrap"))
    keep(cache, "key", answer)
    assert cache.get("key")[-1] == AnswerEvent(answer)


def test_an_answer_that_breaks_off_is_not_kept() -> None:
    cache = AnswerCache(Settings())
    list(cache.keeping("key", iter(EVENTS[:-1]), lambda: "scripted"))
    assert cache.get("key") == ()


def test_equal_questions_have_one_key_whoever_asks_and_in_whatever_conversation() -> None:
    assert key_of() == key_of(
        structs.replace(QUESTION, conversation_id=uuid4(), question="  How do I\tdraw a sphere? ")
    )
    assert key_of() == key_of(port=1, records_retention_days=3, limit_questions="1/day", cache_seconds=5)


@pytest.mark.parametrize(
    "other",
    [
        key_of(structs.replace(QUESTION, question="how do I draw a sphere?")),
        key_of(structs.replace(QUESTION, top_k=4)),
        key_of(where=("fury", "2.0.0", "g2")),
        key_of(where=("fury", "0.10.0", "g1")),
        key_of(where=("other", "2.0.0", "g1")),
        key_of(llm_model="phi-3"),
        key_of(sandbox="bubblewrap"),
        key_of(prompt_tokens=1000),
    ],
)
def test_whatever_changes_an_answer_changes_the_key(other: str) -> None:
    assert other != key_of()


def test_another_prompt_is_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key_of()
    monkeypatch.setattr("agent.prompts.SYSTEM", "Answer in verse.")
    assert key_of() != before


@given(st.text(max_size=30))
def test_what_is_normal_stays_as_it_is(question: str) -> None:
    assert normal(normal(question)) == normal(question)


def test_the_lines_of_code_in_a_question_stay() -> None:
    assert normal("Why?\nif x:\n  y") != normal("Why?\nif x:\ny")


def test_no_more_is_kept_than_allowed_and_no_longer() -> None:
    cache = AnswerCache(Settings(cache_answers=2, cache_seconds=2))
    for key in "abc":
        keep(cache, key)
    assert [bool(cache.get(key)) for key in "abc"] == [False, True, True]
    time.sleep(2.05)
    assert cache.get("c") == ()


def test_nothing_is_kept_where_nothing_is_wanted(redis: RedisServer) -> None:
    cache = AnswerCache(Settings(cache_answers=0, redis_url=SecretStr(redis.url)))
    keep(cache, "unwanted")
    assert cache.get("unwanted") == ()
    assert AnswerCache(Settings(redis_url=SecretStr(redis.url))).get("unwanted") == ()


# --- Redis ---------------------------------------------------------------------------------------


def test_replicas_give_each_others_answers_for_as_long_as_is_set(redis: RedisServer) -> None:
    settings, key = Settings(redis_url=SecretStr(redis.url), cache_seconds=77), uuid4().hex
    keep(AnswerCache(settings), key)
    assert AnswerCache(settings).get(key)[-1] == AnswerEvent(ANSWER)
    client: Any = RedisLink(SecretStr(redis.url)).client
    assert 70 < client.ttl(f"fury-agent:answer:{key}") <= 77
    client.close()


def test_what_is_no_answer_is_not_given(redis: RedisServer) -> None:
    client = RedisLink(SecretStr(redis.url)).client
    client.set("fury-agent:answer:strange", b'[{"type":"answer"}]')
    client.close()
    assert AnswerCache(Settings(redis_url=SecretStr(redis.url))).get("strange") == ()


@pytest.mark.parametrize("how", ["refuses", "is silent"])
def test_without_redis_a_process_goes_on_alone_and_waits_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(redis_link, "TIMEOUT", 0.5)
    with redis_server(tmp_path) as server:
        cache = AnswerCache(Settings(redis_url=SecretStr(server.url)))
        assert cache.problem() == ""
        if how == "refuses":
            server.stop()
        else:
            server.freeze()
        started = time.perf_counter()
        for key in "abcdefgh":
            keep(cache, key)
            assert cache.get(key)
            assert cache.get(f"not {key}") == ()
        assert time.perf_counter() - started < 4
        assert "does not answer" in cache.problem()
        assert str(server.port) in cache.problem()
        monkeypatch.setattr(redis_link, "PAUSE", 0.0)
        cache._redis._paused_until = 0.0  # pyright: ignore[reportOptionalMemberAccess]
        if how == "refuses":
            server.start()
        else:
            server.freeze(frozen=False)
        assert cache.problem() == ""


def test_draft_and_sources_are_those_of_the_answer() -> None:
    cache = AnswerCache(Settings())
    sources = SourcesEvent((), "fury", "2.0.0")
    told: tuple[Event, ...] = (sources, AnswerEvent(ANSWER))  # declined at once: there was no draft
    list(cache.keeping("key", iter(told), lambda: "scripted"))
    assert cache.get("key") == told
