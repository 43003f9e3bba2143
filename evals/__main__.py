"""`python -m evals`: how well the right place is found, ranking by ranking."""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

from agent.errors import AgentError
from agent.retrieval import HybridRetriever
from evals.cases import DEFAULT_CASES, load_cases
from evals.retrieval import DEPTH, MEASURES, Search, means, score

RANKINGS = ("dense", "lexical", "symbol")


def main(arguments: list[str] | None = None) -> int:
    """Run the retrieval suite and print its table; exit code 1 when it could not run."""
    parser = argparse.ArgumentParser(prog="python -m evals", description=__doc__)
    parser.add_argument("--cases", type=Path, default=DEFAULT_CASES, help="JSONL file of questions")
    parser.add_argument("--limit", type=int, default=None, help="only the first N questions")
    parser.add_argument("--misses", action="store_true", help="list the questions whose place is not among the first 5")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    try:
        return run(options.cases, options.limit, misses=options.misses, as_json=options.json)
    except AgentError as error:
        print(f"evals: {error}", file=sys.stderr)  # noqa: T201 - this is the command's own message
        return 1


def run(path: Path, limit: int | None, *, misses: bool, as_json: bool) -> int:
    """Score every combination of rankings on the same questions."""
    import msgspec
    from rich.console import Console
    from rich.table import Table

    from agent.service import Service
    from agent.settings import load_settings

    cases = load_cases(path)[:limit]
    retriever = Service(load_settings()).engine(None, None).retriever
    combinations = [c for size in (1, 2, 3) for c in itertools.combinations(RANKINGS, size)]
    results: dict[str, dict[str, dict[str, float]]] = {}
    for rankings in combinations:
        results[" + ".join(rankings)] = score(cases, places(retriever.with_rankings(rankings)))
    if as_json:
        figures = {name: means(values) for name, values in results.items()}
        sys.stdout.write(msgspec.json.encode({"questions": len(cases), "retrieval": figures}).decode() + "\n")
        return 0
    table = Table("rankings", *MEASURES, title=f"retrieval, {len(cases)} questions")
    for name, values in results.items():
        table.add_row(name, *(f"{value:.3f}" for value in means(values).values()))
    console = Console()
    console.print(table)
    if misses:
        found = results[" + ".join(RANKINGS)]
        for case in cases:
            if not found["hit@5"][case.id]:
                console.print(f"{case.id} (RR {found['MRR'][case.id]:.2f}) {case.question}", markup=False)
    return 0


def places(retriever: HybridRetriever) -> Search:
    """Return what a retriever finds, as the places that are scored."""
    return lambda question: [(hit.chunk.path, hit.chunk.symbol) for hit in retriever.find(question, DEPTH)]


if __name__ == "__main__":
    sys.exit(main())
