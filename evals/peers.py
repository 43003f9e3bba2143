"""Well-known ways to do retrieval, as their users do them, on the same files and with the same embedding model.

Each peer has its defaults, and the benefit of the doubt. A chunk that touches several definitions finds all of them.
Its text alone is embedded and searched: with the file's path added, as LlamaIndex's file reader does, the right place
came first less often for each of them (hit@1 and MRR on the 73 development questions, where both ways were tried).

Two things differ from their tutorials, so that nothing is downloaded while they run. Both code chunkers parse with our
grammar wheels instead of `tree-sitter-language-pack`, which fetches its grammars when first used. And chonkie is the
last release whose chunker works with a parser that it is handed (1.6.5): later ones leave chunking to that package.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING
from unittest import mock

from llama_index.core.base.embeddings.base import BaseEmbedding
from msgspec import Struct

from agent.chunking.grammars import grammar
from agent.errors import MissingExtra
from agent.providers.embedding_cache import Vectors
from agent.schema import SourceTree
from evals.places import DEPTH, Place, Search

if TYPE_CHECKING:
    from llama_index.core.schema import BaseNode, Document, NodeWithScore

CODE_SPLITTER = "LlamaIndex CodeSplitter"
BM25 = "LlamaIndex BM25"
CHONKIE = "chonkie CodeChunker"
NAMES = (CODE_SPLITTER, BM25, CHONKIE)
"""In the order in which `peers` yields them."""

Embed = Callable[[Sequence[str]], Vectors]
_Cut = Callable[["Document"], Sequence["BaseNode"]]
_Retrieve = Callable[[str, int], Sequence["NodeWithScore"]]

_FETCHED = 5 * DEPTH
"""Chunks fetched at first: most places are found by more than one."""


def peers(tree: SourceTree, embed: Embed, query: BaseEmbedding) -> Iterator[tuple[str, Search]]:
    """Yield the name and the search of each peer, built when it is asked for.

    Args:
        tree: the sources that all of them index.
        embed: texts -> vectors; the one of an `EmbeddingCache` makes a second run fast.
        query: the same model, for questions.

    Raises:
        MissingExtra: the extra `evals` is not installed.
    """
    try:
        prose, code, chonkie = _prose(), _llama_index_code(), _chonkie_code()
        from llama_index.retrievers.bm25 import BM25Retriever
    except ImportError as error:
        raise MissingExtra(
            f"The peers need packages that cannot be imported: {error}.",
            remedy="Run `pip install 'fury-agent[evals]'`.",
        ) from error
    chunks = _cut(tree, code, prose)
    yield CODE_SPLITTER, _search(_dense(chunks.nodes, embed, query), chunks.places)
    lexical = BM25Retriever.from_defaults(nodes=list(chunks.nodes))

    def by_words(question: str, k: int) -> Sequence[NodeWithScore]:
        lexical.similarity_top_k = k
        return lexical.retrieve(question)

    yield BM25, _search(by_words, chunks.places)
    chunks = _cut(tree, chonkie, prose)
    yield CHONKIE, _search(_dense(chunks.nodes, embed, query), chunks.places)


# --- chunks -----------------------------------------------------------------------------------------


class _Chunks(Struct, frozen=True):
    """Nodes, and node id -> place."""

    nodes: tuple[BaseNode, ...]
    places: Mapping[str, Place]


def _cut(tree: SourceTree, code: _Cut, prose: _Cut) -> _Chunks:
    """Cut Python with `code`, and everything else with `prose`."""
    from llama_index.core.schema import Document

    nodes: list[BaseNode] = []
    places: dict[str, Place] = {}
    for file in tree.files:
        text = tree.read(file).decode()
        is_code = file.language == "python"
        document = Document(id_=file.path, text=text)
        cut = [node for node in (code if is_code else prose)(document) if node.get_content().strip()]
        spans = _spans(text, [node.get_content() for node in cut])
        owners = _owners(text) if is_code else {}
        nodes += cut
        places |= {
            node.node_id: Place(file.path, _touched(owners, first, last), first, last)
            for node, (first, last) in zip(cut, spans, strict=True)
        }
    return _Chunks(tuple(nodes), places)


def _prose() -> _Cut:
    from llama_index.core.node_parser import SentenceSplitter

    # Its data come with LlamaIndex, so nothing is fetched. Ids in order break ties the same way in every run.
    splitter = SentenceSplitter(id_func=_numbered)
    return lambda document: splitter.get_nodes_from_documents([document])


def _llama_index_code() -> _Cut:
    from llama_index.core.node_parser import CodeSplitter
    from tree_sitter import Parser

    splitter = CodeSplitter("python", parser=Parser(grammar("python")), id_func=_numbered)
    prose = _prose()

    def cut(document: Document) -> Sequence[BaseNode]:
        try:
            return splitter.get_nodes_from_documents([document])
        except ValueError:  # its word for a file that begins with a syntax error
            return prose(document)

    return cut


def _chonkie_code() -> _Cut:
    from chonkie.chunker.code import CodeChunker
    from llama_index.core.schema import TextNode
    from tree_sitter import Parser

    def get_parser(language: str) -> Parser:
        return Parser(grammar(language))

    # Its constructor asks this package for a parser; the stand-in has all that it asks.
    pack = ModuleType("tree_sitter_language_pack")
    vars(pack).update(SupportedLanguage=str, get_parser=get_parser)
    with mock.patch.dict(sys.modules, {pack.__name__: pack}):
        chunker = CodeChunker(language="python")

    def cut(document: Document) -> Sequence[BaseNode]:
        pieces = chunker.chunk(document.text)
        return [TextNode(id_=_numbered(n, document), text=piece.text) for n, piece in enumerate(pieces)]

    return cut


def _numbered(number: int, document: BaseNode) -> str:
    return f"{document.node_id}#{number:05}"


# --- places -----------------------------------------------------------------------------------------


def _spans(text: str, pieces: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Yield first and last line of each piece: pieces are in order, and may begin within the one before.

    Blanks don't count, since the splitters take some away, also in the middle. What stands behind the piece before is
    preferred: a short piece (`return x`) may well occur inside that, too.
    """
    offsets = [offset for offset, character in enumerate(text) if not character.isspace()]
    packed = "".join(text.split())
    start, end = -1, 0
    for piece in pieces:
        wanted = "".join(piece.split())
        at = packed.find(wanted, end)
        start = at if at >= 0 else packed.index(wanted, start + 1)
        end = start + len(wanted)
        first, last = offsets[start], offsets[end - 1]
        yield text.count("\n", 0, first) + 1, text.count("\n", 0, last) + 1


