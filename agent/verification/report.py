"""What a check found: the values that the rest of the program and its users see."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from agent.schema import Finding

HARMLESS = "unused-import"
"""Kind of findings that say nothing against a program."""


class CodeReport(Struct, frozen=True):
    """What is known about one piece of code.

    Attributes:
        findings: by place.
        known, unknown, unchecked: distinct dotted paths into the library, ascending: names that exist, names that do
            not, and names of which the sources cannot tell.
        calls_checked: calls whose arguments were held against a signature.
        calls_bound: those among them that fit.
        calls_open: further calls, which pass what cannot be seen (`*rows`, `**options`); what can be seen of them fits.
        skipped: why the code was not checked at all, or not to its end (too long, nested too deeply); else None.
    """

    findings: tuple[Finding, ...] = ()
    known: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    calls_checked: int = 0
    calls_bound: int = 0
    calls_open: int = 0
    skipped: str | None = None

    @property
    def names_checked(self) -> int:
        """Number of distinct names with a verdict, `known` or `unknown`."""
        return len(self.known) + len(self.unknown)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found but unused imports."""
        return all(finding.kind == HARMLESS for finding in self.findings)


class CheckedBlock(Struct, frozen=True):
    """One code block of an answer.

    Attributes:
        line: 1-based line of the Markdown text on which the code begins.
        column: characters that Markdown puts before each line of the code (the indent of a list item).
        code: the code as it was checked, without its fence.
        report: places are those inside `code`; names that earlier blocks of the answer bind are known in it.
    """

    line: int
    column: int
    code: str
    report: CodeReport


class AnswerReport(Struct, frozen=True):
    """What is known about a Markdown text: its Python blocks, and the library's names in its prose.

    Attributes:
        blocks: the blocks that were read as Python, in order.
        prose: names in inline code and in the text; places are those in the Markdown text.
        other_languages: those of the other blocks, as their fences name them; empty for one without, that names the
            library.
        has_inline_code: whether there is code between backticks, which no API can be held against.
    """

    blocks: tuple[CheckedBlock, ...] = ()
    prose: CodeReport = CodeReport()
    other_languages: tuple[str, ...] = ()
    has_inline_code: bool = False

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings by place, with lines and columns of the Markdown text."""
        return tuple(sorted(self._placed(), key=lambda finding: (finding.line, finding.column)))

    def _placed(self) -> Iterator[Finding]:
        yield from self.prose.findings
        for block in self.blocks:
            for found in block.report.findings:
                yield replace(found, line=found.line + block.line - 1, column=found.column + block.column)

    @property
    def known(self) -> tuple[str, ...]:
        """Distinct library names that exist, ascending."""
        return tuple(sorted({name for report in self._reports for name in report.known}))

    @property
    def unknown(self) -> tuple[str, ...]:
        """Distinct library names that do not exist, ascending."""
        return tuple(sorted({name for report in self._reports for name in report.unknown}))

    @property
    def unchecked(self) -> tuple[str, ...]:
        """Distinct library names of which the sources cannot tell, ascending."""
        return tuple(sorted({name for report in self._reports for name in report.unchecked}))

    @property
    def names_checked(self) -> int:
        """Number of distinct names with a verdict, `known` or `unknown`."""
        return len(self.known) + len(self.unknown)

    @property
    def calls_checked(self) -> int:
        """Calls whose arguments were held against a signature."""
        return sum(report.calls_checked for report in self._reports)

    @property
    def calls_bound(self) -> int:
        """Those among them that fit."""
        return sum(report.calls_bound for report in self._reports)

    @property
    def calls_open(self) -> int:
        """Calls that pass what cannot be seen."""
        return sum(report.calls_open for report in self._reports)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found but unused imports."""
        return all(report.is_clean for report in self._reports)

    @property
    def _reports(self) -> tuple[CodeReport, ...]:
        return (*(block.report for block in self.blocks), self.prose)
