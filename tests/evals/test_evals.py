"""The measuring stick itself, and the floor below which retrieval must not fall."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.errors import InvalidInput
from agent.schema import SourceTree
from agent.service import Service
from evals.__main__ import main, places
from evals.cases import DEFAULT_CASES, Case, Gold, load_cases
from evals.retrieval import means, score


def case(identifier: str, *gold: Gold) -> Case:
    return Case(id=identifier, question=identifier, source="", kind="howto", gold=gold)


def test_figures_by_hand() -> None:
    """First place, third place, and missed."""
    found = {
        "a": [("x.py", "f")],
        "b": [("n.py", None), ("m.py", None), ("x.py", "C.run")],
        "c": [("n.py", None)],
    }
    cases = [case("a", Gold("x.py", "f")), case("b", Gold("x.py", "C")), case("c", Gold("x.py", "g"))]
    figures = means(score(cases, lambda question: found[question]))
    assert figures["hit@1"] == pytest.approx(1 / 3)
    assert figures["hit@3"] == pytest.approx(2 / 3)
    assert figures["MRR"] == pytest.approx((1 + 1 / 3 + 0) / 3)


def test_a_place_counts_once() -> None:
    """A second chunk of the same symbol takes no rank."""
    found = [("n.py", "f"), ("n.py", "f"), ("x.py", "g")]
    figures = means(score([case("a", Gold("x.py", "g"))], lambda _: found))
    assert figures["MRR"] == pytest.approx(1 / 2)


def test_nothing_found_is_a_miss_not_a_gap() -> None:
    assert means(score([case("a", Gold("x.py"))], lambda _: []))["MRR"] == 0


@pytest.mark.parametrize(
    ("gold", "place", "hit"),
    [
        (Gold("a.py", "C"), ("a.py", "C.run"), True),
        (Gold("a.py", "C.run"), ("a.py", "C"), False),
        (Gold("a.py", "C"), ("a.py", "Card"), False),
        (Gold("a.py"), ("a.py", "anything"), True),
        (Gold("a.py"), ("b.py", None), False),
    ],
)
def test_what_hits_a_gold_place(gold: Gold, place: tuple[str, str | None], *, hit: bool) -> None:
    assert gold.is_hit_by(*place) is hit


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no cases"),
        ("{", "cases.jsonl:1"),
        ('\n{"id": "a"}', "cases.jsonl:2"),
        ('{"id":"a","question":"q","source":"s","kind":"k","gold":[],"extra":1}', "extra"),
    ],
)
def test_a_broken_case_file_names_the_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=told):
        load_cases(path)


def test_a_missing_case_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--cases", str(tmp_path / "none.jsonl")]) == 1
    assert "none.jsonl" in capsys.readouterr().err


def test_every_gold_place_is_in_the_sources(fury_tree: SourceTree) -> None:
    kept = {file.path for file in fury_tree.files}
    unanswerable = load_cases(DEFAULT_CASES.with_name("unanswerable.jsonl"))
    for entry in (*load_cases(), *unanswerable):
        assert {gold.path for gold in (*entry.gold, *entry.also_ok)} <= kept, entry.id


@pytest.mark.weights
def test_retrieval_on_the_development_questions(fury_service: Service) -> None:
    """What a plain sketch of functions, MiniLM, BM25 and fusion reaches; `make evals` prints where we are."""
    figures = means(score(load_cases(), places(fury_service.engine(None, None).retriever)))
    assert figures["hit@5"] >= 0.88
    assert figures["MRR"] >= 0.72
