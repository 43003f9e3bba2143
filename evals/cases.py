"""Questions with the places that answer them, read strictly from JSONL."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from agent.errors import InvalidInput

DEFAULT_CASES = Path(str(files("evals") / "data" / "fury-2.0.0.jsonl"))


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


class Case(Struct, frozen=True, forbid_unknown_fields=True):
    """One question; see `evals/data/README.md` for the fields."""

    id: str
    question: str
    source: str
    kind: str
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


def load_cases(path: Path = DEFAULT_CASES) -> tuple[Case, ...]:
    """Read a case file.

    Raises:
        InvalidInput: it is missing or empty, or a line does not fit; names file and line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InvalidInput(f"The case file {str(path)!r} cannot be read ({error.strerror}).") from error
    cases: list[Case] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            cases.append(msgspec.json.decode(line, type=Case))
        except msgspec.DecodeError as error:
            raise InvalidInput(
                f"{path}:{number}: {error}.", remedy="See evals/data/README.md for the fields."
            ) from error
    if not cases:
        raise InvalidInput(f"The case file {str(path)!r} has no cases.")
    return tuple(cases)
