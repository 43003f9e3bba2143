"""What may be done to a program before the model is asked for another: which repairs, in which order and words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from agent.answering.correction import Mended
from agent.repair import (
    Arguments,
    documented,
    with_as_many_rows,
    with_missing_member,
    with_outer_product,
    with_rows,
    with_single_rows,
    with_whole_numbers,
    without_failed,
    without_missing,
    without_missing_method,
    without_refused,
    without_unfit,
)
from agent.schema import Chunk
from agent.symbols import ApiModel
from agent.verification import check_code

LookUp = Callable[[Sequence[str]], Iterable[Chunk]]
"""Dotted paths as a program writes them -> the definitions that they stand for."""
_ROWS = "passed arrays of rows where the code passed single ones"


class Mends:
    """The repairs for an answer's program.

    Args:
        api: the library's API model.
        given: the passages that the model was given.
        look_up: finds definitions, for what a program uses beyond the passages.
    """

    def __init__(self, api: ApiModel, given: Iterable[Chunk], look_up: LookUp | None = None) -> None:
        self._api = api
        self._given = tuple(given)
        self._look_up = look_up

    def whole_numbers(self, code: str) -> Mended | None:
        """Mend, whatever the program does: a number of which a part is taken is taken as it is."""
        numbers = with_whole_numbers(code)
        words = "took numbers as they are where the code took a part of them"
        return Mended(numbers, words) if numbers is not None else None

    def single_rows(self, code: str) -> Mended | None:
        """Mend, whatever the program does: a row that is written out, where only arrays of rows are taken."""
        rows = with_single_rows(code, documented(self._used(code)), self._api.roots)
        return Mended(rows, _ROWS) if rows is not None else None

    def of_failure(self, code: str, error: str) -> Iterator[Mended]:
        """Yield what may run instead and does the same, likeliest first.

        Args:
            code: a program.
            error: what its run ended with.
        """
        functions = self._functions(code)
        if (product := with_outer_product(code, error)) is not None:
            yield Mended(product, "made a row for each number, where the code multiplied them with one")
        if (equal := with_as_many_rows(code, error, functions)) is not None:
            yield Mended(equal, "passed as many rows of each as there are of the shortest")
        if (rows := with_rows(code, error, functions)) is not None:
            yield Mended(rows, _ROWS)
        if (found := with_missing_member(code, error, self._api)) is not None:
            yield Mended(found, "took from elsewhere what a module did not have")
        if (called := without_missing_method(code, error, self._api)) is not None:
            yield Mended(called, "called what exists in the place of a method that does not")
        if (left := without_refused(code, error)) is not None:
            yield Mended(left.code, left.words)

    def leaving_out(self, code: str, error: str) -> Iterator[Mended]:
        """Yield what may run instead and does less, least missing first; arguments as in `of_failure`."""
        numbers = {name: known.numbers for name, known in self._functions(code).items()}
        missing = without_missing(code, error)
        left = [missing] if missing is not None else without_unfit(code, error, numbers) or []
        yield from (Mended(one.code, one.words) for one in left)
        if missing is None and (failed := without_failed(code, error)) is not None:
            yield Mended(failed.code, failed.words)

    def _functions(self, code: str) -> dict[str, Arguments]:
        """Return what is documented of the functions that a program may call."""
        return documented([*self._used(code), *self._given])

    def _used(self, code: str) -> Iterable[Chunk]:
        """Return the definitions that a program uses, as far as they are found."""
        return self._look_up(check_code(code, self._api).known) if self._look_up is not None else ()
