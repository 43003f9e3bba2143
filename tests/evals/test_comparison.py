"""Two runs question by question, and the gate."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from agent.errors import InvalidInput
from evals.comparison import Baseline, against, compare_runs, compared, lost, read_baseline, write_baseline
from evals.runs import Run
from evals.scoring import Scores
from tests.evals.test_runs import IDENTITY

QUESTIONS = [str(number) for number in range(100)]


def scores(hit: float, *, wrong: int = 0) -> dict[str, Scores]:
    values = dict.fromkeys(QUESTIONS, hit)
    return {"retrieval": Scores({"hit@1": {**values, **dict.fromkeys(QUESTIONS[:wrong], 0.0)}})}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.start(tmp_path, IDENTITY)


def baseline(values: dict[str, Scores]) -> Baseline:
    return Baseline(IDENTITY, "2026-01-01", {suite: kept.values for suite, kept in values.items()})


def test_a_real_loss_turns_the_gate_red_and_names_the_questions(run: Run) -> None:
    found = lost(against(baseline(scores(1)), run, scores(1, wrong=12)))
    assert [entry.measure for entry in found] == ["hit@1"]
    assert found[0].difference.lost == tuple(QUESTIONS[:12])


def test_the_same_figures_and_better_ones_pass(run: Run) -> None:
    assert not lost(against(baseline(scores(1)), run, scores(1)))
    assert not lost(against(baseline(scores(1, wrong=12)), run, scores(1)))


def test_a_loss_within_chance_passes(run: Run) -> None:
    assert not lost(against(baseline(scores(1)), run, scores(1, wrong=2)))


def test_slower_is_worse_though_the_figure_is_higher() -> None:
    new = {"speed": Scores({"total ms": dict.fromkeys(QUESTIONS, 2.0)})}
    old = {"speed": Scores({"total ms": dict.fromkeys(QUESTIONS, 1.0)})}
    assert [entry.verdict for entry in compared(new, old)] == ["worse"]


def test_speed_is_never_held_against_a_change(run: Run) -> None:
    """Machines are noisy: a gate is for what gives the same figures everywhere."""
    speed = {"speed": Scores({"total ms": dict.fromkeys(QUESTIONS, 9.0)})}
    assert not lost(against(baseline(scores(1)), run, {**scores(1), **speed}))


def test_a_baseline_is_read_back_as_written(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    write_baseline(path, run, scores(1 / 3))
    comparison = against(read_baseline(path), run, scores(round(1 / 3, 6)))
    assert set(comparison.measures[0].difference.tied) == set(QUESTIONS)


def test_a_missing_or_damaged_baseline_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="python -m evals baseline"):
        read_baseline(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(InvalidInput, match="python -m evals baseline"):
        read_baseline(tmp_path / "bad.json")


def test_a_baseline_of_other_questions_is_refused(run: Run) -> None:
    other = Baseline(IDENTITY, "2026-01-01", {"retrieval": {"hit@1": {"x": 1.0}}})
    with pytest.raises(InvalidInput, match="no question in common"):
        against(other, run, scores(1))


def test_what_else_differs_is_said(run: Run) -> None:
    other = msgspec.structs.replace(baseline(scores(1)), identity=msgspec.structs.replace(IDENTITY, index="other"))
    assert "another index: other then, 123456789abc now" in against(other, run, scores(1)).notes


def test_new_questions_are_counted_and_left_out(run: Run) -> None:
    more = {"retrieval": Scores({"hit@1": {**dict.fromkeys(QUESTIONS, 1.0), "new": 0.0}})}
    comparison = against(baseline(scores(1)), run, more)
    assert comparison.measures[0].difference.only_new == ("new",)
    assert any("1 questions are not in the baseline" in note for note in comparison.notes)


def test_runs_of_different_libraries_are_not_compared(run: Run, tmp_path: Path) -> None:
    other = Run.start(tmp_path, msgspec.structs.replace(IDENTITY, library="requests"))
    with pytest.raises(InvalidInput, match="requests"):
        compare_runs(run, scores(1), other, scores(1))
