"""An embedding model behind HTTP: an OpenAI-compatible server, or Hugging Face's text-embeddings-inference (TEI).

LlamaIndex's own clients of these take an error's text for vectors (TEI) or bring OpenAI's whole package and its
environment variables along, and neither notices that another model has moved in behind the address.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx
import msgspec
import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from msgspec import Struct
from numpy.typing import NDArray
from pydantic import PrivateAttr

from agent.errors import AgentError, ConfigurationError, IndexMismatch, ModelTimeout, ModelUnavailable
from agent.providers.circuit import Circuit
from agent.providers.http_clients import NOT_KEPT, BearerAuth, RetryingClient
from agent.providers.signature import same_weights, signature
from agent.settings import EmbeddingProvider, Settings

Vectors = NDArray[np.float32]
"""float32, shape (texts, dimension), rows of unit length."""

PROBE = "def sphere(centers, *, colors=(1, 0, 0), radii=1.0): draw spheres at the given places"
"""What a model makes of this text tells it from others."""
RECHECK = 60.0
"""Seconds after which the probe is sent along again."""
SHORTEST = 200
"""Characters of a text that is cut no further where a server refuses it."""
_TOO_LONG = {400, 413, 422}
_BY_STATUS = {
    401: "Set FURY_AGENT_EMBEDDING_KEY to a key that the server accepts.",
    403: "Set FURY_AGENT_EMBEDDING_KEY to a key that may use this model.",
    404: "Compare FURY_AGENT_EMBEDDING_URL and FURY_AGENT_EMBEDDING_MODEL with what the server serves.",
}
_ADVICE = "`fury-agent doctor` says whether the embedding server can be reached."


class _Refused(Exception):
    """The server found fault with the texts."""


class _Item(Struct):
    embedding: list[float]
    index: int = 0


class _Reply(Struct):
    data: list[_Item]


class _Dialect(Struct, frozen=True):
    """How a kind of server is asked, and how its reply is read."""

    path: str
    body: Callable[[str, Sequence[str]], dict[str, Any]]
    read: Callable[[bytes], list[list[float]]]


def _in_order(content: bytes) -> list[list[float]]:
    items = msgspec.json.decode(content, type=_Reply).data
    return [item.embedding for item in sorted(items, key=lambda item: item.index)]


_DIALECTS: Mapping[EmbeddingProvider, _Dialect] = {
    "openai-like": _Dialect(
        "embeddings",
        lambda model, texts: {"model": model, "input": list(texts), "encoding_format": "float"},
        _in_order,
    ),
    "tei": _Dialect(
        "embed",
        lambda _, texts: {"inputs": list(texts), "truncate": True, "normalize": True},
        lambda content: msgspec.json.decode(content, type=list[list[float]]),
    ),
}


class ServedEmbedding(BaseEmbedding):
    """A model that a server embeds with; thread-safe, and its async methods work in threads.

    Attributes:
        url: base URL of the server, without what may be secret in it.
        timeout: seconds to wait for a batch.
        query_prefix, passage_prefix: written before each question and each passage, as some models were trained to
            read; servers do not add them by themselves.
    """

    url: str
    timeout: float
    query_prefix: str
    passage_prefix: str

    _dialect: _Dialect = PrivateAttr()
    _asked: str = PrivateAttr()
    _client: httpx.Client = PrivateAttr()
    _circuit: Circuit = PrivateAttr(default_factory=Circuit)
    _signature: str = PrivateAttr(default="")
    _checked: float = PrivateAttr(default=float("-inf"))

    def __init__(
        self,
        provider: EmbeddingProvider,
        *,
        url: str,
        model: str,
        key: str = "none",
        timeout: float,
        batch: int,
        query_prefix: str = "",
        passage_prefix: str = "",
    ) -> None:
        super().__init__(
            model_name=model,
            embed_batch_size=batch,
            url=_shown(url),  # pyright: ignore[reportCallIssue] - pydantic fields, as those below
            timeout=timeout,  # pyright: ignore[reportCallIssue]
            query_prefix=query_prefix,  # pyright: ignore[reportCallIssue]
            passage_prefix=passage_prefix,  # pyright: ignore[reportCallIssue]
        )
        self._dialect = _DIALECTS[provider]
        self._asked = f"{url.rstrip('/')}/{self._dialect.path}"
        self._client = RetryingClient(auth=BearerAuth(key), limits=NOT_KEPT, timeout=timeout)

    @classmethod
    def of(cls, settings: Settings) -> ServedEmbedding:
        """Return the one that the settings name; nothing is asked yet.

        Raises:
            ConfigurationError: they name no address, or one that cannot be used.
        """
        if settings.embedding_url is None:
            raise _no_address("is not set")
        return cls(
            settings.embedding,
            url=settings.embedding_url,
            model=settings.embedding_model,
            key=settings.embedding_key.get_secret_value(),
            timeout=settings.embedding_timeout,
            batch=settings.embedding_batch,
            query_prefix=settings.embedding_query_prefix or "",
            passage_prefix=settings.embedding_passage_prefix or "",
        )

    @classmethod
    def class_name(cls) -> str:
        """Return the name under which LlamaIndex serializes this part."""
        return "ServedEmbedding"

    @property
    def revision(self) -> str:
        """What stands for the exact weights: the dimension, and the beginning of the vector of a known text.

        Two of them are compared with `same_weights`: a server does not tell its weights, and its numbers waver.

        Raises:
            ModelUnavailable, ModelTimeout: the server did not tell.
        """
        self._embed([])
        return self._signature

    @property
    def problem(self) -> str:
        """What keeps failing, for the health report; empty where all is well."""
        return f"The embedding server at {self.url!r} keeps failing." if self._circuit.is_open else ""

    def _embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return the vectors; from time to time, the model behind the address is looked at anew in the same request.

        Raises:
            ModelUnavailable, ModelTimeout: the server failed, or has kept failing.
            IndexMismatch: another model than before answers.
        """
        now = time.monotonic()
        if now - self._checked < RECHECK:
            return self._guarded(texts).tolist() if texts else []
        vectors = self._guarded([self.passage_prefix + PROBE, *texts])  # with another prefix it is another model
        found = signature(vectors[0])
        if self._signature and not same_weights(self._signature, found):
            raise IndexMismatch(
                f"The server at {self.url!r} embeds with another model than before under the name {self.model_name!r}.",
                remedy="Serve the former model again, or build the index anew: `fury-agent index`, and restart.",
            )
        self._signature, self._checked = self._signature or found, now
        return vectors[1:].tolist()

    def _guarded(self, texts: Sequence[str]) -> Vectors:
        if not self._circuit.allows():
            raise ModelUnavailable(
                f"The embedding server at {self.url!r} has kept failing and is left alone for a moment.",
                remedy=f"Ask again in half a minute; {_ADVICE}",
            )
        try:
            vectors = self._shortened(texts)
        except (ModelUnavailable, ModelTimeout):
            self._circuit.failed()
            raise
        self._circuit.succeeded()
        return vectors

    def _shortened(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors; what is too much for the server is halved: batches, and then texts from their end.

        In process, a model reads the beginning of a long text, too.
        """
        try:
            return self._vectors(texts)
        except _Refused as error:
            half = len(texts) // 2
            if half:
                return np.concatenate([self._shortened(texts[:half]), self._shortened(texts[half:])])
            if len(texts[0]) <= SHORTEST:
                raise ModelUnavailable(
                    f"The embedding server at {self.url!r} refused even a short text (HTTP {error}).",
                    remedy="Compare FURY_AGENT_EMBEDDING, _URL and _MODEL with what it serves.",
                ) from error
            return self._shortened([texts[0][: len(texts[0]) // 2]])

    def _vectors(self, texts: Sequence[str]) -> Vectors:
        try:
            content = self._post(self._dialect.body(self.model_name, texts))
            vectors = np.asarray(self._dialect.read(content), np.float64)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, msgspec.DecodeError, ValueError) as error:
            raise self._translated(error) from error
        with np.errstate(over="ignore"):
            lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
        if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(lengths).all() or not lengths.all():  # noqa: PLR2004 - a table
            raise self._translated(ValueError(f"no vectors for {len(texts)} texts"))
        return (vectors / lengths).astype(np.float32)

    def _post(self, body: dict[str, Any]) -> bytes:
        """Return the body of the reply; the deadline is for all of it, not for each piece that trickles in."""
        deadline = time.monotonic() + self.timeout
        with self._client.stream("POST", self._asked, json=body) as reply:
            if reply.status_code in _TOO_LONG:
                raise _Refused(reply.status_code)
            reply.raise_for_status()
            content = bytearray()
            for piece in reply.iter_bytes():
                content += piece
                if time.monotonic() > deadline:
                    raise TimeoutError
            return bytes(content)

    def _translated(self, error: Exception) -> AgentError:
        """Return the error in our words; no message repeats the server's text, which may hold a key."""
        where = f"The embedding server at {self.url!r}"
        if isinstance(error, httpx.TimeoutException | TimeoutError):
            return ModelTimeout(
                f"{where} did not answer within {self.timeout:g} s.",
                remedy=f"Raise FURY_AGENT_EMBEDDING_TIMEOUT; {_ADVICE}",
            )
        if isinstance(error, httpx.HTTPStatusError):
            status = error.response.status_code
            return ModelUnavailable(f"{where} answered HTTP {status}.", remedy=_BY_STATUS.get(status, _ADVICE))
        if isinstance(error, httpx.ConnectError | httpx.UnsupportedProtocol | httpx.InvalidURL):
            return ModelUnavailable(f"{where} cannot be reached.", remedy="Start it, or mend FURY_AGENT_EMBEDDING_URL.")
        if isinstance(error, httpx.HTTPError):
            return ModelUnavailable(f"{where} broke off ({type(error).__name__}).", remedy=_ADVICE)
        return ModelUnavailable(
            f"{where} does not answer with vectors as the setting FURY_AGENT_EMBEDDING makes expect.",
            remedy="An OpenAI-compatible server's address ends in /v1; text-embeddings-inference's does not.",
        )

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._embed([self.query_prefix + query])[0]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await asyncio.to_thread(self._get_query_embedding, query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self._embed([self.passage_prefix + text for text in texts])

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return await asyncio.to_thread(self._get_text_embedding, text)

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return await asyncio.to_thread(self._get_text_embeddings, texts)


def _shown(url: str) -> str:
    """Return an address without the password that it may hold."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise _no_address("holds an address that cannot be used") from error
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise _no_address("does not begin with http:// and a host")
    return str(parsed.copy_with(userinfo=b""))


def _no_address(what: str) -> ConfigurationError:
    return ConfigurationError(
        f"A served embedding model needs the address of its server, but FURY_AGENT_EMBEDDING_URL {what}.",
        remedy="Set it to the server's base URL, for example http://127.0.0.1:8080 or, OpenAI-compatible, "
        "http://127.0.0.1:8001/v1.",
        field="embedding_url",
    )
