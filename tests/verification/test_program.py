"""The program of an answer: what would be run, and how it is exchanged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.verification import program, with_program

ROOTS = ("lib",)
BLOCK = "```python\nfrom lib import actor\nactor.sphere([1])\n```\n"


def test_blocks_are_one_script() -> None:
    text = f"First:\n\n{BLOCK}\nthen\n\n```python\nactor.box([1])\n```\n"
    assert program(text, ROOTS) == "from lib import actor\nactor.sphere([1])\n\nactor.box([1])\n"


def test_prompts_are_taken_out() -> None:
    assert program("```pycon\n>>> import lib\n>>> lib.x\n3\n```", ROOTS) == "import lib\nlib.x\n\n"


@pytest.mark.parametrize(
    "text",
    [
        "Use `actor.sphere`.",
        "```python\nprint(1)\n```",
        "```python\nimport library\n```",
        "```bash\npip install lib\n```",
        f"{BLOCK}\n```python\nactor.sphere(\n```",
    ],
    ids=["no code", "no import of the library", "another library", "no Python", "a block that does not parse"],
)
def test_what_cannot_run_is_no_program(text: str) -> None:
    assert program(text, ROOTS) is None


def test_the_program_is_replaced_as_a_whole() -> None:
    text = f"Do this:\n\n{BLOCK}\nthen:\n\n```python\nactor.box([1])\n```\nDone [1].\n"
    new = with_program(text, "Sorry!\n\n```python\nimport lib\n```\nBetter.", ROOTS)
    assert new == "Do this:\n\n```python\nimport lib\n```\n\nthen:\n\nDone [1].\n"


def test_of_two_whole_programs_the_last_is_taken_and_replaced() -> None:
    text = f"{BLOCK}\nor so:\n\n```python\nimport lib\nlib.x\n```\n"
    assert program(text, ROOTS) == "import lib\nlib.x\n"
    assert with_program(text, "```python\nimport lib\n```", ROOTS) == f"{BLOCK}\nor so:\n\n```python\nimport lib\n```\n"


def test_code_that_holds_a_fence_stays_whole() -> None:
    new = with_program(BLOCK, '~~~python\nimport lib\nx = """\n```\n"""\n~~~\n', ROOTS)
    assert new is not None
    assert new.startswith("````python")
    assert program(new, ROOTS) == 'import lib\nx = """\n```\n"""\n'


@pytest.mark.parametrize("reply", ["", "I can't.", f"{BLOCK}{BLOCK}", "```python\ndef (:\n```"])
def test_a_reply_without_one_program_changes_nothing(reply: str) -> None:
    assert with_program(BLOCK, reply, ROOTS) is None


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_texts_can_be_read(text: str, reply: str) -> None:
    found = program(text, ROOTS)
    assert found is None or "lib" in found
    replaced = with_program(text, reply, ROOTS)
    assert replaced is None or "```" in replaced
