"""Kept answers in the service: each asker's own copy, recorded, and never from an index that is served no more."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from agent import answer_cache
from agent.answer_cache import FRESH, AnswerCache
from agent.cancellation import CancelToken
from agent.index_build import build
from agent.recording import Recorder
from agent.schema import Answer, AnswerEvent, Event, FeedbackRequest, Plan, QueryRequest, Ran, SourcesEvent, TokenEvent
from agent.service import Service
from agent.settings import Settings
from tests.fakes import STREAM, events_of, running
from tests.support import HashEmbedding, ScriptedLLM

SPHERE = QueryRequest("How do I draw a sphere?")


@pytest.fixture
def settings(two_versions: Settings, tmp_path: Path) -> Settings:
    """The small library in two versions, in a data directory that the test may change."""
    shutil.copytree(two_versions.data_dir, tmp_path / "data")
    return two_versions.model_copy(update={"data_dir": tmp_path / "data"})


def serving(settings: Settings, *replies: str | Exception, recorder: Recorder | None = None) -> Service:
    llm = ScriptedLLM.saying(*replies)
    return Service(settings, embedding=HashEmbedding(), llm=llm, recorder=recorder, answers=AnswerCache(settings))


def ask(service: Service, request: QueryRequest = SPHERE, user: str | None = None) -> list[Event]:
    return list(service.stream(request, CancelToken(), user=user))


def last(events: list[Event]) -> Answer:
    assert isinstance(events[-1], AnswerEvent)
    return events[-1].answer


def test_the_second_asker_gets_the_same_answer_as_their_own(settings: Settings) -> None:
    recorder = Recorder(settings)
    service = serving(settings, "Call `sphere` [1].", recorder=recorder)
    first, second = ask(service, user="me"), ask(service, user="you")
    assert [type(event) for event in second] == [SourcesEvent, TokenEvent, AnswerEvent]
    assert second[0] == first[0]
    mine, yours = last(first), last(second)
    assert (yours.answer, yours.citations, yours.model) == (mine.answer, mine.citations, mine.model)
    assert len({mine.answer_id, yours.answer_id, mine.conversation_id, yours.conversation_id}) == 4
    assert yours.timings.first_token_ms is None
    service.feedback(FeedbackRequest(yours.answer_id, "up"), user="you")
    assert [turn.question for turn in recorder.turns(yours.conversation_id)] == [SPHERE.question]
    service.close()


def test_what_was_given_a_moment_ago_is_recalled_as_each_askers_own(settings: Settings) -> None:
    recorder = Recorder(settings)
    service = serving(settings, "Call `sphere` [1].", recorder=recorder)
    given = last(ask(service))
    assert service.recall(SPHERE) is None  # known, but not looked up again yet
    ask(service)
    one, other = service.recall(SPHERE, user="me"), service.recall(SPHERE)
    assert one is not None
    assert other is not None
    assert one.answer.answer == other.answer.answer == given.answer
    assert len({given.answer_id, one.answer.answer_id, other.answer.answer_id}) == 3
    assert one.recorded is not None
    one.recorded.result(5)
    service.feedback(FeedbackRequest(one.answer.answer_id, "up"), user="me")
    assert service.forget("me") == 2  # the answer and the opinion
    service.close()


def test_a_flood_of_one_question_is_answered_in_the_event_loop(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_cache, "FRESH", 60.0)
    service = serving(settings, "Call `sphere` [1].", recorder=Recorder(settings))
    planned: list[QueryRequest] = []
    plan = service.plan

    def counted(request: QueryRequest, *, user: str | None = None) -> Plan:
        planned.append(request)
        return plan(request, user=user)

    monkeypatch.setattr(service, "plan", counted)
    with running(service, settings) as client:
        replies = [client.post("/query", json={"question": SPHERE.question}) for _ in range(20)]
        stream = client.post("/query", json={"question": SPHERE.question}, headers={"Accept": STREAM})
        refused = client.post("/query", json={"question": SPHERE.question}, headers={"X-Fury-User": "x" * 201})
        umlauts = [(b"X-Fury-User", ("ä" * 150).encode())]
        as_without = client.post("/query", json={"question": SPHERE.question}, headers=umlauts)
        any_text = client.post("/query", json={"question": SPHERE.question}, headers={"Accept": "text/*"})
        numbers = client.get("/metrics").text
    told = [msgspec.json.decode(reply.content, type=Answer) for reply in replies]
    assert len({one.answer_id for one in told}) == 20
    assert {one.answer for one in told} == {told[0].answer}
    assert all(reply.headers["content-type"] == "application/json" for reply in replies)
    assert [name for name, _ in events_of(stream.text)] == ["sources", "token", "answer"]
    assert refused.status_code == as_without.status_code == 400
    assert any_text.headers["content-type"].startswith(STREAM)
    assert len(planned) == 4  # the first, the one that finds it, and the streams
    assert 'fury_agent_answer_cache_total{result="hit"} 21.0' in numbers
    for one in told:
        service.feedback(FeedbackRequest(one.answer_id, "up"))
    service.close()


def test_nothing_is_recalled_for_another_question_in_a_conversation_or_after_a_moment(settings: Settings) -> None:
    service = serving(settings, "Call `sphere` [1].")
    ask(service)
    known = last(ask(service))
    assert service.recall(SPHERE) is not None
    for other in (
        structs.replace(SPHERE, question="How do I draw a cube?"),
        structs.replace(SPHERE, version="0.10.0"),
        structs.replace(SPHERE, top_k=3),
        structs.replace(SPHERE, conversation_id=known.conversation_id),
    ):
        assert service.recall(other) is None
    time.sleep(FRESH)
    assert service.recall(SPHERE) is None


def test_a_follow_up_shares_its_answer_with_whoever_asks_it_whole(settings: Settings) -> None:
    service = serving(settings, "Call `sphere` [1].", "Call `Scene` [1].", recorder=Recorder(settings))
    conversation = last(ask(service)).conversation_id
    leaning = service.plan(QueryRequest("What about a scene?", conversation_id=conversation))
    assert leaning.request.question != leaning.asked.question
    assert leaning.key == service.plan(structs.replace(leaning.request, conversation_id=None)).key
    assert leaning.key != service.plan(QueryRequest("What about a scene?")).key
    service.close()


def test_a_new_generation_is_asked_anew(settings: Settings) -> None:
    service = serving(settings, "Old [1].", "New [1].", "Old version [1].", "never said")
    assert last(ask(service)).answer.startswith("Old")
    build(settings.library, settings, embedding=HashEmbedding(), force=True)
    assert last(ask(service)).answer.startswith("New")
    assert last(ask(service)).answer.startswith("New")
    assert last(ask(service, structs.replace(SPHERE, version="0.10.0"))).answer.startswith("Old version")


def test_a_failed_model_is_asked_again(settings: Settings) -> None:
    service = serving(settings, RuntimeError("down"), "Call `sphere` [1].")
    assert last(ask(service)).status == "sources_only"
    assert last(ask(service)).status == "answered"


def test_a_version_that_is_not_indexed_is_looked_for_each_time(settings: Settings) -> None:
    service = serving(settings, "never said")
    plan = service.plan(QueryRequest("How do I draw a sphere in demo 0.9?"))
    assert (plan.key, plan.known) == ("", ())
    assert last(ask(service, plan.asked)).status == "declined"


def test_an_answer_whose_picture_has_gone_is_written_anew(settings: Settings) -> None:
    service = serving(settings, "Call `sphere` [1].")
    plan = service.plan(SPHERE)
    drawn = last(list(service.answer(plan, CancelToken())))
    ran = Ran(ok=True, seconds=1.0, image_url=f"/pictures/{'0' * 64}.png")
    drawn = structs.replace(drawn, verification=structs.replace(drawn.verification, ran=ran))
    cache = AnswerCache(settings)
    list(cache.keeping(plan.key, iter([AnswerEvent(drawn)]), lambda: drawn.model))
    assert not Service(settings, embedding=HashEmbedding(), answers=cache).plan(SPHERE).known


def test_without_a_place_to_keep_them_every_answer_is_new(settings: Settings) -> None:
    service = Service(settings, embedding=HashEmbedding(), llm=ScriptedLLM.saying("One [1].", "Two [1]."))
    assert [last(ask(service)).answer[:3] for _ in range(2)] == ["One", "Two"]
    assert service.plan(SPHERE).key == ""
