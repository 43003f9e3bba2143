"""Questions are halved without looking, the fit finds what separates them, and the page shows what is in force."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from agent.answering.abstention import WEIGHTS, Signals
from agent.settings import Settings
from evals.calibration import Seen, by_sort, fit, fury_cases, halves, trials
from evals.calibration_page import PAGE, render, risk_curve
from evals.statistics import risk_coverage


def seen(count: int = 40) -> list[Seen]:
    """Questions whose nearness tells whether they can be answered, and nothing else does."""
    entries: list[Seen] = []
    for number in range(count):
        answerable = number % 2 == 0
        signals = Signals(
            nearness=0.6 if answerable else 0.1 + number / 1000,
            words=0.5,
            named=0.5,
            agreed=0.5,
            ingredients=0.5,
            described=0.0,
        )
        sort = "answerable" if answerable else "off_topic"
        entries.append(Seen(f"q{number}", sort, answerable, WEIGHTS.confidence(signals), signals))
    return entries


def test_halves_share_nothing_lose_nothing_and_have_every_sort() -> None:
    first, second = halves(seen())
    assert {entry.case for entry in (*first, *second)} == {entry.case for entry in seen()}
    assert not {entry.case for entry in first} & {entry.case for entry in second}
    assert {entry.sort for entry in first} == {entry.sort for entry in second}
    assert halves(seen()[::-1]) == (first, second)


def test_the_fit_separates_by_the_signal_that_does() -> None:
    weights = fit(seen())
    assert weights.nearness > 10 * abs(weights.words)
    for entry in seen():
        assert entry.signals is not None
        assert (weights.confidence(entry.signals) > 0.5) == entry.answerable


def test_there_are_enough_questions_of_both_sorts() -> None:
    cases = fury_cases()
    assert sum(case.answerable for case in cases) >= 140
    assert sum(not case.answerable for case in cases) >= 170


def test_the_page_shows_what_is_in_force() -> None:
    text = PAGE.read_text(encoding="utf-8")
    threshold = Settings().abstain
    assert f"({threshold})" in text
    assert f"{WEIGHTS.bias:.2f} {WEIGHTS.nearness:+.2f} nearness" in text
    page = render({"Held out": tuple(by_sort(seen(), threshold))}, WEIGHTS, threshold)
    assert page.partition("\n## ")[0] == text.partition("\n## ")[0]


def test_the_curve_is_an_image_file() -> None:
    root = ET.fromstring(risk_curve(risk_coverage(trials(seen())), 0.5))  # noqa: S314 - made here
    assert root.tag.endswith("svg")
