"""The program that an answer shows."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection

from markdown_it.token import Token

from agent.verification.blocks import blocks_of
from agent.verification.markdown import lines_of
from agent.verification.source import Code


def program(markdown: str, roots: Collection[str]) -> str | None:
    """Return the program that a reader would take from an answer: its Python blocks from the last whole one on.

    A block is whole if it imports the library: what follows without doing so goes on from it, what stands before is
    another attempt or a variant. Prompts of a doctest and a notebook's commands are taken out.

    Args:
        markdown: any text.
        roots: top-level packages of the library.

    Returns:
        None where there is nothing to run: no block imports the library, or one of those taken is not Python.
    """
    codes = [code for _, code in _taken(markdown, roots)]
    if not codes or any(code.tree is None for code in codes):
        return None
    return "\n".join(line for code in codes for line in code.lines)


def with_program(markdown: str, reply: str, roots: Collection[str]) -> str | None:
    """Return a Markdown text with the program of a reply in the place of its own.

    Args:
        markdown: any text with at least one Python block.
        reply: what a model said when it was asked for the program again.
        roots: top-level packages of the library.

    Returns:
        None where the reply does not hold exactly one Python block, or the text none.
    """
    new, old = _python(reply, roots), _taken(markdown, roots) or _python(markdown, roots)
    if len(new) != 1 or not old or new[0][1].tree is None:
        return None
    code = new[0][0].content
    longest = max([2, *map(len, re.findall(r"`+", code))])
    lines = lines_of(markdown)
    for number, (token, _) in reversed([*enumerate(old)]):
        start, end = token.map or (0, 0)
        marks = "`" * (longest + 1)
        lines[start:end] = [f"{marks}python\n{code.rstrip()}\n{marks}\n"] if number == 0 else []
    return "".join(lines)


def _python(markdown: str, roots: Collection[str]) -> list[tuple[Token, Code]]:
    return [(block.token, block.code) for block in blocks_of(markdown, roots) if block.code is not None]


def _taken(markdown: str, roots: Collection[str]) -> list[tuple[Token, Code]]:
    blocks = _python(markdown, roots)
    whole = [number for number, (_, code) in enumerate(blocks) if code.tree is not None and _imports(code.tree, roots)]
    return blocks[whole[-1] :] if whole else []


def _imports(tree: ast.Module, roots: Collection[str]) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and any(alias.name.partition(".")[0] in roots for alias in node.names):
            return True
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in roots:
            return True
    return False
