"""Equal questions at the same time cost one answer, and nobody's leaving ends it for somebody else."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

from agent.errors import StoreUnavailable
from agent.schema import Plan, QueryRequest
from agent.settings import Settings
from tests.fakes import (
    ANSWER,
    EVENTS,
    QUESTION,
    SOURCES,
    STREAM,
    ScriptedService,
    ask_together,
    asking,
    events_of,
    eventually,
    running,
)

LONG = 20.0
OTHER = {"question": "How do I draw a cube?"}


class Sharing(ScriptedService):
    """Equal questions share their answer; those about cubes are known already."""

    def plan(self, request: QueryRequest, *, user: str | None = None) -> Plan:
        plan = super().plan(request, user=user)
        known = EVENTS if "cube" in request.question else ()
        return Plan(plan.asked, plan.request, plan.conversation_id, key=request.question, known=known)


def test_equal_questions_are_answered_once_and_take_one_place() -> None:
    service = Sharing(SOURCES, 0.5, *EVENTS[1:])
    with running(service, Settings(queue_size=0)) as client:
        replies = ask_together(client, 12)
    assert [reply.status_code for reply in replies] == [200] * 12
    assert len(service.questions) == 1
    assert len(service.users) == 12  # each is recorded


def test_whoever_comes_later_is_told_all_from_the_beginning() -> None:
    service = Sharing(*EVENTS[:2], 0.5, *EVENTS[2:])
    with running(service) as client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.post, "/query", json=QUESTION, headers={"Accept": STREAM})
        assert eventually(lambda: service.running == 1)
        time.sleep(0.1)
        later = client.post("/query", json=QUESTION, headers={"Accept": STREAM})
        assert events_of(later.text) == events_of(first.result().text)
    assert len(service.questions) == 1
    assert [name for name, _ in events_of(later.text)] == ["sources", "token", "token", "answer"]


def test_one_can_leave_and_the_other_gets_the_answer() -> None:
    service = Sharing(SOURCES, 0.6, *EVENTS[1:])
    with running(service) as client, ThreadPoolExecutor(1) as pool:
        with asking(client, STREAM):
            assert eventually(lambda: service.running == 1)
            other = pool.submit(client.post, "/query", json=QUESTION)
            time.sleep(0.2)
        assert other.result().status_code == 200
    assert not service.tokens[0].cancelled
    assert len(service.questions) == 1


def test_the_work_ends_when_the_last_has_left_and_the_next_begins_anew() -> None:
    service = Sharing(SOURCES, LONG, *EVENTS)
    with running(service, Settings(queue_size=0)) as client:
        with asking(client, STREAM), asking(client, "application/json"):
            assert eventually(lambda: service.running == 1)
            time.sleep(0.2)
        assert eventually(lambda: service.tokens[0].cancelled and service.running == 0)
        service.script = EVENTS
        assert eventually(lambda: client.post("/query", json=QUESTION).status_code == 200)
    assert len(service.questions) == 2


def test_a_failure_is_told_to_all_and_kept_for_nobody() -> None:
    service = Sharing(0.3, StoreUnavailable("The store is down."))
    with running(service) as client:
        replies = ask_together(client, 4)
        assert [reply.status_code for reply in replies] == [503] * 4
        service.script = EVENTS
        assert client.post("/query", json=QUESTION).status_code == 200
    assert len(service.questions) == 2


def test_a_known_answer_waits_for_nobody() -> None:
    service = Sharing(LONG)
    with running(service, Settings(queue_size=0)) as client, asking(client, STREAM):
        assert eventually(lambda: service.running == 1)
        whole = client.post("/query", json=OTHER)
        stream = client.post("/query", json=OTHER, headers={"Accept": STREAM})
    assert whole.json() == json.loads(json.dumps(events_of(stream.text)[-1][1]))
    assert whole.json()["answer_id"] == str(ANSWER.answer_id)
    assert [name for name, _ in events_of(stream.text)] == ["sources", "token", "token", "answer"]


def test_who_waits_in_line_is_told_how_many_are_before() -> None:
    service = ScriptedService(2.0, *EVENTS)
    with running(service, Settings(heartbeat=30)) as client, asking(client, STREAM):
        assert eventually(lambda: service.running == 1)
        service.script = EVENTS  # of the next
        text = client.post("/query", json=QUESTION, headers={"Accept": STREAM}).text
    assert text.startswith(": queued, 1 before yours\n\n")
    assert [name for name, _ in events_of(text)][-1] == "answer"
