"""Around every request: its id, its log line, its span and its numbers; and the route that shows the numbers."""

from __future__ import annotations

import asyncio
import logging
import time

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from opentelemetry.propagate import extract
from opentelemetry.trace import SpanKind
from prometheus_client import CONTENT_TYPE_LATEST
from structlog.contextvars import bound_contextvars

from agent.observability.telemetry import Telemetry
from agent.web.problems import request_id

PROBES = frozenset({"/metrics", "/health/live", "/health/ready"})
"""Asked every few seconds: their log lines are details."""
UNMATCHED = "unmatched"

_log = logging.getLogger(__name__)


class Observed:
    """An ASGI application that is watched from outside of everything else, errors and unknown paths included."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and tell how it went when its last byte is sent or its client has gone."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        started = time.perf_counter()

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        tracer, metrics = self._telemetry.tracer, self._telemetry.metrics
        with (
            bound_contextvars(request_id=request_id(scope)),
            metrics.open_requests.track_inprogress(),
            tracer.start_as_current_span("request", extract(headers), SpanKind.SERVER, record_exception=False) as span,
        ):
            try:
                await self._app(scope, receive, noting)
            finally:
                route = scope.get("path_template") or UNMATCHED
                seconds = time.perf_counter() - started
                metrics.requested(scope["method"], route, status, seconds)
                span.update_name(route)
                span.set_attributes({"http.route": route, "http.response.status_code": status})
                told = {"method": scope["method"], "route": route, "status": status, "ms": round(seconds * 1e3, 1)}
                _log.log(logging.DEBUG if route in PROBES else logging.INFO, "request", extra=told)


@get("/metrics", include_in_schema=False)
async def metrics(telemetry: NamedDependency[Telemetry]) -> Response[bytes]:
    """Show the numbers to Prometheus."""
    shown = await asyncio.to_thread(telemetry.metrics.exposition)  # it reads files of the kernel
    return Response(shown, media_type=CONTENT_TYPE_LATEST)
