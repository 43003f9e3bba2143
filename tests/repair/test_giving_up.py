"""What no mend can walk or write again is left alone: nothing is raised over it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agent.repair import (
    repair,
    with_missing_member,
    with_rows,
    without_failed,
    without_missing,
    without_missing_method,
    without_refused,
    without_unfit,
)
from agent.repair.rows import Arguments
from agent.symbols import ApiModel, Parameter, Symbol

SUM = " + ".join(["1"] * 900)
"""It is parsed, and then too deep for what goes through a tree."""
LARGE = f"0x{'f' * 9000}"
"""It is parsed, and then too large to be written in decimals."""
SHOW = Symbol("lib.actor.show", "function", "lib/actor.py", 1, 2, "lib.actor.show", parameters=(Parameter("slicer"),))
API = ApiModel({SHOW.path: SHOW}, {})
KNOWN = {"show": Arguments(("points",), frozenset({"points"}))}
NO_METHOD = "Line 1: x\nAttributeError: 'Group' object has no attribute 'show'"
NO_MEMBER = "Line 1: x\nAttributeError: module 'lib.utils' has no attribute 'show'"

MENDS: dict[str, Callable[[str], object]] = {
    "failed": lambda value: without_failed(f"x = bad()\ny = {value}\nprint(y)", "Line 1: x\nValueError: no"),
    "missing": lambda value: without_missing(f"x = s.show\ny = {value}\nprint(y)", NO_METHOD),
    "refused": lambda value: without_refused(
        f"f(size={value}, color=1)", "Line 1: x\nTypeError: f() got an unexpected keyword argument 'color'"
    ),
    "unfit": lambda value: without_unfit(
        f"from lib import f\nf(size={value}, color=1)", "Line 2: x\nValueError: color", {}
    ),
    "method": lambda value: without_missing_method(f"({value}).show(1)", NO_METHOD, API),
    "member": lambda value: with_missing_member(f"({value}).show(1)", NO_MEMBER, API),
}


@pytest.mark.parametrize("value", [SUM, LARGE], ids=["deep", "large"])
@pytest.mark.parametrize("mend", MENDS.values(), ids=MENDS)
def test_what_cannot_be_written_again_is_left(mend: Callable[[str], object], value: str) -> None:
    assert mend(value) is None


@pytest.mark.parametrize("terms", [300, 900, 990, 3000])
def test_nothing_is_raised_over_depth(terms: int) -> None:
    value = " + ".join(["a"] * terms)
    wrapped = with_rows(f"show({value})", "Line 1: x\nValueError: shape", KNOWN)
    assert wrapped in (None, f"import numpy as np\nshow(np.atleast_2d({value}))")
    text = f"~~~~python\nfrom lib import actor\nx = {value}\nactor.shows(x, y)\n~~~~\n"
    assert repair(text, API).text == text
