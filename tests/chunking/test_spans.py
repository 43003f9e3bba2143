"""Lines, tiles and parts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.chunking.spans import LineCounter, pack, split, tile, trim

BYTES = st.text("ab \n\r\tü", max_size=80).map(str.encode)


@given(data=BYTES, offsets=st.lists(st.integers(0, 80)))
def test_lines_are_right_in_any_order_of_asking(data: bytes, offsets: list[int]) -> None:
    lines = LineCounter(data)

    assert [lines.line(offset) for offset in offsets] == [1 + data.count(b"\n", 0, offset) for offset in offsets]


@given(data=BYTES, cuts=st.lists(st.tuples(st.integers(0, 80), st.integers(0, 2))))
def test_tiles_share_out_everything_and_nobody_gets_blank_space_only(data: bytes, cuts: list[tuple[int, int]]) -> None:
    inside = sorted((min(offset, len(data)), owner) for offset, owner in cuts)
    pieces = tile(data, [(0, 0), *inside], 3)
    spans = sorted(span for own in pieces for span in own)

    assert b"".join(data[start:end] for start, end in spans) == (data if data.strip() else b"")
    assert all(data[start:end].strip() for start, end in spans)


@given(
    data=st.text("ab\nü", max_size=300).map(str.encode),
    levels=st.lists(st.lists(st.integers(0, 400)).map(sorted), max_size=3),
    ends=st.tuples(st.integers(0, 50), st.integers(60, 300)),
)
def test_parts_cover_a_span_in_order_and_within_bounds(
    data: bytes, levels: list[list[int]], ends: tuple[int, int]
) -> None:
    span = (min(ends[0], len(data)), min(ends[1], len(data)))
    parts = split(data, span, levels, limit=20)

    assert [span[0], *(end for _, end in parts)] == [*(start for start, _ in parts), span[1]]
    assert all(len(data[start:end].strip()) <= 40 for start, end in parts)


def test_parts_end_at_the_most_welcome_boundary_and_are_alike_in_size() -> None:
    assert split(b"x" * 90, (0, 90), [[45, 80]], limit=60) == [(0, 45), (45, 90)]
    assert split(b"x" * 90, (0, 90), [[5], [45]], limit=60) == [(0, 45), (45, 90)]


def test_a_cut_is_never_inside_a_character() -> None:
    data = "ü".encode() * 40

    assert all((end - start) % 2 == 0 for start, end in split(data, (0, len(data)), [], limit=15))


def test_blank_space_is_no_part_of_its_own() -> None:
    data = b"a" + b"\n" * 90 + b"b" + b" " * 90

    assert [data[start:end].strip() for start, end in split(data, (0, len(data)), [], limit=20)] == [b"a", b"b"]


def test_pieces_are_packed_in_order() -> None:
    assert pack([(0, 4), (6, 8), (10, 15), (20, 50)], limit=10) == [[(0, 4), (6, 8)], [(10, 15)], [(20, 50)]]


def test_trimming_keeps_indentation() -> None:
    data = b"\n  \n    a\n  b\n\n"

    assert data[slice(*trim(data, 0, len(data)))] == b"    a\n  b"
