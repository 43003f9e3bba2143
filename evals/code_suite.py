"""The suite `code`: every arm writes a program for every request, and each program is run and looked at."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from agent.errors import AgentError, ServiceError
from agent.symbols import ApiModel
from agent.verification import check_answer
from evals.arms import Arm
from evals.code_requests import Request
from evals.observations import Coded
from evals.observe import FAILURES_IN_A_ROW, Observer
from evals.scenes import Tried

Try = Callable[[str], Tried]
"""Runs a program."""


def write_all(observer: Observer, requests: Sequence[Request], arms: Sequence[Arm], run: Try, library: str) -> None:
    """Let every arm write for every request, and run what it wrote; whatever is in the run already stays.

    Args:
        observer: keeps what comes of it.
        requests: what is asked for.
        arms: who is asked, one after the other.
        run: runs a program.
        library: import name of the library, by which a whole program is known.

    Raises:
        ServiceError: several requests in a row could not be answered; what was written before is kept.
        SandboxUnavailable: code cannot be run here.
    """
    failures = 0
    turns = [(arm, request) for arm in arms for request in requests]
    for number, (arm, request) in enumerate(turns):
        observer.progress(f"code: {arm.name}", number, len(turns))
        entry = Coded(arm=arm.name, case=request.id, request=request.request)
        if observer.has(entry):
            continue
        entry = written(entry, arm)
        failures = failures + 1 if entry.error else 0
        entry = tried(entry, run, library) if entry.answer is not None else entry
        observer.run.append(entry)
        if failures == FAILURES_IN_A_ROW:
            raise ServiceError(
                f"{failures} requests in a row could not be answered, the last because: {entry.error}",
                remedy="The results so far are kept; the same command goes on from there.",
            )


def written(entry: Coded, arm: Arm) -> Coded:
    """Let an arm answer; a failure is recorded, not raised."""
    started = time.perf_counter()
    try:
        answer = arm.write(entry.request)
    except AgentError as error:
        return replace(entry, error=str(error))
    return replace(entry, answer=answer, seconds=round(time.perf_counter() - started, 2))


def tried(entry: Coded, run: Try, library: str) -> Coded:
    """Run the program of an answer, if it has one."""
    code = program(entry.answer or "", library)
    return replace(entry, code=code, tried=run(code) if code else None)


def program(markdown: str, library: str) -> str:
    """Return the program that a reader would take from an answer: its Python blocks from the last one on that is whole.

    A block is whole if it imports the library: what follows it without doing so goes on from it, what stands before it
    is another attempt or a variant. Where none does, all blocks are one program.
    """
    blocks = [block.code for block in check_answer(markdown, ApiModel({}, {})).blocks]
    whole = [number for number, code in enumerate(blocks) if _imports(code, library)]
    return "\n".join(blocks[whole[-1] if whole else 0 :])


def _imports(code: str, library: str) -> bool:
    lines: Iterable[list[str]] = (line.split() for line in code.splitlines())
    return any(words[:1] in (["import"], ["from"]) and words[1:2] and _root(words[1]) == library for words in lines)


def _root(path: str) -> str:
    return path.rstrip(",").partition(".")[0]
