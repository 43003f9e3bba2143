"""Weights are learned where they help, and scored on what they were not learned from."""

from __future__ import annotations

from evals.cases import Case, Gold
from evals.learned_weights import FIXED, FOLDS, LEARNED, Vector, cross_validated, fold_of, learned, lines, moved

CASES = [Case(f"q{number}", "?", "test", "howto" if number % 2 else "error", (Gold("a.py"),)) for number in range(100)]
WORDS = LEARNED.index("words")


def by_words(weights: Vector) -> dict[str, float]:
    """Errors want more of `words`, others less; no other weight matters."""
    more = weights[WORDS] > FIXED[WORDS]
    less = weights[WORDS] < FIXED[WORDS]
    return {case.id: float(more if case.kind == "error" else less) for case in CASES}


def test_only_the_weight_that_helps_is_moved() -> None:
    errors = {case.id for case in CASES if case.kind == "error"}
    best = learned(errors, by_words)
    assert best[WORDS] > FIXED[WORDS]
    assert [now for place, now in enumerate(best) if place != WORDS] == [
        fixed for place, fixed in enumerate(FIXED) if place != WORDS
    ]


def test_kinds_get_weights_of_their_own() -> None:
    _, by_kind = cross_validated(CASES, by_words)
    assert set(by_kind.scores) == {case.id for case in CASES}
    assert set(by_kind.scores.values()) == {1.0}


def test_a_case_is_scored_by_weights_that_have_not_seen_it() -> None:
    """Each fold wants a factor that the others do not: what is learned from them is wrong for it."""

    def contrary(weights: Vector) -> dict[str, float]:
        return {case.id: float(weights[fold_of(case.id)] > FIXED[fold_of(case.id)]) for case in CASES}

    together, _ = cross_validated(CASES, contrary)
    assert {fold_of(case.id) for case in CASES} == set(range(FOLDS))
    assert set(together.scores.values()) == {0.0}


def test_the_table_says_what_was_gained() -> None:
    ways = cross_validated(CASES, by_words)
    table = list(lines(by_words(FIXED), ways))
    assert table[1].startswith("| fixed (ships) | 0.000")
    assert table[3].startswith("| learned for each kind | 1.000")
    assert "| +1.000 (+1.000 to +1.000) |" in table[3]
    assert next(iter(moved(ways[0]))) == "dense 1, 1, 1, 1, 1"
