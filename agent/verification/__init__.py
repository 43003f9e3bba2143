"""What code can say about an answer: where it comes from, and whether its names and calls exist.

`supported` drops citations that have nothing in common with their sentence, `cite` attaches the others; `check_code`
holds Python against a library's API model; `check_answer` does so with all code blocks of a Markdown text and the
library's names in its prose; `verdict` says in words what is wrong. Nothing that is checked is ever run.
"""

from agent.schema import MAX_CODE, Finding, FindingKind
from agent.verification.answer import check_answer
from agent.verification.calls import signature
from agent.verification.citations import citation, cite, passage, uses
from agent.verification.code import check_code
from agent.verification.links import without_foreign_links, without_mentions
from agent.verification.markdown import CUT_OFF, closed, code_blocks, open_fence, outside_code
from agent.verification.program import program, with_program
from agent.verification.report import HARMLESS, AnswerReport, CheckedBlock, CodeReport
from agent.verification.support import supported
from agent.verification.verdict import (
    Advise,
    note,
    sentence,
    unread,
    verdict,
    verify_code,
    verify_markdown,
    without_note,
)
from agent.verification.wording import missing

__all__ = [
    "CUT_OFF",
    "HARMLESS",
    "MAX_CODE",
    "Advise",
    "AnswerReport",
    "CheckedBlock",
    "CodeReport",
    "Finding",
    "FindingKind",
    "check_answer",
    "check_code",
    "citation",
    "cite",
    "closed",
    "code_blocks",
    "missing",
    "note",
    "open_fence",
    "outside_code",
    "passage",
    "program",
    "sentence",
    "signature",
    "supported",
    "unread",
    "uses",
    "verdict",
    "verify_code",
    "verify_markdown",
    "with_program",
    "without_foreign_links",
    "without_mentions",
    "without_note",
]
