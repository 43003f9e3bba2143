"""What the records tell: how it goes, and what the documentation leaves open, with a draft issue for each gap."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from agent.records import Record
from agent.schema import Citation

SIMILAR = 0.6
"""Mean cosine from which two groups of questions ask for the same; `docs/records.md` says what it was chosen on."""
MOST_CLUSTERED = 1_000
"""Latest questions that are clustered: its cost grows with the square."""
TOP = 10
PLACES = 5
MAX_TITLE = 80

Vectors = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Vectors]
"""Texts -> unit vectors, shape (texts, dimension)."""


class Asked(Struct, frozen=True):
    """A question and how often it was asked, in whatever case and spacing."""

    question: str
    count: int


class Gap(Struct, frozen=True):
    """Questions that ask for the same and went without a good answer, with a draft issue.

    Attributes:
        questions: the most frequent first, then the one nearest to their middle.
        reasons: what people said was wrong.
        places: the nearest places in the sources, as `path:first-last`.
    """

    library: str
    version: str
    questions: tuple[Asked, ...]
    reasons: tuple[str, ...]
    places: tuple[str, ...]
    title: str
    body: str


class Summary(Struct, frozen=True):
    """Everything `fury-agent report` shows.

    Attributes:
        statuses: status -> answers.
        up, down: opinions.
        helpful: share of opinions that are up, 0 to 1; None without any.
        first_token_ms, total_ms: medians; None without any.
        top: the most frequent questions.
        unanswered: answers that were declined, had sources only, or were called bad.
        unknown_words: of those that were declined or called bad, how many keep no words and cannot be clustered.
        gaps: of the others of these; answers with sources only tell of the model, not of the documentation.
    """

    days: int
    answers: int
    conversations: int
    statuses: Mapping[str, int]
    up: int
    down: int
    helpful: float | None
    first_token_ms: float | None
    total_ms: float | None
    top: tuple[Asked, ...]
    unanswered: int
    unknown_words: int
    gaps: tuple[Gap, ...]


def summarise(records: Sequence[Record], days: int, embed: Embed) -> Summary:
    """Sum up records.

    Args:
        records: of the last days, oldest first.
        days: how many.
        embed: a model for questions; not called where there is nothing to cluster.
    """
    verdicts = Counter(opinion.verdict for record in records for opinion in record.opinions)
    given = verdicts.total()
    unanswered = [record for record in records if record.is_unanswered]
    open_ones = [record for record in records if record.shows_gap]
    readable = [record for record in open_ones if record.whole_question]
    return Summary(
        days=days,
        answers=len(records),
        conversations=len({record.conversation_id for record in records}),
        statuses=dict(Counter(record.status for record in records)),
        up=verdicts["up"],
        down=verdicts["down"],
        helpful=verdicts["up"] / given if given else None,
        first_token_ms=_median(record.timings.first_token_ms for record in records),
        total_ms=_median(record.timings.total_ms for record in records),
        top=_counted([record for record in records if record.question])[:TOP],
        unanswered=len(unanswered),
        unknown_words=len(open_ones) - len(readable),
        gaps=_gaps(readable[-MOST_CLUSTERED:], embed),
    )


def cluster(vectors: Vectors, threshold: float = SIMILAR) -> list[list[int]]:
    """Group vectors by average linkage: the two groups with the highest mean cosine are joined until none reaches it.

    Args:
        vectors: unit length, shape (texts, dimension).
        threshold: mean cosine, -1 to 1.

    Returns:
        Groups of row numbers, the largest first; in a group, the row nearest to its middle first.
    """
    groups = [[row] for row in range(len(vectors))]
    sums = np.array(vectors, np.float64)  # the mean cosine of two groups is the product of their sums over their sizes
    sizes = np.ones(len(groups))
    while len(groups) > 1:
        means = sums @ sums.T / np.outer(sizes, sizes)
        np.fill_diagonal(means, -np.inf)
        first, second = sorted(int(index) for index in np.unravel_index(np.argmax(means), means.shape))
        if means[first, second] < threshold:
            break
        groups[first] += groups.pop(second)
        sums[first] += sums[second]
        sizes[first] += sizes[second]
        sums, sizes = np.delete(sums, second, 0), np.delete(sizes, second)
    middles = zip(groups, sums, strict=True)
    ordered = [sorted(group, key=lambda row: (-float(vectors[row] @ middle), row)) for group, middle in middles]
    return sorted(ordered, key=lambda group: (-len(group), group))


def _gaps(records: Sequence[Record], embed: Embed) -> tuple[Gap, ...]:
    by_question: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        question = " ".join((record.whole_question or "").lower().split())
        by_question.setdefault((record.library, record.version, question), []).append(record)
    gaps: list[Gap] = []
    for library, version in sorted({key[:2] for key in by_question}):
        same = [found for key, found in by_question.items() if key[:2] == (library, version)]
        vectors = embed([found[-1].whole_question or "" for found in same])
        gaps += [_gap(library, version, [same[row] for row in group]) for group in cluster(vectors)]
    return tuple(sorted(gaps, key=lambda gap: -sum(asked.count for asked in gap.questions)))


def _gap(library: str, version: str, groups: Sequence[Sequence[Record]]) -> Gap:
    groups = sorted(groups, key=lambda records: -len(records))
    questions = tuple(Asked(records[-1].whole_question or "", len(records)) for records in groups)
    every = [record for records in groups for record in records]
    opinions = (opinion for record in every for opinion in record.opinions)
    reasons = tuple(dict.fromkeys(said.reason for said in opinions if said.verdict == "down" and said.reason))
    places = [citation for record in every for citation in record.citations]
    nearest = {found.place: found for found in places}
    order = [place for place, _ in Counter(found.place for found in places).most_common(PLACES)]
    title = f"Documentation: {one_line(questions[0].question, MAX_TITLE)}"
    body = _body(f"{library} {version}", questions, reasons, [nearest[place] for place in order])
    return Gap(library, version, questions, reasons, tuple(order), title, body)


def _body(where: str, questions: Sequence[Asked], reasons: Sequence[str], places: Sequence[Citation]) -> str:
    total = sum(asked.count for asked in questions)
    lines = [f"Asked {total} time{'' if total == 1 else 's'} about {where}, without an answer that helped:", ""]
    lines += [f"- {_quoted(asked.question)}" + (f" ({asked.count}×)" if asked.count > 1 else "") for asked in questions]
    if reasons:
        lines += ["", "What was said of the answers:", "", *(f"- {_quoted(reason)}" for reason in reasons)]
    if places:
        lines += ["", "The nearest places in the sources:", "", *(f"- {_linked(place)}" for place in places)]
    lines += ["", "A page, a docstring or an example that answers this would close the gap."]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Return what somebody wrote as code: nobody is called by it, and nothing in it is a link or a heading."""
    line = one_line(text, 300)
    longest = max(map(len, re.findall(r"`+", line)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {line} {fence}" if longest else f"`{line}`"


def _linked(place: Citation) -> str:
    name = f"`{place.symbol}` in `{place.place}`" if place.symbol else f"`{place.place}`"
    return f"[{name}]({place.url})" if place.url else name


def one_line(text: str, most: int) -> str:
    """Return a text on one line of at most so many characters."""
    line = " ".join(text.split())
    line = "".join(character for character in line if character.isprintable())  # nothing that steers a terminal
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _counted(records: Iterable[Record]) -> tuple[Asked, ...]:
    records = tuple(records)
    counts = Counter(record.question_hash for record in records)
    words = {record.question_hash: record.question or "" for record in records}
    return tuple(Asked(words[key], count) for key, count in counts.most_common())


def _median(values: Iterable[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return statistics.median(found) if found else None
