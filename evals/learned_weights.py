"""Would weights learned from questions rank better than the fixed ones? The last table of `docs/ablation.md`.

The weights of the rankings are learned on four fifths of the questions and scored on the fifth that was held out, five
times: one set of weights for all questions, and one for every kind of question, as if a question's kind were known.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from math import fsum

from msgspec import Struct

from agent.retrieval import WEIGHTS, Part
from evals.cases import Case
from evals.statistics import difference, figure

FOLDS = 5
FACTORS = (0.25, 0.5, 2.0, 4.0)
"""What a weight is tried to be multiplied by."""
ROUNDS = 2
"""How often all weights are gone through."""
LEARNED: tuple[Part, ...] = ("dense", "lexical", "words", "mentions", "members", "files", "messages", "usage")
FEWEST = 15
"""Questions of a kind from which weights of its own are learned; others keep those of all."""

Vector = tuple[float, ...]
"""The weights of `LEARNED`, in order."""
FIXED: Vector = tuple(WEIGHTS.get(part, 1.0) for part in LEARNED)
Scores = Mapping[str, float]
"""Case id -> reciprocal rank."""


class HeldOut(Struct, frozen=True):
    """Reciprocal ranks of questions that took no part in choosing the weights they were found with.

    Attributes:
        name: how the weights were chosen.
        chosen: the weights of each fold, and of each kind where these have their own.
    """

    name: str
    scores: Scores
    chosen: tuple[Vector, ...]


def cross_validated(cases: Sequence[Case], score: Callable[[Vector], Scores]) -> tuple[HeldOut, HeldOut]:
    """Learn weights on each four fifths of the cases; return what they do on the rest, in all and by kind.

    Args:
        cases: answerable ones.
        score: weights to the reciprocal rank of every case; may be slow, is asked once for each weights.
    """
    scored = cache(score)
    kinds = [kind for kind, count in Counter(case.kind for case in cases).items() if count >= FEWEST]
    together: dict[str, float] = {}
    by_kind: dict[str, float] = {}
    chosen: list[Vector] = []
    of_kinds: list[Vector] = []
    for fold in range(FOLDS):
        training = [case for case in cases if fold_of(case.id) != fold]
        best = learned({case.id for case in training}, scored)
        chosen.append(best)
        own = {kind: learned({case.id for case in training if case.kind == kind}, scored) for kind in kinds}
        of_kinds += own.values()
        for case in cases:
            if fold_of(case.id) == fold:
                together[case.id] = scored(best)[case.id]
                by_kind[case.id] = scored(own.get(case.kind, best))[case.id]
    return (
        HeldOut("learned for all questions", together, tuple(chosen)),
        HeldOut("learned for each kind", by_kind, tuple(of_kinds)),
    )


def fold_of(identifier: str) -> int:
    """Return the fold that a case is held out in, from 0: drawn by its id, always the same."""
    return hashlib.sha256(identifier.encode()).digest()[0] % FOLDS


def learned(among: Collection[str], scored: Callable[[Vector], Scores]) -> Vector:
    """Return the weights with the highest mean over some cases: one after the other is moved while that gains."""

    def mean(weights: Vector) -> float:
        scores = scored(weights)
        return fsum(scores[identifier] for identifier in among) / len(among)

    best = FIXED
    for _ in range(ROUNDS):
        for place in range(len(LEARNED)):
            tried = [best, *(_scaled(best, place, factor) for factor in FACTORS)]
            best = max(tried, key=mean)  # of equals the first: what does not help is not moved
    return best


def _scaled(weights: Vector, place: int, factor: float) -> Vector:
    return (*weights[:place], weights[place] * factor, *weights[place + 1 :])


def lines(fixed: Scores, learned_ways: Sequence[HeldOut]) -> Iterator[str]:
    """Yield the lines of a Markdown table: each way's mean, and its difference to the fixed weights."""
    yield "| weights | MRR, held out | difference to fixed |\n| :-- | --: | :-- |"
    found = figure(fixed.values())
    assert found is not None
    yield f"| fixed (ships) | {found.mean:.3f} ({found.low:.2f}–{found.high:.2f}) | |"
    for way in learned_ways:
        mean, apart = figure(way.scores.values()), difference(way.scores, fixed)
        assert mean is not None
        assert apart is not None
        yield (
            f"| {way.name} | {mean.mean:.3f} ({mean.low:.2f}–{mean.high:.2f}) "
            f"| {apart.mean:+.3f} ({apart.low:+.3f} to {apart.high:+.3f}) |"
        )


def moved(way: HeldOut) -> Iterator[str]:
    """Yield for each ranking what its fixed weight was multiplied by, fold by fold."""
    for place, part in enumerate(LEARNED):
        yield f"{part} {', '.join(f'{weights[place] / FIXED[place]:g}' for weights in way.chosen)}"
