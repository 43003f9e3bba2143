"""LlamaIndex nodes as rows of a table, and back without loss."""

# Arrow's classes have no types.
# pyright: reportUnknownParameterType=false

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from llama_index.core.schema import BaseNode, TextNode
from numpy.typing import NDArray

from agent.errors import IndexMismatch, InvalidInput

Tokenize = Callable[[str], Sequence[str]]

SCALARS = ("path", "symbol", "kind", "role", "language")
"""Metadata that filters can use; they have columns of their own."""

BATCH_ROWS = 1_024

NODE_COLUMNS = ["id", "text", "metadata", "extra"]
"""What `to_nodes` reads."""

_OWN_COLUMNS = {"id_", "text", "metadata", "embedding"}


def schema(dimension: int) -> pa.Schema:
    """Return the columns of a table of vectors with `dimension` numbers.

    `lexical` holds the tokens separated by spaces; `extra` what a node says beyond id, text and metadata, as JSON
    (relationships, excluded keys, offsets).
    """
    return pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            pa.field("ref_doc_id", pa.string()),
            pa.field("text", pa.string(), nullable=False),
            pa.field("vector", pa.list_(pa.float32(), dimension), nullable=False),
            pa.field("lexical", pa.string(), nullable=False),
            *(pa.field(name, pa.string()) for name in SCALARS),
            pa.field("metadata", pa.string(), nullable=False),
            pa.field("extra", pa.string(), nullable=False),
        ]
    )


def to_batches(nodes: Sequence[BaseNode], dimension: int, tokenize: Tokenize) -> list[pa.RecordBatch]:
    """Return nodes as rows, all checked before any is written; Arrow takes a fraction of the nodes' memory.

    Raises:
        InvalidInput: an id comes twice, or a node is no `TextNode`, has no usable vector, or cannot be written as UTF-8
            JSON.
        IndexMismatch: a vector of another dimension.
    """
    distinct_ids(nodes)
    starts = range(0, len(nodes), BATCH_ROWS)
    return [_to_batch(nodes[start : start + BATCH_ROWS], dimension, tokenize) for start in starts]


def _to_batch(nodes: Sequence[BaseNode], dimension: int, tokenize: Tokenize) -> pa.RecordBatch:
    rows = [to_row(node, tokenize) for node in nodes]
    vectors = np.stack([checked_vector(node.embedding, dimension, f"Node {node.node_id!r}") for node in nodes])
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
    columns["vector"] = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), dimension)
    return pa.RecordBatch.from_pydict(columns, schema=schema(dimension))


def checked_vector(values: Sequence[float] | None, dimension: int, owner: str) -> NDArray[np.float32]:
    """Return `values` as float32 if a cosine can be taken with them.

    Raises:
        InvalidInput: there are none, one is not finite as float32, or all are zero.
        IndexMismatch: there are more or fewer than `dimension`.
    """
    if values is None:
        raise InvalidInput(f"{owner} has no vector.", remedy="Embed it first.", field="embedding")
    if len(values) != dimension:
        raise IndexMismatch(
            f"{owner} has a vector of {len(values)!r} numbers, but the index holds vectors of {dimension!r}.",
            remedy="Use the embedding model that the index was made with, or rebuild it: `fury-agent index --force`.",
        )
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused below
        vector = np.asarray(values, dtype=np.float32)
    if not np.isfinite(vector).all() or not vector.any():
        raise InvalidInput(
            f"{owner} has a vector that is zero, or not finite as float32.",
            remedy="Check the embedding model; `fury-agent doctor` says which one is used.",
            field="embedding",
        )
    return vector


def to_nodes(rows: pa.Table) -> list[TextNode]:
    """Return rows with at least `NODE_COLUMNS` as nodes; with `vector`, they carry their vectors."""
    columns = (rows[name].to_pylist() for name in NODE_COLUMNS)
    nodes = [to_node(*values) for values in zip(*columns, strict=True)]
    if "vector" in rows.column_names:
        for node, vector in zip(nodes, rows["vector"].to_pylist(), strict=True):
            node.embedding = vector
    return nodes


def to_node(id_: str, text: str, metadata: str | bytes, extra: str | bytes) -> TextNode:
    """Return the node that these columns are of, without its vector."""
    return TextNode(id_=id_, text=text, metadata=msgspec.json.decode(metadata), **msgspec.json.decode(extra))


def distinct_ids(nodes: Sequence[BaseNode]) -> list[str]:
    """Return the ids of nodes.

    Raises:
        InvalidInput: one comes twice.
    """
    ids = [node.node_id for node in nodes]
    if len(set(ids)) < len(ids):
        twice = next(id_ for id_ in ids if ids.count(id_) > 1)
        raise InvalidInput(f"Node id {twice!r} comes twice.", remedy="Give every node its own id.", field="nodes")
    return ids


def to_row(node: BaseNode, tokenize: Tokenize) -> dict[str, str | None]:
    """Return the columns of a node but its vector; see `schema`.

    Raises:
        InvalidInput: it is no `TextNode`, or cannot be written as UTF-8 JSON.
    """
    if not isinstance(node, TextNode):
        raise InvalidInput(f"Node {node.node_id!r} is a {type(node).__name__}, expected a TextNode.", field="nodes")
    extra = node.model_dump(mode="json", exclude_defaults=True, exclude=_OWN_COLUMNS)
    extra.pop("class_name")  # the model adds it after the exclusions
    return {
        "id": node.node_id,
        "ref_doc_id": node.ref_doc_id,
        "text": node.text,
        "lexical": " ".join(tokenize(f"{node.metadata.get('embed_text') or ''}\n{node.text}")),
        **{name: _scalar(node, name) for name in SCALARS},
        "metadata": _json(node, node.metadata),
        "extra": _json(node, extra),
    }


def _scalar(node: TextNode, name: str) -> str | None:
    value = node.metadata.get(name)
    if value is None or isinstance(value, str):
        return value
    raise InvalidInput(
        f"Node {node.node_id!r} has {name}={value!r}, expected text or None, since filters use it.", field=name
    )


def _json(node: TextNode, value: dict[str, Any]) -> str:
    try:
        encoded = json.dumps(value, ensure_ascii=False, allow_nan=False)
        f"{node.node_id}{node.ref_doc_id}{node.text}{encoded}".encode()
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"Node {node.node_id!r} cannot be stored as UTF-8 JSON: {error}.",
            remedy="Keep text, numbers, lists and mappings in its metadata.",
            field="metadata",
        ) from error
    return encoded
