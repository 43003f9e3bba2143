"""Settings -> the LLM that answers, and what the rest of the program asks of any LLM."""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from agent.errors import ConfigurationError, MissingExtra, ModelUnavailable, StorageError, WeightsError
from agent.providers.llms.llama_server import require_xllamacpp
from agent.providers.weights import resolve
from agent.settings import LlmProvider, Settings

if TYPE_CHECKING:
    from llama_index.core.llms.llm import LLM

    from agent.providers.weights import Progress

_log = logging.getLogger(__name__)


def build_llm(settings: Settings, *, progress: Progress | None = None) -> LLM | None:
    """Return the LLM that the settings name, or None for `none`.

    `huggingface` is loaded here; for the others no model is loaded and no server asked yet.

    A served one rests where it keeps failing, and a fallback answers in its stead where the settings name one.

    Args:
        settings: name the provider, the model and their limits.
        progress: told how far getting the weights has come.

    Raises:
        ConfigurationError: an OpenAI-compatible server without an address.
        MissingExtra: the provider's package is not installed; the message has the command.
        ModelUnavailable: the model of `huggingface` cannot be loaded.
        WeightsError: the weights are not there or are not the publisher's.
    """
    llm = _BUILDERS[settings.llm](settings, progress)
    fallback = _fallback(settings, progress)
    if llm is None or (fallback is None and settings.llm != "openai-like"):
        return llm
    from agent.providers.llms.fallback import GuardedLLM

    llms = (llm,) if fallback is None else (llm, fallback)
    return GuardedLLM(*llms, patience=settings.fallback_after)


def fetch_weights(settings: Settings, *, progress: Progress | None = None) -> None:
    """Get what `build_llm` would get first, and load nothing.

    Raises:
        ConfigurationError, MissingExtra, WeightsError: as `build_llm`.
    """
    if settings.llm == "openai-like":
        build_llm(settings.model_copy(update={"fallback_llm": None}))  # which tells whether it can be asked at all
    for one in (settings, settings.for_fallback()):
        if one.llm == "embedded":
            require_xllamacpp()
        if one.llm in {"embedded", "huggingface"}:
            resolve(one.llm_model_or_default, one, progress=progress)


def count_tokens(llm: LLM, text: str) -> int:
    """Return the length of `text` in the model's own tokens where it can tell, in GPT-3.5's otherwise.

    Raises:
        ModelUnavailable: the model's server could not be asked.
    """
    count = getattr(llm, "count_tokens", None)
    if count is not None:
        return int(count(text))
    from llama_index.core.utils import get_tokenizer

    return len(get_tokenizer()(text))


def held_to(llm: LLM, grammar: Callable[[], str | None]) -> LLM:
    """Return a model that only says what a grammar accepts, or the model itself where it cannot be held to one.

    Args:
        llm: any.
        grammar: gives it in llama.cpp's notation, or None where there is none; only called if it is of use.
    """
    hold = getattr(llm, "held_to", None)
    text = grammar() if hold is not None else None
    return hold(text) if hold is not None and text is not None else llm


def model_name(llm: LLM) -> str:
    """Return what an answer calls the model that wrote it."""
    return llm.metadata.model_name


def _none(_settings: Settings, _progress: Progress | None) -> None:
    """Answer with sources alone."""


def _embedded(settings: Settings, progress: Progress | None) -> LLM:
    from agent.providers.llms.embedded import EmbeddedLLM

    require_xllamacpp()  # before the weights, which may take minutes to get
    weights = resolve(settings.llm_model, settings, progress=progress)
    name = weights.stem if settings.llm_model.endswith(".gguf") else settings.llm_model
    return EmbeddedLLM(weights, name=name, threads=settings.llm_threads, context=settings.llm_context)


def _huggingface(settings: Settings, progress: Progress | None) -> LLM:
    name = settings.llm_model_or_default
    try:
        from agent.providers.llms.huggingface import TransformersLLM
        from agent.providers.llms.huggingface_loading import load
    except ImportError as error:
        raise MissingExtra(
            f"The language model {name!r} runs in process and needs packages that cannot be imported: {error}.",
            remedy="Run `pip install 'fury-agent[hf]'`.",
        ) from error
    model, tokenizer = load(resolve(name, settings, progress=progress), settings)
    return TransformersLLM(
        model, tokenizer, name=name, context=settings.llm_context, max_tokens=settings.llm_max_tokens
    )


def _openai_like(settings: Settings, _progress: Progress | None) -> LLM:
    if settings.llm_url is None:
        raise _no_address("llm_url")
    from llama_index.llms.openai_like import OpenAILike

    from agent.providers.http_clients import NOT_KEPT, AsyncRetryingClient, BearerAuth, RetryingClient

    # The client would import it at the first question: seconds that are not the server's, but count against it.
    import_module("openai.resources.chat.completions")
    auth = BearerAuth(settings.llm_key.get_secret_value())
    return OpenAILike(
        model=settings.llm_model,
        api_base=settings.llm_url,
        api_key="set by the HTTP client",  # an empty one would be taken from OPENAI_API_KEY
        context_window=settings.llm_context,
        is_chat_model=True,
        max_retries=0,  # it would repeat what the server may be working on; the HTTP clients below do not
        timeout=max(settings.llm_first_token_timeout, settings.llm_token_timeout),
        http_client=RetryingClient(auth=auth, limits=NOT_KEPT),  # pyright: ignore[reportCallIssue] - OpenAI takes it
        async_http_client=AsyncRetryingClient(auth=auth, limits=NOT_KEPT),  # pyright: ignore[reportCallIssue] - OpenAI takes it
    )


def _fallback(settings: Settings, progress: Progress | None) -> LLM | None:
    if settings.fallback_llm is None:
        return None
    if settings.fallback_llm == "openai-like" and settings.fallback_llm_url is None:
        raise _no_address("fallback_llm_url")
    try:
        return _BUILDERS[settings.fallback_llm](settings.for_fallback(), progress)
    except (WeightsError, MissingExtra, ModelUnavailable, StorageError) as error:
        _log.warning("There is no fallback: %s", error)  # the first may be well all the same
        return None


def _no_address(field: str) -> ConfigurationError:
    name = f"FURY_AGENT_{field.upper()}"
    return ConfigurationError(
        f"The LLM provider 'openai-like' needs the address of its server, but {name} is not set.",
        remedy="Set it to the server's base URL, for example http://127.0.0.1:8001/v1.",
        field=field,
    )


_BUILDERS: dict[LlmProvider, Callable[[Settings, Progress | None], LLM | None]] = {
    "embedded": _embedded,
    "huggingface": _huggingface,
    "openai-like": _openai_like,
    "none": _none,
}
