"""`docs/scale.md`, written from what was measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

from benchmarks.scale_search import TARGET_MS, Search, Times

if TYPE_CHECKING:
    from benchmarks.scale import Build, Measured

T = TypeVar("T")
_BEFORE = ("reading the API", "embedding", "optimizing")
"""The stages before validation."""

SECONDS_A_TEXT = 0.039
"""One core's, in bfloat16: measured with `fury-agent index` over 67,455 texts of `100k`."""

_HEAD = """\
# Scale

What an index costs as it grows. Written by `python -m benchmarks.scale page > docs/scale.md` from `docs/scale.json`,
which `python -m benchmarks.scale build SIZE --place DIR` and `… search SIZE --place DIR` fill, each in a process of its
own. Measured on two cores without a GPU. These builds ran beside other work, and were stopped at times: their seconds
are upper bounds, their memory is not touched by that.

- `2k` is FURY 2.0.0; `100k` is astropy, matplotlib, networkx, numpy, pandas,
  scikit-learn, scipy, statsmodels and sympy in one folder; `1m` is the same in ten copies (`300k`: three).
- A copy uses other words: those that the names of definitions are made of are exchanged among words of equal length
  and similar frequency, in code, prose and paths. So a frequent word is ten times as frequent, as in a library of that
  size.
- Vectors come from the machine's embedding cache, which holds {real} of them. Every other text got the vector of the
  text that it was copied from (of any, where that has none either), moved by the difference of two others, so that its
  cosine with the first is 0.59: the median of 60 renamed texts that were embedded for real. Recall is measured with
  questions that were embedded for real.
- Everything else is the path of every build: chunks, API model, manifest, store, full-text and vector index,
  validation.
- What making vectors costs comes on top: `fury-agent index` embedded 67,455 texts of `100k` in 47 minutes on the two
  shared cores, with 39 ms of processor time a text in bfloat16. The other 41,003 had been made before it was stopped:
  vectors are cached as they are made. For `1m` that is eleven hours of one core.
- A build that was killed is begun again: chunks, API model and store are made anew, and only vectors are kept, which
  take longest. On a cluster (`--on`) finished shards are kept, too.
"""

_WHAT_GROWS = """\
## What grows in memory

{growth}
Resident memory counts the pages of mapped files, which the kernel takes back when it needs them; anonymous memory,
sampled every 20 ms, does not. What loading the vectors left is given back before a build, so that the build does not
seem to need less than it does. The list of paths while the folder was opened, 26 MB at `1m`, counts as before the build
in anonymous memory. Searching was measured in indexes of the builds before.

Since these builds, validation asks the indexes of a large store how many rows they hold, and looks some chunks up by
their vectors, but not by their words: LanceDB would open the whole full-text index for that, 80 MB of a million chunks.
(So do questions later.) Two builds since then, at the lowest priority beside other work and mostly with derived
vectors, say what that gives: of 113,808 and of 341,392 chunks, 279 and 304 MB while validating, less than the 339 and
392 MB while compacting and indexing, which are the most. The table's 422 MB are of validation as it was; the 410 MB, of
three times the chunks that took 392, show how little is left of growth: caches that `100k` does not fill.

Nothing is held of each chunk, and next to nothing of each file. Chunks pass through in windows of about 2,048; the
store is appended to. All that is known of the code is SQLite, written as it is read: the manifest, with the words of
names, quotable messages and what examples use, and the API model, package by package. Each writer has a cache of 32
MB, which `100k` fills, and 2 MB when it is done. The list of files and their fingerprints are SQLite on disk, too; of
each file its place in a list of numbers is held, four bytes. So the largest package counts, not their number: griffe
needs about three times as much for the syntax of one as for its symbols (those that star-import from one another are
read together).

The embedding model is given texts padded to multiples of 16 tokens: for every shape that it meets in bfloat16, torch
keeps code and rearranged weights, and before that was so, that build of `100k` ended with 3.1 GB.

LanceDB is held to bounds while it writes: 32 MB read ahead, 32 MB each of cached metadata and of cached indexes, 48 MB
for the words, 32 MB of compressed vectors before they go to a file, and 16,384 vectors at most, 25 MB, to find the
partitions. These are then written one after the other; LanceDB would read 128 MB of them at once, twice. Its old
full-text index is dropped first, since LanceDB would have brought it up to date in as much memory as it needed: about
1 GB at `1m`. And while it writes or is queried for validation, glibc gives large blocks back as soon as they are freed:
what it had kept for LanceDB's threads was more than they used. (Elsewhere than on glibc, that is as the system's
allocator does it.)

What still grows, and from where on it shows:

- The vectors to find the partitions are 64 for each 4,096 up to a million chunks, and as many in all from there on.
- While a folder is walked through, the paths of its files are held to be sorted, about 110 bytes each, and in a git
  repository the names of its blobs; at the end, twelve bytes of each named definition. A cluster (`--on`) holds all
  files' names and digests, under 1 KB of each.

An open index holds the symbols that were asked for last (8,192, about 1 KB each) and twelve bytes of each named
definition. The rest of its memory is LanceDB's own cache of the vector index, one byte for each of the 384 numbers of a
chunk, which comes with the questions. Half of the index's partitions are read at `1m`, all up to half of it.
"""


