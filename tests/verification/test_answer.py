"""Answers: blocks continue each other, prose is held to the same names, and places are those of the Markdown text."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.symbols import ApiModel
from agent.verification import MAX_CODE, AnswerReport, check_answer
from agent.verification.markdown import lines_of


def wrong(report: AnswerReport) -> list[str]:
    return [f.path or "" for f in report.findings if f.kind == "unknown-name"]


def test_blocks_continue_each_other(api: ApiModel) -> None:
    report = check_answer(
        "First:\n```python\nfrom lib import Scene\ns = Scene()\n```\nthen\n```py\ns.ad(1)\ns.add(1)\n```\n", api
    )
    assert [(f.kind, f.line, f.column) for f in report.findings] == [("unknown-name", 8, 1)]
    assert [block.line for block in report.blocks] == [3, 8]
    assert [(f.line, f.column) for f in report.blocks[1].report.findings] == [(1, 1)]
    assert (report.calls_checked, report.calls_bound) == (2, 2)
    assert report.known == ("lib", "lib.Scene", "lib.Scene.add")


@pytest.mark.parametrize(
    ("markdown", "place"),
    [
        ("```python\nimport lib\nlib.spher\n```", (3, 1)),
        ("```pycon\n>>> import lib\n>>> lib.spher\n```", (3, 5)),
        ("```\nimport lib\nlib.spher\n```", (3, 1)),
        ("~~~ {.python}\nimport lib\nlib.spher\n~~~", (3, 1)),
        ("1. So:\n\n   ```python\n   import lib\n   lib.spher\n   ```", (5, 4)),
        ("> ```python\n> import lib\n> lib.spher\n> ```", (3, 3)),
        ("So:\n\n    import lib\n    lib.spher\n", (4, 5)),
        ("```python\r\nimport lib\r\nlib.spher\r\n```", (3, 1)),
        ("\x0cpage\n\n```python\nimport lib\nlib.spher\n```", (5, 1)),
        ("Call `lib.spher`.", (1, 7)),
        ("a\n\nCall lib.spher now.", (3, 6)),
        ("Call ``lib.spher(1)`` or\n`x`", (1, 8)),
    ],
)
def test_findings_are_where_they_are_in_the_text(markdown: str, place: tuple[int, int], api: ApiModel) -> None:
    report = check_answer(markdown, api)
    assert wrong(report) == ["lib.spher"]
    assert [(f.line, f.column) for f in report.findings if f.kind == "unknown-name"] == [place]


@pytest.mark.parametrize(
    ("prose", "unknown"),
    [
        ("`lib.actor.spher()` and `actor.spher(centers)`", ["lib.actor.spher", "lib.actor.spher"]),
        ("`ShowManager.begin`, `Scene.ad`", ["lib.window.ShowManager.begin", "lib.Scene.ad"]),
        ("lib.actor.spher, but actor.spher", ["lib.actor.spher"]),
        ("`window.add(actor.spher([1]))`", ["lib.actor.spher"]),
        ("`lib.actor.sphere`, `Scene.add`, `ui.Foreign.anything`, `sphere`", []),
        ("`lib.py`, `lib/actor.py`, `actor.py`, `lib.gl`, https://lib.gl/lib.actor.html, `lib-actor.spher-x`", []),
        ("`numpy.spher`, `other.lib.spher`, `self.lib.spher`, `x.actor.spher`, 'lib.spher'", []),
        ("`actor.add`, `actor.position`, `window.closed`", []),
        ("The end of lib. Next.", []),
    ],
)
def test_names_in_the_prose(prose: str, unknown: list[str], api: ApiModel) -> None:
    assert wrong(check_answer(prose, api)) == unknown


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("Call `actor.sphere(bogus=1)`.", (1, 7)),
        ("Call `actor.sphere(1, 2, 3)`.", (1, 7)),
        ("é ``  actor.sphere(\n1, 2)``", (1, 7)),
        ("a\n`print('é', actor.sphere(*[1, 2]))`", (2, 13)),
        ("`window.Scene(foo=1)`", (1, 2)),
        ("`>>> window.Scene().add(actor.line(1, wide=2))`", (1, 25)),
        ("`from lib import actor as a; a.sphere(bogus=1)`", (1, 30)),
    ],
)
def test_calls_in_inline_code_are_held_to_the_api(said: str, place: tuple[int, int], api: ApiModel) -> None:
    report = check_answer(said, api)
    assert [(f.kind, f.line, f.column) for f in report.findings] == [("bad-call", *place)]
    assert report.calls_checked - report.calls_bound == 1


@pytest.mark.parametrize(
    ("said", "unknown"),
    [
        ("`from lib.actor import spher`", ["lib.actor.spher"]),
        ("`import lib.actr`", ["lib.actr"]),
        ("`window.Scene().ad(1)`", ["lib.Scene.ad"]),
    ],
)
def test_imports_and_results_of_calls_in_inline_code_are_looked_up(
    said: str, unknown: list[str], api: ApiModel
) -> None:
    assert wrong(check_answer(said, api)) == unknown


@pytest.mark.parametrize(
    "said",
    [
        "`actor.sphere(...)`",
        "`actor.sphere()`",
        "`sphere(centers, colors)`",
        "`actor.sphere(centers, colors)`",
        "`actor.sphere(centers, *, colors)`",
        "`actor.sphere(radii=2)`",
        "`actor.sphere(centers, colors=colors, ...)`",
        "`Scene(foo=1)`",
        "`x = undefined(1)`",
        "`from left (to right)`",
        "`import numpy as np`",
        "`Scene.resize(size)`",
        "`lib.py (the file)`",
        "`open('lib.actor.txt')`",
        "`open(lib.py)`",
        "There is no `actor.sphere(bogus=1)`.",
        "`actor.sphere(bogus=1)` doesn't work.",
        "Write `actor.sphere(radii=2)` instead of `actor.sphere(bogus=1)`.",
    ],
)
def test_half_code_in_the_prose_is_not_accused(said: str, api: ApiModel) -> None:
    assert check_answer(said, api).findings == ()


def test_inline_code_goes_on_from_the_blocks_and_changes_nothing(api: ApiModel) -> None:
    code = "```python\nfrom lib import Scene\ns = Scene()\n```\n"
    report = check_answer(f"{code}\n`s.resize(1, 2)`, `s = other()`, `s.resize(1, 2)`, `s.resize(1)`", api)
    assert [(f.kind, f.column) for f in report.findings] == [("bad-call", 2), ("bad-call", 35)]


def test_prose_speaks_of_the_codes_own_variables(api: ApiModel) -> None:
    code = "```python\nfrom lib import window as actor\nscene = actor.Scene()\nui = other()\n```\n"
    report = check_answer(f"{code}\n`actor.Scene`, `actor.sphere`, `scene.ad`, `scene.add`, `ui.Panell`", api)
    assert wrong(report) == ["lib.window.sphere", "lib.Scene.ad"]


def test_what_an_unreadable_block_may_define_is_not_missed(api: ApiModel) -> None:
    report = check_answer("```python\nx = (\n```\n```python\nprint(x, y)\n```", api)
    assert [(f.kind, f.subject) for f in report.findings] == [("syntax", ""), ("undefined-name", "y")]


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ("```bash\nlib.spher\n```", ("bash",)),
        ("```{.wgsl}\nx\n```\n```bash\ny\n```\n```bash\nz\n```", ("wgsl", "bash")),
        ("```\n$ lib.spher (\n```", ("",)),
        ("    $ lib.spher (", ("",)),
        ("```\n$ spher (\n```", ()),
        ("```text\nlib.spher\n```", ("text",)),
        ("```text\n1 sphere (grey)\n```", ()),
        ("```\ngit clone https://example.org/lib.git\n```", ()),
        ('```\nTraceback (most recent call last):\n  File "a.py", line 1\n    from lib import actr\nE: x (\n```', ()),
        ("```\n$ python - <<EOF\nimport lib\nEOF\n```", ()),
        ("```\nimport lib from './lib.js'\n```", ()),
        ("    from lib 2.0 on, spheres are grey", ()),
    ],
)
def test_other_languages_are_not_read_and_told(block: str, told: tuple[str, ...], api: ApiModel) -> None:
    assert check_answer(block, api) == AnswerReport(other_languages=told)


@pytest.mark.parametrize(
    "text",
    ['{"answer": "x", "declined": false, "code": null}', "make", "fix-bug\ntypo-fix", "foo, bar = baz", "sqrt(2)"],
)
def test_data_and_words_that_parse_are_no_programs(text: str, api: ApiModel) -> None:
    assert check_answer(f"```\n{text}\n```", api) == AnswerReport()


def test_a_block_without_a_language_goes_on_from_those_before(api: ApiModel) -> None:
    report = check_answer("```python\nfrom lib import Scene\n```\n```\nScene().ad\n```\n```\nactor.spher(1)\n```", api)
    assert "lib.Scene.ad" in report.unknown
    assert ("undefined-name", "actor") in [(f.kind, f.subject) for f in report.findings]


@pytest.mark.parametrize("colons", [":::", "  :::::"])
def test_a_directive_between_colons_is_code(colons: str, api: ApiModel) -> None:
    text = (
        f"Text.\n\n{colons}{{code-block}} python\n:linenos:\n\nfrom lib import actor\nactor.spher(1)\n{colons}\n\nMore."
    )
    (finding,) = check_answer(text, api).findings
    assert (finding.kind, finding.line) == ("unknown-name", 7)
    assert text.splitlines()[6][finding.column - 1 :].startswith("actor.spher")


def test_directives_that_nothing_closes_take_no_time(api: ApiModel) -> None:
    start = time.process_time()
    check_answer(":::{code} python\n" * 10_000, api)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    "command", ["pip install lib.actr", "$ python -m lib.actr", "git clone lib.actr --depth 1", "cat lib.nothing"]
)
def test_a_shells_command_is_no_code(command: str, api: ApiModel) -> None:
    assert check_answer(f"Try `{command}` first.", api) == AnswerReport()


@pytest.mark.parametrize("code", ["with lib.Scen() as", "return lib.Scen", "for x in lib.Scen", "lib.Scen if x"])
def test_a_piece_of_a_statement_is_code(code: str, api: ApiModel) -> None:
    assert check_answer(f"Write `{code}`.", api).unknown == ("lib.Scen",)


@pytest.mark.parametrize("above", [":linenos:\n:caption: A\n\n", "---\nlineno-start: 3\n---\n"])
def test_what_myst_writes_above_the_code_is_none(above: str, api: ApiModel) -> None:
    text = f"```{{code-block}} python\n{above}from lib import actor\nactor.spher(1)\n```"
    lines = text.splitlines()
    (finding,) = check_answer(text, api).findings
    assert (finding.kind, lines[finding.line - 1]) == ("unknown-name", "actor.spher(1)")


@pytest.mark.parametrize(
    "tag", ["python,ignore", "python:main.py", "py{1,3}", "jupyter-python", "python-repl", "{code-cell}", "{doctest}"]
)
def test_python_has_many_names(tag: str, api: ApiModel) -> None:
    assert check_answer(f"```{tag}\nfrom lib import actor\nactor.spher(1)\n```", api).unknown == ("lib.actor.spher",)


def test_prompts_of_ipython_are_read(api: ApiModel) -> None:
    text = "```ipython\nIn [1]: from lib import actor\nIn [2]: actor.spher(1)\nOut[2]: 3 of them\n```"
    (finding,) = check_answer(text, api).findings
    assert (finding.kind, finding.line, finding.column) == ("unknown-name", 3, 9)


@pytest.mark.parametrize("tag", ["", "python3.11", "Py", "ipython3", "{code-block} python"])
def test_a_program_that_was_cut_off_is_read(tag: str, api: ApiModel) -> None:
    """Also where nothing says that it is Python: it imports the library."""
    report = check_answer(f"```{tag}\nfrom lib import (\n    actor,\n)\nactor.sphere(\n```", api)
    assert [finding.kind for finding in report.findings] == ["syntax"]
    assert report.other_languages == ()


def test_an_answer_without_code_is_clean(api: ApiModel) -> None:
    report = check_answer("I do not know.", api)
    assert report.is_clean
    assert report.names_checked == 0


@pytest.mark.parametrize(
    "text",
    [
        "x" * 1_000_000,
        "```python\n" + "(" * 5_000,
        "```python\n" + "x = " + "1 + " * 40_000 + "1\n```\n`lib.spher`",
        "`lib" + ".a" * 20_000 + "`",
        "a\0b `lib.spher\0`\n```python\n\0\n```",
        "```python\nx = '\ud800'\n```",
        "> " * 5_000 + "```python\nx",
    ],
)
def test_nothing_is_raised(text: str, api: ApiModel) -> None:
    report = check_answer(text, api)
    if len(text) > MAX_CODE:
        assert report.prose.skipped is not None


@pytest.mark.parametrize(
    "text",
    [
        "".join("`" * n + "a" for n in range(1, 600)),
        "```python\nx\n```\n" * 10_000,
        "`actor.spher` " * 10_000,
        "`a.b(1)` " * 10_000,
    ],
    ids=["backticks", "blocks", "names", "calls"],
)
def test_time_grows_with_the_text_only(text: str, api: ApiModel) -> None:
    start = time.process_time()
    check_answer(text, api)
    assert time.process_time() - start < 20


MARKDOWN = st.lists(
    st.sampled_from(
        [
            "`",
            "```",
            "```python\n",
            "\n",
            "lib.spher",
            "lib.actor.sphere(é=1, b=lib.x)",
            "from lib import spher",
            "import lib\n",
            "actor.spher",
            "> ",
            "- ",
            "    ",
            "\r",
            "\x0c",
            "x",
            ".",
            "~~~",
        ]
    ),
    max_size=25,
).map("".join)


@given(text=MARKDOWN | st.text(max_size=60))
@example(text="\r> ```python\nlib.actor.sphere(b=lib.x)")
@settings(max_examples=200)
def test_every_place_lies_in_the_text(text: str, api: ApiModel) -> None:
    lines = lines_of(text)
    for found in check_answer(text, api).findings:
        assert 1 <= found.line <= len(lines)
        assert 1 <= found.column <= len(lines[found.line - 1]) + 1
