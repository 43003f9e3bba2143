"""A sentence-transformers model in this process; importing this module imports torch."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import msgspec
import torch
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from sentence_transformers.sentence_transformer.modules import Pooling

from agent.errors import ConfigurationError, ModelUnavailable
from agent.providers.processor import has_bfloat16
from agent.providers.transformers_talk import first_line, quiet
from agent.settings import Settings

_MAX_THREADS = 8  # small encoders gain nothing beyond
_SORTED_TOGETHER = 16  # batches whose texts are sorted by length together
_PADDED_TO = 16  # tokens; what is computed for nothing costs less than code for every length
_MAX_BATCH = 2048  # LlamaIndex's own limit


class LocalEmbedding(HuggingFaceEmbedding):
    """`HuggingFaceEmbedding` that fails at once, pads less and lets a query pass between two batches.

    The base class repeats every failure three times with four seconds between, though a local model fails the same way
    each time, and sorts texts by length only within each batch.
    """

    _revision: str = PrivateAttr()
    _batch: int = PrivateAttr()
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    def __init__(self, directory: Path, identity: tuple[str, str], settings: Settings, *, half: bool) -> None:
        query, text = _prefixes(directory, settings)
        super().__init__(
            model_name=str(directory),
            device=settings.embedding_device,
            embed_batch_size=min(settings.embedding_batch * _SORTED_TOGETHER, _MAX_BATCH),
            cache_folder=str(directory),  # otherwise LlamaIndex makes a cache directory in the user's home
            query_instruction=query,
            text_instruction=text,
            trust_remote_code=False,
            local_files_only=True,
        )
        self.model_name, self._revision = identity
        self._batch = settings.embedding_batch
        if settings.embedding_pooling != "auto":
            self._pool(settings.embedding_pooling)
        if half:
            self._halve()

    def _pool(self, mode: Literal["cls", "mean", "lasttoken"]) -> None:
        pooling = next(module for module in self._model if isinstance(module, Pooling))
        pooling.pooling_mode = mode
        pooling.pooling_output_dimension = pooling.embedding_dimension

    def _halve(self) -> None:
        """Let the transformer compute in bfloat16; pooling and normalizing stay in float32, so that lengths are one.

        Texts are padded to few lengths: for every shape that it meets, torch keeps code and rearranged weights, which
        were 2.5 GB after 100,000 texts.
        """
        transformer: Any = self._model[0].bfloat16()
        transformer.register_forward_hook(_widen)
        transformer.processing_kwargs["text"] = {
            **transformer.processing_kwargs.get("text", {}),
            "pad_to_multiple_of": _PADDED_TO,
        }

    @property
    def revision(self) -> str:
        """Revision or digest of the weights."""
        return self._revision

    @classmethod
    def class_name(cls) -> str:
        """Return the name under which LlamaIndex serializes this part."""
        return "LocalEmbedding"

    def embed_queries(self, questions: Sequence[str]) -> list[list[float]]:
        """Return the vectors of several questions, made in batches; LlamaIndex embeds questions one by one."""
        return self._embed(questions, prompt_name="query")

    def _embed(self, inputs: Sequence[str | BytesIO], prompt_name: str | None = None) -> list[list[float]]:
        order = sorted(range(len(inputs)), key=lambda i: len(str(inputs[i])), reverse=True)
        vectors: list[list[float]] = [[]] * len(inputs)
        for start in range(0, len(order), self._batch):
            chosen = order[start : start + self._batch]
            for i, vector in zip(chosen, self._encode([inputs[i] for i in chosen], prompt_name), strict=True):
                vectors[i] = vector
        return vectors

    def _encode(self, inputs: list[str | BytesIO], prompt_name: str | None) -> list[list[float]]:
        try:
            with self._lock:  # fast tokenizers are not safe to share
                encoded: Any = self._model.encode(
                    inputs,  # pyright: ignore[reportArgumentType] - the base class's own annotation is wider
                    batch_size=self._batch,
                    prompt_name=prompt_name,
                    normalize_embeddings=self.normalize,
                    show_progress_bar=False,
                )
        except (RuntimeError, MemoryError) as error:
            raise ModelUnavailable(
                f"The embedding model {self.model_name!r} failed on {len(inputs)} text(s): {error}.",
                remedy="Lower FURY_AGENT_EMBEDDING_BATCH if memory is short.",
            ) from error
        return encoded.tolist()


def _widen(_module: torch.nn.Module, _inputs: object, features: dict[str, Any]) -> dict[str, Any]:
    return {**features, "token_embeddings": features["token_embeddings"].float()}


def load(directory: Path, identity: tuple[str, str], settings: Settings) -> LocalEmbedding:
    """Load the model in `directory`, known as `identity` (name, revision).

    Raises:
        ConfigurationError: neither the settings nor the model's files say how it pools.
        ModelUnavailable: there is no model that can be loaded.
    """
    if settings.embedding_pooling == "auto" and not (directory / "modules.json").is_file():
        raise ConfigurationError(  # sentence-transformers would take the mean, which is wrong for half of all models
            f"The files of the embedding model {identity[0]!r} do not say how it pools: there is no modules.json.",
            remedy="Set FURY_AGENT_EMBEDDING_POOLING to cls, mean or lasttoken; the model's page says which.",
            field="embedding_pooling",
        )
    torch.set_num_threads(min(torch.get_num_threads(), _MAX_THREADS))
    precision = settings.embedding_precision
    try:
        with quiet():
            half = has_bfloat16() if precision == "auto" else precision == "bfloat16"
            return LocalEmbedding(directory, identity, settings, half=half)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise ModelUnavailable(
            f"The embedding model in {str(directory)!r} cannot be loaded: {first_line(error)}.",
            remedy="Expected a directory in sentence-transformers' layout, without code of its own: "
            "alibaba-nlp-community/gte-large-en-v1.5 needs none, Alibaba-NLP's does.",
        ) from error


def _prefixes(directory: Path, settings: Settings) -> tuple[str | None, str | None]:
    """Return what is written before queries and texts: as the settings say, else as the model's configuration does."""
    query, text = _instructions(directory)
    own_query, own_text = settings.embedding_query_prefix, settings.embedding_passage_prefix
    return (query if own_query is None else own_query), (text if own_text is None else own_text)


def _instructions(directory: Path) -> tuple[str | None, str | None]:
    """Return the prompts that the model's configuration wants before queries and texts (the base class ignores it)."""
    try:
        config = msgspec.json.decode(
            (directory / "config_sentence_transformers.json").read_bytes(), type=dict[str, Any]
        )
    except (OSError, msgspec.DecodeError):
        return None, None
    prompts: dict[str, str] = config.get("prompts") or {}
    text = next((prompts[name] for name in ("document", "text", "passage") if prompts.get(name)), None)
    return prompts.get("query") or None, text
