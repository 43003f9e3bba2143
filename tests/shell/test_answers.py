"""What a terminal says of an answer's checks."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace
from PIL import Image
from rich.console import Console

from agent.schema import Finding, Ran, Verification
from agent.shell.answers import PICTURE_COLUMNS, answer_text, badge, plain_answer
from tests.fakes import ANSWER

BAD_CALL = Finding("bad-call", 1, 1, "sphere", "`sphere()` lacks the required `centers`.")
UNKNOWN = Finding("unknown-name", 1, 1, "spher", "`fury.spher` does not exist.", "fury.spher")


def lines(found: Verification) -> list[str]:
    return [line for line, _ in badge(replace(ANSWER, verification=found))]


def test_what_holds_is_said_in_one_line() -> None:
    assert lines(Verification(checked_names=7)) == ["checked: 7 names, all exist in fury 2.0.0"]
    assert lines(Verification(2, checked_calls=1)) == ["checked: 2 names, all exist in fury 2.0.0; 1 call, which fits"]
    told = "checked: 2 names, all exist in fury 2.0.0; 1 call, which fits; 3 not decided"
    assert lines(Verification(2, checked_calls=1, unchecked_names=("fury.a", "fury.b"), unchecked_calls=1)) == [told]
    assert lines(Verification()) == ["checked: no names in fury 2.0.0"]


def test_what_does_not_hold_is_counted() -> None:
    found = Verification(7, ("fury.spher",), (BAD_CALL.message,), checked_calls=3, findings=(BAD_CALL, UNKNOWN))
    told = "checked: 7 names, 1 does not exist in fury 2.0.0; 3 calls, 1 does not fit"
    assert lines(found) == [told]
    assert told in plain_answer(replace(ANSWER, verification=found), Path())


def test_repairs_and_what_was_not_checked_are_told() -> None:
    found = Verification(1, repaired=("added `import fury`",), unchecked="Not checked to the end: too long.")
    assert lines(found)[1:] == ["repaired: added `import fury`", "Not checked to the end: too long."]


def test_a_run_is_told_with_its_error() -> None:
    assert lines(Verification(ran=Ran(ok=True, seconds=6.24)))[1:] == ["ran without error in 6.2 s"]
    failed = Ran(ok=False, seconds=1.0, error="Line 3: actor.sphere(1, 2)\nTypeError: too many")
    told = "failed when it was run: Line 3: actor.sphere(1, 2); TypeError: too many"
    assert lines(Verification(ran=failed))[1:] == [told]


def test_the_picture_is_shown_and_its_file_is_named(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), "red").save(tmp_path / "red.png")
    answer = replace(ANSWER, verification=Verification(ran=Ran(ok=True, seconds=1.0, image_url="/pictures/red.png")))
    assert f"picture: {tmp_path / 'red.png'}" in plain_answer(answer, tmp_path)
    console = Console(record=True, width=100, color_system="truecolor", force_terminal=True)
    console.print(answer_text(answer, tmp_path))
    assert "░" * PICTURE_COLUMNS in console.export_text()  # what a terminal without colours or pixels gets


def test_a_picture_that_is_gone_is_not_named(tmp_path: Path) -> None:
    answer = replace(ANSWER, verification=Verification(ran=Ran(ok=True, seconds=1.0, image_url="/pictures/red.png")))
    assert "picture" not in plain_answer(answer, tmp_path)
