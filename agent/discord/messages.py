"""An answer of the service as messages of Discord: pure functions from values to texts."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from agent.discord.text import Code, Prose, escaped, harmless, link, parse, split
from agent.errors import InvalidInput, ModelTimeout, Overloaded
from agent.schema import Answer, Citation, Ran, SourcesEvent, Verification

LONG_CODE = 3_500
"""Characters of a code block beyond which it is sent as a file: it would fill more than two messages."""
MAX_PLACES = 10
_HEADINGS = {
    "answered": "Sources",
    "declined": "Nearest places",
    "sources_only": "Places found (no model is available)",
}
_SUFFIXES = {"python": "py", "py": "py", "wgsl": "wgsl", "glsl": "glsl", "bash": "sh", "": "py"}


class Attachment(Struct, frozen=True):
    """A file that comes with a message."""

    name: str
    content: bytes


class Shown(Struct, frozen=True):
    """An answer as people see it.

    Attributes:
        texts: one for each message, in order; at least one, none of them over Discord's limit.
        files: come with the last message.
    """

    texts: tuple[str, ...]
    files: tuple[Attachment, ...] = ()


def shown(answer: Answer, picture: bytes | None = None) -> Shown:
    """Return the messages of a final answer.

    Args:
        answer: as the service gave it.
        picture: the PNG that the answer's program made.
    """
    text, files = _without_long_code(answer.answer)
    links = {citation.number: citation.url for citation in answer.citations if citation.url}
    lines = [harmless(text, links), "", *_places(answer), *_badge(answer.verification), _small_print(answer)]
    if picture is not None:
        files.append(Attachment("picture.png", picture))
    return Shown(tuple(split("\n".join(lines))), tuple(files))


def draft(sources: SourcesEvent | None, text: str) -> str:
    """Return what is shown while an answer is written: where it reads, and the end of what it wrote."""
    if sources is None:
        return "-# Looking it up ..."
    places = ", ".join(_place(citation) for citation in sources.citations[:5])
    head = f"-# Reading {places}" if places else "-# Writing ..."
    room = 2_000 - len(head) - 2
    parts = split(harmless(text), max(room, 100))
    return f"{head}\n{parts[-1]}" if parts and room > 100 else split(head)[0]  # noqa: PLR2004 - `split` needs as much


def apology(error: Exception) -> str:
    """Return what a user is told; what the service says of a question is shown, what is wrong inside is not."""
    match error:
        case InvalidInput():
            return split(escaped(error.message))[0]
        case Overloaded():
            return "Too many questions are waiting just now. Please ask again in a minute."
        case ModelTimeout() | TimeoutError():
            return "That took too long, so I gave it up. Please try again, perhaps with a shorter question."
        case _:
            return "Sorry, the service that answers cannot be reached just now. Please try again in a few minutes."


def _without_long_code(text: str) -> tuple[str, list[Attachment]]:
    files: list[Attachment] = []
    kept: list[str] = []
    for block in parse(text):
        if isinstance(block, Prose):
            kept.append(block.text)
        elif len(block.text) <= LONG_CODE:
            kept.append(block.fenced())
        else:
            name = f"program{len(files) + 1}.{_SUFFIXES.get(block.language.lower(), 'txt')}"
            files.append(Attachment(name, block.text.encode(errors="replace")))
            kept.append(Code(f"{name}: {len(block.text):,} characters, attached").fenced())
    return "\n".join(kept), files


def _places(answer: Answer) -> Iterator[str]:
    if answer.citations:
        yield f"**{_HEADINGS[answer.status]}**"
    for citation in answer.citations[:MAX_PLACES]:
        yield f"{citation.number}. {_place(citation)}"


def _place(citation: Citation) -> str:
    label = escaped(f"{citation.place} {citation.symbol or ''}".strip()[:200])
    return link(label, citation.url) if citation.url else label


def _badge(found: Verification) -> Iterator[str]:
    """What is wrong is said in the answer's own text; here is how much was looked at."""
    counts = [(found.checked_names, "name"), (found.checked_calls, "call")]
    checked = " and ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts if count)
    if checked:
        wrong = len(found.findings) or len(found.unknown_names) + len(found.bad_calls)
        yield f"⚠️ {checked} checked, {wrong} in doubt" if wrong else f"✅ {checked} checked"
    if found.repaired:
        yield f"-# repaired: {harmless('; '.join(found.repaired))[:500]}"
    if found.ran is not None:
        yield _outcome(found.ran)
    if found.unchecked:
        yield f"-# {escaped(found.unchecked)[:500]}"


def _outcome(ran: Ran) -> str:
    error = escaped(" ".join((ran.error or "").split())[-200:])
    return f"✅ the program ran in {ran.seconds:.1f} s" if ran.ok else f"⚠️ the program failed: {error}"


def _small_print(answer: Answer) -> str:
    parts = [f"{answer.library} {answer.version} ({answer.revision})", answer.model, _seconds(answer)]
    return "-# " + " · ".join(escaped(part) for part in parts if part)


def _seconds(answer: Answer) -> str:
    return f"{answer.timings.total_ms / 1000:.1f} s"
