"""The measuring stick itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.cases import Case, Gold
from evals.places import Place
from evals.retrieval import MEASURES, documents, first_hit, score


def case(identifier: str, *gold: Gold) -> Case:
    return Case(id=identifier, question=identifier, source="", kind="howto", gold=gold)


def place(path: str, *symbols: str) -> Place:
    return Place(path, symbols, 1, 2)


def mean(values: dict[str, float]) -> float:
    return sum(values.values()) / len(values)


def test_figures_by_hand() -> None:
    """First place, third place, and missed."""
    found = {
        "a": [place("x.py", "f")],
        "b": [place("n.py"), place("m.py"), place("x.py", "C.run")],
        "c": [place("n.py")],
    }
    cases = [case("a", Gold("x.py", "f")), case("b", Gold("x.py", "C")), case("c", Gold("x.py", "g"))]
    figures = {name: mean(dict(values)) for name, values in score(cases, found).items()}
    assert figures["hit@1"] == pytest.approx(1 / 3)
    assert figures["hit@3"] == pytest.approx(2 / 3)
    assert figures["MRR"] == pytest.approx((1 + 1 / 3 + 0) / 3)
    assert figures["nDCG@10"] == pytest.approx((1 + 1 / 2 + 0) / 3)


def test_one_of_two_gold_places_is_half_the_gain() -> None:
    two = case("a", Gold("x.py", "f"), Gold("y.py", "g"))
    values = score([two], {"a": [place("x.py", "f")]})
    assert values["hit@1"]["a"] == 1
    assert values["nDCG@10"]["a"] == pytest.approx(1 / (1 + 0.6309), abs=1e-3)


def test_a_gold_place_is_found_once() -> None:
    found = [place("x.py", "C.a"), place("x.py", "C.b")]
    assert documents(case("a", Gold("x.py", "C")), found) == ["gold-0", "place-1"]


def test_any_definition_that_a_peer_s_chunk_touches_counts() -> None:
    assert first_hit(case("a", Gold("x.py", "g")), [place("x.py", "f", "g")]) == 1


def test_nothing_found_is_a_miss_not_a_gap() -> None:
    assert score([case("a", Gold("x.py"))], {"a": []})["MRR"] == {"a": 0.0}


def test_what_was_not_searched_and_what_has_no_answer_is_left_out() -> None:
    cases = [case("a", Gold("x.py")), case("b", Gold("x.py")), case("c")]
    assert score(cases, {"a": [place("x.py")], "c": []})["MRR"] == {"a": 1.0}


@given(st.lists(st.sampled_from(["x.py", "y.py", "z.py"]), max_size=25))
def test_every_measure_is_a_share_and_hits_only_grow_with_k(paths: list[str]) -> None:
    values = score([case("a", Gold("x.py"))], {"a": [place(path, str(n)) for n, path in enumerate(paths)]})
    assert set(values) == set(MEASURES)
    assert all(0 <= values[name]["a"] <= 1 for name in MEASURES)
    assert values["hit@1"]["a"] <= values["hit@3"]["a"] <= values["hit@5"]["a"] <= values["hit@10"]["a"]
