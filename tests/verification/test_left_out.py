"""A program that fails over something it can do without runs without it, and says so."""

from __future__ import annotations

import pytest

from agent.verification import without_refused, without_unfit

REFUSED = "Line 1: x\nTypeError: arrow() got an unexpected keyword argument 'sizes'"
IN_CLASS = "Line 1: x\nTypeError: lib.ui.Panel.__init__() got an unexpected keyword argument 'sizes'"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a = actor.arrow(c, sizes=s, key=1)", "a = actor.arrow(c, key=1)"),
        ("arrow(\n  sizes=(1,\n 2),\n)", "arrow()"),
        ("arrow(\rsizes=é(1)\r)\rx = 1\r", "arrow()\rx = 1\r"),
        ("a.arrow(sizes=1)\nb.arrow(sizes=2)\na.arrow(sizes=3)", "a.arrow()\nb.arrow(sizes=2)\na.arrow(sizes=3)"),
        (
            "a = actor.arrow(sizes=1)\nimport actor\nactor.arrow(sizes=2)",
            "a = actor.arrow()\nimport actor\nactor.arrow()",
        ),
        (
            "actor.arrow(sizes=1)\nimport actor\nactor = 1\nactor.arrow(sizes=2)",
            "actor.arrow()\nimport actor\nactor = 1\nactor.arrow(sizes=2)",
        ),
        (
            "a.arrow(sizes=1)\nimport a\ndef f(a): a.arrow(sizes=2)",
            "a.arrow()\nimport a\ndef f(a): a.arrow(sizes=2)",
        ),
        ("f(arrow(arrow(sizes=1), sizes=2), sizes=3)", "f(arrow(arrow()), sizes=3)"),
        ("é = arrow(sizes=1); other(sizes=2)", "é = arrow(); other(sizes=2)"),
    ],
)
def test_an_argument_that_is_not_taken_goes(before: str, after: str) -> None:
    left = without_refused(before, REFUSED)
    assert left is not None
    assert left.code == after
    assert left.words == "left out the argument `sizes`, which `arrow()` does not take"


def test_without_a_line_it_goes_everywhere() -> None:
    left = without_refused("a.arrow(sizes=1)\nb.arrow(sizes=2)", REFUSED.removeprefix("Line 1: x\n"))
    assert left is not None
    assert left.code == "a.arrow()\nb.arrow()"


def test_a_constructor_is_known_by_its_class() -> None:
    left = without_refused("p = ui.Panel(1, sizes=2)", IN_CLASS)
    assert left is not None
    assert left.code == "p = ui.Panel(1)"


def test_an_argument_that_nothing_assigns_goes_unless_it_is_used_otherwise() -> None:
    error = "Line 1: x\nNameError: name 'radius' is not defined. Did you mean: 'radii'?"
    left = without_refused("a = [f(x, radii=radius) for x in y]", error)
    assert left is not None
    assert left.code == "a = [f(x) for x in y]"
    assert without_refused("f(radii=radius)\nprint(radius)", error) is None


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("arrow(1)", REFUSED),
        ("arrow(", REFUSED),
        ("x = 1\narrow(sizes=1)", REFUSED),
        ("arrow(sizes=1)", "Line 1: arrow(sizes=1)\nValueError: no"),
    ],
    ids=["no such argument", "no Python", "another line", "another error"],
)
def test_what_cannot_be_done_without_stays(code: str, error: str) -> None:
    assert without_refused(code, error) is None


NUMBERS = {"point": ("size",)}


@pytest.mark.parametrize(
    ("before", "refusal", "after"),
    [
        (
            "actor.cone(c, colors=c, radii=[r, r], scales=1)",
            "ValueError: radii must be a scalar or an array of length 3",
            "actor.cone(c, colors=c, scales=1)",
        ),
        ("actor.show(a, kind='Qt')", "lib.TripWireError: You do not have any qt package installed.", "actor.show(a)"),
        ("actor.point(c, size=s, colors=c)", "ValueError: could not broadcast", "actor.point(c, colors=c)"),
        ("f(actor.point(c, size=[1], radii=2))", "ValueError: radii must be [1]", "f(actor.point(c, size=[1]))"),
        ("actor.point(c, size=[s for s in t(radii=1)])", "TypeError: no number", "actor.point(c)"),
    ],
    ids=["named by its name", "by its value", "no number", "what is named comes first", "inner calls go with it"],
)
def test_an_argument_whose_value_is_refused_goes(before: str, refusal: str, after: str) -> None:
    imported = "from lib import actor\n"
    left = without_unfit(imported + before, f"Line 2: {before}\n{refusal}", NUMBERS)
    assert left is not None
    assert left.code == imported + after
    assert left.words.startswith("left out the argument `")
    assert left.words.endswith("()` refused")


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        ("actor.point(c, size=-2.5)", "ValueError: could not broadcast"),
        ("n = 3\nactor.point(c, size=n)", "ValueError: could not broadcast"),
        ("own(c, radii=1)", "ValueError: radii must be a scalar"),
        ("actor.cone(c, colors=d)", "ValueError: radii must be a scalar"),
        ("actor.cone(c, radii=d)", "ZeroDivisionError: radii"),
        ("actor.cone(c, **radii)", "ValueError: radii must be a scalar"),
    ],
    ids=["a number", "the name of a number", "the reader's function", "not named", "no refusal", "not by name"],
)
def test_an_argument_that_may_be_right_stays(code: str, refusal: str) -> None:
    line = code.count("\n") + 2
    assert without_unfit(f"from lib import actor\n{code}", f"Line {line}: x\n{refusal}", NUMBERS) is None


def test_an_error_elsewhere_takes_no_argument_away() -> None:
    code = "from lib import actor\nactor.cone(radii=1)\nactor.draw()"
    assert without_unfit(code, "Line 3: actor.draw()\nValueError: radii must be a scalar", NUMBERS) is None
