"""The page `docs/libraries.md`, from the figures beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from evals.report.formats import number, span
from evals.statistics import Figure

PAGE = Path(__file__).parents[1] / "docs" / "libraries.md"
MEASURES = ("hit@1", "hit@5", "hit@10", "MRR")
PROVENANCES = {
    "own_asked": "asked by hand",
    "generated_docstring": "from docstrings",
    "generated_error": "from error messages",
    "generated_example": "from examples",
    "generated_parameter": "from parameters",
}
"""Provenance -> what the page calls it."""


class LibraryFigures(Struct, frozen=True):
    """What was measured of one library.

    Attributes:
        seconds: to index it from nothing, with the sources and the model at hand; None where that was not timed.
        systems, provenances: name -> measure -> figure.
    """

    spec: str
    files: int
    chunks: int
    seconds: float | None
    systems: dict[str, dict[str, Figure]]
    provenances: dict[str, dict[str, Figure]]


_HEAD = """# Any library

The same two commands index and measure any library; nothing in the code names one.

```
fury-agent index {spec}
FURY_AGENT_LIBRARY={spec} python -m evals
```

Questions about three libraries of other kinds come along, in `evals/data`: pure Python with a dispatching decorator
on nearly every function (networkx), a small package in `src/` without documentation in its source distribution
(requests), and a large one with lazily loaded stubs, Cython, and a gallery of examples (scikit-image). For others,
`python -m evals generate SPEC` writes 60 to start with.

## Indexing

| library | files | chunks | seconds |
|---|---|---|---|
"""
_BETWEEN = """
Seconds are from nothing, with sources and model at hand, on two shared cores; nearly all of it is the embedding.

## Retrieval

Means with 95 % intervals over 138 questions of each: 120 generated, and 18 written by hand as users ask.

| library | system | hit@1 | hit@5 | hit@10 | MRR |
|---|---|---|---|---|---|
"""
_WORSE = """
## Where another does better

"""
_KINDS = """
## How far to trust this

**Generated questions are no users' questions.** They are made from a docstring's, parameter's or error message's
own words, so that searching for words finds them more easily than what a user says; and where several definitions
would do, only the one they were made from counts, which makes them harder. **The questions written by hand** are
few. They were written before their results were seen, but their right places after, and faults that they showed
were mended (release notes that came first, Cython classes that were not found): on questions of others expect less.
What each kind reaches:

| library | questions | number | hit@1 | hit@5 | hit@10 | MRR |
|---|---|---|---|---|---|---|
"""
_FOOT = """
Where it falls short by hand: requests has no user guide in its source distribution, so what only that explains
(cookies of a session, headers for every call) is hard to find; attributes that only a constructor sets
(`Response.history`) have no place of their own; "isolated" does not find networkx's `isolates`.

Written by `python -m evals libraries` from the figures in `libraries.json`.
"""


def render(libraries: Iterable[LibraryFigures]) -> str:
    """Return the page."""
    libraries = sorted(libraries, key=lambda one: one.spec)
    lines = [*_HEAD.format(spec=libraries[0].spec).rstrip("\n").split("\n"), *map(_indexed, libraries)]
    lines += [*_BETWEEN.rstrip("\n").split("\n"), *(line for one in libraries for line in _systems(one))]
    lines += [*_WORSE.rstrip("\n").split("\n"), "", *(line for one in libraries for line in _worse(one))]
    lines += [*_KINDS.rstrip("\n").split("\n"), *(line for one in libraries for line in _provenances(one))]
    return "\n".join(lines) + "\n" + _FOOT


def _indexed(one: LibraryFigures) -> str:
    seconds = "not timed" if one.seconds is None else f"{one.seconds:.0f}"
    return _row([one.spec, f"{one.files:,}", f"{one.chunks:,}", seconds])


def _systems(one: LibraryFigures) -> Iterator[str]:
    for number_, (name, figures) in enumerate(one.systems.items()):
        yield _row([one.spec, name if number_ else f"**{name}**", *_figures(figures)])


def _worse(one: LibraryFigures) -> Iterator[str]:
    """Say which of the others, be they parts of ours, have a higher mean."""
    shipped, *others = one.systems
    for name in MEASURES:
        ours = one.systems[shipped][name].mean
        better = {other: one.systems[other][name].mean for other in others if one.systems[other][name].mean > ours}
        if better:
            told = ", ".join(f"{other} {number(mean)}" for other, mean in better.items())
            yield f"- {one.spec}, {name}: {told} against our {number(ours)}"


def _provenances(one: LibraryFigures) -> Iterator[str]:
    for provenance, told in PROVENANCES.items():
        if provenance in one.provenances:
            figures = one.provenances[provenance]
            yield _row([one.spec, told, str(figures["MRR"].count), *_figures(figures)])


def _figures(figures: dict[str, Figure]) -> Iterator[str]:
    for name in MEASURES:
        figure = figures[name]
        yield f"{number(figure.mean)} ({span(figure.low, figure.high)})"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
