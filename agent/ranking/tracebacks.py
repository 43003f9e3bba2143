"""From the frames of a traceback that a user pastes to the functions that they ran through."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from agent.symbols import ApiModel, Symbol

DEPTH = 5
"""How many functions are named, innermost first."""
_MOST_FRAMES = 100
"""Frames that are read: a question has at most a few, unless it recurses without end."""

# Python's own, and IPython's newer and older ones.
_FRAME = re.compile(r'File "(?P<path>[^"\n]{1,400}\.py)", line (?P<line>\d{1,7}), in (?P<function>\w+)')
_IPYTHON = re.compile(
    r"^(?:File )?(?P<path>[^\n:]{1,400}\.py)(?::(?P<line>\d{1,7}))?,? in (?:\w+\.){0,9}(?P<function>\w+)\(",
    re.MULTILINE,
)


class Frame(Struct, frozen=True):
    """One frame: `path` is that of the machine it ran on."""

    path: str
    line: int
    function: str


def frames(question: str) -> list[Frame]:
    """Return the frames of a pasted traceback, innermost first."""
    found = [match for pattern in (_FRAME, _IPYTHON) for match in pattern.finditer(question)]
    found.sort(key=lambda match: -match.start())
    return [
        Frame(match["path"].replace("\\", "/"), int(match["line"] or 0), match["function"])
        for match in found[:_MOST_FRAMES]
    ]


def walked(question: str, api: ApiModel) -> list[Symbol]:
    """Return the library's functions that a pasted traceback went through, innermost first, at most five."""
    found = {symbol.path: symbol for frame in frames(question) for symbol in _meant(frame, api)}
    return list(found.values())[:DEPTH]


def _meant(frame: Frame, api: ApiModel) -> Iterator[Symbol]:
    """Yield the functions of that name in that file; where there are several, the one that has the line."""
    named = [symbol for symbol in api.find(frame.function) if _defined_in(symbol, frame.path)]
    around = [symbol for symbol in named if symbol.start_line <= frame.line <= symbol.end_line]
    yield from (around or named)[:1]


def _defined_in(symbol: Symbol, path: str) -> bool:
    """Whether a file on somebody's machine is the one that defines the symbol, wherever it is installed."""
    names = symbol.path.split(".")[:-1]
    modules = ("/".join(names[:length]) for length in range(len(names), 0, -1))
    return any(f"/{path}".endswith((f"/{module}.py", f"/{module}/__init__.py")) for module in modules)
