"""What holds for the chunks of any bytes in any language."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agent.chunking import chunk_file
from agent.chunking.spans import LIMIT, is_blank
from agent.schema import Chunk, Language, Role, SourceFile

KINDS: list[tuple[Language, Role]] = [
    ("python", "package"),
    ("python", "example"),
    ("rst", "docs"),
    ("markdown", "docs"),
    ("wgsl", "package"),
    ("glsl", "package"),
    ("text", "docs"),
]
LINES = st.sampled_from(
    [
        b"",
        b"   ",
        b"def f(a, *, b=1):",
        b"    def g(self): return 1  # why",
        b"async def h(): pass",
        b"class A(B):",
        b"    class Inner:",
        b"        x = 1",
        b"@property",
        b"    @x.setter",
        b"if TYPE_CHECKING:",
        b"try:",
        b'    """Doc.',
        b'"""',
        b"    \xff\x00 = '''",
        b"x = (",
        b"NAMES = [",
        b"]",
        b"####################################",
        b"# Some text.",
        b"Title",
        b"=====",
        b"-----",
        b"# Heading",
        b"```python",
        b".. note::",
        b"   indented",
        b"fn main() -> f32 {",
        b"{{ jinja }}",
        b"}",
        b"float f(vec3 p) { return 1.0; }",
        b"// comment",
        b"\tx",
        b"a\rb",
        "größe = 'ü'".encode(),
        b"word " * 300,
    ]
)


@st.composite
def written_files(draw: st.DrawFn) -> bytes:
    """Lines of all languages in any order, as an editor would save them."""
    start = draw(st.sampled_from([b"", b"\xef\xbb\xbf"]))
    newline = draw(st.sampled_from([b"\n", b"\r\n"]))
    return start + newline.join(draw(st.lists(LINES, max_size=40)))


SOURCES = st.binary(max_size=300) | written_files()


def chunks_of(data: bytes, language: Language, role: Role) -> tuple[Chunk, ...]:
    return chunk_file(SourceFile("a/b.x", language, role, "a.b", len(data), ""), data, {"a.b.f": "a.f"})


def assert_laws(data: bytes, chunks: tuple[Chunk, ...]) -> None:
    """Pieces tile the file, extents and text agree with the bytes, ids are unique."""
    assert bool(chunks) != is_blank(data)
    if not chunks:
        return
    pieces = sorted(piece for chunk in chunks for piece in chunk.pieces)
    assert [0, *(end for _, end in pieces)] == [*(start for start, _ in pieces), len(data)]
    assert len({chunk.id for chunk in chunks}) == len(chunks)
    for chunk in chunks:
        own = b"".join(data[start:end] for start, end in chunk.pieces)
        assert chunk.text == own.decode(errors="replace")
        assert not is_blank(own)
        assert 0 <= chunk.start_byte < chunk.end_byte <= len(data)
        assert chunk.start_line == 1 + data.count(b"\n", 0, chunk.start_byte)
        assert chunk.end_line == 1 + data.count(b"\n", 0, chunk.end_byte - 1)
        assert data[chunk.start_byte : chunk.end_byte].strip()
        assert_holds_its_pieces(data, chunk)
        assert 0 < len(chunk.embed_text) <= 2_000
        assert chunk.embed_text == chunk.embed_text.strip()
        assert 0 <= chunk.part < chunk.parts
        assert len(own.strip()) <= 2 * LIMIT
    assert_definitions_are_whole(data, chunks)


def extent(chunk: Chunk) -> tuple[int, int]:
    return chunk.start_byte, chunk.end_byte


def assert_holds_its_pieces(data: bytes, chunk: Chunk) -> None:
    """Outside of the extent a chunk owns blank space only; without a symbol it has no larger one than its pieces."""
    first, last = chunk.pieces[0][0], chunk.pieces[-1][1]
    assert is_blank(data[first : chunk.start_byte])
    assert is_blank(data[chunk.end_byte : last])
    assert chunk.symbol is not None or first <= chunk.start_byte < chunk.end_byte <= last


def assert_definitions_are_whole(data: bytes, chunks: tuple[Chunk, ...]) -> None:
    """All parts of a definition share its extent, and all in it is theirs or that of definitions inside of it."""
    for index, chunk in enumerate(chunks):
        if chunk.symbol is None or chunk.part > 0:
            continue
        start, end = extent(chunk)
        parts = chunks[index : index + chunk.parts]
        assert [(part.symbol, part.part) for part in parts] == [(chunk.symbol, n) for n in range(chunk.parts)]
        assert {extent(part) for part in parts} == {(start, end)}
        for other in chunks:
            if any(not is_blank(data[max(start, first) : min(end, last)]) for first, last in other.pieces):
                assert other.symbol is not None
                assert start <= other.start_byte < other.end_byte <= end


@pytest.mark.parametrize(("language", "role"), KINDS)
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(data=SOURCES)
@example(data=b"\xef\xbb\xbf")
@example(data=b"\xef\xbb\xbfclass A: pass")
@example(data=b"\x00")
@example(data=b"\x0c\n\x0b")
def test_any_bytes_are_tiled_by_truthful_chunks(data: bytes, language: Language, role: Role) -> None:
    chunks = chunks_of(data, language, role)
    assert_laws(data, chunks)
    assert chunks == chunks_of(data, language, role)


LARGE = {
    "one long line": b"x = '" + b"a" * 1_000_000 + b"'",
    "one long line of multi-byte characters": b"# " + "ü".encode() * 100_000,
    "deep classes": b"".join(b" " * depth + b"class A:\n" for depth in range(300)),
    "deep blocks": b"".join(b" " * depth + b"if x:\n" for depth in range(300)),
    "deep brackets": b"x = " + b"[" * 5_000,
    "deep quotes": b">" * 5_000 + b" x",
    "nul bytes": b"\0" * 20_000,
    "no line feeds": b"a = 1\r" * 10_000,
    "many redefinitions": b"def f(): pass\n" * 500,
    "much blank space": b"x = 1" + b"\n" * 20_000 + b"y = 2" + b" " * 20_000,
    "much between definitions": b"\ndef f(): pass\n".join(b"# a comment\n" * 120 for _ in range(9)),
    "a large table": b"T = {\n" + b"    'key': (1, 2, 3),\n" * 2_000 + b"}\n",
}


@pytest.mark.parametrize(("language", "role"), KINDS)
@pytest.mark.parametrize("name", LARGE)
def test_extreme_files_are_tiled_too(name: str, language: Language, role: Role) -> None:
    assert_laws(LARGE[name], chunks_of(LARGE[name], language, role))


@pytest.mark.parametrize(("language", "role"), KINDS)
@pytest.mark.parametrize("data", [b"", b"\n", b" \r\n\t\n", b"\xef\xbb\xbf\n"])
def test_a_blank_file_has_no_chunks(data: bytes, language: Language, role: Role) -> None:
    assert chunks_of(data, language, role) == ()


def test_ids_stay_when_lines_above_change() -> None:
    source = b"class A:\n    def f(self): pass\n\ndef g(): pass\ndef g(): pass\n"
    before = {chunk.id: chunk.symbol for chunk in chunks_of(source, "python", "package")}
    after = {chunk.id: chunk.symbol for chunk in chunks_of(b"import os\n\n" + source, "python", "package")}
    assert before.items() <= after.items()
