"""Is the right place among the first ones? hit@k and MRR, by the reference implementation of IR measures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import ir_measures
from ir_measures import RR, Success

from evals.cases import Case

CUTOFFS = (1, 3, 5, 10)
DEPTH = 20
MEASURES = {**{f"hit@{k}": Success @ k for k in CUTOFFS}, "MRR": RR}

Places = Sequence[tuple[str, str | None]]
"""(path, symbol) of the passages found, best first."""
Search = Callable[[str], Places]


def score(cases: Sequence[Case], search: Search) -> dict[str, dict[str, float]]:
    """Return measure -> case id -> value in [0, 1].

    Places are counted once each: a second chunk of the same symbol takes no rank.
    """
    qrels: list[ir_measures.Qrel] = []
    run: list[ir_measures.ScoredDoc] = []
    for case in cases:
        places = list(dict.fromkeys(search(case.question)))[:DEPTH]
        # A document that is never retrieved stands for the gold places that were missed.
        qrels.append(ir_measures.Qrel(case.id, "missed", 1))
        for rank, (path, symbol) in enumerate(places):
            hit = any(gold.is_hit_by(path, symbol) for gold in case.gold)
            qrels.append(ir_measures.Qrel(case.id, f"place-{rank}", int(hit)))
            run.append(ir_measures.ScoredDoc(case.id, f"place-{rank}", float(-rank)))
    values: dict[str, dict[str, float]] = {name: {} for name in MEASURES}
    names = {measure: name for name, measure in MEASURES.items()}
    for metric in ir_measures.iter_calc(list(MEASURES.values()), qrels, run):
        values[names[metric.measure]][metric.query_id] = metric.value
    return values


def means(values: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of each measure over its cases."""
    return {name: sum(by_case.values()) / len(by_case) for name, by_case in values.items()}
