"""How the difference between two versions looks in a terminal (rich), and as lines in a pipe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from agent.symbols.difference import Added, Changed, Moved, Removed
from agent.symbols.parameters import Change
from agent.versions import VersionDifference

Entry = TypeVar("Entry", Removed, Added, Moved, Changed)
_STYLES = {"removed": "red", "moved": "yellow", "changed": "cyan", "added": "green"}
_WHY = {"guide": "by its guide", "same name": "same name", "close name": "close name"}


def show_difference(found: VersionDifference) -> None:
    """Show a table, in which what went or came with its owner is counted, not listed; in a pipe, one line a name."""
    console = Console()
    if not console.is_terminal:
        console.file.writelines(f"{line}\n" for line in difference_lines(found))
        return
    table = Table("", "name", "kind", "what to know", "place")
    for what, path, kind, note, place in _rows(found):
        table.add_row(Text(what, style=_STYLES[what]), Text(path), kind, Text(note), Text(place, style="dim"))
    console.print(table)
    console.print(Text(summary(found)))


def difference_lines(found: VersionDifference) -> Iterator[str]:
    """Yield what differs, name by name: kind of difference, name, kind, what to know and place, divided by tabs."""
    for entry in found.removed:
        yield f"removed\t{entry.path}\t{entry.kind}\t{_instead(entry)}\t{entry.place}"
    for entry in found.moved:
        yield f"moved\t{entry.path}\t{entry.kind}\t{_moved(entry)}\t{entry.place}"
    for entry in found.changed:
        yield f"changed\t{entry.path}\t{entry.kind}\t{changes_in_words(entry.changes)}\t{entry.place}"
    for entry in found.added:
        yield f"added\t{entry.path}\t{entry.kind}\t\t{entry.place}"


def summary(found: VersionDifference) -> str:
    """Return the numbers on one line."""
    lists = (("removed", found.removed), ("moved", found.moved), ("changed", found.changed), ("added", found.added))
    counts = ", ".join(f"{len(entries)} {what}" for what, entries in lists if entries) or "no difference"
    names = f"{found.before} public names in {found.old}, {found.after} in {found.new}"
    return f"{found.library}: {names}: {counts}."


def _rows(found: VersionDifference) -> Iterator[tuple[str, str, str, str, str]]:
    for removed, members in _folded(found.removed):
        yield "removed", removed.path, removed.kind, _joined(_instead(removed), members), removed.place
    for moved, members in _folded(found.moved):
        yield "moved", moved.path, moved.kind, _joined(_moved(moved), members), moved.place
    for changed in found.changed:
        yield "changed", changed.path, changed.kind, changes_in_words(changed.changes), changed.place
    for added, members in _folded(found.added):
        yield "added", added.path, added.kind, members, added.place


def _folded(entries: Sequence[Entry]) -> Iterator[tuple[Entry, str]]:
    """Yield the entries whose owner is not one, each with how many names went along that have nothing else to tell."""
    paths = {entry.path: entry for entry in entries}
    held: Counter[str] = Counter()
    shown: list[Entry] = []
    for entry in entries:
        top = _top(entry.path, paths)
        if top == entry.path or _tells_more(entry, paths[top]):
            shown.append(entry)
        else:
            held[top] += 1
    for entry in shown:
        count = held[entry.path]
        yield entry, f"and {count} name{'s' if count > 1 else ''} in it" if count else ""


def _top(path: str, paths: Iterable[str]) -> str:
    owner = path.rpartition(".")[0]
    return _top(owner, paths) if owner in paths else path


def _tells_more(entry: Removed | Added | Moved | Changed, top: Removed | Added | Moved | Changed) -> bool:
    if isinstance(entry, Removed) and isinstance(top, Removed):
        return bool(entry.instead) and entry.instead != top.instead
    if isinstance(entry, Moved) and isinstance(top, Moved):
        return entry.to != top.to + entry.path.removeprefix(top.path) or bool(entry.changes)
    return False


def _instead(entry: Removed) -> str:
    if entry.instead:
        best = entry.instead[0]
        evidence = f", {best.evidence}" if best.evidence else ""
        text = f"-> {best.path} ({_WHY.get(best.why, best.why)}{evidence})"
    elif entry.candidates:
        text = f"one of {', '.join(entry.candidates)}?"
    else:
        text = f"see {entry.told}" if entry.told else ""
    return text if entry.certain else _joined(text, "a base outside the library may have it")


def _moved(entry: Moved) -> str:
    return _joined(f"-> {entry.to}", changes_in_words(entry.changes))


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def changes_in_words(changes: Sequence[Change]) -> str:
    """Return changes on one line, those of one kind together: `keyword only now: colors, radii; added: material`."""
    together: dict[str, list[str]] = {}
    for change in changes:
        together.setdefault(_label(change), []).append(_brief(change))
    return "; ".join(f"{label}: {', '.join(texts)}" for label, texts in together.items())


def _label(change: Change) -> str:
    if change.what == "parameter kind":
        return f"{change.after} now"
    return change.what.removeprefix("parameter ")


def _brief(change: Change) -> str:
    if change.what == "parameter kind" or change.before is None or change.after is None:
        return change.name if change.what == "parameter kind" else change.after or change.before or ""
    if change.what in {"parameter default", "parameter made optional", "parameter made required"}:
        return f"{change.before} -> {change.after.partition('=')[2] or change.after}"
    return f"{change.before} -> {change.after}"
