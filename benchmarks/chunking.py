"""Speed of the chunker against that of tree-sitter alone, over the code of FURY's package."""

from __future__ import annotations

from statistics import median

from agent.chunking import chunk_file
from agent.chunking.grammars import parse
from agent.schema import SourceFile
from agent.settings import load_settings
from agent.sources import open_source
from benchmarks.table import Row
from benchmarks.turns import seconds_in_turn

ROUNDS = 11
TARGET = 0.8


def _parse_all(files: list[tuple[SourceFile, bytes]]) -> None:
    for file, data in files:
        parse(file.language, data)


def _chunk_all(files: list[tuple[SourceFile, bytes]]) -> int:
    return sum(len(chunk_file(file, data, {})) for file, data in files)


def compare(files: list[tuple[SourceFile, bytes]], rounds: int = ROUNDS) -> tuple[float, float, float]:
    """Return the median speeds of parsing and of chunking in MB/s, and the median of the rounds' ratios."""
    size = sum(len(data) for _, data in files) / 1e6
    works = {"parsing": lambda: _parse_all(files), "chunking": lambda: _chunk_all(files)}
    times = seconds_in_turn(works, rounds)
    return (
        median(size / parsing for parsing in times["parsing"]),
        median(size / chunking for chunking in times["chunking"]),
        median(parsing / chunking for parsing, chunking in zip(times["parsing"], times["chunking"], strict=True)),
    )


def run() -> list[Row]:
    """Measure over the default library's package, Python and shaders."""
    settings = load_settings()
    tree = open_source(settings.library, settings)
    kinds = {"python", "wgsl", "glsl"}
    chosen = [file for file in tree.files if file.role == "package" and file.language in kinds]
    files = [(file, tree.read(file)) for file in chosen]
    parsing, chunking, ratio = compare(files)
    return [
        Row("chunks", _chunk_all(files), "chunks"),
        Row("tree-sitter alone", parsing, "MB/s"),
        Row("chunking", chunking, "MB/s"),
        Row("chunking / tree-sitter", ratio, "", f">= {TARGET}", ratio >= TARGET),
    ]