def _touched(owners: Mapping[int, str], first: int, last: int) -> tuple[str, ...]:
    lines = Counter(owners[line] for line in range(first, last + 1) if line in owners)
    return tuple(name for name, _ in lines.most_common())


def _owners(text: str) -> dict[int, str]:
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


# --- searches ---------------------------------------------------------------------------------------


def _dense(nodes: Sequence[BaseNode], embed: Embed, query: BaseEmbedding) -> _Retrieve:
    from llama_index.core import VectorStoreIndex
    from llama_index.core.node_parser import SentenceSplitter

    vectors = embed([node.get_content() for node in nodes])
    embedded = [node.model_copy() for node in nodes]
    for node, vector in zip(embedded, vectors, strict=True):
        node.embedding = vector  # pyright: ignore[reportAttributeAccessIssue]  # a list would be read anew by every search
    # Everything is named that would otherwise come from LlamaIndex's global settings.
    index = VectorStoreIndex(
        embedded, embed_model=query, callback_manager=query.callback_manager, transformations=[SentenceSplitter()]
    )
    return lambda question, k: index.as_retriever(similarity_top_k=k).retrieve(question)


def _search(retrieve: _Retrieve, places: Mapping[str, Place]) -> Search:
    """Return distinct places: a second chunk of the same definition takes no rank."""

    def search(question: str) -> Sequence[Place]:
        found: dict[object, Place] = {}
        for k in sorted({min(_FETCHED, len(places)), len(places)}):
            for hit in retrieve(question, k):
                place = places[hit.node.node_id]
                found.setdefault((place.path, place.symbols[:1] or place.start_line), place)
            if len(found) >= DEPTH:
                break
        return tuple(found.values())[:DEPTH]

    return search