def page(measured: Mapping[str, Measured]) -> str:
    """Return the page."""
    builds = {size: item.build for size, item in measured.items() if item.build is not None}
    searches = {size: item.search for size, item in measured.items() if item.search is not None}
    real = max((made.real_vectors for made in builds.values()), default=0)
    parts = [
        _HEAD.format(real=f"{real:,}"),
        "## Building\n",
        _table(builds, _BUILD),
        "## Searching\n",
        "The whole retriever after the question's embedding, over 200 questions made of the index's docstrings.\n",
        _table(searches, _SEARCH),
        _slower(searches),
        _WHAT_GROWS.format(growth=_growth(builds)),
    ]
    return "\n".join(parts)


def _slower(searches: Mapping[str, Search]) -> str:
    """Return which sizes are searched more slowly than a library's index should be, in words."""
    late = [f"`{size}` ({found.find.p95:.0f} ms)" for size, found in searches.items() if found.find.p95 > TARGET_MS]
    kept = f"One question in twenty takes longer than the {TARGET_MS} ms that are promised for one library"
    return f"{kept} in {' and '.join(late)}.\n" if late else ""


def _growth(builds: Mapping[str, Build]) -> str:
    """Return how much more memory builds took of more chunks, in words."""
    large = {size: made for size, made in builds.items() if made.chunks > 100_000}
    steps = [
        f"from `{one}` to `{other}` ({large[other].chunks / large[one].chunks:.1f} times the chunks) it grew from "
        f"{_anonymous(large[one], *large[one].stages)} to {_anonymous(large[other], *large[other].stages)}, without "
        f"validation from {_anonymous(large[one], *_BEFORE)} to {_anonymous(large[other], *_BEFORE)}"
        for one, other in pairwise(large)
    ]
    return f"The anonymous memory of a build: {'; '.join(steps)}." if steps else ""


def _table(measured: Mapping[str, T], lines: Mapping[str, Callable[[T], str]]) -> str:
    head = ["", *measured]
    rows = [[name, *(value(item) for item in measured.values())] for name, value in lines.items()]
    return "\n".join(["| " + " | ".join(row) + " |" for row in [head, ["---", *["--:"] * len(measured)], *rows]]) + "\n"


def _stage(*names: str) -> Callable[[Build], str]:
    return lambda made: f"{sum(made.stages.get(name, 0.0) for name in names):,.1f} s"


def _anonymous(made: Build, *stages: str) -> str:
    peak = max(made.anonymous_mb.get(stage, 0.0) for stage in stages)
    return f"{peak - made.anonymous_mb['before']:,.0f} MB"


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
    "with vectors, estimated": lambda made: (
        f"{(made.seconds - made.embedding_seconds + made.chunks * SECONDS_A_TEXT) / 60:,.0f} min"
    ),
    "of it: reading the API": _stage("reading the API"),
    "chunking, writing, and deriving vectors": _stage("embedding"),
    "compacting and indexing": _stage("optimizing"),
    "validating and publishing": _stage("validating"),
    "resident memory at most": lambda made: f"{made.peak_mb:,.0f} MB",
    "of it: before the build, with the model": lambda made: f"{made.start_mb:,.0f} MB",
    "of it: the build": lambda made: f"{made.peak_mb - made.start_mb:,.0f} MB",
    "anonymous memory of the build at most": lambda made: _anonymous(made, *made.stages),
    "while reading the API": lambda made: _anonymous(made, "reading the API"),
    "while chunking and writing": lambda made: _anonymous(made, "embedding"),
    "while compacting and indexing": lambda made: _anonymous(made, "optimizing"),
    "while validating": lambda made: _anonymous(made, "validating"),
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
