"""What is configured, what is missing, and the command that mends it."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator, Sequence

from agent.diagnosis.findings import Check, Finding, attempt, run
from agent.diagnosis.models import MODEL_CHECKS
from agent.errors import StoreUnavailable
from agent.settings import LlmProvider, Settings, unknown_variables

NEEDED_FREE_BYTES = 4_000_000_000
"""Weights (1.2 GB), the same while they are assembled, sources and an index."""


def examine(
    settings: Settings, checks: Sequence[Check] | None = None, *, progress: Callable[[str], None] = lambda _: None
) -> tuple[Finding, ...]:
    """Look at every part that the settings name.

    Args:
        settings: what to look at.
        checks: `QUICK_CHECKS` where not given; `ALL_CHECKS` load models and let them answer.
        progress: told of each part before it is looked at.
    """
    findings: list[Finding] = []
    for check in QUICK_CHECKS if checks is None else checks:
        if any(finding.part == check.part and finding.state == "missing" for finding in findings):
            continue
        progress(check.part)
        findings += run(check, settings)
    return tuple(findings)


def _variables(settings: Settings) -> Iterator[Finding]:
    del settings
    for name, nearest in unknown_variables().items():
        remedy = f"rename it to {nearest}" if nearest else "fury-agent doctor --settings"
        yield Finding("settings", "optional", f"{name} is no setting, and does nothing", remedy)


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
    from agent.providers.embeddings import build_embedding

    if settings.embedding != "local":
        yield attempt("embedding model", lambda: f"{build_embedding(settings).model_name}, {settings.embedding}")
    elif importlib.util.find_spec("sentence_transformers") is None:
        yield Finding(
            "embedding model", "missing", "sentence-transformers is not installed", "pip install 'fury-agent[hf]'"
        )
    else:
        yield attempt("embedding model", lambda: str(weights.locate(settings.embedding_model, settings)))


def _llm(settings: Settings) -> Iterator[Finding]:
    if settings.llm == "none":
        yield Finding("language model", "optional", "none: answers list sources only", "export FURY_AGENT_LLM=embedded")
    else:
        yield _configured("language model", settings.llm, settings, "FURY_AGENT_LLM_URL")


def _fallback(settings: Settings) -> Iterator[Finding]:
    if settings.fallback_llm not in {None, "none"}:
        second = settings.for_fallback()
        yield _configured("fallback", second.llm, second, "FURY_AGENT_FALLBACK_LLM_URL")


def _configured(part: str, provider: LlmProvider, settings: Settings, address: str) -> Finding:
    """Say whether an LLM could be tried at all; nothing is loaded, downloaded or asked."""
    from agent.providers import weights

    if provider == "openai-like":
        if settings.llm_url is None:
            return Finding(part, "missing", "no server address", f"export {address}=http://127.0.0.1:8001/v1")
        return Finding(part, "ok", f"{settings.llm_model}, {provider}")
    if provider == "embedded" and importlib.util.find_spec("xllamacpp") is None:
        return Finding(part, "missing", "xllamacpp is not installed", "pip install 'fury-agent[embedded]'")
    return attempt(part, lambda: str(weights.locate(settings.llm_model_or_default, settings)))


def _store(settings: Settings) -> Iterator[Finding]:
    from agent.providers.stores import reach

    if settings.store != "lancedb":
        yield attempt("vector store", lambda: reach(settings))


def _index(settings: Settings) -> Iterator[Finding]:
    from agent.generations import list_libraries, unusable_indexes
    from agent.providers.stores import open_store
    from agent.service import Service
    from agent.versions import chosen

    def opened() -> str:
        info = Service(settings).info()
        open_store(settings, chosen(settings, None, None).current())
        return f"{info.library} {info.version} ({info.revision}), {info.chunks} chunks, {info.created}"

    finding = attempt("index", opened)
    if finding.state == "missing":
        finding = Finding("index", "missing", finding.found, finding.remedy or "fury-agent index")
    yield finding
    for entry in list_libraries(settings.indexes_dir):
        yield Finding("indexed", "ok", f"{entry.library} {entry.version}")
    for error in unusable_indexes(settings.indexes_dir):
        yield Finding("indexed", "optional", error.message, error.remedy)


def _records(settings: Settings) -> Iterator[Finding]:
    from agent.records.database import name_of, open_database, url_of

    if settings.records_url is None and not settings.records_file.exists():
        yield Finding("records", "ok", f"{settings.records_file}: made when first needed")
        return

    def opened() -> str:
        open_database(settings).dispose()
        return f"{name_of(url_of(settings))}, tables up to date"

    yield attempt("records", opened)


def _redis(settings: Settings) -> Iterator[Finding]:
    if settings.redis_url is None:
        return
    url = settings.redis_url

    def answered() -> str:
        from agent.redis_link import RedisLink

        link = RedisLink(url)
        if problem := link.problem():
            raise StoreUnavailable(problem, remedy="start it, or mend FURY_AGENT_REDIS_URL")
        return link.name

    yield attempt("redis", answered)


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


def _discord(settings: Settings) -> Iterator[Finding]:
    from agent.discord import checks

    yield from (Finding("discord", found.state, found.text, found.remedy) for found in checks.examine(settings))


QUICK_CHECKS = (
    Check("settings", _variables),
    Check("data directory", _data_directory),
    Check("embedding model", _embedding),
    Check("language model", _llm),
    Check("fallback", _fallback),
    Check("vector store", _store),
    Check("index", _index, seconds=60),
    Check("records", _records),
    Check("redis", _redis),
    Check("sandbox", _sandbox, seconds=60),
    Check("discord", _discord, seconds=30),
)
"""What is here; no model is loaded."""
ALL_CHECKS = (*QUICK_CHECKS, *MODEL_CHECKS)
"""And whether the models answer."""
