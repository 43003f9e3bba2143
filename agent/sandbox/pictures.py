"""Pictures that came out of a run: decoded within bounds, written anew, and kept by their content.

Nothing of a file that unknown code made is passed on: its pixels are unpacked, counted and packed again, and every
other part of it (texts, profiles, what follows the end) is left behind.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from agent.durable_files import storage_errors, write_atomically
from agent.settings import Settings

MAX_SIDE = 4096
MAX_KEPT = 2_000
"""Pictures that stay in the data directory; the oldest go first."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Colour type -> samples of a pixel (PNG specification, table 11.1)."""
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_FILTERS = 5
_NAME = re.compile(r"[0-9a-f]{64}\.png")


def clean_png(data: bytes) -> bytes | None:
    """Return the same picture, written anew; None for what is no plain PNG of at most 4096 × 4096 pixels."""
    try:
        return _rewritten(data)
    except (ValueError, struct.error, zlib.error):
        return None


def keep_picture(png: bytes, settings: Settings) -> str:
    """Keep a picture and return its name.

    Raises:
        StorageError: the data directory cannot be written.
    """
    name = f"{hashlib.sha256(png).hexdigest()}.png"
    folder = settings.pictures_dir
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / name, png)
        kept = sorted(folder.glob("*.png"), key=_modified)
        for path in kept[:-MAX_KEPT]:
            path.unlink(missing_ok=True)
    return name


def _modified(path: Path) -> float:
    """Return when a file was written; another process may just have removed it."""
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_mtime
    return 0.0


def picture_path(name: str, settings: Settings) -> Path | None:
    """Return the file of a kept picture, or None if there is none; `name` may be anything that anybody sent."""
    path = settings.pictures_dir / name
    return path if _NAME.fullmatch(name) and path.is_file() else None


def _rewritten(data: bytes) -> bytes:
    chunks = list(_chunks(data))
    kind, header = chunks[0]
    width, height, depth, colour, compression, filtering, interlace = struct.unpack(">IIBBBBB", header)
    if kind != b"IHDR" or not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise ValueError("size")
    if depth not in _DEPTHS.get(colour, ()) or (compression, filtering, interlace) != (0, 0, 0):
        raise ValueError("kind")
    row = 1 + (width * depth * _CHANNELS[colour] + 7) // 8
    pixels = _unpack(b"".join(body for kind, body in chunks if kind == b"IDAT"), row * height)
    if max(pixels[::row]) >= _FILTERS:
        raise ValueError("filter")
    palette = _palette(chunks) if colour == 3 else []  # noqa: PLR2004 - indexed
    parts = [(b"IHDR", header), *palette, (b"IDAT", zlib.compress(pixels)), (b"IEND", b"")]
    return _SIGNATURE + b"".join(_packed(kind, body) for kind, body in parts)


def _palette(chunks: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return one palette of at most 256 colours and how opaque they are: nothing else may hide there."""
    colours = [body for kind, body in chunks if kind == b"PLTE"]
    opacity = [body for kind, body in chunks if kind == b"tRNS"]
    if len(colours) != 1 or len(colours[0]) % 3 or not 3 <= len(colours[0]) <= 3 * 256:  # noqa: PLR2004 - colours
        raise ValueError("palette")
    if len(opacity) > 1 or any(len(body) > len(colours[0]) // 3 for body in opacity):
        raise ValueError("opacity")
    return [(b"PLTE", colours[0]), *((b"tRNS", body) for body in opacity)]


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not data.startswith(_SIGNATURE):
        raise ValueError("signature")
    position, kind = len(_SIGNATURE), b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, position)
        body = data[position + 8 : position + 8 + length]
        (check,) = struct.unpack_from(">I", data, position + 8 + length)
        if len(body) != length or check != zlib.crc32(kind + body):
            raise ValueError("chunk")
        yield kind, body
        position += 12 + length


def _unpack(packed: bytes, size: int) -> bytes:
    """Return exactly `size` bytes; a stream that holds more is never unpacked further."""
    stream = zlib.decompressobj()
    pixels = stream.decompress(packed, size + 1)
    if len(pixels) != size:
        raise ValueError("length")
    return pixels


def _packed(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
