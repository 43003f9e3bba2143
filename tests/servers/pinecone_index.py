"""The data plane of one emulated index: paths and bodies in, replies out."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import numpy as np

from tests.servers.pinecone_data import (
    Namespace,
    Record,
    Refused,
    checked_filter,
    checked_record,
    checked_sparse,
    meets,
)

MAX_RECORDS = 1_000
MAX_TOP_K = 10_000
PAGE = 100


@dataclass
class Behaviour:
    """What the documentation leaves open, or what differs from day to day.

    Attributes:
        delay: seconds until a write is visible.
        ready_after: seconds until a new index is ready.
        absent_differs: see `meets`.
    """

    delay: float = 0.0
    ready_after: float = 0.0
    absent_differs: bool = True


class Index:
    """One index.

    Attributes:
        wanted: what it was created with.
        host: address of its data plane.
        namespaces: by name.
    """

    def __init__(self, wanted: dict[str, Any], behaviour: Behaviour) -> None:
        self.wanted = wanted
        self.host = ""
        self.namespaces: dict[str, Namespace] = {}
        self._behaviour = behaviour
        self._ready_at = time.monotonic() + behaviour.ready_after

    def description(self) -> dict[str, Any]:
        """Return it as the control plane describes it."""
        serverless = self.wanted["spec"]["serverless"]
        ready = time.monotonic() >= self._ready_at
        return {
            "name": self.wanted["name"],
            "dimension": self.wanted["dimension"],
            "metric": self.wanted.get("metric", "cosine"),
            "vector_type": self.wanted.get("vector_type", "dense"),
            "deletion_protection": self.wanted.get("deletion_protection", "disabled"),
            "host": self.host,
            "spec": {"serverless": {**serverless, "read_capacity": {"mode": "OnDemand", "status": {"state": "Ready"}}}},
            "status": {"ready": ready, "state": "Ready" if ready else "Initializing"},
        }

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any, dict[str, str]]:
        """Answer a request of the data plane."""
        if path.startswith("/namespaces"):
            return 200, self._namespaces(method, unquote(path.removeprefix("/namespaces").strip("/")), query), {}
        if path == "/describe_index_stats":
            counted = {name: {"vectorCount": self._visible(name)} for name in self.namespaces}
            total = sum(one["vectorCount"] for one in counted.values())
            return 200, {"namespaces": counted, "dimension": self.dimension, "totalVectorCount": total}, {}
        given = body.get("namespace") if method == "POST" else (query.get("namespace") or [""])[0]
        name = given or "__default__"
        if path == "/vectors/upsert":
            return self._upsert(name, body["vectors"])
        if path == "/vectors/delete":
            return self._delete(name, body)
        space = self.namespaces.get(name, Namespace())
        header = {"x-pinecone-max-indexed-lsn": str(space.settle())}
        reads: dict[str, Callable[[], dict[str, Any]]] = {
            "/query": lambda: self._query(space, body),
            "/vectors/fetch": lambda: self._fetch(space, query.get("ids", [])),
            "/vectors/fetch_by_metadata": lambda: self._fetch_by_metadata(space, body),
            "/vectors/list": lambda: self._list(space, query),
        }
        if path not in reads:
            raise Refused(404, f"no route {path}")
        return 200, {**reads[path](), "namespace": given or "", "usage": {"readUnits": 1}}, header

    @property
    def dimension(self) -> int:
        return self.wanted["dimension"]

    def _visible(self, name: str) -> int:
        self.namespaces[name].settle()
        return len(self.namespaces[name].records)

    def _namespaces(self, method: str, name: str, query: dict[str, list[str]]) -> dict[str, Any]:
        if not name:
            start = (query.get("prefix") or [""])[0]
            names = [one for one in sorted(self.namespaces) if one.startswith(start)]
            return {"namespaces": [self._namespace(one) for one in names], "total_count": len(names)}
        if name not in self.namespaces:
            raise Refused(404, "Namespace not found")
        if method == "DELETE":
            del self.namespaces[name]
            return {}
        return self._namespace(name)

    def _namespace(self, name: str) -> dict[str, Any]:
        return {"name": name, "record_count": self._visible(name)}

    def _upsert(self, name: str, vectors: list[Record]) -> tuple[int, Any, dict[str, str]]:
        if not 0 < len(vectors) <= MAX_RECORDS:
            raise Refused(400, f"Number of vectors must be 1 to {MAX_RECORDS}, got {len(vectors)}")
        records = {record["id"]: record for record in (checked_record(one, self.dimension) for one in vectors)}
        space = self.namespaces.setdefault(name, Namespace())
        number = space.write(lambda held: held.update(records), self._behaviour.delay)
        return 200, {"upsertedCount": len(records)}, {"x-pinecone-request-lsn": str(number)}

    def _delete(self, name: str, body: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        if name not in self.namespaces:
            raise Refused(404, "Namespace not found")
        ids, where = body.get("ids"), body.get("filter")
        if (ids is not None) + (where is not None) + bool(body.get("deleteAll")) != 1:
            raise Refused(400, "Exactly one of ids, filter and deleteAll is needed")
        if ids is not None and not 0 < len(ids) <= MAX_RECORDS:
            raise Refused(400, f"Number of ids must be 1 to {MAX_RECORDS}")
        if where is not None:
            checked_filter(where)

        def change(held: dict[str, Record]) -> None:
            for id_ in list(held) if ids is None else ids:
                if id_ in held and (where is None or self._meets(held[id_], where)):
                    del held[id_]

        number = self.namespaces[name].write(change, self._behaviour.delay)
        return 200, {}, {"x-pinecone-request-lsn": str(number)}

    def _meets(self, record: Record, where: dict[str, Any] | None) -> bool:
        return not where or meets(record.get("metadata", {}), where, absent_differs=self._behaviour.absent_differs)

    def _query(self, space: Namespace, body: dict[str, Any]) -> dict[str, Any]:
        if not 1 <= body["topK"] <= MAX_TOP_K:
            raise Refused(400, f"topK must be 1 to {MAX_TOP_K}")
        if "vector" not in body:
            raise Refused(400, "Query must contain a dense vector")
        if len(body["vector"]) != self.dimension:
            raise Refused(400, f"Query vector dimension {len(body['vector'])} does not match {self.dimension}")
        metric = self.description()["metric"]
        sparse = checked_sparse(body["sparseVector"]) if "sparseVector" in body else {"indices": [], "values": []}
        if sparse["indices"] and metric != "dotproduct":
            raise Refused(400, "Index configuration does not support sparse values")
        where = checked_filter(body.get("filter") or {})
        vector = np.array(body["vector"], dtype=np.float32)
        weights = dict(zip(sparse["indices"], sparse["values"], strict=True))
        scores = space.scores(vector, weights, metric)
        best = sorted(scores, key=lambda id_: (scores[id_] if metric == "euclidean" else -scores[id_], id_))
        found = [id_ for id_ in best if self._meets(space.records[id_], where)][: body["topK"]]
        return {"matches": [self._match(space.records[id_], scores[id_], body) for id_ in found]}

    @staticmethod
    def _match(record: Record, score: float, body: dict[str, Any]) -> dict[str, Any]:
        match = {"id": record["id"], "score": score}
        if body.get("includeValues"):
            match |= {name: record[name] for name in ("values", "sparseValues") if name in record}
        if body.get("includeMetadata") and "metadata" in record:
            match["metadata"] = record["metadata"]
        return match

    @staticmethod
    def _fetch(space: Namespace, ids: list[str]) -> dict[str, Any]:
        if not 0 < len(ids) <= MAX_RECORDS:
            raise Refused(400, f"Number of ids must be 1 to {MAX_RECORDS}")
        return {"vectors": {id_: space.records[id_] for id_ in ids if id_ in space.records}}

    def _fetch_by_metadata(self, space: Namespace, body: dict[str, Any]) -> dict[str, Any]:
        where = checked_filter(body["filter"])
        ids = [id_ for id_ in sorted(space.records) if self._meets(space.records[id_], where)]
        page, more = _page(ids, body.get("paginationToken"), body.get("limit", PAGE))
        return {"vectors": {id_: space.records[id_] for id_ in page}, **more}

    @staticmethod
    def _list(space: Namespace, query: dict[str, list[str]]) -> dict[str, Any]:
        limit = int((query.get("limit") or [str(PAGE)])[0])
        if not 1 <= limit <= PAGE:
            raise Refused(400, f"limit must be 1 to {PAGE}")
        ids = [id_ for id_ in sorted(space.records) if id_.startswith((query.get("prefix") or [""])[0])]
        page, more = _page(ids, (query.get("paginationToken") or [None])[0], limit)
        return {"vectors": [{"id": id_} for id_ in page], **more}


def _page(ids: list[str], token: str | None, limit: int) -> tuple[list[str], dict[str, Any]]:
    after = base64.urlsafe_b64decode(token).decode() if token else ""
    rest = [id_ for id_ in ids if id_ > after]
    page = rest[:limit]
    more = len(rest) > limit
    return page, {"pagination": {"next": base64.urlsafe_b64encode(page[-1].encode()).decode()}} if more else {}
