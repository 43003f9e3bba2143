"""reStructuredText, Markdown and plain text: a chunk for each section, titled by its heading path.

Nothing is rendered, no directive runs and no file is included. For reStructuredText a line scanner finds the headings:
docutils' tree keeps neither a section's end nor exact lines, and Sphinx's directives are errors to it. Indented text
(literal blocks, directives) is never at the left edge, so it can hold no heading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate, zip_longest
from typing import NamedTuple

from agent.chunking.drafts import Draft, assemble
from agent.chunking.spans import Span
from agent.schema import Chunk, SourceFile

_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1*$")
_ROLE = re.compile(r":[\w:+.-]+:`([^`<]*)(?:<[^`]*>)?`")

_SHORT_RULE = 4
_LABEL = re.compile(r"\.\. (?:_|include::|contents::|meta::)|:orphan:")


class Heading(NamedTuple):
    """A heading: its first line, the line after it (0-based), its depth and its text."""

    line: int
    body: int
    depth: int
    title: str


def chunk_prose(file: SourceFile, data: bytes) -> tuple[Chunk, ...]:
    """Cut a document into its sections; see `agent.chunking.chunk_file`."""
    raw = data.split(b"\n")
    offsets = [0, *accumulate(len(line) + 1 for line in raw)]
    lines = [line.decode(errors="replace").rstrip() for line in raw]
    lines[0] = lines[0].removeprefix("\ufeff")
    if file.language == "markdown":
        headings, blocks = _markdown(lines)
    else:
        headings = _rst_headings(lines) if file.language == "rst" else []
        blocks = _paragraphs(lines)
    levels = [[offsets[line] for line in blocks]]
    drafts: list[Draft] = []
    cuts: list[Span] = []
    for line, title in _sections(lines, headings, file.path.rsplit("/", 1)[-1]):
        draft = Draft("section", title, head=title, embed_from=offsets[line])
        draft.boundaries = lambda: levels
        cuts.append((offsets[line], len(drafts)))
        drafts.append(draft)
    return assemble(file, data, drafts, cuts)


def _sections(lines: list[str], headings: list[Heading], name: str) -> Iterator[tuple[int, str]]:
    """Yield the first line and the heading path of each section, from line 0 on.

    A heading with nothing below it joins the next one, as labels above the first heading do.
    """
    start = 0
    if not headings or _has_text(lines, 0, headings[0].line):
        yield 0, name
        start = headings[0].line if headings else 0
    path: list[Heading] = []
    for heading, following in zip_longest(headings, headings[1:]):
        path = [*(above for above in path if above.depth < heading.depth), heading]
        if following is None or _has_text(lines, heading.body, following.line):
            yield start, " > ".join(above.title for above in path)
            start = following.line if following else 0


def _has_text(lines: list[str], start: int, end: int) -> bool:
    return any(line and not _LABEL.match(line) for line in lines[start:end])


def _rst_headings(lines: list[str]) -> list[Heading]:
    """Find the underlined titles; the order in which adornments appear gives their depth, as in docutils."""
    headings: list[Heading] = []
    styles: dict[tuple[str, bool], int] = {}
    line = 1
    while line < len(lines):
        title, rule = lines[line - 1], lines[line]
        over = line > 1 and lines[line - 2] == rule and _is_rule(rule)
        start = line - 2 if over else line - 1
        if _is_title(title, rule, over=over) and (start == 0 or not lines[start - 1]):
            style = (rule[0], over)
            depth = styles.setdefault(style, len(styles))
            headings.append(Heading(start, line + 1, depth, _ROLE.sub(r"\1", title.strip())))
            line += 1
        line += 1
    return headings


def _is_rule(line: str) -> bool:
    return bool(_ADORNMENT.match(line))


def _is_title(title: str, rule: str, *, over: bool) -> bool:
    """Whether an underlined line is a title: long enough a rule, at the left edge unless it has an overline."""
    if not title or not rule or not _is_rule(rule) or _is_rule(title):
        return False
    # docutils takes a short underline with a warning if it has four characters or more.
    return (over or not title[0].isspace()) and (len(rule) >= len(title.strip()) or len(rule) >= _SHORT_RULE)


def _paragraphs(lines: list[str]) -> list[int]:
    """Return the lines at the left edge after a blank one: neither directives nor literal blocks are cut there."""
    return [
        line for line in range(1, len(lines)) if lines[line] and not lines[line - 1] and not lines[line][0].isspace()
    ]


def _markdown(lines: list[str]) -> tuple[list[Heading], list[int]]:
    """Return the headings and the first lines of all top-level blocks, as CommonMark has them."""
    from markdown_it import MarkdownIt  # only Markdown pays for it

    parser = MarkdownIt("commonmark").enable("table")
    parser.core.ruler.enableOnly(["normalize", "block"])  # inline markup is not needed, and can be slow
    # Files count lines by "\n" alone, CommonMark also by "\r".
    tokens = parser.parse("\n".join(lines).replace("\r", " "))
    headings: list[Heading] = []
    blocks: list[int] = []
    for token, inside in zip_longest(tokens, tokens[1:]):
        if token.level or token.map is None:
            continue
        start, end = token.map
        blocks.append(start)
        if token.type == "heading_open" and inside is not None:
            headings.append(Heading(start, end, int(token.tag[1:]), inside.content.strip()))
    return headings, blocks
