"""Speed of the chunker against that of tree-sitter alone, over the code of FURY's package."""

from __future__ import annotations

import gc
from collections.abc import Callable
from statistics import median
from time import perf_counter

from agent.chunking import chunk_file
from agent.chunking.grammars import parse
from agent.schema import SourceFile
from agent.settings import load_settings
from agent.sources import open_source
from benchmarks.table import Row

ROUNDS = 11
TARGET = 0.8


def _seconds(work: Callable[[], object]) -> float:
    gc.collect()
    start = perf_counter()
    work()
    return perf_counter() - start


def _parse_all(files: list[tuple[SourceFile, bytes]]) -> None:
    for file, data in files:
        parse(file.language, data)


def _chunk_all(files: list[tuple[SourceFile, bytes]]) -> int:
    return sum(len(chunk_file(file, data, {})) for file, data in files)


def compare(files: list[tuple[SourceFile, bytes]], rounds: int = ROUNDS) -> tuple[float, float, float]:
    """Return the median speeds of parsing and of chunking in MB/s, and the median of the rounds' ratios.

    Both take turns within each round: what else the machine does meets both alike.
    """
    _chunk_all(files)  # warm up: grammars, caches
    size = sum(len(data) for _, data in files) / 1e6
    times = [(_seconds(lambda: _parse_all(files)), _seconds(lambda: _chunk_all(files))) for _ in range(rounds)]
    return (
        median(size / parsing for parsing, _ in times),
        median(size / chunking for _, chunking in times),
        median(parsing / chunking for parsing, chunking in times),
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
