"""What an index costs as it grows: building it, its size, its memory, and finding passages in it.

::

    python -m benchmarks.scale build SIZE --place DIR      needs `fury-agent index` to have run once
    python -m benchmarks.scale search SIZE --place DIR
    python -m benchmarks.scale page > docs/scale.md

Each measurement should have a process of its own, since its memory is measured; it replaces the one of that size in
`docs/scale.json`. Everything below DIR is kept: a size is only built again with another DIR.
"""

from __future__ import annotations

import argparse
import gc
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

import benchmarks
from agent.generations import Generation, IndexDirectory
from agent.index_build import build
from agent.providers.embeddings import build_embedding, model_identity
from agent.providers.stores.memory import return_free_blocks
from agent.settings import Settings
from agent.sources import parse_spec
from agent.symbols import ApiModel
from benchmarks.memory import AnonymousMemory, memory
from benchmarks.scale_corpus import LIBRARIES, copy, gather, read_words
from benchmarks.scale_embedding import DerivedEmbedding
from benchmarks.scale_search import TARGET_MS, Search, measure
from benchmarks.table import Row

MEASURED = Path(benchmarks.__file__).parents[1] / "docs" / "scale.json"
TARGET_RECALL = 0.98


class Corpus(Struct, frozen=True):
    """What a size is made of: libraries, and how often each, in other words."""

    libraries: tuple[str, ...]
    copies: int = 1


SIZES: Mapping[str, Corpus] = {
    "2k": Corpus(("fury==2.0.0",)),
    "10k": Corpus(("networkx==3.5",), 3),
    "100k": Corpus(LIBRARIES),
    "300k": Corpus(LIBRARIES, 3),
    "1m": Corpus(LIBRARIES, 10),
}


class Build(Struct, frozen=True, kw_only=True):
    """One build from nothing.

    Attributes:
        source_mb: of the files that were read, in 10^6 bytes.
        stages: seconds of each; that of the vectors holds chunking and writing too.
        embedding_seconds: spent deriving vectors.
        real_vectors: how many there were to derive the others from.
        peak_mb, start_mb: memory of the process at most, and before the build with the embedding model loaded, in 10^6,
            with the pages of files that are mapped.
        anonymous_mb: of it without those pages, at most in each stage; "before" is before the build.
        index_mb: on disk, by part.
    """

    chunks: int
    files: int
    symbols: int
    source_mb: float
    seconds: float
    stages: dict[str, float]
    embedding_seconds: float
    real_vectors: int
    texts_embedded: int
    peak_mb: float
    start_mb: float
    anonymous_mb: dict[str, float]
    index_mb: dict[str, float]


class Measured(Struct, frozen=True):
    """What is known of one size."""

    build: Build | None = None
    search: Search | None = None


def folder(size: str, place: Path) -> Path:
    """Return the folder of a size's corpus, written if it is missing."""
    corpus, target = SIZES[size], place / "corpus" / f"scale-{size}"
    if target.exists():
        return target
    original = target if corpus.copies == 1 else place / "corpus" / f"original-{size}"
    if not original.exists():
        gather(Settings(), original, corpus.libraries)
    if corpus.copies > 1:
        copy(original, target, read_words(original), corpus.copies)
    return target


def settings_at(size: str, place: Path) -> Settings:
    """Return settings whose default library is a size's corpus."""
    spec = str(folder(size, place))
    return Settings(data_dir=place, library=spec, source_max_archive_files=10_000_000, llm="none")


def derived(corpus: Path) -> DerivedEmbedding:
    """Return the machine's model with the vectors that its data directory holds."""
    machine = Settings()
    model = build_embedding(machine)
    cache = machine.data_dir / "embeddings.sqlite"
    return DerivedEmbedding.of(model, model_identity(machine), cache, read_words(corpus))


def measure_build(size: str, place: Path) -> Build:
    """Build a size's index from nothing and measure it."""
    settings = settings_at(size, place)
    embedding = derived(folder(size, place))
    gc.collect()
    return_free_blocks()  # the build would take what the model's loading left, and seem to need less
    Path("/proc/self/clear_refs").write_text("5")  # what the model took while it was loaded is no peak of the build
    start = memory("VmRSS")
    with AnonymousMemory() as anonymous:
        anonymous.begin("before")
        stages = _Stages(anonymous.begin)
        report = build(settings.library, settings, embedding=embedding, progress=stages.report, force=True)
    generation = _generation(settings)
    return Build(
        chunks=report.info.chunks,
        files=report.info.files,
        symbols=len(ApiModel.load(generation.api_file).symbols),
        source_mb=stages.totals.get("embedding", 0) / 1e6,
        seconds=report.seconds,
        stages=stages.seconds(),
        embedding_seconds=embedding.seconds,
        real_vectors=embedding.real,
        texts_embedded=report.chunks_embedded,
        peak_mb=memory("VmHWM"),
        start_mb=start,
        anonymous_mb=anonymous.peaks,
        index_mb={path.name: _size(path) / 1e6 for path in sorted(generation.directory.iterdir())},
    )


