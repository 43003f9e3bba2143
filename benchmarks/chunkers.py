"""Ways to cut code side by side: speed, what a chunk holds, where it says that it is, and what is found with it.

`python -m benchmarks.chunkers` measures and writes the page; `--page` writes it from the figures measured last.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import median
from typing import AnyStr

import msgspec
from llama_index.core.schema import Document, TextNode
from msgspec import Struct

from agent.chunking import chunk_file
from agent.chunking.spans import LIMIT
from agent.providers.embedding_cache import EmbeddingCache
from agent.providers.embeddings import build_embedding
from agent.schema import Chunk, SourceFile, SourceTree
from agent.settings import Settings, load_settings
from agent.sources import open_source
from agent.symbols import ApiModel
from benchmarks.chunkers_page import PAGE, Measured, Result, render
from benchmarks.table import Row
from benchmarks.turns import seconds_in_turn
from evals.cases import load_cases
from evals.chunkers import Chunks, CodeChunker, astchunk, chonkie, code_splitter, cut_tree, locate, stretches
from evals.peers import search_by_cosine
from evals.places import Place
from evals.retrieval import score
from evals.statistics import figure
from evals.systems import RememberedQueries

ROUNDS = 5
SIZES = (LIMIT, 1_500)
"""Our limit, and the default of CodeSplitter: what small encoders read is somewhat less."""
OURS = "fury-agent"
OURS_SHOWN = "fury-agent, shown text alone"


class File(Struct, frozen=True):
    """A Python file in both of the forms that chunkers take."""

    source: SourceFile
    data: bytes
    text: str


class Piece(Struct, frozen=True):
    """A stretch of a chunk, and the lines where its chunker says that it is, if it does."""

    text: str
    lines: tuple[int, int] | None


Cut = Callable[[File], list[tuple[Piece, ...]]]


class Contender(Struct, frozen=True):
    """A chunker at a size; `split` is timed, `cut` is looked at, `chunks` is searched."""

    name: str
    size: int
    split: Callable[[File], object]
    cut: Cut
    chunks: Callable[[], Chunks]


def contenders(tree: SourceTree, files: Sequence[File]) -> Iterator[Contender]:
    """Yield ours and every peer at every size.

    `astchunk` counts characters that are not blank, so its size is taken down by the share of blanks in the files.
    """
    public_paths = ApiModel.build(tree).public_paths()

    def ours(file: File) -> tuple[Chunk, ...]:
        return chunk_file(file.source, file.data, public_paths)

    def all_ours() -> tuple[Chunk, ...]:
        return tuple(chunk for file in tree.files for chunk in chunk_file(file, tree.read(file), public_paths))

    def cut(file: File) -> list[tuple[Piece, ...]]:
        return [_pieces(file.data, chunk) for chunk in ours(file)]

    yield Contender(OURS, LIMIT, ours, cut, lambda: _searchable(all_ours(), lambda chunk: chunk.embed_text))
    yield Contender(OURS_SHOWN, LIMIT, ours, cut, lambda: _searchable(all_ours(), lambda chunk: chunk.text))
    text = "".join(file.text for file in files)
    filled = len("".join(text.split())) / len(text)
    for size in SIZES:
        peers = {
            "LlamaIndex CodeSplitter": code_splitter(size),
            "chonkie CodeChunker": chonkie(size),
            "astchunk": astchunk(round(size * filled)),
        }
        for name, peer in peers.items():
            yield Contender(name, size, partial(_split, peer), partial(_cut, peer), partial(cut_tree, tree, peer))


def _split(peer: CodeChunker, file: File) -> object:
    return peer.split(file.text) if file.text.strip() else None


def _cut(peer: CodeChunker, file: File) -> list[tuple[Piece, ...]]:
    chunks: list[tuple[Piece, ...]] = []
    for node in peer.cut(Document(id_=file.source.path, text=file.text)):
        assert isinstance(node, TextNode)
        if node.text.strip():
            said = node.start_char_idx, node.end_char_idx
            lines = None if said[0] is None or said[1] is None else _lines(file.text, "\n", said[0], said[1])
            chunks.append((Piece(node.text, lines),))
    return chunks


def _pieces(data: bytes, chunk: Chunk) -> tuple[Piece, ...]:
    return tuple(Piece(data[start:end].decode(), _lines(data, b"\n", start, end)) for start, end in chunk.pieces)


def _lines(text: AnyStr, newline: AnyStr, start: int, end: int) -> tuple[int, int]:
    """Return the first and the last line of a span, from 1, without blank ones around it."""
    said = text[start:end]
    start += len(said) - len(said.lstrip())
    first = text.count(newline, 0, start) + 1
    return first, first + said.strip().count(newline)


def _searchable(chunks: Sequence[Chunk], text: Callable[[Chunk], str]) -> Chunks:
    """Return chunks of ours as a peer's: each is the place of one definition, or of none."""
    nodes = tuple(TextNode(id_=chunk.id, text=text(chunk)) for chunk in chunks)
    places = {
        chunk.id: Place(chunk.path, (chunk.symbol,) if chunk.symbol else (), chunk.start_line, chunk.end_line)
        for chunk in chunks
    }
    return Chunks(nodes, places)


# --- what chunks hold -------------------------------------------------------------------------------


