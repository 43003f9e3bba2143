"""The one place where what an LLM's client raises becomes one of our errors; no message repeats the server's text."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import httpx
import openai

from agent.errors import AgentError, ModelTimeout, ModelUnavailable

_AGAIN = "Ask again; `fury-agent doctor` says whether the model can be reached."
_KINDS: tuple[tuple[tuple[type[Exception], ...], type[ModelTimeout | ModelUnavailable], str, str], ...] = (
    (
        (openai.APITimeoutError, httpx.TimeoutException, TimeoutError),
        ModelTimeout,
        "The model {model!r} did not answer in time.",
        _AGAIN,
    ),
    (
        (openai.APIConnectionError, httpx.ConnectError),
        ModelUnavailable,
        "The server of the model {model!r} cannot be reached.",
        _AGAIN,
    ),
    (
        (httpx.TransportError, ConnectionError),
        ModelUnavailable,
        "The server of the model {model!r} broke off in the middle of its answer.",
        _AGAIN,
    ),
    (
        (json.JSONDecodeError, UnicodeDecodeError, openai.APIResponseValidationError),
        ModelUnavailable,
        "What serves the model {model!r} does not speak the OpenAI protocol.",
        "Compare FURY_AGENT_LLM_URL with the server's documentation; it usually ends in /v1.",
    ),
    ((Exception,), ModelUnavailable, "The model {model!r} failed with {name}.", _AGAIN),
)
"""What the first matching row says; the names of exceptions may be shown, their texts may hold a key."""

_BY_STATUS = {
    401: "Set FURY_AGENT_LLM_KEY to a key that the server accepts.",
    403: "Set FURY_AGENT_LLM_KEY to a key that may use this model.",
    404: "Compare FURY_AGENT_LLM_URL (it ends in /v1) and FURY_AGENT_LLM_MODEL with what the server serves.",
    429: "The server is at its limit; ask again later.",
}
_TOO_SLOW = {408, 504}
_CONTEXT_EXCEEDED = ("exceed_context_size", "context_length_exceeded", "maximum context length", "context size")


@contextmanager
def translated(model: str) -> Generator[None]:
    """Turn what the block raises into an `AgentError`.

    Raises:
        ModelTimeout: the client or the server gave up waiting.
        ModelUnavailable: anything else.
    """
    try:
        yield
    except Exception as error:
        raise translate(error, model) from error


def translate(error: Exception, model: str) -> AgentError:
    """Return the `AgentError` that stands for `error`; one found among its causes is returned as it is."""
    own = next((cause for cause in _chain(error) if isinstance(cause, AgentError)), None)
    if own is not None:
        return own
    if isinstance(error, openai.APIError | httpx.HTTPStatusError) and _exceeds_context(error):
        return prompt_too_long(model)
    if isinstance(error, openai.APIStatusError | httpx.HTTPStatusError):
        return _refused(error.response.status_code, model)
    _, kind, message, remedy = next(row for row in _KINDS if isinstance(error, row[0]))
    return kind(message.format(model=model, name=type(error).__name__), remedy=remedy)


def blames_request(error: AgentError) -> bool:
    """Return whether the server found fault with the request: no sign that it could not answer another one."""
    return isinstance(error.__cause__, openai.BadRequestError | openai.UnprocessableEntityError)


def prompt_too_long(model: str) -> ModelUnavailable:
    """Return the error for a prompt beyond the window; no fault of the caller: the settings decide how long it gets."""
    return ModelUnavailable(
        f"The prompt is longer than the context window of the model {model!r}.",
        remedy="Lower FURY_AGENT_PROMPT_TOKENS or raise FURY_AGENT_LLM_CONTEXT.",
    )


def _refused(status: int, model: str) -> AgentError:
    kind = ModelTimeout if status in _TOO_SLOW else ModelUnavailable
    return kind(f"The server of the model {model!r} answered HTTP {status}.", remedy=_BY_STATUS.get(status, _AGAIN))


def _exceeds_context(error: Exception) -> bool:
    return any(sign in str(error) for sign in _CONTEXT_EXCEEDED)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
