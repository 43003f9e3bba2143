"""How answers and passages look in a terminal (rich), and in a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from rich.console import Console, ConsoleRenderable, Group
from rich.live import Live
from rich.markdown import Markdown
from rich.markup import escape
from rich.syntax import Syntax
from rich.text import Text

from agent.ranking.stale_names import outdated
from agent.schema import Answer, AnswerEvent, Citation, Event, Passage, Ran, SearchReply, SourcesEvent, TokenEvent

PICTURE_COLUMNS = 60
"""Width of a picture in a terminal, in characters."""
EXCERPT = 12
"""Lines of a passage shown by `search`."""


def show_answer(events: Iterable[Event], pictures: Path) -> None:
    """Show an answer as it is written, then its final text with the citations and the picture that its code made.

    In a pipe only the final text is printed: the draft may hold what the checks then take out.

    Args:
        events: of one answer.
        pictures: directory of the pictures.
    """
    console = Console()
    if not console.is_terminal:
        *_, last = events
        console.file.write(plain_answer(last.answer, pictures) if isinstance(last, AnswerEvent) else "")
        return
    with Live(console=console, transient=True, refresh_per_second=8, vertical_overflow="visible") as live:
        draft = ""
        final: Answer | None = None
        for event in events:
            if isinstance(event, SourcesEvent):
                live.update(_reading(event.citations))
            elif isinstance(event, TokenEvent):
                draft += event.text
                live.update(Markdown(draft))
            else:
                live.update("")
                final = event.answer
    if final is not None:
        console.print(answer_text(final, pictures))


def _reading(citations: Sequence[Citation]) -> Group:
    places = [Text(f"  [{entry.number}] {entry.title}  {entry.place}", style="dim") for entry in citations]
    return Group(Text("Reading", style="dim"), *places)


def answer_text(answer: Answer, pictures: Path) -> Group:
    """Return an answer with its numbered citations (path, symbol, lines and link) and its picture."""
    parts: list[object] = [Markdown(answer.answer), ""]
    if answer.status == "answered":
        parts += [citation_text(entry) for entry in answer.citations]
        parts += ["", *(Text(line, style=style) for line, style in badge(answer))]
        if (path := picture_file(answer, pictures)) is not None:
            parts += [_picture(path), Text(str(path), style=f"dim link {path.as_uri()}")]
    return Group(*parts, "", Text(small_print(answer), style="dim"))  # type: ignore[arg-type]


def plain_answer(answer: Answer, pictures: Path) -> str:
    """Return an answer as it goes into a pipe: nothing wrapped, so that code can be pasted."""
    lines = [answer.answer, ""]
    if answer.status == "answered":
        lines += [citation_text(entry).plain for entry in answer.citations]
        lines += ["", *(line for line, _ in badge(answer))]
        if (path := picture_file(answer, pictures)) is not None:
            lines.append(f"picture: {path}")
    return "\n".join([*lines, "", small_print(answer)]) + "\n"


def badge(answer: Answer) -> list[tuple[str, str]]:
    """Return what was checked and repaired in an answer, in lines with their style."""
    found = answer.verification
    missing, misfits = len(found.unknown_names), sum(finding.kind == "bad-call" for finding in found.findings)
    others = len(found.findings) - misfits - sum(finding.kind == "unknown-name" for finding in found.findings)
    where = f"{answer.library} {answer.version}"
    parts = [
        _tally(found.checked_names, "name", missing, "exist", "does not exist", "do not exist") + f" in {where}",
        _tally(found.checked_calls, "call", misfits, "fit", "does not fit", "do not fit")
        if found.checked_calls
        else "",
        f"{others} more finding{'' if others == 1 else 's'}" if others else "",
        found.undecided,
    ]
    lines = [(f"checked: {'; '.join(filter(None, parts))}", "yellow" if found.findings else "green")]
    if found.repaired:
        lines.append((f"repaired: {'; '.join(found.repaired)}", "green"))
    if found.ran is not None:
        lines.append((_outcome(found.ran), "green" if found.ran.ok else "red"))
    if found.unchecked:
        lines.append((found.unchecked, "yellow"))
    return lines


def _outcome(ran: Ran) -> str:
    error = "; ".join(line.strip() for line in (ran.error or "").splitlines())
    return f"ran without error in {ran.seconds:.1f} s" if ran.ok else f"failed when it was run: {error}"


def picture_file(answer: Answer, pictures: Path) -> Path | None:
    """Return the file of the picture that an answer's code made, if it made one that is still there."""
    url = answer.verification.ran.image_url if answer.verification.ran is not None else None
    path = pictures / PurePosixPath(url).name if url else None
    return path if path is not None and path.is_file() else None


