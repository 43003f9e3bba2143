"""How the bot is: counts since its start, the event loop's lag, and both over HTTP where a port is set."""

from __future__ import annotations

import asyncio
import math
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import accumulate
from pathlib import Path

import msgspec

from agent.schema import Health

EVERY = 0.02
"""Seconds between looks at the event loop."""
_LAGS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, math.inf)
"""Upper bounds, in seconds, of the lags that are told apart."""
_PAGE = 4_096  # bytes; what Linux counts memory in on the machines that this runs on


class Counts:
    """What happened since the start.

    Attributes:
        outcomes: questions by how they ended: `answered`, `declined`, `sources_only`, `apologised`, `stopped`, or
            `refused`, which nobody was asked.
        seconds: that the answered ones took together.
        disconnects: lost connections to Discord's gateway.
        answering: questions that are worked on now.
    """

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.seconds = 0.0
        self.disconnects = 0
        self.answering: Callable[[], int] = lambda: 0
        self._lags = [0] * len(_LAGS)

    async def watch_lag(self) -> None:
        """Measure for ever how late the event loop comes back to who waits for it."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(EVERY)
            self._lags[bisect_left(_LAGS, time.monotonic() - before - EVERY)] += 1

    def as_prometheus(self, *, connected: bool) -> str:
        """Return all of it in Prometheus' text format 0.0.4."""
        answered = sum(self.outcomes[name] for name in ("answered", "declined", "sources_only"))
        lines = [
            "# TYPE fury_discord_questions_total counter",
            *(f'fury_discord_questions_total{{outcome="{name}"}} {self.outcomes[name]}' for name in self.outcomes),
            "# TYPE fury_discord_answer_seconds summary",
            f"fury_discord_answer_seconds_sum {self.seconds:.3f}",
            f"fury_discord_answer_seconds_count {answered}",
            "# TYPE fury_discord_disconnects_total counter",
            f"fury_discord_disconnects_total {self.disconnects}",
            "# TYPE fury_discord_answering gauge",
            f"fury_discord_answering {self.answering()}",
            "# TYPE fury_discord_connected gauge",
            f"fury_discord_connected {int(connected)}",
            *self._lag_histogram(),
            *_memory(),
        ]
        return "\n".join(lines) + "\n"

    def _lag_histogram(self) -> Iterator[str]:
        yield "# TYPE fury_discord_loop_lag_seconds histogram"
        for bound, count in zip(_LAGS, accumulate(self._lags), strict=True):
            name = "+Inf" if math.isinf(bound) else str(bound)
            yield f'fury_discord_loop_lag_seconds_bucket{{le="{name}"}} {count}'
        yield f"fury_discord_loop_lag_seconds_count {sum(self._lags)}"


def _memory() -> list[str]:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:  # not Linux
        return []
    return ["# TYPE process_resident_memory_bytes gauge", f"process_resident_memory_bytes {pages * _PAGE}"]


@asynccontextmanager
async def served(counts: Counts, problem: Callable[[], str], host: str, port: int | None) -> AsyncGenerator[None]:
    """Measure, and serve `/health/live`, `/health/ready` and `/metrics` while the block runs.

    Args:
        counts: what is served.
        problem: why the bot cannot answer now, or an empty string.
        host: address to listen on.
        port: to listen on; None serves nothing.
    """
    from aiohttp import web  # comes with discord.py

    def replied(health: Health) -> web.Response:
        status = 200 if health.status == "ok" else 503
        return web.Response(body=msgspec.json.encode(health), status=status, content_type="application/json")

    async def live(_: web.Request) -> web.Response:
        return replied(Health("ok"))

    async def ready(_: web.Request) -> web.Response:
        return replied(Health("unavailable", (problem(),)) if problem() else Health("ok"))

    async def metrics(_: web.Request) -> web.Response:
        text = counts.as_prometheus(connected=not problem())
        return web.Response(body=text.encode(), headers={"Content-Type": "text/plain; version=0.0.4"})

    watching = asyncio.create_task(counts.watch_lag())
    app = web.Application()
    app.add_routes([web.get("/health/live", live), web.get("/health/ready", ready), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None)
    try:
        if port is not None:
            await runner.setup()
            await web.TCPSite(runner, host, port).start()
        yield
    finally:
        watching.cancel()
        await runner.cleanup()
