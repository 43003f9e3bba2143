"""The page `docs/abstention.md` and the risk-coverage curve beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, structs

from agent.answering.abstention import Weights
from evals.report.formats import number, span
from evals.statistics import Figure, Operating

PAGE = Path(__file__).parents[1] / "docs" / "abstention.md"
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 560, 320, 56, 16, 44
"""Of the curve's canvas and its margins, in pixels; the right margin is as wide as the top one is high."""


class Group(Struct, frozen=True):
    """Some questions of one sort.

    Attributes:
        declined: share of them that is declined, with its 95 % interval.
    """

    name: str
    declined: Figure


_HEAD = """# Declining what the sources do not answer

Written by `python -m evals calibrate`. Before a language model is asked, a question gets a confidence between 0 and 1;
below `FURY_AGENT_ABSTAIN` ({threshold}) it is declined at once, with the nearest places and where to ask. What passes
may still be declined by the model, and is checked afterwards: the figures here are of retrieval alone.

The confidence is a logistic regression over six signals, `1 / (1 + exp(-s))` with

    s = {formula}

| signal | what it says |
|---|---|
| nearness | how far the nearest chunk stands out from the fiftieth: `(c1 - c50) / (1 - c50)` of their cosines |
| words | share of the question's words that occur in the chunks around it, by meaning and by words |
| named | `log(1 + n)`, n of its words occurring in names of the library's definitions |
| agreed | `log(1 + n)`, n of the fifty chunks nearest by meaning being among the fifty nearest by words |
| ingredients | `log(1 + n)`, n public functions and classes bearing the very name of one of its words (or of two) |
| described | 1 where it says what shall be made ("a red ball") and asks nothing: its words are the world's |

A question that writes out a name which the library has, or whose end its guides and notes tell, is not declined here,
unless it takes an argument for granted that the function does not take (`lod_bias in actor.streamlines`): it is told
so, and what the function takes. One that writes out no such name, but a member of one of the library's modules or
classes that is not there, is; it is told so, and what the nearest names are. Who says that something is not there, or
not any more, is answered. An index with fewer than fifty chunks declines nothing else. The embedding model reads
English: other languages are declined unless they write out names.

The signals were chosen, and weights and threshold fitted, on one half of the questions; the halves were drawn by a
digest of their ids before. The rules on names and arguments were written with the questions of both halves at hand. We
wrote the unanswerable questions: strangers ask others.

![Share of unanswerable questions among those answered, over the share that is answered](abstention.svg)

The curve is of the held-out half; the mark is the default.
"""


def render(tables: Mapping[str, Sequence[Group]], weights: Weights, threshold: float) -> str:
    """Return the page.

    Args:
        tables: title -> what is declined of its questions.
        weights: those in force.
        threshold: that in force.
    """
    terms = [f"{value:+.2f} {name}" for name, value in structs.asdict(weights).items() if name != "bias"]
    formula = f"{weights.bias:.2f} {' '.join(terms)}"
    return "\n".join([_HEAD.format(threshold=threshold, formula=formula), *_tables(tables)]) + "\n"


def _tables(tables: Mapping[str, Sequence[Group]]) -> Iterator[str]:
    for title, groups in tables.items():
        yield f"## {title}\n\n| questions | number | declined |\n|---|---:|---|"
        for entry in groups:
            found = entry.declined
            yield f"| {entry.name} | {found.count} | {number(found.mean)} ({span(found.low, found.high)}) |"
        yield ""


def risk_curve(points: Sequence[Operating], threshold: float) -> str:
    """Return the curve as an SVG file that is readable on light and dark pages.

    Args:
        points: at every confidence seen, lowest first.
        threshold: which is marked.
    """
    shown = [point for point in points if point.coverage > 0]
    highest = max((point.risk for point in shown), default=0.0) or 1.0
    width, height = _WIDTH - _LEFT - _TOP, _HEIGHT - _TOP - _BOTTOM

    def place(coverage: float, risk: float) -> str:
        return f"{_LEFT + coverage * width:.1f},{_TOP + (1 - risk / highest) * height:.1f}"

    marked = next((point for point in shown if point.threshold >= threshold), shown[-1])
    x, y = place(marked.coverage, marked.risk).split(",")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        'font-family="sans-serif" font-size="12" fill="#777">',
        "<title>Risk over coverage</title>",
        f'<path d="M{place(0, highest)} L{place(0, 0)} L{place(1, 0)}" fill="none" stroke="#999"/>',
        *_ticks(place, highest),
        f'<polyline points="{" ".join(place(point.coverage, point.risk) for point in shown)}" fill="none" '
        'stroke="#3b7dd8" stroke-width="2"/>',
        f'<circle cx="{x}" cy="{y}" r="5" fill="#d8703b"/>',
        f'<text x="{x}" y="{float(y) - 12:.1f}" text-anchor="middle" fill="#d8703b">{threshold:g}</text>',
        f'<text x="{_LEFT + width / 2}" y="{_HEIGHT - 8}" text-anchor="middle">coverage: questions answered</text>',
        f'<text transform="translate(14 {_TOP + height / 2}) rotate(-90)" text-anchor="middle">'
        "risk: unanswerable among them</text>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _ticks(place: Callable[[float, float], str], highest: float) -> Iterator[str]:
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = place(share, 0).split(",")
        yield f'<text x="{x}" y="{float(y) + 16:.1f}" text-anchor="middle">{share:g}</text>'
        x, y = place(0, share * highest).split(",")
        yield f'<text x="{float(x) - 6:.1f}" y="{float(y) + 4:.1f}" text-anchor="end">{share * highest:.2f}</text>'
