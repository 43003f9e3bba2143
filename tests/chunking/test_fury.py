"""The real sources of FURY."""

from __future__ import annotations

import pytest

from agent.chunking import chunk_file
from agent.schema import Chunk, SourceTree
from tests.chunking.test_laws import assert_laws


@pytest.fixture(scope="module")
def fury_chunks(fury_tree: SourceTree) -> dict[tuple[str, str | None], list[Chunk]]:
    chunks: dict[tuple[str, str | None], list[Chunk]] = {}
    for file in fury_tree.files:
        data = fury_tree.read(file)
        found = chunk_file(file, data, {"fury.actor.curved.sphere": "fury.actor.sphere"})
        assert_laws(data, found)
        for chunk in found:
            chunks.setdefault((chunk.path, chunk.symbol), []).append(chunk)
    return chunks


@pytest.mark.network
@pytest.mark.parametrize(
    ("path", "symbol", "start", "end"),
    [
        ("fury/ui/elements.py", "TexturedButton2D", 56, 116),
        ("fury/window.py", "ShowManager", 631, 1932),
        ("fury/window.py", "ShowManager.register_callback", 1019, 1056),
        ("fury/actor/core.py", "Actor.opacity", 105, 131),
        ("fury/actor/curved.py", "sphere", 46, 163),
        ("fury/actor/curved.py", "ellipsoid", 166, 305),
        ("fury/actor/core.py", "arrow", 502, 638),
        ("fury/data/fetcher.py", "fetch_viz_icons", 493, 503),
    ],
)
def test_known_places_have_their_lines(
    fury_chunks: dict[tuple[str, str | None], list[Chunk]], path: str, symbol: str, start: int, end: int
) -> None:
    """Whichever part of a long definition is found, it is cited as a whole."""
    parts = fury_chunks[path, symbol]

    assert {(part.start_line, part.end_line) for part in parts} == {(start, end)}


@pytest.mark.network
def test_no_python_of_the_package_is_broken(fury_chunks: dict[tuple[str, str | None], list[Chunk]]) -> None:
    chunks = [chunk for parts in fury_chunks.values() for chunk in parts]

    assert [chunk.path for chunk in chunks if chunk.broken and chunk.language == "python"] == []
    assert fury_chunks["fury/actor/curved.py", "sphere"][0].public == "fury.actor.sphere"
