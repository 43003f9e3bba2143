"""Queue, deadlines and threads between the event loop and the service, over a real server."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from blockbuster import BlockingError

from agent.api import create_app
from agent.cancellation import CancelToken
from agent.errors import ModelUnavailable, Overloaded
from agent.schema import Health, SearchReply, SearchRequest
from agent.settings import Settings
from agent.web.bridge import LOOKUPS, SEARCHES
from agent.web.lanes import Lane, Mailbox
from tests.fakes import (
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


def test_the_loop_is_woken_once_for_what_comes_together(monkeypatch: pytest.MonkeyPatch) -> None:
    async def use() -> None:
        loop, read = asyncio.get_running_loop(), list[int]()
        mailbox, woken = Mailbox(), 0
        wake = loop.call_soon_threadsafe

        def counted(*arguments: Any) -> Any:
            nonlocal woken
            woken += 1
            return wake(*arguments)

        monkeypatch.setattr(loop, "call_soon_threadsafe", counted)

        def post() -> None:
            for number in range(100):
                mailbox.post(partial(read.append, number))

        writer = threading.Thread(target=post)
        writer.start()
        writer.join()  # the loop is busy meanwhile
        assert read == []
        await asyncio.sleep(0)
        mailbox.post(partial(read.append, 100))
        await asyncio.sleep(0.01)
        assert read == list(range(101))
        assert woken == 2

    asyncio.run(use())


def test_a_job_that_ends_well_leaves_nothing_for_the_collector() -> None:
    async def use() -> None:
        lane = Lane("thing", running=1, waiting=1, timeout=5.0)

        def work(_: CancelToken) -> Any:
            yield "one"

        await lane.submit(work).last()
        gc.collect()
        for _ in range(20):
            await lane.submit(work).last()
        assert gc.collect() < 20  # a cycle in each would be hundreds
        await lane.close()

    asyncio.run(use())


def test_withdrawn_jobs_leave_the_line_while_another_runs() -> None:
    async def use() -> None:
        lane = Lane("probe", running=1, waiting=2, timeout=60)
        began, hold = threading.Event(), threading.Event()

        def long(_: CancelToken) -> Any:
            began.set()
            yield hold.wait(LONG)

        def short(_: CancelToken) -> Any:
            yield "done"

        running = lane.submit(long)
        await asyncio.to_thread(began.wait, 5)
        patient = lane.submit(short)
        for _ in range(1000):
            lane.submit(short).close()
        assert list(lane._inbox) == [patient]
        hold.set()
        assert await running.last()
        assert await patient.last() == "done"
        assert await lane.submit(short).last() == "done"
        await lane.close()

    asyncio.run(use())


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
