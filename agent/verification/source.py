"""Text -> syntax tree, with the way back from every place in the tree to its place in the text."""

from __future__ import annotations

import ast
import re
import sys
import threading
import warnings

from msgspec import Struct

from agent.schema import MAX_CODE, Finding

NOT_PYTHON = f"This is not valid Python {sys.version_info.major}.{sys.version_info.minor}"
"""Newer syntax than that of the Python that runs us cannot be read."""
TOO_LONG = f"longer than {MAX_CODE} characters"
TOO_DEEP = "nested too deeply to be checked"

_NEWLINE = re.compile(r"\r\n|\r|\n")
_PROMPT = re.compile(r"[ \t]*(?:>>>|\.\.\.:?|In \[\d+\]:)(?: |$)")
_TIMING = ("%%time", "%%timeit", "%%capture")
_COMMAND = re.compile(r"[%!]|\?*[\w.]+\?+\s*$")
_LONG_CHAIN = re.compile(r"(?<![\w.])(?:[^\W\d]\w*+(?:\s|\\\n)*+\.(?:\s|\\\n)*+){500}")
"""Python's parser takes time that grows with the square of the parts of an imported name, and lets nobody else run."""
_parsing = threading.Lock()  # `catch_warnings` changes what is global


class Code(Struct, frozen=True):
    """A piece of Python that was read.

    Attributes:
        lines: as they were parsed.
        shifts: per line, how many characters of the text stand before what was parsed.
        tree: None where the text is no Python.
        error: why it is none.
        skipped: why it was not even read.
    """

    lines: tuple[str, ...]
    shifts: tuple[int, ...]
    tree: ast.Module | None = None
    error: Finding | None = None
    skipped: str | None = None

    def place(self, line: int, column: int) -> tuple[int, int]:
        """Return the 1-based line and column in the text of a 1-based line and 0-based UTF-8 offset in the tree."""
        line = min(max(line, 1), len(self.lines))
        text = self.lines[line - 1]
        characters = min(column, len(text))
        if not text.isascii():
            characters = len(text.encode()[: max(column, 0)].decode(errors="ignore"))
        return line, self.shifts[line - 1] + max(characters, 0) + 1


def read_code(text: str) -> Code:
    """Read Python, in doctest form or from a notebook too; whatever the text is, nothing is raised."""
    if len(text) > MAX_CODE:
        return Code((), (), skipped=TOO_LONG)
    if _LONG_CHAIN.search(text):
        return Code((), (), skipped=TOO_DEEP)
    lines = tuple(_NEWLINE.split(text))
    code = _parsed(lines, (0,) * len(lines))
    if code.error is None:
        return code
    changed = (
        _without_prompts(lines)
        if any(line.lstrip().startswith((">>>", "In [")) for line in lines)
        else _as_script(lines)
    )
    shifts = tuple(len(old) - len(new) if old.endswith(new) else 0 for old, new in zip(lines, changed, strict=True))
    return code if changed == lines else _parsed(changed, shifts)


def _parsed(lines: tuple[str, ...], shifts: tuple[int, ...]) -> Code:
    code = Code(lines, shifts)
    try:
        with _parsing, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an answer's invalid escapes are no news of ours
            return Code(lines, shifts, tree=ast.parse("\n".join(lines)))
    except SyntaxError as error:
        line = min(max(error.lineno or 1, 1), len(lines))
        column = min(max((error.offset or 1) - 1, 0), len(lines[line - 1])) + shifts[line - 1] + 1
        return Code(lines, shifts, error=Finding("syntax", line, column, "", f"{NOT_PYTHON}: {error.msg}."))
    except (RecursionError, MemoryError):  # the parser's own limits
        return Code(lines, shifts, skipped=TOO_DEEP)
    except ValueError:
        message = f"{NOT_PYTHON}: it holds a character that source code may not."
        return Code(code.lines, code.shifts, error=Finding("syntax", 1, 1, "", message))


def _without_prompts(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Keep what follows the prompts of a doctest; outputs become empty lines."""
    kept: list[str] = []
    for line in lines:
        prompt = _PROMPT.match(line)
        kept.append(line[prompt.end() :] if prompt else "")
    return tuple(kept)


def _as_script(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Take a notebook's commands out, and the indent that all lines share."""
    first = next((line.strip() for line in lines if line.strip()), "")
    if first.startswith("%%") and not first.startswith(_TIMING):
        return ("",) * len(lines)  # a cell in another language
    indents = [len(line) - len(line.lstrip(" \t")) for line in lines if line.strip()]
    common = min(indents, default=0)
    return tuple(_script_line(line[common:]) for line in lines)


def _script_line(line: str) -> str:
    code = line.lstrip(" \t")
    return line[: len(line) - len(code)] + "pass" if _COMMAND.match(code) else line
