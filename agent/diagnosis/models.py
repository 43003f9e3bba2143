"""The checks of `doctor` that load models and ask their servers, as a question would."""

from __future__ import annotations

import time
from collections.abc import Iterator

from agent.cancellation import CancelToken
from agent.diagnosis.findings import Check, Finding, attempt
from agent.errors import IndexMismatch, IndexMissing, UnknownLibrary, UnknownVersion
from agent.settings import Settings

QUESTION = "How do I draw a sphere?"


def _embedding(settings: Settings) -> Iterator[Finding]:
    yield attempt(
        "embedding model",
        lambda: _embedded(settings),
        "start the server, or mend FURY_AGENT_EMBEDDING_URL" if settings.embedding_url else "",
    )


def _embedded(settings: Settings) -> str:
    """Embed a question and compare the vector with those of the index.

    Raises:
        IndexMismatch: they have different lengths or come from different models.
    """
    from agent.engines import check
    from agent.providers.embeddings import build_embedding, model_identity
    from agent.versions import chosen

    embedding = build_embedding(settings)
    embedding.get_query_embedding("warm up")
    started = time.perf_counter()
    dimension = len(embedding.get_query_embedding(QUESTION))
    answers = f"{embedding.model_name}: {dimension} numbers in {(time.perf_counter() - started) * 1e3:.0f} ms"
    try:
        info = chosen(settings, None, None).current().info()
    except (IndexMissing, UnknownLibrary, UnknownVersion):
        return f"{answers}; there is no index to compare with"
    check(info, model_identity(settings, embedding))
    if dimension != info.dimension:
        raise IndexMismatch(
            f"{answers}, but the vectors of {info.library} {info.version} have {info.dimension}.",
            remedy=f"fury-agent index --force '{info.spec}'",
        )
    return f"{answers}, as in the index of {info.library} {info.version}"


def _language_model(settings: Settings) -> Iterator[Finding]:
    if settings.llm != "none":
        alone = settings.model_copy(update={"fallback_llm": None})
        yield attempt("language model", lambda: _spoken(alone), _start(settings.llm_url, "FURY_AGENT_LLM_URL"))


def _fallback(settings: Settings) -> Iterator[Finding]:
    if settings.fallback_llm in {None, "none"}:
        return
    start = _start(settings.fallback_llm_url, "FURY_AGENT_FALLBACK_LLM_URL")
    found = attempt("fallback", lambda: _spoken(settings.for_fallback()), start)
    named = found.remedy.replace("FURY_AGENT_LLM_", "FURY_AGENT_FALLBACK_LLM_")
    yield Finding(found.part, found.state, found.found, named)


def _spoken(settings: Settings) -> str:
    """Let the LLM say one token."""
    from llama_index.core.base.llms.types import ChatMessage

    from agent.providers.llms import build_llm, model_name
    from agent.providers.llms.stream import stream_chat

    llm = build_llm(settings)
    assert llm is not None
    started = time.perf_counter()
    seconds = list[float]()
    try:
        for _ in stream_chat(
            llm,
            [ChatMessage(role="user", content=QUESTION)],
            cancel=CancelToken(),
            first_token_timeout=settings.llm_first_token_timeout,
            token_timeout=settings.llm_token_timeout,
            max_tokens=1,
        ):
            seconds.append(time.perf_counter() - started)  # to the end: what breaks off later does not work either
    finally:
        if close := getattr(llm, "close", None):
            close()
    return f"{model_name(llm)}: first token after {seconds[0]:.1f} s"


def _start(url: str | None, name: str) -> str:
    return f"start the server, or mend {name}" if url else ""


def _reranker(settings: Settings) -> Iterator[Finding]:
    if settings.reranker == "none":
        return

    def tried() -> str:
        from agent.providers.rerankers import ServedReranker, build_reranker

        reranker = build_reranker(settings)
        assert reranker is not None
        reranker.scores(QUESTION, ["def sphere(centers)"])
        return str(reranker.url if isinstance(reranker, ServedReranker) else settings.reranker)

    yield attempt("reranker", tried)


MODEL_CHECKS = (
    Check("embedding model", _embedding, seconds=120),
    Check("reranker", _reranker, seconds=120),
    Check("language model", _language_model, seconds=300),
    Check("fallback", _fallback, seconds=300),
)
"""In the order of a question; the seconds leave time to load a model from a slow disk and to read on a slow machine."""
