"""An LLM's answer as a stream that has deadlines, can be withdrawn at any moment, and says how it ended.

The caller reads synchronously what `agent.providers.llms.replies` brings.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Generator, Sequence
from math import inf

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.llms.llm import LLM
from msgspec import Struct

from agent.cancellation import CancelToken
from agent.errors import ModelTimeout, ModelUnavailable
from agent.providers.llms.fallback import GuardedLLM
from agent.providers.llms.replies import End, Mail, Usage, start
from agent.providers.llms.translation import translate

_USAGE_TIMEOUT = 1.0  # seconds that an answer which has ended waits for its token counts


class Delta(Struct, frozen=True):
    """Some text, or the end.

    Attributes:
        finish_reason: None until the last delta, which has no text; then `stop`, or `length` where the answer was cut.
        usage: in the last delta, where the model tells it.
        model: in the last delta, the name of the model that spoke.
    """

    text: str
    finish_reason: str | None = None
    usage: Usage | None = None
    model: str = ""


def stream_chat(
    llm: LLM,
    messages: Sequence[ChatMessage],
    *,
    cancel: CancelToken,
    first_token_timeout: float,
    token_timeout: float,
    max_tokens: int,
    temperature: float = 0.0,
) -> Generator[Delta, None, None]:
    """Yield the answer piece by piece, then one `Delta` without text that says how it ended.

    OpenAI-compatible models, and those with a true attribute `takes_call_options`, are told the temperature, a fixed
    seed and `max_tokens`; any other LLM is taken as its owner configured it. Closing the generator stops the model,
    as does `cancel`.

    Args:
        llm: any LlamaIndex LLM.
        messages: the prompt.
        cancel: stops the answer from another thread, at once even while the model reads the prompt.
        first_token_timeout: seconds until the model says anything.
        token_timeout: seconds until it says something more.
        max_tokens: longest answer in tokens.
        temperature: 0 for the likeliest words; above it, other ones are tried.

    Raises:
        Cancelled: `cancel` was cancelled.
        ModelTimeout: a deadline has passed.
        ModelUnavailable: the model could not be reached, refused (as it does a prompt beyond its context window), or
            broke off.
    """

    def say(one: LLM, patience: float) -> Generator[Delta, None, None]:
        first = min(first_token_timeout, patience)
        return _stream(one, messages, cancel, first, token_timeout, max_tokens, temperature)

    return llm.tried(say) if isinstance(llm, GuardedLLM) else say(llm, inf)


def _stream(
    llm: LLM,
    messages: Sequence[ChatMessage],
    cancel: CancelToken,
    first_token_timeout: float,
    token_timeout: float,
    max_tokens: int,
    temperature: float,
) -> Generator[Delta, None, None]:
    cancel.check()
    mail: Mail = queue.SimpleQueue()
    stop = start(llm, messages, mail, max_tokens=max_tokens, temperature=temperature)

    def withdraw() -> None:
        stop()
        mail.put(None)

    try:
        with cancel.calls(withdraw):
            yield from _read(mail, cancel, llm.metadata.model_name, first_token_timeout, token_timeout)
    finally:
        stop()


def _read(mail: Mail, cancel: CancelToken, model: str, first: float, further: float) -> Generator[Delta, None, None]:
    timeout, finish, usage, spoke = first, None, None, False
    deadline = time.monotonic() + timeout
    while True:
        try:
            item = mail.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            if finish is not None:
                break
            raise _too_late(model, timeout, spoke=spoke) from None
        cancel.check()
        if item is None:
            continue
        if isinstance(item, End):
            finish = finish or _ending(item, model, spoke=spoke)
            break
        finish, usage = finish or item.finish_reason, item.usage or usage
        if item.text:
            spoke = True
            yield Delta(item.text)
            cancel.check()
        if item.alive or item.finish_reason:
            timeout = further if finish is None else _USAGE_TIMEOUT
            deadline = time.monotonic() + timeout
    yield Delta("", finish, usage, model)


def _ending(end: End, model: str, *, spoke: bool) -> str:
    """Return why an answer ended that did not say so itself."""
    if end.error is not None:
        raise translate(end.error, model) from end.error
    if end.cut:
        return "length"
    if not spoke:
        raise ModelUnavailable(f"The model {model!r} said nothing.", remedy="Ask again, or in other words.")
    return "stop"


def _too_late(model: str, timeout: float, *, spoke: bool) -> ModelTimeout:
    what = "stopped in the middle of its answer and said nothing more" if spoke else "said nothing"
    name = "FURY_AGENT_LLM_TOKEN_TIMEOUT" if spoke else "FURY_AGENT_LLM_FIRST_TOKEN_TIMEOUT"
    return ModelTimeout(
        f"The model {model!r} {what} for {timeout:g} seconds.", remedy=f"Ask again; {name} allows it more time."
    )
