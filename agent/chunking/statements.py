"""Where a body of code may be cut."""

from __future__ import annotations

from tree_sitter import Node

from agent.chunking.spans import LIMIT, Levels, line_start

_MAX_DEPTH = 12


def boundaries(data: bytes, block: Node, first: int = 0) -> Levels:
    """Return the starts of lines that a statement begins, those of large statements' insides on further levels.

    A comment belongs to the statement below it. What begins before the offset `first` (a docstring) is left alone.
    """
    levels: list[list[int]] = []
    nodes = [node for node in block.children if node.start_byte >= first]
    while nodes and len(levels) < _MAX_DEPTH:
        level: list[int] = []
        after_comment = False
        for node in nodes:
            start = line_start(data, node.start_byte, node.start_point.column)
            if not after_comment and (start == 0 or data[start - 1 : start] == b"\n"):
                level.append(start)
            after_comment = node.type == "comment"
        levels.append(level)
        nodes = [child for node in nodes if node.end_byte - node.start_byte > LIMIT // 2 for child in node.children]
    return levels
