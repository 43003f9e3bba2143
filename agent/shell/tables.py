"""How builds, libraries, findings of `doctor` and settings look in a terminal (rich)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from agent.schema import Library

if TYPE_CHECKING:
    from agent.diagnosis.findings import Finding
    from agent.index_build import BuildReport
    from agent.settings import Settings


def show_build(report: BuildReport) -> None:
    """Show what a build did."""
    info = report.info
    console = Console()
    name = f"{info.library} {info.version} ({info.revision})"
    if not report.changed:
        console.print(Text(f"{name} is up to date: {info.files} files, {info.chunks} chunks."))
        return
    console.print(
        Text(
            f"{name}: {info.files} files, {info.chunks} chunks in {report.seconds:.1f} s "
            f"({report.files_chunked} files read, {report.files_kept} unchanged, {report.files_removed} gone; "
            f"{report.chunks_embedded} texts embedded)."
        )
    )
    if info.skipped:
        skipped = ", ".join(f"{count} {reason}" for reason, count in sorted(info.skipped.items()))
        console.print(Text(f"Left out: {skipped}.", style="dim"))


def show_libraries(libraries: Sequence[Library]) -> None:
    """Show a table of what is indexed."""
    if not libraries:
        Console().print("Nothing is indexed yet. Build an index: fury-agent index")
        return
    table = Table("library", "version", "revision", "files", "chunks", "embedding", "built")
    for entry in libraries:
        table.add_row(
            entry.library,
            entry.version,
            entry.revision,
            str(entry.files),
            str(entry.chunks),
            entry.embedding,
            entry.created,
        )
    Console().print(table)


def show_findings(findings: Sequence[Finding]) -> None:
    """Show what `doctor` found."""
    marks = {"ok": "[green]ok[/]", "optional": "[yellow]off[/]", "missing": "[red]missing[/]"}
    table = Table("", "part", Column("found", overflow="fold"), Column("what mends it", overflow="fold"))
    for finding in findings:
        table.add_row(marks[finding.state], escape(finding.part), escape(finding.found), escape(finding.remedy))
    Console().print(table)


def show_settings(settings: Settings) -> None:
    """Show every setting: its variable, value and meaning."""
    from agent.settings import PREFIX

    table = Table(Column("setting", overflow="fold"), Column("value", overflow="fold"), "meaning")
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        table.add_row(f"{PREFIX}{name.upper()}", escape(str(value)), escape(field.description or ""))
    Console().print(table)
