"""Two runs question by question, and the gate."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from agent.errors import InvalidInput
from evals.baseline import Baseline, against, lost, read_baseline, write_baseline
from evals.cases import Case, Gold, fingerprint
from evals.comparison import check_comparable, compared
from evals.runs import Run
from evals.scoring import Scores
from tests.evals.test_runs import IDENTITY

QUESTIONS = [str(number) for number in range(100)]
CASES = [Case(id=name, question="q?", source="s", kind="howto", gold=(Gold("x.py"),)) for name in QUESTIONS]


def scores(hit: float, *, wrong: int = 0) -> dict[str, Scores]:
    values = dict.fromkeys(QUESTIONS, hit)
    values |= dict.fromkeys(QUESTIONS[:wrong], 0.0)
    return {"retrieval": Scores({"hit@1": values, "MRR": values})}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.start(tmp_path, IDENTITY)


def baseline(values: dict[str, Scores]) -> Baseline:
    fingerprints = {case.id: fingerprint(case) for case in CASES}
    return Baseline(IDENTITY, "2026-01-01", fingerprints, values["retrieval"].values)


def test_a_real_loss_turns_the_gate_red_and_names_the_questions(run: Run) -> None:
    found = lost(against(baseline(scores(1)), run, CASES, scores(1, wrong=12)))
    assert [entry.measure for entry in found] == ["hit@1", "MRR"]
    assert found[0].difference.lost == tuple(QUESTIONS[:12])


def test_the_same_figures_and_better_ones_pass(run: Run) -> None:
    assert not lost(against(baseline(scores(1)), run, CASES, scores(1)))
    assert not lost(against(baseline(scores(1, wrong=12)), run, CASES, scores(1)))


def test_a_loss_within_chance_passes(run: Run) -> None:
    assert not lost(against(baseline(scores(1)), run, CASES, scores(1, wrong=2)))


def test_slower_is_worse_though_the_figure_is_higher() -> None:
    new = {"speed": Scores({"total ms": dict.fromkeys(QUESTIONS, 2.0)})}
    old = {"speed": Scores({"total ms": dict.fromkeys(QUESTIONS, 1.0)})}
    assert [entry.verdict for entry in compared(new, old)] == ["worse"]


def test_speed_is_never_held_against_a_change(run: Run) -> None:
    """Machines are noisy: a gate is for what gives the same figures everywhere."""
    speed = {"speed": Scores({"total ms": dict.fromkeys(QUESTIONS, 9.0)})}
    assert not lost(against(baseline(scores(1)), run, CASES, {**scores(1), **speed}))


def test_a_baseline_is_read_back_as_written(run: Run, tmp_path: Path) -> None:
    """Though it keeps six digits only."""
    path = tmp_path / "baseline.json"
    write_baseline(path, run, CASES, scores(1 / 3)["retrieval"])
    comparison = against(read_baseline(path), run, CASES, scores(1 / 3))
    assert {entry.verdict for entry in comparison.measures} == {"as good"}
    assert set(comparison.measures[0].difference.tied) == set(QUESTIONS)


def test_a_missing_or_damaged_baseline_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="python -m evals baseline"):
        read_baseline(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(InvalidInput, match="python -m evals baseline"):
        read_baseline(tmp_path / "bad.json")


def test_what_else_differs_is_said(run: Run) -> None:
    other = msgspec.structs.replace(baseline(scores(1)), identity=msgspec.structs.replace(IDENTITY, index="other"))
    assert "Not the same index: other then, 123456789abc now." in against(other, run, CASES, scores(1)).notes


def test_a_changed_question_is_not_compared_with_its_former_self(run: Run) -> None:
    changed = [msgspec.structs.replace(CASES[0], question="another?"), *CASES[1:]]
    comparison = against(baseline(scores(1)), run, changed, scores(1, wrong=1))
    assert comparison.measures[0].difference.lost == ()
    assert "1 questions are new, or have changed since." in comparison.notes


def test_what_was_not_measured_is_said(run: Run) -> None:
    few = {"retrieval": Scores({"MRR": dict.fromkeys(QUESTIONS[:4], 0.0)})}
    comparison = against(baseline(scores(1)), run, CASES[:4], few)
    assert "96 questions of the baseline were not measured now." in comparison.notes
    assert [entry.verdict for entry in comparison.measures] == ["too few"]


def test_runs_of_different_versions_are_not_compared() -> None:
    other = msgspec.structs.replace(IDENTITY, version="0.10.0")
    with pytest.raises(InvalidInput, match=r"fury 0\.10\.0, this run about fury 2\.0\.0"):
        check_comparable(IDENTITY, other, "The run 'x'")
