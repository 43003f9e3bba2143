"""Well-known ways to cut code, each as its users call it, and where in the files the chunks are.

Two things differ from their tutorials, so that nothing is downloaded while they run. CodeSplitter and chonkie parse
with our grammar wheel instead of `tree-sitter-language-pack`, which fetches its grammars when first used. And chonkie
is the last release whose chunker works with a parser that it is handed (1.6.5): later ones leave chunking to that
package.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from types import ModuleType
from typing import TYPE_CHECKING, Any
from unittest import mock

from msgspec import Struct

from agent.chunking.grammars import grammar
from agent.cython_syntax import as_python
from agent.schema import SourceTree
from evals.places import Place

if TYPE_CHECKING:
    from llama_index.core.schema import BaseNode, Document

_Cut = Callable[["Document"], Sequence["BaseNode"]]


class CodeChunker(Struct, frozen=True):
    """Somebody's chunker for Python.

    Attributes:
        split: text -> whatever it makes of it: what is timed.
        cut: document -> its nodes, in order; where the chunker tells the place of one, `start_char_idx` and
            `end_char_idx` have it.
    """

    split: Callable[[str], object]
    cut: _Cut


class Chunks(Struct, frozen=True):
    """Nodes, and node id -> place."""

    nodes: tuple[BaseNode, ...]
    places: Mapping[str, Place]


def cut_tree(tree: SourceTree, code: CodeChunker) -> Chunks:
    """Cut Python with `code`, and everything else into sentences; a chunk touches every definition on its lines."""
    from llama_index.core.schema import Document

    prose = _prose()
    nodes: list[BaseNode] = []
    places: dict[str, Place] = {}
    for file in tree.files:
        text = tree.read(file).decode(errors="replace")
        is_code = file.language == "python"
        document = Document(id_=file.path, text=text)
        cut = [node for node in (code.cut if is_code else prose)(document) if node.get_content().strip()]
        owners = _owners(file.path, text) if is_code else {}
        nodes += cut
        places |= {
            node.node_id: Place(file.path, _touched(owners, first, last), first, last)
            for node, (first, last) in zip(cut, line_spans(text, [node.get_content() for node in cut]), strict=True)
        }
    return Chunks(tuple(nodes), places)


def _owners(path: str, text: str) -> dict[int, str]:
    """Return line -> definition; none where the file does not parse."""
    try:
        return line_owners(as_python(text.encode()).decode() if path.endswith(".pyx") else text)
    except SyntaxError:
        return {}


# --- chunkers ---------------------------------------------------------------------------------------


def _prose() -> _Cut:
    from llama_index.core.node_parser import SentenceSplitter

    # Its data come with LlamaIndex, so nothing is fetched. Ids in order break ties the same way in every run.
    splitter = SentenceSplitter(id_func=_numbered)
    return lambda document: splitter.get_nodes_from_documents([document])


def code_splitter(size: int = 1_500) -> CodeChunker:
    """Return LlamaIndex's CodeSplitter; `size` is in characters, its own default where not given."""
    from llama_index.core.node_parser import CodeSplitter
    from tree_sitter import Parser

    splitter = CodeSplitter("python", parser=Parser(grammar("python")), max_chars=size, id_func=_numbered)
    prose = _prose()

    def cut(document: Document) -> Sequence[BaseNode]:
        try:
            return splitter.get_nodes_from_documents([document])
        except ValueError:  # its word for a file that begins with a syntax error
            return prose(document)

    return CodeChunker(splitter.split_text, cut)


def chonkie(size: int = 2_048) -> CodeChunker:
    """Return chonkie's CodeChunker; `size` is in characters, its own default where not given."""
    from chonkie.chunker.code import CodeChunker as Chonkie
    from tree_sitter import Parser

    def get_parser(language: str) -> Parser:
        return Parser(grammar(language))

    # Its constructor asks this package for a parser; the stand-in has all that it asks.
    pack = ModuleType("tree_sitter_language_pack")
    vars(pack).update(SupportedLanguage=str, get_parser=get_parser)
    with mock.patch.dict(sys.modules, {pack.__name__: pack}):
        chunker = Chonkie(language="python", chunk_size=size)

    def cut(document: Document) -> Sequence[BaseNode]:
        pieces = chunker.chunk(document.text)
        return [_node(n, document, piece.text, piece.start_index, piece.end_index) for n, piece in enumerate(pieces)]

    return CodeChunker(chunker.chunk, cut)


