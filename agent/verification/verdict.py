"""What a check means for readers: the contract's `Verification`, and the words that stay visible below an answer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from msgspec.structs import replace

from agent.schema import Finding, Verification
from agent.symbols import ApiModel
from agent.verification.answer import check_answer
from agent.verification.code import check_code
from agent.verification.report import HARMLESS, AnswerReport, CheckedBlock

Advise = Callable[[Finding], Finding]
"""A finding -> the same with what is known beyond the version that was checked: what took a name's place."""

_MARK = "**Checked against "
_MOST_SHOWN = 8
_MOST_ADVISED = 50  # each is looked up in other versions: a text full of inventions is no reason to search for long
_LONGEST_SIGNATURE = 200
_MOST_TAGS, _LONGEST_TAG = 5, 20


def verify_code(code: str, api: ApiModel, where: str, advise: Advise | None = None) -> Verification:
    """Check Python code: a user's file, or what was sent to be checked.

    Args:
        code: any text; see `check_code`.
        api: the library's API model.
        where: name and version of the library, as a reader knows them.
        advise: says more of each finding.

    Returns:
        A verification, whatever the text is; its places are those in `code`. Unused imports are among the findings.
    """
    report = AnswerReport(blocks=(CheckedBlock(1, 0, code, check_code(code, api)),))
    return verdict(report, api, where, advise=advise, unused=True)


def verify_markdown(text: str, api: ApiModel, where: str, advise: Advise | None = None) -> Verification:
    """Check the Python blocks and names of a Markdown text; as `verify_code`, but a page may import to show how."""
    return verdict(check_answer(text, api), api, where, advise=advise)


def verdict(
    report: AnswerReport,
    api: ApiModel,
    where: str,
    *,
    told: Collection[str] = (),
    lines_before: int = 0,
    advise: Advise | None = None,
    unused: bool = False,
) -> Verification:
    """Turn a report into what the contract says of it.

    Args:
        report: what was found.
        api: what it was held against.
        where: name and version of the library.
        told: missing names of which the reader is told anyway; prose may repeat them.
        lines_before: how many lines the reader sees above the text that was checked.
        advise: says more of each finding.
        unused: whether unused imports are findings.
    """
    repeated = {finding for finding in report.prose.findings if finding.path in told}
    findings = [f for f in report.findings if (unused or f.kind != HARMLESS) and f not in repeated]
    if advise is not None:
        findings[:_MOST_ADVISED] = map(advise, findings[:_MOST_ADVISED])
    unknown = {f.path for f in findings if f.kind == "unknown-name" and f.path is not None}
    return Verification(
        checked_names=len(report.known) + len(unknown),
        unknown_names=tuple(sorted(unknown)),
        bad_calls=tuple(dict.fromkeys(f.message for f in findings if f.kind == "bad-call")),
        checked_calls=report.calls_checked,
        findings=tuple(replace(finding, line=finding.line + lines_before) for finding in findings),
        unchecked_names=report.unchecked,
        unchecked_calls=report.calls_open,
        unchecked=" ".join(_unchecked(report, api, where)) or None,
    )


def _unchecked(report: AnswerReport, api: ApiModel, where: str) -> Iterator[str]:
    if not api.roots and (report.blocks or report.prose.skipped or report.has_inline_code):
        yield f"There is no Python API of {where} to check against."
    reasons = [report.prose.skipped, *(block.report.skipped for block in report.blocks)]
    for reason in dict.fromkeys(reason for reason in reasons if reason is not None):
        yield f"Not checked to the end: {reason}."


def unread(report: AnswerReport) -> str | None:
    """Return which code of an answer was not looked at, in a sentence; None where there is none."""
    shown = [tag[:_LONGEST_TAG] for tag in report.other_languages[:_MOST_TAGS]]
    languages = [f"in {tag}" if tag else "without a language" for tag in shown]
    return f"Only Python is checked, not the code {' and '.join(languages)}." if languages else None


def note(found: Verification, where: str) -> str:
    """Return what a reader must know of an answer that does not hold, as Markdown; empty where nothing is wrong."""
    told = list(dict.fromkeys(_sentences(found.findings)))
    shown, more = told[:_MOST_SHOWN], len(told) - _MOST_SHOWN
    if more > 0:
        shown.append(f"And {more} more.")
    if not shown and found.unchecked is None:
        return ""
    lines = [f"{_MARK}{where}: not all of this holds.**", "", *(f"- {sentence}" for sentence in shown)]
    if not shown:
        lines = [f"{_MARK}{where}, but not all of it.** {found.unchecked}"]
    return "\n".join(lines)


def without_note(text: str) -> str:
    """Return an answer without the words that `note` added."""
    answer, _, _ = text.rpartition(f"\n\n{_MARK}")
    return answer or text


def sentence(finding: Finding) -> str:
    """Return a finding in words that need no place beside them; of a call, with the true signature."""
    if finding.kind == "syntax":
        return finding.message.replace("This is", "A code block is", 1)
    if finding.kind == "bad-call" and len(finding.suggestions[0]) <= _LONGEST_SIGNATURE:
        return f"{finding.message} It is `{finding.suggestions[0]}`."
    return finding.message


def _sentences(findings: tuple[Finding, ...]) -> Iterator[str]:
    yield from (sentence(finding) for finding in findings if finding.kind != "undefined-name")
    undefined = dict.fromkeys(f"`{finding.subject}`" for finding in findings if finding.kind == "undefined-name")
    if undefined:
        yield f"The code neither imports nor assigns {', '.join(undefined)}."
