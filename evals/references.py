"""`python -m evals references`: run the program that comes with each request, and see that its own check holds.

A check that any picture passes says nothing: so each is also held against an empty scene, one plain sphere, and what
all the other programs show.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from agent.sandbox import Sandbox
from agent.settings import load_settings
from agent.shell.progress import progress_bars
from agent.sources import parse_spec
from evals.cases import DATA, select
from evals.code_requests import Request, load_requests, reference
from evals.code_runs import try_code
from evals.code_scores import BLANK
from evals.scene_check import missing
from evals.scenes import Tried

_SCENE = "import numpy as np\nfrom fury import actor, window\nscene = window.Scene()\n"
_SHOW = "window.ShowManager(scene=scene).start()\n"
WRONG: Mapping[str, str] = {
    "an empty scene": _SCENE + _SHOW,
    "one plain sphere": f"{_SCENE}scene.add(actor.sphere(np.zeros((1, 3))))\n{_SHOW}",
}
"""Programs that fulfil no request."""


def main(arguments: Sequence[str]) -> int:
    """Run the references that are named, or all; the exit code is 1 if one of them or of the checks is wrong."""
    parser = argparse.ArgumentParser(prog="python -m evals references", description=__doc__)
    parser.add_argument("--id", action="append", default=[], help="only this request (repeatable)")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="write what each program showed, as JSON")
    options = parser.parse_args(arguments)
    settings = load_settings()
    release = parse_spec(settings.library)
    folder = DATA / f"{release.library}-{release.version}-code"
    requests = select(load_requests(folder), ids=options.id)
    sandbox = Sandbox(settings, release.library, release.version or "")
    programs = {request.id: reference(folder, request) for request in requests} | {**WRONG}
    tried: dict[str, Tried] = {}
    with progress_bars() as progress:
        for number, (name, code) in enumerate(programs.items()):
            progress("references", number, len(programs))
            tried[name] = try_code(code, sandbox)
    if options.keep is not None:
        options.keep.write_bytes(b"\n".join(msgspec.json.encode((name, one)) for name, one in tried.items()) + b"\n")
    problems = list(found(requests, tried))
    sys.stdout.write("".join(f"{line}\n" for line in [*table(requests, tried), *problems]))
    sys.stdout.write(f"{len(requests)} references, {len(problems)} problems\n")
    return 1 if problems else 0


def found(requests: Sequence[Request], tried: Mapping[str, Tried]) -> Iterator[str]:
    """Yield what is wrong with the references, and with checks that hold where they must not."""
    for request in requests:
        one = tried[request.id]
        if not one.ok:
            yield f"{request.id}: {one.error}"
        elif (one.drawn or 0.0) < BLANK:
            yield f"{request.id}: nothing is drawn"
        else:
            yield from (f"{request.id}: {reason}" for reason in missing(request.expect, one.seen))
        yield from (f"{request.id}: {name} passes" for name in WRONG if not missing(request.expect, tried[name].seen))


def table(requests: Sequence[Request], tried: Mapping[str, Tried]) -> Iterator[str]:
    """Yield a line for each reference: its seconds, how much it draws, and which other references pass its check."""
    for request in requests:
        one = tried[request.id]
        others = [
            other.id for other in requests if other is not request and not missing(request.expect, tried[other.id].seen)
        ]
        also = f"  (so do {', '.join(others)})" if others else ""
        yield f"{request.id:20}{one.seconds:6.1f} s  {one.drawn or 0.0:6.1%} drawn{also}"
