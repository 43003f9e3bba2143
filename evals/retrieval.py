"""Is the right place among the first ones? hit@k, MRR and nDCG, by the reference implementation of IR measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ir_measures
from ir_measures import RR, Success, nDCG

from evals.cases import Case, Gold
from evals.places import DEPTH, Place

CUTOFFS = (1, 3, 5, 10)
MEASURES = {**{f"hit@{k}": Success @ k for k in CUTOFFS}, "MRR": RR, "nDCG@10": nDCG @ 10}
_MISSED = "a gold place that was not found"

Scores = Mapping[str, Mapping[str, float]]
"""Measure -> case id -> value in [0, 1]."""


def score(cases: Sequence[Case], found: Mapping[str, Sequence[Place]]) -> Scores:
    """Score what was found for each case that has gold places; a case without an entry in `found` is left out."""
    qrels: list[ir_measures.Qrel] = []
    run: list[ir_measures.ScoredDoc] = []
    for case in cases:
        if not case.gold or case.id not in found:
            continue
        qrels += [ir_measures.Qrel(case.id, f"gold-{number}", 1) for number in range(len(case.gold))]
        # A document that is never relevant keeps a question in which nothing was found in the mean.
        run.append(ir_measures.ScoredDoc(case.id, _MISSED, float(-DEPTH - 1)))
        for rank, document in enumerate(documents(case, found[case.id])):
            run.append(ir_measures.ScoredDoc(case.id, document, float(-rank)))
    values: dict[str, dict[str, float]] = {name: {} for name in MEASURES}
    if not run:
        return values
    names = {measure: name for name, measure in MEASURES.items()}
    for metric in ir_measures.iter_calc(list(MEASURES.values()), qrels, run):
        values[names[metric.measure]][metric.query_id] = metric.value
    return values


def documents(case: Case, places: Sequence[Place]) -> list[str]:
    """Return the ranking as documents: `gold-N` where a place is the first to hit the N-th gold place.

    A gold place is found once: a second place that hits it again is worth nothing, but takes its rank.
    """
    open_golds = dict(enumerate(case.gold))
    ranking: list[str] = []
    for rank, place in enumerate(places[:DEPTH]):
        number = next((n for n, gold in open_golds.items() if hits(place, [gold])), None)
        if number is not None:
            del open_golds[number]
        ranking.append(f"place-{rank}" if number is None else f"gold-{number}")
    return ranking


def hits(place: Place, golds: Sequence[Gold]) -> bool:
    """Whether a place is one of these: any of the definitions that it touches counts."""
    return any(gold.is_hit_by(place.path, symbol) for gold in golds for symbol in (place.symbols or (None,)))


def first_hit(case: Case, places: Sequence[Place]) -> int | None:
    """Return the rank, from 1, of the first place that hits a gold place."""
    return next((rank for rank, place in enumerate(places[:DEPTH], start=1) if hits(place, case.gold)), None)
