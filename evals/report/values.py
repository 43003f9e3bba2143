"""A report as a value: tables, curves and every question, ready to be shown in any form."""

from __future__ import annotations

from msgspec import Struct

from agent.schema import Citation, Passage
from evals.comparison import Comparison
from evals.observations import Identity
from evals.statistics import Figure, Operating

Cell = Figure | str | float | int | None
"""A mean with its interval, a word, a number, or nothing to say."""


class Row(Struct, frozen=True):
    """One line of a table; `strong` for what we ship, against what it is compared with."""

    name: str
    cells: tuple[Cell, ...]
    strong: bool = False


class Table(Struct, frozen=True):
    """A table of figures.

    Attributes:
        suite: which suite it belongs to.
        columns: names of the cells; the first column, of row names, is `of`.
        unit: `share` (0 to 1), `ms`, `tokens`, or empty for plain numbers.
        note: what a reader must know to read it right; may be empty.
    """

    suite: str
    title: str
    of: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    unit: str = "share"
    note: str = ""


class Curve(Struct, frozen=True):
    """hit@k of one system for k = 1, 2, ... (one figure each)."""

    system: str
    figures: tuple[Figure, ...]
    strong: bool = False


class RiskCurve(Struct, frozen=True):
    """Risk against coverage when everything below a confidence is declined."""

    title: str
    points: tuple[Operating, ...]
    suggested: Operating | None


class Moment(Struct, frozen=True):
    """One run in the history, this one included: its name, when, and the mean of each headline measure."""

    run: str
    created: str
    code: str
    means: dict[str, Figure]


class Score(Struct, frozen=True):
    """What one scorer said of one question: a value, or why it failed."""

    suite: str
    measure: str
    value: float | None
    failed: str = ""
    lower_is_better: bool = False


class FoundPlace(Struct, frozen=True):
    """A place that the shipped retriever found, and whether it is a gold place."""

    name: str
    hit: bool


class Question(Struct, frozen=True):
    """One question with everything that is known of it.

    Attributes:
        verdict: `failed`, `weak` or `good`; failed ones come first in a report.
        why: what failed, in words; empty where nothing did.
        gold: the places that answer it, in words.
        places: what retrieval found, best first.
        answer: Markdown of the answer, or None where it was not asked.
        checks: findings of the static checks of the answer's code and names.
    """

    id: str
    question: str
    kind: str
    provenance: str
    verdict: str
    why: tuple[str, ...]
    gold: tuple[str, ...]
    places: tuple[FoundPlace, ...]
    scores: tuple[Score, ...]
    status: str | None = None
    answer: str | None = None
    citations: tuple[Citation, ...] = ()
    passages: tuple[Passage, ...] = ()
    checks: tuple[str, ...] = ()
    error: str | None = None


class Report(Struct, frozen=True):
    """Everything that a run says.

    Attributes:
        command: how it was called.
        failures: what could not be scored, how often and why; those questions are in no mean.
        notes: what a reader must know: unfinished parts, other indexes, suites left out and why.
    """

    title: str
    run: str
    identity: Identity
    created: str
    command: str
    cases: int
    tables: tuple[Table, ...]
    curves: tuple[Curve, ...]
    risk: tuple[RiskCurve, ...]
    history: tuple[Moment, ...]
    comparisons: tuple[Comparison, ...]
    questions: tuple[Question, ...]
    failures: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
