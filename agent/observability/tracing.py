"""Traces by OpenTelemetry: the API alone, which does nothing, unless an endpoint is set."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from opentelemetry import trace

from agent import __version__
from agent.errors import MissingExtra
from agent.schema import AnswerEvent, Event, TokenEvent

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

NAME = "fury-agent"


class Tracing:
    """Where spans go; one for each application, so that nothing is global.

    Args:
        endpoint: base URL of an OTLP collector over HTTP (`http://127.0.0.1:4318`). Without it, spans go to whatever
            provider the program that embeds the application has installed, which is none by default.

    Raises:
        MissingExtra: an endpoint is set, and the exporter is not installed.
    """

    def __init__(self, endpoint: str | None) -> None:
        self._provider = _exporting(endpoint) if endpoint else None
        provider = self._provider or trace.get_tracer_provider()
        self.tracer = provider.get_tracer(NAME, __version__)

    def close(self) -> None:
        """Send what has not been sent; blocks for as long as the collector takes, within its limits."""
        if self._provider is not None:
            self._provider.shutdown()


def _exporting(endpoint: str) -> TracerProvider:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"Traces for {endpoint!r} need OpenTelemetry's SDK.", remedy="Install it: pip install 'fury-agent[otel]'."
        ) from error
    # `shutdown_on_exit` would register with the interpreter; the application's own end does it.
    provider = TracerProvider(
        resource=Resource.create({"service.name": NAME, "service.version": __version__}), shutdown_on_exit=False
    )
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


class Stages:
    """The stages of one answer, as its events tell them apart; made when the question's turn has come."""

    def __init__(self) -> None:
        self._began = time.time_ns()
        self._found: int | None = None
        self._spoke: int | None = None

    def saw(self, event: Event) -> None:
        """Take note of the time: retrieval ends with the first event, the model's part with the last token."""
        self._found = self._found or time.time_ns()
        if isinstance(event, TokenEvent):
            self._spoke = time.time_ns()

    def record(self, tracer: trace.Tracer, last: Event | None) -> None:
        """Make a span of each stage that was reached; `checks` is one only where an answer came of it."""
        now = time.time_ns()
        _span(tracer, "retrieval", self._began, self._found or now)
        if self._found is not None and self._spoke is not None:
            _span(tracer, "generation", self._found, self._spoke)
            if isinstance(last, AnswerEvent):
                _span(tracer, "checks", self._spoke, now)


def _span(tracer: trace.Tracer, name: str, start: int, end: int) -> None:
    tracer.start_span(name, start_time=start).end(end)
