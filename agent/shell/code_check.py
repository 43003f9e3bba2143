"""`fury-agent check`: files -> findings, one a line, as editors read them."""

from __future__ import annotations

import io
import sys
import tokenize
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from agent.answering.absent_names import AbsentNames
from agent.errors import InvalidInput
from agent.schema import MAX_CODE, Finding, Verification
from agent.settings import Settings
from agent.symbols import ApiModel
from agent.verification import HARMLESS, Advise, sentence, verify_code, verify_markdown
from agent.versions import Versions, chosen

STDIN = "-"
_PYTHON = (".py", ".pyi")
_MARKDOWN = (".md", ".markdown")
MOST_LISTED = 200
"""Findings that are shown as lines; whoever has more begins with these."""
_SHOWN = 5
_MOST_BYTES = 4 * MAX_CODE  # of UTF-8: what is longer has too many characters in any case


class FileFinding(Finding, frozen=True, kw_only=True):
    """A finding with the file it is in, as it was named."""

    file: str


class Report(Struct, frozen=True):
    """What was found in some files.

    Attributes:
        where: name and version of the library.
        files: each file's name and verification, in the order given.
    """

    where: str
    files: tuple[tuple[str, Verification], ...]

    @property
    def findings(self) -> list[FileFinding]:
        """All findings, by file and place."""
        return [
            FileFinding(*(getattr(found, name) for name in Finding.__struct_fields__), file=name_of)
            for name_of, checked in self.files
            for found in checked.findings
        ]

    @property
    def unchecked(self) -> list[str]:
        """What could not be checked, a line for each file."""
        return [f"{name}: {checked.unchecked}" for name, checked in self.files if checked.unchecked]

    @property
    def is_clean(self) -> bool:
        """Whether everything was checked and nothing found but unused imports, with which a program runs."""
        return not self.unchecked and all(found.kind == HARMLESS for found in self.findings)

    def as_lines(self) -> str:
        """Return `file:line:column: kind: message` for each of the first findings, on lines of their own."""
        listed = self.findings[:MOST_LISTED]
        return "".join(f"{f.file}:{f.line}:{f.column}: {f.kind}: {_words(f)}\n" for f in listed)

    def as_json(self) -> str:
        """Return the findings as a JSON list."""
        return msgspec.json.format(msgspec.json.encode(self.findings)).decode() + "\n"

    def summary(self) -> str:
        """Return what was done, and above it, what could not be."""
        names = sum(checked.checked_names for _, checked in self.files)
        calls = sum(checked.checked_calls for _, checked in self.files)
        counts = (len(self.findings), "finding"), (len(self.files), "file"), (names, "name"), (calls, "call")
        findings, files, name_count, call_count = (f"{n} {word}" + ("" if n == 1 else "s") for n, word in counts)
        done = f"{findings} in {files}; {name_count} and {call_count} checked against {self.where}"
        more = len(self.findings) - MOST_LISTED
        left_out = [f"and {more} more, which --json lists"] if more > 0 else []
        return "\n".join([*left_out, *self.unchecked, *self._undecided(), done])

    def _undecided(self) -> Iterator[str]:
        """Yield which names the sources cannot tell of: no finding, but no proof either."""
        names = sorted({name for _, checked in self.files for name in checked.unchecked_names})
        if names:
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            yield f"not decided by the sources: {', '.join(names[:_SHOWN])}{more}"
        calls = sum(checked.unchecked_calls for _, checked in self.files)
        if calls:
            yield f"not decided: {calls} call{'' if calls == 1 else 's'} with arguments that cannot be seen"


def check_files(
    names: Sequence[str],
    settings: Settings,
    *,
    library: str | None = None,
    version: str | None = None,
    stdin: BinaryIO | None = None,
    stdin_name: str = STDIN,
    prepare: Callable[[], None] | None = None,
) -> Report:
    """Check files against an indexed library; no model is loaded, and nothing in them is run.

    Args:
        names: paths of Python or Markdown files; `-` means standard input.
        settings: where the indexes are, and the default library.
        library: name of an indexed library, or None for the default.
        version: its exact version, or None for the default.
        stdin: read where `-` is among the names; the process's own without one.
        stdin_name: what standard input is called in findings; its ending says what it holds, Python without one.
        prepare: called once the files are read; it may take minutes, which nobody shall wait for a misspelled name.

    Raises:
        InvalidInput: a file cannot be read, or is neither Python nor Markdown.
        UnknownLibrary, UnknownVersion: not indexed; lists what is.
    """
    sources = [
        (stdin_name, _read(stdin or sys.stdin.buffer), True) if name == STDIN else (name, _read_file(name), False)
        for name in names
    ]
    kinds = [_is_markdown(name, any_ending=is_stdin) for name, _, is_stdin in sources]
    if prepare is not None:
        prepare()
    index = chosen(settings, library, version)
    versions = Versions(settings)
    api = versions.api(index.library, index.version)
    advise = AbsentNames(index.library, index.version, api, versions).advise
    where = f"{index.library} {index.version}"
    checked = (
        (name, _checked(data, api, where, advise, markdown=markdown))
        for (name, data, _), markdown in zip(sources, kinds, strict=True)
    )
    return Report(where, tuple(checked))


def _is_markdown(name: str, *, any_ending: bool) -> bool:
    ending = Path(name).suffix.lower()
    if ending not in (*_PYTHON, *_MARKDOWN) and not any_ending:
        raise InvalidInput(
            f"{name!r} is neither Python ({', '.join(_PYTHON)}) nor Markdown ({', '.join(_MARKDOWN)}).",
            remedy=f"Send what it holds to standard input: `fury-agent check {STDIN}`.",
            field="file",
        )
    return ending in _MARKDOWN


def _read_file(name: str) -> bytes:
    try:
        with Path(name).open("rb") as file:
            return _read(file)
    except (OSError, ValueError) as error:  # a name with a null byte is a ValueError
        reason = error.strerror if isinstance(error, OSError) else error
        raise InvalidInput(
            f"The file {name!r} cannot be read: {reason}.",
            remedy="Name files, not folders: `check *.py`.",
            field="file",
        ) from error


def _read(file: BinaryIO) -> bytes:
    return file.read(_MOST_BYTES + 1)


def _checked(data: bytes, api: ApiModel, where: str, advise: Advise, *, markdown: bool) -> Verification:
    if len(data) > _MOST_BYTES:
        return Verification(unchecked=f"Not checked: longer than {MAX_CODE} characters.")
    try:
        # Python's own rule: a byte order mark, a declaration in the first two lines, else UTF-8.
        encoding = "utf-8-sig" if markdown else tokenize.detect_encoding(io.BytesIO(data).readline)[0]
        text = data.decode(encoding)
    except (SyntaxError, LookupError, UnicodeError) as error:
        return Verification(findings=(_undecodable(data, error),))
    return (verify_markdown if markdown else verify_code)(text, api, where, advise)


def _words(found: Finding) -> str:
    """Return a finding in words; where it is stands beside them."""
    return found.message if found.kind == "syntax" else sentence(found)


def _undecodable(data: bytes, error: Exception) -> Finding:
    line = data[: error.start].count(b"\n") + 1 if isinstance(error, UnicodeDecodeError) else 1
    return Finding("syntax", line, 1, "", f"This cannot be read as text: {error}.")
