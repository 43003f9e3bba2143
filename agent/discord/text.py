"""Markdown as Discord takes it: harmless, and in messages of at most 2,000 characters.

Discord's Markdown is not CommonMark: underscores inside words are markup, fences are three backticks and nothing else,
and whatever looks like a mention, a link or an invitation becomes one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

MAX_MESSAGE = 2_000
"""Discord's limit of a message, in characters (Message resource, "Create Message")."""
_HIDDEN = "\u200b"  # a zero-width space: nobody sees it, and it ends whatever Discord would have recognised
_FENCE = re.compile(r"([ \t]*)(`{3,}|~{3,})[ \t]*([^\s`]*)[^`\n]*")
_INLINE = re.compile(r"(?<!`)(`{1,2})(?!`)(.*?[^`])\1(?!`)")
_RISKY = re.compile(r"\[(\d{1,2})\]|(https?:)(?=//)|(discord(?:app)?\.\w+)(?=/)|@(?=\w)|[\\`\[\]_~|<]", re.IGNORECASE)
_LINK = r"\[(?:\\.|[^\]\\\n]){1,300}\]\(<[^>\n]{1,1000}>\)"
_TOKEN = re.compile(rf"\s*(?:{_LINK}|``(?!`)[^\n]{{1,300}}?``|`[^`\n]{{1,300}}`|\\.|\S)+")
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
    for line in markdown.split("\n"):
        if opened is None:
            opened = _FENCE.fullmatch(line)
            if opened is None:
                lines.append(line)
            else:
                blocks.extend(_prose(lines))
                lines = []
        elif _closes(line.strip(), opened[2]):
            blocks.append(_code(lines, opened[3]))
            lines, opened = [], None
        else:
            lines.append(line.removeprefix(opened[1]))
    blocks.extend(_prose(lines) if opened is None else [_code(lines, opened[3])])
    return tuple(blocks)


def _prose(lines: list[str]) -> list[Prose]:
    return [Prose("\n".join(lines))] if any(line.strip() for line in lines) else []


def _code(lines: list[str], language: str) -> Code:
    return Code("\n".join(lines), re.sub(r"[^\w+#.-]", "", language)[:20])


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
    return "\n".join(_harmless_line(line, links) for line in text.split("\n"))


def _harmless_line(line: str, links: Mapping[int, str]) -> str:
    done, after = "", 0
    for span in _INLINE.finditer(line):
        if "```" not in span[2]:
            done += escaped(line[after : span.start()], links) + span[0]
            after = span.end()
    return done + escaped(line[after:], links)


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
    parts: list[str] = []
    for block in parse(text):
        for unit in _code_units(block, limit) if isinstance(block, Code) else _prose_units(block.text, limit):
            if parts and len(parts[-1]) + 1 + len(unit) <= limit:
                parts[-1] += "\n" + unit
            else:
                parts.append(unit)
    return [part.strip("\n") for part in parts if part.strip()]


def _code_units(code: Code, limit: int) -> Iterator[str]:
    room = limit - len(Code("", code.language).fenced())
    if len(code.fenced()) <= limit:
        yield code.fenced()
        return
    lines = [piece for line in code.fenced().split("\n")[1:-1] for piece in _pieces(line, room)]
    for chunk in _packed(lines, room):
        yield Code(chunk, code.language).fenced()


def _prose_units(text: str, limit: int) -> Iterator[str]:
    for item in _items(text):
        if len(item) <= limit:
            yield item
        else:
            for line in item.split("\n"):
                yield from _packed_words(line, limit)


def _items(text: str) -> list[str]:
    """Return lines, those that continue a list item together with it."""
    items: list[str] = []
    inside = False
    for line in text.split("\n"):
        continues = inside and line[:1].isspace() and line.strip() != ""
        if continues:
            items[-1] += "\n" + line
        else:
            items.append(line)
            inside = _ITEM.match(line) is not None
    return items


def _packed_words(line: str, limit: int) -> Iterator[str]:
    part = ""
    for token in (piece for word in _TOKEN.findall(line) for piece in _pieces(word, limit)):
        if len(part) + len(token) > limit:
            yield part
            part = token.lstrip()
        else:
            part += token
    yield part


def _packed(lines: list[str], room: int) -> Iterator[str]:
    chunk: list[str] = []
    size = 0
    for line in lines:
        if chunk and size + len(line) + 1 > room:
            yield "\n".join(chunk)
            chunk, size = [], 0
        chunk.append(line)
        size += len(line) + 1
    yield "\n".join(chunk)


def _pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)] or [""]
