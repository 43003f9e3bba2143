"""The program that an answer shows."""

from __future__ import annotations

import ast
from collections.abc import Collection

from agent.verification.answer import python_blocks
from agent.verification.markdown import lines_of


def program(markdown: str, roots: Collection[str]) -> str | None:
    """Return the Python blocks of a Markdown text as one script.

    Blocks of one text continue each other; prompts of a doctest and a notebook's commands are taken out.

    Args:
        markdown: any text.
        roots: top-level packages of the library.

    Returns:
        None where there is nothing to run: no block imports the library, or one of them is not Python.
    """
    codes = [code for _, code in python_blocks(markdown)]
    trees = [code.tree for code in codes if code.tree is not None]
    if len(trees) < len(codes) or not any(_imports(tree, roots) for tree in trees):
        return None
    return "\n".join(line for code in codes for line in code.lines)


def _imports(tree: ast.Module, roots: Collection[str]) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and any(alias.name.partition(".")[0] in roots for alias in node.names):
            return True
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in roots:
            return True
    return False


def with_program(markdown: str, reply: str) -> str | None:
    """Return a Markdown text with the program of a reply in the place of its own.

    Args:
        markdown: any text with at least one Python block; the first is replaced, further ones go.
        reply: what a model said when it was asked for the program again.

    Returns:
        None where the reply does not hold exactly one Python block, or the text none.
    """
    new, old = python_blocks(reply), python_blocks(markdown)
    if len(new) != 1 or not old or new[0][1].tree is None:
        return None
    code = new[0][0].content
    lines = lines_of(markdown)
    for number, (token, _) in reversed([*enumerate(old)]):
        start, end = token.map or (0, 0)
        marks = "`" * 3 if "```" not in code else "~" * 3
        lines[start:end] = [f"{marks}python\n{code.rstrip()}\n{marks}\n"] if number == 0 else []
    return "".join(lines)
