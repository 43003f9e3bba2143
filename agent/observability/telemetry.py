"""What one application tells of its answers, read off their events: the code that answers knows nothing of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator

from opentelemetry.trace import Span, Status, StatusCode

from agent.errors import Cancelled
from agent.observability.metrics import Metrics
from agent.observability.tracing import Stages, Tracing
from agent.schema import Answer, AnswerEvent, Event, QueryRequest, TokenEvent
from agent.settings import Settings

_log = logging.getLogger(__name__)


class Telemetry:
    """Metrics, traces and the log line of every answer; thread-safe.

    Args:
        settings: `otel_endpoint` and `log_questions`.

    Raises:
        MissingExtra: see `Tracing`.
    """

    def __init__(self, settings: Settings) -> None:
        self.metrics = Metrics()
        self._tracing = Tracing(settings.otel_endpoint)
        self.tracer = self._tracing.tracer
        self._log_questions = settings.log_questions

    def answering(self, request: QueryRequest, stream: Callable[[], Iterator[Event]]) -> Generator[Event, None, None]:
        """Yield the events of `stream()`, and tell of them."""
        stages, last, outcome = Stages(), None, "cancelled"
        # The exception's text may hold the question: its kind is enough.
        with self.tracer.start_as_current_span("answer", record_exception=False, set_status_on_exception=False) as span:
            try:
                for event in stream():
                    stages.saw(event)
                    last = event
                    if isinstance(event, TokenEvent):
                        self.metrics.tokens.inc()
                    elif isinstance(event, AnswerEvent):
                        outcome = event.answer.status
                        self._answered(request, event.answer, span)
                    yield event
            except Cancelled:
                raise
            except Exception as error:
                outcome = "failed"
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise
            finally:
                self.metrics.answers.labels(outcome).inc()
                stages.record(self.tracer, last)
                span.set_attribute("fury_agent.outcome", outcome)

    def close(self) -> None:
        """Send the traces that have not been sent; may block for some seconds."""
        self._tracing.close()

    def _answered(self, request: QueryRequest, answer: Answer, span: Span) -> None:
        self.metrics.answered(answer)
        told = {
            "answer_id": str(answer.answer_id),
            "library": answer.library,
            "version": answer.version,
            "model": answer.model or "",
            "findings": len(answer.verification.findings),
            "repaired": len(answer.verification.repaired),
        }
        if self._log_questions:
            told["question"] = request.question
        span.set_attributes({f"fury_agent.{name}": value for name, value in told.items()})
        _log.info("answer", extra={**told, "status": answer.status, "ms": round(answer.timings.total_ms)})