class _Stages:
    """Notes when each stage of a build was first and last heard of, and says so."""

    def __init__(self, begin: Callable[[str], None]) -> None:
        self._begin = begin
        self.totals: dict[str, int] = {}
        self._begun: dict[str, float] = {}

    def report(self, stage: str, _done: int, total: int | None) -> None:
        if stage not in self._begun:
            self._begin(stage)
            self._begun[stage] = time.perf_counter()
        self.totals[stage] = total or 0
        if total:
            print(f"\r{stage} {100 * _done // total} % ", end="", file=sys.stderr)

    def seconds(self) -> dict[str, float]:
        """Return the seconds of each stage, until the next began."""
        ends = [*list(self._begun.values())[1:], time.perf_counter()]
        return {stage: end - begun for (stage, begun), end in zip(self._begun.items(), ends, strict=True)}


def _generation(settings: Settings) -> Generation:
    library = parse_spec(settings.library).library
    return IndexDirectory(settings.indexes_dir, library, "1").current()


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file())


def load(path: Path = MEASURED) -> dict[str, Measured]:
    """Return what was measured before."""
    return msgspec.json.decode(path.read_bytes(), type=dict[str, Measured]) if path.exists() else {}


def keep(size: str, part: Build | Search, path: Path = MEASURED) -> None:
    """Replace one measurement."""
    known = load(path)
    before = known.get(size, Measured())
    known[size] = replace(before, build=part) if isinstance(part, Build) else replace(before, search=part)
    ordered = {name: known[name] for name in SIZES if name in known}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(ordered)) + b"\n")


def run() -> list[Row]:
    """Measure the two sizes that take minutes, each step in its own process."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as scratch:
        kept = Path(scratch) / "scale.json"
        for size in ("2k", "10k"):
            for action in ("build", "search"):
                arguments = ["-m", "benchmarks.scale", action, size, "--place", scratch, "--keep", str(kept)]
                subprocess.run([sys.executable, *arguments], check=True)
            rows += _rows(size, load(kept)[size])
    return rows


def _rows(size: str, measured: Measured) -> list[Row]:
    made, search = measured.build, measured.search
    assert made is not None
    assert search is not None
    return [
        Row(f"{size}: chunks", made.chunks, "chunks"),
        Row(f"{size}: build without the model", made.seconds - made.embedding_seconds, "s"),
        Row(f"{size}: peak memory of the build", made.peak_mb, "MB"),
        Row(f"{size}: of it, more than before the build", made.peak_mb - made.start_mb, "MB"),
        Row(f"{size}: index", sum(made.index_mb.values()), "MB"),
        Row(f"{size}: find, median", search.find.p50, "ms", f"<= {TARGET_MS:g}", search.find.p50 <= TARGET_MS),
        Row(f"{size}: find, p95", search.find.p95, "ms", f"<= {TARGET_MS:g}", search.find.p95 <= TARGET_MS),
        Row(f"{size}: recall@10", search.recall_10, "", f">= {TARGET_RECALL}", search.recall_10 >= TARGET_RECALL),
    ]


def main() -> int:
    """Measure one size, or print the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description="What an index costs as it grows.")
    actions = parser.add_subparsers(dest="action", required=True)
    for action in ("build", "search"):
        measuring = actions.add_parser(action)
        measuring.add_argument("size", choices=[*SIZES])
        measuring.add_argument("--place", type=Path, required=True, help="directory of corpora and indexes")
        measuring.add_argument("--keep", type=Path, default=MEASURED, help="file that keeps the figures")
    actions.add_parser("page")
    options = parser.parse_args()
    if options.action == "page":
        from benchmarks.scale_page import page

        sys.stdout.write(page(load()))
        return 0
    actions_of: dict[str, Callable[[str, Path], Build | Search]] = {"build": measure_build, "search": measure_search}
    keep(options.size, actions_of[options.action](options.size, options.place), options.keep)
    return 0


def measure_search(size: str, place: Path) -> Search:
    """Open a size's index as the service does, and measure it."""
    settings = settings_at(size, place)
    machine = Settings()
    model = build_embedding(machine)
    return measure(settings, model, model_identity(machine), _generation(settings), memory)


if __name__ == "__main__":
    sys.exit(main())
