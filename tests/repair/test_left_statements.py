"""A program that fails at a statement runs without it and what needs it, where most of it stays."""

from __future__ import annotations

import pytest

from agent.repair import without_failed, without_missing


def missing(line: int) -> str:
    return f"Line {line}: x\nAttributeError: 'Scene' object has no attribute 'camera'"


def no_name(line: int = 1) -> str:
    return f"Line {line}: x\nImportError: cannot import name 'gone' from 'lib' (/lib/__init__.py)"


GONE = "pass  # left out, as it failed: "
LACKED = "pass  # left out, as there is no `camera`: "


def failed(line: int) -> str:
    return f"Line {line}: x\nFileNotFoundError: [Errno 2] No such file or directory: 'a.png'"


def test_a_statement_stays_behind_as_a_comment_with_those_that_need_it() -> None:
    code = "c = s.camera\nc.place = 1\nif s:\n    c.turn(2)\ns.add(1)\ns.show()"
    left = without_missing(code, missing(1))
    assert left is not None
    expected = f"{LACKED}c = s.camera\n{LACKED}c.place = 1\nif s:\n    {LACKED}c.turn(2)\ns.add(1)\ns.show()"
    assert left.code == expected
    assert left.words == "left out, as there is no `camera`: `c = s.camera`, `c.place = 1`, `c.turn(2)`"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("t = load('a.png')\nb = box(c, skin=t)", f"{GONE}t = load('a.png')\nb = box(c)"),
        ("t = load('a.png')\nb = box(at=c, skin=[t])", f"{GONE}t = load('a.png')\nb = box(at=c)"),
        ("t = load('a.png')\ns.add(a, t, b)", f"{GONE}t = load('a.png')\ns.add(a, b)"),
        ("t = load('a.png')\nt = 1\nf(t)", f"{GONE}t = load('a.png')\nt = 1\nf(t)"),
    ],
    ids=["an argument by name", "within an argument", "one of several equal ones", "until it is made anew"],
)
def test_what_is_lost_is_no_longer_passed(before: str, after: str) -> None:
    left = without_failed(before, failed(1))
    assert left is not None
    assert left.code == after
    needed = before.splitlines()[-1]
    assert (f", and what needed it in `{needed}`" in left.words) == (needed not in after)


@pytest.mark.parametrize(
    "needs",
    [
        "xs = np.linspace(t, hi, n)",
        "xs = range(t, stop)",
        "rotate(axis, t, point)",
        "p.rotate(axis, t)",
        "x = s.add(t, b)",
        "s.add(t, b, at=p)",
        "s.add(t, 1)",
    ],
)
def test_what_is_passed_by_position_does_not_become_something_else(needs: str) -> None:
    left = without_failed(f"t = load('a.png')\n{needs}\na()\nb()\nc()", failed(1))
    assert left is not None
    assert left.code == f"{GONE}t = load('a.png')\n{GONE}{needs}\na()\nb()\nc()"
    assert f"`{needs}`" in left.words


def test_a_name_that_had_a_value_before_keeps_it() -> None:
    left = without_failed("c = [1]\nc = ints(c)\nf(c)", failed(2))
    assert left is not None
    assert left.code == f"c = [1]\n{GONE}c = ints(c)\nf(c)"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from lib import a, gone\na", "from lib import a\na"),
        ("from lib import gone\n1", "pass\n1"),
        (
            "from lib import a, gone\ns.back = gone.grey\na()",
            "from lib import a\npass  # left out, as it failed: s.back = gone.grey\na()",
        ),
        ("from lib import a, gone\nb = f(1, skin=gone.x())\na()", "from lib import a\nb = f(1)\na()"),
        ("from lib import gone\nx = gone.red\ngone = 1\nf(gone)", f"pass\n{GONE}x = gone.red\ngone = 1\nf(gone)"),
    ],
    ids=["unused", "alone", "a statement needs it", "an argument needs it", "made anew"],
)
def test_an_import_of_what_is_not_there_goes_with_what_needs_it(before: str, after: str) -> None:
    left = without_missing(before, no_name())
    assert left is not None
    assert left.code == after
    assert left.words.startswith("left out, as it failed: `the import of gone`")


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("c = s.camera\nfor x in c:\n    pass", missing(1)),
        ("c = s.camera\n" + "\n".join(f"c.a{n} = 1" for n in range(9)), missing(1)),
        ("for x in s.camera:\n    pass", missing(1)),
        ("c = s.camera; d = 1", missing(1)),
        ("t = load()\ns.add(t)\ns.show()", failed(1)),
        ("s.save('a')", failed(1)),
        ("s.save(", failed(1)),
        ("b = box()\ns.add(b); s.place(1); show(s)\na()\nc()", failed(1)),
        ("b = box()\nif s: a(); s.add(b)\nc()\nd()", failed(1)),
        ("b = box()\ns.add(b); pass\na()\nc()", failed(1)),
        ("x = f('''\n'''); s.show()\na()\nc()", failed(1)),
        ("from lib import other\na()\nb()", no_name()),
        ("s.save('a')\na()\nb()", "FileNotFoundError: a"),
        ("s.save('a')\na()\nb()", "Line 1: s.save('a')\nNameError: name 's' is not defined"),
    ],
    ids=[
        "a loop needs it",
        "too many need it",
        "more than a statement",
        "two on a line",
        "half of what it does",
        "all that it does",
        "no Python",
        "others behind it on a line",
        "others before it on a line",
        "what does nothing behind it",
        "others where it ends",
        "an import of something else",
        "no line",
        "the reader's own name",
    ],
)
def test_what_cannot_be_done_without_stays(code: str, error: str) -> None:
    assert without_failed(code, error) is None


def test_a_statement_may_stand_behind_its_branch() -> None:
    left = without_failed("b = box()\nif s: s.add(b)\na()\nc()", failed(1))
    assert left is not None
    assert left.code == f"{GONE}b = box()\nif s: {GONE}s.add(b)\na()\nc()"


def test_only_what_does_not_exist_is_missing() -> None:
    assert without_missing("t = load('a.png')\nf()", failed(1)) is None
    assert without_missing("p.add(t)\nf()\ng()", missing(1)) is None  # deeper in the library
    assert without_failed("p.add(t)\nf()\ng()", missing(1)) is not None
