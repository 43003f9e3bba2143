"""A chat model of the transformers library, in this process, as a LlamaIndex LLM; importing this imports torch."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, ClassVar

from llama_index.core.base.llms.generic_utils import (
    achat_to_completion_decorator,
    astream_chat_to_completion_decorator,
    chat_to_completion_decorator,
    stream_chat_to_completion_decorator,
)
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    MessageRole,
)
from llama_index.core.llms.callbacks import llm_chat_callback
from llama_index.llms.huggingface import HuggingFaceLLM
from msgspec import ValidationError, convert
from msgspec.structs import replace
from pydantic import PrivateAttr
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from agent.errors import AgentError, InvalidInput, ModelUnavailable
from agent.providers.llms.huggingface_loading import is_out_of_memory
from agent.providers.llms.speaker import Deliver, Options, Said, Speaker
from agent.providers.llms.translation import prompt_too_long, translate
from agent.providers.llms.vocabulary import Vocabulary


class TransformersLLM(HuggingFaceLLM):
    """`HuggingFaceLLM` that does as it is told.

    The base class ignores the arguments of a call, blocks the event loop in its asynchronous methods, hangs when
    `generate` fails while it streams, goes on writing when nobody listens, and reads prompts beyond the window.

    Arguments of each call: `max_tokens`, `temperature`, `top_p`, `seed` and `stop`, see `Options`; others are refused.

    Args:
        model: a causal language model.
        tokenizer: its tokenizer, with a chat template.
        name: what answers call the model.
        context: context window in tokens; the model's own where that is smaller.
        max_tokens: longest answer in tokens, where a call does not say.
    """

    takes_call_options: ClassVar[bool] = True
    """Tells `stream_chat` of this package to pass on what an answer is told."""

    _vocabulary: Vocabulary = PrivateAttr()
    _speaker: Speaker = PrivateAttr()

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        name: str,
        context: int = 4096,
        max_tokens: int = 640,
    ) -> None:
        vocabulary = Vocabulary(tokenizer)
        longest = getattr(model.config.get_text_config(), "max_position_embeddings", None) or context
        super().__init__(
            model=model,
            tokenizer=tokenizer,
            model_name=name,
            tokenizer_name=name,
            context_window=min(context, longest),
            max_new_tokens=max_tokens,
            is_chat_model=True,
            messages_to_prompt=vocabulary.written,  # without, a method of this object, whose repr would never end
        )
        self._vocabulary = vocabulary
        self._speaker = Speaker(model, self._vocabulary)

    @classmethod
    def class_name(cls) -> str:
        """Return the name that LlamaIndex's events carry."""
        return "TransformersLLM"

    def close(self) -> None:
        """Withdraw what is being written, and write nothing more."""
        self._speaker.close()

    def count_tokens(self, text: str) -> int:
        """Return the length of `text` in the model's own tokens."""
        return len(self._vocabulary.tokens(text))

    def prompt_tokens(self, messages: Sequence[ChatMessage]) -> int:
        """Return the length of a whole prompt, the chat template's own tokens included."""
        return len(self._vocabulary.prompt(messages))

    # --- chat ------------------------------------------------------------------------------------

    @llm_chat_callback()  # pyright: ignore[reportUntypedFunctionDecorator] - LlamaIndex's is untyped
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Return the whole answer.

        Raises:
            ModelUnavailable: the prompt is too long for the window, or the model failed.
        """
        *_, last = self._responses(messages, kwargs)
        return last

    @llm_chat_callback()  # pyright: ignore[reportUntypedFunctionDecorator] - LlamaIndex's is untyped
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Generator[ChatResponse, None, None]:
        """Yield the answer as it is written; the last response has the counts. Closing the generator ends the writing.

        Raises:
            ModelUnavailable: the prompt is too long for the window, or the model failed.
        """
        return self._responses(messages, kwargs)

    @llm_chat_callback()  # pyright: ignore[reportUntypedFunctionDecorator] - LlamaIndex's is untyped
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Return the whole answer as `chat` does; the event loop goes on, and cancelling ends the writing."""
        last = ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT))
        async for response in self._aresponses(messages, kwargs):
            last = response
        return last

    @llm_chat_callback()  # pyright: ignore[reportUntypedFunctionDecorator] - LlamaIndex's is untyped
    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseAsyncGen:
        """Yield the answer as `stream_chat` does; the event loop goes on, and cancelling ends the writing."""
        return self._aresponses(messages, kwargs)

    # --- completion: the prompt is what a user says -------------------------------------------------

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:  # noqa: ARG002, FBT001, FBT002 - the base class's signature
        """Return the answer to a prompt."""
        return chat_to_completion_decorator(self.chat)(prompt, **kwargs)

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:  # noqa: ARG002, FBT001, FBT002 - same
        """Yield the answer to a prompt as it is written."""
        return stream_chat_to_completion_decorator(self.stream_chat)(prompt, **kwargs)

    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:  # noqa: ARG002, FBT001, FBT002 - same
        """Return the answer to a prompt."""
        return await achat_to_completion_decorator(self.achat)(prompt, **kwargs)

    async def astream_complete(
        self,
        prompt: str,
        formatted: bool = False,  # noqa: ARG002, FBT001, FBT002 - same
        **kwargs: Any,
    ) -> CompletionResponseAsyncGen:
        """Yield the answer to a prompt as it is written."""
        return await astream_chat_to_completion_decorator(self.astream_chat)(prompt, **kwargs)

    # --- between the caller and the model's thread ---------------------------------------------------

    def _responses(
        self, messages: Sequence[ChatMessage], arguments: Mapping[str, Any]
    ) -> Generator[ChatResponse, None, None]:
        mail: queue.SimpleQueue[Said | Exception] = queue.SimpleQueue()  # no longer than the answer
        reply, withdraw = self._begin(messages, arguments, mail.put)
        try:
            while not reply.complete:
                yield reply.response(mail.get())
        finally:
            withdraw()

    async def _aresponses(self, messages: Sequence[ChatMessage], arguments: Mapping[str, Any]) -> ChatResponseAsyncGen:
        loop = asyncio.get_running_loop()
        mail: asyncio.Queue[Said | Exception] = asyncio.Queue()
        reply, withdraw = self._begin(
            messages, arguments, lambda said: loop.call_soon_threadsafe(mail.put_nowait, said)
        )
        try:
            while not reply.complete:
                yield reply.response(await mail.get())
        finally:
            withdraw()

    def _begin(
        self, messages: Sequence[ChatMessage], arguments: Mapping[str, Any], deliver: Deliver
    ) -> tuple[_Reply, Callable[[], None]]:
        prompt = self._vocabulary.prompt(messages)
        room = self.context_window - len(prompt)
        if room < 1:
            raise prompt_too_long(self.model_name)
        options = _options({"max_tokens": self.max_new_tokens, **arguments})
        options = replace(options, max_tokens=min(options.max_tokens, room))
        return _Reply(self.model_name, len(prompt)), self._speaker.say(prompt, options, deliver)


