"""The tree-sitter grammars, one wheel per language."""

from __future__ import annotations

import warnings
from functools import cache
from importlib import import_module

from tree_sitter import Language, Node, Parser

_MODULES = {"python": "tree_sitter_python", "glsl": "tree_sitter_glsl", "wgsl": "tree_sitter_wgsl_bevy"}


@cache
def grammar(language: str) -> Language:
    """Return the grammar of "python", "glsl" or "wgsl"."""
    with warnings.catch_warnings():
        # The shader grammars still hand over a bare pointer, which works but is deprecated.
        warnings.filterwarnings("ignore", "int argument support is deprecated", DeprecationWarning)
        return Language(import_module(_MODULES[language]).language())  # pyright: ignore[reportDeprecated]  # see above


def parse(language: str, data: bytes) -> Node:
    """Return the root of the syntax tree; there is one for any bytes.

    A parser must not be shared between threads and costs less than a microsecond, so each file gets its own.
    """
    return Parser(grammar(language)).parse(data).root_node
