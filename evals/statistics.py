"""Means with intervals, paired differences and percentiles: nothing is compared without saying how sure it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

RESAMPLES = 4_000
CONFIDENCE = 0.95
SEED = 20_240_601
FEWEST = 10
"""Questions below which no difference is called one: a bootstrap of a handful is sure of anything."""
TOLERANCE = 2e-6
"""Values that differ by less are the same: a baseline keeps six digits."""


class Figure(Struct, frozen=True):
    """A mean over questions with its bootstrap interval.

    Attributes:
        low, high: 95 % interval: bootstrap percentiles (Efron and Tibshirani 1993). Where every question has the same
            share of 0 or 1, which a bootstrap cannot see beyond, Wilson's score interval (1927).
        count: questions that were scored.
        failed: questions whose scorer failed; they are in neither mean nor count.
    """

    mean: float
    low: float
    high: float
    count: int
    failed: int = 0


class Difference(Struct, frozen=True):
    """One measure of two runs on the same questions: new minus old.

    Attributes:
        low, high: 95 % percentile interval of the mean difference, questions resampled in pairs.
        won, lost, tied: ids of the questions with a higher, a lower, or the same value.
        only_new, only_old: ids that only one side has; they are left out.
    """

    mean: float
    low: float
    high: float
    won: tuple[str, ...]
    lost: tuple[str, ...]
    tied: tuple[str, ...]
    only_new: tuple[str, ...] = ()
    only_old: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many questions both sides have."""
        return len(self.won) + len(self.lost) + len(self.tied)

    @property
    def is_worse(self) -> bool:
        """Whether the whole interval lies below zero: a loss that chance alone does not explain."""
        return self.high < 0 and self.count >= FEWEST

    @property
    def is_better(self) -> bool:
        """Whether the whole interval lies above zero."""
        return self.low > 0 and self.count >= FEWEST


def figure(values: Iterable[float], failed: int = 0) -> Figure | None:
    """Return the mean and its interval, or None where there is nothing to average."""
    array = np.fromiter(values, float)
    if array.size == 0:
        return None
    low, high = _wilson(array) if set(array) in ({0.0}, {1.0}) else interval(array)
    return Figure(float(array.mean()), low, high, array.size, failed)


def proportion(outcomes: Iterable[float], failed: int = 0) -> Figure | None:
    """Return the share of outcomes that are 1, not 0, with Wilson's interval; None where there are none."""
    array = np.fromiter(outcomes, float)
    return Figure(float(array.mean()), *_wilson(array), array.size, failed) if array.size else None


def _wilson(outcomes: NDArray[np.float64]) -> tuple[float, float]:
    from scipy.stats import binomtest

    found = binomtest(int(outcomes.sum()), outcomes.size).proportion_ci(CONFIDENCE, method="wilson")
    return float(found.low), float(found.high)


def difference(new: Mapping[str, float], old: Mapping[str, float]) -> Difference | None:
    """Compare two runs question by question; None where they share no question."""
    shared = [case for case in new if case in old]
    if not shared:
        return None
    deltas = np.array([new[case] - old[case] for case in shared])
    deltas[np.abs(deltas) <= TOLERANCE] = 0
    low, high = interval(deltas)
    return Difference(
        mean=float(deltas.mean()),
        low=low,
        high=high,
        won=_ids(shared, deltas > 0),
        lost=_ids(shared, deltas < 0),
        tied=_ids(shared, deltas == 0),
        only_new=tuple(case for case in new if case not in old),
        only_old=tuple(case for case in old if case not in new),
    )


def _ids(cases: Sequence[str], chosen: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(case for case, taken in zip(cases, chosen, strict=True) if taken)


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the mean of `values`, shape (questions,); the same at every call."""
    if values.size == 1 or float(np.ptp(values)) == 0.0:
        return float(values[0]), float(values[0])  # scipy warns of a degenerate distribution
    from scipy.stats import bootstrap

    found = bootstrap(
        (values,),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return float(found.low), float(found.high)


def percentile(values: Iterable[float], share: float) -> float | None:
    """Return the value below which `share` (0 to 1) of the values lie, linearly interpolated."""
    array = np.fromiter(values, float)
    return float(np.quantile(array, share)) if array.size else None


class Operating(Struct, frozen=True):
    """What happens when everything below a confidence is declined.

    Attributes:
        coverage: share of all questions that are answered.
        risk: share of the answered ones that are wrong; 0 where none is answered.
        declined_unanswerable: share of the unanswerable questions that are declined.
        declined_answerable: share of the answerable questions that are declined: false declines.
    """

    threshold: float
    coverage: float
    risk: float
    declined_unanswerable: float
    declined_answerable: float


class Trial(Struct, frozen=True):
    """One question of a risk-coverage curve."""

    confidence: float
    right: bool
    answerable: bool


def risk_coverage(trials: Sequence[Trial]) -> tuple[Operating, ...]:
    """Return the operating points at every confidence seen, lowest threshold first.

    A trial whose confidence is minus infinity was declined whatever the threshold.
    """
    confidence = np.array([trial.confidence for trial in trials])
    right = np.array([trial.right for trial in trials], bool)
    answerable = np.array([trial.answerable for trial in trials], bool)
    points: list[Operating] = []
    for threshold in [*np.unique(confidence[np.isfinite(confidence)]), np.inf]:
        answered = confidence >= threshold
        points.append(
            Operating(
                threshold=float(threshold),
                coverage=float(answered.mean()),
                risk=float((~right[answered]).mean()) if answered.any() else 0.0,
                declined_unanswerable=_share(~answered, ~answerable),
                declined_answerable=_share(~answered, answerable),
            )
        )
    return tuple(points)


def _share(chosen: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
    return float(chosen[among].mean()) if among.any() else 0.0


def suggested(points: Sequence[Operating], allowed: float = 0.1) -> Operating | None:
    """Return the point that declines most unanswerable questions at no more than `allowed` false declines.

    Declining everything is no suggestion, nor is declining none of them.
    """
    fitting = [
        point
        for point in points
        if point.declined_answerable <= allowed and point.declined_unanswerable > 0 and np.isfinite(point.threshold)
    ]
    return max(fitting, key=lambda point: (point.declined_unanswerable, -point.declined_answerable), default=None)
