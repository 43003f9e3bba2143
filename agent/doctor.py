"""What is configured, what is missing, and the command that mends it; loads no model."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Literal

from msgspec import Struct

from agent.errors import AgentError
from agent.settings import Settings

State = Literal["ok", "optional", "missing"]

NEEDED_FREE_BYTES = 4_000_000_000
"""Weights (1.2 GB), the same while they are assembled, sources and an index."""


class Finding(Struct, frozen=True):
    """One line of the report.

    Attributes:
        state: `missing` means that questions can't be answered as configured.
        remedy: the command that mends it, or an empty string.
    """

    part: str
    state: State
    found: str
    remedy: str = ""


def examine(settings: Settings) -> tuple[Finding, ...]:
    """Look at every part that the settings name."""
    return (
        *_data_directory(settings),
        *_embedding(settings),
        *_reranker(settings),
        *_llm(settings),
        *_store(settings),
        *_index(settings),
        *_sandbox(settings),
    )


def _data_directory(settings: Settings) -> Iterator[Finding]:
    existing = next(path for path in (settings.data_dir, *settings.data_dir.parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        yield Finding(
            "data directory",
            "missing",
            f"{settings.data_dir} cannot be written",
            "export FURY_AGENT_DATA_DIR=<a directory of yours>",
        )
        return
    free = shutil.disk_usage(existing).free
    found = f"{settings.data_dir} ({free / 1e9:.1f} GB free)"
    if free < NEEDED_FREE_BYTES and not settings.weights_dir.exists():
        yield Finding("data directory", "missing", found, f"free {NEEDED_FREE_BYTES / 1e9:.0f} GB for the weights")
    else:
        yield Finding("data directory", "ok", found)


def _embedding(settings: Settings) -> Iterator[Finding]:
    from agent.providers import weights

    if importlib.util.find_spec("sentence_transformers") is None:
        yield Finding(
            "embedding model", "missing", "sentence-transformers is not installed", "pip install 'fury-agent[hf]'"
        )
        return
    yield _attempt("embedding model", lambda: weights.locate(settings.embedding_model, settings))


def _reranker(settings: Settings) -> Iterator[Finding]:
    if settings.reranker == "none":
        return

    def tried() -> str:
        from agent.providers.rerankers import ServedReranker, build_reranker

        reranker = build_reranker(settings)
        assert reranker is not None
        reranker.scores("How do I draw a sphere?", ["def sphere(centers)"])
        return str(reranker.url if isinstance(reranker, ServedReranker) else settings.reranker)

    yield _attempt("reranker", tried)


def _llm(settings: Settings) -> Iterator[Finding]:
    from agent.providers import weights

    if settings.llm == "none":
        yield Finding("language model", "optional", "none: answers list sources only", "export FURY_AGENT_LLM=embedded")
    elif settings.llm == "openai-like":
        yield _openai_like(settings)
    elif settings.llm == "huggingface":
        yield _attempt("language model", lambda: weights.locate(settings.llm_model_or_default, settings))
    elif importlib.util.find_spec("xllamacpp") is None:
        yield Finding("language model", "missing", "xllamacpp is not installed", "pip install 'fury-agent[embedded]'")
    else:
        yield _attempt("language model", lambda: weights.locate(settings.llm_model, settings))


def _openai_like(settings: Settings) -> Finding:
    import httpx

    if settings.llm_url is None:
        return Finding(
            "language model", "missing", "no server address", "export FURY_AGENT_LLM_URL=http://127.0.0.1:8001/v1"
        )
    key = settings.llm_key.get_secret_value()
    try:
        reply = httpx.get(
            f"{settings.llm_url.rstrip('/')}/models", headers={"Authorization": f"Bearer {key}"}, timeout=5
        )
        reply.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Finding(
            "language model",
            "missing",
            f"{settings.llm_url}: {type(error).__name__}",
            "start it, or mend FURY_AGENT_LLM_URL",
        )
    return Finding("language model", "ok", f"{settings.llm_model} at {settings.llm_url}")


def _store(settings: Settings) -> Iterator[Finding]:
    from agent.providers.stores import reach

    if settings.store != "lancedb":
        yield _attempt("vector store", lambda: reach(settings))


def _index(settings: Settings) -> Iterator[Finding]:
    from agent.generations import list_libraries
    from agent.providers.stores import open_store
    from agent.service import Service
    from agent.versions import chosen

    def opened() -> str:
        info = Service(settings).info()
        open_store(settings, chosen(settings, None, None).current())
        return f"{info.library} {info.version} ({info.revision}), {info.chunks} chunks, {info.created}"

    finding = _attempt("index", opened)
    if finding.state == "missing":
        finding = Finding("index", "missing", finding.found, finding.remedy or "fury-agent index")
    yield finding
    for entry in list_libraries(settings.indexes_dir):
        yield Finding("indexed", "ok", f"{entry.library} {entry.version}")


def _sandbox(settings: Settings) -> Iterator[Finding]:
    from agent.sandbox import problems
    from agent.sources import parse_spec

    if settings.sandbox == "none":
        yield Finding("sandbox", "optional", "none: answers' code is not run", "export FURY_AGENT_SANDBOX=bubblewrap")
        return
    spec = parse_spec(settings.library)
    found = problems(settings, spec.library, spec.version or "")
    yield from (Finding("sandbox", "missing", problem.found, problem.remedy) for problem in found)
    if not found:
        yield Finding("sandbox", "ok", f"bubblewrap, {spec}")


def _attempt(part: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(part, "ok", look())
    except AgentError as error:
        return Finding(part, "missing", error.message, error.remedy)
