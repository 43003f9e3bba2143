"""Means, intervals, differences and thresholds."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.statistics import Trial, difference, figure, percentile, risk_coverage, suggested

shares = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@given(shares)
def test_the_interval_is_around_the_mean_and_inside_the_values(values: list[float]) -> None:
    found = figure(values)
    assert found is not None
    assert -1e-9 <= found.low <= found.mean + 1e-9
    assert found.mean - 1e-9 <= found.high <= 1 + 1e-9
    if len(set(values)) > 1:
        assert min(values) - 1e-9 <= found.low
        assert found.high <= max(values) + 1e-9


def test_the_interval_covers_the_true_mean_about_as_often_as_it_says() -> None:
    """100 samples of 60 fair coins: the 95 % interval misses the truth in a few of them, not in most."""
    random = np.random.default_rng(7)
    samples = [figure(random.integers(0, 2, 60).astype(float)) for _ in range(100)]
    assert 88 <= sum(found is not None and found.low <= 0.5 <= found.high for found in samples) <= 99


def test_more_questions_make_the_interval_narrower() -> None:
    few, many = figure([0, 1] * 10), figure([0, 1] * 100)
    assert few is not None
    assert many is not None
    assert many.high - many.low < (few.high - few.low) / 2


def test_an_interval_is_the_same_at_every_call() -> None:
    assert figure([0, 1, 1, 0.5]) == figure([0, 1, 1, 0.5])


def test_what_every_question_has_is_not_certain() -> None:
    """Ten of ten may be nine of ten next time."""
    found = figure([1.0] * 10)
    assert found is not None
    assert found.low == pytest.approx(0.722, abs=1e-3)
    assert found.high == pytest.approx(1)


def test_nothing_has_no_figure() -> None:
    assert figure([]) is None


def test_a_difference_tells_who_won_lost_and_stayed() -> None:
    found = difference({"a": 1.0, "b": 0.0, "c": 0.5, "new": 1.0}, {"a": 0.0, "b": 1.0, "c": 0.5, "old": 0.0})
    assert found is not None
    assert (found.won, found.lost, found.tied) == (("a",), ("b",), ("c",))
    assert (found.only_new, found.only_old) == (("new",), ("old",))
    assert found.mean == 0


def test_chance_is_not_taken_for_a_loss() -> None:
    """Two of a hundred lost may be chance; twenty are not."""
    old = {str(n): 1.0 for n in range(100)}
    few = difference({**old, "1": 0.0, "2": 0.0}, old)
    many = difference({**old, **{str(n): 0.0 for n in range(20)}}, old)
    assert few is not None
    assert many is not None
    assert not few.is_worse
    assert many.is_worse


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1), min_size=1, max_size=20))
def test_a_run_against_itself_is_all_ties(values: dict[str, float]) -> None:
    found = difference(values, values)
    assert found is not None
    assert (found.mean, found.low, found.high) == (0, 0, 0)
    assert len(found.tied) == len(values)


def test_rounding_is_no_difference() -> None:
    """A baseline keeps six digits."""
    values = {str(n): 1 / (n + 3) for n in range(50)}
    found = difference(values, {case: round(value, 6) for case, value in values.items()})
    assert found is not None
    assert not found.won
    assert not found.lost
    assert (found.low, found.high) == (0, 0)


def test_a_handful_of_questions_decides_nothing() -> None:
    old = {str(n): 1.0 for n in range(9)}
    found = difference(dict.fromkeys(old, 0.0), old)
    assert found is not None
    assert found.mean == -1
    assert not found.is_worse


def test_runs_without_a_common_question_are_not_compared() -> None:
    assert difference({"a": 1.0}, {"b": 1.0}) is None


def test_percentiles() -> None:
    assert percentile([1, 2, 3], 0.5) == 2
    assert percentile([], 0.5) is None


def trial(confidence: float, *, right: bool, answerable: bool = True) -> Trial:
    return Trial(confidence, right, answerable)


TRIALS = [
    trial(0.9, right=True),
    trial(0.8, right=True),
    trial(0.5, right=False, answerable=False),
    trial(0.4, right=True),
    trial(0.2, right=False, answerable=False),
]


def test_a_curve_begins_with_everything_and_ends_with_nothing_answered() -> None:
    points = risk_coverage(TRIALS)
    assert (points[0].coverage, points[0].risk) == (1.0, pytest.approx(0.4))
    assert (points[-1].coverage, points[-1].risk) == (0.0, 0.0)


def test_a_refusal_of_the_model_stands_at_every_threshold() -> None:
    points = risk_coverage([*TRIALS, trial(-math.inf, right=False), trial(-math.inf, right=True, answerable=False)])
    assert points[0].coverage == pytest.approx(5 / 7)
    assert points[0].declined_answerable == pytest.approx(1 / 4)
    assert points[0].declined_unanswerable == pytest.approx(1 / 3)


def test_declining_everything_is_never_suggested() -> None:
    only = [trial(0.5, right=False, answerable=False), trial(0.6, right=True)]
    point = suggested(risk_coverage(only), allowed=1)
    assert point is not None
    assert point.threshold == 0.6


def test_the_threshold_declines_most_at_the_allowed_price() -> None:
    free, dear = suggested(risk_coverage(TRIALS), allowed=0), suggested(risk_coverage(TRIALS), allowed=0.34)
    assert free is not None
    assert dear is not None
    assert (free.threshold, free.declined_unanswerable) == (0.4, 0.5)
    assert (dear.threshold, dear.declined_unanswerable) == (0.8, 1.0)


@given(st.lists(st.builds(Trial, st.floats(0, 1), st.booleans(), st.booleans()), min_size=1, max_size=30))
def test_coverage_falls_and_refusals_grow_with_the_threshold(trials: list[Trial]) -> None:
    points = risk_coverage(trials)
    for lower, higher in itertools.pairwise(points):
        assert lower.threshold < higher.threshold
        assert lower.coverage > higher.coverage
        assert lower.declined_unanswerable <= higher.declined_unanswerable
        assert lower.declined_answerable <= higher.declined_answerable
