"""`docs/scale.md`, written from what was measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from benchmarks.scale_search import Search, Times

if TYPE_CHECKING:
    from benchmarks.scale import Build, Measured

T = TypeVar("T")

_HEAD = """\
# Scale

What an index costs as it grows. Written by `python -m benchmarks.scale page > docs/scale.md` from `docs/scale.json`,
which `python -m benchmarks.scale build SIZE --place DIR` and `… search SIZE --place DIR` fill, each in a process of its
own. Measured on two cores without a GPU; `1m` was built beside other work, so that its time is an upper bound.

- `2k` is FURY 2.0.0; `10k` is networkx in three copies; `100k` is astropy, matplotlib, networkx, numpy, pandas,
  scikit-learn, scipy, statsmodels and sympy in one folder; `1m` is the same in ten copies.
- A copy uses other words: those that the names of definitions are made of are exchanged among words of equal length
  and similar frequency, in code, prose and paths. So a frequent word is ten times as frequent, as in a library of that
  size.
- Vectors come from the machine's embedding cache where it holds them: {real}.
  Every other text, nine of ten in `1m`, got the vector of the text that it was copied from, moved by the difference of
  two others, so that its cosine with the first is 0.59: the median of 60 renamed texts that were embedded for real.
  Recall is measured with questions that were embedded for real.
- Everything else is the path of every build: chunks, API model, manifest, store, full-text and vector index,
  validation.
- What making vectors costs comes on top: `fury-agent index` embedded 67,455 texts of `100k` in 47 minutes on the two
  shared cores, with 39 ms of processor time a text in bfloat16. The other 41,003 had been made before it was stopped:
  vectors are cached as they are made. For `1m` that is eleven hours of one core.
"""

_WHAT_GROWS = """\
## What grows in memory

From `100k` to `1m`, ten times the chunks, a build takes twice the memory: the process held 1.5 GB when all chunks were
written, and 2.6 GB while LanceDB compacted and indexed. The layout before this one took twice as much, and opened in
18 s.

Chunks pass through in windows of about 2,048; the store is appended to. All that is known of the code is SQLite,
written as it is read: the manifest, with the words of names, quotable messages and what examples use, and the API
model, package by package. Each writer has a cache of 64 MB. So the largest package counts, not their number: griffe
needs about three times as much for the syntax of one as for its symbols (those that star-import from one another are
read together). Of every file its name and digests are held, under 1 KB.

The embedding model is given texts padded to multiples of 16 tokens: for every shape that it meets in bfloat16, torch
keeps code and rearranged weights, and before that was so, that build of `100k` ended with 3.1 GB.

LanceDB compacts and indexes within what it is allowed to read ahead (32 MB), 256 MB for the words, and a sample of the
vectors: 256 for each 4,096, which is 100 MB at `1m`.

An open index holds the symbols that were asked for last (8,192, about 1 KB each) and twelve bytes of each named
definition. The rest of its memory is LanceDB's own cache of the vector index, one byte for each of the 384 numbers of a
chunk, which comes with the questions. Half of the index's partitions are read at `1m`, all up to half of it.
"""


def page(measured: Mapping[str, Measured]) -> str:
    """Return the page."""
    builds = {size: item.build for size, item in measured.items() if item.build is not None}
    searches = {size: item.search for size, item in measured.items() if item.search is not None}
    real = ", ".join(f"{made.real_vectors:,} for `{size}`" for size, made in builds.items())
    parts = [
        _HEAD.format(real=real or "none yet"),
        "## Building\n",
        _table(builds, _BUILD),
        "## Searching\n",
        "The whole retriever after the question's embedding, over 200 questions made of the index's docstrings.\n",
        _table(searches, _SEARCH),
        _WHAT_GROWS,
    ]
    return "\n".join(parts)


def _table(measured: Mapping[str, T], lines: Mapping[str, Callable[[T], str]]) -> str:
    head = ["", *measured]
    rows = [[name, *(value(item) for item in measured.values())] for name, value in lines.items()]
    return "\n".join(["| " + " | ".join(row) + " |" for row in [head, ["---", *["--:"] * len(measured)], *rows]]) + "\n"


def _stage(*names: str) -> Callable[[Build], str]:
    return lambda made: f"{sum(made.stages.get(name, 0.0) for name in names):,.1f} s"


def _times(take: Callable[[Search], Times]) -> Callable[[Search], str]:
    return lambda search: f"{take(search).p50:.1f} / {take(search).p95:.1f} ms"


_BUILD: Mapping[str, Callable[[Build], str]] = {
    "chunks": lambda made: f"{made.chunks:,}",
    "files": lambda made: f"{made.files:,}",
    "symbols in the API model": lambda made: f"{made.symbols:,}",
    "time without making vectors": lambda made: f"{made.seconds - made.embedding_seconds:,.0f} s",
    "chunks a second, without making vectors": lambda made: (
        f"{made.chunks / (made.seconds - made.embedding_seconds):,.0f}"
    ),
    "of it: reading the API": _stage("reading the API"),
    "chunking, writing, and deriving vectors": _stage("embedding"),
    "compacting and indexing": _stage("optimizing"),
    "validating and publishing": _stage("validating"),
    "memory at most": lambda made: f"{made.peak_mb:,.0f} MB",
    "of it: before the build, with the model": lambda made: f"{made.start_mb:,.0f} MB",
    "of it: the build": lambda made: f"{made.peak_mb - made.start_mb:,.0f} MB",
    "index on disk": lambda made: f"{sum(made.index_mb.values()):,.0f} MB",
    "of it: API model": lambda made: f"{made.index_mb.get('api.sqlite', made.index_mb.get('api.json', 0)):,.0f} MB",
    "of it: manifest": lambda made: f"{made.index_mb.get('manifest.sqlite', 0):,.0f} MB",
}
_SEARCH: Mapping[str, Callable[[Search], str]] = {
    "chunks": lambda search: f"{search.chunks:,}",
    "opening, until the first answer": lambda search: f"{search.open_seconds:.1f} s",
    "memory for it": lambda search: f"{search.memory_mb - search.base_mb:,.0f} MB",
    "find, median / p95": _times(lambda search: search.find),
    "of it: nearest vectors": _times(lambda search: search.dense),
    "of it: BM25": _times(lambda search: search.lexical),
    "recall@10 against exact search": lambda search: f"{search.recall_10:.3f}",
    "recall@50": lambda search: f"{search.recall_50:.3f}",
}
