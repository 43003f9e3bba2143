"""What the emulated Pinecone holds: namespaces of records, their limits, filters and scores."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any

import numpy as np

Record = dict[str, Any]
"""As on the wire: `id`, `values`, `sparseValues`, `metadata`."""

MAX_METADATA = 40_960
MAX_SPARSE = 1_000
MAX_IN = 10_000


class Refused(Exception):
    """A request that Pinecone would answer with this status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Namespace:
    """Records that become visible `delay` seconds after they were written, in the order of writing."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.committed = 0
        self._unseen: deque[tuple[float, Callable[[], None]]] = deque()
        self._seen = 0
        self._scored = -1
        self._ids: list[str] = []
        self._values: Any = None
        self._postings: dict[int, list[tuple[int, float]]] = {}

    def write(self, change: Callable[[dict[str, Record]], None], delay: float) -> int:
        """Take a change; return its log sequence number."""
        self.committed += 1
        self._unseen.append((time.monotonic() + delay, lambda: change(self.records)))
        return self.committed

    def settle(self) -> int:
        """Make visible what is due; return the log sequence number of the last visible change."""
        while self._unseen and self._unseen[0][0] <= time.monotonic():
            self._unseen.popleft()[1]()
            self._seen += 1
        return self._seen

    def scores(self, vector: Any, sparse: dict[int, float], metric: str) -> dict[str, float]:
        """Return the score of every visible record."""
        if self._scored != self._seen:
            self._scored, self._ids, self._postings = self._seen, list(self.records), defaultdict(list)
            self._values = np.array([self.records[id_]["values"] for id_ in self._ids], dtype=np.float32)
            for row, id_ in enumerate(self._ids):
                own = self.records[id_].get("sparseValues", {"indices": [], "values": []})
                for index, value in zip(own["indices"], own["values"], strict=True):
                    self._postings[index].append((row, value))
        if not self._ids:
            return {}
        found = np.vecdot(self._values, vector)
        if metric == "cosine":
            found = found / (np.linalg.norm(self._values, axis=1) * (np.linalg.norm(vector) or 1.0))
        elif metric == "euclidean":
            found = np.sum((self._values - vector) ** 2, axis=1)
        for index, weight in sparse.items():
            for row, value in self._postings.get(index, ()):
                found[row] += weight * value
        return dict(zip(self._ids, found.tolist(), strict=True))


def checked_record(record: Record, dimension: int) -> Record:
    """Return a record as it is stored."""
    id_ = record.get("id", "")
    if not id_ or not id_.isascii() or len(id_) > 512:
        raise Refused(400, f"Vector ID must be ASCII and 1 to 512 characters long, but got {id_[:20]!r}")
    values = record.get("values")
    if values is None or len(values) != dimension:
        raise Refused(
            400, f"Vector dimension {len(values or ())} does not match the dimension of the index {dimension}"
        )
    if not any(values):
        raise Refused(
            400, f"Dense vectors must contain at least one non-zero value. Vector ID {id_} contains only zeros"
        )
    stored: Record = {"id": id_, "values": np.array(values, dtype=np.float32).tolist()}
    if "sparseValues" in record:
        stored["sparseValues"] = checked_sparse(record["sparseValues"])
    if "metadata" in record:
        stored["metadata"] = checked_metadata(record["metadata"])
    return stored


def checked_sparse(sparse: dict[str, Any]) -> dict[str, Any]:
    """Return sparse values as they are stored."""
    indices, values = sparse["indices"], sparse["values"]
    if not indices or len(indices) != len(values) or len(indices) > MAX_SPARSE:
        raise Refused(400, f"Sparse vector must have 1 to {MAX_SPARSE} values, got {len(indices)}")
    if len(set(indices)) < len(indices) or not all(0 <= index < 2**32 for index in indices):
        raise Refused(400, "Sparse vector indices must be distinct unsigned 32-bit integers")
    return {"indices": indices, "values": np.array(values, dtype=np.float32).tolist()}


def checked_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return metadata as it is stored: flat, without nulls, all numbers as floats."""
    import msgspec

    size = len(msgspec.json.encode(metadata))
    if size > MAX_METADATA:
        raise Refused(400, f"Metadata size is {size} bytes, which exceeds the limit of {MAX_METADATA} bytes per vector")
    stored: dict[str, Any] = {}
    for key, value in metadata.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            stored[key] = float(value)
        elif isinstance(value, str | bool) or (
            isinstance(value, list) and all(isinstance(item, str) for item in value)
        ):
            stored[key] = value
        else:
            raise Refused(
                400,
                "Metadata value must be a string, number, boolean or list of strings, "
                f"got '{type(value).__name__}' for field '{key}'",
            )
    return stored


def checked_filter(where: dict[str, Any]) -> dict[str, Any]:
    """Return a filter that is written as Pinecone wants it."""
    for key, condition in where.items():
        if key in {"$and", "$or"}:
            if not isinstance(condition, list) or not condition:
                raise Refused(400, f"{key} must be a non-empty list")
            for part in condition:
                checked_filter(part)
        elif key.startswith("$"):
            raise Refused(400, f"{key} is not a valid operator")
        elif isinstance(condition, dict):
            for operator, value in condition.items():
                _check(operator, value)
    return where


def _check(operator: str, value: Any) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if operator in {"$in", "$nin"}:
        if not isinstance(value, list) or not 0 < len(value) <= MAX_IN:
            raise Refused(400, f"{operator} must be a list of 1 to {MAX_IN} values")
    elif operator in {"$gt", "$gte", "$lt", "$lte"}:
        if not number:
            raise Refused(400, f"the {operator} operator must be followed by a number, got {value!r} instead")
    elif operator == "$exists":
        if not isinstance(value, bool):
            raise Refused(400, "$exists must be followed by a boolean")
    elif operator not in {"$eq", "$ne"}:
        raise Refused(400, f"{operator} is not a valid operator")
    elif not number and not isinstance(value, str | bool):
        raise Refused(400, f"the {operator} operator must be followed by a string, boolean or number")


def meets(metadata: dict[str, Any], where: dict[str, Any], *, absent_differs: bool) -> bool:
    """Whether metadata meets a filter.

    Args:
        metadata: of a record.
        where: the filter.
        absent_differs: whether a field that is not there meets `$ne` and `$nin`, which Pinecone leaves open.
    """
    if "$and" in where or "$or" in where:
        [(key, parts)] = where.items()
        found = [meets(metadata, part, absent_differs=absent_differs) for part in parts]
        return all(found) if key == "$and" else any(found)
    return all(
        _compares(metadata, key, operator, value, absent_differs=absent_differs)
        for key, condition in where.items()
        for operator, value in (condition if isinstance(condition, dict) else {"$eq": condition}).items()
    )


def _compares(metadata: dict[str, Any], key: str, operator: str, value: Any, *, absent_differs: bool) -> bool:
    if operator == "$exists":
        return (key in metadata) is value
    if key not in metadata:
        return absent_differs and operator in {"$ne", "$nin"}
    found = metadata[key] if isinstance(metadata[key], list) else [metadata[key]]
    return _COMPARE[operator](found, value)


_COMPARE: dict[str, Callable[[list[Any], Any], bool]] = {
    "$eq": lambda found, value: value in found,
    "$ne": lambda found, value: value not in found,
    "$in": lambda found, values: any(item in values for item in found),
    "$nin": lambda found, values: not any(item in values for item in found),
    "$gt": lambda found, value: found[0] > value,
    "$gte": lambda found, value: found[0] >= value,
    "$lt": lambda found, value: found[0] < value,
    "$lte": lambda found, value: found[0] <= value,
}
