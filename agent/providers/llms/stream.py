"""An LLM's answer as a stream that has deadlines, can be withdrawn at any moment, and says how it ended.

The caller reads synchronously. Asynchronous LLMs run on one event loop in a thread of its own, where cancelling the
task closes the connection at once; an LLM whose async methods only call its blocking ones gets a thread per answer,
which can only be left behind.
"""

from __future__ import annotations

import asyncio
import inspect
import queue
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from math import inf
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from llama_index.core.llms.custom import CustomLLM
from llama_index.core.llms.llm import LLM
from llama_index.llms.openai import OpenAI
from msgspec import Struct

from agent.cancellation import CancelToken
from agent.errors import ModelTimeout, ModelUnavailable
from agent.providers.llms.event_loop import event_loop
from agent.providers.llms.fallback import GuardedLLM
from agent.providers.llms.translation import translate

_SEED = 0
_USAGE_TIMEOUT = 1.0  # seconds that an answer which has ended waits for its token counts
_PIECES_PER_TOKEN = 8
"""A model that says more pieces than this many per token allowed ignores the limit and is cut off."""


class Usage(Struct, frozen=True):
    """Tokens, as the server counted them."""

    prompt_tokens: int
    completion_tokens: int


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


class _Piece(Struct, frozen=True):
    """What one response of the model brings: `alive` if it said or thought anything."""

    text: str
    alive: bool
    finish_reason: str | None
    usage: Usage | None


class _End(Struct, frozen=True):
    """The model is done, has failed, or (`cut`) was stopped because it would not stop."""

    error: Exception | None = None
    cut: bool = False


_Mail = queue.SimpleQueue[_Piece | _End | None]
"""From the model's thread to the reader; None only wakes the reader. `_Intake` keeps it bounded."""


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
    mail: _Mail = queue.SimpleQueue()
    stop = _start(llm, messages, _Intake(mail, max_tokens), _options(llm, max_tokens, temperature))

    def withdraw() -> None:
        stop()
        mail.put(None)

    try:
        with cancel.calls(withdraw):
            yield from _read(mail, cancel, llm.metadata.model_name, first_token_timeout, token_timeout)
    finally:
        stop()


def _read(mail: _Mail, cancel: CancelToken, model: str, first: float, further: float) -> Generator[Delta, None, None]:
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
        if isinstance(item, _End):
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


def _ending(end: _End, model: str, *, spoke: bool) -> str:
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


# --- the model's side: runs on the event loop or in a thread of its own ------------------------------


class _Intake:
    """Takes the responses of one answer until there are too many."""

    def __init__(self, mail: _Mail, max_tokens: int) -> None:
        self._mail = mail
        self._left = max_tokens * _PIECES_PER_TOKEN
        self._openai = False
        self._finished = False

    def take(self, response: ChatResponse) -> bool:
        """Pass a response on; return whether more are welcome, which they are not once there were too many."""
        if not self._left:
            return False
        piece = _piece(response)
        self._openai = self._openai or hasattr(response.raw, "choices")
        self._finished = self._finished or piece.finish_reason is not None
        self._mail.put(piece)
        self._left -= 1
        if not self._left:
            self._mail.put(_End(cut=True))
        return self._left > 0

    def end(self, error: Exception | None = None) -> None:
        """Tell the reader that nothing more comes."""
        if error is None and self._openai and not self._finished:
            # The protocol names a reason at the end; without one the server went away, however politely.
            error = ConnectionError("the stream ended before the answer did")
        self._mail.put(_End(error))


def _piece(response: ChatResponse) -> _Piece:
    text = response.delta or ""
    choices = getattr(response.raw, "choices", None)
    counts = response.additional_kwargs
    reason = choices[0].finish_reason if choices else counts.get("finish_reason")
    usage = Usage(counts["prompt_tokens"], counts["completion_tokens"]) if counts.get("completion_tokens") else None
    return _Piece(text, bool(text or counts.get("thinking_delta")), reason, usage)


def _start(llm: LLM, messages: Sequence[ChatMessage], intake: _Intake, options: dict[str, Any]) -> Callable[[], object]:
    """Let the model begin; return what stops it, from any thread and any number of times."""
    if _only_blocks(llm):
        stopped = threading.Event()
        threading.Thread(target=_speak_blocking, args=(llm, messages, intake, stopped), daemon=True).start()
        return stopped.set
    return _Speech(llm, messages, intake, options).stop


def _only_blocks(llm: LLM) -> bool:
    """Whether the async methods are those of `CustomLLM`, which call the blocking ones and so stop the event loop."""
    # Each class gets wrappers of its own around what it inherits, for LlamaIndex's instrumentation.
    return inspect.unwrap(type(llm).astream_chat) is inspect.unwrap(CustomLLM.astream_chat)


def _options(llm: LLM, max_tokens: int, temperature: float) -> dict[str, Any]:
    told = {"temperature": temperature, "seed": _SEED, "max_tokens": max_tokens}
    if isinstance(llm, OpenAI):
        return {**told, "stream_options": {"include_usage": True}}
    return told if getattr(llm, "takes_call_options", False) else {}


class _Speech:
    """An answer on the event loop, cancelled once: a second time would interrupt the closing of its connection."""

    def __init__(self, llm: LLM, messages: Sequence[ChatMessage], intake: _Intake, options: dict[str, Any]) -> None:
        self._llm, self._messages, self._intake, self._options = llm, messages, intake, options
        self._loop = event_loop()
        self._task: asyncio.Task[None] | None = None
        self._stopped = False
        self._loop.call_soon_threadsafe(self._begin)

    def stop(self) -> None:
        """Cancel it, from any thread."""
        with suppress(RuntimeError):  # the process ends, and with it the loop
            self._loop.call_soon_threadsafe(self._stop)

    def _begin(self) -> None:
        self._task = asyncio.create_task(self._speak())

    def _stop(self) -> None:
        if not self._stopped:
            self._cancel()

    def _cancel(self) -> None:
        self._stopped = True
        if self._task:
            self._task.cancel()

    async def _speak(self) -> None:
        try:
            async for response in await self._llm.astream_chat(self._messages, **self._options):
                if not self._intake.take(response):
                    # Arrives where the connection is read and closes it; leaving the loop would not. Who still talks is
                    # not closing anything, whatever was said before.
                    self._cancel()
        except Exception as error:  # noqa: BLE001 - the reader's thread raises it, translated
            self._intake.end(error)
        else:
            self._intake.end()


def _speak_blocking(llm: LLM, messages: Sequence[ChatMessage], intake: _Intake, stopped: threading.Event) -> None:
    try:
        for response in llm.stream_chat(messages):
            if stopped.is_set() or not intake.take(response):
                return
    except Exception as error:  # noqa: BLE001 - the reader's thread raises it, translated
        intake.end(error)
    else:
        intake.end()
