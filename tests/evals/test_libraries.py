"""The page of other libraries, and the questions about them."""

from __future__ import annotations

import msgspec

from evals.cases import DATA, load_cases
from evals.libraries import specs
from evals.libraries_page import PAGE, LibraryFigures, render


def test_the_page_is_that_of_its_figures() -> None:
    """`python -m evals libraries --page` writes it."""
    figures = msgspec.json.decode(PAGE.with_suffix(".json").read_bytes(), type=dict[str, LibraryFigures])
    assert sorted(figures) == specs()
    assert PAGE.read_text(encoding="utf-8") == render(tuple(figures.values()))


def test_every_library_has_generated_questions_and_some_by_hand() -> None:
    for spec in specs():
        cases = load_cases(DATA / spec.replace("==", "-"))
        by_hand = [case for case in cases if case.provenance == "own_asked"]
        assert (len(cases), len(by_hand)) == (138, 18), spec
