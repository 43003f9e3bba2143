"""Questions with the places that answer them, read strictly from JSONL."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, Protocol, TypeVar

import msgspec
from msgspec import Meta, Struct

from agent.errors import InvalidInput
from agent.schema import SourceTree
from evals.definitions import definitions

T = TypeVar("T")

DATA = Path(str(files("evals") / "data"))
DEFAULT_CASES = DATA / "fury-2.0.0"
UNANSWERABLE = "unanswerable"
FIELDS_REMEDY = "See evals/data/README.md for the fields."


class Gold(Struct, frozen=True, forbid_unknown_fields=True):
    """A place that answers a question: a whole file where there is no symbol."""

    path: str
    symbol: str | None = None
    lines: tuple[int, int] | None = None

    def is_hit_by(self, path: str, symbol: str | None) -> bool:
        """Whether a place is this one or lies inside it (`Panel2D.__init__` hits `Panel2D`)."""
        if path != self.path:
            return False
        return self.symbol is None or symbol == self.symbol or (symbol or "").startswith(f"{self.symbol}.")

    def overlap(self, path: str, first: int, last: int) -> range:
        """Return the lines that a cited range shares with this place; without lines of its own it is the whole file."""
        if path != self.path:
            return range(0)
        start, end = self.lines or (first, last)
        return range(max(start, first), min(end, last) + 1)


class Case(Struct, frozen=True, forbid_unknown_fields=True):
    """One question; see `evals/data/README.md` for the fields."""

    id: Annotated[str, Meta(min_length=1)]
    question: Annotated[str, Meta(min_length=1)]
    source: str
    kind: Annotated[str, Meta(min_length=1)]
    gold: tuple[Gold, ...]
    provenance: str = ""
    scope: str = ""
    gold_mode: Literal["any", "all"] = "any"
    also_ok: tuple[Gold, ...] = ()
    must_mention: tuple[str, ...] = ()
    must_not_contain: tuple[str, ...] = ()
    ground_truth: str | None = None
    note: str | None = None
    category: str | None = None
    why: str | None = None
    mixed: bool = False

    @property
    def answerable(self) -> bool:
        """Whether the sources hold an answer."""
        return bool(self.gold)

    @property
    def must_decline(self) -> bool:
        """Whether only a refusal is right; of a mixed question one half can be answered."""
        return not self.gold and not self.mixed


class Selectable(Protocol):
    """A question or request that can be chosen."""

    @property
    def id(self) -> str:
        """Its name, which no other has."""
        ...

    @property
    def kind(self) -> str:
        """Of which sort it is."""
        ...


C = TypeVar("C", bound=Selectable)


def load_cases(path: Path = DEFAULT_CASES, sources: SourceTree | None = None) -> tuple[Case, ...]:
    """Read a case file, or all `*.jsonl` of a directory in the order of their names.

    Args:
        path: the file or directory.
        sources: when given, every gold place must exist in them.

    Raises:
        InvalidInput: missing or empty, a line that does not fit, an id given twice, a place that does not exist; names
            file and line.
    """
    paths = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    cases: dict[str, Case] = {}
    for place, case in (entry for one in paths for entry in read_jsonl(one, Case)):
        problem = f"the id {case.id!r} is there already" if case.id in cases else _contradiction(case)
        if problem:
            raise InvalidInput(f"{place}: {problem}.", remedy=FIELDS_REMEDY)
        if sources and (missing := missing_gold(case, sources)):
            raise InvalidInput(
                f"{place}: {missing}.",
                remedy="Mend the place, or name the library that the questions are about: FURY_AGENT_LIBRARY=SPEC.",
            )
        cases[case.id] = case
    if not cases:
        raise InvalidInput(f"{str(path)!r} has no cases.", remedy=FIELDS_REMEDY)
    return tuple(cases.values())


def _contradiction(case: Case) -> str | None:
    if (case.kind == UNANSWERABLE) == case.answerable:
        return f"{case.id}: only questions of the kind {UNANSWERABLE!r} have no gold places, this one is {case.kind!r}"
    return None


def read_jsonl(path: Path, kind: type[T]) -> Iterator[tuple[str, T]]:
    """Yield each line as a value, with its `file:line`; blank lines are skipped.

    Raises:
        InvalidInput: missing, or a line that does not fit; names file and line.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # not at the other line ends that JSON may hold
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The file {str(path)!r} cannot be read ({error}).", remedy=FIELDS_REMEDY) from error
    for number, line in enumerate(lines, start=1):
        if line.strip():
            place = f"{path}:{number}"
            try:
                yield place, msgspec.json.decode(line, type=kind)
            except msgspec.DecodeError as error:
                raise InvalidInput(f"{place}: {error}.", remedy=FIELDS_REMEDY) from error


