"""Observations -> scores, by today's scorers and cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from agent.symbols import ApiModel
from evals.cases import Case
from evals.retrieval import score as score_places
from evals.runs import Run
from evals.scorers import SCORERS, Given, Scorer, ScorerFailed
from evals.statistics import Figure, figure
from evals.suites import applies
from evals.systems import SHIPPED


class Scores(Struct, frozen=True):
    """The scores of one suite.

    Attributes:
        values: measure -> case id -> value.
        failed: measure -> case id -> why the scorer failed.
    """

    values: dict[str, dict[str, float]]
    failed: dict[str, dict[str, str]] = msgspec.field(default_factory=dict[str, "dict[str, str]"])

    def figure(self, measure: str, among: Iterable[str] | None = None) -> Figure | None:
        """Return a measure's mean with its interval, over some cases or all; None where none could be scored."""
        values, failed = self.values.get(measure, {}), self.failed.get(measure, {})
        if among is None:
            return figure(values.values(), len(failed))
        ids = set(among)
        return figure((value for case, value in values.items() if case in ids), len(ids & failed.keys()))


def score_run(run: Run, cases: Sequence[Case], api: ApiModel | None) -> dict[str, Scores]:
    """Return suite -> scores of what users get, for the suites that were run."""
    scores: dict[str, Scores] = {}
    retrieval = score_system(run, cases, SHIPPED)
    if retrieval.values["MRR"]:
        scores["retrieval"] = retrieval
    asked = run.asked(cases)
    given = [Given(case, asked[case.id], api) for case in cases if case.id in asked]
    for suite, scorers in SCORERS.items():
        entries = [entry for entry in given if applies(suite, entry.case)]
        if entries:
            scores[suite] = score_answers(scorers, entries)
    return scores


def score_system(run: Run, cases: Sequence[Case], system: str) -> Scores:
    """Return the retrieval scores of one system."""
    found = {case: entry.places for case, entry in run.retrieved(system, cases).items()}
    return Scores({measure: dict(values) for measure, values in score_places(cases, found).items()})


def score_answers(scorers: Mapping[str, Scorer], entries: Sequence[Given]) -> Scores:
    """Apply scorers; one that fails is recorded with its reason and costs only that question."""
    values: dict[str, dict[str, float]] = {measure: {} for measure in scorers}
    failed: dict[str, dict[str, str]] = {measure: {} for measure in scorers}
    for measure, scorer in scorers.items():
        for given in entries:
            try:
                value = scorer(given)
            except ScorerFailed as error:
                failed[measure][given.case.id] = str(error)
            except Exception as error:  # noqa: BLE001 - one broken scorer or odd answer must not end an hour's run
                failed[measure][given.case.id] = f"{type(error).__name__}: {error}"
            else:
                if value is not None:
                    values[measure][given.case.id] = value
    return Scores(values, failed)