class Held(Struct):
    """Sums over files."""

    chunks: int = 0
    whole: int = 0
    exact: int = 0
    functions: int = 0
    functions_held: int = 0
    classes: int = 0
    classes_held: int = 0
    characters: int = 0
    lost: int = 0

    def add(self, file: File, chunks: Sequence[tuple[Piece, ...]]) -> None:
        """Count what the chunks of one file hold."""
        lines = file.text.split("\n")
        definitions = [(node, packed("\n".join(lines[first - 1 : last]))) for node, first, last in _definitions(file)]
        texts = [packed("".join(piece.text for piece in chunk)) for chunk in chunks]
        names = {text for _, text in definitions}
        self.chunks += len(chunks)
        self.whole += sum(text in names for text in texts)
        self.exact += sum(all(is_exact(lines, piece) for piece in chunk) for chunk in chunks)
        for node, text in definitions:
            held = any(text in chunk for chunk in texts)
            if isinstance(node, ast.ClassDef):
                self.classes += 1
                self.classes_held += held
            else:
                self.functions += 1
                self.functions_held += held
        self.characters += len(packed(file.text))
        self.lost += lost_characters(file.text, [piece for chunk in chunks for piece in chunk])


def packed(text: str) -> str:
    """Return a text without its blank characters, which chunkers treat differently."""
    return "".join(text.split())


def is_exact(lines: Sequence[str], piece: Piece) -> bool:
    """Whether a piece is what stands on the lines that it claims, blank space at both ends aside."""
    if piece.lines is None:
        return False
    first, last = piece.lines
    return "\n".join(lines[first - 1 : last]).strip() == piece.text.strip()


def lost_characters(text: str, pieces: Sequence[Piece]) -> int:
    """Count the characters, other than blanks, that are in no piece."""
    if all(piece.lines is not None for piece in pieces):
        pieces = sorted(pieces, key=lambda piece: piece.lines or (0, 0))  # a class goes on behind its methods
    missing = [not character.isspace() for character in text]
    for first, last in locate(text, [stretch for piece in pieces for stretch in stretches(text, piece.text)]):
        missing[first : last + 1] = [False] * (last + 1 - first)
    return sum(missing)


def _definitions(file: File) -> Iterator[tuple[ast.stmt, int, int]]:
    """Yield functions, classes and methods with their lines, decorators included; what is local to a function isn't."""

    def visit(scope: ast.AST) -> Iterator[tuple[ast.stmt, int, int]]:
        for node in ast.iter_child_nodes(scope):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                yield node, first, node.end_lineno or first
            if isinstance(node, ast.ClassDef | ast.If | ast.Try | ast.With | ast.ExceptHandler):
                yield from visit(node)

    yield from visit(ast.parse(file.text))


# --- the run ----------------------------------------------------------------------------------------


def measure(settings: Settings) -> Measured:
    """Measure every contender over the default library."""
    tree = open_source(settings.library, settings)
    files = [
        File(file, data, data.decode())
        for file in tree.files
        if file.path.endswith(".py")
        for data in (tree.read(file),)
    ]
    all_of_them = list(contenders(tree, files))
    megabytes = sum(len(file.data) for file in files) / 1e6
    works = {f"{one.name} {one.size}": partial(_split_all, one, files) for one in all_of_them if one.name != OURS_SHOWN}
    times = seconds_in_turn(works, ROUNDS)
    cases = [case for case in load_cases() if case.answerable]
    query = RememberedQueries(build_embedding(settings))
    query.remember([case.question for case in cases])
    cache = EmbeddingCache(
        settings.data_dir / "embeddings.sqlite", query, model=query.model_name, revision=query.revision
    )
    results: list[Result] = []
    try:
        for one in all_of_them:
            held = Held()
            for file in files:
                held.add(file, one.cut(file))
            search = search_by_cosine(one.chunks(), cache.embed, query)
            scores = score(cases, {case.id: search(case.question) for case in cases})
            seconds = times[f"{OURS if one.name == OURS_SHOWN else one.name} {one.size}"]
            results.append(
                Result(
                    chunker=one.name,
                    size=one.size,
                    speed=median(megabytes / round_ for round_ in seconds),
                    chunks=held.chunks,
                    whole=held.whole / held.chunks,
                    functions=held.functions_held / held.functions,
                    classes=held.classes_held / held.classes,
                    exact=held.exact / held.chunks,
                    lost=held.lost / held.characters,
                    found={name: found for name, of in scores.items() if (found := figure(of.values())) is not None},
                )
            )
    finally:
        cache.close()
    return Measured(f"{tree.library} {tree.version}", len(files), megabytes, len(cases), tuple(results))


def _split_all(one: Contender, files: Sequence[File]) -> None:
    for file in files:
        one.split(file)


def run() -> list[Row]:
    """Measure, and say of each chunker what it reaches; ours is held to exact lines and to losing nothing."""
    measured = measure(load_settings())
    ours = measured.results[0]
    rows = [
        Row(f"{ours.chunker}: exact lines", ours.exact, "of chunks", "= 1", ours.exact == 1),
        Row(f"{ours.chunker}: lost", ours.lost, "of characters", "= 0", ours.lost == 0),
    ]
    for result in measured.results:
        name = f"{result.chunker}, {result.size:,}"
        rows += [
            Row(f"{name}: speed", result.speed, "MB/s"),
            Row(f"{name}: one whole definition", result.whole, "of chunks"),
            Row(f"{name}: hit@5", result.found["hit@5"].mean, "of questions"),
        ]
    return rows


def main() -> None:
    """Write figures and page, or the page alone."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chunkers", description=__doc__)
    parser.add_argument("--page", action="store_true", help="measure nothing: write the page from its figures")
    figures = PAGE.with_suffix(".json")
    if not parser.parse_args().page:
        figures.write_bytes(msgspec.json.format(msgspec.json.encode(measure(load_settings()))) + b"\n")
    PAGE.write_text(render(msgspec.json.decode(figures.read_bytes(), type=Measured)), encoding="utf-8")


if __name__ == "__main__":
    main()
