"""Checks a Markdown text: its Python blocks, and the library's names in its prose."""

from __future__ import annotations

from markdown_it.token import Token

from agent.schema import MAX_CODE
from agent.symbols import ApiModel
from agent.verification.blocks import blocks_of, other_languages
from agent.verification.code import Session
from agent.verification.markdown import code_lines, has_inline_code, lines_of
from agent.verification.prose import Prose
from agent.verification.report import AnswerReport, CheckedBlock, CodeReport
from agent.verification.source import TOO_LONG


def check_answer(markdown: str, api: ApiModel) -> AnswerReport:
    """Check all Python blocks of a Markdown text, and dotted names of the library in its prose.

    Which blocks are Python, `blocks_of` tells. Blocks of one text continue each other: what one imports or assigns is
    known in the next ones and in the prose. A dotted name in the prose counts if it is inline code and begins with the
    library's root or one of its public modules or classes, or anywhere if it begins with the root. Calls and imports
    in inline code are held to the same API, but what they lack is no finding: `actor.sphere(...)` and
    `sphere(centers, colors)` speak of a call, and are none.

    Args:
        markdown: any text.
        api: the library's API model.

    Returns:
        A report, whatever the text is.
    """
    if len(markdown) > MAX_CODE:
        return AnswerReport(prose=CodeReport(skipped=TOO_LONG))
    blocks = blocks_of(markdown, api.roots)
    read = [(block.token, block.code) for block in blocks if block.code is not None]
    session = Session([code for _, code in read], api)
    lines = lines_of(markdown)
    checked = (
        CheckedBlock(*_place(token, lines), token.content, report)
        for (token, _), report in zip(read, session.reports(), strict=True)
    )
    said = list(Prose(lines, code_lines(block.token for block in blocks)).pieces(api.roots))
    return AnswerReport(
        blocks=tuple(checked),
        prose=session.look_up(said),
        other_languages=other_languages(blocks, api.roots),
        has_inline_code=not api.roots and has_inline_code(markdown),
    )


def _place(token: Token, lines: list[str]) -> tuple[int, int]:
    """Return the 1-based line on which a block's code begins, and what stands before each of its lines."""
    line = (token.map or (0, 0))[0] + (1 if token.type == "fence" else 0)
    pairs = zip(lines_of(token.content), lines[line:], strict=False)
    before = (len(given.rstrip("\r\n")) - len(code.rstrip("\r\n")) for code, given in pairs if code.strip())
    return line + 1, max(next(before, 0), 0)