def astchunk(size: int) -> CodeChunker:
    """Return the chunker of the cAST paper (Zhang et al., 2025); `size` is in characters that are not blank."""
    from astchunk import ASTChunkBuilder

    builder = ASTChunkBuilder(max_chunk_size=size, language="python", metadata_template="default")

    def cut(document: Document) -> Sequence[BaseNode]:
        pieces: list[dict[str, Any]] = builder.chunkify(document.text) if document.text.strip() else []
        lines = [0, *accumulate(len(line) + 1 for line in document.text.split("\n"))]
        return [
            _node(n, document, piece["content"], lines[said["start_line_no"]], lines[said["end_line_no"] + 1])
            for n, piece in enumerate(pieces)
            for said in (piece["metadata"],)  # lines from 0, the last one included
        ]

    return CodeChunker(builder.chunkify, cut)


def _node(number: int, document: Document, text: str, start: int, end: int) -> BaseNode:
    from llama_index.core.schema import TextNode

    return TextNode(id_=_numbered(number, document), text=text, start_char_idx=start, end_char_idx=end)


def _numbered(number: int, document: BaseNode) -> str:
    return f"{document.node_id}#{number:05}"


# --- places -----------------------------------------------------------------------------------------


def line_spans(text: str, pieces: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Yield first and last line of each piece, see `locate`."""
    for first, last in locate(text, pieces):
        yield text.count("\n", 0, first) + 1, text.count("\n", 0, last) + 1


def locate(text: str, pieces: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Yield the offsets of each piece's first and last character; a piece may begin within the one before.

    Pieces are in order. Blanks don't count, since the splitters take some away, also in the middle. What stands behind
    the piece before is preferred: a short piece (`return x`) may well occur inside that, too.
    """
    offsets = [offset for offset, character in enumerate(text) if not character.isspace()]
    packed = "".join(text.split())
    start, end = -1, 0
    for piece in pieces:
        found: list[tuple[int, int]] = []
        for wanted in map(_pack, stretches(text, piece)):
            at = packed.find(wanted, end)
            start = at if at >= 0 else packed.index(wanted, start + 1)
            end = start + len(wanted)
            found.append((offsets[start], offsets[end - 1]))
        yield found[0][0], found[-1][1]


def stretches(text: str, piece: str) -> list[str]:
    """Return a piece, or its lines where it is no stretch of the text: astchunk leaves long strings out."""
    whole = _pack(piece) in _pack(text)
    return [piece] if whole else [line for line in piece.split("\n") if line.strip()]


def _pack(text: str) -> str:
    return "".join(text.split())


def _touched(owners: Mapping[int, str], first: int, last: int) -> tuple[str, ...]:
    lines = Counter(owners[line] for line in range(first, last + 1) if line in owners)
    return tuple(name for name, _ in lines.most_common())


def line_owners(text: str) -> dict[int, str]:
    """Return line -> the innermost definition that it belongs to; all of a function is the function's own."""
    owners: dict[int, str] = {}

    def visit(scope: ast.AST, prefix: str) -> None:
        for node in ast.iter_child_nodes(scope):
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    owners.update(dict.fromkeys(_lines(node, *node.decorator_list), prefix + node.name))
                    if isinstance(node, ast.ClassDef):
                        visit(node, f"{prefix}{node.name}.")
                case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                    owners.update(dict.fromkeys(_lines(node), prefix + name))
                case ast.If() | ast.Try() | ast.With() | ast.ExceptHandler():
                    visit(node, prefix)
                case _:
                    pass

    try:
        visit(ast.parse(text), "")
    except (SyntaxError, ValueError):  # ValueError: null bytes
        return {}
    return owners


def _lines(node: ast.stmt, *decorators: ast.expr) -> range:
    first = min(part.lineno for part in (node, *decorators))
    return range(first, (node.end_lineno or first) + 1)
