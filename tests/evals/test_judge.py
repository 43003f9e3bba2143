"""Judges are LlamaIndex's evaluators; what cannot be had counts for nothing, and agreement stands beside the score."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.errors import InvalidInput
from agent.settings import Settings
from evals import judge
from evals.cases import Case, Gold
from evals.judge import judge_all, load_labels, parse_score
from evals.report.tables import tables
from evals.runs import Asked, Run
from evals.statistics import Figure
from tests.evals.test_runs import IDENTITY
from tests.evals.test_scorers import answer
from tests.fakes import REPLY
from tests.support import ScriptedLLM

CASE = Case(id="a", question="q?", source="s", kind="howto", gold=(Gold("x.py"),), ground_truth="Use sphere.")
LABEL = {
    "id": "label-1",
    "question": "q?",
    "answer": "Use sphere.",
    "passages": ["def sphere(): ..."],
    "reference": "Use sphere.",
    "faithful": True,
    "relevant": True,
    "correct": False,
}


def quiet(_stage: str, _done: int, _total: int | None) -> None:
    pass


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    labels = tmp_path / "labels.jsonl"
    labels.write_text(json.dumps(LABEL))
    monkeypatch.setattr(judge, "LABELS", labels)
    run = Run.start(tmp_path / "runs", IDENTITY)
    with run:
        run.append(Asked(case="a", question="q?", answer=answer("Use `sphere`."), passages=REPLY.passages))
    return run


def table(run: Run) -> dict[str, tuple[object, ...]]:
    found = next(entry for entry in tables(run, [CASE], {}) if entry.suite == "judge")
    return {row.name.split()[0]: row.cells for row in found.rows}


def test_verdicts_and_agreement_with_people(run: Run) -> None:
    """The label comes first, then the answer: three measures each."""
    llm = ScriptedLLM.saying("YES", "YES", "5\nGood.", "YES", "NO", "2\nWrong.")
    with run:
        judge_all(run, [CASE], llm, quiet)
    cells = table(run)
    assert cells["faithfulness"] == (Figure(1, 1, 1, 1), Figure(1, 1, 1, 1))
    assert cells["relevancy"] == (Figure(0, 0, 0, 1), Figure(1, 1, 1, 1))
    assert cells["correctness"] == (Figure(0, 0, 0, 1), Figure(0, 0, 0, 1))


def test_a_judge_that_fails_counts_for_nothing_and_is_asked_again(run: Run) -> None:
    llm = ScriptedLLM.saying("YES", "YES", "5\nGood.", RuntimeError("it died"), "YES", "no number")
    with run:
        judge_all(run, [CASE], llm, quiet)
    cells = table(run)
    assert cells["faithfulness"][0] is None
    assert cells["correctness"][0] is None
    reasons = {entry.measure: entry.reason for entry in run.judged() if entry.passing is None}
    assert reasons["faithfulness"] == "RuntimeError: it died"
    assert "no number" in reasons["correctness"]
    with run:
        judge_all(run, [CASE], ScriptedLLM.saying("YES", "4"), quiet)
    assert table(run)["correctness"][0] == Figure(1, 1, 1, 1)


def test_without_a_reference_correctness_is_not_judged(run: Run) -> None:
    case = Case(id="a", question="q?", source="s", kind="howto", gold=(Gold("x.py"),))
    with run:
        judge_all(run, [case], ScriptedLLM.saying("YES", "YES", "5", "YES", "YES"), quiet)
    assert {entry.measure for entry in run.judged() if entry.subject == "a"} == {"faithfulness", "relevancy"}


@pytest.mark.parametrize(
    ("text", "score"), [("4.5\nGood", 4.5), ("Score: 3", 3.0), ("I give it 5 of 5", 5.0), ("great", None), ("", None)]
)
def test_a_score_is_found_wherever_a_small_model_puts_it(text: str, score: float | None) -> None:
    assert parse_score(text)[0] == score


def test_the_shipped_labels_are_balanced() -> None:
    labels = load_labels()
    assert len(labels) >= 20
    for measure in ("faithful", "relevant", "correct"):
        share = sum(getattr(label, measure) for label in labels) / len(labels)
        assert 0.3 <= share <= 0.7, measure


def test_a_broken_label_is_named(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text(json.dumps({**LABEL, "extra": 1}))
    with pytest.raises(InvalidInput, match=r"labels\.jsonl:1.*extra"):
        load_labels(path)


def test_a_judge_has_settings_of_its_own() -> None:
    settings = Settings(judge_llm="openai-like", judge_llm_url="http://127.0.0.1:1/v1", judge_llm_model="big")
    judging = settings.for_judge()
    assert (judging.llm, judging.llm_model) == ("openai-like", "big")
    assert settings.llm_model != "big"
    assert Settings().for_judge() == Settings()
