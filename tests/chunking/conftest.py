"""A short way to chunk a text in tests."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from textwrap import dedent

import pytest

from agent.chunking import chunk_file
from agent.schema import Chunk, Language, Role, SourceFile

Cut = Callable[..., tuple[Chunk, ...]]


@pytest.fixture(scope="session")
def cut() -> Cut:
    """`cut(source, path=..., language=..., role=..., module=..., public=...)` gives the chunks of a source."""

    def cut_source(
        source: str | bytes,
        path: str = "pkg/mod.py",
        *,
        language: Language = "python",
        role: Role = "package",
        module: str | None = None,
        public: Mapping[str, str] | None = None,
    ) -> tuple[Chunk, ...]:
        data = source if isinstance(source, bytes) else dedent(source).encode()
        file = SourceFile(path, language, role, module, len(data), hashlib.sha256(data).hexdigest())
        return chunk_file(file, data, public or {})

    return cut_source
