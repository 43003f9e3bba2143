"""Which passages an answer stands on.

Citations are attached here, never by the model: a number that no passage has is dropped, and a passage whose symbol the
answer uses is cited even if the model forgot to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from agent.arrangement import Hit
from agent.schema import Chunk, Citation, Passage
from agent.verification.markdown import outside_code

EXCERPT_LINES = 16
EXCERPT_CHARACTERS = 1_200
NUMBERS = re.compile(r"[ \t]?(?<![\w\])])\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\](?!\()")


def citation(number: int, hit: Hit, url_template: str | None) -> Citation:
    """Return the citation of a hit: exact lines, at the revision that the template names."""
    chunk, url = hit.chunk, None
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
        stale=hit.stale,
        excerpt=_first_lines(chunk.text),
    )


def passage(hit: Hit, url_template: str | None) -> Passage:
    """Return a hit as the HTTP contract shows it."""
    place = citation(0, hit, url_template)
    return Passage(
        path=place.path,
        symbol=place.symbol,
        start_line=place.start_line,
        end_line=place.end_line,
        url=place.url,
        score=hit.score,
        text=hit.chunk.text,
        stale=hit.stale,
    )


def _first_lines(text: str) -> str:
    shown = "\n".join(text.strip("\n").split("\n", EXCERPT_LINES)[:EXCERPT_LINES])
    return shown if len(shown) <= EXCERPT_CHARACTERS else f"{shown[:EXCERPT_CHARACTERS]}…"


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

    text = outside_code(text, lambda prose: NUMBERS.sub(keep, prose))
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
