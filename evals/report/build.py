"""Run -> report: everything is computed from what was observed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from agent.schema import Answer
from agent.symbols import ApiModel
from evals.cases import Case
from evals.code_requests import Request
from evals.comparison import Comparison
from evals.judge import MEASURES as JUDGED
from evals.judge import subjects
from evals.observations import Retrieved
from evals.places import DEPTH
from evals.report.code import code_tables, programs
from evals.report.questions import USED, questions
from evals.report.tables import tables
from evals.report.values import Curve, Moment, Report, RiskCurve
from evals.retrieval import first_hit
from evals.runs import Run
from evals.scorers import overlaps
from evals.scoring import Scores, score_run
from evals.statistics import Figure, Trial, figure, risk_coverage, suggested
from evals.systems import SHIPPED

HEADLINES = (
    ("retrieval", "hit@1"),
    ("retrieval", "hit@5"),
    ("retrieval", "MRR"),
    ("answers", "names exist"),
    ("abstention", "declined"),
)
"""Suite and measure of what the history shows."""


def build_report(
    run: Run,
    cases: Sequence[Case],
    api: ApiModel | None,
    scores: Mapping[str, Scores],
    *,
    command: str,
    history: Iterable[Run] = (),
    comparisons: Sequence[Comparison] = (),
    notes: Sequence[str] = (),
    requests: Sequence[Request] = (),
) -> Report:
    """Compute everything that a run says.

    Args:
        run: what was observed.
        cases: the questions that count.
        api: names of the version that was asked about, or None.
        scores: suite -> scores of this run.
        command: how the run was made.
        history: runs of the same library, oldest first, this one included.
        comparisons: made with the baseline or another run.
        notes: what a reader must know.
        requests: the requests for code that count.
    """
    return Report(
        title=f"{run.identity.library} {run.identity.version}",
        run=run.folder.name,
        identity=run.identity,
        created=run.created,
        command=command,
        cases=len(cases) + len(requests),
        tables=(*tables(run, cases, scores), *(code_tables(run, requests, scores["code"]) if "code" in scores else ())),
        curves=tuple(_curves(run, cases) if cases else ()),
        risk=tuple(_risk(run, cases)),
        history=tuple(_moment(one, cases, api) for one in history),
        comparisons=tuple(comparisons),
        questions=(
            *questions(run, cases, scores, api),
            *(programs(run, requests, scores["code"]) if "code" in scores else ()),
        ),
        failures=(*_failures(scores), *_judge_failures(run, cases)),
        notes=tuple(notes),
    )


def _curves(run: Run, cases: Sequence[Case]) -> Iterator[Curve]:
    for system in run.systems():
        found = run.retrieved(system, cases)
        ranks = [first_hit(case, found[case.id].places) for case in cases if case.answerable and case.id in found]
        points = (figure(float(rank is not None and rank <= k) for rank in ranks) for k in range(1, DEPTH + 1))
        yield Curve(system, tuple(point for point in points if point is not None), strong=system == SHIPPED)


def _risk(run: Run, cases: Sequence[Case]) -> Iterator[RiskCurve]:
    found = run.retrieved(SHIPPED, cases)
    asked = run.asked(cases)
    sure = {case: entry.confidence for case, entry in found.items() if entry.confidence is not None}
    known = [case for case in cases if case.id in sure and not case.mixed]
    yield from _risk_curve(
        "Declining by the cosine of the nearest passage, with the right place among the first 5",
        [Trial(sure[case.id], _is_found(case, found[case.id]), case.answerable) for case in known],
    )
    decided = [(case, entry.answer) for case in known if (entry := asked.get(case.id)) and entry.answer]
    yield from _risk_curve(
        "The same on top of the model's own refusals, with a right place cited",
        [
            Trial(
                # A refusal of the model stands, however sure the retrieval is.
                sure[case.id] if answer.status == "answered" else -math.inf,
                _is_right(case, answer),
                case.answerable,
            )
            for case, answer in decided
            if answer.status != "sources_only"
        ],
    )


def _is_found(case: Case, entry: Retrieved) -> bool:
    return case.answerable and first_hit(case, entry.places[:USED]) is not None


def _is_right(case: Case, answer: Answer) -> bool:
    return any(overlaps(entry, gold) for entry in answer.citations for gold in (*case.gold, *case.also_ok))


def _risk_curve(title: str, trials: Sequence[Trial]) -> Iterator[RiskCurve]:
    """Yield the curve where there are both sorts of questions, and anything is answered."""
    if {trial.answerable for trial in trials} == {True, False}:
        points = risk_coverage(trials)
        if len(points) > 1:
            yield RiskCurve(title, points, suggested(points))


def _moment(run: Run, cases: Sequence[Case], api: ApiModel | None) -> Moment:
    scores = score_run(run, cases, api)
    means: dict[str, Figure] = {}
    for suite, measure in HEADLINES:
        found = scores[suite].figure(measure) if suite in scores else None
        if found is not None:
            means[measure] = found
    return Moment(run.folder.name, run.created, f"{run.identity.code} {run.identity.model}", means)


def _failures(scores: Mapping[str, Scores]) -> Iterator[str]:
    for suite, kept in scores.items():
        for measure, by_case in kept.failed.items():
            for reason, count in Counter(by_case.values()).most_common():
                yield f"{suite}: {measure}: {count} not scored: {reason}"


def _judge_failures(run: Run, cases: Sequence[Case]) -> Iterator[str]:
    if not run.judges():
        return
    verdicts = (
        run.judged(text.key(judge, measure))
        for text in subjects(run, cases)
        for judge in run.judges()
        for measure in JUDGED
    )
    reasons = Counter(verdict.reason for verdict in verdicts if verdict and verdict.passing is None)
    for reason, count in reasons.most_common():
        yield f"judge: {count} verdicts could not be had: {reason}"
