"""WGSL and GLSL: a chunk for each function, with the comment and attributes above it, and one for the rest.

Template syntax in shaders (`{{ }}`, `$$ if`) is an error to the grammars, but only locally: functions are still found.
"""

from __future__ import annotations

from functools import partial

from tree_sitter import Node

from agent.chunking.docstrings import signature
from agent.chunking.drafts import Draft, assemble
from agent.chunking.grammars import parse
from agent.chunking.spans import Span, line_start
from agent.chunking.statements import boundaries
from agent.chunking.tokens import words
from agent.schema import Chunk, SourceFile

_FUNCTIONS = frozenset({"function_declaration", "function_definition"})
_COMMENTS = frozenset({"comment", "line_comment", "block_comment"})


def chunk_shader(file: SourceFile, data: bytes) -> tuple[Chunk, ...]:
    """Cut a shader into its functions and the rest; see `agent.chunking.chunk_file`."""
    root = parse(file.language, data)
    children = root.children
    name = file.path.rsplit("/", 1)[-1]
    rest = Draft("shader", name, head=f"{words(name)} ({file.path})")
    rest.boundaries = partial(boundaries, data, root)
    drafts = [rest]
    cuts: list[Span] = [(0, 0)]
    comment: Node | None = None
    for child in children:
        symbol = _name(data, child) if child.type in _FUNCTIONS else None
        if symbol is not None:
            draft = _function(file, data, child, comment, symbol)
            start, end = draft.extent or (0, 0)
            cuts += [(start, len(drafts)), (end, 0)]
            drafts.append(draft)
        elif child.has_error:
            rest.broken = True
        comment = _comment_above(child, comment)
    return assemble(file, data, drafts, cuts)


def _function(file: SourceFile, data: bytes, node: Node, comment: Node | None, symbol: str) -> Draft:
    body = next((child for child in node.children if child.type == "compound_statement"), None)
    touches = comment is not None and comment.end_point.row >= node.start_point.row - 1
    first = comment if comment is not None and touches else node
    start = line_start(data, first.start_byte, first.start_point.column)
    draft = Draft("shader", symbol, symbol, signature=signature(data, node, body), embed_from=start)
    draft.head = f"{words(symbol)} ({file.path})"
    draft.extent = (start, node.end_byte)
    draft.boundaries = partial(boundaries, data, body or node)
    draft.broken = node.has_error
    return draft


def _comment_above(child: Node, comment: Node | None) -> Node | None:
    """Return where the run of comments that `child` belongs to begins, if it is one."""
    if child.type not in _COMMENTS:
        return None
    return comment if comment is not None else child


def _name(data: bytes, node: Node) -> str | None:
    """Return the name of a function: the first identifier in it, which GLSL wraps in a declarator."""
    for child in node.children:
        if child.type == "identifier":
            return data[child.start_byte : child.end_byte].decode(errors="replace")
        if child.type == "function_declarator":
            return _name(data, child)
    return None
