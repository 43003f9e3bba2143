"""The model's side of a stream: what it says, as mail to whoever reads it.

Asynchronous LLMs run on one event loop in a thread of its own, where cancelling the task closes the connection at once;
an LLM whose async methods only call its blocking ones gets a thread per answer, which can only be left behind.
"""

from __future__ import annotations

import asyncio
import inspect
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from llama_index.core.llms.custom import CustomLLM
from llama_index.core.llms.llm import LLM
from llama_index.llms.openai import OpenAI
from msgspec import Struct

from agent.providers.llms.event_loop import event_loop

_SEED = 0
_PIECES_PER_TOKEN = 8
"""A model that says more pieces than this many per token allowed ignores the limit and is cut off."""


class Usage(Struct, frozen=True):
    """Tokens, as the server counted them."""

    prompt_tokens: int
    completion_tokens: int


class Piece(Struct, frozen=True):
    """What one response of the model brings: `alive` if it said or thought anything."""

    text: str
    alive: bool
    finish_reason: str | None
    usage: Usage | None


class End(Struct, frozen=True):
    """The model is done, has failed, or (`cut`) was stopped because it would not stop."""

    error: Exception | None = None
    cut: bool = False


Mail = queue.SimpleQueue[Piece | End | None]
"""From the model's thread to the reader; None only wakes the reader. `_Intake` keeps it bounded."""


class _Intake:
    """Takes the responses of one answer until there are too many."""

    def __init__(self, mail: Mail, max_tokens: int) -> None:
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
            self._mail.put(End(cut=True))
        return self._left > 0

    def end(self, error: Exception | None = None) -> None:
        """Tell the reader that nothing more comes."""
        if error is None and self._openai and not self._finished:
            # The protocol names a reason at the end; without one the server went away, however politely.
            error = ConnectionError("the stream ended before the answer did")
        self._mail.put(End(error))


def _piece(response: ChatResponse) -> Piece:
    text = response.delta or ""
    choices = getattr(response.raw, "choices", None)
    counts = response.additional_kwargs
    reason = choices[0].finish_reason if choices else counts.get("finish_reason")
    usage = Usage(counts["prompt_tokens"], counts["completion_tokens"]) if counts.get("completion_tokens") else None
    return Piece(text, bool(text or counts.get("thinking_delta")), reason, usage)


def start(
    llm: LLM, messages: Sequence[ChatMessage], mail: Mail, *, max_tokens: int, temperature: float
) -> Callable[[], object]:
    """Let the model begin; return what stops it, from any thread and any number of times."""
    intake = _Intake(mail, max_tokens)
    if _only_blocks(llm):
        stopped = threading.Event()
        threading.Thread(target=_speak_blocking, args=(llm, messages, intake, stopped), daemon=True).start()
        return stopped.set
    return _Speech(llm, messages, intake, _options(llm, max_tokens, temperature)).stop


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
