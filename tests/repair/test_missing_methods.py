"""Where a run failed over a method that the object has not, what exists in its place is called."""

from __future__ import annotations

import pytest

from agent.repair import without_missing_method
from agent.symbols import ApiModel, Parameter, Symbol


def _api(*symbols: Symbol) -> ApiModel:
    return ApiModel({symbol.path: symbol for symbol in symbols}, {})


ACTOR = Symbol("lib.actor", "module", "lib/actor.py", 1, 99, "lib.actor", members_known=True)
SHOW = Symbol("lib.actor.show", "function", "lib/actor.py", 1, 2, "lib.actor.show", parameters=(Parameter("slicer"),))
PANEL = Symbol("lib.ui.Panel", "class", "lib/ui.py", 1, 9, "lib.ui.Panel", members_known=True)
ADD = Symbol("lib.ui.Panel.add_element", "method", "lib/ui.py", 2, 3)
LOST = "Line 3: x\nAttributeError: 'Group' object has no attribute 'show'"
NO_ADD = "Line 3: x\nAttributeError: 'Panel' object has no attribute 'add'"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a.show(1)", "show(a, 1)"),
        ("a.show()", "show(a)"),
        ("x = é.show(1, key=(2))", "x = show(é, 1, key=(2))"),
        ("f(1)\\\n  .show(\n1)", "show(f(1), \n1)"),
        ("b.show(a.show(1))", "show(b, show(a, 1))"),
        ("a.b[0].show(*c)", "show(a.b[0], *c)"),
    ],
)
def test_a_function_that_takes_the_object_is_called_with_it(before: str, after: str) -> None:
    assert without_missing_method(before, LOST, _api(ACTOR, SHOW)) == f"from lib.actor import show\n{after}"


@pytest.mark.parametrize("code", ["a.show(1).show(2)", "a.show (3)", "(a.show)(3)"])
def test_calls_that_cannot_be_written_so_stay(code: str) -> None:
    assert without_missing_method(code, LOST, _api(ACTOR, SHOW)) is None


def test_a_function_of_a_module_is_no_missing_method() -> None:
    assert without_missing_method("from lib import actor\nactor.show(1)", LOST, _api(ACTOR, SHOW)) is None


def test_the_only_method_that_begins_so_is_called() -> None:
    api = _api(PANEL, ADD)
    assert (
        without_missing_method("p.add(a)\np.add(b); q = 1", NO_ADD, api) == "p.add_element(a)\np.add_element(b); q = 1"
    )


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("p.add(a)", "Line 1: p.add(a)\nTypeError: no"),
        ("p.other(a)", NO_ADD),
        ("p.add(", NO_ADD),
        ("p.add(a)", "AttributeError: 'Scene' object has no attribute 'add'"),
    ],
    ids=["another error", "another call", "no Python", "an unknown class"],
)
def test_what_cannot_help_is_not_tried(code: str, error: str) -> None:
    assert without_missing_method(code, error, _api(PANEL, ADD)) is None


def test_two_methods_that_begin_so_are_not_chosen_between() -> None:
    other = Symbol("lib.ui.Panel.add_row", "method", "lib/ui.py", 4, 5)
    assert without_missing_method("p.add(a)", NO_ADD, _api(PANEL, ADD, other)) is None
