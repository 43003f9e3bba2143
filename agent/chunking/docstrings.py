"""Docstrings and signatures, read from the bytes that the parser points to."""

from __future__ import annotations

import re
from inspect import cleandoc

from tree_sitter import Node

_AT_MARGIN = re.compile(r"\n\S")
_AFTER_BREAK = re.compile(r"\s*\\?\n\s*")


def docstring_node(body: Node) -> Node | None:
    """Return the string that opens a body, if one does."""
    if not body.child_count:
        return None
    # The first child alone: `children` would make an object of every statement, in every function.
    first = body.child(0)
    if first.type == "comment":
        first = next((child for child in body.children if child.type != "comment"), first)
    if first.type != "expression_statement" or first.child_count != 1:
        return None
    value = first.child(0)
    return value if value.type == "string" else None


def docstring(data: bytes, node: Node, indent: int) -> str | None:
    """Return the docstring as `inspect.cleandoc` would; its escape sequences stay as they are written.

    Args:
        data: the file.
        node: a string.
        indent: the column of the string, which is nearly always the docstring's margin.
    """
    literal = data[node.start_byte : node.end_byte].decode(errors="replace").lstrip("rRuU")
    quotes = 3 if literal.startswith(('"""', "'''")) else 1
    if literal[:1] not in {'"', "'"}:
        return None  # bytes and f-strings are no docstrings
    # Python reads every line end as a line feed, and a backslash before one as nothing.
    text = literal[quotes:-quotes].replace("\r\n", "\n").replace("\\\n", "")
    return clean(text, indent) or None


def clean(text: str, indent: int) -> str:
    """Return `inspect.cleandoc(text)`, sooner if all lines are indented by `indent` spaces, as they mostly are."""
    if "\t" not in text and (text[:1] == "\n" or not text[:1].isspace()):
        margin = "\n" + " " * indent
        if text.count(margin) + text.count("\n\n") == text.count("\n"):
            cleaned = text.replace(margin, "\n")
            if _AT_MARGIN.search(cleaned):
                return cleaned.strip("\n")
    return cleandoc(text)


def one_line(text: str) -> str:
    """Join the lines of a signature; what stands within a line stays as it is."""
    if "\n" not in text:
        return text.strip()
    joined = _AFTER_BREAK.sub(" ", text.strip())
    return joined.replace("( ", "(").replace(", )", ")").replace(" )", ")").replace("[ ", "[").replace(" ]", "]")


def signature(data: bytes, node: Node, body: Node | None) -> str:
    """Return the header of a definition on one line, without its colon: `def f(a, *, b=1) -> int`, `class A(B)`."""
    end = body.start_byte if body is not None else node.end_byte
    header = data[node.start_byte : end]
    if b"#" in header:
        header = _without_comments(data, node, end)
    return one_line(header.decode(errors="replace").rstrip().rstrip(":"))


def _without_comments(data: bytes, node: Node, end: int) -> bytes:
    kept: list[bytes] = []
    at = node.start_byte
    holders = [node, *(child for child in node.children if child.type in {"parameters", "argument_list"})]
    comments = (child for holder in holders for child in holder.children if child.type == "comment")
    for comment in sorted(comments, key=lambda child: child.start_byte):
        if comment.end_byte <= end:
            kept.append(data[at : comment.start_byte])
            at = comment.end_byte
    return b"".join([*kept, data[at:end]])
