"""What a process costs: how soon the shell's help is there, and what a loaded server holds in memory."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

import httpx

from benchmarks.table import Row

QUESTION = {"question": "How do I draw three spheres of different colours?"}


def run() -> list[Row]:
    """Measure; needs the index of FURY and the weights (`make ask`)."""
    help_seconds = statistics.median(help_time() for _ in range(7))
    start, memory = serve_memory()
    return [
        Row("fury-agent --help, median of 7", help_seconds, "s", "<= 0.5", help_seconds <= 0.5),
        Row("serve, start until ready", start, "s"),
        Row("serve, everything loaded, after a question", memory, "GB", "<= 3.0", memory <= 3.0),
    ]


def help_time() -> float:
    """Return the seconds of one `--help`."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "agent", "--help"], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def serve_memory() -> tuple[float, float]:
    """Return seconds until ready, and the memory of the server with its children after a question in GB.

    Memory is PSS: pages that processes share count once.
    """
    started = time.perf_counter()
    command = [sys.executable, "-m", "agent", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            if server.stdout is None:
                raise AssertionError
            url = server.stdout.readline().split()[-1]
            ready = time.perf_counter() - started
            httpx.post(f"{url}/query", json=QUESTION, timeout=600).raise_for_status()
            return ready, sum(proportional_set_size(pid) for pid in family(server.pid)) / 1e9
        finally:
            server.terminate()


def family(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    children = Path(f"/proc/{pid}/task").glob("*/children")
    return [
        pid,
        *(relative for file in children for child in file.read_text().split() for relative in family(int(child))),
    ]


def proportional_set_size(pid: int) -> int:
    """Return a process's PSS in bytes, from the kernel's own sum."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0
