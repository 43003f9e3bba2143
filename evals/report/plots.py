"""The report's plots as SVG that takes its colours and its typeface from the page around it."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from evals.report.formats import clip, number, printable, shipped
from evals.report.values import Curve, Moment, RiskCurve, Row, Table
from evals.statistics import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.typing import RcKeyType

# Matplotlib knows no CSS: these colours stand for the page's variables, which differ in light and dark mode.
INK, ACCENT, MUTED, FAINT = "#010203", "#010204", "#010205", "#010206"
_VARIABLES = {INK: "var(--ink)", ACCENT: "var(--accent)", MUTED: "var(--muted)", FAINT: "var(--line)"}
_STYLE: dict[RcKeyType, object] = {
    "svg.hashsalt": "fury-agent",  # the same plot is the same text
    "svg.fonttype": "none",  # text stays text: small, selectable, in the page's typeface
    "text.parse_math": False,  # a name may hold dollar signs
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "text.color": INK,
    "lines.solid_capstyle": "round",
}
PANEL = (184, 128)
"""Width and height of one of many, CSS pixels at its natural size."""
WIDE = 480
_NAME = 26
_LABELS = 8


def curve_panel(curve: Curve, curves: Sequence[Curve]) -> str:
    """Return hit@k of one system with its interval, over those of all others and of the shipped one."""
    low = min((figure.low for each in curves for figure in each.figures), default=0.0)

    def draw(axes: Axes) -> None:
        for each in curves:
            axes.plot(_ranks(each), [figure.mean for figure in each.figures], color=FAINT, linewidth=0.8)
        for each in [each for each in curves if each.strong and each is not curve]:
            axes.plot(_ranks(each), [figure.mean for figure in each.figures], color=ACCENT, linewidth=1)
        _line(axes, _ranks(curve), curve.figures, ACCENT if curve.strong else INK)
        deepest = max(len(each.figures) for each in curves)
        axes.set_xticks([k for k in (1, 5, 10, 20, 50) if k <= deepest])
        _shares(axes.set_yticks, low)
        axes.set_ylim(low - 0.02, 1.02)

    return _svg(draw, PANEL, f"hit@k of {curve.system}")


def bar_measure(table: Table) -> str | None:
    """Return the measure by which the rows of a table are best drawn as bars; None where they cannot be."""
    return next((name for name in ("MRR", "hit@1") if len(_bars(table, name)) > 1), None)


def ablation(table: Table, measure: str) -> str:
    """Return one measure of the rows of a table as bars with intervals, against what we ship."""
    bars = _bars(table, measure)[::-1]  # the first one on top
    best = shipped(table)

    def draw(axes: Axes) -> None:
        for height, (row, figure) in enumerate(bars):
            axes.barh(height, figure.mean, 0.62, color=ACCENT if row.strong else MUTED, alpha=0.35)
            axes.plot([figure.low, figure.high], [height, height], color=ACCENT if row.strong else INK, linewidth=1.4)
            axes.plot(figure.mean, height, "o", color=ACCENT if row.strong else INK, markersize=4)
            axes.text(1.02, height, number(figure.mean), va="center", color=INK)
            if row is best:
                axes.axvline(figure.mean, color=ACCENT, linewidth=0.8, linestyle=(0, (2, 3)))
        axes.set_yticks(range(len(bars)), [_label(row.name) for row, _ in bars])
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.spines["left"].set_visible(False)
        _shares(axes.set_xticks, 0.0)
        axes.set_xlim(0, 1.1)
        axes.set_ylim(-0.6, len(bars) - 0.4)

    return _svg(draw, (WIDE, 50 + 25 * len(bars)), f"{measure} with 95 % intervals, by {table.of}")


def _bars(table: Table, measure: str) -> list[tuple[Row, Figure]]:
    if measure not in table.columns:
        return []
    column = table.columns.index(measure)
    return [(row, cell) for row in table.rows if isinstance(cell := row.cells[column], Figure)]


def risk_coverage(curve: RiskCurve) -> str:
    """Return risk over coverage, with the suggested threshold marked."""
    points = sorted((point for point in curve.points if point.coverage > 0), key=lambda point: point.coverage)

    def draw(axes: Axes) -> None:
        coverage = [point.coverage for point in points]
        axes.fill_between(coverage, [point.risk for point in points], color=INK, alpha=0.06, linewidth=0)
        axes.plot(coverage, [point.risk for point in points], color=INK, linewidth=1.4)
        if curve.suggested is not None:
            chosen = (curve.suggested.coverage, curve.suggested.risk)
            axes.plot([chosen[0]] * 2, [0, chosen[1]], color=ACCENT, linewidth=0.8, linestyle=(0, (2, 3)))
            axes.plot(*chosen, "o", color=ACCENT, markersize=7)
            axes.annotate(
                "suggested",
                chosen,
                xytext=(0, 12),
                textcoords="offset points",
                color=ACCENT,
                ha="right" if chosen[0] > 0.8 else "center",
            )
        _shares(axes.set_xticks, 0.0)
        highest = max((point.risk for point in points), default=0.0)
        axes.set_xlim(0, 1.02)
        axes.set_ylim(0, max(0.1, highest * 1.25))
        axes.locator_params(axis="y", nbins=5)
        axes.yaxis.set_major_formatter(_as_share)
        axes.set_xlabel("coverage: share of questions answered")
        axes.set_ylabel("risk: wrong among them")

    return _svg(draw, (WIDE, 300), f"Risk over coverage: {curve.title}")


def history_panel(measure: str, moments: Sequence[Moment], run: str) -> str:
    """Return one measure over the runs, with its intervals and `run` marked."""
    shown = [(position, moment) for position, moment in enumerate(moments) if measure in moment.means]

    def draw(axes: Axes) -> None:
        figures = [moment.means[measure] for _, moment in shown]
        _line(axes, [position for position, _ in shown], figures, INK)
        for (position, moment), figure in zip(shown, figures, strict=True):
            own = moment.run == run
            axes.plot(position, figure.mean, "o", color=ACCENT if own else INK, markersize=5 if own else 3)
        step = -(-len(moments) // _LABELS)
        ticks = range(len(moments) - 1, -1, -step)  # the last run always has its label
        axes.set_xticks(ticks, [_label(moments[tick].code, 9) for tick in ticks], rotation=40, ha="right")
        axes.tick_params(axis="x", rotation=40)
        axes.set_xlim(-0.3, len(moments) - 0.7)
        axes.locator_params(axis="y", nbins=4)
        share = all(abs(figure.high) <= 1 for figure in figures)
        axes.yaxis.set_major_formatter(_as_share if share else _as_number)

    return _svg(draw, (PANEL[0], PANEL[1] + 30), f"{measure} over the runs")


def _line(axes: Axes, x: Sequence[float], figures: Sequence[Figure], colour: str) -> None:
    low, high = [figure.low for figure in figures], [figure.high for figure in figures]
    axes.fill_between(x, low, high, color=colour, alpha=0.16, linewidth=0)
    axes.plot(x, [figure.mean for figure in figures], color=colour, linewidth=1.6)


def _ranks(curve: Curve) -> list[float]:
    return [float(k) for k in range(1, len(curve.figures) + 1)]


def _shares(set_ticks: Callable[[list[float], list[str]], object], low: float) -> None:
    ticks = [tick for tick in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0) if tick >= low - 0.02]
    set_ticks(ticks, [_as_share(tick) for tick in ticks])


def _as_share(value: float, _position: float | None = None) -> str:
    return number(value, places=2).removesuffix("0") if value not in (0, 1) else f"{value:.0f}"


def _as_number(value: float, _position: float | None = None) -> str:
    return number(value, "")


def _label(name: str, limit: int = _NAME) -> str:
    name = " ".join(printable(name).split())
    return name if len(name) <= limit else name[: limit - 1] + "…"


def _svg(draw: Callable[[Axes], None], size: tuple[int, int], label: str) -> str:
    """Draw on a canvas of `size` CSS pixels and return it as an SVG element with the text `label` as its name."""
    import matplotlib as mpl
    from matplotlib.figure import Figure as Canvas

    text = io.StringIO()
    with mpl.rc_context(), warnings.catch_warnings():
        # The browser chooses the typeface, so what Matplotlib's own one lacks does not matter.
        warnings.filterwarnings("ignore", "Glyph .* missing")
        mpl.rcdefaults()  # the same plot whatever the machine's own matplotlibrc says
        mpl.rcParams.update(_STYLE)
        mpl.rcParams["font.size"] = 12 if size[0] == WIDE else 9.5
        canvas = Canvas(figsize=(size[0] / 72, size[1] / 72), layout="constrained")
        axes = canvas.subplots()
        draw(axes)
        canvas.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    return _themed(text.getvalue(), clip(printable(label), 200))


def _themed(svg: str, label: str) -> str:
    """Return an SVG file as an element of a page: no metadata, ids only where they are used, the page's colours."""
    root = ET.fromstring(svg)  # noqa: S314 - Matplotlib wrote it
    for parent in list(root.iter()):
        for child in [child for child in parent if child.tag.endswith(("}metadata", "}style"))]:
            parent.remove(child)
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        for name, value in list(element.attrib.items()):
            del element.attrib[name]
            if name != "id" or value in used:
                element.set(name.rpartition("}")[2], _styled(value) if name == "style" else value)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    root.set("aria-label", label)
    return ET.tostring(root, encoding="unicode")


def _styled(style: str) -> str:
    """Return a style with the page's colours and without a typeface."""
    for colour, variable in _VARIABLES.items():
        style = style.replace(colour, variable)
    style = re.sub(r"font: (?:\w+ )*?([\d.]+px) [^;]*", r"font-size: \1", style)
    return re.sub(r"font-family: [^;]*;? ?", "", style)