class _Reply:
    """One answer on its way: pieces in, LlamaIndex's responses out."""

    def __init__(self, model: str, prompt_tokens: int) -> None:
        self._model = model
        self._prompt_tokens = prompt_tokens
        self._text = ""
        self.complete = False

    def response(self, said: Said | Exception) -> ChatResponse:
        if isinstance(said, AgentError):
            raise said
        if isinstance(said, Exception):
            raise _told(said, self._model) from said
        self._text += said.text
        self.complete = said.finish_reason is not None
        counts = {
            "prompt_tokens": self._prompt_tokens,
            "completion_tokens": said.completion_tokens,
            "total_tokens": self._prompt_tokens + said.completion_tokens,
            "finish_reason": said.finish_reason,
        }
        return ChatResponse(
            message=ChatMessage(role=MessageRole.ASSISTANT, content=self._text),
            delta=said.text,
            additional_kwargs=counts if self.complete else {},
        )


def _options(arguments: dict[str, Any]) -> Options:
    stop = arguments.get("stop") or ()
    arguments["stop"] = (stop,) if isinstance(stop, str) else tuple(stop)
    try:
        return convert(arguments, Options)
    except ValidationError as error:
        raise InvalidInput(
            f"The language model cannot be asked with {arguments!r}: {error}.",
            remedy=f"It takes {', '.join(Options.__struct_fields__)}.",
        ) from error


def _told(error: Exception, model: str) -> AgentError:
    if is_out_of_memory(error):
        return ModelUnavailable(
            f"The model {model!r} ran out of memory while it answered.",
            remedy="Lower FURY_AGENT_PROMPT_TOKENS or FURY_AGENT_LLM_MAX_TOKENS, or set FURY_AGENT_LLM_QUANTIZATION.",
        )
    return translate(error, model)
