"""How many the HTTP door serves at the same time, beside a bare handler that sends the same bytes.

`python -m benchmarks load` prints the figures; `python -m benchmarks.load > docs/load.md` writes the page. Client and
servers share the machine, so that figures are lower than with a machine for each, and only ratios carry over.
"""

from __future__ import annotations

import asyncio
import os
import platform
import statistics
import sys

from msgspec import Struct

from benchmarks.http_client import Burst, Streamed, burst, quantile, streams
from benchmarks.scripted import PACE, SLOW, STREAMS, TOKENS, numbers, serving
from benchmarks.table import Row

QUESTION = "How do I draw three spheres of different colours?"
CONNECTIONS = (1, 16)
ROUNDS = 5
SECONDS = 2.0
OPEN = (1, 50, 200, STREAMS)
OPENING = 100.0
"""Streams that are opened in a second."""
MOST_LAG = 0.05
LAG = "fury_agent_event_loop_lag_seconds"


class Whole(Struct, frozen=True):
    """Whole replies of one path, over some connections.

    Attributes:
        ratio: of our rate to the bare handler's: the median of the rounds, in which they took turns.
    """

    path: str
    connections: int
    ours: Burst
    bare: Burst
    ratio: float


class Stream(Struct, frozen=True):
    """Open streams.

    Attributes:
        lag: the event loop's 99th percentile, in seconds; the upper bound of its bucket.
        memory: of the server, in bytes.
    """

    open: int
    seen: Streamed
    lag: float
    memory: float


def measure() -> tuple[list[Whole], list[Stream]]:
    """Take all figures; needs some minutes and neither a model nor an index."""
    with serving("ours") as (ours, _), serving("bare") as (bare, _):
        wholes = [whole(ours, bare, path, count) for path in ("/query", "/search") for count in CONNECTIONS]
    with serving("ours", str(STREAMS)) as (url, _):
        return wholes, [stream(url, count) for count in OPEN]


def whole(ours: str, bare: str, path: str, connections: int) -> Whole:
    """Measure one path on both servers, in turns."""
    rounds = [
        [asyncio.run(burst(url, path, QUESTION, connections=connections, duration=SECONDS)) for url in (ours, bare)]
        for _ in range(ROUNDS)
    ]
    print(f"{path} over {connections} connections", file=sys.stderr)
    ratio = statistics.median(mine.rate / theirs.rate for mine, theirs in rounds)
    mine, theirs = (_joined([pair[side] for pair in rounds]) for side in (0, 1))
    return Whole(path, connections, mine, theirs, ratio)


def _joined(bursts: list[Burst]) -> Burst:
    seconds = sorted(taken for one in bursts for taken in one.seconds)
    return Burst(tuple(seconds), statistics.median(one.rate for one in bursts))


def stream(url: str, count: int) -> Stream:
    """Measure some open streams."""
    before = numbers(url)
    seen = asyncio.run(streams(url, f"Explain {SLOW}: {QUESTION}", count=count, opening=OPENING))
    after = numbers(url)
    print(f"{count} streams", file=sys.stderr)
    return Stream(count, seen, lag(before, after), after["process_resident_memory_bytes",])


def lag(before: dict[tuple[str, ...], float], after: dict[tuple[str, ...], float]) -> float:
    """Return the 99th percentile of the event loop's lag between two looks, as its bucket's upper bound."""
    counts = {float(key[1]): after[key] - before[key] for key in after if key[0] == f"{LAG}_bucket"}
    return next(bound for bound in sorted(counts) if counts[bound] >= 0.99 * max(counts.values()))


def run() -> list[Row]:
    """Return the figures as rows."""
    wholes, open_streams = measure()
    rows = [Row(f"{one.path}, {one.connections} connections, of a bare handler", one.ratio, "x") for one in wholes]
    for one in open_streams:
        held = one.lag <= MOST_LAG
        rows.append(Row(f"{one.open} streams, event loop lag, p99 at most", one.lag * 1e3, "ms", "<= 50", held))
        rows.append(Row(f"{one.open} streams, a token's lateness, p99", quantile(one.seen.late, 0.99) * 1e3, "ms"))
    return rows


def page(wholes: list[Whole], open_streams: list[Stream]) -> str:
    """Return `docs/load.md`."""
    lines = [
        "# Load",
        "",
        "How many the HTTP door serves at the same time. The service behind it knows its answers by heart, so that",
        "it is the door that is measured. Written by `python -m benchmarks.load > docs/load.md`, in one run.",
        "",
        f"{os.cpu_count()} processors, which client and servers share with each other and with whatever else runs",
        f"(load average {os.getloadavg()[1]:.1f}); Python {platform.python_version()}. Alone on a machine all is",
        "quicker; ratios carry over.",
        "",
        "## Whole replies",
        "",
        f"Beside a bare Litestar handler that sends the same bytes, in {ROUNDS} turns of {SECONDS:g} s each.",
        "",
        "| path | connections | replies/s | p50 ms | p99 ms | bare: replies/s | p50 ms | p99 ms | ratio |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in wholes:
        cells = [
            f"{side.rate:,.0f} | {_ms(side.seconds, 0.5)} | {_ms(side.seconds, 0.99)}" for side in (one.ours, one.bare)
        ]
        lines.append(f"| `{one.path}` | {one.connections} | {' | '.join(cells)} | {one.ratio:.2f} |")
    lines += [
        "",
        "## Streams",
        "",
        f"Each says {TOKENS} tokens, one every {PACE * 1e3:g} ms; {OPENING:g} are opened in a second. A token is late",
        "by the time from its being said, in a thread of the server, to its being read by the client.",
        "",
        "| open streams | events/s | first event p50 ms | p99 ms | token late p50 ms | p99 ms | loop lag p99 ms | MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in open_streams:
        seen = one.seen
        figures = [_ms(values, share) for values in (seen.first, seen.late) for share in (0.5, 0.99)]
        bounded = f"<= {one.lag * 1e3:g}"
        lines.append(f"| {one.open} | {seen.rate:,.0f} | {' | '.join(figures)} | {bounded} | {one.memory / 1e6:,.0f} |")
    return "\n".join(lines) + "\n"


def _ms(ascending: tuple[float, ...], share: float) -> str:
    return f"{quantile(ascending, share) * 1e3:,.1f}"


if __name__ == "__main__":
    sys.stdout.write(page(*measure()))
