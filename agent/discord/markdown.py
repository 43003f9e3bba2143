"""Markdown as Discord takes it: harmless, and in messages of at most 2,000 characters.

Discord's Markdown is not CommonMark: underscores inside words are markup, fences are three backticks and nothing else,
and whatever looks like a mention, a link or an invitation becomes one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

MAX_MESSAGE = 2_000
"""Discord's limit of a message, in characters (Message resource, "Create Message")."""
_HIDDEN = "\u200b"  # a zero-width space: nobody sees it, and it ends whatever Discord would have recognised
_FENCE = re.compile(r"([ \t]*)(`{3,}|~{3,})[ \t]*([^\s`]*)[^`\n]*")
_INLINE = re.compile(r"(?<!`)(`{1,2})(?!`)(.*?[^`\n])\1(?!`)")
_RISKY = re.compile(r"\[(\d{1,2})\]|(https?:)(?=//)|(discord(?:app)?\.\w+)(?=/)|@(?=\w)|[\\`\[\]_~|<]", re.IGNORECASE)
_LINK = r"\[(?:\\.|[^\]\\\n]){1,300}\]\(<[^>\n]{1,1000}>\)"
_TOKEN = re.compile(rf"\s*(?:{_LINK}|``(?!`)[^\n]{{1,300}}?``|`[^`\n]{{1,300}}`|\\.|\S)+\s*")
_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s")


class Prose(Struct, frozen=True):
    """Lines outside code blocks."""

    text: str


class Code(Struct, frozen=True):
    """A code block without its fences."""

    text: str
    language: str = ""

    def fenced(self) -> str:
        """Return the block as Discord shows it; fences inside are broken up by characters that nobody sees."""
        return f"```{self.language}\n{self.text.replace('```', _HIDDEN.join('```'))}\n```"


def parse(markdown: str) -> tuple[Prose | Code, ...]:
    """Return the blocks of a text; a fence that is never closed ends with the text."""
    blocks: list[Prose | Code] = []
    lines: list[str] = []
    opened: re.Match[str] | None = None

    def end_block() -> None:
        if opened is not None:
            blocks.append(Code("\n".join(lines), re.sub(r"[^\w+#.-]", "", opened[3])[:20]))
        elif any(line.strip() for line in lines):
            blocks.append(Prose("\n".join(lines)))
        lines.clear()

    for line in markdown.split("\n"):
        fence = _FENCE.fullmatch(line)
        if opened is None and fence is not None:
            end_block()
            opened = fence
        elif opened is not None and _closes(line.strip(), opened[2]):
            end_block()
            opened = None
        else:
            lines.append(line.removeprefix(opened[1]) if opened else line)
    end_block()
    return tuple(blocks)


def _closes(line: str, fence: str) -> bool:
    return len(line) >= len(fence) and not line.strip(fence[0])


def harmless(markdown: str, links: Mapping[int, str] | None = None) -> str:
    """Return a text in which nothing outside code mentions anybody or links anywhere, but citations.

    Bold, lists and headings stay; underscores are shown as they are, since names are full of them.

    Args:
        markdown: what the model wrote.
        links: citation number -> its address; `[1]` becomes a link to it.
    """
    shown = (
        block.fenced() if isinstance(block, Code) else _harmless_prose(block.text, links or {})
        for block in parse(markdown)
    )
    return "\n".join(shown)


def _harmless_prose(text: str, links: Mapping[int, str]) -> str:
    done, after = "", 0
    for span in _INLINE.finditer(text):
        if "```" not in span[2]:
            done += escaped(text[after : span.start()], links) + span[0]
            after = span.end()
    return done + escaped(text[after:], links)


def escaped(text: str, links: Mapping[int, str] | None = None) -> str:
    """Return plain text in which Discord recognises nothing but bold, lists, headings and `links`."""
    known = links or {}

    def replacement(match: re.Match[str]) -> str:
        if match[1]:
            number = rf"\[{match[1]}\]"
            return link(number, known[int(match[1])]) if int(match[1]) in known else number
        if match[2] or match[3] or match[0] == "@":
            return match[0] + _HIDDEN
        return "\\" + match[0]

    return _RISKY.sub(replacement, text)


def link(label: str, url: str) -> str:
    """Return a masked link without a preview; `label` is escaped already."""
    return f"[{label}](<{url.replace('>', '%3E').replace(' ', '%20')}>)"


def split(text: str, limit: int = MAX_MESSAGE) -> list[str]:
    """Return a text in parts, each of which stands on its own.

    A code block that must be cut is closed and opened again; list items, links and inline code stay whole unless they
    are longer than a part.

    Args:
        text: what `harmless` gave.
        limit: the most characters of a part, at least 100.
    """
    units = (unit for block in parse(text) for unit in _units(block, limit))
    return [part.strip("\n") for part in _packed(units, limit, "\n") if part.strip()]


def _units(block: Prose | Code, limit: int) -> Iterator[str]:
    """Yield what stays whole: code blocks, list items and lines, or what fits of one that is too long itself."""
    if isinstance(block, Prose):
        for item in _items(block.text):
            yield from [item] if len(item) <= limit else _packed_words(item, limit)
    elif len(block.fenced()) <= limit:
        yield block.fenced()
    else:
        room = limit - len(Code("", block.language).fenced())
        lines = (piece for line in block.fenced().split("\n")[1:-1] for piece in _pieces(line, room))
        for chunk in _packed(lines, room, "\n"):
            yield Code(chunk, block.language).fenced()


def _items(text: str) -> list[str]:
    """Return lines, those that continue a list item together with it."""
    items: list[str] = []
    inside = False
    for line in text.split("\n"):
        if inside and line[:1].isspace() and line.strip():
            items[-1] += "\n" + line
        else:
            items.append(line)
            inside = _ITEM.match(line) is not None
    return items


def _packed_words(item: str, limit: int) -> Iterator[str]:
    for line in item.split("\n"):
        yield from _packed((piece for word in _TOKEN.findall(line) for piece in _pieces(word, limit)), limit, "")


def _packed(pieces: Iterable[str], limit: int, glue: str) -> Iterator[str]:
    """Yield pieces glued together, as many at a time as fit."""
    packed: list[str] = []
    size = 0
    for piece in pieces:
        if packed and size + len(glue) + len(piece) > limit:
            yield glue.join(packed)
            packed, size = [], 0
        size += len(piece) + (len(glue) if packed else 0)
        packed.append(piece)
    yield glue.join(packed)


def _pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)] or [""]
