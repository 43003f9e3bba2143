"""The stream of events, and clients that go, over a real server with real connections that break off."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from agent.cancellation import CancelToken
from agent.errors import ModelUnavailable
from agent.schema import AnswerEvent, TokenEvent
from agent.settings import Settings
from agent.web.lanes import EVENTS_AHEAD
from tests.fakes import (
    ANSWER,
    EVENTS,
    QUESTION,
    SOURCES,
    STREAM,
    ScriptedService,
    asking,
    events_of,
    eventually,
    running,
)

TOKEN = TokenEvent("word ")
LONG = 20.0


# --- the stream ----------------------------------------------------------------------------------


def test_a_stream_is_sources_then_tokens_then_the_reply_that_json_gives() -> None:
    with running(ScriptedService()) as client:
        reply = client.post("/query", json=QUESTION, headers={"Accept": STREAM})
        whole = client.post("/query", json=QUESTION).json()
    assert reply.headers["content-type"].startswith(STREAM)
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-request-id"]
    events = events_of(reply.text)
    assert [name for name, _ in events] == ["sources", "token", "token", "answer"]
    assert events[0][1]["citations"][0]["path"] == "fury/actor.py"
    assert "".join(data["text"] for name, data in events if name == "token") == ANSWER.answer
    assert events[-1][1] == whole


@pytest.mark.parametrize(
    ("accept", "streams"),
    [
        ("text/event-stream", True),
        ("text/event-stream, application/json;q=0.5", True),
        ("application/json", False),
        ("*/*", False),
        ("image/png", False),
    ],
)
def test_the_client_chooses_by_accept(accept: str, *, streams: bool) -> None:
    with running(ScriptedService()) as client:
        reply = client.post("/query", json=QUESTION, headers={"Accept": accept})
    assert reply.headers["content-type"].startswith(STREAM) is streams


def test_events_come_when_they_happen() -> None:
    with (
        running(ScriptedService(SOURCES, 0.5, *EVENTS[1:])) as client,
        client.stream("POST", "/query", json=QUESTION, headers={"Accept": STREAM}) as reply,
    ):
        began = time.monotonic()
        times = {
            line.removeprefix("event: "): time.monotonic() - began for line in reply.iter_lines() if "event" in line
        }
    assert times["sources"] < 0.3
    assert times["answer"] > 0.3


def test_silence_is_filled_with_comments() -> None:
    with running(ScriptedService(0.5, SOURCES, 0.5, *EVENTS), Settings(heartbeat=0.1)) as client:
        text = client.post("/query", json=QUESTION, headers={"Accept": STREAM}).text
    before, after = text.split("event: sources", 1)
    assert before.count(": still working\n\n") >= 3
    assert after.split("event: ", 1)[0].count(": still working\n\n") >= 3
    assert [name for name, _ in events_of(text)] == ["sources", "sources", "token", "token", "answer"]


@pytest.mark.parametrize("first", [SOURCES, 0.3], ids=["after an event", "after a heartbeat"])
def test_an_error_after_the_first_byte_is_an_event(first: Any) -> None:
    service = ScriptedService(first, ModelUnavailable("The LLM has died."))
    with running(service, Settings(heartbeat=0.1)) as client:
        reply = client.post("/query", json=QUESTION, headers={"Accept": STREAM})
    assert reply.status_code == 200
    name, problem = events_of(reply.text)[-1]
    assert name == "error"
    assert (problem["type"], problem["status"]) == ("/problems/model-unavailable", 503)


def test_an_unexpected_error_in_a_stream_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with running(ScriptedService(SOURCES, ValueError("sk-123"))) as client:
        reply = client.post("/query", json=QUESTION, headers={"Accept": STREAM})
    assert events_of(reply.text)[-1][1]["extra"] == {"request_id": reply.headers["x-request-id"]}
    assert "sk-123" not in reply.text
    assert caplog.text.count("failed unexpectedly") == 1


# --- the client goes -----------------------------------------------------------------------------


@pytest.mark.parametrize("accept", ["application/json", STREAM])
@pytest.mark.parametrize("heartbeat", [0.05, 10.0], ids=["stream begun", "stream not begun"])
@pytest.mark.parametrize("script", [(LONG,), (SOURCES, TOKEN, LONG)], ids=["before a token", "mid-stream"])
def test_a_client_that_goes_stops_the_work_and_frees_the_place(script: Any, heartbeat: float, accept: str) -> None:
    service = ScriptedService(*script, *EVENTS)
    with running(service, Settings(queue_size=0, heartbeat=heartbeat)) as client:
        with asking(client, accept):
            assert eventually(lambda: service.running == 1)
            time.sleep(0.15)
        assert eventually(lambda: service.tokens[0].cancelled and service.running == 0)
        service.script = EVENTS
        assert eventually(lambda: client.post("/query", json=QUESTION).status_code == 200)


@pytest.mark.parametrize("accept", ["application/json", STREAM])
@pytest.mark.parametrize("heartbeat", [0.05, 10.0], ids=["stream begun", "stream not begun"])
def test_a_client_that_goes_while_waiting_leaves_the_queue(heartbeat: float, accept: str) -> None:
    service = ScriptedService(LONG)
    with running(service, Settings(queue_size=1, heartbeat=heartbeat)) as client, asking(client, STREAM):
        assert eventually(lambda: service.running == 1)
        with asking(client, accept):
            assert eventually(lambda: client.questions() == 2)
            assert client.post("/query", json=QUESTION).status_code == 503
            time.sleep(0.1)
        assert eventually(lambda: client.questions() == 1)
    assert len(service.questions) == 1


def test_work_that_ignores_its_cancellation_keeps_its_place() -> None:
    release = threading.Event()

    class Deaf(ScriptedService):
        def stream(self, request: Any, cancel: CancelToken, *, user: str | None = None) -> Iterator[Any]:
            release.wait(10)
            yield from super().stream(request, cancel, user=user)

    service = Deaf()
    with running(service, Settings(queue_size=0)) as client:
        with asking(client, "application/json"):
            assert eventually(lambda: client.questions() == 1)
        time.sleep(0.2)
        assert client.post("/query", json=QUESTION).status_code == 503
        release.set()
        assert eventually(lambda: client.post("/query", json=QUESTION).status_code == 200)


def test_a_slow_client_makes_the_work_wait_and_not_the_memory_grow() -> None:
    yielded: list[int] = []

    class Talkative(ScriptedService):
        def stream(self, request: Any, cancel: CancelToken, *, user: str | None = None) -> Iterator[Any]:
            del request, user
            self.tokens.append(cancel)
            for number in range(5000):
                yielded.append(number)
                yield TokenEvent("x" * 20_000)
            yield AnswerEvent(ANSWER)

    service = Talkative()
    with running(service) as client:
        with asking(client, STREAM, receive_buffer=4096):
            time.sleep(0.5)
            came = len(yielded)
            time.sleep(0.3)
            assert len(yielded) == came  # it waits
            assert EVENTS_AHEAD <= came < 1000
        assert eventually(lambda: service.tokens[0].cancelled)
        assert client.get("/health/live").status_code == 200
