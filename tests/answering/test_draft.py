"""An answer while it is being written."""

from __future__ import annotations

import time
from uuid import uuid4

from msgspec.structs import replace

from agent.answering.draft import ROWS, Draft
from agent.symbols import ApiModel, Parameter, Symbol
from agent.verification import CUT_OFF
from tests.support import make_chunk
from tests.test_generations import INFO

LIB = ApiModel({"lib": Symbol("lib", "module", "lib.py", 1, 9, "lib", members_known=True)}, {})
HALF = "Do this:\n\n```python\nimport lib\nlib.wrong()\nlib."
WHOLE = "```python\nimport lib\nprint(lib)\n```"


def _answer(text: str, rewritten: str = "") -> str:
    draft = Draft(INFO, (), uuid4(), time.perf_counter(), api=LIB)
    draft.add(text, "length")
    return draft.answered("model", rewrite=lambda _: rewritten).answer.answer


def test_a_cut_answer_says_so() -> None:
    assert CUT_OFF in _answer("All is well, but there is")
    assert CUT_OFF in _answer(HALF)


def test_a_program_that_was_cut_off_and_written_anew_is_whole() -> None:
    answer = _answer(HALF, WHOLE)
    assert "print(lib)" in answer
    assert CUT_OFF not in answer


def test_words_that_were_cut_off_stay_so_whatever_becomes_of_the_program() -> None:
    assert CUT_OFF in _answer("```python\nimport lib\nlib.wrong()\n```\nThis is beca", WHOLE)


def test_a_single_row_becomes_rows_where_the_library_takes_no_other() -> None:
    """Without a run: nobody would see otherwise that it fails."""
    doc = "Draw.\n\nParameters\n----------\ncenters : ndarray, shape (N, 3)\n    Where.\n"
    ball = Symbol("lib.ball", "function", "lib.py", 1, 2, "lib.ball", parameters=(Parameter("centers"),))
    api = ApiModel({"lib": LIB.resolve("lib") or ball, "lib.ball": ball}, {})
    draft = Draft(INFO, (), uuid4(), time.perf_counter(), api=api)
    draft.add("```python\nimport lib\nfor x in [(0, 0, 0), (1, 0, 0)]:\n    lib.ball(x)\n```", "stop")
    answer = draft.answered("model", look_up=lambda _: [make_chunk(doc=doc, symbol="ball")]).answer
    assert "import numpy as np\n" in answer.answer
    assert "    lib.ball(np.atleast_2d(x))\n" in answer.answer
    assert answer.verification.repaired == (ROWS,)


def test_the_note_below_an_answer_tells_what_is_known_of_a_missing_name() -> None:
    draft = Draft(
        INFO, (), uuid4(), time.perf_counter(), api=LIB, advise=lambda found: replace(found, message="It is elsewhere.")
    )
    draft.add("```python\nimport lib\nlib.wrong()\n```", "stop")
    assert draft.answered("model").answer.answer.endswith("- It is elsewhere.")
