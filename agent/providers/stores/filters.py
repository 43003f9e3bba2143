"""LlamaIndex metadata filters as SQL predicates that hostile values cannot change.

Every leaf is true or false, never NULL, so that `not` means what it does in Python. A missing value is unequal to
everything, as in LlamaIndex's own in-memory filter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from llama_index.core.vector_stores.types import FilterCondition, FilterOperator, MetadataFilter, MetadataFilters

from agent.errors import InvalidInput
from agent.providers.stores.rows import SCALARS

FILTERABLE = (*SCALARS, "ref_doc_id")

T = TypeVar("T")


def predicate(
    filters: MetadataFilters | None = None,
    *,
    node_ids: Sequence[str] | None = None,
    doc_ids: Sequence[str] | None = None,
) -> str | None:
    """Return the SQL predicate of all restrictions together, or None where there is no restriction.

    An empty list of ids is a restriction that nothing meets.

    Raises:
        InvalidInput: a key, operator or value that cannot be used.
    """
    parts = [
        None if filters is None or not filters.filters else _group(filters),
        None if node_ids is None else _is_in("id", node_ids),
        None if doc_ids is None else _is_in("ref_doc_id", doc_ids),
    ]
    return " AND ".join(part for part in parts if part) or None


def equals(column: str, value: str) -> str:
    """Return the predicate `column` = `value`; false where the column is null."""
    return f"({column} IS NOT NULL AND {column} = {_literal(value)})"


def _group(group: MetadataFilters) -> str:
    parts = [_group(item) if isinstance(item, MetadataFilters) else _leaf(item) for item in group.filters]
    match group.condition or FilterCondition.AND:
        case FilterCondition.AND:
            return f"({' AND '.join(parts) or 'true'})"
        case FilterCondition.OR:
            return f"({' OR '.join(parts) or 'true'})"
        case FilterCondition.NOT:  # none of them holds
            return f"(NOT ({' OR '.join(parts) or 'false'}))"


def checked_operator(leaf: MetadataFilter, table: Mapping[FilterOperator, T]) -> T:
    """Return what a store has in `table` for the operator of a leaf.

    Raises:
        InvalidInput: the key is no column, or the operator is not in the table.
    """
    if leaf.key not in FILTERABLE:
        raise InvalidInput(
            f"Filter key {leaf.key!r} is unknown.", remedy=f"Use one of {', '.join(FILTERABLE)}.", field="filters"
        )
    if leaf.operator not in table:
        raise InvalidInput(
            f"Filter operator {leaf.operator.value!r} is not supported.",
            remedy=f"Use one of {', '.join(operator.value for operator in table)}.",
            field="filters",
        )
    return table[leaf.operator]


def checked_text(value: object) -> str:
    """Return `value` if a column can be compared with it.

    Raises:
        InvalidInput: it is no text, or not valid Unicode.
    """
    if not isinstance(value, str):
        raise InvalidInput(f"Filter value {value!r} is not a text; all columns hold text.", field="filters")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(f"Filter value {value!r} is not valid Unicode.", field="filters") from error
    return value


def checked_texts(values: object) -> list[str]:
    """Return `values` as a list of texts.

    Raises:
        InvalidInput: they are something else.
    """
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise InvalidInput(f"Filter value {values!r} is not a list of texts.", field="filters")
    return [checked_text(value) for value in values]


def _leaf(leaf: MetadataFilter) -> str:
    return checked_operator(leaf, _OPERATORS)(leaf.key, leaf.value)


def _compares(sign: str) -> Callable[[str, Any], str]:
    return lambda column, value: f"({column} IS NOT NULL AND {column} {sign} {_literal(value)})"


def _is_in(column: str, values: object) -> str:
    written = ", ".join(_literal(value) for value in checked_texts(values))
    return f"({column} IS NOT NULL AND {column} IN ({written}))" if written else "false"


def _contains(column: str, value: object) -> str:
    return f"({column} IS NOT NULL AND contains({column}, {_literal(value)}))"


def _literal(value: object) -> str:
    return "'" + checked_text(value).replace("'", "''") + "'"


_OPERATORS: dict[FilterOperator, Callable[[str, Any], str]] = {
    FilterOperator.EQ: equals,
    FilterOperator.NE: lambda column, value: f"(NOT {equals(column, value)})",
    FilterOperator.LT: _compares("<"),
    FilterOperator.LTE: _compares("<="),
    FilterOperator.GT: _compares(">"),
    FilterOperator.GTE: _compares(">="),
    FilterOperator.IN: _is_in,
    FilterOperator.NIN: lambda column, values: f"(NOT {_is_in(column, values)})",
    FilterOperator.CONTAINS: _contains,
    FilterOperator.TEXT_MATCH: _contains,
    FilterOperator.IS_EMPTY: lambda column, _value: f"({column} IS NULL OR {column} = '')",
}
