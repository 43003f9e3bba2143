"""A program that fails over something it can do without runs without it, and says so."""

from __future__ import annotations

import time

import pytest

from agent.repair import without_refused, without_unfit

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
IMPORTED = "from lib import actor\n"


def unfit(code: str, refusal: str) -> list[str]:
    """Return what may run in the place of a program whose last line fails."""
    program = f"{IMPORTED}{code}"
    left = without_unfit(program, f"Line {program.count(chr(10)) + 1}: x\n{refusal}", NUMBERS) or []
    assert all(one.words.startswith("left out the argument `") and one.words.endswith("()` refused") for one in left)
    return [one.code.removeprefix(IMPORTED) for one in left]


@pytest.mark.parametrize(
    ("before", "refusal", "after"),
    [
        (
            "actor.cone(c, colors=c, radii=[r, r], scales=1)",
            "ValueError: radii must be a scalar or an array of length 3",
            ["actor.cone(c, colors=c, scales=1)"],
        ),
        ("actor.cone(c, size=[r])", "ValueError: Size must be a number", ["actor.cone(c)"]),
        ("actor.show(a, kind='Qt')", "lib.TripWireError: You do not have any qt package installed.", ["actor.show(a)"]),
        ("actor.show(a, how='dark red')", "KeyError: 'dark red'", ["actor.show(a)"]),
        ("actor.point(c, size=s, colors=c)", "ValueError: could not broadcast", ["actor.point(c, colors=c)"]),
        ("actor.point(c, size=[s for s in t(radii=1)])", "TypeError: no number", ["actor.point(c)"]),
        (
            "actor.point(c, size=[1], radii=2)",
            "ValueError: radii must be [1]",
            ["actor.point(c, size=[1])", "actor.point(c, radii=2)"],
        ),
        (
            "actor.show([actor.cone(c, size=[1])], size=(6, 6))",
            "ValueError: size must be a number",
            ["actor.show([actor.cone(c)], size=(6, 6))", "actor.show([actor.cone(c, size=[1])])"],
        ),
    ],
    ids=[
        "its name",
        "its name, of numpy's words",
        "its text",
        "its text of two words",
        "no number",
        "what is inside goes with it",
        "the likeliest first",
        "inner calls first",
    ],
)
def test_an_argument_whose_value_is_refused_goes(before: str, refusal: str, after: list[str]) -> None:
    assert unfit(before, refusal) == after


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        ("actor.point(c, size=-2.5)", "ValueError: could not broadcast"),
        ("n = 3\nactor.point(c, size=n)", "ValueError: could not broadcast"),
        ("actor.point(c, size=8)", "ValueError: cannot reshape array of size 2 into shape (3,3)"),
        ("actor.cone(c, size=x)", "IndexError: index 5 is out of bounds for axis 0 with size 5"),
        ("actor.cone(c, lit=True)", "ValueError: colors must be True or an array"),
        ("own(c, radii=1)", "ValueError: radii must be a scalar"),
        ("actor = 1\nactor.cone(c, radii=1)", "ValueError: radii must be a scalar"),
        ("actor.cone(c, colors=d)", "ValueError: radii must be a scalar"),
        ("actor.cone(c, radii=d)", "ZeroDivisionError: radii"),
        ("actor.cone(c, **radii)", "ValueError: radii must be a scalar"),
    ],
    ids=[
        "a number",
        "the name of a number",
        "numpy's size",
        "its sizes and axes",
        "no text",
        "the reader's function",
        "the reader's name",
        "not named",
        "no refusal",
        "not by name",
    ],
)
def test_an_argument_that_may_be_right_stays(code: str, refusal: str) -> None:
    assert unfit(code, refusal) == []


def test_an_error_elsewhere_takes_no_argument_away() -> None:
    code = "from lib import actor\nactor.cone(radii=1)\nactor.draw()"
    assert without_unfit(code, "Line 3: actor.draw()\nValueError: radii must be a scalar", NUMBERS) == []


def test_many_calls_on_one_line_take_no_longer_each() -> None:
    code = f"{IMPORTED}x = {'actor.f(a=' * 60}1{')' * 60}, {', '.join(['actor.f(a=1)'] * 400)}"
    started = time.process_time()
    assert without_unfit(code, "Line 2: x\nValueError: b must be", {}) == []
    assert time.process_time() - started < 1
