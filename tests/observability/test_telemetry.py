"""What is told of an answer: read off its events, whatever becomes of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from agent.cancellation import CancelToken
from agent.errors import Cancelled, ModelUnavailable, StoreUnavailable
from agent.observability.telemetry import Telemetry
from agent.schema import AnswerEvent, Event, Finding, QueryRequest, Ran, Status, Timings, Verification
from agent.settings import Settings
from tests.fakes import ANSWER, EVENTS, SOURCES, ScriptedService, Step, running

REQUEST = QueryRequest("How do I draw a very private sphere?")
FOUND = tuple(Finding("unknown-name", line, 1, "actor.spher", "No such name.") for line in (1, 2))


def told(telemetry: Telemetry, *script: Step) -> list[Event]:
    service = ScriptedService(*script)
    return list(telemetry.answering(REQUEST, lambda: service.stream(REQUEST, CancelToken())))


def value(telemetry: Telemetry, name: str, **labels: str) -> float | None:
    return telemetry.metrics.registry.get_sample_value(f"fury_agent_{name}", labels)


def test_events_pass_through_unchanged() -> None:
    assert told(Telemetry(Settings()), *EVENTS) == list(EVENTS)


def test_an_answer_is_counted_with_its_stages_tokens_checks_and_run() -> None:
    telemetry = Telemetry(Settings())
    checks = Verification(
        findings=FOUND, repaired=("an import",), ran=Ran(ok=True, seconds=1.0, image_url="/pictures/x.png")
    )
    told(
        telemetry, *EVENTS[:-1], AnswerEvent(replace(ANSWER, verification=checks, timings=Timings(20.0, 400.0, 3000.0)))
    )
    assert value(telemetry, "answers_total", outcome="answered") == 1
    assert value(telemetry, "tokens_total") == 2
    assert value(telemetry, "findings_total", kind="unknown-name") == 2
    assert value(telemetry, "repairs_total") == 1
    assert value(telemetry, "runs_total", result="picture") == 1
    for stage, seconds in (("retrieval", 0.02), ("first_token", 0.4), ("total", 3.0)):
        assert value(telemetry, "stage_seconds_sum", stage=stage) == pytest.approx(seconds)


@pytest.mark.parametrize("status", ["declined", "sources_only"])
def test_what_is_not_answered_has_its_own_outcome_and_no_first_token(status: Status) -> None:
    telemetry = Telemetry(Settings())
    told(telemetry, SOURCES, AnswerEvent(replace(ANSWER, status=status, timings=Timings(1.0, None, 2.0))))
    assert value(telemetry, "answers_total", outcome=status) == 1
    assert value(telemetry, "stage_seconds_count", stage="first_token") is None
    assert value(telemetry, "stage_seconds_count", stage="total") == 1


@pytest.mark.parametrize(
    ("error", "outcome"), [(StoreUnavailable("Gone."), "failed"), (Cancelled("Gone."), "cancelled")]
)
def test_what_breaks_off_is_counted_once(error: Exception, outcome: str) -> None:
    telemetry = Telemetry(Settings())
    with pytest.raises(type(error)):
        told(telemetry, SOURCES, error)
    assert value(telemetry, "answers_total", outcome=outcome) == 1


def test_a_consumer_that_goes_is_a_cancellation() -> None:
    telemetry = Telemetry(Settings())
    events = telemetry.answering(REQUEST, lambda: iter(EVENTS))
    assert next(events) == SOURCES
    events.close()
    assert value(telemetry, "answers_total", outcome="cancelled") == 1


@pytest.mark.parametrize("log_questions", [False, True])
def test_a_question_is_in_the_log_only_where_that_is_wanted(
    caplog: pytest.LogCaptureFixture, *, log_questions: bool
) -> None:
    with caplog.at_level(logging.DEBUG):
        told(Telemetry(Settings(log_questions=log_questions)), *EVENTS)
    (record,) = [record for record in caplog.records if record.getMessage() == "answer"]
    assert record.__dict__["answer_id"] == str(UUID(int=1))
    assert ("very private" in str(record.__dict__)) is log_questions


# --- traces --------------------------------------------------------------------------------------


@contextmanager
def collector() -> Generator[tuple[str, list[Any]]]:
    """Take in traces as a collector does; gives its address and the spans that came."""
    spans: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/traces"
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                spans.extend(span for scope in resource.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", spans
        finally:
            server.shutdown()
            thread.join()


def test_a_trace_leads_from_the_callers_span_to_retrieval_model_and_checks() -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with collector() as (endpoint, spans):
        service = ScriptedService(0.05, *EVENTS[:-1], 0.05, EVENTS[-1])
        with running(service, Settings(otel_endpoint=endpoint)) as client:
            body = {"question": REQUEST.question}
            assert client.post("/query", json=body, headers={"traceparent": parent}).status_code == 200
    named = {span.name: span for span in spans}
    assert set(named) == {"/query", "answer", "retrieval", "generation", "checks"}
    assert {span.trace_id.hex() for span in spans} == {parent.split("-")[1]}
    assert named["/query"].parent_span_id.hex() == parent.split("-")[2]
    assert named["answer"].parent_span_id == named["/query"].span_id
    stages = [named[name] for name in ("retrieval", "generation", "checks")]
    assert {span.parent_span_id for span in stages} == {named["answer"].span_id}
    for before, after in pairwise(stages):
        assert before.end_time_unix_nano == after.start_time_unix_nano
    for span in (stages[0], stages[2]):
        assert span.end_time_unix_nano - span.start_time_unix_nano > 40_000_000
    assert not any("private" in str(span) for span in spans)


def test_a_failure_is_in_the_trace_by_its_kind_and_without_its_words() -> None:
    def broken() -> Iterator[Event]:
        raise ModelUnavailable("It died of 'a very private sphere'.")

    with collector() as (endpoint, spans):
        telemetry = Telemetry(Settings(otel_endpoint=endpoint, log_questions=False))
        with pytest.raises(ModelUnavailable):
            list(telemetry.answering(REQUEST, broken))
        telemetry.close()
    named = {span.name: span for span in spans}
    assert set(named) == {"retrieval", "answer"}
    assert named["answer"].status.message == "ModelUnavailable"
    assert not any("private" in str(span) for span in spans)
