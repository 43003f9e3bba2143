"""Judges are LlamaIndex's evaluators; what cannot be had counts for nothing, and agreement stands beside the score."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.errors import InvalidInput, ModelUnavailable
from agent.settings import Settings
from evals import judge
from evals.cases import Case, Gold
from evals.judge import judge_all, load_labels, parse_score, subjects
from evals.observations import Asked
from evals.observe import Observer
from evals.report.tables import tables
from evals.runs import Run
from evals.statistics import figure
from tests.evals.test_runs import IDENTITY
from tests.evals.test_scorers import answer
from tests.fakes import REPLY
from tests.support import ScriptedLLM

ALL, NONE = figure([1.0]), figure([0.0])
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
        judge_all(Observer(run, quiet), [CASE], llm)
    cells = table(run)
    assert cells["faithfulness"] == (ALL, ALL)
    assert cells["relevancy"] == (NONE, ALL)
    assert cells["correctness"] == (NONE, NONE)


def test_a_judge_that_fails_counts_for_nothing_and_is_asked_again(run: Run) -> None:
    llm = ScriptedLLM.saying("YES", "YES", "5\nGood.", RuntimeError("it died"), "YES", "no number")
    with run:
        judge_all(Observer(run, quiet), [CASE], llm)
    cells = table(run)
    assert cells["faithfulness"][0] == "1 could not be had"
    assert cells["correctness"][0] == "1 could not be had"
    keys = {measure: subjects(run, [CASE])[1].key("scripted", measure) for measure in cells}
    reasons = {measure: verdict.reason for measure, key in keys.items() if (verdict := run.judged(key))}
    assert reasons["faithfulness"] == "RuntimeError: it died"
    assert "no number" in reasons["correctness"]
    with run:
        judge_all(Observer(run, quiet), [CASE], ScriptedLLM.saying("YES", "4"))
    assert table(run)["correctness"][0] == ALL


def test_a_dead_judge_is_given_up_and_told(run: Run) -> None:
    llm = ScriptedLLM.saying(*[RuntimeError("it died")] * 6)
    with run, pytest.raises(ModelUnavailable, match=r"3 verdicts in a row.*it died"):
        judge_all(Observer(run, quiet), [CASE], llm)


def test_another_answer_is_judged_anew(run: Run) -> None:
    with run:
        judge_all(Observer(run, quiet), [CASE], ScriptedLLM.saying("YES", "YES", "5", "YES", "YES", "5"))
        run.append(Asked(case="a", question="q?", answer=answer("Use `cube`."), passages=REPLY.passages))
        assert table(run)["faithfulness"][0] is None
        judge_all(Observer(run, quiet), [CASE], ScriptedLLM.saying("NO", "NO", "1"))
    assert table(run)["faithfulness"] == (NONE, ALL)


def test_without_a_reference_correctness_is_not_judged(run: Run) -> None:
    case = Case(id="a", question="q?", source="s", kind="howto", gold=(Gold("x.py"),))
    with run:
        judge_all(Observer(run, quiet), [case], ScriptedLLM.saying("YES", "YES", "5", "YES", "YES"))
    subject = subjects(run, [case])[1]
    judged = {measure for measure in judge.MEASURES if run.judged(subject.key("scripted", measure))}
    assert judged == {"faithfulness", "relevancy"}


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("4.5\nGood", 4.5),
        ("Score: 3", 3.0),
        ("I found 3 problems. Score: 5", 5.0),
        ("Score (1-5): 2", 2.0),
        ("On a scale of 1 to 5:\n**2**", 2.0),
        ("4/5", 4.0),
        ("1 of the 2 functions is wrong", None),
        ("great", None),
        ("", None),
    ],
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
