"""What code can say about an answer: where it comes from, and whether its names and calls exist.

`supported` drops citations that have nothing in common with their sentence, `cite` attaches the others; `check_code`
holds Python against a library's API model; `check_answer` does so with all code blocks of a Markdown text and the
library's names in its prose; `repair` puts right what is certain, and `verdict` says in words what is not. Nothing that
is checked is ever run.
"""

from agent.schema import MAX_CODE, Finding, FindingKind
from agent.verification.answer import check_answer
from agent.verification.calls import signature
from agent.verification.citations import citation, cite, passage, uses
from agent.verification.code import check_code
from agent.verification.left_out import LeftOut, without_refused, without_unfit
from agent.verification.left_statements import without_failed, without_missing
from agent.verification.links import without_foreign_links, without_mentions
from agent.verification.markdown import CUT_OFF, closed, code_blocks, open_fence, outside_code
from agent.verification.missing_members import with_missing_member
from agent.verification.missing_methods import without_missing_method
from agent.verification.outer_products import with_outer_product
from agent.verification.program import program, with_program
from agent.verification.repair import Repaired, repair
from agent.verification.report import HARMLESS, AnswerReport, CheckedBlock, CodeReport
from agent.verification.rows import Arguments, documented, with_as_many_rows, with_rows, with_single_rows
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
from agent.verification.whole_numbers import with_whole_numbers
from agent.verification.wording import missing

__all__ = [
    "CUT_OFF",
    "HARMLESS",
    "MAX_CODE",
    "Advise",
    "AnswerReport",
    "Arguments",
    "CheckedBlock",
    "CodeReport",
    "Finding",
    "FindingKind",
    "LeftOut",
    "Repaired",
    "check_answer",
    "check_code",
    "citation",
    "cite",
    "closed",
    "code_blocks",
    "documented",
    "missing",
    "note",
    "open_fence",
    "outside_code",
    "passage",
    "program",
    "repair",
    "sentence",
    "signature",
    "supported",
    "unread",
    "uses",
    "verdict",
    "verify_code",
    "verify_markdown",
    "with_as_many_rows",
    "with_missing_member",
    "with_outer_product",
    "with_program",
    "with_rows",
    "with_single_rows",
    "with_whole_numbers",
    "without_failed",
    "without_foreign_links",
    "without_mentions",
    "without_missing",
    "without_missing_method",
    "without_note",
    "without_refused",
    "without_unfit",
]
