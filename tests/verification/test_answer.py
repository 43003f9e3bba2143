"""Answers: blocks continue each other, prose is held to the same names, and places are those of the Markdown text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
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


def test_prose_speaks_of_the_codes_own_variables(api: ApiModel) -> None:
    code = "```python\nfrom lib import window as actor\nscene = actor.Scene()\nui = other()\n```\n"
    report = check_answer(f"{code}\n`actor.Scene`, `actor.sphere`, `scene.ad`, `scene.add`, `ui.Panell`", api)
    assert wrong(report) == ["lib.window.sphere", "lib.Scene.ad"]


def test_what_an_unreadable_block_may_define_is_not_missed(api: ApiModel) -> None:
    report = check_answer("```python\nx = (\n```\n```python\nprint(x, y)\n```", api)
    assert [(f.kind, f.subject) for f in report.findings] == [("syntax", ""), ("undefined-name", "y")]


@pytest.mark.parametrize("block", ["```bash\nlib.spher\n```", "```\n$ lib.spher (\n```", "```text\nlib.spher\n```"])
def test_other_languages_are_not_read(block: str, api: ApiModel) -> None:
    assert check_answer(block, api) == AnswerReport()


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
    ["".join("`" * n + "a" for n in range(1, 600)), "```python\nx\n```\n" * 10_000, "`actor.spher` " * 10_000],
    ids=["backticks", "blocks", "names"],
)
def test_time_grows_with_the_text_only(text: str, api: ApiModel) -> None:
    start = time.perf_counter()
    check_answer(text, api)
    assert time.perf_counter() - start < 20


MARKDOWN = st.lists(
    st.sampled_from(
        [
            "`",
            "```",
            "```python\n",
            "\n",
            "lib.spher",
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
@settings(max_examples=200, deadline=None)
def test_every_place_lies_in_the_text(text: str, api: ApiModel) -> None:
    lines = lines_of(text)
    for found in check_answer(text, api).findings:
        assert 1 <= found.line <= len(lines)
        assert 1 <= found.column <= len(lines[found.line - 1]) + 1
