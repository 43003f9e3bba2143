"""The page of the ablation is what its command writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.service import Service
from evals.ablation import DROPPED, HEAD
from evals.systems import IDEAS, SHIPPED, ablations, place

PAGE = (Path(__file__).parents[2] / "docs" / "ablation.md").read_text(encoding="utf-8")


def test_the_page_has_a_row_for_every_idea_and_set() -> None:
    for idea in (*IDEAS, "tutorials", "vanished names"):
        # In each set a row of figures, and one of differences.
        assert PAGE.count(f"| {SHIPPED} without {idea} |") == 4, "run `python -m evals.ablation > docs/ablation.md`"


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
