"""Answers' code, run within the sandbox's walls and watched: did it run, draw anything, and what did it show?"""

from __future__ import annotations

import base64
import binascii
import io
import re
import secrets
import zlib
from importlib import resources

import msgspec
import numpy as np
from PIL import Image

from agent.sandbox import Sandbox
from evals.scenes import Seen, Tried

_WATCH = "inside/watch.py"
_PROGRAM = """\
watch = {{"__name__": "watch"}}
exec(compile({watch!r}, "<watch>", "exec"), watch)
watch["watch"]({mark!r})
exec(compile({code!r}, __file__, "exec"))
"""
"""The code runs as a file of its own would, under the name by which the sandbox knows its lines."""
_ERROR = re.compile(r"Line (\d+): .*\n")
MAX_REPORT = 1_000_000
"""Bytes that are unpacked of what a run says: it is code that nobody has read."""


def try_code(code: str, sandbox: Sandbox) -> Tried:
    """Run a program and look at its picture.

    Raises:
        InvalidInput: it is too long to be run.
        SandboxUnavailable: the walls could not be built.
    """
    mark = f"{secrets.token_hex(8)}:"
    result = sandbox.run(watched(code, mark))
    return Tried(
        ok=result.ok,
        seconds=round(result.seconds, 2),
        error=_with_line(result.error, code),
        drawn=None if result.image is None else drawn(result.image),
        seen=_seen(result.output, mark),
    )


def watched(code: str, mark: str) -> str:
    """Return a program that runs `code` and prints, behind `mark`, what it showed."""
    watch = (resources.files("evals") / _WATCH).read_text(encoding="utf-8")
    return _PROGRAM.format(watch=watch, mark=mark, code=code)


def drawn(png: bytes) -> float:
    """Return the share of pixels that differ from the most frequent colour, 0 to 1."""
    with Image.open(io.BytesIO(png)) as picture:
        pixels = np.asarray(picture.convert("RGB"), np.uint32).reshape(-1, 3)
    packed = pixels @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    _, counts = np.unique(packed, return_counts=True)
    return round(1 - int(counts.max()) / len(packed), 5)


def _with_line(error: str | None, code: str) -> str | None:
    """Return an error with the line as the code has it; the sandbox took it from the program around."""
    found = _ERROR.match(error or "")
    if error is None or found is None:
        return error
    number, lines = int(found[1]), code.splitlines()
    source = lines[number - 1].strip() if number <= len(lines) else ""
    return f"Line {number}: {source}\n{error[found.end() :]}"


def _seen(output: str, mark: str) -> Seen:
    """Return what a run says of its picture; nothing where it says nothing that can be read."""
    _, found, text = output.rpartition(mark)
    if not found:
        return Seen()
    try:
        unpacked = zlib.decompressobj().decompress(base64.b85decode(text.strip()), MAX_REPORT)
        return msgspec.json.decode(unpacked, type=Seen)
    except (ValueError, binascii.Error, zlib.error, msgspec.DecodeError):
        return Seen()
