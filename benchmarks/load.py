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

from benchmarks.http_client import Streamed, burst, quantile, streams
from benchmarks.scripted import PACE, SLOW, STREAMS, TOKENS, cpu_seconds, numbers, serving
from benchmarks.table import Row

QUESTION = "How do I draw three spheres of different colours?"
CONNECTIONS = (1, 16)
WHOLES = (("known", "/query"), ("ours", "/query"), ("ours", "/search"))
"""Which servers and paths are asked for whole replies."""
SAID = {"known": "known a moment ago, recorded", "ours": "answered anew"}
ROUNDS = 5
SECONDS = 2.0
OPEN = (1, 50, 200, STREAMS)
OPENING = 100.0
"""Streams that are opened in a second."""
MOST_LAG = 0.05
LAG = "fury_agent_event_loop_lag_seconds"


class Side(Struct, frozen=True):
    """What one server did.

    Attributes:
        rate: replies per second, the median of the rounds.
        seconds: of each reply, ascending.
        cost: processor time of a reply in seconds, which other work on the machine changes little.
    """

    rate: float
    seconds: tuple[float, ...]
    cost: float


class Whole(Struct, frozen=True):
    """Whole replies of one path, over some connections; both servers took turns.

    Attributes:
        path: with what it was asked for.
        ratio: of our rate to the bare handler's, the median of the rounds.
    """

    path: str
    connections: int
    ours: Side
    bare: Side
    ratio: float


class Stream(Struct, frozen=True):
    """Open streams.

    Attributes:
        lag: the event loop's 99th percentile, in seconds; the upper bound of its bucket.
        memory: of the server, in bytes.
        cost: processor time of an event, in seconds.
    """

    open: int
    seen: Streamed
    lag: float
    memory: float
    cost: float


def measure() -> tuple[list[Whole], list[Stream]]:
    """Take all figures; needs some minutes and neither a model nor an index."""
    with serving("known") as known, serving("ours") as ours, serving("bare") as bare:
        servers = {"known": known, "ours": ours}
        wholes = [whole(kind, servers[kind], bare, path, count) for kind, path in WHOLES for count in CONNECTIONS]
    with serving("ours", str(STREAMS)) as (url, pid):
        return wholes, [stream(url, pid, count) for count in OPEN]


def whole(kind: str, ours: tuple[str, int], bare: tuple[str, int], path: str, connections: int) -> Whole:
    """Measure one path on both servers, each given by its URL and process id, in turns."""
    print(f"{kind} {path} over {connections} connections", file=sys.stderr)
    rounds = [[_round(*server, path, connections) for server in (ours, bare)] for _ in range(ROUNDS)]
    ratio = statistics.median(mine.rate / theirs.rate for mine, theirs in rounds)
    mine, theirs = (_joined([pair[side] for pair in rounds]) for side in (0, 1))
    return Whole(f"`{path}`, {SAID[kind]}" if path == "/query" else f"`{path}`", connections, mine, theirs, ratio)


def _round(url: str, pid: int, path: str, connections: int) -> Side:
    before = cpu_seconds(pid)
    sent = asyncio.run(burst(url, path, QUESTION, connections=connections, duration=SECONDS))
    return Side(sent.rate, sent.seconds, (cpu_seconds(pid) - before) / len(sent.seconds))


def _joined(rounds: list[Side]) -> Side:
    return Side(
        statistics.median(one.rate for one in rounds),
        tuple(sorted(taken for one in rounds for taken in one.seconds)),
        statistics.median(one.cost for one in rounds),
    )


def stream(url: str, pid: int, count: int) -> Stream:
    """Measure some open streams."""
    print(f"{count} streams", file=sys.stderr)
    before, cpu = numbers(url), cpu_seconds(pid)
    seen = asyncio.run(streams(url, f"Explain {SLOW}: {QUESTION}", count=count, opening=OPENING))
    after, cost = numbers(url), (cpu_seconds(pid) - cpu) / (count * (TOKENS + 2))
    return Stream(count, seen, lag(before, after), after["process_resident_memory_bytes",], cost)


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
        f"(load average {os.getloadavg()[1]:.1f}); Python {platform.python_version()}. CPU is the server's",
        "processor time for one reply or event, which other work changes little; all else is quicker on an idle one.",
        "",
        "## Whole replies",
        "",
        f"Beside a bare Litestar handler that sends the same bytes, in {ROUNDS} turns of {SECONDS:g} s each. That does",
        "not read the request; ours reads, limits and counts it, and gives each client a copy of its own.",
        "",
        "| path | connections | replies/s | p50 ms | p99 ms | CPU ms | bare/s | p50 ms | p99 ms | CPU ms | ratio |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in wholes:
        cells = [
            f"{side.rate:,.0f} | {_ms(side.seconds, 0.5)} | {_ms(side.seconds, 0.99)} | {side.cost * 1e3:.2f}"
            for side in (one.ours, one.bare)
        ]
        lines.append(f"| {one.path} | {one.connections} | {' | '.join(cells)} | {one.ratio:.2f} |")
    lines += [
        "",
        "## Streams",
        "",
        f"Each says {TOKENS} tokens, one every {PACE * 1e3:g} ms; {OPENING:g} are opened in a second. A token is late",
        "by the time from its being said, in a thread of the server, to its being read by the client.",
        "",
        "| streams | events/s | first event p50 ms | p99 ms | late p50 ms | p99 ms | lag p99 ms | CPU ms | MB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in open_streams:
        seen = one.seen
        figures = [_ms(values, share) for values in (seen.first, seen.late) for share in (0.5, 0.99)]
        held = f"<= {one.lag * 1e3:g} | {one.cost * 1e3:.2f} | {one.memory / 1e6:,.0f}"
        lines.append(f"| {one.open} | {seen.rate:,.0f} | {' | '.join(figures)} | {held} |")
    return "\n".join(lines) + "\n"


def _ms(ascending: tuple[float, ...], share: float) -> str:
    return f"{quantile(ascending, share) * 1e3:,.1f}"


if __name__ == "__main__":
    sys.stdout.write(page(*measure()))
