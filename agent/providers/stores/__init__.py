"""Settings -> the vector store of a generation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.chunking.tokens import code_tokens
from agent.errors import IndexMismatch, IndexMissing, MissingExtra
from agent.generations import Generation
from agent.providers.stores.pinecone_place import MARKER, place_of
from agent.settings import Settings

if TYPE_CHECKING:
    from agent.providers.stores.pinecone_client import Connection
    from agent.providers.stores.threaded import ThreadedVectorStore


def create_store(settings: Settings, generation: Generation, dimension: int) -> ThreadedVectorStore:
    """Make an empty store for a generation that is being built.

    Raises:
        MissingExtra: what the setting needs is not installed.
        StorageError, ServiceError, ConfigurationError: it could not be made.
        IndexMismatch: the service's index holds other vectors.
    """
    if settings.store == "pinecone":
        connection = _connection(settings, settings.pinecone_index)
        from agent.providers.stores.pinecone import PineconeStore

        return PineconeStore.create(
            connection, generation.store_dir, _namespace(generation), dimension, tokenize=code_tokens
        )
    from agent.providers.stores.lancedb import LanceVectorStore

    return LanceVectorStore.create(generation.store_dir, dimension, tokenize=code_tokens)


def open_store(settings: Settings, generation: Generation, *, once: bool = False) -> ThreadedVectorStore:
    """Open the store of a generation.

    Args:
        settings: which store.
        generation: a finished one.
        once: it is queried a few times only, and keeps next to nothing in memory for more.

    Raises:
        IndexMissing: there is none.
        IndexMismatch: it was built into another store than the settings ask for.
        MissingExtra: what the setting needs is not installed.
        IndexCorrupt, ServiceError, ConfigurationError: it could not be opened.
    """
    kept_in = _kept_in(generation)
    wanted = settings.pinecone_index if settings.store == "pinecone" else None
    if kept_in != wanted:
        raise IndexMismatch(
            f"The index in {str(generation.directory)!r} is kept in {_named(kept_in)}; "
            f"the settings ask for {_named(wanted)}.",
            remedy="Build it again: `fury-agent index`.",
        )
    if kept_in is not None:
        connection = _connection(settings, kept_in)
        from agent.providers.stores.pinecone import PineconeStore

        return PineconeStore.open(connection, generation.store_dir, tokenize=code_tokens)
    from agent.providers.stores.lancedb import LanceVectorStore

    return LanceVectorStore.open(generation.store_dir, tokenize=code_tokens, once=once)


def drop_store(settings: Settings, generation: Generation) -> None:
    """Delete what a generation holds outside its directory, finished or not; a second time does no harm.

    Raises:
        MissingExtra, ServiceError, ConfigurationError, IndexCorrupt: it could not be deleted.
    """
    kept_in = _kept_in(generation)
    if kept_in is not None:
        connection = _connection(settings, kept_in)
        from agent.providers.stores.pinecone_namespace import drop

        drop(connection, place_of(generation.store_dir))


def reach(settings: Settings) -> str:
    """Return what there is of the hosted store that the settings name.

    Raises:
        MissingExtra, ConfigurationError, ServiceError: it cannot be used.
    """
    try:
        found = _connection(settings, settings.pinecone_index).described()
    except IndexMissing:
        return f"Pinecone at {settings.pinecone_url}; the index {settings.pinecone_index!r} is made by the first build"
    return f"Pinecone's index {found.name!r}, {found.dimension} numbers, {found.status.state}"


def _kept_in(generation: Generation) -> str | None:
    """Return the name of the Pinecone index that holds the generation, or None where its directory does."""
    marked = (generation.store_dir / MARKER).exists()
    return place_of(generation.store_dir).index if marked else None


def _named(pinecone_index: str | None) -> str:
    return "its directory" if pinecone_index is None else f"Pinecone's index {pinecone_index!r}"


def _namespace(generation: Generation) -> str:
    """Return a name that no other generation of any library has: library, version and generation."""
    version = generation.directory.parents[1]
    return f"{version.parent.name}~{version.name}~{generation.name}"


def _connection(settings: Settings, index: str) -> Connection:
    try:
        from agent.providers.stores.pinecone_client import Connection
    except ImportError as error:
        raise MissingExtra(
            f"The store 'pinecone' needs a package that is not installed ({error}).",
            remedy="Run `pip install 'fury-agent[pinecone]'`.",
        ) from error
    return Connection(settings, index)
