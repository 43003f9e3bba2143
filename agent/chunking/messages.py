"""What a definition says when something goes wrong: the texts that it raises or warns with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from tree_sitter import Node

from agent.chunking.grammars import parse
from agent.schema import Chunk

HOLE = "{}"
"""Stands where a message has a value that only the running program knows."""

_WORD = re.compile(r"\w+")
_SAYS = re.compile(r"\braise\b|\bwarn")
_WARNING = re.compile(rb"(?:.*\.)?warn(?:ing)?$", re.DOTALL)
_VALUE = re.compile(r"\{[^{}]*\}|%[-+ #0]*\d*(?:\.\d+)?[a-zA-Z]")


def messages(chunk: Chunk) -> Iterator[str]:
    """Yield the messages in a chunk of Python code, values replaced by `HOLE`; of other chunks, none."""
    if chunk.language != "python" or not _SAYS.search(chunk.text):
        return
    data = chunk.text.encode()
    for node in _walk(parse("python", data)):
        if node.type == "raise_statement" or (node.type == "call" and _warns(data, node)):
            text = next((child for child in _walk(node) if child.type in {"string", "concatenated_string"}), None)
            if text is not None:
                yield " ".join(_VALUE.sub(HOLE, "".join(_parts(data, text))).split())


def word_pairs(text: str) -> set[str]:
    """Return the pairs of neighbouring words, none across a hole: what a quotation is known by."""
    runs = (_WORD.findall(part.lower()) for part in text.split(HOLE))
    return {f"{first} {second}" for words in runs for first, second in pairwise(words)}


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _warns(data: bytes, call: Node) -> bool:
    function = call.children[0]
    return _WARNING.match(data[function.start_byte : function.end_byte]) is not None


def _parts(data: bytes, node: Node) -> Iterator[str]:
    """Yield the literal parts of a string, and a hole for each value in between."""
    if node.type == "string_content":
        yield data[node.start_byte : node.end_byte].decode(errors="replace")
    elif node.type == "interpolation":
        yield HOLE
    else:
        for child in node.children:
            yield from _parts(data, child)
