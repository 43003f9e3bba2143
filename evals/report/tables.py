"""Scores -> tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median

from evals.cases import Case
from evals.judge import MEASURES as JUDGED
from evals.judge import Subject, subjects
from evals.observations import Judged
from evals.report import formats
from evals.report.values import Cell, Row, Table
from evals.retrieval import MEASURES
from evals.runs import Run
from evals.scoring import Scores, score_system
from evals.statistics import difference, figure, percentile
from evals.systems import SHIPPED

DIFFERING = ("hit@1", "hit@5", "hit@10", "MRR")


def tables(run: Run, cases: Sequence[Case], scores: Mapping[str, Scores]) -> Iterator[Table]:
    """Yield the tables of the suites that were run."""
    if "retrieval" in scores:
        yield systems_table(run, cases)
        yield _groups(scores["retrieval"], cases, "kind", lambda case: case.kind)
        yield _groups(scores["retrieval"], cases, "provenance", lambda case: case.provenance or "not said")
    if "answers" in scores:
        yield _measures("answers", "Answers to answerable questions", scores["answers"], run.identity.model)
    if "abstention" in scores:
        yield _measures("abstention", "Questions without an answer", scores["abstention"], run.identity.model)
    if "speed" in scores:
        yield _percentiles(scores["speed"])
    if run.judges():
        yield _judges(run, cases)


def systems_table(run: Run, cases: Sequence[Case], title: str = "Retrieval") -> Table:
    """Return every system's figures over these cases."""
    return Table(
        suite="retrieval",
        title=f"{title}, {sum(case.answerable for case in cases)} questions",
        of="system",
        columns=(*MEASURES, "ms"),
        rows=tuple(_system(run, cases, name) for name in run.systems()),
        note=f"{_needs_tutorials(cases)}Milliseconds are medians, in this process without the question's embedding.",
    )


def differences_table(run: Run, cases: Sequence[Case], title: str) -> Table:
    """Return what every other system has more or less than what ships, question by question."""
    shipped = score_system(run, cases, SHIPPED).values
    rows: list[Row] = []
    for name in run.systems():
        other = score_system(run, cases, name).values
        cells = [_difference(other[measure], shipped[measure]) for measure in DIFFERING]
        if name != SHIPPED:
            rows.append(Row(name, tuple(cells)))
    return Table(
        suite="retrieval",
        title=f"{title}: differences to {SHIPPED}",
        of="system",
        columns=DIFFERING,
        rows=tuple(rows),
        note="The mean over the questions that both answered, with the 95 % interval of resampled pairs.",
    )


def _difference(new: Mapping[str, float], old: Mapping[str, float]) -> str | None:
    found = difference(new, old)
    return found and f"{formats.signed(found.mean)} ({formats.signed_span(found.low, found.high)})"


def _system(run: Run, cases: Sequence[Case], name: str) -> Row:
    milliseconds = [entry.milliseconds for entry in run.retrieved(name, cases).values()]
    spent = f"{median(milliseconds):.1f}" if milliseconds else None
    return Row(name, (*_cells(score_system(run, cases, name)), spent), strong=name == SHIPPED)


def _cells(scores: Scores, among: Sequence[str] | None = None) -> tuple[Cell, ...]:
    return tuple(scores.figure(measure, among) for measure in MEASURES)


def _needs_tutorials(cases: Sequence[Case]) -> str:
    answerable = [case for case in cases if case.answerable]
    only = sum(all("examples/" in gold.path for gold in case.gold) for case in answerable)
    return f"Questions that only tutorials answer: {only}; without tutorials these are lost. " if only else ""


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
        columns=(model, "n"),
        rows=tuple(_measure(measure, scores) for measure in scores.values),
    )


def _measure(measure: str, scores: Scores) -> Row:
    found = scores.figure(measure)
    failed = len(scores.failed.get(measure, {}))
    nothing = f"{failed} could not be scored" if failed else None
    return Row(measure, (found or nothing, found.count if found else 0))


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


def _judges(run: Run, cases: Sequence[Case]) -> Table:
    texts = subjects(run, cases)
    return Table(
        suite="judge",
        title="What a judge says, and how far it can be trusted",
        of="measure",
        columns=("passing", "agrees with people"),
        rows=tuple(
            Row(f"{measure} ({judge})", _judged(run, texts, judge, measure))
            for judge in run.judges()
            for measure in JUDGED
        ),
        note="Agreement is measured on hand-labelled examples; a judge near .50 says nothing.",
    )


def _judged(run: Run, texts: Sequence[Subject], judge: str, measure: str) -> tuple[Cell, Cell]:
    found = [(text, run.judged(text.key(judge, measure))) for text in texts]
    answers = [verdict for text, verdict in found if verdict and text.expected is None]
    labelled = [(verdict, text.expected[measure]) for text, verdict in found if verdict and text.expected]
    return (
        _share([(verdict, True) for verdict in answers]),
        _share(labelled),
    )


def _share(verdicts: Sequence[tuple[Judged, bool]]) -> Cell:
    """Return the share of verdicts that are as expected."""
    failed = sum(verdict.passing is None for verdict, _ in verdicts)
    given = (float(verdict.passing == expected) for verdict, expected in verdicts if verdict.passing is not None)
    return figure(given, failed) or (f"{failed} could not be had" if failed else None)
