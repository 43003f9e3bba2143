"""The page `docs/chunkers.md`, from the figures beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from evals.statistics import Figure

PAGE = Path(__file__).parents[1] / "docs" / "chunkers.md"


class Result(Struct, frozen=True):
    """What one chunker reached.

    Attributes:
        size: the limit that it was given, in characters.
        speed: MB/s over the Python files.
        whole: share of chunks that are exactly one whole definition.
        functions, classes: share of them that one chunk holds whole.
        exact: share of chunks that are what stands on the lines that they claim.
        lost: share of characters, other than blanks, that are in no chunk.
        found: measure -> figure over the questions.
    """

    chunker: str
    size: int
    speed: float
    chunks: int
    whole: float
    functions: float
    classes: float
    exact: float
    lost: float
    found: dict[str, Figure]


class Measured(Struct, frozen=True):
    """All figures of a run."""

    library: str
    files: int
    megabytes: float
    questions: int
    results: tuple[Result, ...]


_HEAD = """# Chunkers side by side

Written by `python -m benchmarks.chunkers` from the figures in `chunkers.json`; `python -m benchmarks chunkers`
measures without writing. All on the same {files} Python files ({megabytes:.1f} MB) of {library}, each timed in turn
with the others; every peer at our limit and at 1,500 characters, the default of CodeSplitter. astchunk counts
characters without blanks, so its limit is lowered by their share.

## What chunks hold

| chunker | limit | MB/s | chunks | one whole definition | functions held | classes held | exact lines | lost |
|---|---|---|---|---|---|---|---|---|
"""
_FOUND = """
- *One whole definition*: the share of chunks that are exactly one function, method or class as Python's `ast` has
  it, decorators included.
- *Held whole*: the share of functions and methods, and of classes, that are inside one chunk, whatever else is in
  it. We keep a class without its methods, which have chunks of their own; so a class is held whole only if it has
  none.
- *Exact lines*: the share of chunks whose text is what stands on the lines where the chunker says that it is, blank
  space at both ends aside. A chunk of ours may be several stretches (a class before, between and behind its
  methods): each must be exact. CodeSplitter's places are those that LlamaIndex finds by looking for the text;
  chonkie's and astchunk's are their own.
- *Lost*: characters, other than blanks, that are in no chunk.

## What is found

{questions} questions about {library}, the same embedding model (all-MiniLM-L6-v2), plain cosine, no other ranking;
everything that is no Python is cut by LlamaIndex's SentenceSplitter for the peers, by ours for us. A peer's chunk
counts for every definition that it touches, one of ours for one. Means with 95 % intervals: where those of two
chunkers overlap, these questions leave open which one finds more.

| chunker | limit | hit@1 | hit@5 | hit@10 | MRR |
|---|---|---|---|---|---|
"""
_MEASURES = ("hit@1", "hit@5", "hit@10", "MRR")


def render(measured: Measured) -> str:
    """Return the page."""
    head = _HEAD.format(files=measured.files, megabytes=measured.megabytes, library=measured.library)
    found = _FOUND.format(questions=measured.questions, library=measured.library)
    held = [_row(_held(result)) for result in measured.results if "alone" not in result.chunker]
    lines = [*held, found.rstrip("\n"), *(_row(_found(result)) for result in measured.results)]
    return head + "\n".join([*lines, "", *_remarks(measured.results)]) + "\n"


def _held(result: Result) -> Iterator[str]:
    yield result.chunker
    yield f"{result.size:,}"
    yield f"{result.speed:.2f}"
    yield f"{result.chunks:,}"
    yield from (f"{share:.1%}" for share in (result.whole, result.functions, result.classes, result.exact))
    yield f"{result.lost:.2%}"


def _found(result: Result) -> Iterator[str]:
    yield result.chunker
    yield f"{result.size:,}"
    for name in _MEASURES:
        figure = result.found[name]
        yield f"{figure.mean:.3f} ({figure.low:.2f}–{figure.high:.2f})"


def _row(cells: Iterator[str]) -> str:
    return f"| {' | '.join(cells)} |"


_BETTER: Mapping[str, Callable[[Result], float]] = {
    "speed": lambda one: one.speed,
    "chunks that are one whole definition": lambda one: one.whole,
    "functions held whole": lambda one: one.functions,
    "classes held whole": lambda one: one.classes,
    "exact lines": lambda one: one.exact,
    "least lost": lambda one: -one.lost,
    **{name: lambda one, name=name: one.found[name].mean for name in _MEASURES},
}
"""What is told -> what is more of it."""


def _remarks(results: tuple[Result, ...]) -> Iterator[str]:
    """Say where a peer is better than we are."""
    ours, shown, *peers = results
    yield f"*{shown.chunker}* embeds the source as it is shown, as the peers do, without the names, signature and"
    yield "docstring that we put first: what is left between it and us is owed to those, not to where we cut."
    yield ""
    yield "## Where a peer is better"
    yield ""
    for name, value in _BETTER.items():
        better = [f"{one.chunker} ({one.size:,})" for one in peers if value(one) > value(ours)]
        if better:
            yield f"- {name}: {', '.join(better)}"
