"""`python -m evals generate SPEC`: a first set of questions about any library, from what it says of itself.

No LLM writes them, and nobody has read them: what they are good for is a first figure, and a file to edit.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest
from pathlib import Path

import msgspec

from agent.durable_files import storage_errors, write_atomically
from agent.errors import AgentError, InvalidInput
from agent.generations import safe
from agent.schema import SourceTree
from agent.symbols import ApiModel
from evals.cases import FIELDS_REMEDY, Case, load_cases
from evals.material import find_cases

LEAST = 5
"""Fewer questions than that say nothing about a library."""


def starter_cases(tree: SourceTree, api: ApiModel, *, limit: int, seed: int) -> tuple[Case, ...]:
    """Return up to `limit` questions with their places, the same for the same sources and seed.

    They are taken in turn from examples, docstrings, parameters and errors, and within each of them from all files in
    proportion. A smaller limit gives a part of what a larger one gives.

    Raises:
        InvalidInput: the limit is below one, or the sources say so little that fewer than `LEAST` could be made.
    """
    if limit < 1:
        raise InvalidInput(f"The limit {limit} leaves no question; expected 1 or more.")
    by_provenance: dict[str, list[Case]] = {}
    for case in find_cases(tree, api):
        by_provenance.setdefault(case.provenance, []).append(case)
    found = sum(map(len, by_provenance.values()))
    if found < LEAST:
        raise InvalidInput(
            f"Only {found} questions could be made of {tree.library} {tree.version}: it has hardly any docstrings, "
            "examples or error messages to make them from.",
            remedy=f"Write them yourself. {FIELDS_REMEDY}",
        )
    turns = zip_longest(*(_spread(cases, seed) for _, cases in sorted(by_provenance.items())))
    return tuple(case for case in chain.from_iterable(turns) if case is not None)[:limit]


def _spread(cases: Iterable[Case], seed: int) -> list[Case]:
    """Order cases so that any first part of them has those of each file in proportion."""
    by_file: dict[str, list[Case]] = {}
    for case in cases:
        by_file.setdefault(case.gold[0].path, []).append(case)
    placed: list[tuple[float, bytes, Case]] = []
    for group in by_file.values():
        drawn = sorted((hashlib.sha256(f"{seed}:{case.id}".encode()).digest(), case) for case in group)
        # The n-th of k stands at (n + 1/2) / k of the way.
        placed += [((n + 0.5) / len(group), lot, case) for n, (lot, case) in enumerate(drawn)]
    return [case for *_, case in sorted(placed, key=lambda entry: entry[:2])]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a case file; exit code 1 when it could not be made."""
    parser = argparse.ArgumentParser(prog="python -m evals generate", description=__doc__)
    parser.add_argument("spec", metavar="SPEC", help="NAME==VERSION, git+URL@REF or a folder")
    parser.add_argument("--limit", type=int, default=60, help="at most so many questions (default: 60)")
    parser.add_argument("--seed", type=int, default=0, help="draw others (default: 0)")
    parser.add_argument("--out", type=Path, help="file to write (default: cases-NAME-VERSION.jsonl)")
    parser.add_argument("--force", action="store_true", help="replace the file if it exists")
    options = parser.parse_args(arguments)
    try:
        out, cases = generate(options.spec, options.out, limit=options.limit, seed=options.seed, force=options.force)
    except AgentError as error:
        print(f"evals: {error}", file=sys.stderr)  # noqa: T201 - this is the command's own message
        return 1
    sys.stdout.write(f"{out}: {len(cases)} questions. Read them before you trust a figure that is made with them.\n")
    return 0


def generate(spec: str, out: Path | None, *, limit: int, seed: int, force: bool) -> tuple[Path, tuple[Case, ...]]:
    """Get the sources, make the cases and write them; return the file and what it holds."""
    from agent.settings import load_settings
    from agent.shell.progress import progress_bars
    from agent.sources import open_source

    _check_free(out, force=force)
    with progress_bars() as report:
        tree = open_source(spec, load_settings(), progress=report)
    out = out or Path(f"cases-{safe(tree.library)}-{safe(tree.version)}.jsonl")
    _check_free(out, force=force)
    cases = starter_cases(tree, ApiModel.build(tree), limit=limit, seed=seed)
    with storage_errors(out):
        write_atomically(out, b"".join(msgspec.json.encode(case) + b"\n" for case in cases))
    return out, load_cases(out, tree)


def _check_free(out: Path | None, *, force: bool) -> None:
    if out is not None and out.exists() and not force:
        raise InvalidInput(f"{str(out)!r} exists.", remedy="Name another file with --out, or replace it with --force.")


if __name__ == "__main__":
    sys.exit(main())
