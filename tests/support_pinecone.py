"""Settings and stores over an emulated Pinecone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pydantic import SecretStr

from agent.settings import Settings
from tests.servers.pinecone import PineconeEmulator

if TYPE_CHECKING:
    from agent.providers.stores.pinecone import PineconeStore

NO_PINECONE = "the extra `pinecone` is not installed"


def pinecone_settings(emulator: PineconeEmulator, **more: Any) -> Settings:
    """Return settings that choose the emulator."""
    chosen: dict[str, Any] = {"pinecone_timeout": 5.0, **more}
    return Settings(store="pinecone", pinecone_key=SecretStr(emulator.key), pinecone_url=emulator.url, **chosen)


def pinecone_store(
    emulator: PineconeEmulator, directory: Path, dimension: int = 4, tokenize: Any = str.split, **more: Any
) -> PineconeStore:
    """Return an empty store in a namespace of its own."""
    from agent.providers.stores.pinecone import PineconeStore
    from agent.providers.stores.pinecone_client import Connection

    settings = pinecone_settings(emulator, pinecone_index=f"d{dimension}", **more)
    connection = Connection(settings, settings.pinecone_index)
    return PineconeStore.create(connection, directory, uuid4().hex, dimension, tokenize=tokenize)
