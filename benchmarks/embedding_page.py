"""The page `docs/embeddings.md`, from the figures beside it."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from evals.statistics import Figure

PAGE = Path(__file__).parents[1] / "docs" / "embeddings.md"
_MEASURES = ("hit@1", "hit@5", "MRR")


class Result(Struct, frozen=True):
    """What one way to compute costs and reaches.

    Attributes:
        text_ms: milliseconds for a passage when many are embedded.
        question_ms: milliseconds for a question that comes alone.
        cosine, least_cosine: with the vectors of float32: mean, and the least of all passages.
        found: measure -> figure over the questions.
    """

    way: str
    text_ms: float
    question_ms: float
    cosine: float
    least_cosine: float
    found: dict[str, Figure]


class Measured(Struct, frozen=True):
    """All figures of a run; `skipped` says why a way was left out."""

    library: str
    texts: int
    questions: int
    processor: str
    packages: dict[str, str]
    results: tuple[Result, ...]
    skipped: dict[str, str]


_HEAD = """# The embedding model, computed in several ways

Written by `python -m benchmarks.embedding` from the figures in `embeddings.json`; `python -m benchmarks embedding`
measures without writing. all-MiniLM-L6-v2 over the {texts:,} passages of {library} and {questions} questions about it,
ranked by cosine alone, on {processor}, with {packages}. Times are medians of five rounds in which all ways take turns.

| way | ms a passage | ms a question | cosine with float32 | least | hit@1 | hit@5 | MRR |
|---|---|---|---|---|---|---|---|
"""
_FOOT = """
- *ms a passage*: in batches of 32, of one length where that can be; *ms a question*: one at a time.
- *cosine*: of each passage's vector with the one that float32 gives it; the mean, and the least of all.
- Times of a machine that others use are too long, those of a question alone most; they compare ways, no more.
- Means over the questions with 95 % intervals: where those of two ways overlap, these questions leave open which one
  finds more.
- ONNX is exported from the same weights by torch; int8 has one scale for each row of a matrix, and numbers that go in
  are scaled as they come (dynamic). `pip install 'fury-agent[bench]'` brings what it needs.
"""
_SHIPS = """
## What ships

bfloat16 where the processor has instructions for it ({gain:.1f} times as fast as float32 here), else float32
(`FURY_AGENT_EMBEDDING_PRECISION`).
"""
_FASTER = """
Fastest here is *{way}*, {gain:.1f} times as fast as that. It does not ship: it would add a second runtime and an
export, and its vectors are others, so that an index would belong to one kind of processor.
"""


def render(measured: Measured) -> str:
    """Return the page."""
    packages = ", ".join(f"{name} {version}" for name, version in measured.packages.items())
    head = _HEAD.format(
        texts=measured.texts,
        library=measured.library,
        questions=measured.questions,
        processor=measured.processor,
        packages=packages,
    )
    rows = [f"| {' | '.join(_cells(result))} |" for result in measured.results]
    left_out = [f"- *{way}* was left out: {why}." for way, why in measured.skipped.items()]
    return head + "\n".join(rows) + "\n" + _FOOT + "".join(f"{line}\n" for line in left_out) + _chosen(measured)


def _cells(result: Result) -> Iterator[str]:
    yield result.way
    yield from (f"{value:.2f}" for value in (result.text_ms, result.question_ms))
    yield from (f"{value:.5f}" for value in (result.cosine, result.least_cosine))
    yield from (
        f"{found.mean:.3f} ({found.low:.2f}–{found.high:.2f})" for found in (result.found[name] for name in _MEASURES)
    )


def _chosen(measured: Measured) -> str:
    """Say what ships, beside what is fastest."""
    times: Mapping[str, float] = {result.way: result.text_ms for result in measured.results}
    fastest = min(times, key=lambda way: times[way])
    half = times["torch bfloat16"]
    said = _SHIPS.format(gain=times["torch float32"] / half)
    return said if fastest == "torch bfloat16" else said + _FASTER.format(way=fastest, gain=half / times[fastest])


def processor_name() -> str:
    """Return what the machine calls its processor, where it tells, and how many cores there are."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    except OSError:  # not Linux
        pass
    return f"{cores} cores of {name}"
