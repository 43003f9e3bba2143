"""Corrections: each step is taken only where it is needed, and kept only where it makes an answer better."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from agent.answering.correction import MOST_MENDS, STILL_WRONG, Mended, correct
from agent.errors import SandboxUnavailable
from agent.schema import Finding, Ran
from agent.symbols import ApiModel, Parameter, Symbol

SPHERE = Symbol("lib.sphere", "function", "lib.py", 1, 2, "lib.sphere", parameters=(Parameter("centers"),))
LIB = Symbol("lib", "module", "lib.py", 1, 9, "lib", members_known=True)
API = ApiModel({"lib": LIB, "lib.sphere": SPHERE}, {})
OK = Ran(ok=True, seconds=1.0, image_url="/pictures/a.png")
FAILED = Ran(ok=False, seconds=1.0, error="Line 2: lib.sphere([1])\nValueError: shape")


def fenced(code: str) -> str:
    return f"```python\n{code}\n```"


RIGHT = fenced("import lib\nlib.sphere([1])")
WRONG = fenced("import lib\nlib.frobnicate([1])")


class Model:
    """Says the same whenever it is asked, and remembers what it was told."""

    def __init__(self, reply: str) -> None:
        self.reply = reply
        self.told: list[Sequence[str]] = []

    def __call__(self, told: Sequence[str]) -> str:
        self.told.append(told)
        return self.reply


class Machine:
    """Runs programs: the outcomes come in turn."""

    def __init__(self, *outcomes: Ran) -> None:
        self.outcomes = list(outcomes)
        self.ran: list[str] = []

    def __call__(self, code: str) -> Ran:
        self.ran.append(code)
        return self.outcomes.pop(0)


def test_what_is_right_is_neither_asked_about_nor_changed() -> None:
    model = Model(WRONG)
    corrected = correct(RIGHT, API, rewrite=model, run=Machine(OK))
    assert (corrected.text, corrected.done, corrected.ran, model.told) == (RIGHT, (), OK, [])


def test_what_is_certain_is_put_right_though_nothing_fails() -> None:
    """In what the model writes anew as well."""

    def certain(code: str) -> Mended | None:
        return Mended(code.replace("([1])", "([[1]])"), "made rows") if "([1])" in code else None

    rows = fenced("import lib\nlib.sphere([[1]])")
    for text, words in ((RIGHT, ()), (WRONG, ("rewrote the code, since names or calls in it were wrong",))):
        corrected = correct(text, API, certain=[certain], rewrite=Model(RIGHT))
        assert corrected.text.strip() == rows
        assert corrected.done[-1:] == ("made rows",)
        assert set(words) <= set(corrected.done)


def test_the_model_is_told_the_line_and_what_is_wrong_with_it() -> None:
    model = Model(RIGHT)
    corrected = correct(WRONG, API, rewrite=model)
    assert corrected.text.strip() == RIGHT
    assert corrected.report.is_clean
    (told,) = model.told
    assert told[0].startswith("`lib.frobnicate([1])`: `lib.frobnicate` does not exist")
    assert corrected.done == ("rewrote the code, since names or calls in it were wrong",)


def test_a_model_that_says_nothing_of_use_is_asked_once_more_in_other_words() -> None:
    """In the same ones it would say the same."""
    told: list[Sequence[str]] = []

    def rewrite(problems: Sequence[str]) -> str:
        told.append(problems)
        return "No idea." if len(told) == 1 else fenced("import lib\nlib.sphere([2])")

    corrected = correct(RIGHT, API, rewrite=rewrite, run=Machine(FAILED, OK))
    assert corrected.ran == OK
    assert told == [[FAILED.error], [FAILED.error, STILL_WRONG]]


def test_a_model_that_does_not_answer_is_not_asked_again() -> None:
    model = Model("")
    assert correct(RIGHT, API, rewrite=model, run=Machine(FAILED)).ran == FAILED
    assert model.told == [[FAILED.error]]


def test_what_was_read_with_something_left_out_is_not_put_right_without_a_run() -> None:
    """Of two blocks, and of what only a notebook reads, words and lines would be lost."""

    def certain(code: str) -> Mended | None:
        return Mended(code.replace("([1])", "([[1]])"), "made rows")

    for text in (
        f"{RIGHT}\n\nThen:\n\n{fenced('lib.sphere([1])')}",
        fenced("!pip install lib\nimport lib\nlib.sphere([1])"),
    ):
        assert correct(text, API, certain=[certain]).text == text


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "I don't know.",
        fenced("import lib\nlib.unfrobnicate([1])"),
        fenced("import lib\nlib.abc()\nlib.xyz()"),
        fenced("import lib\nlib.sphere("),
        fenced(""),
        fenced("print('hi')"),
    ],
    ids=["nothing", "no code", "as wrong as before", "worse", "no Python", "an empty block", "another library"],
)
def test_a_second_try_that_is_not_better_is_forgotten(reply: str) -> None:
    corrected = correct(WRONG, API, rewrite=Model(reply))
    assert (corrected.text, corrected.done) == (WRONG, ())


def test_without_the_model_only_certain_repairs_are_made() -> None:
    assert correct(WRONG, API).text == WRONG
    assert correct(fenced("lib.sphere([1])"), API).done == ("added `import lib`",)


def test_an_error_of_the_run_is_told_and_the_second_program_runs_too() -> None:
    model, machine = Model(fenced("import lib\nlib.sphere([[1, 2, 3]])")), Machine(FAILED, OK)
    corrected = correct(RIGHT, API, rewrite=model, run=machine)
    assert model.told == [[FAILED.error]]
    assert corrected.ran == OK
    assert "[[1, 2, 3]]" in corrected.text
    assert corrected.done == ("rewrote the code after it had failed: ValueError: shape",)
    assert len(machine.ran) == 2


def test_a_second_program_that_fails_as_well_is_forgotten() -> None:
    corrected = correct(RIGHT, API, rewrite=Model(fenced("import lib\nlib.sphere(2)")), run=Machine(FAILED, FAILED))
    assert (corrected.text, corrected.ran, corrected.done) == (RIGHT, FAILED, ())


def test_a_program_that_fails_otherwise_is_followed_by_one_more_that_is_told_that_error() -> None:
    programs = [fenced(f"import lib\nlib.sphere({centers})") for centers in ("2", "[[1, 2, 3]]", "[[3, 2, 1]]")]
    other = Ran(ok=False, seconds=1.0, error="Line 2: lib.sphere(2)\nTypeError: rows")
    told: list[Sequence[str]] = []

    def model(problems: Sequence[str]) -> str:
        told.append(problems)
        return programs[len(told) - 1]

    corrected = correct(RIGHT, API, rewrite=model, run=Machine(FAILED, other, OK))
    assert told == [[FAILED.error], [other.error]]
    assert corrected.ran == OK
    assert "[[1, 2, 3]]" in corrected.text
    assert [done.rpartition(": ")[2] for done in corrected.done] == ["shape", "rows"]
    machine = Machine(FAILED, other, FAILED)
    told.clear()
    assert correct(RIGHT, API, rewrite=model, run=machine).ran == FAILED
    assert len(told) == 2


def test_a_second_program_in_which_more_is_wrong_is_not_even_run() -> None:
    machine = Machine(FAILED)
    corrected = correct(RIGHT, API, rewrite=Model(WRONG), run=machine)
    assert (corrected.text, corrected.ran) == (RIGHT, FAILED)


def test_an_answer_without_a_program_is_not_run() -> None:
    corrected = correct("It is a sphere.", API, rewrite=Model(RIGHT), run=Machine())
    assert (corrected.text, corrected.ran, corrected.not_run) == ("It is a sphere.", None, None)


def test_why_it_could_not_be_run_is_said() -> None:
    def closed(_: str) -> Ran:
        raise SandboxUnavailable("bubblewrap is not installed.", remedy="apt-get install bubblewrap")

    corrected = correct(RIGHT, API, run=closed)
    assert corrected.ran is None
    assert corrected.not_run == "The code was not run: bubblewrap is not installed."


def test_a_program_that_failed_is_mended_before_the_model_is_asked() -> None:
    model, machine = Model(RIGHT), Machine(FAILED, OK)
    mended = correct(
        RIGHT, API, rewrite=model, run=machine, mend=lambda code, _: [Mended(code.replace("[1]", "[[1]]"), "wrapped")]
    )
    assert (mended.ran, model.told) == (OK, [])
    assert "lib.sphere([[1]])" in mended.text
    assert machine.ran[1] == machine.ran[0].replace("[1]", "[[1]]")


def test_what_a_check_finds_is_mended_by_its_run_before_the_model_is_asked() -> None:
    model, machine = Model(RIGHT), Machine(FAILED, OK)
    mended = "import lib\npass"
    corrected = correct(
        WRONG, API, rewrite=model, run=machine, mend=lambda _code, _error: [Mended(mended, "left it out")]
    )
    assert (corrected.done, corrected.ran, model.told) == (("left it out",), OK, [])
    assert mended in corrected.text


def test_a_program_that_no_mending_helped_is_not_run_again() -> None:
    machine = Machine(FAILED)
    corrected = correct(WRONG, API, rewrite=Model(""), run=machine, mend=lambda _code, _error: [])
    assert (len(machine.ran), corrected.ran) == (1, FAILED)


def test_where_no_mending_helps_the_model_is_told_of_what_the_check_found() -> None:
    model, machine = Model(RIGHT), Machine(FAILED, OK)
    corrected = correct(WRONG, API, rewrite=model, run=machine, mend=lambda _code, _error: [])
    assert (corrected.text.strip(), corrected.ran, len(model.told)) == (RIGHT, OK, 1)


def test_mending_that_does_not_help_is_forgotten() -> None:
    corrected = correct(RIGHT, API, run=Machine(FAILED, FAILED), mend=lambda code, _: [Mended(f"{code}\n1", "added")])
    assert (corrected.text, corrected.done, corrected.ran) == (RIGHT, (), FAILED)


def test_what_stands_behind_a_mended_error_is_mended_too() -> None:
    machine = Machine(FAILED, Ran(ok=False, seconds=1.0, error="Line 1: another"), OK)
    words = iter(("first", "second"))
    mended = correct(RIGHT, API, run=machine, mend=lambda code, _: [Mended(f"{code}\n1", next(words))])
    assert (mended.ran, mended.done) == (OK, ("first", "second"))


def test_what_brings_in_a_name_that_is_not_there_is_dropped() -> None:
    worse = Mended("import lib\nlib.spheres([[1]])", "made rows")
    assert correct(RIGHT, API, certain=[lambda _: worse]).text == RIGHT
    assert correct(WRONG, API, certain=[lambda _: worse]).text == WRONG  # no better than what it replaces
    machine = Machine(FAILED)
    assert correct(RIGHT, API, run=machine, mend=lambda _code, _error: [worse]).text == RIGHT
    assert len(machine.ran) == 1


def test_what_leaves_the_error_as_it_was_is_dropped_for_the_next() -> None:
    def failed(line: str, words: str = "no") -> Ran:
        return Ran(ok=False, seconds=1.0, error=f"Line 2: {line}\nValueError: {words}")

    def mend(code: str, _: str) -> list[Mended]:
        return [Mended(f"{code}\n{number}", f"added {number}") for number in (1, 2)]

    machine = Machine(failed("a"), failed("b"), failed("c", "other"), failed("d", "other"), OK)
    mended = correct(RIGHT, API, run=machine, mend=mend)
    assert (mended.ran, mended.done) == (OK, ("added 2", "added 2"))
    added = [[line for line in code.splitlines() if line.isdigit()] for code in machine.ran]
    assert added == [[], ["1"], ["2"], ["2", "1"], ["2", "2"]]


def test_no_more_mended_programs_are_run_than_that() -> None:
    machine = Machine(*[FAILED] * 50)
    correct(RIGHT, API, run=machine, mend=lambda code, _: [Mended(f"{code}\n{n}", "added") for n in range(40)])
    assert len(machine.ran) == 1 + MOST_MENDS


def test_an_error_says_no_more_than_a_line_of_what_the_program_wanted_to_say() -> None:
    said = Ran(ok=False, seconds=1.0, error=f"Line 2: x\nValueError: @everyone {'x' * 999}")
    (done,) = correct(RIGHT, API, rewrite=Model(fenced("import lib\nlib.sphere([2])")), run=Machine(said, OK)).done
    assert len(done) < 300
    assert "@everyone" not in done


def test_a_program_does_without_what_fails_only_when_all_else_has_failed() -> None:
    left = "import lib\n"
    model, machine = Model(fenced("import lib\nlib.sphere([2])")), Machine(FAILED, FAILED, OK)
    corrected = correct(
        RIGHT,
        API,
        rewrite=model,
        run=machine,
        mend=lambda _code, _error: [],
        do_without=lambda _code, _error: [Mended(left, "left it out")],
    )
    assert (corrected.ran, corrected.done, len(model.told)) == (OK, ("left it out",), 2)
    assert machine.ran[-1].strip() == left.strip()


def test_where_the_second_try_runs_nothing_is_left_out() -> None:
    model, machine = Model(fenced("import lib\nlib.sphere([2])")), Machine(FAILED, OK)
    corrected = correct(
        RIGHT, API, rewrite=model, run=machine, do_without=lambda _code, _error: [Mended("import lib\n", "left it out")]
    )
    assert (corrected.ran, corrected.rewritten) == (OK, True)


def test_the_model_is_told_what_another_version_says_of_a_name() -> None:
    def advise(found: Finding) -> Finding:
        return replace(found, message=f"{found.message} Use `lib.sphere`.")

    model = Model(RIGHT)
    correct(WRONG, API, rewrite=model, advise=advise)
    ((told,),) = model.told
    assert told.endswith("Use `lib.sphere`.")
