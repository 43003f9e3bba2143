"""Chunks as LlamaIndex nodes, and back, without loss.

The node's text is what is shown. What is embedded is the metadata value `embed_text` alone: LlamaIndex's own lists of
excluded keys and its templates say so, hence `get_content(MetadataMode.EMBED)` gives `Chunk.embed_text` and
`get_content(MetadataMode.LLM)` gives `Chunk.text`, in every pipeline and from every store.
"""

from __future__ import annotations

from typing import Any

import msgspec
from llama_index.core.schema import BaseNode, MetadataMode, NodeRelationship, RelatedNodeInfo, TextNode

from agent.errors import IndexCorrupt
from agent.schema import Chunk

_FIELDS = tuple(field for field in Chunk.__struct_fields__ if field not in {"id", "text"})


def to_node(chunk: Chunk) -> TextNode:
    """Return the chunk as a node whose id is the chunk's and whose source is the chunk's path.

    Metadata holds JSON scalars only, which every store can keep; fields that are None are left out.
    """
    metadata: dict[str, Any] = {field: value for field in _FIELDS if (value := getattr(chunk, field)) is not None}
    metadata["pieces"] = ",".join(f"{start}-{end}" for start, end in chunk.pieces)
    return TextNode(
        id_=chunk.id,
        text=chunk.text,
        metadata=metadata,
        excluded_embed_metadata_keys=[field for field in _FIELDS if field != "embed_text"],
        excluded_llm_metadata_keys=list(_FIELDS),
        text_template="{metadata_str}",
        metadata_template="{value}",
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=chunk.path)},
    )


def from_node(node: BaseNode) -> Chunk:
    """Return the chunk that `to_node` made the node from; metadata that others have added is ignored.

    Raises:
        IndexCorrupt: the metadata is not that of a chunk.
    """
    values: dict[str, Any] = {field: node.metadata[field] for field in _FIELDS if field in node.metadata}
    values |= {"id": node.node_id, "text": node.get_content(metadata_mode=MetadataMode.NONE)}
    try:
        spans = (piece.split("-") for piece in values["pieces"].split(",") if piece)
        values["pieces"] = [(int(start), int(end)) for start, end in spans]
        # Not strict: some stores hand whole numbers back as floats.
        return msgspec.convert(dict.fromkeys(_NULLABLE) | values, Chunk, strict=False)
    except (KeyError, AttributeError, ValueError, msgspec.ValidationError) as error:
        raise IndexCorrupt(
            f"Node {node.node_id!r} does not hold a chunk: {error}.",
            remedy="Build the index again: `fury-agent index`.",
        ) from error


_NULLABLE = ("symbol", "qualified", "public", "signature", "doc")
