"""What is done about a draft that does not hold: certain repairs, then the model's own second try, then a run.

A correction may never make it worse: it is kept only where less is wrong than before.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from agent.errors import InvalidInput, SandboxUnavailable, StorageError
from agent.repair import repair
from agent.schema import Finding, Ran
from agent.symbols import ApiModel
from agent.verification import Advise, AnswerReport, check_answer, program, sentence, with_program, without_mentions

Rewrite = Callable[[Sequence[str]], str]
"""What is wrong with a program, one sentence each -> what the model says when it is asked for another, or nothing."""
Run = Callable[[str], Ran]


class Mended(Struct, frozen=True):
    """A program that may run where another failed, and what was done to it, in words."""

    code: str
    done: str


Certain = Callable[[str], Mended | None]
"""A program -> what is right in its place whatever it does, or None."""
Mend = Callable[[str, str], Iterable[Mended]]
"""(program, the error it ended with) -> what may run instead, likeliest first."""

MOST_TOLD = 5
"""Findings that the model is told of; a small one loses itself in more."""
MOST_MENDS = 5
"""Mended programs that are run: not each helps, and behind an error may stand another."""
MOST_REWRITTEN = 2
"""Programs that are written anew after a run has failed, each told the error of the one before."""
STILL_WRONG = "Another try was no better."
NOT_RUN = "The code was not run:"
"""How the reason begins for which a program was not run."""
_MOST_OF_ERROR = 200
"""Characters of an error's last line that are repeated; a program says in it what it likes."""
_WORDS_OF_LINE = re.compile(r"^(Line \d+: ).*")
_FATAL = ("syntax", "undefined-name", "unknown-name", "bad-call")


class Corrected(Struct, frozen=True):
    """An answer after its correction.

    Attributes:
        text: what it became.
        report: what is still wrong.
        done: what was put right, in words, in order.
        ran: what happened when its program was run.
        not_run: why it was not, where it should have been.
        rewritten: the model wrote its program anew.
    """

    text: str
    report: AnswerReport
    done: tuple[str, ...] = ()
    ran: Ran | None = None
    not_run: str | None = None
    rewritten: bool = False


def correct(
    text: str,
    api: ApiModel,
    *,
    certain: Sequence[Certain] = (),
    rewrite: Rewrite | None = None,
    run: Run | None = None,
    mend: Mend | None = None,
    do_without: Mend | None = None,
    advise: Advise | None = None,
) -> Corrected:
    """Correct an answer as far as the given means go.

    Args:
        text: Markdown.
        api: the library's API model.
        certain: repair a program beyond what the API model tells, one after the other.
        rewrite: asks the model once for the check's findings, and `MOST_REWRITTEN` times for the error of a run.
        run: runs a program.
        mend: changes a program that has failed, before the model is asked.
        do_without: as `mend`, but what it gives does less than was asked for: tried when all else has failed.
        advise: says more of a finding before the model is told of it.
    """
    repaired = partial(_repaired, api=api, certain=certain)
    first = current = repaired(text)
    tried: Corrected | None = None
    if told := _problems(current.report, advise):
        if run is not None and mend is not None:
            # A run's error is mended in seconds, and what was right stays; the model takes a minute, and begins anew.
            tried = _mended(_ran(current, run, api), run, mend, api)
            if tried.ran is not None and tried.ran.ok:
                return tried
        if rewrite is not None:
            words = "rewrote the code, since names or calls in it were wrong"
            current = _better(current, rewrite(told), api, words, repaired)
    if run is None:
        return current
    current = tried if tried is not None and current is first else _mended(_ran(current, run, api), run, mend, api)
    anew = _written_anew(current, rewrite, run, mend, api, repaired) if rewrite is not None else None
    if anew is not None:
        return anew
    return _mended(current, run, _either(mend, do_without), api) if do_without is not None else current


def _written_anew(
    current: Corrected,
    rewrite: Rewrite,
    run: Run,
    mend: Mend | None,
    api: ApiModel,
    repaired: Callable[[str], Corrected],
) -> Corrected | None:
    """Return the answer with a new program that runs, or None where none does."""
    failed, asked = current, list[str]()
    for _ in range(MOST_REWRITTEN):
        if failed.ran is None or failed.ran.error is None:
            break
        error = failed.ran.error
        asked = [*asked, STILL_WRONG] if error in asked else [error]  # asked in the same words, it says the same
        if not (reply := rewrite(asked)):
            break  # it does not answer, or there is no time left
        again = _better(failed, reply, api, f"rewrote the code after it had failed: {_last(error)}", repaired)
        if again is failed:
            continue
        failed = _mended(_ran(again, run, api), run, mend, api)
        if failed.ran is not None and failed.ran.ok:
            return failed
    return None


