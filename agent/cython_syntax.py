"""Cython as Python, byte for byte: what only Cython knows is blanked, so that offsets and lines stay what they were.

Functions and classes become Python's, declarations become comments, types of arguments and casts become spaces. A
Python parser then finds the definitions; what is shown is the file itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_CLASS = re.compile(rb"^([ \t]*)cp?def\b[^\n(:#]*?\bclass\b", re.MULTILINE)
_SUBSCRIPT = rb"\[[^\n(\[\]]*(?:\[[^\n(\[\]]*\][^\n(\[\]]*)*\]"  # each bracket can be read in one way only
_FUNCTION = re.compile(
    rb"^([ \t]*)(?:def|cp?def)\b(?![^\n(:]*\bclass\b)(?:[^\n(=:#\[]|" + _SUBSCRIPT + rb")*?(\w+)[ \t]*\(", re.MULTILINE
)
_TAIL = re.compile(rb"[^\n:#()=]*:")
"""From an argument list to the body: ` nogil:`, ` except? -1:`, ` -> int:`."""
_DECLARATION = re.compile(rb"[ \t]*(?:(?:cp?def|ctypedef|cimport|DEF|include)\b|from[ \t]+[\w.]+[ \t]+cimport\b)")
_OPENS_BLOCK = re.compile(rb":[ \t]*(?:#.*)?$")
_ARGUMENT = re.compile(rb"\s*(.*?)(\w+)\s*(?:(?:not|or)\s+None\s*)?$", re.DOTALL)
_CAST = re.compile(
    rb"(?:[=(,\[+\-*/&|:]|\b(?:return|and|or|not|in|if|elif|else|while|yield)\b)\s*"
    rb"(<[A-Za-z_][\w. ]*(?:\[[\d:, ]+\])?[ *]*\??>)(?=[ ]?[\w(&*\"'-])"
)
_ADDRESS = re.compile(rb"[(,=]\s*(&)(?=[\w(])")
_BRACKETS = {**dict.fromkeys(b"([{", 1), **dict.fromkeys(b")]}", -1)}


def as_python(data: bytes) -> bytes:
    """Return Cython source as Python of the same length, each byte that is kept where it was.

    Bodies may still hold what Python's grammar does not know; the parser then flags them as broken.
    """
    code = bytearray(data)
    for found in _CLASS.finditer(data):
        _put(code, found.end(1), found.end(), b"class")
    for found in _FUNCTION.finditer(data):
        _function(data, code, found)
    _declarations(code)
    for pattern in (_CAST, _ADDRESS):
        for found in pattern.finditer(bytes(code)):
            _put(code, *found.span(1))
    return bytes(code)


def _put(code: bytearray, start: int, end: int, text: bytes = b"") -> None:
    """Write `text` and blanks over a span; line ends stay."""
    old = bytes(code[start:end])
    code[start:end] = text + re.sub(rb"[^\r\n]", b" ", old[len(text) :])


def _function(data: bytes, code: bytearray, found: re.Match[bytes]) -> None:
    """Rewrite the header of a function; what has no body is a declaration, and left to those."""
    end = _closing(data, found.end())
    tail = _TAIL.match(data, end + 1)
    if tail is None:
        return
    _put(code, found.end(1), found.start(2), b"def")
    for first, last in _arguments(data, found.end(), end):
        argument = _ARGUMENT.match(data[first:last])
        if argument is not None:
            is_variadic = argument[1] in {b"*", b"**"}
            _put(code, first + argument.start(1 + is_variadic), first + argument.start(2))
            _put(code, first + argument.end(2), last)
    if b"->" not in tail[0]:
        _put(code, end + 1, tail.end() - 1)


def _closing(data: bytes, start: int) -> int:
    """Return where the bracket that was opened before `start` is closed, or the end of the file."""
    depth = 1
    for at in range(start, len(data)):
        depth += _BRACKETS.get(data[at], 0)
        if not depth:
            return at
    return len(data)


def _arguments(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the spans of the arguments, without their defaults and annotations."""
    depth, first, last = 0, start, None
    for at in range(start, end):
        depth += _BRACKETS.get(data[at], 0)
        if depth:
            continue
        if data[at] in b"=:" and last is None:
            last = at
        elif data[at] in b",":
            yield first, at if last is None else last
            first, last = at + 1, None
    yield first, end if last is None else last


def _declarations(code: bytearray) -> None:
    """Make comments of declarations, with the lines in which they go on and the blocks that they open."""
    at, depth, block = 0, 0, -1
    goes_on = False
    for line in bytes(code).split(b"\n"):
        indent = len(line) - len(line.lstrip())
        if line.strip():
            inside = goes_on or (block >= 0 and indent > block)
            starts = not inside and _DECLARATION.match(line) is not None
            if not inside:
                block = indent if starts and _OPENS_BLOCK.search(line) else -1
            if inside or starts:
                depth += sum(_BRACKETS.get(character, 0) for character in line.partition(b"#")[0])
                code[at + indent : at + indent + 1] = b"#"
            goes_on = (inside or starts) and (depth > 0 or line.rstrip().endswith(b"\\"))
            depth = depth if goes_on else 0
        at += len(line) + 1
