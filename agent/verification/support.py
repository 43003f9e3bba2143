"""Does a passage say what a sentence cites it for? Told from names and words alone; no model is asked.

A passage supports a sentence if it has enough of the names that the sentence writes out, or of its words. That is a
test of what both are about, not of truth: what is dropped is certainly no support, what is kept may still be wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from agent.arrangement import Hit
from agent.chunking.tokens import code_tokens
from agent.ranking.named_places import identifiers
from agent.schema import Chunk
from agent.verification.citations import NUMBERS, uses
from agent.verification.markdown import code_blocks, code_lines, inline_code, lines_of

LEAST = 0.4
"""Share of a sentence's names, or of its words, that a passage must have. Of the sentences of our own right answers,
the passages that hold them have so much in 90 of 100 cases, those found for another question in 11."""
_END = re.compile(r"(?<!e\.g)(?<!i\.e)(?<!\bvs)[.!?:]+(?=\s|\[|$)|\n\s*(?:\n|[-*+]\s|\d+[.)]\s|#)")
_SUFFIX = re.compile(r"(?<=\w{4})(?:ations?|ions?|ings?|ers?|ed|ly|es|e|s)$")


class Cited(Struct, frozen=True):
    """One `[n]` or `[n, m]` outside code.

    Attributes:
        start, end: where it stands in the text, the space before it included.
        numbers: what it names.
        sentence: the sentence that it stands in or after, without numbers; empty where it stands alone.
    """

    start: int
    end: int
    numbers: tuple[int, ...]
    sentence: str


def supported(text: str, hits: Sequence[Hit]) -> str:
    """Drop the numbers of passages that have nothing of what they are cited for.

    Args:
        text: the model's words; `[n]` outside code means the n-th hit. Numbers that no hit has stay.
        hits: the passages that the model was given, in their numbered order.

    Returns:
        The text, changed in its numbers only.
    """
    parts: list[str] = []
    end = 0
    for entry in citations_in(text):
        kept = [number for number in entry.numbers if not _is_unsupported(number, entry, hits, text)]
        if len(kept) < len(entry.numbers):
            space = " " if text[entry.start].isspace() else ""
            parts += [text[end : entry.start], f"{space}[{', '.join(map(str, kept))}]" if kept else ""]
            end = entry.end
    return "".join([*parts, text[end:]])


def _is_unsupported(number: int, entry: Cited, hits: Sequence[Hit], text: str) -> bool:
    if not 1 <= number <= len(hits):
        return False
    chunk = hits[number - 1].chunk
    # A number that stands alone, mostly below code, is for the whole answer.
    return support(entry.sentence, chunk) < LEAST if entry.sentence else not uses(text, chunk)


def support(sentence: str, chunk: Chunk) -> float:
    """Return which share of a sentence a passage has, 0 to 1: of its names or of its words, whichever is more."""
    parts = (chunk.public, chunk.path, chunk.title, chunk.embed_text, chunk.text)
    return shared(sentence, " ".join(filter(None, parts)))


def shared(sentence: str, passage: str) -> float:
    """Return which share of a sentence's names or words, whichever is more, a text has, 0 to 1."""
    has = set(code_tokens(passage))
    names = {name.rpartition(".")[2].lower() for name in identifiers(sentence)}
    words = {_stem(word) for word in code_tokens(sentence) if word.isalpha()}
    return max(_share(names, has), _share(words, {_stem(word) for word in has}))


def citations_in(text: str) -> Iterator[Cited]:
    """Yield the numbers in the prose of a Markdown text, in order, each with its sentence."""
    prose = _without_code_blocks(text)
    inside = [range(*span) for span in inline_code(prose)]
    ends = [0, *(match.end() for match in _END.finditer(prose)), len(prose)]
    for match in NUMBERS.finditer(prose):
        if not any(match.end() - 1 in span for span in inside):
            numbers = tuple(int(number) for number in match[1].split(","))
            yield Cited(match.start(), match.end(), numbers, _sentence(prose, match.start(), ends))


def _sentence(prose: str, place: int, ends: Sequence[int]) -> str:
    """Return the sentence around a place; where only numbers stand before it, that before or, on a new line, after."""
    index = max(number for number, end in enumerate(ends) if end <= place)
    before = _claim(prose[ends[index] : place])
    after = _claim(prose[ends[index] : ends[min(index + 1, len(ends) - 1)]])
    if before:
        return after
    starts_line = not prose[prose.rfind("\n", 0, place) + 1 : place].strip(" \t-*+")
    if starts_line:
        return after
    return _claim(prose[ends[index - 1] : ends[index]]) if index else ""


def _claim(part: str) -> str:
    claim = NUMBERS.sub("", part).strip()
    return claim if any(character.isalpha() for character in claim) else ""


def _without_code_blocks(text: str) -> str:
    """Return the text with blanks in the place of its code blocks: places stay the same."""
    code = code_lines(code_blocks(text))
    lines = (re.sub(r"[^\r\n]", " ", line) if number in code else line for number, line in enumerate(lines_of(text)))
    return "".join(lines)


def _stem(word: str) -> str:
    return _SUFFIX.sub("", word)


def _share(wanted: set[str], has: set[str]) -> float:
    return len(wanted & has) / len(wanted) if wanted else 0.0
