"""Chunks survive LlamaIndex."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llama_index.core.schema import MetadataMode, TextNode

from agent.chunking.nodes import from_node, to_node
from agent.errors import IndexCorrupt
from agent.schema import Chunk

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAME = st.text("abc.>/_ü", min_size=1, max_size=9)
COUNT = st.integers(0, 10**9)
CHUNKS = st.builds(
    Chunk,
    id=NAME,
    path=NAME,
    title=NAME,
    symbol=st.none() | NAME,
    qualified=st.none() | NAME,
    public=st.none() | NAME,
    signature=st.none() | TEXT,
    doc=st.none() | TEXT,
    text=TEXT,
    embed_text=TEXT.filter(lambda text: bool(text.strip()) and text == text.strip()),
    start_byte=COUNT,
    end_byte=COUNT,
    start_line=COUNT,
    end_line=COUNT,
    pieces=st.lists(st.tuples(COUNT, COUNT), max_size=3).map(tuple),
    part=COUNT,
    parts=COUNT,
)


@given(chunk=CHUNKS)
def test_a_chunk_comes_back_from_its_node(chunk: Chunk) -> None:
    node = to_node(chunk)

    assert from_node(node) == chunk
    assert from_node(TextNode.model_validate_json(node.model_dump_json())) == chunk
    assert all(isinstance(value, str | int | float | bool) for value in node.metadata.values())
    assert json.loads(json.dumps(node.metadata)) == node.metadata


@given(chunk=CHUNKS)
def test_a_store_may_turn_numbers_into_floats_and_add_keys(chunk: Chunk) -> None:
    node = to_node(chunk)
    node.metadata = {key: float(value) if type(value) is int else value for key, value in node.metadata.items()}
    node.metadata["doc_id"] = "theirs"

    assert from_node(node) == chunk


@given(chunk=CHUNKS)
def test_what_is_embedded_and_what_is_read_differ(chunk: Chunk) -> None:
    node = to_node(chunk)

    assert (node.id_, node.ref_doc_id) == (chunk.id, chunk.path)
    assert node.get_content(MetadataMode.EMBED) == chunk.embed_text
    assert node.get_content(MetadataMode.LLM) == chunk.text


@pytest.mark.parametrize("change", [{"pieces": "1"}, {"pieces": 7}, {"kind": "poem"}, {"path": 1.5}])
def test_foreign_nodes_are_refused_by_name(change: dict[str, Any]) -> None:
    with pytest.raises(IndexCorrupt, match="'stranger'"):
        from_node(TextNode(id_="stranger", text="x", metadata=change))
