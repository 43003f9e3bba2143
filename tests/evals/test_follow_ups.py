"""The follow-ups are about real places, and whole questions are left alone."""

from __future__ import annotations

from agent.schema import SourceTree
from evals.cases import load_cases
from evals.follow_ups import ARMS, after_strangers, load_follow_ups, measured
from evals.places import Place


def test_every_place_exists(fury_tree: SourceTree) -> None:
    cases = load_follow_ups()
    assert len(cases) >= 24
    assert len({case.id for case in cases}) == len(cases)
    for case in cases:
        case.as_case(case.question, fury_tree)


def test_every_follow_up_is_made_whole() -> None:
    for case in load_follow_ups():
        assert case.whole() != case.question
        assert len({ask(case) for ask in ARMS.values()}) == len(ARMS)


def test_nearly_all_whole_questions_stay_as_they_are() -> None:
    """At most one in thirty takes words of a stranger."""
    cases = [case for case in load_cases() if case.answerable]
    asked = after_strangers(cases)
    changed = [case.id for case, whole in zip(cases, asked, strict=True) if case.question != whole.question]
    assert len(changed) * 30 <= len(cases)


def test_an_arm_is_scored_by_its_places() -> None:
    case = load_follow_ups()[0].as_case("cylinders?")
    right, wrong = Place(case.gold[0].path, (case.gold[0].symbol or "",), 1, 2), Place("x.py", (), 1, 2)
    found = measured("arm", [case], lambda _: [wrong, right])
    assert found.scores["hit@1"] == {case.id: 0.0}
    assert found.scores["MRR"] == {case.id: 0.5}
