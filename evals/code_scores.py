"""How far each request got with each arm: code, run, picture, fulfilled; each step asks for the one before."""

from __future__ import annotations

import re
from collections.abc import Sequence

from evals.code_requests import Request
from evals.observations import Coded
from evals.runs import Run
from evals.scene_check import missing
from evals.scenes import Tried
from evals.scoring import Scores

STEPS = ("has code", "ran", "picture", "fulfilled")
BLANK = 0.0005
"""Share of a picture's pixels that something must take up; a text of 20 pixels' height takes more."""
_ERROR = re.compile(r"^(?:\w+\.)*(\w*(?:Error|Exception|Exit|Warning|Interrupt))\b", re.MULTILINE)


def steps(entry: Coded, request: Request) -> int:
    """Return how many steps an answer took."""
    tried = entry.tried
    if tried is None:
        return 0
    if not tried.ok:
        return 1
    if (tried.drawn or 0.0) < BLANK:
        return 2
    return 3 if missing(request.expect, tried.seen) else 4


def failure(entry: Coded, request: Request) -> tuple[str, str] | None:
    """Return the kind and the reason of what went wrong, in words; None where the request is fulfilled."""
    tried = entry.tried
    if tried is None:
        return "no code", "the answer has no code"
    match steps(entry, request):
        case 1:
            return _kind(tried), tried.error or "it failed"
        case 2:
            return "no picture", "it shows nothing" if tried.drawn is None else "its picture is blank"
        case 3:
            return "not what was asked", "; ".join(missing(request.expect, tried.seen))
        case _:
            return None


def _kind(tried: Tried) -> str:
    """Return the class of the exception that ended a run, or that a limit did."""
    *_, last = (tried.error or "").splitlines() or [""]
    found = _ERROR.match(last)
    return found[1] if found else "limit or signal"


def score_code(run: Run, requests: Sequence[Request]) -> Scores | None:
    """Return the scores of all arms, each measure named by arm and step; None where nothing was written."""
    scores = Scores({})
    for arm in run.arms():
        entries = run.coded(arm, requests)
        for number, step in enumerate(STEPS, start=1):
            scores.values[measure(arm, step)] = {
                one.id: float(steps(entries[one.id], one) >= number)
                for one in requests
                if one.id in entries and entries[one.id].error is None
            }
        scores.failed[measure(arm, STEPS[0])] = {id_: entry.error for id_, entry in entries.items() if entry.error}
    return scores if any(scores.values.values()) else None


def measure(arm: str, step: str) -> str:
    """Return the name of a measure."""
    return f"{arm}: {step}"
