"""The program of an answer: what would be run, and how it is exchanged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.verification import program, with_program

BLOCK = "```python\nfrom lib import actor\nactor.sphere([1])\n```\n"


def test_blocks_are_one_script() -> None:
    text = f"First:\n\n{BLOCK}\nthen\n\n```python\nactor.box([1])\n```\n"
    assert program(text, ("lib",)) == "from lib import actor\nactor.sphere([1])\n\nactor.box([1])\n"


def test_prompts_are_taken_out() -> None:
    assert program("```pycon\n>>> import lib\n>>> lib.x\n3\n```", ("lib",)) == "import lib\nlib.x\n\n"


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
    assert program(text, ("lib",)) is None


def test_the_first_block_is_replaced_and_the_others_go() -> None:
    text = f"Do this:\n\n{BLOCK}\nor so:\n\n{BLOCK}\nDone [1].\n"
    new = with_program(text, "Sorry!\n\n```python\nimport lib\n```\nBetter.")
    assert new == "Do this:\n\n```python\nimport lib\n```\n\nor so:\n\n\nDone [1].\n"


def test_code_that_holds_a_fence_stays_whole() -> None:
    new = with_program(BLOCK, '~~~python\nimport lib\nx = """\n```\n"""\n~~~\n')
    assert new is not None
    assert program(new, ("lib",)) == 'import lib\nx = """\n```\n"""\n'


@pytest.mark.parametrize("reply", ["", "I can't.", f"{BLOCK}{BLOCK}", "```python\ndef (:\n```"])
def test_a_reply_without_one_program_changes_nothing(reply: str) -> None:
    assert with_program(BLOCK, reply) is None


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_texts_can_be_read(text: str, reply: str) -> None:
    program(text, ("lib",))
    with_program(text, reply)