def _picture(path: Path) -> ConsoleRenderable:
    """Return a picture in the best form that this terminal can show: as pixels, or as coloured half characters."""
    from textual_image.renderable import Image  # asks the terminal what it can, when it is imported

    return Image(path, width=PICTURE_COLUMNS, height="auto")


def _tally(count: int, what: str, wrong: int, well: str, one: str, many: str) -> str:
    counted = f"{count} {what}{'' if count == 1 else 's'}"
    if not wrong:
        return f"{counted}, all {well}" if count > 1 else f"{counted}, which {well}s" if count else f"no {what}s"
    return f"{counted}, {wrong} {one if wrong == 1 else many}"


def small_print(answer: Answer) -> str:
    """Return what an answer was made from and with, on one line."""
    model = f" · {answer.model}" if answer.model else ""
    seconds = answer.timings.total_ms / 1e3
    return f"{answer.library} {answer.version} ({answer.revision}){model} · {seconds:.1f} s"


def citation_text(entry: Citation) -> Text:
    """Return one line `[1] fury/actor/curved.py:46-163 actor.sphere` and, below it, the link."""
    text = Text.assemble((f"[{entry.number}] ", "bold"), (entry.place, "cyan"))
    if entry.symbol:
        text.append(f"  {entry.symbol}", style="green")
    text.append(outdated(entry.stale), style="yellow")
    if entry.url:
        text.append(f"\n    {entry.url}", style=f"dim link {entry.url}")
    return text


def show_passages(reply: SearchReply) -> None:
    """Show found places, each with its first lines; in a pipe, with all of them and unchanged."""
    console = Console()
    if not console.is_terminal:
        console.file.write("".join(map(plain_passage, reply.passages)) or f"{_nothing(reply)}\n")
        return
    for number, passage in enumerate(reply.passages, start=1):
        place = f"{passage.path}:{passage.start_line}-{passage.end_line}"
        console.print(
            Text.assemble(
                (f"{number}. ", "bold"),
                (place, "cyan"),
                f"  {passage.symbol or ''}",
                (outdated(passage.stale), "yellow"),
            )
        )
        lines = passage.text.strip("\n").splitlines()
        language = "python" if passage.path.endswith((".py", ".pyi")) else "rst"
        # A class is shown without its methods: then the lines shown are not consecutive in the file.
        consecutive = len(lines) == passage.end_line - passage.start_line + 1
        console.print(
            Syntax(
                "\n".join(lines[:EXCERPT]),
                language,
                line_numbers=consecutive,
                start_line=passage.start_line,
                background_color="default",
            )
        )
        if len(lines) > EXCERPT:
            console.print(Text(f"     … {len(lines) - EXCERPT} more lines", style="dim"))
        if passage.url:
            console.print(Text(f"     {passage.url}", style="dim"))
        console.print()
    where = Text(f"{reply.library} {reply.version}", style="dim")
    console.print(where if reply.passages else escape(_nothing(reply)))


def plain_passage(passage: Passage) -> str:
    """Return a place and its text as they go into a pipe."""
    place = f"{passage.path}:{passage.start_line}-{passage.end_line}  {passage.symbol or ''}".rstrip()
    return f"{place}{outdated(passage.stale)}\n{passage.url or ''}\n{passage.text.rstrip()}\n\n"


def _nothing(reply: SearchReply) -> str:
    return f"Nothing found in {reply.library} {reply.version}."
