"""The cross-encoder that the settings name, as a LlamaIndex node postprocessor: it reads question and passage together.

Off by default: no cross-encoder is known to fit two cores and the 60 ms that a search may take.
"""

from __future__ import annotations

import abc
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import httpx
import msgspec
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle
from msgspec import Meta, Struct

from agent.errors import ConfigurationError, MissingExtra, ModelTimeout, ModelUnavailable
from agent.providers.circuit import REST, Circuit
from agent.settings import Settings

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

LONGEST = 512
"""Tokens of question and passage together that a local model reads: what BERT-like encoders are trained for."""


class Reranker(BaseNodePostprocessor, abc.ABC):
    """Orders nodes by what a cross-encoder thinks of each text, as it was embedded, beside the question."""

    @abc.abstractmethod
    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return one score for each text, higher is better.

        Raises:
            ModelUnavailable, ModelTimeout: the model did not answer.
        """

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        if query_bundle is None or not nodes:
            return nodes
        texts = [node.node.get_content(metadata_mode=MetadataMode.EMBED) for node in nodes]
        scored = zip(nodes, self.scores(query_bundle.query_str, texts), strict=True)
        best = sorted(scored, key=lambda entry: -entry[1])  # stable: equals keep their order
        return [NodeWithScore(node=node.node, score=score) for node, score in best]


class LocalReranker(Reranker):
    """A sequence classifier with one output in this process; safe to share between threads."""

    directory: Path

    _model: CrossEncoder = PrivateAttr()
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    def __init__(self, directory: Path) -> None:
        super().__init__(directory=directory)  # pyright: ignore[reportCallIssue] - a pydantic field
        try:
            from sentence_transformers import CrossEncoder
        except ImportError as error:
            raise MissingExtra(
                f"The reranker {str(directory)!r} runs in process and needs packages that cannot be imported: {error}.",
                remedy="Run `pip install 'fury-agent[hf]'`.",
            ) from error
        try:
            self._model = CrossEncoder(
                str(directory), num_labels=1, max_length=LONGEST, device="cpu", local_files_only=True
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ModelUnavailable(
                f"The reranker in {str(directory)!r} cannot be loaded: {error}.",
                remedy="Expected the directory of a cross-encoder (a sequence classifier), without code of its own.",
            ) from error

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return the classifier's output for each pair."""
        try:
            with self._lock:  # fast tokenizers are not safe to share
                found = self._model.predict([(question, text) for text in texts], show_progress_bar=False)
        except (RuntimeError, MemoryError) as error:
            raise ModelUnavailable(f"The reranker {str(self.directory)!r} failed: {error}.") from error
        return [float(score) for score in found]


class _Rank(Struct, frozen=True):
    index: Annotated[int, Meta(ge=0)]
    score: float


class ServedReranker(Reranker):
    """A server that speaks `POST /rerank` as Hugging Face's text-embeddings-inference does."""

    url: str
    timeout: float

    _client: httpx.Client = PrivateAttr()
    _asked: str = PrivateAttr()
    _circuit: Circuit = PrivateAttr()

    def __init__(self, url: str, timeout: float) -> None:
        # An address may hold a password: what is shown does not.
        shown = str(httpx.URL(url).copy_with(userinfo=b""))
        super().__init__(url=shown, timeout=timeout)  # pyright: ignore[reportCallIssue] - pydantic fields
        self._asked = f"{url.rstrip('/')}/rerank"
        self._client = httpx.Client(timeout=timeout)
        self._circuit = Circuit(failures=1)  # it is quick to do without

    @property
    def problem(self) -> str:
        """What is done without at the moment; empty where all is well."""
        return f"The reranker at {self.url!r} has failed: it is done without." if self._circuit.is_open else ""

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return the server's score for each text."""
        if not self._circuit.allows():
            raise ModelUnavailable(f"The reranker at {self.url!r} failed less than {REST:.0f} s ago.")
        try:
            scores = self._scores(question, texts)
        except (ModelTimeout, ModelUnavailable):
            self._circuit.failed()
            raise
        self._circuit.succeeded()
        return scores

    def _scores(self, question: str, texts: Sequence[str]) -> list[float]:
        body = {"query": question, "texts": list(texts), "truncate": True}
        try:
            reply = self._client.post(self._asked, json=body)
            reply.raise_for_status()
            ranks = {rank.index: rank.score for rank in msgspec.json.decode(reply.content, type=list[_Rank])}
            return [ranks[index] for index in range(len(texts))]
        except httpx.TimeoutException as error:
            raise ModelTimeout(
                f"The reranker at {self.url!r} did not answer within {self.timeout:g} s.",
                remedy="Raise FURY_AGENT_RERANKER_TIMEOUT, or do without: FURY_AGENT_RERANKER=none.",
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL, msgspec.DecodeError, KeyError) as error:
            raise ModelUnavailable(
                f"The reranker at {self.url!r} cannot be used ({type(error).__name__}).",
                remedy="Start it, or mend FURY_AGENT_RERANKER: the address of a server with POST /rerank.",
            ) from error


def build_reranker(settings: Settings) -> Reranker | None:
    """Return the reranker that the settings name, loaded; None where they name none.

    Raises:
        ConfigurationError: it is neither a directory nor an http(s) address.
        MissingExtra: the extra `hf` is not installed.
        ModelUnavailable: the directory holds no cross-encoder.
    """
    named = settings.reranker
    if named == "none":
        return None
    if named.startswith(("http://", "https://")):
        try:
            return ServedReranker(named, settings.reranker_timeout)
        except httpx.InvalidURL as error:
            raise ConfigurationError(
                "FURY_AGENT_RERANKER holds an address that cannot be used.",
                remedy="Expected http(s)://host[:port], the address of a server with POST /rerank.",
                field="reranker",
            ) from error
    if not Path(named).is_dir():
        raise ConfigurationError(
            f"The reranker {named!r} is neither a directory nor an address.",
            remedy="Set FURY_AGENT_RERANKER to a cross-encoder's directory, to a server's http(s) address, or to none.",
            field="reranker",
        )
    return LocalReranker(Path(named))
