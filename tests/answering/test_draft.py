"""An answer while it is being written."""

from __future__ import annotations

import time
from uuid import uuid4

from msgspec.structs import replace

from agent.answering.draft import Draft
from agent.schema import Answer, Ran
from agent.symbols import ApiModel, Parameter, Symbol
from agent.verification import CUT_OFF
from tests.support import make_chunk
from tests.test_generations import INFO

LIB = ApiModel({"lib": Symbol("lib", "module", "lib.py", 1, 9, "lib", members_known=True)}, {})
HALF = "Do this:\n\n```python\nimport lib\nlib.wrong()\nlib."
DOC = "Draw.\n\nParameters\n----------\ncenters : ndarray, shape (N, 3)\n    Where.\n"
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
    ball = Symbol("lib.ball", "function", "lib.py", 1, 2, "lib.ball", parameters=(Parameter("centers"),))
    api = ApiModel({"lib": LIB.resolve("lib") or ball, "lib.ball": ball}, {})
    draft = Draft(INFO, (), uuid4(), time.perf_counter(), api=api)
    draft.add("```python\nimport lib\nfor x in [(0, 0, 0), (1, 0, 0)]:\n    lib.ball(x)\n```", "stop")
    answer = draft.answered("model", look_up=lambda _: [make_chunk(doc=DOC, symbol="ball")]).answer
    assert "import numpy as np\n" in answer.answer
    assert "    lib.ball(np.atleast_2d(x))\n" in answer.answer
    assert answer.verification.repaired == ("passed arrays of rows where the code passed single ones",)


def test_the_note_below_an_answer_tells_what_is_known_of_a_missing_name() -> None:
    draft = Draft(
        INFO, (), uuid4(), time.perf_counter(), api=LIB, advise=lambda found: replace(found, message="It is elsewhere.")
    )
    draft.add("```python\nimport lib\nlib.wrong()\n```", "stop")
    assert draft.answered("model").answer.answer.endswith("- It is elsewhere.")


def _ran(code: str, *errors: str) -> Answer:
    """Answer with a program that ends with one error after the other until it runs."""
    doc = f"{DOC}size : float, optional\n    How.\n"
    parameters = (Parameter("centers"), Parameter("size", default="1.0"))
    ball = Symbol("lib.ball", "function", "lib.py", 1, 2, "lib.ball", parameters=parameters)
    api = ApiModel({"lib": LIB.resolve("lib") or ball, "lib.ball": ball}, {})
    draft = Draft(INFO, (), uuid4(), time.perf_counter(), api=api)
    draft.add(f"```python\n{code}\n```", "stop")
    outcomes = [*(Ran(ok=False, seconds=1.0, error=error) for error in errors), Ran(ok=True, seconds=1.0)]
    chunk = make_chunk(doc=doc, symbol="ball")
    return draft.answered("model", run=lambda _: outcomes.pop(0), look_up=lambda _: [chunk]).answer


def test_an_argument_that_is_no_number_where_one_is_documented_goes_at_last() -> None:
    error = "Line 3: lib.ball(c, size=c)\nValueError: setting an array element with a sequence"
    answer = _ran("import lib\nc = [[0, 0, 0]]\nlib.ball(c, size=c)", error)
    assert "lib.ball(c)" in answer.answer
    assert answer.verification.repaired == ("left out the argument `size`, whose value `ball()` refused",)


def test_a_row_times_many_numbers_is_mended_where_it_failed() -> None:
    code = "import lib\nimport numpy as np\np = np.array([0, 0, 1]) * t()\nlib.ball(p)"
    error = "Line 3: p\nValueError: operands could not be broadcast together with shapes (3,) (9,) "
    answer = _ran(code, error)
    assert "p = np.outer(t(), np.array([0, 0, 1]))" in answer.answer
    assert len(answer.verification.repaired) == 1


def test_what_a_module_lacks_goes_with_its_statement_and_nothing_else() -> None:
    code = "import lib\nlib.ball(1)\nlib.ball(2)\nx = lib.cube(size=[1])"
    answer = _ran(code, "Line 4: x\nAttributeError: module 'lib' has no attribute 'cube'")
    assert "pass  # left out, as there is no `cube`" in answer.answer
