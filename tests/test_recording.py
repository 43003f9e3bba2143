"""Answers never wait for their records, and what is asked next finds what was said before."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from msgspec import structs

from agent import recording
from agent.cancellation import CancelToken
from agent.errors import RecordsUnavailable, UnknownAnswer
from agent.recording import Recorder
from agent.records import Given, Records
from agent.schema import Answer, AnswerEvent, FeedbackRequest, QueryRequest
from agent.service import Service
from agent.settings import Settings
from tests.fakes import ANSWER, eventually
from tests.support import HashEmbedding, ScriptedLLM


@pytest.fixture
def recorder(settings: Settings) -> Iterator[Recorder]:
    recorder = Recorder(settings)
    yield recorder
    recorder.close()


def last(events: Iterator[object]) -> Answer:
    *_, final = events
    assert isinstance(final, AnswerEvent)
    return final.answer


def test_an_answer_can_be_judged_and_leaned_on_as_soon_as_it_is_given(recorder: Recorder) -> None:
    recorder.keep(Given(ANSWER, "q?", "q?"))
    recorder.feed_back(FeedbackRequest(ANSWER.answer_id, "up"))
    assert [turn.question for turn in recorder.turns(ANSWER.conversation_id)] == ["q?"]
    assert recorder.problem == ""


def test_an_unknown_answer_is_no_trouble_of_the_records(recorder: Recorder) -> None:
    with pytest.raises(UnknownAnswer):
        recorder.feed_back(FeedbackRequest(ANSWER.answer_id, "up"))
    assert recorder.problem == ""  # the caller's mistake


def test_a_slow_database_delays_no_answer(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(method: Callable[..., None]) -> Callable[..., None]:
        def call(*arguments: object) -> None:
            time.sleep(0.3)
            method(*arguments)

        return call

    monkeypatch.setattr(Records, "keep", slowly(Records.keep))
    assert recorder.turns(uuid4()) == ()  # open by now
    started = time.perf_counter()
    recorder.keep(Given(ANSWER, "q?", "q?"))
    assert time.perf_counter() - started < 0.15
    recorder.feed_back(FeedbackRequest(ANSWER.answer_id, "down"))  # waits for its answer


def test_what_comes_while_the_database_is_busy_is_written_together(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    keep = Records.keep

    def counted(records: Records, *given: Given) -> None:
        time.sleep(0.05)
        written.append(len(given))
        keep(records, *given)

    assert recorder.turns(uuid4()) == ()  # open by now
    monkeypatch.setattr(Records, "keep", counted)
    ids = [uuid4() for _ in range(30)]
    futures = [recorder.begin_keeping(Given(structs.replace(ANSWER, answer_id=one), "q?", "q?")) for one in ids]
    for one in ids:
        recorder.feed_back(FeedbackRequest(one, "up"))  # finds its answer
    assert all(future is not None and future.done() for future in futures)
    assert sum(written) == 30
    assert len(written) <= 3


def test_one_answer_that_cannot_be_written_costs_no_other_its_record(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, bad = Records.keep, uuid4()

    def refusing(records: Records, *given: Given) -> None:
        time.sleep(0.05)
        if any(one.answer.answer_id == bad for one in given):
            raise RecordsUnavailable("It is refused.", remedy="None.")
        keep(records, *given)

    assert recorder.turns(uuid4()) == ()  # open by now
    monkeypatch.setattr(Records, "keep", refusing)
    good = [uuid4() for _ in range(8)]
    for one in (*good[:4], bad, *good[4:]):
        recorder.begin_keeping(Given(structs.replace(ANSWER, answer_id=one), "q?", "q?"))
    for one in good:
        recorder.feed_back(FeedbackRequest(one, "up"))
    with pytest.raises(UnknownAnswer):
        recorder.feed_back(FeedbackRequest(bad, "up"))


def test_a_database_that_comes_up_late_costs_only_the_answers_before(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[Settings] = []

    def opened(given: Settings) -> Records:
        tries.append(given)
        time.sleep(0.05)
        if len(tries) < 3:
            raise RecordsUnavailable("It is not up.", remedy="Wait.")
        return Records(given)

    monkeypatch.setattr(recording, "Records", opened)
    recorder = Recorder(settings)
    ids = [uuid4() for _ in range(20)]
    for one in ids:
        recorder.begin_keeping(Given(structs.replace(ANSWER, answer_id=one), "q?", "q?"))
    for one in ids[3:]:
        recorder.feed_back(FeedbackRequest(one, "up"))
    recorder.close()


def test_more_answers_than_can_be_written_are_given_without_a_record(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "MOST_WAITING", 10)
    busy = threading.Event()

    def kept(*_: object) -> None:
        busy.wait(5)

    assert recorder.turns(uuid4()) == ()  # open by now
    monkeypatch.setattr(Records, "keep", kept)
    for _ in range(40):
        recorder.begin_keeping(Given(structs.replace(ANSWER, answer_id=uuid4()), "q?", "q?"))
    assert "not recorded" in recorder.problem
    busy.set()


def test_without_a_database_answers_go_on_until_it_is_back(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a directory should be")
    recorder = Recorder(Settings(data_dir=tmp_path / "data"))
    recorder.keep(Given(ANSWER, "q?", "q?"))
    assert recorder.turns(ANSWER.conversation_id) == ()
    with pytest.raises(RecordsUnavailable, match="data"):
        recorder.feed_back(FeedbackRequest(ANSWER.answer_id, "up"))
    assert "cannot be used" in recorder.problem
    (tmp_path / "data").unlink()
    recorder.keep(Given(ANSWER, "q?", "q?"))
    recorder.feed_back(FeedbackRequest(ANSWER.answer_id, "up"))
    assert recorder.problem == ""
    recorder.close()


def test_closing_writes_what_waits_and_later_answers_are_still_given(settings: Settings) -> None:
    recorder = Recorder(settings)
    for _ in range(50):
        recorder.keep(Given(structs.replace(ANSWER, answer_id=uuid4()), "q?", "q?"))
    recorder.close()
    recorder.keep(Given(ANSWER, "q?", "q?"))
    records = Records(settings)
    assert len(records.since(0)) == 50
    records.close()


def test_what_is_too_old_goes_by_itself(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    pruned: list[Records] = []

    def prune(records: Records) -> None:
        pruned.append(records)

    monkeypatch.setattr(Records, "prune", prune)
    recorder = Recorder(settings)
    for _ in range(3):
        recorder.keep(Given(structs.replace(ANSWER, answer_id=uuid4()), "q?", "q?"))
    assert eventually(lambda: bool(pruned))
    recorder.close()
    assert len(pruned) == 1  # and not with every answer


def test_forgetting_waits_for_what_was_answered_before(settings: Settings) -> None:
    recorder = Recorder(settings)
    recorder.keep(Given(ANSWER, "q?", "q?", "me"))
    assert recorder.forget("me") == 1
    assert recorder.forget("me") == 0
    recorder.close()
    with pytest.raises(RecordsUnavailable):
        recorder.forget("me")


# --- the service ---------------------------------------------------------------------------------


@pytest.fixture
def service(two_versions: Settings, settings: Settings) -> Iterator[Service]:
    """A service that records elsewhere than its indexes are, so that tests share them."""
    service = Service(
        two_versions.model_copy(update={"llm": "none"}), embedding=HashEmbedding(), recorder=Recorder(settings)
    )
    yield service
    service.close()


def test_a_follow_up_is_asked_as_a_whole_and_stays_with_its_version(service: Service, settings: Settings) -> None:
    first = last(service.stream(QueryRequest("How do I draw a sphere in demo 0.10?"), CancelToken(), user="me"))
    follow_up = QueryRequest("and a box?", conversation_id=first.conversation_id)
    second = last(service.stream(follow_up, CancelToken()))
    third = last(service.stream(structs.replace(follow_up, question="and in demo 2.0.0?"), CancelToken()))
    other = last(service.stream(structs.replace(follow_up, conversation_id=uuid4()), CancelToken()))
    assert [found.version for found in (first, second, third, other)] == ["0.10.0", "0.10.0", "2.0.0", "2.0.0"]
    service.feedback(FeedbackRequest(second.answer_id, "up"))
    records = Records(settings)
    kept = records.since(0)
    assert [record.question for record in kept][:2] == ["How do I draw a sphere in demo 0.10?", "and a box?"]
    assert (kept[1].whole_question or "").startswith("a box? (draw sphere")
    assert kept[3].whole_question == "and a box?"
    assert records.forget("me") == 1
    records.close()


def test_a_conversation_goes_on_with_the_default_once_its_version_was_taken_away(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = last(service.stream(QueryRequest("How do I draw a sphere in demo 0.10?"), CancelToken()))

    def left(_library: str) -> tuple[str, ...]:
        return ("2.0.0",)

    monkeypatch.setattr(service.versions, "names", left)
    follow_up = QueryRequest("and a box?", conversation_id=first.conversation_id)
    assert last(service.stream(follow_up, CancelToken())).version == "2.0.0"


def test_the_model_gets_the_whole_question(two_versions: Settings, settings: Settings) -> None:
    llm = ScriptedLLM.saying("Use sphere [1].", "Use box [1].")
    service = Service(two_versions, embedding=HashEmbedding(), llm=llm, recorder=Recorder(settings))
    first = last(service.stream(QueryRequest("How do I draw a red sphere?"), CancelToken()))
    last(service.stream(QueryRequest("and a box?", conversation_id=first.conversation_id), CancelToken()))
    assert "a box? (draw red sphere)" in str(llm.asked[1][-1].content)
    service.close()


def test_health_says_that_nothing_is_recorded(two_versions: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    recorder = Recorder(Settings(data_dir=tmp_path / "file"))
    service = Service(two_versions, embedding=HashEmbedding(), llm=ScriptedLLM.saying("Use it."), recorder=recorder)
    assert last(service.stream(QueryRequest("How do I draw a sphere?"), CancelToken())).answer
    assert eventually(lambda: service.health().status == "degraded")
    assert "records" in service.health().problems[0]
    service.close()


def test_a_service_without_records_refuses_feedback(two_versions: Settings) -> None:
    with pytest.raises(RecordsUnavailable, match="serve"):
        Service(two_versions, embedding=HashEmbedding()).feedback(FeedbackRequest(uuid4(), "up"))


def test_keys_that_cannot_be_read_are_not_no_keys(settings: Settings) -> None:
    recorder = Recorder(settings)
    recorder.close()
    with pytest.raises(RecordsUnavailable):
        recorder.api_keys()
