"""What code can say about an answer: which passages it stands on, and whether its text is whole.

Citations are attached here, never by the model: a number that no passage has is dropped, and a passage whose symbol the
answer uses is cited even if the model forgot to.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from urllib.parse import quote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from agent.retrieval import Hit
from agent.schema import Chunk, Citation

_PROBE = "probe"
_MARKDOWN = MarkdownIt("commonmark")
_INLINE_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_NUMBERS = re.compile(r"[ \t]?(?<![\w\])])\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\](?!\()")
_LINK = re.compile(r"!?\[([^\]\n]*)\]\(\s*<?[^)\s>]*>?[^)]*\)|<(https?://[^>\s]+)>|\bhttps?://[^\s)>\]]+")


def citation(number: int, chunk: Chunk, url_template: str | None) -> Citation:
    """Return the citation of a chunk: exact lines, at the revision that the template names."""
    url = None
    if url_template is not None:
        url = url_template.format(path=quote(chunk.path), start=chunk.start_line, end=chunk.end_line)
    return Citation(
        number=number,
        path=chunk.path,
        symbol=chunk.symbol,
        start_line=chunk.start_line,
        end_line=chunk.end_line,
        url=url,
        title=chunk.public or chunk.title,
    )


def cite(text: str, hits: Sequence[Hit]) -> tuple[str, list[int]]:
    """Attach citations to an answer.

    Args:
        text: the model's words; `[n]` outside code means the n-th hit.
        hits: the passages that the model was given, in their numbered order.

    Returns:
        The text without numbers that no passage has, and the numbers of the passages it stands on, ascending.
    """
    cited: set[int] = set()

    def keep(match: re.Match[str]) -> str:
        given = [int(number) for number in match[1].split(",")]
        known = [number for number in given if 1 <= number <= len(hits)]
        cited.update(known)
        return f" [{', '.join(map(str, known))}]" if known else ""

    text = outside_code(text, lambda prose: _NUMBERS.sub(keep, prose))
    cited.update(number for number, hit in enumerate(hits, start=1) if uses(text, hit.chunk))
    if not cited and hits:
        cited.add(1)  # an answer always names the place it most likely comes from
    return text.strip(), sorted(cited)


def uses(text: str, chunk: Chunk) -> bool:
    """Return whether an answer names the chunk's symbol: a class by its name, a function as `scope.name` or called."""
    if chunk.symbol is None:
        return False
    scope, _, name = (chunk.public or chunk.qualified or chunk.symbol).rpartition(".")
    if chunk.kind == "class":
        return re.search(rf"\b{re.escape(name)}\b", text) is not None
    qualified = re.escape(f"{scope.rpartition('.')[2]}.{name}")
    return re.search(rf"\b{qualified}\b|(?<![\w.]){re.escape(name)}\(", text) is not None


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """Apply `change` to the prose of a Markdown text, leaving code blocks and inline code alone."""
    lines = text.splitlines(keepends=True)
    code = {line for token in code_blocks(text) for line in range(*(token.map or (0, 0)))}
    parts: list[str] = []
    for is_code, run in itertools.groupby(range(len(lines)), key=code.__contains__):
        block = "".join(lines[number] for number in run)
        parts.append(block if is_code else _outside_inline_code(block, change))
    return "".join(parts)


def _outside_inline_code(prose: str, change: Callable[[str], str]) -> str:
    parts: list[str] = []
    end = 0
    for match in _INLINE_CODE.finditer(prose):
        parts += [change(prose[end : match.start()]), match[0]]
        end = match.end()
    return "".join([*parts, change(prose[end:])])


def code_blocks(text: str) -> list[Token]:
    """Return the code blocks of a Markdown text, as CommonMark sees them."""
    return [token for token in _MARKDOWN.parse(text) if token.type in {"fence", "code_block"}]


def without_foreign_links(text: str) -> str:
    """Drop every link from a model's words (the label stays): the only links shown are citations, made by code."""
    return outside_code(text, lambda prose: _LINK.sub(lambda match: match[1] or "", prose))


def closed(text: str, *, cut: bool) -> str:
    """Return a text that ends outside any code block.

    Args:
        text: Markdown, perhaps with an open fence.
        cut: the model was stopped by its token limit; a half line of code is dropped, and the reader is told.
    """
    text = text.rstrip()
    if cut and "\n" in text and open_fence(text) is not None:
        text = text[: text.rindex("\n")]
    fence = open_fence(text)
    if fence is not None:
        text = f"{text}\n{fence}"
    return f"{text}\n\n*(Cut off: the answer reached its length limit.)*" if cut else text


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
