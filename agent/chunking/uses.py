"""Which names an example uses or a page writes out, and what a page says is required; as far as the file tells."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Sequence

from packaging.utils import canonicalize_name

from agent.dotted_names import imported_names, written_names
from agent.schema import Chunk

_LISTED = re.compile(
    r"^[ \t]*(?:[-*+•]|\d+[.)])[ \t]+[`*]*(?P<name>[A-Za-z][\w.-]*(?<=\w))[`*]*"
    r"[ \t]*(?:\([ \t]*)?(?:[<>]=?|[=~]=)[ \t]*\d",
    re.MULTILINE | re.ASCII,
)


def uses(chunks: Sequence[Chunk]) -> Iterator[tuple[str, str]]:
    """Yield (chunk id, name) for what the blocks of one example use.

    A name is dotted and begins with what was imported (`fury.actor.sphere`); of an attribute of any other value only
    the end is known (`.register_callback`).

    Args:
        chunks: all chunks of one Python script, in order.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other people's invalid escapes are no news of ours
            tree = ast.parse("".join(chunk.text for chunk in chunks).removeprefix("\ufeff"))
    except (SyntaxError, ValueError, RecursionError):
        return
    imported = dict(_imports(tree))
    owner = {line: chunk.id for chunk in chunks for line in range(chunk.start_line, chunk.end_line + 1)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            name = _dotted(node, imported)
            if name is not None and node.lineno in owner:
                yield owner[node.lineno], name


def written(chunks: Sequence[Chunk]) -> Iterator[tuple[str, str]]:
    """Yield (chunk id, name) for the dotted names on one page, as its own imports complete them.

    Args:
        chunks: all chunks of one document, in order.
    """
    imported = {name: path for chunk in chunks for name, path in imported_names(chunk.text)}
    for chunk in chunks:
        for name in written_names(chunk.text):
            root, _, rest = name.partition(".")
            yield chunk.id, f"{imported[root]}.{rest}" if root in imported else name


def required(chunks: Sequence[Chunk]) -> Iterator[tuple[str, str]]:
    """Yield (chunk id, canonical name of a package) for what the lists of one page ask for, `- numpy >= 1.7`."""
    for chunk in chunks:
        for listed in _LISTED.finditer(chunk.text):
            yield chunk.id, canonicalize_name(listed["name"])


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield (name here, dotted path) for every absolute import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                root = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (root, root)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _dotted(node: ast.Name | ast.Attribute, imported: dict[str, str]) -> str | None:
    names: list[str] = []
    value: ast.expr = node
    while isinstance(value, ast.Attribute):
        names.append(value.attr)
        value = value.value
    if isinstance(value, ast.Name) and value.id in imported:
        return ".".join([imported[value.id], *reversed(names)])
    return f".{node.attr}" if isinstance(node, ast.Attribute) else None
