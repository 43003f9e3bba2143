"""LlamaIndex metadata filters in Pinecone's filter language, without leaning on what that leaves open.

Pinecone compares texts for equality only and has no negation. So every leaf becomes "the value is (not) one of these,
or is missing"; orders and substrings are looked up among the column's known values; negations are pushed down to the
leaves. A missing value is unequal to everything, as in `filters`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from llama_index.core.vector_stores.types import FilterCondition, FilterOperator, MetadataFilter, MetadataFilters
from msgspec import Struct

from agent.errors import InvalidInput
from agent.providers.stores.filters import checked_operator, checked_text, checked_texts

Where = bool | dict[str, Any]
"""A filter; True where everything meets it, False where nothing can."""

MAX_VALUES = 10_000
"""Values in one `$in` or `$nin` (Pinecone's limit)."""

KnownValues = Callable[[str], Iterable[str]]
"""Column -> at least all values that it has in the store."""


def restriction(
    filters: MetadataFilters | None,
    known: KnownValues,
    *,
    node_ids: Sequence[str] | None = None,
    doc_ids: Sequence[str] | None = None,
) -> Where:
    """Return all restrictions together; an empty list of ids is a restriction that nothing meets.

    Raises:
        InvalidInput: a key, operator or value that cannot be used, or one that stands for too many values.
    """
    parts: list[Where] = [True if filters is None else _group(filters, known, negated=False)]
    if node_ids is not None:
        parts.append(_Leaf("node_id", tuple(node_ids)).written())
    if doc_ids is not None:
        parts.append(_Leaf("ref_doc_id", tuple(doc_ids)).written())
    return _all(parts)


class _Leaf(Struct, frozen=True):
    """The column is one of the values (or, if `others`, none of them); `missing` says whether it may be absent."""

    column: str
    values: tuple[str, ...]
    others: bool = False
    missing: bool = False

    def negated(self) -> _Leaf:
        return _Leaf(self.column, self.values, not self.others, not self.missing)

    def written(self) -> Where:
        if len(self.values) > MAX_VALUES:
            raise InvalidInput(
                f"A filter on {self.column!r} stands for {len(self.values)} values; Pinecone takes {MAX_VALUES}.",
                remedy="Narrow it down.",
                field="filters",
            )
        absent: Where = {self.column: {"$exists": False}}
        if not self.others:
            given: Where = {self.column: {"$in": list(self.values)}} if self.values else False
            return _any([given, absent]) if self.missing else given
        # What `$nin` makes of a missing value is not documented, so it is said on either side.
        apart: Where = {self.column: {"$nin": list(self.values)}} if self.values else True
        return _any([apart, absent]) if self.missing else _all([{self.column: {"$exists": True}}, apart])


def _group(group: MetadataFilters, known: KnownValues, *, negated: bool) -> Where:
    if not group.filters:
        return not negated
    condition = group.condition or FilterCondition.AND
    inside = negated != (condition is FilterCondition.NOT)  # "none of them" is "all of their opposites"
    parts = [
        _group(item, known, negated=inside)
        if isinstance(item, MetadataFilters)
        else _leaf(item, known, negated=inside).written()
        for item in group.filters
    ]
    return _all(parts) if negated == (condition is FilterCondition.OR) else _any(parts)


def _all(parts: Iterable[Where]) -> Where:
    wanted = [part for part in parts if part is not True]
    if False in wanted:
        return False
    return True if not wanted else wanted[0] if len(wanted) == 1 else {"$and": wanted}


def _any(parts: Iterable[Where]) -> Where:
    wanted = [part for part in parts if part is not False]
    if True in wanted:
        return True
    return False if not wanted else wanted[0] if len(wanted) == 1 else {"$or": wanted}


def _leaf(leaf: MetadataFilter, known: KnownValues, *, negated: bool) -> _Leaf:
    read = checked_operator(leaf, _OPERATORS)(leaf.key, leaf.value, known)
    return read.negated() if negated else read


def _meeting(test: Callable[[str, str], bool]) -> Callable[[str, Any, KnownValues], _Leaf]:
    def read(column: str, value: object, known: KnownValues) -> _Leaf:
        text = checked_text(value)
        return _Leaf(column, tuple(found for found in known(column) if test(found, text)))

    return read


_contains = _meeting(lambda found, text: text in found)
_OPERATORS: dict[FilterOperator, Callable[[str, Any, KnownValues], _Leaf]] = {
    FilterOperator.EQ: lambda column, value, _: _Leaf(column, (checked_text(value),)),
    FilterOperator.NE: lambda column, value, _: _Leaf(column, (checked_text(value),), others=True, missing=True),
    FilterOperator.LT: _meeting(lambda found, text: found < text),
    FilterOperator.LTE: _meeting(lambda found, text: found <= text),
    FilterOperator.GT: _meeting(lambda found, text: found > text),
    FilterOperator.GTE: _meeting(lambda found, text: found >= text),
    FilterOperator.IN: lambda column, values, _: _Leaf(column, tuple(checked_texts(values))),
    FilterOperator.NIN: lambda column, values, _: _Leaf(
        column, tuple(checked_texts(values)), others=True, missing=True
    ),
    FilterOperator.CONTAINS: _contains,
    FilterOperator.TEXT_MATCH: _contains,
    FilterOperator.IS_EMPTY: lambda column, _value, _known: _Leaf(column, ("",), missing=True),
}
