"""Scores -> tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from evals.cases import Case
from evals.report.values import Cell, Row, Table
from evals.retrieval import MEASURES
from evals.runs import Judged, Run
from evals.scoring import Scores, score_system
from evals.statistics import figure, percentile
from evals.systems import SHIPPED


def tables(run: Run, cases: Sequence[Case], scores: Mapping[str, Scores]) -> Iterator[Table]:
    """Yield the tables of the suites that were run."""
    if "retrieval" in scores:
        yield _systems(run, cases)
        yield _groups(scores["retrieval"], cases, "kind", lambda case: case.kind)
        yield _groups(scores["retrieval"], cases, "provenance", lambda case: case.provenance or "not said")
    if "answers" in scores:
        yield _measures("answers", "Answers to answerable questions", scores["answers"], run.identity.model)
    if "abstention" in scores:
        yield _measures("abstention", "Questions without an answer", scores["abstention"], run.identity.model)
    if "speed" in scores:
        yield _percentiles(scores["speed"])
    judged = run.judged()
    if judged:
        yield _judged(judged)


def _systems(run: Run, cases: Sequence[Case]) -> Table:
    scores = {system: score_system(run, cases, system) for system in run.retrieved()}
    return Table(
        suite="retrieval",
        title=f"Retrieval, {sum(case.answerable for case in cases)} questions",
        of="system",
        columns=tuple(MEASURES),
        rows=tuple(Row(name, _cells(kept), strong=name == SHIPPED) for name, kept in scores.items()),
        note=_needs_tutorials(cases),
    )


def _cells(scores: Scores, among: Sequence[str] | None = None) -> tuple[Cell, ...]:
    return tuple(scores.figure(measure, among) for measure in MEASURES)


def _needs_tutorials(cases: Sequence[Case]) -> str:
    answerable = [case for case in cases if case.answerable]
    only = sum(all("examples/" in gold.path for gold in case.gold) for case in answerable)
    return f"{only} questions are answered by tutorials alone; without tutorials these are lost." if only else ""


def _groups(scores: Scores, cases: Sequence[Case], of: str, group: Callable[[Case], str]) -> Table:
    members: dict[str, list[str]] = {}
    for case in cases:
        if case.answerable:
            members.setdefault(group(case), []).append(case.id)
    return Table(
        suite="retrieval",
        title=f"Retrieval by {of}",
        of=of,
        columns=("n", *MEASURES),
        rows=tuple(Row(name, (len(ids), *_cells(scores, ids))) for name, ids in sorted(members.items())),
    )


def _measures(suite: str, title: str, scores: Scores, model: str) -> Table:
    return Table(
        suite=suite,
        title=title,
        of="measure",
        columns=(model,),
        rows=tuple(Row(measure, (scores.figure(measure),)) for measure in scores.values),
    )


def _percentiles(scores: Scores) -> Table:
    rows = (
        Row(measure, (len(values), percentile(values.values(), 0.5), percentile(values.values(), 0.95)))
        for measure, values in scores.values.items()
    )
    return Table(
        suite="speed",
        title="Speed",
        of="measure",
        columns=("answers", "p50", "p95"),
        rows=tuple(rows),
        unit="",
        note="Seen by the caller, one question at a time.",
    )


def _judged(verdicts: Sequence[Judged]) -> Table:
    groups: dict[tuple[str, str], list[Judged]] = {}
    for verdict in verdicts:
        groups.setdefault((verdict.judge, verdict.measure), []).append(verdict)
    return Table(
        suite="judge",
        title="What a judge says, and how far it can be trusted",
        of="measure",
        columns=("passing", "agrees with people"),
        rows=tuple(
            Row(f"{measure} ({judge})", (_passing(group), _agreement(group)))
            for (judge, measure), group in groups.items()
        ),
        note="Agreement is measured on hand-labelled examples; a judge near .50 says nothing.",
    )


def _passing(verdicts: Sequence[Judged]) -> Cell:
    answers = [verdict for verdict in verdicts if verdict.expected is None]
    return figure(
        (float(verdict.passing) for verdict in answers if verdict.passing is not None),
        sum(verdict.passing is None for verdict in answers),
    )


def _agreement(verdicts: Sequence[Judged]) -> Cell:
    labelled = [verdict for verdict in verdicts if verdict.expected is not None]
    return figure(
        (float(verdict.passing == verdict.expected) for verdict in labelled if verdict.passing is not None),
        sum(verdict.passing is None for verdict in labelled),
    )
