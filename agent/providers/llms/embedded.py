"""The embedded LLM: LlamaIndex's OpenAI-compatible client, and the server that it speaks to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx
from llama_index.core.base.llms.types import ChatMessage
from llama_index.llms.openai.utils import to_openai_message_dicts
from llama_index.llms.openai_like import OpenAILike
from pydantic import PrivateAttr

from agent.providers.llms.llama_server import LlamaServer
from agent.providers.llms.translation import translated
from agent.providers.llms.transports import AsyncServerTransport, ServerTransport

_HOST = "http://embedded"
"""Stands for wherever the server listens; the transports know."""

_TIMEOUT = 3600.0  # seconds; `stream_chat` has the real deadlines
_TOKENIZE_TIMEOUT = 60.0  # seconds; milliseconds of work, on a machine that may be busy
_CACHED_COUNTS = 512  # texts


class EmbeddedLLM(OpenAILike):
    """A GGUF model served by llama.cpp for this process alone; started by the first question.

    Args:
        weights: the GGUF file.
        name: what answers call the model; the file's name without it.
        threads: threads that compute; 0 means all cores of this process.
        context: context window in tokens.
    """

    _server: LlamaServer = PrivateAttr()
    _http: httpx.Client = PrivateAttr()
    _counted: Callable[[str], int] = PrivateAttr()

    def __init__(self, weights: Path, *, name: str = "", threads: int = 0, context: int = 4096) -> None:
        server = LlamaServer(weights, threads=threads, context=context)
        http = httpx.Client(
            base_url=_HOST, transport=ServerTransport(server), timeout=_TOKENIZE_TIMEOUT, trust_env=False
        )
        transport, async_transport = ServerTransport(server), AsyncServerTransport(server)
        super().__init__(
            model=name or weights.stem,
            api_base=f"{_HOST}/v1",
            api_key="set by the transport",  # an empty one would be taken from OPENAI_API_KEY
            context_window=context,
            is_chat_model=True,
            max_retries=0,
            timeout=_TIMEOUT,
            http_client=httpx.Client(transport=transport, trust_env=False),  # pyright: ignore[reportCallIssue] - OpenAI takes it
            async_http_client=httpx.AsyncClient(transport=async_transport, trust_env=False),  # pyright: ignore[reportCallIssue] - OpenAI takes it
        )
        self._server = server
        self._http = http
        self._counted = lru_cache(_CACHED_COUNTS)(self._count)

    @classmethod
    def class_name(cls) -> str:
        """Return the name that LlamaIndex's events carry."""
        return "EmbeddedLLM"

    def start(self) -> None:
        """Load the model now instead of at the first question.

        Raises:
            MissingExtra: xllamacpp is not installed.
            ModelTimeout: loading the weights took too long.
            ModelUnavailable: the weights could not be loaded.
        """
        self._server.address()

    def held_to(self, grammar: str) -> EmbeddedLLM:
        """Return this model, but it only says what a grammar accepts; on the same server.

        Args:
            grammar: in llama.cpp's notation (GBNF).
        """
        return self.model_copy(update={"additional_kwargs": {"extra_body": {"grammar": grammar}}})

    def close(self) -> None:
        """Stop the server, and whatever it is saying; a later question starts it again."""
        self._server.close()

    def count_tokens(self, text: str) -> int:
        """Return the length of `text` in the model's own tokens.

        Raises:
            ModelUnavailable: the server could not be started or asked.
        """
        return self._counted(text)

    def prompt_tokens(self, messages: Sequence[ChatMessage]) -> int:
        """Return the length of a whole prompt, the chat template's own tokens included.

        Raises:
            ModelUnavailable: the server could not be started or asked.
        """
        rendered = self._post("/apply-template", {"messages": to_openai_message_dicts(messages, model=self.model)})
        return self._count(rendered["prompt"])

    def _count(self, text: str) -> int:
        return len(self._post("/tokenize", {"content": text})["tokens"])

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        with translated(self.model):
            return self._http.post(path, json=body).raise_for_status().json()
