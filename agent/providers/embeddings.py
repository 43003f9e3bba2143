"""The embedding model that the settings name, as a LlamaIndex embedding."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import ConfigurationError, MissingExtra
from agent.providers import weights
from agent.providers.signature import same_weights
from agent.settings import Settings

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding


def build_embedding(settings: Settings, *, progress: weights.Progress | None = None) -> BaseEmbedding:
    """Load the embedding model into this process; only getting its weights may use the network.

    A served one is not asked yet. Vectors have unit length. The model may be used by several threads.

    Raises:
        MissingExtra: the extra `hf` is not installed.
        WeightsMissing, WeightsCorrupt, StorageError: see `weights.resolve`.
        ConfigurationError: the setting names a file rather than a model's directory, no address of a server, or neither
            the settings nor the model's files say how it pools.
        ModelUnavailable: the directory holds no model that can be loaded.
    """
    if settings.embedding != "local":
        from agent.providers.served_embedding import ServedEmbedding

        return ServedEmbedding.of(settings)
    directory = _directory(settings, weights.resolve(settings.embedding_model, settings, progress=progress))
    try:
        from agent.providers.local_embedding import load
    except ImportError as error:
        raise MissingExtra(
            f"The embedding model {settings.embedding_model!r} runs in process and needs packages that cannot be "
            f"imported: {error}.",
            remedy="Run `pip install 'fury-agent[hf]'`.",
        ) from error
    return load(directory, model_identity(settings), settings)


def model_identity(settings: Settings, embedding: BaseEmbedding | None = None) -> tuple[str, str]:
    """Return the model's name and what stands for its exact weights, without loading it.

    The second is the catalogue's revision, the commit on the hub, or the digest of the files of a directory of the
    user's own; with it stand the settings that change vectors. Dimension and all else follow from the files. A ready
    model answers for itself: `model_name`, and `revision` where it has such an attribute; so does a served one.

    Raises:
        WeightsMissing: the setting is neither in the catalogue nor a directory that exists nor to be had from the hub.
        ConfigurationError: it is a file, or there is no address of a server.
        ModelUnavailable, ModelTimeout: the server did not answer.
    """
    if embedding is None and settings.embedding != "local":
        embedding = build_embedding(settings)
    if embedding is not None:
        return embedding.model_name, str(getattr(embedding, "revision", ""))
    known = weights.lookup(settings.embedding_model)
    if known is not None:
        return known.name, known.revision + _changes(settings)
    directory = _directory(settings, weights.resolve(settings.embedding_model, settings))
    if not Path(settings.embedding_model).expanduser().exists():  # it came from the hub, which names it by the commit
        return settings.embedding_model.partition("@")[0], directory.name + _changes(settings)
    return directory.name, _digest(tuple(_state(directory))) + _changes(settings)


def _changes(settings: Settings) -> str:
    """Return what the settings change of a model's own ways, in words."""
    told = {
        "pooling": None if settings.embedding_pooling == "auto" else settings.embedding_pooling,
        "query prefix": settings.embedding_query_prefix,
        "passage prefix": settings.embedding_passage_prefix,
    }
    return "".join(f", {name} {value!r}" for name, value in told.items() if value is not None)


def same_model(made: tuple[str, str], now: tuple[str, str]) -> bool:
    """Return whether vectors of both identities can be compared; those of served models are never quite equal."""
    return made == now or (made[0] == now[0] and same_weights(made[1], now[1]))


def _directory(settings: Settings, path: Path) -> Path:
    if not path.is_dir():
        raise ConfigurationError(
            f"The embedding model {settings.embedding_model!r} is a file; expected a directory in the layout "
            "of sentence-transformers (modules.json, config.json, model.safetensors, ...).",
            remedy="Set FURY_AGENT_EMBEDDING_MODEL to such a directory or to 'all-MiniLM-L6-v2'.",
            field="embedding_model",
        )
    return path


def _state(directory: Path) -> list[tuple[Path, str, int, int]]:
    """Return the files that make a model: absolute path, name inside, size, modification time."""
    files: list[tuple[Path, str, int, int]] = []
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if path.is_file() and path.suffix != ".md" and not any(part.startswith(".") for part in Path(name).parts):
            stat = path.stat()
            files.append((path, name, stat.st_size, stat.st_mtime_ns))
    return files


@lru_cache(maxsize=4)
def _digest(files: tuple[tuple[Path, str, int, int], ...]) -> str:
    """Digest names and contents; sizes and times are only there to notice changes to files already read."""
    total = hashlib.sha256()
    for path, name, _, _ in files:
        with path.open("rb") as file:
            total.update(f"{name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return total.hexdigest()
