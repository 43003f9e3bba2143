"""What a caller must change is told, and nothing that is the same to callers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.symbols import Parameter
from agent.symbols.parameters import parameter_changes


def p(name: str, default: str | None = None, kind: str = "positional_or_keyword") -> Parameter:
    return Parameter(name, kind, default)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ([p("a")], [p("a"), p("b", "1")], ["parameter added: b=1"]),
        ([p("a"), p("b", "1")], [p("a")], ["parameter removed: b=1"]),
        ([p("center")], [p("centers")], ["parameter renamed: center -> centers"]),
        ([p("size")], [p("scale")], ["parameter removed: size", "parameter added: scale"]),
        ([p("a", "1")], [p("a")], ["parameter made required: a=1 -> a"]),
        ([p("a")], [p("a", "1")], ["parameter made optional: a -> a=1"]),
        ([p("a", "1")], [p("a", "2")], ["parameter default: a=1 -> a=2"]),
        ([p("a")], [p("a", None, "keyword_only")], ["parameter kind: a positional or keyword -> keyword only"]),
        ([p("a"), p("b")], [p("b"), p("a")], ["parameter order: a, b -> b, a"]),
        ([p("a")], [p("a"), p("more", None, "var_keyword")], ["parameter added: **more"]),
    ],
)
def test_each_change_is_told_by_its_kind(old: list[Parameter], new: list[Parameter], told: list[str]) -> None:
    assert [str(change) for change in parameter_changes(old, new)] == told


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (p("a", "'x'"), p("a", '"x"')),
        (p("a", "(1,2)"), p("a", "(1, 2)")),
        (p("args", None, "var_positional"), p("values", None, "var_positional")),
        (Parameter("a", annotation="int"), Parameter("a", annotation="float")),
    ],
)
def test_another_spelling_is_no_change(old: Parameter, new: Parameter) -> None:
    assert parameter_changes([old], [new]) == ()


def test_a_parameter_moved_to_the_keywords_disturbs_no_order() -> None:
    old = [p("a"), p("b"), p("c")]
    new = [p("b"), p("c"), p("a", None, "keyword_only")]
    assert [change.what for change in parameter_changes(old, new)] == ["parameter kind"]


names = st.lists(st.sampled_from("abcdefgh"), unique=True)


@given(names)
def test_the_same_parameters_have_no_changes(given_names: list[str]) -> None:
    parameters = [p(name) for name in given_names]
    assert parameter_changes(parameters, parameters) == ()


@given(names, names)
def test_added_one_way_is_removed_the_other_way(old: list[str], new: list[str]) -> None:
    before, after = [p(name) for name in old], [p(name) for name in new]
    forward, backward = parameter_changes(before, after), parameter_changes(after, before)
    added = {change.name for change in forward if change.what == "parameter added"}
    assert added == {change.name for change in backward if change.what == "parameter removed"} == set(new) - set(old)
