"""The numbers that `/metrics` shows. No label holds what a user wrote."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from agent import __version__
from agent.schema import Answer

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Any other is `other`: a client may send what it likes as a method."""
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320)
"""From a search to the longest that a question may take."""
LAGS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)


class Metrics:
    """All numbers of one application, in a registry of its own; thread-safe."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "fury_agent_http_requests", "Requests by route.", ["route", "method", "status"], registry=registry
        )
        self.request_seconds = Histogram(
            "fury_agent_http_request_seconds",
            "Time until the last byte of a reply.",
            ["route"],
            buckets=SECONDS,
            registry=registry,
        )
        self.open_requests = Gauge("fury_agent_http_open_requests", "Requests under way.", registry=registry)
        self.answers = Counter(
            "fury_agent_answers",
            "Questions by outcome: answered, declined, sources_only, cancelled or failed.",
            ["outcome"],
            registry=registry,
        )
        self.stage_seconds = Histogram(
            "fury_agent_stage_seconds",
            "Time from a question's turn to the end of its retrieval, its first token and its answer.",
            ["stage"],
            buckets=SECONDS,
            registry=registry,
        )
        self.tokens = Counter("fury_agent_tokens", "Pieces of text that language models streamed.", registry=registry)
        self.findings = Counter(
            "fury_agent_findings", "What the checks found in answers, by kind.", ["kind"], registry=registry
        )
        self.repairs = Counter("fury_agent_repairs", "What was put right in answers.", registry=registry)
        self.runs = Counter(
            "fury_agent_runs",
            "Programs of answers that were run: picture, silent or failed.",
            ["result"],
            registry=registry,
        )
        self.cache = Counter(
            "fury_agent_answer_cache",
            "Questions looked up in the answer cache: hit or miss.",
            ["result"],
            registry=registry,
        )
        self.wait_seconds = Histogram(
            "fury_agent_wait_seconds",
            "Time in line before a thread was free, by lane.",
            ["lane"],
            buckets=SECONDS,
            registry=registry,
        )
        self._waiting = Gauge("fury_agent_waiting", "Jobs that wait in line, by lane.", ["lane"], registry=registry)
        self._running = Gauge("fury_agent_running", "Jobs that have a thread, by lane.", ["lane"], registry=registry)
        self.loop_lag = Histogram(
            "fury_agent_event_loop_lag_seconds",
            "How much later than planned the event loop woke up.",
            buckets=LAGS,
            registry=registry,
        )
        Gauge("fury_agent_info", "The version that runs.", ["version"], registry=registry).labels(__version__).set(1)
        ProcessCollector(registry=registry)

    def requested(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that has ended.

        Args:
            method: as sent.
            route: the route's template, never the path itself.
            status: of the reply.
            seconds: from its first byte to the reply's last.
        """
        known = method if method in METHODS else "other"
        self.requests.labels(route, known, str(status)).inc()
        self.request_seconds.labels(route).observe(seconds)

    def answered(self, answer: Answer) -> None:
        """Take in the stages, the checks and the run of an answer."""
        timings = answer.timings
        for stage, milliseconds in (
            ("retrieval", timings.retrieval_ms),
            ("first_token", timings.first_token_ms),
            ("total", timings.total_ms),
        ):
            if milliseconds is not None:
                self.stage_seconds.labels(stage).observe(milliseconds / 1e3)
        for finding in answer.verification.findings:
            self.findings.labels(finding.kind).inc()
        self.repairs.inc(len(answer.verification.repaired))
        if (ran := answer.verification.ran) is not None:
            self.runs.labels("failed" if not ran.ok else "picture" if ran.image_url else "silent").inc()

    def watch_lane(self, lane: str, waiting: Callable[[], float], running: Callable[[], float]) -> None:
        """Ask for the length of a line whenever somebody looks."""
        self._waiting.labels(lane).set_function(waiting)
        self._running.labels(lane).set_function(running)

    def exposition(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)
