"""A report as a run makes it, with text in it that wants to be more than text."""

from __future__ import annotations

import random
from collections.abc import Sequence

from agent.schema import Citation, Passage
from evals.comparison import Compared, Comparison
from evals.observations import Identity
from evals.report.values import Cell, Curve, FoundPlace, Moment, Question, Report, RiskCurve, Row, Score, Table
from evals.statistics import Difference, Figure, Operating

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    '"><img src=x onerror=alert(3)>',
    "' onmouseover='alert(4)",
    "[click](javascript:alert(5)) ![pixel](https://evil.example/p.png) <https://evil.example/auto>",
    "<svg onload=alert(6)><a href='https://evil.example/svg'>",
    "](https://evil.example/md) | `` ` `` | **bold** <!-- & --> &lt;b&gt; $x$ \\",
    "</style></title></textarea><iframe src=//evil.example>",
    "control \x00\x1b[31m\x85 \u202eevil\u202c \ud800 end",
    "```html\n<script>alert(7)</script>\n```\n\n# Heading\n\n<b onclick=alert(8)>x</b>\n\n[ref]: https://evil.example/ref\n[ref]",
    "{{ 7 * 7 }}{% raw %}",
    "http://evil.example/bare www.evil.example",
)
BAD_ADDRESSES = (
    "javascript:alert(9)",
    'https://evil.example/"onclick="alert(10)',
    "data:text/html,<script>alert(11)</script>",
    "//evil.example/x",
    "java\nscript:alert(12)",
    " https://evil.example/space",
    "file:///etc/passwd",
)
SYSTEMS = (
    "dense + lexical + symbols",
    "dense + lexical",
    "dense + symbols",
    "lexical + symbols",
    "dense",
    "lexical",
    "symbols",
    "LlamaIndex, sentence splitter",
    "LlamaIndex, code splitter",
    "bm25s",
    "grep",
)
ANSWER = """Create the actor with `sphere` and show it [1]:

```python
from fury import actor, window

scene = window.Scene()
scene.add(actor.sphere(centers, colors=(1, 0, 0), radii=0.5))
window.ShowManager(scene=scene, size=(800, 600)).start()
```

- `centers` is an array of shape `(n, 3)`;
- every colour channel lies in **[0, 1]**.
"""


def figure(mean: float, spread: float = 0.05, *, count: int = 140, failed: int = 0, top: float = 1.0) -> Figure:
    return Figure(mean, max(0.0, mean - spread), min(top, mean + spread), count, failed)


def question(identifier: str = "v2-001", text: str = "How do I draw a sphere?", **more: object) -> Question:
    values: dict[str, object] = {"kind": "usage", "provenance": "tutorial_text", "verdict": "good"}
    values |= {"why": (), "gold": ("fury/actor/curved.py sphere",), "places": (), "scores": ()}
    return Question(id=identifier, question=text, **(values | more))  # pyright: ignore[reportArgumentType] - given by tests


def report(*questions: Question, **more: object) -> Report:
    """Return a report of these questions and little else."""
    values: dict[str, object] = {"title": "Evals of fury-agent", "run": "run-4", "created": "2026-11-22T19:09:08+00:00"}
    values |= {"identity": identity(), "command": "python -m evals", "cases": len(questions), "questions": questions}
    values |= dict.fromkeys(("tables", "curves", "risk", "history", "comparisons"), ())
    return Report(**(values | more))  # pyright: ignore[reportArgumentType] - given by tests


def identity(code: str = "87faccd1e+a1b2c3") -> Identity:
    return Identity(
        code=code,
        library="fury",
        version="2.0.0",
        revision="v2.0.0",
        index="5d41402abc4b2a76b9719d911017c592",
        embedding="all-MiniLM-L6-v2",
        model="qwen2.5-coder-1.5b-instruct-q4_k_m",
        settings="9f86d081",
    )


def tables() -> tuple[Table, ...]:
    measures = ("hit@1", "hit@3", "hit@5", "hit@10", "MRR", "nDCG@10")
    base = (0.767, 0.904, 0.932, 0.973, 0.840, 0.861)

    def systems(names: Sequence[str], drop: float) -> tuple[Row, ...]:
        rows: list[Row] = []
        for position, name in enumerate(names):
            cells = tuple(figure(mean * (1 - drop * position), 0.06) for mean in base)
            rows.append(Row(name, cells, strong=position == 0))
        return tuple(rows)

    latency: tuple[Cell, ...] = (Figure(1934.2, 1620.4, 2301.9, 112), 1500.0)
    return (
        Table("retrieval", "Systems", "system", measures, systems(SYSTEMS, 0.05), note="73 development questions."),
        Table("retrieval", "By kind", "kind", measures, systems(("howto", "usage", "concept"), 0.02)),
        Table(
            "answers",
            "Shipped answers",
            "answerer",
            ("correct names", "runs", "cited", "mentions"),
            (Row("engine", (figure(0.82), figure(0.61, failed=7), figure(1.0, 0.0), None), strong=True),),
        ),
        Table("answers", "Time", "answerer", ("first token", "p50"), (Row("engine", latency, strong=True),), "ms"),
        Table(
            "declining",
            "Unanswerable questions",
            "category",
            ("declined", "questions", "example"),
            (
                Row("all", (figure(0.71, 0.1, count=40), 40, "Gradio"), strong=True),
                Row("other library", (figure(0.9, 0.1, count=20), 20, "vedo"), strong=False),
            ),
        ),
        Table(
            "judge",
            "Judged answers",
            "measure",
            ("passing", "agreement"),
            (Row("faithfulness", (figure(0.66), 0.87), strong=True), Row("relevancy", (figure(0.9, failed=3), 0.91))),
            note="By the same small model: read with care.",
        ),
    )


