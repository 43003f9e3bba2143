"""Case files are strict, and their places exist."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import InvalidInput
from agent.schema import SourceFile, SourceTree
from evals.cases import DEFAULT_CASES, Case, Gold, fingerprint, load_cases, select
from evals.definitions import definitions

CODE = """
class Actor:
    SIZE = 1

    @property
    def opacity(self):
        return 1

    @opacity.setter
    def opacity(self, value):
        pass


def sphere():
    pass
"""


def line(**changes: Any) -> str:
    fields = {"id": "a", "question": "q", "source": "s", "kind": "howto", "gold": [{"path": "x.py"}]}
    return json.dumps({**fields, **changes})


def case(identifier: str, kind: str = "howto") -> Case:
    return Case(id=identifier, question="q", source="s", kind=kind, gold=())


@pytest.fixture
def tree(tmp_path: Path) -> SourceTree:
    (tmp_path / "x.py").write_text(CODE)
    (tmp_path / "shader.wgsl").write_text("fn vs_main() {}\n")
    files = (
        SourceFile("x.py", "python", "package", None, 1, "0"),
        SourceFile("shader.wgsl", "wgsl", "package", None, 1, "0"),
    )
    return SourceTree("lib", "1", "v1", tmp_path, None, ("lib",), files, {})


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


@given(st.tuples(st.integers(1, 50), st.integers(0, 20)), st.tuples(st.integers(1, 50), st.integers(0, 20)))
def test_shared_lines_are_those_in_both_ranges(one: tuple[int, int], other: tuple[int, int]) -> None:
    (a, b), (c, d) = (one[0], sum(one)), (other[0], sum(other))
    assert set(Gold("x.py", lines=(a, b)).overlap("x.py", c, d)) == set(range(a, b + 1)) & set(range(c, d + 1))
    assert not Gold("x.py", lines=(a, b)).overlap("y.py", c, d)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no cases"),
        ("{", r"cases.jsonl:1"),
        (f'{line()}\n\n{{"id": "b"}}', r"cases.jsonl:3"),
        (line(extra=1), "extra"),
        (f"{line()}\n{line()}", "cases.jsonl:2: the id 'a'"),
        (line(question=""), r"cases.jsonl:1"),
        (line(gold=[]), r"unanswerable.*howto"),
        (line(kind="unanswerable"), "unanswerable"),
    ],
)
def test_a_broken_case_file_names_file_and_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=told):
        load_cases(path)


@pytest.mark.parametrize("separator", ["\u2028", "\x85"])
def test_a_line_is_what_ends_with_a_newline(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(json.dumps(json.loads(line(question=f"one{separator}two")), ensure_ascii=False))
    assert len(load_cases(path)[0].question) == 7


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match=r"cases\.jsonl"):
        load_cases(path)


@pytest.mark.parametrize(
    ("gold", "told"),
    [
        ({"path": "gone.py"}, "no file 'gone.py'"),
        ({"path": "x.py", "symbol": "cube"}, "defines no 'cube'"),
        ({"path": "x.py", "symbol": "Actor.sphere"}, r"defines no 'Actor\.sphere'"),
        ({"path": "x.py", "lines": [1, 999]}, "no lines 1-999"),
        ({"path": "shader.wgsl", "symbol": "fs_main"}, "defines no 'fs_main'"),
    ],
)
def test_a_gold_place_must_exist(tmp_path: Path, tree: SourceTree, gold: dict[str, Any], told: str) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(f"\n{line(gold=[gold])}\n")
    with pytest.raises(InvalidInput, match=rf"cases\.jsonl:2: .*{told}"):
        load_cases(path, tree)


@pytest.mark.parametrize("symbol", ["Actor", "Actor.SIZE", "Actor.opacity", "sphere"])
def test_functions_classes_and_what_is_assigned_are_symbols(tmp_path: Path, tree: SourceTree, symbol: str) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(line(gold=[{"path": "x.py", "symbol": symbol}, {"path": "shader.wgsl", "symbol": "vs_main"}]))
    assert len(load_cases(path, tree)) == 1


def test_a_property_reaches_from_getter_to_setter() -> None:
    assert definitions(CODE)["Actor.opacity"] == (5, 11)


def test_variables_of_functions_are_no_definitions() -> None:
    assert set(definitions("def f():\n    x = 1\n    def g(): pass\ny = 1")) == {"f", "f.g", "y"}


def test_what_does_not_parse_defines_nothing() -> None:
    assert definitions("def (") == {}


@given(st.lists(st.sampled_from(["howto", "error", "unanswerable"]), min_size=1, max_size=40), st.data())
def test_a_limit_takes_from_every_kind_in_proportion(kinds: list[str], data: st.DataObject) -> None:
    cases = [case(str(number), kind) for number, kind in enumerate(kinds)]
    limit = data.draw(st.integers(1, len(cases)))
    chosen = select(cases, limit=limit)
    assert len(chosen) == limit
    assert [entry for entry in cases if entry in chosen] == list(chosen)
    counts, taken = Counter(kinds), Counter(entry.kind for entry in chosen)
    for kind, count in counts.items():
        assert abs(taken[kind] - count * limit / len(cases)) <= len(counts)


@given(st.integers(1, 30))
def test_a_smaller_limit_is_part_of_a_larger_one(limit: int) -> None:
    cases = [case(str(number), "error" if number % 3 else "howto") for number in range(31)]
    assert set(select(cases, limit=limit)) <= set(select(cases, limit=limit + 1))


def test_kinds_and_ids_narrow_the_choice() -> None:
    cases = [case("a"), case("b", "error"), case("c", "error")]
    assert [entry.id for entry in select(cases, kinds=["error"], ids=["a", "b"])] == ["b"]


@pytest.mark.parametrize(
    ("chosen", "told"),
    [({"kinds": ["x"]}, r"kind 'x'.*howto"), ({"ids": ["x"]}, "id 'x'"), ({"limit": 0}, "limit is 0")],
)
def test_a_choice_of_nothing_says_what_there_is(chosen: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        select([case("a")], **chosen)


def test_another_wording_or_place_has_another_fingerprint() -> None:
    one = Case(id="a", question="q", source="s", kind="howto", gold=(Gold("x.py"),))
    replace = msgspec.structs.replace
    assert fingerprint(replace(one, note="n", kind="error")) == fingerprint(one)
    assert fingerprint(replace(one, question="r")) != fingerprint(one)
    assert fingerprint(replace(one, gold=(Gold("y.py"),))) != fingerprint(one)


def test_the_shipped_cases_are_enough_and_their_places_exist(fury_tree: SourceTree) -> None:
    cases = load_cases(DEFAULT_CASES, fury_tree)
    own = [entry for entry in cases if entry.id.startswith(("own-", "un-1"))]
    assert sum(entry.answerable for entry in cases) - 73 >= 40
    assert sum(not entry.answerable for entry in own) >= 20
