"""How a passage looks to a model: place and signature first, then as much as there is room for.

What else a passage may say depends on the task: explaining takes the best passage whole, a program takes parameters and
examples of several.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from agent.fencing import as_data
from agent.schema import Chunk

CountTokens = Callable[[str], int]
Stale = Mapping[str, Sequence[str]]
"""Chunk id -> names that do not exist."""
Plan = Callable[[Sequence[Chunk]], Iterable[tuple[int, str]]]
"""Passages -> what else they may say, most useful first: (position of the passage, text)."""

_SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}\s*$", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*#.*\n?", re.MULTILINE)
_MAX_PARAMETER = 110
"""Characters of one parameter's description: its type and first words are what a caller needs."""
_MOST_STALE = 5
_RANDOM = re.compile(r"np\.random\.rand\((\d{1,3})(?:, ?(\d{1,3}))?\)(?: ?\* ?(\d{1,3})\b)?(?! ?\*|\.|\w)")
_MOST_ROWS, _MOST_COLUMNS = 5, 4


def fit(
    chunks: Sequence[Chunk],
    room: int,
    count: CountTokens,
    stale: Stale = MappingProxyType({}),
    plan: Plan | None = None,
) -> list[str]:
    """Return the passages' texts within `room` tokens.

    Every passage first gets its head (place and signature); what is left goes to details in the plan's order: a model
    that sees six signatures and one whole docstring invents less than one that sees two function bodies.
    """
    texts: list[str] = []
    for number, chunk in enumerate(chunks, start=1):
        text = head(number, chunk, stale.get(chunk.id, ()))
        cost = count(text) + 1
        if cost > room:
            break
        texts.append(text)
        room -= cost
    for index, detail in (plan or for_reading)(chunks[: len(texts)]):
        lines = cut(detail, room, count)
        if lines:
            texts[index] += "\n" + lines
            room -= count(lines) + 1
    return texts


def for_reading(chunks: Sequence[Chunk]) -> Iterator[tuple[int, str]]:
    """Yield what explains: the details of the best passage first.

    Once a docstring's own example is in, tutorials keep their heads only: a small model copies the longest example it
    sees, and the library's own is the one that fits the signature. (They are still cited as sources.)
    """
    has_example = False
    for index, chunk in enumerate(chunks):
        if chunk.role == "example" and has_example:
            continue
        said = details(chunk)
        yield from ((index, detail) for detail in said)
        has_example = has_example or any(">>>" in detail for detail in said)


def for_program(chunks: Sequence[Chunk]) -> Iterator[tuple[int, str]]:
    """Yield what a program is written from.

    First how the best definition is used, then its parameters, then what the others have that was not said yet: those
    of one module share most of their parameters, and their examples the lines around. A block of a tutorial uses what
    the blocks before it made, and a small model copies such names; so tutorials speak only where they are the best
    place, or nothing else shows how.
    """
    tutorials = [(index, code_of(chunk)) for index, chunk in enumerate(chunks) if chunk.role == "example"]
    first = tutorials[:1] if tutorials and tutorials[0][0] == 0 else []
    told: set[str] = set()
    has_example = False
    for index, chunk in enumerate(chunks):
        if chunk.role == "example":
            continue
        summary, parameters, example = essentials(chunk)
        yield index, summary
        yield index, _fresh(written_out(example), told)
        if example and not has_example:
            yield from first
        has_example = has_example or bool(example)
        yield index, _fresh(parameters, told)
    if not has_example:
        yield from tutorials


def written_out(example: str) -> str:
    """Return an example with values in the place of small random arrays: a small model copies `np.random.rand(5, 3)`.

    Where it sees values, it writes those that were asked for.
    """
    return _RANDOM.sub(_values, example)


def _values(random: re.Match[str]) -> str:
    rows, columns, scale = (int(part or 0) for part in random.groups())
    if not 0 < rows <= _MOST_ROWS or columns > _MOST_COLUMNS:
        return random[0]
    # None of them 0: a sphere of that radius is not seen.
    table = [[((3 * r + 5 * c) % 7 + 1) * (scale or 1) / 8 for c in range(columns or 1)] for r in range(rows)]
    said = [", ".join(f"{value:.1f}" for value in row) for row in table]
    return f"np.array([{', '.join(f'[{row}]' if columns else row for row in said)}])"


