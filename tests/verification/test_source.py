"""Any text gets a report whose places lie in it; doctests, notebooks and indented code are read."""

from __future__ import annotations

import keyword

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.symbols import ApiModel
from agent.verification import MAX_CODE, CodeReport, check_code
from agent.verification.source import read_code


def places(report: CodeReport) -> list[tuple[str, int, int]]:
    return [(f.kind, f.line, f.column) for f in report.findings]


@pytest.mark.parametrize(
    ("code", "place"),
    [
        (">>> from lib import actor\n>>> x = 1\n1\n>>> actor.spher(x)\n", (4, 5)),
        ("Some words.\n\n    >>> import lib\n    >>> def f():\n    ...     lib.spher()\n    output", (5, 13)),
        ("%matplotlib inline\n!pip install lib\nimport lib\nlib.actor?\nlib.spher()", (5, 1)),
        ("%%time\nimport lib\nlib.spher()", (3, 1)),
        ("    import lib\n    lib.spher()", (2, 5)),
        ("\timport lib\n\tlib.spher()", (2, 2)),
        ("import lib\nfor x in y:\n    %time x\n    lib.spher()", (4, 5)),
        ("import lib; 'äöü'; lib.spher()", (1, 20)),
        ("import lib\r\nlib.spher()\r\n", (2, 1)),
        ("import lib\rlib.spher()", (2, 1)),
        ("import lib\nx = '\x0c\u2028'\nlib.spher()", (3, 1)),
    ],
)
def test_findings_are_where_they_are_in_the_text(code: str, place: tuple[int, int], api: ApiModel) -> None:
    assert [(line, column) for kind, line, column in places(check_code(code, api)) if kind == "unknown-name"] == [place]


@pytest.mark.parametrize(
    ("code", "place"),
    [
        ("x = (1,\ny = 2", (1, 5)),
        ("def f(:\n    pass", (1, 7)),
        (">>> x = 1\n>>> def f(:", (2, 11)),
        ("a\0b", (1, 1)),
        ("x = '\ud800'", (1, 1)),
        ("if x:\n\ty\n        z", (3, 1)),
        ("if x:\n    y\n  z", (3, 4)),
        ("return 1", (1, 1)),
        ("for x in y: pass\nbreak", (2, 1)),
    ],
)
def test_what_is_no_python_is_one_finding(code: str, place: tuple[int, int], api: ApiModel) -> None:
    found = [(line, column) for kind, line, column in places(check_code(code, api)) if kind == "syntax"]
    assert found == [place]


def test_a_line_that_begins_with_an_operator_is_no_command(api: ApiModel) -> None:
    report = check_code("import lib\nx = (1\n     % lib.spher)", api)
    assert report.unknown == ("lib.spher",)


def test_another_languages_cell_is_not_read(api: ApiModel) -> None:
    assert check_code("%%bash\necho $x | lib.spher", api) == CodeReport()


@pytest.mark.parametrize(
    "code",
    [
        "(" * 10_000 + ")" * 10_000,
        "-" * 100_000 + "1",
        "lib" + ".a" * 90_000,
        "x = " + "1 + " * 40_000 + "1",
        "import lib\nlib" + ".a" * 600,
        "x = " + "[" * 150 + "]" * 150,
        "import lib\n" + "lib.a(" * 190 + ")" * 190,
        "x = 1\n" * (MAX_CODE // 6) + "yes",
        "x" * 1_000_000,
        "if x:\n" + "".join(" " * n + "if x:\n" for n in range(1, 99)) + " " * 99 + "y",
        "x" + "()" * 900,
        "a, __all__ = x\n__all__ += ['x']",
        "__all__ = 1\n__all__ += x",
        "class A(A): pass\nA().x",
        "class A:\n    class A(A): pass\n",
        "import lib\nlib = lib.lib = lib\nlib.lib.lib",
        "from lib import actor as lib\nimport lib.actor as actor",
        "def f():\n    nonlocal x",
        "from . import *",
        "from __future__ import braces",
        "",
    ],
)
def test_nothing_is_raised(code: str, api: ApiModel) -> None:
    report = check_code(code, api)
    assert report.skipped is None or report.skipped
    assert "unknown-name" not in [f.kind for f in report.findings if f.path and not f.path.startswith("lib.")]


def test_what_is_not_checked_says_so(api: ApiModel) -> None:
    assert "nested too deeply" in (check_code("x = " + "1 + " * 40_000 + "1", api).skipped or "")
    assert "longer than" in (check_code("x" * (MAX_CODE + 1), api).skipped or "")
    assert "pyflakes" in (check_code("from lib import x, __all__\n__all__ += x", api).skipped or "")


PIECES = st.sampled_from(
    [
        *(
            "import lib",
            "lib",
            ".actor",
            "from lib import *",
            "actor",
            "\n",
            "    ",
            "\t",
            "(",
            ")",
            ":",
            "def f",
            "class A",
        ),
        *(
            "x",
            " = ",
            "...",
            ">>> ",
            "%",
            "!ls",
            "?",
            "\r",
            "\0",
            "ä",
            "'",
            '"""',
            "[",
            "]",
            ",",
            "*",
            "lambda x: ",
            "if ",
        ),
        *(
            "self",
            "for x in ",
            "try:",
            "except:",
            "with ",
            " as ",
            "yield ",
            "await ",
            "global x",
            "1",
            "\x0c",
            "#",
            "\\",
        ),
    ]
)


@given(code=st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=40))
@example(code="\ufeffimport lib\nlib.spher")
@example(code=">>> \n")
@settings(max_examples=200)
def test_every_place_lies_in_the_text(code: str, api: ApiModel) -> None:
    report = check_code(code, api)
    lines = read_code(code).lines
    for found in report.findings:
        assert 1 <= found.line <= len(lines)
        given_line = code.replace("\r\n", "\n").replace("\r", "\n").split("\n")[found.line - 1]
        assert 1 <= found.column <= len(given_line) + 1


SCRIPT = """
from lib import actor, window
def {0}({1}):
    {2} = window.ShowManager()
    for {3} in {1}:
        {2}.stop({3})
        actor.spher({3})
    return [{4}.x for {4} in {1}], {2}.start(1)
{5} = window.Scene()
{5}.ad({0}({5}))
"""


@given(
    names=st.lists(
        st.from_regex(r"[a-z]{1,6}", fullmatch=True).filter(
            lambda n: not keyword.iskeyword(n) and n not in ("actor", "window", "lib", "super")
        ),
        min_size=6,
        max_size=6,
        unique=True,
    )
)
def test_the_names_of_variables_do_not_matter(names: list[str], api: ApiModel) -> None:
    def seen(report: CodeReport) -> list[tuple[str, str | None]]:
        return [(f.kind, f.path) for f in report.findings]

    report = check_code(SCRIPT.format(*names), api)
    assert seen(report) == seen(check_code(SCRIPT.format(*"pqrstu"), api))
    assert len(report.findings) == 4
