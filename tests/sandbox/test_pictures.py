"""What is passed on of a picture: its pixels, and nothing else."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sandbox import keep_picture, picture_path, pictures
from agent.sandbox.pictures import clean_png
from agent.settings import Settings

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(
    width: int = 2,
    height: int = 2,
    *,
    colour: int = 2,
    depth: int = 8,
    interlace: int = 0,
    extra: bytes = b"",
    pixels: bytes | None = None,
) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    pixels = (b"\0" + b"\x10\x20\x30" * width) * height if pixels is None else pixels
    return SIGNATURE + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def pixels_of(data: bytes) -> bytes:
    start = data.index(b"IDAT")
    (length,) = struct.unpack_from(">I", data, start - 4)
    return zlib.decompress(data[start + 4 : start + 4 + length])


def test_the_pixels_stay() -> None:
    cleaned = clean_png(png(3, 5))
    assert cleaned is not None
    assert pixels_of(cleaned) == (b"\0" + b"\x10\x20\x30" * 3) * 5
    assert clean_png(cleaned) == cleaned


@pytest.mark.parametrize(
    "extra", [chunk(b"tEXt", b"Comment\0<script>"), chunk(b"iCCP", b"x" * 99), chunk(b"eXIf", b"where I live")]
)
def test_everything_else_goes(extra: bytes) -> None:
    assert clean_png(png(extra=extra)) == clean_png(png())
    assert clean_png(png() + b"PK\x03\x04 a second file") == clean_png(png())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff\xe0 a JPEG",
        SIGNATURE,
        png()[:-5],
        png().replace(b"IDAT", b"IDAT", 1)[:40] + b"\0" + png()[41:],
        png(0, 1, pixels=b""),
        png(5000, 1),
        png(interlace=1),
        png(colour=5),
        png(depth=3),
        png(pixels=b"\0" * 13),
        png(pixels=b"\0" * 15),
        png(pixels=b"\x05" + b"\0" * 13),
        SIGNATURE + chunk(b"IEND", b""),
    ],
)
def test_what_is_no_plain_png_is_refused(data: bytes) -> None:
    assert clean_png(data) is None


def test_a_bomb_is_not_unpacked() -> None:
    """50 MB of zeros in 50 kB, said to be two pixels."""
    assert clean_png(png(pixels=bytes(50_000_000))) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_no_danger(data: bytes) -> None:
    assert clean_png(data) is None
    assert clean_png(SIGNATURE + data) is None


@given(st.integers(0, len(png()) - 1), st.integers(1, 255))
def test_a_changed_byte_never_changes_the_pixels(position: int, change: int) -> None:
    """Every chunk that counts has a check sum."""
    data = bytearray(png())
    data[position] ^= change
    assert clean_png(bytes(data)) in (None, clean_png(png()))


def test_the_same_picture_is_kept_once(settings: Settings) -> None:
    name = keep_picture(png(), settings)
    assert keep_picture(png(), settings) == name
    path = picture_path(name, settings)
    assert path is not None
    assert path.read_bytes() == png()
    assert len(list(settings.pictures_dir.iterdir())) == 1


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a.png", "", "0" * 64 + ".png", "0" * 64, "/etc/passwd", "x\0.png"]
)
def test_a_made_up_name_leads_nowhere(settings: Settings, name: str) -> None:
    keep_picture(png(), settings)
    assert picture_path(name, settings) is None


def test_the_oldest_pictures_go(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_KEPT", 2)
    names = [keep_picture(png(width, 2), settings) for width in (1, 2, 3)]
    assert [picture_path(name, settings) is not None for name in names].count(True) == 2
    assert picture_path(names[-1], settings) is not None


def test_a_full_disk_is_said_in_words(tmp_path: Path) -> None:
    from agent.errors import StorageError

    (tmp_path / "data").write_text("a file, where a folder should be")
    with pytest.raises(StorageError, match="data"):
        keep_picture(png(), Settings(data_dir=tmp_path / "data"))
