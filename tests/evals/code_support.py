"""What the reference programs showed when they were run, for tests of the suite `code` that need no sandbox."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

from evals.cases import DATA
from evals.code_requests import Request, load_requests, reference
from evals.scenes import Tried

FOLDER = DATA / "fury-2.0.0-code"
REQUESTS = load_requests(FOLDER)
BY_ID = {request.id: request for request in REQUESTS}


@cache
def kept() -> dict[str, Tried]:
    """Return name -> what a program showed, as `python -m evals references --keep` wrote it."""
    lines = Path(__file__).with_name("references_seen.jsonl").read_bytes().splitlines()
    return dict(msgspec.json.decode(line, type=tuple[str, Tried]) for line in lines)


def program_of(request: Request) -> str:
    return reference(FOLDER, request)


def as_answer(code: str) -> str:
    return f"Like this:\n\n```python\n{code}```\n"


def run_kept(code: str) -> Tried:
    """Return what a reference showed in the place of running it; any other program fails."""
    for request in REQUESTS:
        if code == program_of(request):
            return kept()[request.id]
    return Tried(ok=False, seconds=1.0, error="Line 2: actor.ball()\nAttributeError: no attribute 'ball'")
