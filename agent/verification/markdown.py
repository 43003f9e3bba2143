"""Markdown as CommonMark reads it: where its code is, and how a text is kept whole."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

_PROBE = "probe"
_MARKDOWN = MarkdownIt("commonmark")
_BACKTICKS = re.compile(r"`+")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """Apply `change` to the prose of a Markdown text, leaving code blocks and inline code alone."""
    lines = lines_of(text)
    code = code_lines(code_blocks(text))
    parts: list[str] = []
    for is_code, run in itertools.groupby(range(len(lines)), key=code.__contains__):
        block = "".join(lines[number] for number in run)
        parts.append(block if is_code else _outside_inline_code(block, change))
    return "".join(parts)


def _outside_inline_code(prose: str, change: Callable[[str], str]) -> str:
    parts: list[str] = []
    end = 0
    for start, stop in inline_code(prose):
        parts += [change(prose[end:start]), prose[start:stop]]
        end = stop
    return "".join([*parts, change(prose[end:])])


def inline_code(prose: str) -> Iterator[tuple[int, int]]:
    """Yield where inline code starts and ends, in order: from a run of backticks to the next one of its length."""
    runs = [match.span() for match in _BACKTICKS.finditer(prose)]
    nearest: dict[int, int] = {}
    closing: dict[int, int] = {}  # start of a run -> end of the run that closes it
    for start, stop in reversed(runs):
        if stop - start in nearest:
            closing[start] = nearest[stop - start]
        nearest[stop - start] = stop
    end = 0
    for start, _ in runs:
        if start >= end and start in closing:
            end = closing[start]
            yield start, end


def has_inline_code(text: str) -> bool:
    """Return whether CommonMark sees code between backticks in a text."""
    inner = (part for token in _MARKDOWN.parse(text) for part in token.children or ())
    return any(part.type == "code_inline" for part in inner)


def code_blocks(text: str) -> list[Token]:
    """Return the code blocks of a Markdown text, as CommonMark sees them."""
    return [token for token in _MARKDOWN.parse(text) if token.type in {"fence", "code_block"}]


def lines_of(text: str) -> list[str]:
    """Split a text where Markdown does, line ends kept; `str.splitlines` knows more ends, and would miscount."""
    return _LINE.findall(text)


def has_links(text: str) -> bool:
    """Return whether CommonMark sees a link, an image or HTML in a text."""
    tokens = [token for block in _MARKDOWN.parse(text) for token in (block, *(block.children or ()))]
    return any(token.type in {"link_open", "image", "html_block", "html_inline"} for token in tokens)


def code_lines(blocks: Iterable[Token]) -> frozenset[int]:
    """Return the 0-based lines of a text that its code blocks take up, fences included."""
    return frozenset(line for token in blocks for line in range(*(token.map or (0, 0))))


_CLOSED_AND_CITED = re.compile(r"^( {0,3}(?:`{3,}|~{3,}))[ \t]+(?=\[\d)", re.MULTILINE)
"""A fence with a citation behind it, which small models write: to Markdown it closes nothing."""
CUT_OFF = "*(Cut off: the answer reached its length limit.)*"


def closed(text: str, *, cut: bool) -> str:
    """Return a text that ends outside any code block; citations behind a fence are moved below it.

    Args:
        text: Markdown, perhaps with an open fence.
        cut: the model was stopped by its token limit; a half line of code is dropped.
    """
    text = _CLOSED_AND_CITED.sub(r"\1\n\n", text.rstrip())
    fence = open_fence(text)
    if fence is None:
        return text
    if cut and "\n" in text:
        text = text[: text.rindex("\n")]
        fence = open_fence(text)
    return f"{text}\n{fence}" if fence is not None else text


def open_fence(text: str) -> str | None:
    """Return what closes the code block that is still open at the end of `text`, if there is one."""
    blocks = [token for token in code_blocks(text) if token.type == "fence"]
    if not blocks:
        return None
    last = blocks[-1]
    # A fence that nothing closes runs to the end of the text: then a line added to the text lies inside it.
    inside = code_blocks(f"{text}\n{_PROBE}")
    if not any(token.type == "fence" and _PROBE in token.content for token in inside):
        return None
    opening = text.splitlines()[(last.map or (0, 0))[0]]
    return opening[: len(opening) - len(opening.lstrip())] + last.markup
