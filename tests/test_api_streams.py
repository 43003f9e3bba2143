"""Streams, queue, cancellation and deadlines, over a real server with real connections that break off."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from blockbuster import BlockingError

from agent.api import create_app
from agent.bridge import EVENTS_AHEAD, LOOKUPS, SEARCHES, Lane
from agent.cancellation import CancelToken
from agent.errors import ModelUnavailable, Overloaded
from agent.schema import AnswerEvent, Health, SearchReply, SearchRequest, TokenEvent
from agent.settings import Settings
from tests.fakes import ANSWER, EVENTS, SOURCES, ScriptedService, eventually, running

QUESTION = {"question": "How do I draw a sphere?"}
STREAM = "text/event-stream"
TOKEN = TokenEvent("word ")
LONG = 20.0


def events_of(text: str) -> list[tuple[str, Any]]:
    """Decode a stream's events; comments are left out."""
    frames = [frame.split("\n") for frame in text.split("\n\n") if frame and not frame.startswith(":")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in frames]


@contextmanager
def asking(client: httpx.Client, accept: str, receive_buffer: int = 0) -> Generator[socket.socket]:
    """Ask on a bare connection, which breaks off when the block ends."""
    host, port = client.base_url.host, client.base_url.port
    assert port is not None
    body = json.dumps(QUESTION)
    with socket.socket() as connection:
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.connect((host, port))
        connection.sendall(
            f"POST /query HTTP/1.1\r\nHost: {host}\r\nAccept: {accept}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        yield connection


def ask_together(client: httpx.Client, count: int, path: str = "/query") -> list[httpx.Response]:
    with ThreadPoolExecutor(count) as pool:
        futures = [pool.submit(client.post, path, json=QUESTION) for _ in range(count)]
        return [future.result() for future in futures]


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
        def stream(self, request: Any, cancel: CancelToken) -> Iterator[Any]:
            release.wait(10)
            yield from super().stream(request, cancel)

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
        def stream(self, request: Any, cancel: CancelToken) -> Iterator[Any]:
            del request
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


# --- many clients --------------------------------------------------------------------------------


def test_what_does_not_fit_in_the_queue_is_refused_at_once() -> None:
    service = ScriptedService(0.4, *EVENTS)
    with running(service, Settings(concurrency=2, queue_size=3)) as client:
        replies = ask_together(client, 12)
    refused = [reply for reply in replies if reply.status_code == 503]
    assert [reply.status_code for reply in replies].count(200) == 5
    assert len(refused) == 7
    for reply in refused:
        assert reply.json()["type"] == "/problems/overloaded"
        assert int(reply.headers["retry-after"]) >= 1
        assert reply.elapsed.total_seconds() < 0.4
    assert service.most_running == 2


def test_a_refused_stream_has_the_status_of_a_refusal() -> None:
    service = ScriptedService(LONG)
    with running(service, Settings(queue_size=0)) as client, asking(client, STREAM):
        assert eventually(lambda: service.running == 1)
        assert client.post("/query", json=QUESTION, headers={"Accept": STREAM}).status_code == 503


def test_searches_and_lookups_do_not_wait_for_the_llm() -> None:
    service = ScriptedService(LONG)
    service.search_seconds = 0.02
    with running(service) as client, asking(client, STREAM):
        assert eventually(lambda: service.running == 1)
        began = time.monotonic()
        replies = ask_together(client, 50, "/search")
        assert [client.get(path).status_code for path in ("/libraries", "/health/live", "/health/ready")] == [200] * 3
        assert time.monotonic() - began < 3
    assert [reply.status_code for reply in replies] == [200] * 50
    assert len(service.searches) == 50


def test_hung_searches_leave_the_health_readable() -> None:
    class Hanging(ScriptedService):
        def search(self, request: SearchRequest) -> SearchReply:
            time.sleep(0.8)
            return super().search(request)

    with running(Hanging()) as client, ThreadPoolExecutor(SEARCHES + 2) as pool:
        hanging = [pool.submit(client.post, "/search", json=QUESTION) for _ in range(SEARCHES + 2)]
        began = time.monotonic()
        assert client.get("/health/ready").status_code == 200
        assert time.monotonic() - began < 0.5
        assert {future.result().status_code for future in hanging} == {200}


# --- deadlines -----------------------------------------------------------------------------------


def test_a_question_that_takes_too_long_is_given_up() -> None:
    service = ScriptedService(SOURCES, LONG)
    with running(service, Settings(request_timeout=0.3, queue_size=0)) as client:
        whole = client.post("/query", json=QUESTION)
        assert eventually(lambda: service.running == 0)
        stream = client.post("/query", json=QUESTION, headers={"Accept": STREAM})
    assert (whole.status_code, whole.json()["type"]) == (504, "/problems/model-timeout")
    assert [name for name, _ in events_of(stream.text)] == ["sources", "error"]
    assert all(token.cancelled for token in service.tokens)


def test_the_deadline_counts_the_time_in_the_queue() -> None:
    service = ScriptedService(0.4, *EVENTS)
    with running(service, Settings(request_timeout=0.6)) as client:
        replies = ask_together(client, 2)
    assert sorted(reply.status_code for reply in replies) == [200, 504]


# --- the loop ------------------------------------------------------------------------------------


def test_the_harness_notices_a_blocked_loop() -> None:
    """Otherwise every other test here would prove nothing."""

    async def block() -> None:
        time.sleep(0.001)  # noqa: ASYNC251 - on purpose

    with running(ScriptedService()), pytest.raises(BlockingError):
        asyncio.run(block())


def test_a_full_lane_refuses_and_an_ended_one_too() -> None:
    async def use() -> None:
        lane = Lane("probe", running=1, waiting=0, timeout=5)
        hold = threading.Event()

        def work(cancel: CancelToken) -> Any:
            with cancel.calls(hold.set):
                hold.wait(5)
            yield 1

        job = lane.submit(work)
        with pytest.raises(Overloaded, match="All 1 places for a probe"):
            lane.submit(work)
        job.close()
        await lane.close()
        with pytest.raises(Overloaded, match="stopping"):
            lane.submit(work)

    asyncio.run(use())
    assert eventually(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("probe-")])


def test_closing_ends_all_threads() -> None:
    before = threading.active_count()
    with running(ScriptedService()):
        assert threading.active_count() >= before + 1 + SEARCHES + LOOKUPS
    assert eventually(lambda: threading.active_count() <= before + 1)  # the executor of `asyncio.to_thread`, at most


def test_a_factory_that_fails_keeps_the_application_from_starting() -> None:
    def broken() -> Any:
        raise ModelUnavailable("No weights.")

    app = create_app(broken, Settings())

    async def start() -> None:
        async with app.lifespan():
            pass

    with pytest.RaisesGroup(ModelUnavailable):
        asyncio.run(start())


def test_health_does_not_run_in_the_loop() -> None:
    threads: list[str] = []

    class Curious(ScriptedService):
        def health(self) -> Health:
            time.sleep(0.001)  # raises in an event loop
            threads.append(threading.current_thread().name)
            return super().health()

    with running(Curious()) as client:
        assert client.get("/health/ready").status_code == 200
    assert threads[0].startswith("look-up")
