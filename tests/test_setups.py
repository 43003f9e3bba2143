"""The same questions on every set-up, with real weights: each is answered, cited and checked, or declined."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from agent.cancellation import CancelToken
from agent.index_build import build
from agent.providers.llms.llama_server import LlamaServer
from agent.providers.weights import resolve
from agent.schema import Answer, AnswerEvent, QueryRequest
from agent.service import Service
from agent.settings import PREFIX, child_environment
from tests.servers.ports import free_port
from tests.servers.postgres import postgres_server
from tests.servers.proxy import proxying
from tests.servers.redis import redis_server
from tests.support_pinecone import NO_PINECONE, pinecone_settings

pytestmark = [pytest.mark.slow, pytest.mark.weights, pytest.mark.timeout(400)]

MODEL = "qwen2.5-coder-0.5b"
BRIEF: dict[str, Any] = {"prompt_tokens": 500, "llm_max_tokens": 50, "rewrites": False}
"""So that a small model on two cores says something within seconds."""
REPLICAS = 2

Ask = Callable[[str], Answer]
Setup = Callable[[Service, Path, pytest.FixtureRequest], AbstractContextManager[Ask]]


def asked(service: Service) -> Ask:
    """Ask a service in this process."""

    def ask(question: str) -> Answer:
        *_, last = service.stream(QueryRequest(question), CancelToken())
        assert isinstance(last, AnswerEvent)
        return last.answer

    return ask


@contextmanager
def lancedb_embedded(fury: Service, _directory: Path, _request: pytest.FixtureRequest) -> Generator[Ask]:
    settings = fury.settings.model_copy(update={**BRIEF, "llm": "embedded", "llm_model": MODEL})
    with closing(Service(settings, embedding=fury.embedding())) as service:
        yield asked(service)


@contextmanager
def pinecone_embedded(fury: Service, directory: Path, _request: pytest.FixtureRequest) -> Generator[Ask]:
    pytest.importorskip("pinecone", reason=NO_PINECONE)
    from tests.servers.pinecone import pinecone_emulator

    shared = fury.settings.data_dir
    for name in ("weights", "sources"):
        (directory / name).symlink_to(shared / name)
    shutil.copy(shared / "embeddings.sqlite", directory)  # vectors that are known need not be made again
    with pinecone_emulator() as emulator:
        settings = pinecone_settings(emulator, data_dir=directory, llm_model=MODEL, **BRIEF)
        build(settings.library, settings, embedding=fury.embedding())
        with closing(Service(settings, embedding=fury.embedding())) as service:
            yield asked(service)


@contextmanager
def lancedb_huggingface(fury: Service, _directory: Path, request: pytest.FixtureRequest) -> Generator[Ask]:
    settings = fury.settings.model_copy(update={**BRIEF, "llm": "huggingface", "llm_model": MODEL})
    yield asked(Service(settings, embedding=fury.embedding(), llm=request.getfixturevalue("qwen")))


@contextmanager
def two_replicas(fury: Service, directory: Path, _request: pytest.FixtureRequest) -> Generator[Ask]:
    for package in ("psycopg", "redis"):
        pytest.importorskip(package, reason=f"the package {package} is not installed")
    with ExitStack() as stack:
        llama = stack.enter_context(closing(LlamaServer(resolve(MODEL, fury.settings), context=1024)))
        chosen = {
            **BRIEF,
            "data_dir": fury.settings.data_dir,
            "records_url": stack.enter_context(postgres_server()),
            "records_key": "ab" * 32,
            "redis_url": stack.enter_context(redis_server(directory)).url,
            "llm": "openai-like",
            "llm_url": f"{llama.address()}/v1",
            "llm_key": llama.key,
            "llm_model": MODEL,
        }
        ports = [free_port() for _ in range(REPLICAS)]
        started = [stack.enter_context(_serving({**chosen, "port": port})) for port in ports]
        for process in started:
            assert process.stdout is not None
            assert "listening" in process.stdout.readline()
        proxy = stack.enter_context(proxying(ports))
        client = stack.enter_context(httpx.Client(base_url=proxy.url, timeout=200, trust_env=False))
        yield lambda question: msgspec.json.decode(
            client.post("/query", json={"question": question}).raise_for_status().content, type=Answer
        )
        assert set(proxy.served) == set(ports)


@contextmanager
def _serving(settings: dict[str, Any]) -> Generator[subprocess.Popen[str]]:
    """Run `fury-agent serve` as an operator does."""
    own = {PREFIX + name.upper(): str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "agent", "serve"]
    environment = {**child_environment(), "PYTHONPATH": os.fspath(Path(__file__).parents[1]), **own}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


SETUPS: tuple[Setup, ...] = (lancedb_embedded, pinecone_embedded, lancedb_huggingface, two_replicas)


@pytest.mark.parametrize("setup", SETUPS)
def test_a_setup_answers_and_declines(
    setup: Setup, fury_service: Service, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with setup(fury_service, tmp_path, request) as ask:
        answered = ask("Which function creates a sphere actor? Name it with its module, in one sentence.")
        declined = ask("How do I bake sourdough bread?")
    assert (answered.status, answered.model) == ("answered", MODEL)
    assert "sphere" in answered.answer
    assert "fury/actor/curved.py:46-163" in [citation.place for citation in answered.citations]
    assert answered.verification.checked_names > 0
    assert (answered.version, answered.revision) == ("2.0.0", "v2.0.0")
    assert (declined.status, declined.model) == ("declined", None)
    assert declined.citations
