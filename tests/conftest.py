"""Shared parts: real sources, real weights and a clean environment.

Weights, sources and the index of FURY are those of the configured data directory, where the program itself keeps them
(made by the first test that needs them, as by `make ask`), so that a machine holds them once. Everything else that a
test writes goes to its own temporary directory.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from agent.settings import PREFIX, Settings

if TYPE_CHECKING:
    from agent.schema import SourceTree
    from agent.service import Service

# Under another name, too: the workers of pytest-xdist start with what this process has left of its environment.
SHARED_DATA = Path(os.environ.setdefault("FURY_TESTS_DATA_DIR", str(Settings().data_dir)))
PINECONE_API_KEY = os.environ.get("PINECONE_API_KEY", "")
"""Of a real project, for the live test."""
for name in [name for name in os.environ if name.startswith(PREFIX)]:
    del os.environ[name]
# A machine that does other work as well is slow at any moment; what must be quick has a test that says how quick.
hypothesis.settings.register_profile("any-machine", deadline=None)
hypothesis.settings.load_profile("any-machine")


@pytest.fixture(scope="session")
def shared_settings() -> Settings:
    """Settings that read the machine's weights and sources."""
    return Settings(data_dir=SHARED_DATA)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with an empty data directory of the test's own."""
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture(scope="session")
def pinecone_key() -> str:
    """The API key of a real Pinecone project; without one, the test is skipped."""
    if not PINECONE_API_KEY:
        pytest.skip("PINECONE_API_KEY is not set")
    return PINECONE_API_KEY


@pytest.fixture(scope="session")
def fury_tree(shared_settings: Settings) -> SourceTree:
    """The real sources of FURY 2.0.0."""
    from agent.sources import open_source

    return open_source("fury==2.0.0", shared_settings)


@pytest.fixture(scope="session")
def fury_service(shared_settings: Settings) -> Iterator[Service]:
    """A service over the real index of FURY 2.0.0, without an LLM."""
    from filelock import FileLock

    from agent.index_build import build
    from agent.service import Service

    SHARED_DATA.mkdir(parents=True, exist_ok=True)
    with FileLock(SHARED_DATA / "tests.lock"):  # other workers of this run want it, too
        build("fury==2.0.0", shared_settings)
    service = Service(shared_settings.model_copy(update={"llm": "none"}))
    yield service
    service.close()


@pytest.fixture(scope="session")
def qwen(shared_settings: Settings) -> Iterator[Any]:
    """Qwen2.5-Coder-0.5B in this process, unpacked from its GGUF."""
    from agent.providers.llms import build_llm

    named = {"llm": "huggingface", "llm_model": "qwen2.5-coder-0.5b", "prompt_tokens": 600, "llm_max_tokens": 60}
    made: Any = build_llm(shared_settings.model_copy(update=named))
    yield made
    made.close()


@pytest.fixture(scope="session")
def two_versions(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings under which a small library is indexed at 0.10.0 and, as the default, 2.0.0."""
    from tests.two_versions import index_two_versions

    return index_two_versions(tmp_path_factory.mktemp("versions"))
