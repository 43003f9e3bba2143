"""Several ways to do the same, timed in turn: what else the machine does meets all alike."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from time import perf_counter


def seconds_in_turn(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each work in each round, after a first one that warms up grammars and caches."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            gc.collect()
            start = perf_counter()
            work()
            if number:
                times[name].append(perf_counter() - start)
    return times
