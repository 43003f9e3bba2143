"""Run -> report: everything is computed from what was observed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from agent.symbols import ApiModel
from evals.cases import Case
from evals.places import DEPTH
from evals.report.questions import questions
from evals.report.tables import tables
from evals.report.values import Comparison, Curve, Moment, Report, RiskCurve
from evals.retrieval import first_hit
from evals.runs import Run
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
    *,
    command: str,
    history: Iterable[Run] = (),
    comparisons: Sequence[Comparison] = (),
    notes: Sequence[str] = (),
) -> Report:
    """Compute everything that a run says.

    Args:
        run: what was observed.
        cases: the questions that count.
        api: names of the version that was asked about, or None.
        command: how the run was made.
        history: runs of the same library, oldest first, this one included.
        comparisons: made with the baseline or another run.
        notes: what a reader must know.
    """
    scores = score_run(run, cases, api)
    return Report(
        title=f"{run.identity.library} {run.identity.version}",
        run=run.folder.name,
        identity=run.identity,
        created=run.created,
        command=command,
        cases=len(cases),
        tables=tuple(tables(run, cases, scores)),
        curves=tuple(_curves(run, cases)),
        risk=tuple(_risk(run, cases, scores)),
        history=tuple(_moment(one, cases, api) for one in history),
        comparisons=tuple(comparisons),
        questions=questions(run, cases, scores, api),
        failures=tuple(_failures(scores)),
        notes=tuple(notes),
    )


def _curves(run: Run, cases: Sequence[Case]) -> Iterator[Curve]:
    for system, found in run.retrieved().items():
        ranks = [first_hit(case, found[case.id].places) for case in cases if case.answerable and case.id in found]
        points = (figure(float(rank is not None and rank <= k) for rank in ranks) for k in range(1, DEPTH + 1))
        yield Curve(system, tuple(point for point in points if point is not None), strong=system == SHIPPED)


def _risk(run: Run, cases: Sequence[Case], scores: Mapping[str, Scores]) -> Iterator[RiskCurve]:
    found = run.retrieved().get(SHIPPED, {})
    known = [(case, entry, entry.confidence) for case in cases if (entry := found.get(case.id)) is not None]
    searched = [
        Trial(sure, case.answerable and first_hit(case, entry.places[:5]) is not None, case.answerable)
        for case, entry, sure in known
        if sure is not None and not case.mixed
    ]
    if any(not trial.answerable for trial in searched):
        yield _risk_curve("Right place among the first 5, by cosine of the nearest passage", searched)
    if "answers" in scores and "abstention" in scores:
        right = scores["answers"].values["citation precision"]
        answered = [
            Trial(sure, right[case.id] > 0, case.answerable)
            for case, _, sure in known
            if sure is not None and case.id in right
        ]
        wrong = [
            Trial(sure, right=False, answerable=False)
            for case, _, sure in known
            if sure is not None and scores["abstention"].values["declined"].get(case.id) == 0
        ]
        if answered and wrong:
            title = "Answers given that cite a right place, by cosine of the nearest passage"
            yield _risk_curve(title, [*answered, *wrong])


def _risk_curve(title: str, trials: Sequence[Trial]) -> RiskCurve:
    points = risk_coverage(trials)
    return RiskCurve(title, points, suggested(points))


def _moment(run: Run, cases: Sequence[Case], api: ApiModel | None) -> Moment:
    scores = score_run(run, cases, api)
    means: dict[str, Figure] = {}
    for suite, measure in HEADLINES:
        found = scores[suite].figure(measure) if suite in scores else None
        if found is not None:
            means[measure] = found
    return Moment(run.folder.name, run.created, run.identity.code, means)


def _failures(scores: Mapping[str, Scores]) -> Iterator[str]:
    for suite, kept in scores.items():
        for measure, by_case in kept.failed.items():
            for reason, count in Counter(by_case.values()).most_common():
                yield f"{suite}: {measure}: {count} not scored: {reason}"
