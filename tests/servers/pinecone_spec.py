"""Requests and replies held against Pinecone's published OpenAPI documents, where those are at hand."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from tests.servers.pinecone import VERSION, Exchange

SPECIFICATION = Path(__file__).parents[3] / "shared" / "pinecone-api"
ABSENT = (
    "jsonschema is not installed"
    if importlib.util.find_spec("jsonschema") is None
    else ""
    if SPECIFICATION.is_dir()
    else "Pinecone's OpenAPI documents are not in ../shared/pinecone-api"
)
"""Why nothing can be checked, if so."""


def check_exchanges(exchanges: Iterable[Exchange]) -> int:
    """Assert that all are as the documents say, if those are at hand; return how many different ones there were."""
    if ABSENT:
        return 0
    alike = {_shape(vars(exchange) | {"size": 0}): exchange for exchange in exchanges}
    for exchange in alike.values():
        _check(exchange)
    return len(alike)


def _shape(value: Any, key: str = "") -> Any:
    """Return what is the same for two values that a schema cannot tell apart; texts that name a route are kept."""
    if isinstance(value, dict):
        return frozenset((name, _shape(part, name)) for name, part in value.items())
    if isinstance(value, list):
        return ("list", frozenset(_shape(part) for part in value))
    return value if key in {"plane", "method", "path", "status"} else type(value)


def _check(exchange: Exchange) -> None:
    from jsonschema import Draft4Validator

    document = _document(exchange.plane)
    templates = {re.sub(r"\{\w+\}", "[^/]+", path): path for path in document["paths"]}
    path = next(path for template, path in templates.items() if re.fullmatch(template, exchange.path))
    operation = document["paths"][path][exchange.method.lower()]
    told = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "query"}
    assert exchange.query.keys() <= told, (exchange.path, exchange.query)
    status = str(exchange.status)
    replies = operation["responses"]
    reply = replies.get(status) or replies[f"{status[0]}XX"]
    sides = [(reply, exchange.reply)]
    if exchange.status < 400:  # a refused request may be anything
        sides.append((operation.get("requestBody", {}), exchange.request))
    for side, value in sides:
        content = side.get("content")
        assert (value is None) == (content is None), (exchange.method, exchange.path, status)
        if content is not None:
            schema = {**content["application/json"]["schema"], "components": document["components"]}
            Draft4Validator(schema).validate(value)


@cache
def _document(plane: str) -> dict[str, Any]:
    import yaml

    text = (SPECIFICATION / f"db_{plane}_{VERSION}.oas.yaml").read_text()
    document = yaml.safe_load(text)
    for schema in document["components"]["schemas"].values():
        _close(schema)
    return document


def _close(schema: Any) -> None:
    """Forbid fields that a schema does not name, so that a misspelled one is found."""
    if isinstance(schema, list):
        for part in schema:
            _close(part)
    if not isinstance(schema, dict):
        return
    for key, part in schema.items():
        if key not in {"example", "enum", "x-enum"}:
            _close(part)
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        schema.setdefault("additionalProperties", False)