def select(
    cases: Sequence[C], *, kinds: Iterable[str] = (), ids: Iterable[str] = (), limit: int | None = None
) -> tuple[C, ...]:
    """Return the cases of these kinds or ids, and at most `limit` of them.

    A limit takes from every kind in proportion, by a fixed order that does not follow the files': the first 20 of 30
    are the same 20 on every machine.

    Raises:
        InvalidInput: a kind or id that no case has, or a limit below one.
    """
    _require("kind", kinds, {case.kind for case in cases})
    _require("id", ids, {case.id for case in cases})
    if limit is not None and limit < 1:
        raise InvalidInput(f"The limit is {limit}; expected 1 or more.")
    wanted_kinds, wanted_ids = set(kinds), set(ids)
    chosen = [
        case
        for case in cases
        if (not wanted_kinds or case.kind in wanted_kinds) and (not wanted_ids or case.id in wanted_ids)
    ]
    if not chosen:
        raise InvalidInput("No question has both a wanted kind and a wanted id.")
    return tuple(chosen if limit is None else _proportional(chosen, limit))


def _require(what: str, given: Iterable[str], known: set[str]) -> None:
    unknown = sorted(set(given) - known)
    if unknown:
        some = ", ".join(sorted(known)[:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")
        raise InvalidInput(f"No case has the {what} {unknown[0]!r}.", remedy=f"There are: {some}.")


def _proportional(cases: Sequence[C], limit: int) -> list[C]:
    by_kind: dict[str, list[C]] = {}
    for case in sorted(cases, key=lambda case: hashlib.sha256(case.id.encode()).digest()):
        by_kind.setdefault(case.kind, []).append(case)
    # The n-th of a kind of k stands at (n + 1/2) / k of the way: any prefix of that order is in proportion.
    position = {case.id: (n + 0.5) / len(group) for group in by_kind.values() for n, case in enumerate(group)}
    taken = {case.id for case in sorted(cases, key=lambda case: (position[case.id], case.id))[:limit]}
    return [case for case in cases if case.id in taken]


def fingerprint(case: Case) -> str:
    """Return a short digest of the question and its right places: what scores of different cases are told apart by."""
    return hashlib.sha256(msgspec.json.encode((case.question, case.gold, case.gold_mode))).hexdigest()[:12]


# --- gold places against the sources ----------------------------------------------------------------


def missing_gold(case: Case, sources: SourceTree) -> str | None:
    """Return which gold place of a case is not in the sources, in words; None where all are."""
    by_path = {file.path: file for file in sources.files}
    for gold in (*case.gold, *case.also_ok):
        if gold.path not in by_path:
            return f"{case.id}: {sources.library} {sources.version} has no file {gold.path!r}"
        text = _text(sources, gold.path)
        if gold.symbol is not None and not _has_symbol(gold.path, text, gold.symbol):
            return f"{case.id}: {gold.path!r} defines no {gold.symbol!r}"
        if gold.lines is not None and not 1 <= gold.lines[0] <= gold.lines[1] <= text.count("\n") + 1:
            return f"{case.id}: {gold.path!r} has no lines {gold.lines[0]}-{gold.lines[1]}"
    return None


def _text(sources: SourceTree, path: str) -> str:
    return (sources.root / path).read_text(encoding="utf-8", errors="replace")


def _has_symbol(path: str, text: str, symbol: str) -> bool:
    if path.endswith((".py", ".pyi")):
        return symbol in definitions(text)
    return re.search(rf"\b{re.escape(symbol.rpartition('.')[2])}\b", text) is not None
