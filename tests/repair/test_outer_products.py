"""A row times a number for each of many becomes a row for each, and numpy agrees."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from agent.repair import with_outer_product

ERROR = "Line 2: x\nValueError: operands could not be broadcast together with shapes (3,) (100,) "
TURNED = "Line 2: x\nValueError: operands could not be broadcast together with shapes (100,) (3,) "


@pytest.mark.parametrize(
    ("before", "error", "after"),
    [
        (
            "p = q + np.array([0, 0, 1]) * np.sin(t) * 1.5",
            ERROR,
            "p = q + np.outer(np.sin(t), np.array([0, 0, 1])) * 1.5",
        ),
        ("p = t * np.array([0, 0, 1])", TURNED, "p = np.outer(t, np.array([0, 0, 1]))"),
        (
            "p = f(2 *\n  (np.array((1, 0, 0)) * t))",
            ERROR.replace("2", "3", 1),
            "p = f(2 *\n  (np.outer(t, np.array((1, 0, 0)))))",
        ),
        ("p = up * t\nup = 1, 2, 3", ERROR, "p = np.outer(t, up)\nup = 1, 2, 3"),
        ("p = np.array([0, 0, 1]) * 2 * t", ERROR, "p = np.outer(t, np.array([0, 0, 1]) * 2)"),
        ("p = r * np.array([0, 1, 1]) * t\nr = 2.5", ERROR, "p = np.outer(t, r * np.array([0, 1, 1]))\nr = 2.5"),
    ],
    ids=["in a sum", "the other way round", "on several lines", "by its name", "with a number between", "by a name"],
)
def test_a_row_times_many_numbers_is_a_row_for_each(before: str, error: str, after: str) -> None:
    assert with_outer_product(f"import numpy as np\n{before}", error) == f"import numpy as np\n{after}"


@pytest.mark.parametrize(
    "code",
    [
        "p = r * t",
        "p = np.array([0, 1]) * t",
        "p = np.array([0, 0, 1]) * np.array([1, 2, 3])",
        "p = np.array([0, 0, 1]) + t",
        "p = np.array([0, 0, 1]) * t, np.array([1, 0, 0]) * t",
        "p = 1\np = np.array([0, 0, 1]) * t",
        "p = (",
    ],
    ids=["not written", "another width", "two rows", "a sum", "two products", "another line", "no Python"],
)
def test_it_stays_where_that_is_not_sure(code: str) -> None:
    assert with_outer_product(f"import numpy as np\n{code}", ERROR) is None
    assert with_outer_product(code, "Line 2: x\nValueError: no") is None


def test_many_numbers_that_are_written_are_no_row() -> None:
    error = "Line 2: x\nValueError: operands could not be broadcast together with shapes (5,) (3,) "
    assert with_outer_product("import numpy as np\np = np.array([1, 2, 3, 4, 5]) * up", error) is None


def test_what_was_changed_runs(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import numpy as np\np = np.array([0, 0, 2]) * np.arange(100)")
    with pytest.raises(ValueError, match="broadcast") as failed:
        runpy.run_path(str(program))
    mended = with_outer_product(program.read_text(), f"Line 2: x\nValueError: {failed.value}")
    program.write_text(mended or "")
    made = runpy.run_path(str(program))["p"]
    assert made.shape == (100, 3)
    assert made[7].tolist() == [0, 0, 14]
