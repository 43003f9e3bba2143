"""The page of the ablation is what its command writes."""

from __future__ import annotations

from pathlib import Path

from evals.ablation import DROPPED, HEAD
from evals.systems import IDEAS, SHIPPED

PAGE = (Path(__file__).parents[2] / "docs" / "ablation.md").read_text(encoding="utf-8")


def test_the_page_has_a_row_for_every_idea_and_set() -> None:
    for idea in (*IDEAS, "tutorials", "vanished names"):
        assert PAGE.count(f"| {SHIPPED} without {idea} |") == 2, "run `python -m evals.ablation > docs/ablation.md`"


def test_the_page_says_what_the_command_says() -> None:
    assert PAGE.startswith(HEAD)
    assert PAGE.endswith(DROPPED)
