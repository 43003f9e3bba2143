"""An answer of the service as messages of Discord: pure functions from values to texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from agent.discord.markdown import MAX_MESSAGE, Code, Prose, escaped, harmless, link, parse, split
from agent.errors import InvalidInput, ModelTimeout, Overloaded, StorageError
from agent.schema import Answer, Citation, Library, Passage, SearchReply, SourcesEvent, Verification

LONG_CODE = 3_500
"""Characters of a code block beyond which it is sent as a file: it would fill more than two messages."""
MAX_PLACES = 10
MAX_EXCERPT = 600
"""Characters of code that are shown of one place; the link leads to the rest."""
_HEADINGS = {
    "answered": "Sources",
    "declined": "Nearest places",
    "sources_only": "Places found (no model is available)",
}
_SUFFIXES = {"python": "py", "py": "py", "wgsl": "wgsl", "glsl": "glsl", "bash": "sh", "": "py"}


class Shown(Struct, frozen=True):
    """An answer as people see it.

    Attributes:
        texts: one for each message, in order; at least one, none of them over Discord's limit.
        files: by name; they come with the last message.
    """

    texts: tuple[str, ...]
    files: Mapping[str, bytes] = {}


def shown(answer: Answer, picture: bytes | None = None, *, attach: bool = True) -> Shown:
    """Return the messages of a final answer. They are plain text, so that no right to embed links is needed.

    Args:
        answer: as the service gave it.
        picture: the PNG that the answer's program made.
        attach: files may be attached; without, long code takes several messages.
    """
    text, files = _without_long_code(answer.answer) if attach else (answer.answer, {})
    links = {citation.number: citation.url for citation in answer.citations if citation.url}
    lines = [harmless(text, links), "", *_places(answer), *_badge(answer.verification), _small_print(answer)]
    if picture is not None and not attach:
        lines.append("-# The program made a picture, but I may not attach files here.")
    elif picture is not None:
        files["picture.png"] = picture
    return Shown(tuple(split("\n".join(lines))), files)


def draft(sources: SourcesEvent | None, text: str) -> str:
    """Return what is shown while an answer is written: where it reads, and the end of what it wrote."""
    if sources is None:
        return "-# Looking it up ..."
    places = ", ".join(_place(citation) for citation in sources.citations[:5])
    head = split(f"-# Reading {places}" if places else "-# Writing ...", MAX_MESSAGE // 2 - 1)
    return "\n".join([head[0], *split(harmless(text), MAX_MESSAGE // 2)[-1:]])


def places(reply: SearchReply) -> str:
    """Return the places that were found, each with the beginning of its source."""
    if not reply.passages:
        return f"Nothing of {escaped(f'{reply.library} {reply.version}')} fits."
    parts = [f"-# {escaped(f'{reply.library} {reply.version}')}"]
    for number, passage in enumerate(reply.passages, 1):
        excerpt = passage.text[:MAX_EXCERPT].rstrip()
        language = "python" if passage.path.endswith(".py") else ""
        parts += [f"**{number}.** {_place(passage)}", Code(excerpt, language).fenced()]
    return "\n".join(parts)


def indexed(libraries: Sequence[Library], default: str | None) -> str:
    """Return what can be asked about; `default` is the version that a server chose."""
    lines = [f"- {escaped(f'{each.library} {each.version} ({each.revision})')}" for each in libraries]
    chosen = [f"Here, who names no version asks about {escaped(default)}."] if default else []
    return "\n".join(["I know these:", *lines, *chosen] if lines else ["Nothing is indexed yet."])


def apology(error: Exception) -> str:
    """Return what a user is told; what the service says of a question is shown, what is wrong inside is not."""
    match error:
        case InvalidInput():
            return split(escaped(error.message))[0]
        case Overloaded():
            return "Too many questions are waiting just now. Please ask again in a minute."
        case ModelTimeout() | TimeoutError():
            return "That took too long, so I gave it up. Please try again, perhaps with a shorter question."
        case StorageError():
            return "Sorry, that cannot be kept just now: my memory does not work. The log says more."
        case _:
            return "Sorry, the service that answers cannot be reached just now. Please try again in a few minutes."


def _without_long_code(text: str) -> tuple[str, dict[str, bytes]]:
    files: dict[str, bytes] = {}
    kept: list[str] = []
    for block in parse(text):
        if isinstance(block, Prose):
            kept.append(block.text)
        elif len(block.text) <= LONG_CODE:
            kept.append(block.fenced())
        else:
            name = f"program{len(files) + 1}.{_SUFFIXES.get(block.language.lower(), 'txt')}"
            files[name] = block.text.encode(errors="replace")
            kept.append(Code(f"{name}: {len(block.text):,} characters, attached").fenced())
    return "\n".join(kept), files


def _places(answer: Answer) -> Iterator[str]:
    if answer.citations:
        yield f"**{_HEADINGS[answer.status]}**"
    for citation in answer.citations[:MAX_PLACES]:
        yield f"{citation.number}. {_place(citation)}"


def _place(found: Citation | Passage) -> str:
    label = escaped(f"{found.path}:{found.start_line}-{found.end_line} {found.symbol or ''}".strip()[:200])
    return link(label, found.url) if found.url else label


def _badge(found: Verification) -> Iterator[str]:
    """What is wrong is said in the answer's own text; here is how much was looked at."""
    counts = [(found.checked_names, "name"), (found.checked_calls, "call")]
    checked = " and ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts if count)
    if checked:
        wrong = len(found.findings) or len(found.unknown_names) + len(found.bad_calls)
        parts = [f"{checked} checked", f"{wrong} in doubt" if wrong else "", found.undecided]
        yield f"{'⚠️' if wrong else '✅'} {', '.join(filter(None, parts))}"
    if found.repaired:
        yield f"-# repaired: {harmless('; '.join(found.repaired))[:500]}"
    if found.ran is not None and found.ran.ok:
        yield f"✅ the program ran in {found.ran.seconds:.1f} s"
    elif found.ran is not None:
        yield f"⚠️ the program failed: {escaped(' '.join((found.ran.error or '').split())[-200:])}"
    if found.unchecked:
        yield f"-# {escaped(found.unchecked)[:500]}"


def _small_print(answer: Answer) -> str:
    source = f"{answer.library} {answer.version} ({answer.revision})"
    parts = [source, answer.model, f"{answer.timings.total_ms / 1000:.1f} s"]
    return "-# " + " · ".join(escaped(part) for part in parts if part)
