"""What a terminal says of an answer's checks."""

from __future__ import annotations

from msgspec.structs import replace

from agent.rendering import badge, plain_answer
from agent.schema import Finding, Verification
from tests.fakes import ANSWER

BAD_CALL = Finding("bad-call", 1, 1, "sphere", "`sphere()` lacks the required `centers`.")
UNKNOWN = Finding("unknown-name", 1, 1, "spher", "`fury.spher` does not exist.", "fury.spher")


def lines(found: Verification) -> list[str]:
    return [line for line, _ in badge(replace(ANSWER, verification=found))]


def test_what_holds_is_said_in_one_line() -> None:
    assert lines(Verification(checked_names=7)) == ["checked: 7 names, all exist in fury 2.0.0"]
    assert lines(Verification(2, checked_calls=1)) == ["checked: 2 names, all exist in fury 2.0.0; 1 call, which fits"]
    assert lines(Verification()) == ["checked: no names in fury 2.0.0"]


def test_what_does_not_hold_is_counted() -> None:
    found = Verification(7, ("fury.spher",), (BAD_CALL.message,), checked_calls=3, findings=(BAD_CALL, UNKNOWN))
    told = "checked: 7 names, 1 does not exist in fury 2.0.0; 3 calls, 1 does not fit"
    assert lines(found) == [told]
    assert told in plain_answer(replace(ANSWER, verification=found))


def test_repairs_and_what_was_not_checked_are_told() -> None:
    found = Verification(1, repaired=("added `import fury`",), unchecked="Not checked to the end: too long.")
    assert lines(found)[1:] == ["repaired: added `import fury`", "Not checked to the end: too long."]