def full_report(count: int = 140) -> Report:
    """Return a report with every part, hostile text in every place that takes text, and `count` questions."""
    chance = random.Random(7)  # noqa: S311 - a sample
    questions = tuple(_question(number, count, chance) for number in range(count))
    ids = [each.id for each in questions]
    curves = tuple(
        Curve(name, tuple(figure(1 - (0.25 + 0.04 * i) * 0.82**k, 0.05) for k in range(20)), strong=i == 0)
        for i, name in enumerate((*SYSTEMS[:-1], HOSTILE[1]))
    )
    points = tuple(
        Operating(t / 40, 1 - (t / 40) ** 2, 0.32 * (1 - t / 40), min(1.0, t / 20), (t / 40) ** 2) for t in range(41)
    )
    history = tuple(
        _moment(n, code) for n, code in enumerate(("1c61618", "78a12c9", HOSTILE[2], "4f38f3b", "87faccd1e"))
    )
    better = Difference(0.034, 0.006, 0.062, won=tuple(ids[3:9]), lost=tuple(ids[:2]), tied=tuple(ids[9:]))
    same = Difference(0.002, -0.011, 0.015, tuple(ids[3:5]), tuple(ids[5:7]), tuple(ids[7:]), only_new=("new",))
    worse = Difference(-0.08, -0.14, -0.02, (), (*ids[:9], "gone<i>"), tuple(ids[9:]))
    faster = Difference(-120.0, -190.0, -44.0, tuple(ids[:3]), tuple(ids[3:70]), ())
    measures = (
        Compared("retrieval", "hit@1", better),
        Compared("retrieval", "MRR", same),
        Compared("answers", "runs", worse),
        Compared("answers", "first token", faster, lower_is_better=True),
    )
    comparison = Comparison("run-3 <b>", measures, ("The index differs.", HOSTILE[0]))
    hostile = Table("judge", HOSTILE[2], HOSTILE[3], HOSTILE[:2], (Row(HOSTILE[1], HOSTILE[4:6]),), "", HOSTILE[5])
    risk = RiskCurve("When to decline", points, points[12])
    return report(
        *questions,
        tables=(*tables(), hostile),
        curves=curves,
        risk=(risk,),
        history=history,
        comparisons=(comparison,),
        command="python -m evals --compare run-3 --gate gate.toml",
        failures=("answers / runs: 7 questions: the sandbox was not available", HOSTILE[0]),
        notes=("The suite `answers` was asked of 112 of 140 questions.", HOSTILE[8], HOSTILE[6], HOSTILE[11]),
    )


def _moment(number: int, code: str) -> Moment:
    slow = 2400 - 90 * number
    means = {"hit@1": figure(0.6 + number / 25), "first token": Figure(slow, slow - 300, slow + 300, 112)}
    if number > 1:
        means["runs"] = figure(0.4 + number / 20, 0.1)
    return Moment(f"run-{number}", "2026-11", code, means)


def _question(number: int, count: int, chance: random.Random) -> Question:
    hostile = HOSTILE[number] if number < len(HOSTILE) else ""
    verdict = "failed" if number % 7 == 0 else "weak" if number % 5 == 0 else "good"
    hit = chance.randrange(1, 8)
    path = "fury/actor/curved.py"
    code = "def sphere(centers, *, colors=(1, 0, 0), radii=1.0, phi=16, theta=16, opacity=None):\n" + 24 * (
        "    Visualize one or many spheres with different colors and radii.\n"
    )
    return Question(
        id=f"{hostile[:60]}{number}" if number in {2, 3, 8} else f"v2-{number:03}",
        question=hostile or f"How do I draw {number} spheres of different colours and keep them in view of the camera?",
        kind=("howto", "usage", "concept", "unanswerable")[number % 4],
        provenance="tutorial_text",
        verdict=verdict,
        why=(f"no gold place among the first ten {hostile}",) if verdict == "failed" else (),
        gold=(f"{path} sphere", hostile) if hostile else (f"{path} sphere",),
        places=tuple(FoundPlace(f"{path} {hostile or 'sphere'} {rank}", rank == hit) for rank in range(1, 11)),
        scores=(
            Score("retrieval", "hit@1", float(hit == 1)),
            Score("retrieval", "MRR", 1 / hit),
            Score("answers", "runs", 1.0 if number % 11 else None, failed="" if number % 11 else f"timeout {hostile}"),
            Score("answers", "first token", 1830.0, lower_is_better=True),
        ),
        status="answered",
        answer=None if number == count - 1 else (hostile and f"{hostile}\n\n{ANSWER}") or ANSWER,
        citations=(
            Citation(1, path, "sphere", 10, 60, f"https://github.com/{path}#L10-L60", hostile or "sphere"),
            Citation(2, path, None, 61, 80, BAD_ADDRESSES[number % len(BAD_ADDRESSES)], "hostile"),
        ),
        passages=tuple(Passage(path, "sphere", 10, 60, None, 0.5, f"{hostile}\n{code}") for _ in range(6)),
        checks=(f"actor.ball does not exist {hostile}",) if verdict == "weak" else (),
        error=f"ModelTimeout: {hostile}" if number == count - 1 or (hostile and verdict == "failed") else None,
    )