def _fresh(text: str, told: set[str]) -> str:
    """Return the lines that were not said yet; from now on they are."""
    lines = [line for line in text.splitlines() if line not in told]
    told.update(lines)
    return "\n".join(lines)


def head(number: int, chunk: Chunk, stale: Sequence[str] = ()) -> str:
    """Return a passage's first lines: its number, name and place, what of it is no more, and the signature."""
    name = chunk.public or chunk.qualified or chunk.title
    lines = [f"[{number}] {name} ({chunk.path}:{chunk.start_line}-{chunk.end_line})"]
    if chunk.signature:
        lines.append(chunk.signature)
    if stale:
        lines.append(f"(outdated: these names no longer exist: {', '.join(stale[:_MOST_STALE])})")
    return as_data("\n".join(lines))


def details(chunk: Chunk) -> list[str]:
    """Return what else a passage can say, most useful first: parameters and example before prose, bodies last."""
    if chunk.doc is None:
        return [as_data(chunk.text)]
    summary, parameters, example = essentials(chunk)
    # Docstrings of another style than numpydoc have their parameters in the rest.
    rest = doc_sections(chunk.doc)[""].partition("\n\n")[2]
    return [part for part in (summary, parameters, example, as_data(rest), as_data(body(chunk))) if part.strip()]


def essentials(chunk: Chunk) -> tuple[str, str, str]:
    """Return summary, parameters and example of a docstring; without one, the source stands for the summary."""
    if chunk.doc is None:
        return as_data(chunk.text), "", ""
    sections = doc_sections(chunk.doc)
    summary, _, rest = sections[""].partition("\n\n")
    parameters = compact_parameters(sections.get("Parameters", "")) or ("" if _SECTION.search(chunk.doc) else rest)
    example = sections.get("Examples", sections.get("Example", ""))
    return as_data(summary), as_data(parameters), as_data(example)


def code_of(chunk: Chunk) -> str:
    """Return a tutorial's code without what it says in comments."""
    return as_data(_COMMENT.sub("", chunk.text).strip("\n"))


def body(chunk: Chunk) -> str:
    """Return the code of a function below its docstring, for which there is room only where docstrings are short."""
    if chunk.kind not in {"function", "method"}:
        return ""
    end = max(chunk.text.find(quotes, chunk.text.find(quotes) + 3) for quotes in ('"""', "'''"))
    return chunk.text[end + 3 :].strip("\n") if end >= 0 else chunk.text


def doc_sections(doc: str) -> dict[str, str]:
    """Split a numpydoc docstring by its underlined headings; the text before the first is under an empty name."""
    parts = _SECTION.split(doc)
    return {"": parts[0].strip()} | {
        name: body.strip("\n") for name, body in zip(parts[1::2], parts[2::2], strict=True)
    }


def compact_parameters(text: str) -> str:
    """Return a numpydoc parameter list as one line a parameter: `name : type - first words`."""
    lines: list[str] = []
    for line in text.splitlines():
        if line and not line[0].isspace():
            lines.append(line.strip())
        elif line.strip() and lines and len(lines[-1]) < _MAX_PARAMETER:
            joint = " " if " - " in lines[-1] else " - "
            lines[-1] = (lines[-1] + joint + line.strip())[:_MAX_PARAMETER]
    return "\n".join(lines)


def cut(text: str, room: int, count: CountTokens) -> str:
    """Return as many whole lines of `text`, from its start, as fit into `room` tokens."""
    if room <= 0:
        return ""
    if count(text) <= room:
        return text
    lines = text.splitlines()
    low, high = 0, len(lines)
    while low < high:
        middle = (low + high + 1) // 2
        if count("\n".join(lines[:middle])) <= room:
            low = middle
        else:
            high = middle - 1
    return "\n".join(lines[:low])
