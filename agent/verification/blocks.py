"""Which code blocks of a Markdown text are Python, and which languages the others are in."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator

from markdown_it.token import Token
from msgspec import Struct

from agent.verification.markdown import code_blocks
from agent.verification.source import Code, read_code

_PYTHON = re.compile(r"(?:jupyter-)?(?:i?python|py)[\d.]*(?:-repl)?|pyi|pycon3?|code-cell|doctest|testcode|testsetup")
_OUTPUT = frozenset({"", "text", "txt", "plain", "plaintext", "output", "none", "pytb"})
_DIRECTIVES = frozenset({"code", "code-block", "sourcecode"})
"""Words that MyST writes before a language; before none, a cell and a test are Python."""
_OPTIONS = re.compile(r"(?:---\n(?:.*\n)*?---\n|(?:[ \t]*:[\w-]+:.*\n)+)")
"""What MyST writes above the code of a directive."""
_COLONS = re.compile(
    r"^(?P<indent> {0,3})(?P<fence>:{3,})(?P<what>[ \t]*\{(?:code-block|code-cell|code|sourcecode)\}.*\n)"
    r"(?P<code>(?:(?![ \t]*(?:~~~|:::)).*\n)*)"
    r"(?P=indent)(?P=fence)[ \t]*$",
    re.MULTILINE,
)
"""A directive between colons, as MyST writes it; to CommonMark it is prose."""
_IMPORT = r"^[ \t]*(?:>>> )?(?:from|import)[ \t]+(?:{roots})\b[^\n(]*(?:\([^)]*\))?"
_NAMED = r"(?<![/\w.-])(?:{roots})\.[A-Za-z_]"


class Block(Struct, frozen=True):
    """A code block: where it stands, and what was read in it where it is Python."""

    token: Token
    code: Code | None


def blocks_of(markdown: str, roots: Collection[str]) -> list[Block]:
    """Return the code blocks of a Markdown text, in order.

    A block is Python if its fence says so, or says nothing and it is a program: it imports something, calls a member
    or uses a name of a block before it, or it is Python up to where it imports the library, so that a program that was
    cut off is not passed over. Data, output and lists of words parse as Python as well, and are none.

    Args:
        markdown: any text.
        roots: top-level packages of the library.
    """
    found: list[Block] = []
    bound: set[str] = set()
    for token in code_blocks(_COLONS.sub(_between_tildes, markdown)):
        code = _read(token, roots, bound)
        found.append(Block(token, code))
        bound.update(_bound(code.tree) if code is not None and code.tree is not None else ())
    return found


def other_languages(blocks: Iterable[Block], roots: Collection[str]) -> tuple[str, ...]:
    """Return the languages of the blocks that are not Python, as their fences name them, each once.

    Of output nothing is said, unless it names the library; empty is the language of a block without one that does.
    """
    others = ((_tag(block.token), block.token.content) for block in blocks if block.code is None)
    named = (tag for tag, text in others if tag not in _OUTPUT or _found(_NAMED, text, roots))
    return tuple(dict.fromkeys(named))


def _between_tildes(found: re.Match[str]) -> str:
    """Return a directive with a fence that CommonMark knows; every character of its code stays where it is."""
    indent, fence = found["indent"], "~" * len(found["fence"])
    return f"{indent}{fence}{found['what']}{found['code']}{indent}{fence}{found[0][found[0].rindex(':') + 1 :]}"


def _read(token: Token, roots: Collection[str], bound: Collection[str]) -> Code | None:
    """Read a block if it is Python."""
    tag, text = _tag(token), _text(token)
    if tag:
        return read_code(text) if _PYTHON.fullmatch(tag) else None
    code = read_code(text)
    is_python = _is_program(code.tree, bound) if code.tree is not None else _begins_as_program(text, roots)
    return code if is_python else None


def _tag(token: Token) -> str:
    """Return the language that a fence names: `python` of `python,ignore`, `{.python}` and `{code-block} python`."""
    words = (word.strip(".").lower() for word in re.split(r"[\s,:{}()]+", token.info))
    return next((word for word in words if word and word not in _DIRECTIVES), "")


def _text(token: Token) -> str:
    """Return a block's code; lines of a directive's options become empty, so that every other stays where it is."""
    options = _OPTIONS.match(token.content) if token.info.lstrip().startswith("{") else None
    if options is None:
        return token.content
    return "\n" * options[0].count("\n") + token.content[options.end() :]


def _is_program(tree: ast.Module, bound: Collection[str]) -> bool:
    for node in ast.walk(tree):
        match node:
            case ast.Import() | ast.ImportFrom() | ast.Call(func=ast.Attribute()):
                return True
            case ast.Name(id=name, ctx=ast.Load()) if name in bound:
                return True
            case _:
                pass
    return False


def _bound(tree: ast.Module) -> Iterator[str]:
    """Yield the names that a block binds for those after it."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.alias():
                yield (node.asname or node.name).partition(".")[0]
            case _:
                pass


def _begins_as_program(text: str, roots: Collection[str]) -> bool:
    """Whether a text is Python up to where it imports the library; a traceback or a shell's lines are not."""
    found = _found(_IMPORT, text, roots)
    return found is not None and read_code(text[: found.end()]).tree is not None


def _found(pattern: str, text: str, roots: Collection[str]) -> re.Match[str] | None:
    names = "|".join(map(re.escape, roots))
    return re.search(pattern.format(roots=names), text, re.MULTILINE) if roots else None
