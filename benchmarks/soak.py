"""Does the HTTP door leak? Ten minutes of everything that clients do, good and bad, at a server of its own.

`python -m benchmarks soak`, or `python -m benchmarks.soak MINUTES`.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from pathlib import Path

from msgspec import Struct

from benchmarks.http_client import JSON, STREAM, request, together
from benchmarks.scripted import SLOW, numbers, serving
from benchmarks.table import Row

MINUTES = 10.0
CLIENTS = 24
SAMPLES = 60
WARM = 0.2
"""Share of the time after which memory is expected to be flat."""
MOST_GROWTH = 0.05
SETTLING = 3.0
QUESTION = "How do I draw three spheres of different colours?"


class Sample(Struct, frozen=True):
    """What a process holds at one moment."""

    memory: float
    threads: int
    files: float
    tasks: float


def sample(url: str, pid: int) -> Sample:
    """Look at a server."""
    shown = numbers(url)
    return Sample(
        shown["process_resident_memory_bytes",],
        len(list(Path(f"/proc/{pid}/task").iterdir())),
        shown["process_open_fds",],
        shown["asyncio_tasks",],
    )


async def misbehave(url: str, end: float) -> int:
    """Ask, stream, break off, send nonsense, until the time has come; return how many requests were sent."""
    messages = [
        request(url, "/query", QUESTION, JSON),
        request(url, "/query", f"{SLOW}: {QUESTION}", STREAM),
        request(url, "/search", QUESTION, JSON),
        request(url, "/query", "", JSON),
        request(url, "/query", QUESTION, JSON)[:-5],
        request(url, f"/nowhere/{time.time_ns()}", QUESTION, JSON),
        b"\x00\xff nonsense\r\n\r\n",
        b"GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n",
    ]
    sent = 0

    async def turn(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(messages[sent % len(messages)])
        sent += 1
        try:  # whoever reads no more within a moment goes: streams break off in the middle
            async with asyncio.timeout(0.3 * (sent % 3)):
                await reader.read(100_000)
                await reader.read(100_000)
        except (TimeoutError, ConnectionError):
            pass

    async def client() -> None:
        while time.monotonic() < end:
            await together(url, turn, 1)
            await asyncio.sleep(0.02)

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return sent


async def soak(url: str, pid: int, seconds: float) -> tuple[int, list[Sample]]:
    """Keep the server busy, and look at it sixty times."""
    begun = time.monotonic()
    busy = asyncio.create_task(misbehave(url, begun + seconds))
    samples: list[Sample] = []
    for number in range(SAMPLES):
        await asyncio.sleep(max(begun + seconds * (number + 1) / SAMPLES - time.monotonic(), 0))
        samples.append(await asyncio.to_thread(sample, url, pid))
    return await busy, samples


def run(minutes: float = MINUTES) -> list[Row]:
    """Measure; memory is held to the median of the time after warming up, the rest to what it was before."""
    with serving("ours") as (url, pid):
        asyncio.run(soak(url, pid, 5.0))  # every kind of request once, so that what is made once is there
        time.sleep(SETTLING)
        before = sample(url, pid)
        sent, samples = asyncio.run(soak(url, pid, minutes * 60))
        time.sleep(SETTLING)
        after = sample(url, pid)
    warm = [one.memory for one in samples[int(SAMPLES * WARM) :]]
    half = len(warm) // 2
    growth = statistics.median(warm[half:]) / statistics.median(warm[:half]) - 1
    rows = [
        Row("requests, good and bad", sent, ""),
        Row("memory, at the end", after.memory / 1e6, "MB"),
        Row("memory, second half over the first", growth * 100, "%", "<= 5", growth <= MOST_GROWTH),
    ]
    for name in ("threads", "files", "tasks"):
        left = getattr(after, name) - getattr(before, name)
        rows.append(Row(f"{name}, left over", left, "", "<= 0", left <= 0))
    return rows


if __name__ == "__main__":
    for row in run(float(sys.argv[1]) if sys.argv[1:] else MINUTES):
        print(row)
