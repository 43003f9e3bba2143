"""Checks a Markdown text: its Python blocks, and the library's names in its prose."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from markdown_it.token import Token

from agent.schema import MAX_CODE
from agent.symbols import ApiModel
from agent.verification.code import Session
from agent.verification.markdown import code_blocks, code_lines, has_inline_code, lines_of
from agent.verification.prose import Prose
from agent.verification.report import AnswerReport, CheckedBlock, CodeReport
from agent.verification.source import TOO_LONG, Code, read_code

_PYTHON = re.compile(r"(?:i?python|py)[\d.]*|pyi|pycon3?")
_OUTPUT = frozenset({"", "text", "txt", "plain", "plaintext", "output", "none", "pytb"})
_DIRECTIVES = frozenset({"code", "code-block", "code-cell", "sourcecode"})
"""Words that MyST writes before a language."""
_IMPORT = r"^[ \t]*(?:>>> )?(?:from|import)[ \t]+(?:{roots})\b[^\n(]*(?:\([^)]*\))?"
_NAMED = r"(?<![/\w.-])(?:{roots})\.[A-Za-z_]"


def check_answer(markdown: str, api: ApiModel) -> AnswerReport:
    """Check all Python blocks of a Markdown text, and dotted names of the library in its prose.

    A block is Python if its fence says so (`python`, `py3.11`, `pycon`, `ipython`), or says nothing and it parses, or
    at least up to where it imports the library: so a program that was cut off is not passed over. Blocks of one text
    continue each other: what one imports or assigns is known in the next ones and in the prose. A dotted
    name in the prose counts if it is inline code and begins with the library's root or one of its public modules or
    classes, or anywhere if it begins with the root. Calls and imports in inline code are held to the same API, but
    what they lack is no finding: `actor.sphere(...)` and `sphere(centers, colors)` speak of a call, and are none.

    Args:
        markdown: any text.
        api: the library's API model.

    Returns:
        A report, whatever the text is.
    """
    if len(markdown) > MAX_CODE:
        return AnswerReport(prose=CodeReport(skipped=TOO_LONG))
    blocks = code_blocks(markdown)
    read = _python(blocks, api.roots)
    session = Session([code for _, code in read], api)
    lines = lines_of(markdown)
    checked = (
        CheckedBlock(*_place(token, lines), token.content, report)
        for (token, _), report in zip(read, session.reports(), strict=True)
    )
    said = list(Prose(lines, code_lines(blocks)).pieces(api.roots))
    return AnswerReport(
        blocks=tuple(checked),
        prose=session.look_up(said),
        other_languages=tuple(dict.fromkeys(_others(blocks, {id(token) for token, _ in read}, api.roots))),
        has_inline_code=not api.roots and has_inline_code(markdown),
    )


def python_blocks(markdown: str, roots: Collection[str]) -> list[tuple[Token, Code]]:
    """Return the Python blocks of a Markdown text, and what was read in each; `roots` are the library's packages."""
    return _python(code_blocks(markdown), roots)


def _python(blocks: Iterable[Token], roots: Collection[str]) -> list[tuple[Token, Code]]:
    return [(token, code) for token in blocks if (code := _read(token, roots)) is not None]


def _read(token: Token, roots: Collection[str]) -> Code | None:
    """Read a block if it is Python."""
    tag = _tag(token)
    if tag and not _PYTHON.fullmatch(tag):
        return None
    code = read_code(token.content)
    return code if tag or code.tree is not None or _begins_as_program(token.content, roots) else None


def _begins_as_program(text: str, roots: Collection[str]) -> bool:
    """Whether a text is Python up to where it imports the library; a traceback or a shell's lines are not."""
    found = _found(_IMPORT, text, roots)
    return found is not None and read_code(text[: found.end()]).tree is not None


def _others(blocks: Iterable[Token], read: Collection[int], roots: Collection[str]) -> Iterator[str]:
    """Yield the languages of the blocks that were left out; nothing is said of output, unless it names the library."""
    for token in blocks:
        tag = _tag(token)
        if id(token) not in read and (tag not in _OUTPUT or _found(_NAMED, token.content, roots)):
            yield tag


def _tag(token: Token) -> str:
    words = (word.strip("{}.").lower() for word in token.info.split())
    return next((word for word in words if word not in _DIRECTIVES), "")


def _found(pattern: str, text: str, roots: Collection[str]) -> re.Match[str] | None:
    names = "|".join(map(re.escape, roots))
    return re.search(pattern.format(roots=names), text, re.MULTILINE) if roots else None


def _place(token: Token, lines: list[str]) -> tuple[int, int]:
    """Return the 1-based line on which a block's code begins, and what stands before each of its lines."""
    line = (token.map or (0, 0))[0] + (1 if token.type == "fence" else 0)
    pairs = zip(lines_of(token.content), lines[line:], strict=False)
    before = (len(given.rstrip("\r\n")) - len(code.rstrip("\r\n")) for code, given in pairs if code.strip())
    return line + 1, max(next(before, 0), 0)
