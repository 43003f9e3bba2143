"""Puts right what is certain in an answer, and keeps only what makes it better.

Repairs are made at their places in the text; everything else stays as it was, byte for byte. After each, the whole
text is checked again: a repair stays if fewer findings are left and none of them is new.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from agent.repair.fix import Fix
from agent.repair.fixes import Fixes
from agent.repair.giving_up import gives_up
from agent.symbols import ApiModel
from agent.verification.answer import check_answer
from agent.verification.report import AnswerReport

MOST_FINDINGS = 10
"""A text with more is left alone: its author was not a slip away from what is right."""


class Repaired(Struct, frozen=True):
    """A text after its repair.

    Attributes:
        text: what it became.
        report: what is still to be said of it.
        done: what was done, in words, in order.
    """

    text: str
    report: AnswerReport
    done: tuple[str, ...] = ()


def repair(markdown: str, api: ApiModel) -> Repaired:
    """Repair the Python blocks of a Markdown text, and the prose where it repeats a name that the code had wrong.

    Args:
        markdown: any text.
        api: the library's API model.

    Returns:
        The text itself where nothing is certain. Repairing twice is the same as once.
    """
    current = Repaired(markdown, check_answer(markdown, api))
    while 0 < _wrong(current.report).total() <= MOST_FINDINGS and (better := _step(current, api)) is not None:
        current = better
    return current


@gives_up
def _step(current: Repaired, api: ApiModel) -> Repaired | None:
    """Make all fixes at once if that is well, else the first that is, else none."""
    fixes = Fixes(current.text, current.report, api)
    each = fixes.all()
    attempts: list[Sequence[Fix]] = [each] if len(each) > 1 else []
    for attempt in [*attempts, *([fix] for fix in each)]:
        text = fixes.edited(attempt)
        if text is None or text == current.text:
            continue
        report = check_answer(text, api)
        if _is_better(report, current.report):
            return Repaired(text, report, (*current.done, *dict.fromkeys(fix.words for fix in attempt)))
    return None


def _is_better(after: AnswerReport, before: AnswerReport) -> bool:
    was, now = _wrong(before), _wrong(after)
    return not now - was and now.total() < was.total() and _skipped(after) == _skipped(before)


def _skipped(report: AnswerReport) -> list[str | None]:
    """Return what was not checked: a text in which less is checked has fewer findings, too."""
    return [report.prose.skipped, *(block.report.skipped for block in report.blocks)]


def _wrong(report: AnswerReport) -> Counter[tuple[str, str, str | None]]:
    """Return the findings without their places, which a repair moves.

    Not those on calls in prose, which are not repaired: one comes up when an import tells what is called there.
    """
    in_prose = (finding for finding in report.prose.findings if finding.kind != "bad-call")
    found = [*in_prose, *(finding for block in report.blocks for finding in block.report.findings)]
    return Counter((finding.kind, finding.subject, finding.path) for finding in found)
