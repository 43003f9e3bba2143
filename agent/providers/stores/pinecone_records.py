"""LlamaIndex nodes as Pinecone records, within its limits, and back without loss.

Importing this is free; limits are those of https://docs.pinecone.io/reference/api/database-limits.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
import numpy as np
from llama_index.core.schema import TextNode
from msgspec import Struct
from numpy.typing import NDArray

from agent.errors import IndexCorrupt, InvalidInput
from agent.providers.stores.filters import FILTERABLE
from agent.providers.stores.rows import to_node
from agent.providers.stores.statistics import Document

MAX_RECORDS = 1_000
"""Records of one upsert, and ids of one delete."""
MAX_REQUEST = 1_900_000
"""Bytes of one upsert, a little below 2 MB."""
MAX_METADATA = 40_000
"""Bytes of one record's metadata."""
MAX_ID = 512
PIECE = 6_000
"""Characters of content that fit into one record's metadata however they are escaped."""

Record = dict[str, Any]
"""As the SDK takes it: `id`, `values`, `sparse_values` and `metadata`."""


class Written(Struct, frozen=True):
    """A node as records.

    Attributes:
        record: what is searched.
        pieces: where the content is too long for one record, the records that hold it instead.
    """

    record: Record
    pieces: tuple[Record, ...] = ()


def to_records(
    row: Mapping[str, str | None], vector: NDArray[np.float32], sparse: Mapping[int, float], number: int
) -> Written:
    """Return a node as records.

    Args:
        row: its columns, see `rows.to_row`.
        vector: not zero.
        sparse: the weights of its terms.
        number: its place in the order of adding, which tells one writing of it from the next.

    Raises:
        InvalidInput: its id, or what filters use, is too long.
    """
    node_id = row["id"] or ""
    # Nulls are not allowed: what is not there is left out.
    metadata: dict[str, Any] = {name: row[name] for name in FILTERABLE if row[name] is not None}
    metadata |= {"node_id": node_id, "number": number}
    content = f"[{json.dumps(row['text'], ensure_ascii=False)},{row['metadata']},{row['extra']}]"
    record: Record = {"id": record_id(node_id), "values": unit(vector), "metadata": metadata}
    if sparse:
        record["sparse_values"] = {"indices": list(sparse), "values": list(sparse.values())}
    return _with_content(record, content)


def carried(record: Any, content: str) -> Written:
    """Return a record that was read, and its content, for another namespace."""
    metadata = {name: value for name, value in record.metadata.items() if name not in {"content", "pieces"}}
    copy: Record = {"id": record.id, "values": record.values, "metadata": metadata}
    if record.sparse_values is not None:
        copy["sparse_values"] = {"indices": record.sparse_values.indices, "values": record.sparse_values.values}
    return _with_content(copy, content)


def _with_content(record: Record, content: str) -> Written:
    metadata, node_id = record["metadata"], record["metadata"]["node_id"]
    whole = {**metadata, "content": content}
    if _size(whole) <= MAX_METADATA:
        return Written({**record, "metadata": whole})
    parts = [content[start : start + PIECE] for start in range(0, len(content), PIECE)]
    metadata = {**metadata, "pieces": len(parts)}
    if _size(metadata) > MAX_METADATA:
        raise InvalidInput(
            f"Node {node_id!r} has filter values of more than {MAX_METADATA} bytes; Pinecone takes no more.",
            remedy=f"Shorten {', '.join(FILTERABLE)}.",
            field="metadata",
        )
    values = [1.0] + [0.0] * (len(record["values"]) - 1)  # never searched, but a vector there must be
    pieces = (
        {"id": id_, "values": values, "metadata": {"content": part}}
        for id_, part in zip(piece_ids(metadata), parts, strict=True)
    )
    return Written({**record, "metadata": metadata}, tuple(pieces))


def to_text_node(metadata: Mapping[str, Any], content: str) -> TextNode:
    """Return the node whose record has this metadata and content, without its vector.

    Raises:
        IndexCorrupt: they are not those of a node.
    """
    try:
        text, own, extra = msgspec.json.decode(content, type=tuple[str, msgspec.Raw, msgspec.Raw])
        return to_node(metadata["node_id"], text, bytes(own), bytes(extra))
    except (KeyError, ValueError) as error:
        raise IndexCorrupt(
            f"A record of {metadata.get('node_id')!r} in Pinecone does not hold a node ({error}).",
            remedy="Rebuild the index: `fury-agent index --force`.",
        ) from error


def document(record: Any) -> Document:
    """Return what is counted of a record, as the SDK takes or gives it."""
    sparse = record.get("sparse_values")  # the SDK's structs have a dictionary's methods
    indices = () if sparse is None else sparse["indices"]
    metadata: Mapping[str, Any] = record["metadata"]
    return Document(tuple(indices), {name: metadata[name] for name in FILTERABLE if name in metadata})


def piece_ids(metadata: Mapping[str, Any]) -> list[str]:
    """Return the ids of the records that hold the content, in order."""
    own = record_id(metadata["node_id"])
    # Two writings of a node share no piece, so that a reader never mixes them. Pinecone hands back floats.
    return [f"{own[: MAX_ID - 40]}~{int(metadata['number'])}~{part}" for part in range(int(metadata.get("pieces", 0)))]


def record_id(node_id: str) -> str:
    """Return the id under which a node is stored: its own, or one of ASCII that `node_id_of` turns back.

    Raises:
        InvalidInput: it is too long.
    """
    plain = node_id.isascii() and node_id.isprintable() and not node_id.startswith("~") and node_id
    written = node_id if plain else "~" + base64.urlsafe_b64encode(node_id.encode()).decode()
    if len(written) > MAX_ID:
        raise InvalidInput(
            f"Node id {node_id[:80]!r}… takes {len(written)} characters; Pinecone takes {MAX_ID}.",
            remedy="Use a shorter id.",
            field="nodes",
        )
    return written


def node_id_of(written: str) -> str:
    """Return the node's id."""
    return base64.urlsafe_b64decode(written[1:]).decode() if written.startswith("~") else written


def unit(vector: NDArray[np.float32]) -> list[float]:
    """Return a vector of the same direction and length 1: dot products are cosines then."""
    exact = vector.astype(np.float64)  # the squares of small numbers vanish in 32 bits
    return (exact / np.linalg.norm(exact)).astype(np.float32).tolist()


def batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Yield records in lists that one upsert takes: by number and by bytes."""
    batch: list[Record] = []
    size = 0
    for record in records:
        bytes_ = _size(record) + 1
        if batch and (len(batch) == MAX_RECORDS or size + bytes_ > MAX_REQUEST):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += bytes_
    if batch:
        yield batch


def pages(ids: Iterable[str], most: int, characters: int = MAX_REQUEST) -> Iterator[list[str]]:
    """Yield ids in lists of at most so many ids and characters."""
    page: list[str] = []
    size = 0
    for id_ in ids:
        if page and (len(page) == most or size + len(id_) > characters):
            yield page
            page, size = [], 0
        page.append(id_)
        size += len(id_)
    if page:
        yield page


def _size(value: object) -> int:
    return len(msgspec.json.encode(value))
