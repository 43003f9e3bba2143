"""What every request leaves behind: an id, a log line and numbers, and nothing of what was asked."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent.settings import Settings
from tests.fakes import EVENTS, QUESTION, SOURCES, STREAM, ScriptedService, asking, eventually, running


def numbers(client: httpx.Client) -> dict[tuple[str, ...], float]:
    """Return the samples: name and label values -> value."""
    reply = client.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=")
    families = text_string_to_metric_families(reply.text)
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def test_requests_are_counted_by_route_and_never_by_path() -> None:
    with running(ScriptedService()) as client:
        client.post("/query", json=QUESTION)
        for name in ("known.png", "secret-1.png", "secret-2.png"):
            client.get(f"/pictures/{name}")
        client.get("/secret-3")
        client.request("SECRET4", "/query", json=QUESTION)
        found = numbers(client)
        shown = client.get("/metrics").text
    requests = {labels[1:]: value for labels, value in found.items() if labels[0] == "fury_agent_http_requests_total"}
    assert requests["POST", "/query", "200"] == 1
    assert requests["GET", "/pictures/{name}", "200"] == 1
    assert requests["GET", "/pictures/{name}", "404"] == 2
    assert requests["GET", "unmatched", "404"] == 1
    assert requests["other", "unmatched", "405"] == 1
    assert "secret" not in shown.lower()


def test_the_lines_and_the_open_requests_are_shown_as_they_are() -> None:
    service = ScriptedService(20.0)
    with running(service, Settings(queue_size=1)) as client, asking(client, STREAM):
        assert eventually(lambda: service.running == 1)
        with asking(client, STREAM):
            assert eventually(lambda: client.questions() == 2)
            found = numbers(client)
    assert found["fury_agent_running", "question"] == 1
    assert found["fury_agent_waiting", "question"] == 1
    assert found["fury_agent_http_open_requests",] == 3
    assert found["fury_agent_wait_seconds_count", "question"] == 1


def test_the_time_in_line_is_measured() -> None:
    with running(ScriptedService(0.2, *EVENTS)) as client, ThreadPoolExecutor(2) as pool:
        for reply in [pool.submit(client.post, "/query", json=QUESTION) for _ in range(2)]:
            assert reply.result().status_code == 200
        found = numbers(client)
    assert 0.15 < found["fury_agent_wait_seconds_sum", "question"] < 1


def test_the_lag_of_the_loop_is_seen() -> None:
    blocked = threading.Event()

    with running(ScriptedService()) as client:
        loop = client.app.state.bridge._questions._loop
        end = time.monotonic() + 0.4

        def block() -> None:
            while time.monotonic() < end:  # no call that a watchful loop would refuse
                pass
            blocked.set()

        loop.call_soon_threadsafe(block)
        assert blocked.wait(5)
        assert eventually(lambda: numbers(client)["fury_agent_event_loop_lag_seconds_sum",] > 0.1)


# --- the id --------------------------------------------------------------------------------------


def test_an_id_that_was_sent_is_used_and_returned() -> None:
    with running(ScriptedService()) as client:
        reply = client.post("/query", json=QUESTION, headers={"X-Request-ID": "proxy-42.abc_DEF"})
    assert reply.headers["x-request-id"] == "proxy-42.abc_DEF"


@pytest.mark.parametrize("sent", ["short", "x" * 65, "with space", 'quote"quote', "new\\nline", "umläut-id"])
def test_an_id_that_could_do_harm_in_a_log_is_not(sent: str) -> None:
    with running(ScriptedService()) as client:
        reply = client.get("/health/live", headers={b"X-Request-ID": sent.encode()})
    assert len(reply.headers["x-request-id"]) == 32


def test_the_id_is_known_where_the_answer_is_made() -> None:
    from structlog.contextvars import get_contextvars

    seen: list[Any] = []

    class Curious(ScriptedService):
        def search(self, request: Any) -> Any:
            seen.append(get_contextvars())
            return super().search(request)

    with running(Curious()) as client:
        for identity in ("request-1", "request-2"):
            client.post("/search", json=QUESTION, headers={"X-Request-ID": identity})
    assert seen == [{"request_id": "request-1"}, {"request_id": "request-2"}]


def test_a_request_is_one_line_without_what_was_asked(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "agent"), running(ScriptedService()) as client:
        client.get("/health/live")
        client.post("/search", json={"question": "my very private sphere"})
        assert eventually(lambda: len(caplog.records) > 0)
    (line,) = [record for record in caplog.records if record.getMessage() == "request"]
    told = line.__dict__
    assert (told["method"], told["route"], told["status"]) == ("POST", "/search", 200)
    assert "private" not in str([record.__dict__ for record in caplog.records])


# --- the ids of events ---------------------------------------------------------------------------


def test_events_are_numbered_in_order_and_no_two_streams_share_an_id() -> None:
    with running(ScriptedService(SOURCES, 0.3, *EVENTS[1:]), Settings(heartbeat=0.1)) as client:
        headers = {"Accept": STREAM, "X-Request-ID": "the-same-one"}
        texts = [client.post("/query", json=QUESTION, headers=headers).text for _ in range(2)]
    ids = [[line.removeprefix("id: ") for line in text.splitlines() if line.startswith("id: ")] for text in texts]
    streams = [{name.rpartition(".")[0] for name in of_one} for of_one in ids]
    assert [len(names) for names in streams] == [1, 1]
    assert streams[0] != streams[1]
    for of_one in ids:
        assert [int(name.rpartition(".")[2]) for name in of_one] == [1, 2, 3, 4]  # comments have none
