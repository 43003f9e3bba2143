"""What the suite `code` found, as tables and as one entry for every program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median

from evals.code_requests import Request
from evals.code_scores import STEPS, failure, measure
from evals.observations import Coded
from evals.report.values import Question, Row, Score, Table
from evals.runs import Run
from evals.scoring import Scores
from evals.statistics import proportion


def code_tables(run: Run, requests: Sequence[Request], scores: Scores) -> Iterator[Table]:
    """Yield how far each arm got, and why programs failed."""
    yield Table(
        suite="code",
        title=f"Programs for {len(requests)} requests",
        of="arm",
        columns=(*STEPS, "answer s", "n"),
        rows=tuple(_arm(run, requests, scores, arm) for arm in run.arms()),
        note="Each step asks for the one before. Intervals are Wilson's; seconds are medians until the answer.",
    )
    kinds = _kinds(run, requests)
    if kinds:
        yield Table(
            suite="code",
            title="Why programs failed",
            of="reason",
            columns=run.arms(),
            rows=tuple(Row(kind, tuple(counts.get(arm, 0) for arm in run.arms())) for kind, counts in kinds),
            unit="",
        )


def _arm(run: Run, requests: Sequence[Request], scores: Scores, arm: str) -> Row:
    failed = len(scores.failed.get(measure(arm, STEPS[0]), {}))
    figures = [proportion(scores.values[measure(arm, step)].values(), failed) for step in STEPS]
    seconds = [entry.seconds for entry in run.coded(arm, requests).values() if entry.error is None]
    spent = f"{median(seconds):.1f}" if seconds else None
    return Row(arm, (*figures, spent, len(seconds)), strong=arm == run.arms()[-1])


def _kinds(run: Run, requests: Sequence[Request]) -> list[tuple[str, Counter[str]]]:
    """Return each kind of failure with its count in every arm, most frequent first."""
    kinds: dict[str, Counter[str]] = {}
    for arm, request, entry in _entries(run, requests):
        if entry.error is None and (found := failure(entry, request)):
            kinds.setdefault(found[0], Counter())[arm] += 1
    return sorted(kinds.items(), key=lambda item: (-item[1].total(), item[0]))


def _entries(run: Run, requests: Sequence[Request]) -> Iterator[tuple[str, Request, Coded]]:
    for arm in run.arms():
        coded = run.coded(arm, requests)
        yield from ((arm, request, coded[request.id]) for request in requests if request.id in coded)


def programs(run: Run, requests: Sequence[Request], scores: Scores) -> Iterator[Question]:
    """Yield every program with its verdict, as questions are shown: failed to run, or not quite what was asked."""
    for arm, request, entry in _entries(run, requests):
        found = None if entry.error else failure(entry, request)
        ran = entry.tried is not None and entry.tried.ok
        yield Question(
            id=f"{request.id} ({arm})",
            question=request.request,
            kind=f"code: {request.kind}",
            provenance="own_request",
            verdict="weak" if found and ran else "failed" if found or entry.error else "good",
            why=(f"{found[0]}: {found[1]}",) if found else (),
            gold=(),
            places=(),
            scores=tuple(
                Score("code", step, scores.values[measure(arm, step)][request.id])
                for step in STEPS
                if request.id in scores.values[measure(arm, step)]
            ),
            answer=entry.answer,
            error=entry.error,
        )
