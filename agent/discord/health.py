"""How the bot is: counts since its start and the event loop's lag, over HTTP where a port is set."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, Summary, generate_latest

from agent.schema import Health

EVERY = 0.02
"""Seconds between looks at the event loop."""
_LAGS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)


class Metrics:
    """What happened since the start, in a registry of the bot's own.

    Attributes:
        questions: by how they ended: `answered`, `declined`, `sources_only`, `apologised`, `stopped`, or `refused`,
            of which the service knows nothing.
    """

    def __init__(self) -> None:
        self.registry = every = CollectorRegistry()
        self.questions = Counter("fury_discord_questions", "Questions by outcome.", ["outcome"], registry=every)
        self.seconds = Summary("fury_discord_answer_seconds", "Time until a question's last message.", registry=every)
        self.answering = Gauge("fury_discord_answering", "Questions that are worked on.", registry=every)
        self.connected = Gauge("fury_discord_connected", "Whether Discord is connected.", registry=every)
        self.disconnects = Counter("fury_discord_disconnects", "Lost connections to Discord.", registry=every)
        self.lag = Histogram(
            "fury_discord_loop_lag_seconds", "How late the event loop comes back.", buckets=_LAGS, registry=every
        )
        ProcessCollector(registry=every)

    async def watch_lag(self) -> None:
        """Measure for ever how late the event loop comes back to who waits for it."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(EVERY)
            self.lag.observe(time.monotonic() - before - EVERY)


@asynccontextmanager
async def served(metrics: Metrics, problem: Callable[[], str], host: str, port: int | None) -> AsyncGenerator[None]:
    """Measure, and serve `/health/live`, `/health/ready` and `/metrics` while the block runs.

    Args:
        metrics: what is served.
        problem: why the bot cannot answer now, or an empty string.
        host: address to listen on.
        port: to listen on; None serves nothing.
    """
    metrics.connected.set_function(lambda: not problem())

    async def health(request: web.Request) -> web.Response:
        why = problem() if request.match_info["of"] == "ready" else ""
        found = Health("unavailable", (why,)) if why else Health("ok")
        status = 503 if why else 200
        return web.Response(body=msgspec.json.encode(found), status=status, content_type="application/json")

    async def numbers(_: web.Request) -> web.Response:
        headers = {"Content-Type": "text/plain; version=0.0.4"}
        return web.Response(body=generate_latest(metrics.registry), headers=headers)

    watching = asyncio.create_task(metrics.watch_lag())
    app = web.Application()
    app.add_routes([web.get("/health/{of:live|ready}", health), web.get("/metrics", numbers)])
    runner = web.AppRunner(app, access_log=None)
    try:
        if port is not None:
            await runner.setup()
            await web.TCPSite(runner, host, port).start()
        yield
    finally:
        watching.cancel()
        await runner.cleanup()
