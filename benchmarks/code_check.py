"""How long the check of an answer takes: programs of an answer's size, right ones and such with an invented name."""

from __future__ import annotations

import time

from agent.settings import load_settings
from agent.sources import open_source
from agent.symbols import ApiModel
from agent.verification import check_answer
from benchmarks.table import Row
from evals.cases import DATA

LIBRARY = "fury-2.0.0"
TARGET_MS = 50
"""For one answer; the model takes thousands of times as long to write it."""
ROUNDS = 3


def run() -> list[Row]:
    """Measure the programs that belong to the requests of the evals."""
    tree = open_source(LIBRARY.replace("-", "=="), load_settings())
    api = ApiModel.build(tree)
    programs = [path.read_text() for path in sorted((DATA / f"{LIBRARY}-code").glob("*.py"))]
    answers = {
        "right": [
            f"So:\n\n```python\n{code}\n```\n\nThe names are `actor.sphere` and `window.show(scene)`."
            for code in programs
        ],
        "with an invented name": [
            f"```python\n{code}\nfrom fury import actor\nactor.invented(1)\n```" for code in programs
        ],
    }
    rows: list[Row] = []
    for name, texts in answers.items():
        times = sorted(_milliseconds(text, api) for text in texts for _ in range(ROUNDS))
        middle, most = times[len(times) // 2], times[int(len(times) * 0.95)]
        rows.append(Row(f"answer {name}, median", middle, "ms", f"<= {TARGET_MS}", middle <= TARGET_MS))
        rows.append(Row(f"answer {name}, p95", most, "ms", f"<= {TARGET_MS}", most <= TARGET_MS))
    return rows


def _milliseconds(text: str, api: ApiModel) -> float:
    start = time.perf_counter()
    check_answer(text, api)
    return 1000 * (time.perf_counter() - start)
