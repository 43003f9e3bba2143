"""Small real parts for tests: an embedding and an LLM that satisfy LlamaIndex's seams, deterministic and instant."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseGen,
    LLMMetadata,
)
from llama_index.core.llms.custom import CustomLLM
from pydantic import PrivateAttr

from agent.schema import Chunk

DIMENSION = 64


class HashEmbedding(BaseEmbedding):
    """A bag of hashed words: equal texts have equal vectors, and texts that share words are near each other."""

    model_name: str = "hash"
    _texts: list[str] = PrivateAttr(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """Every text that was embedded as a document."""
        return self._texts

    def _vector(self, text: str) -> list[float]:
        vector = np.full(DIMENSION, 1e-3)
        for word in re.findall(r"\w+", text.lower()):
            seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4])
            vector += np.random.default_rng(seed).normal(size=DIMENSION)
        return (vector / np.linalg.norm(vector)).tolist()

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._vector(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._vector(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        self._texts.append(text)
        return self._vector(text)


class ScriptedLLM(CustomLLM):
    """Says the queued texts, word by word, and remembers what it was asked."""

    _queue: list[str | Exception] = PrivateAttr(default_factory=list)
    _asked: list[list[ChatMessage]] = PrivateAttr(default_factory=list)

    @classmethod
    def saying(cls, *replies: str | Exception) -> Self:
        """Queue replies; an exception is raised instead of an answer."""
        llm = cls()
        llm._queue.extend(replies)
        return llm

    @property
    def asked(self) -> list[list[ChatMessage]]:
        """The messages of every call."""
        return self._asked

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name="scripted", is_chat_model=True)

    def _next(self) -> str:
        reply = self._queue.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        self._asked.append(list(messages))
        reply = self._next()
        said = ""
        for word in re.findall(r"\S+\s*|\s+", reply):
            said += word
            yield ChatResponse(message=ChatMessage(role="assistant", content=said), delta=word)

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return CompletionResponse(text=self._next())

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        yield CompletionResponse(text=self._next())


def make_chunk(**changes: Any) -> Chunk:
    """Return a chunk of a function `fury.actor.sphere`, with some fields changed."""
    text = 'def sphere(centers, *, colors=(1, 0, 0)):\n    """Create spheres."""\n    return centers\n'
    fields: dict[str, Any] = {
        "id": "c1",
        "path": "fury/actor/curved.py",
        "language": "python",
        "role": "package",
        "kind": "function",
        "symbol": "sphere",
        "qualified": "fury.actor.curved.sphere",
        "public": "fury.actor.sphere",
        "title": "sphere",
        "signature": "def sphere(centers, *, colors=(1, 0, 0))",
        "doc": "Create spheres.",
        "text": text,
        "embed_text": "fury.actor.sphere sphere(centers, colors)",
        "start_byte": 0,
        "end_byte": len(text),
        "start_line": 46,
        "end_line": 163,
        "pieces": ((0, len(text)),),
    }
    return Chunk(**{**fields, **changes})
