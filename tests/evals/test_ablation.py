"""The page of the ablation is what its command writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.service import Service
from evals.ablation import DROPPED, HEAD
from evals.baseline import BASELINE, read_baseline
from evals.statistics import figure
from evals.systems import IDEAS, SHIPPED, ablations, place

PAGE = (Path(__file__).parents[2] / "docs" / "ablation.md").read_text(encoding="utf-8")


def test_the_page_has_a_row_for_every_idea_and_set() -> None:
    for idea in (*IDEAS, "tutorials", "vanished names"):
        # In each set a row of figures, and one of differences.
        assert PAGE.count(f"| {SHIPPED} without {idea} |") == 4, "run `python -m evals.ablation > docs/ablation.md`"


@pytest.mark.parametrize(("name", "begins"), [("Development questions", "v2-"), ("Our own", "own-")])
def test_what_ships_has_the_figures_of_the_baseline(name: str, begins: str) -> None:
    table = PAGE.partition(f"### {name}, ")[2]
    row = next(line for line in table.splitlines() if line.startswith(f"| **{SHIPPED}**"))
    shown = [float(cell.strip(" *").split(" ")[0]) for cell in row.split("|")[2:7]]
    scores = read_baseline(BASELINE).scores
    measured = [
        figure(score for case, score in scores[measure].items() if case.startswith(begins))
        for measure in ("hit@1", "hit@3", "hit@5", "hit@10", "MRR")
    ]
    assert shown == [pytest.approx(found.mean, abs=0.0006) for found in measured if found is not None]


@pytest.mark.weights
def test_a_row_is_what_ships_less_one_idea(fury_service: Service) -> None:
    """On a name that went, only the row without vanished names does without what took its place."""
    question = "How do I use actor.odf_slicer?"
    engine = fury_service.engine(None, None)
    first = {system.name: system.search(question)[0] for system in ablations(engine)}
    shipped = place(engine.find(question)[0])
    assert first[f"{SHIPPED} without frames"] == first[f"{SHIPPED} without files"] == shipped
    assert first[f"{SHIPPED} without vanished names"] != shipped


def test_the_page_says_what_the_command_says() -> None:
    assert PAGE.startswith(HEAD)
    assert PAGE.endswith(DROPPED)