def _repaired(text: str, api: ApiModel, certain: Sequence[Certain]) -> Corrected:
    repaired = repair(text, api)
    current = Corrected(repaired.text, repaired.report, repaired.done)
    for mend in certain:
        code = program(current.text, api.roots)
        # Of several blocks, or one that was read with something left out, only a run would show that nothing is lost.
        mended = mend(code) if code is not None and code.strip("\n") in current.text else None
        current = (_with(current, mended, api) if mended is not None else None) or current
    return current


def _with(current: Corrected, mended: Mended, api: ApiModel) -> Corrected | None:
    """Return the answer with another program; None where it has no place for one, or the check finds something new."""
    text = with_program(current.text, f"~~~~python\n{mended.code}\n~~~~", api.roots)
    if text is None:
        return None
    report = check_answer(text, api)
    if Counter(map(_what, _fatal(report))) - Counter(map(_what, _fatal(current.report))):
        return None
    return replace(current, text=text, report=report, done=(*current.done, mended.done))


def _better(
    current: Corrected,
    reply: str,
    api: ApiModel,
    words: str,
    repaired: Callable[[str], Corrected],
) -> Corrected:
    """Return the answer with the model's new program, if the check finds no more in it than in the old one."""
    text = with_program(current.text, reply, api.roots)
    if text is None or text == current.text or program(text, api.roots) is None:
        return current  # nothing that uses the library, and so nothing in which anything could be wrong
    after = repaired(text)
    before, now = len(_fatal(current.report)), len(_fatal(after.report))
    if now > before or (now == before and current.ran is None):
        return current
    return replace(after, done=(*current.done, words, *after.done), rewritten=True)


def _mended(current: Corrected, run: Run, mend: Mend | None, api: ApiModel) -> Corrected:
    """Return the answer with its program mended, if it then runs."""
    best, runs = current, iter(range(MOST_MENDS))
    while mend is not None and (after := _another(best, run, mend, api, runs)) is not None:
        best = after
    return best if best.ran is not None and best.ran.ok else current


def _another(failed: Corrected, run: Run, mend: Mend, api: ApiModel, runs: Iterator[int]) -> Corrected | None:
    """Return the answer with the first mended program that does not end as this one did, or None."""
    code, error = program(failed.text, api.roots), failed.ran.error if failed.ran is not None else None
    if code is None or error is None:
        return None
    for new in mend(code, error):
        changed = _with(failed, new, api)
        if changed is None:
            continue
        if next(runs, None) is None:
            return None
        after = _ran(changed, run, api)
        if after.ran is None or _said(after.ran.error) != _said(error):
            return after
    return None


def _said(error: str | None) -> str | None:
    """Return an error without the words of the line that it is on: a mend changes these."""
    return _WORDS_OF_LINE.sub(r"\1", error) if error is not None else None


def _either(first: Mend | None, second: Mend) -> Mend:
    """Return what mends as the first does, or else as the second."""
    return lambda code, error: chain(first(code, error) if first is not None else (), second(code, error))


def _ran(current: Corrected, run: Run, api: ApiModel) -> Corrected:
    code = program(current.text, api.roots)
    if code is None:
        return replace(current, ran=None)
    try:
        return replace(current, ran=run(code))
    except (SandboxUnavailable, StorageError, InvalidInput) as error:
        return replace(current, ran=None, not_run=f"{NOT_RUN} {error.message}")
    except OSError as error:  # no process, file or memory could be had for it
        return replace(current, ran=None, not_run=f"{NOT_RUN} {error}.")


def _fatal(report: AnswerReport) -> list[Finding]:
    return [finding for block in report.blocks for finding in block.report.findings if finding.kind in _FATAL]


def _what(finding: Finding) -> tuple[str, str, str | None]:
    return finding.kind, finding.subject, finding.path


def _problems(report: AnswerReport, advise: Advise | None) -> list[str]:
    """Return what a model needs to know of each fatal finding: the line, and what is wrong with it."""
    told: dict[str, None] = {}
    for block in report.blocks:
        lines = block.code.splitlines()
        for finding in block.report.findings:
            if finding.kind in _FATAL:
                words = sentence(advise(finding) if advise is not None else finding)
                told.setdefault(f"`{lines[finding.line - 1].strip()}`: {words}")
    return list(told)[:MOST_TOLD]


def _last(error: str) -> str:
    return without_mentions(error.splitlines()[-1][:_MOST_OF_ERROR]) if error else error
