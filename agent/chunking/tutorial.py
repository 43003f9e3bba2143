"""Example scripts as sphinx-gallery reads them: comment blocks of text, each followed by its code."""

from __future__ import annotations

import re
from functools import partial

from tree_sitter import Node

from agent.chunking.docstrings import docstring, docstring_node
from agent.chunking.drafts import Draft, assemble
from agent.chunking.grammars import parse
from agent.chunking.statements import boundaries
from agent.schema import Chunk, SourceFile

_BLOCK = re.compile(rb"#{20,}\s*$|# ?%%")
_RULE = re.compile(r"([=\-~#*^\"'+`:.]{4,})$")
_SENTENCE = re.compile(r"(?<=[.!?:])\s")
# A block smaller than this takes its neighbour in, so that no chunk is a mere import or a last line.
_SMALL = 700


def chunk_tutorial(file: SourceFile, data: bytes) -> tuple[Chunk, ...]:
    """Cut a script into chunks of text and code; see `agent.chunking.chunk_file`."""
    root = parse("python", data)
    children = root.children
    doc_node = docstring_node(root)
    doc = docstring(data, doc_node, 0) if doc_node is not None else None
    title = _title(doc or "") or file.path.rsplit("/", 1)[-1]
    drafts: list[Draft] = []
    cuts: list[tuple[int, int]] = []
    for start, end in _blocks(data, children):
        first = _first_sentence(data, children, start, end)
        name = f"{title} > {first}" if first and drafts else title
        draft = Draft("example", name, head=name, embed_from=start)
        draft.doc = doc if not drafts else None
        draft.boundaries = partial(boundaries, data, root)
        draft.broken = root.has_error and any(child.has_error for child in children if start <= child.start_byte < end)
        cuts.append((start, len(drafts)))
        drafts.append(draft)
    return assemble(file, data, drafts, cuts)


def _blocks(data: bytes, children: list[Node]) -> list[tuple[int, int]]:
    """Return the spans of the text blocks with their code, small ones merged; they tile the file."""
    starts = [0]
    row = -1  # of the comment line before: a rule right below text closes its block
    for child in children:
        if child.type != "comment":
            continue
        here = child.start_point.row
        opens = row != here - 1 and _BLOCK.match(data[child.start_byte : child.end_byte]) is not None
        if opens and child.start_byte - starts[-1] >= _SMALL:
            starts.append(child.start_byte)
        row = here
    return list(zip(starts, [*starts[1:], len(data)], strict=True))


def _title(doc: str) -> str:
    """Return the title of a docstring: its first line that is no rule."""
    lines = (line.strip() for line in doc.splitlines())
    return next((line for line in lines if line and not line.startswith("..") and not _RULE.match(line)), "")


def _first_sentence(data: bytes, children: list[Node], start: int, end: int) -> str:
    """Return the first sentence of the comments that a block begins with."""
    text: list[str] = []
    for child in children:
        if child.start_byte < start:
            continue
        if child.start_byte >= end or child.type != "comment":
            break
        line = data[child.start_byte : child.end_byte].decode(errors="replace").lstrip("#").removeprefix(" %%").strip()
        if line and not _RULE.match(line):
            text.append(line)
    return _SENTENCE.split(" ".join(text), maxsplit=1)[0][:120]
