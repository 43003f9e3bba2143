"""A warm search against embedding the question alone."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from agent.schema import SearchRequest
from agent.service import Service
from agent.settings import Settings
from benchmarks.table import Row
from evals.cases import load_cases

ROUNDS = 3


def run() -> list[Row]:
    """Measure both on the same questions, in turn; needs the index of FURY (`fury-agent index`)."""
    service = Service(Settings(llm="none"))
    embedding = service.embedding()
    service.warm_up()
    alone: list[float] = []
    whole: list[float] = []
    for _ in range(ROUNDS):
        for case in load_cases():
            alone.append(milliseconds(lambda text=case.question: embedding.get_query_embedding(text)))
            request = SearchRequest(case.question)
            whole.append(milliseconds(lambda request=request: service.search(request)))
    ratio = statistics.median(whole) / statistics.median(alone)
    return [
        Row("embedding alone, median", statistics.median(alone), "ms"),
        Row("search, median", statistics.median(whole), "ms"),
        Row("search, p95", statistics.quantiles(whole, n=20)[-1], "ms"),
        Row("search / embedding alone", ratio, "ratio", "<= 1.3", ratio <= 1.3),
    ]


def milliseconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1e3
