"""A real model behind real HTTP and a network that breaks: llama.cpp's server as others serve it."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.llms.llm import LLM

from agent.cancellation import CancelToken
from agent.errors import Cancelled, ModelTimeout, ModelUnavailable
from agent.providers.llms import build_llm
from agent.providers.llms.llama_server import LlamaServer
from agent.providers.llms.stream import Delta, stream_chat
from agent.providers.weights import resolve
from agent.settings import Settings, load_settings
from tests.servers import faults

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def llama(shared_settings: Settings) -> Generator[LlamaServer]:
    """The server, which runs while this module's tests do."""
    server = LlamaServer(resolve("qwen2.5-coder-0.5b", shared_settings), context=512)
    server.address()
    yield server
    server.close()


def served(llama: LlamaServer, url: str, **changes: Any) -> LLM:
    llm = build_llm(load_settings(llm="openai-like", llm_url=url, llm_model="qwen", llm_key=llama.key, **changes))
    assert llm is not None
    return llm


def ask(llm: LLM, question: str = "Say only the word hello.", **changes: Any) -> Generator[Delta, None, None]:
    options: dict[str, Any] = {
        "cancel": CancelToken(),
        "first_token_timeout": 60.0,
        "token_timeout": 30.0,
        "max_tokens": 12,
        **changes,
    }
    return stream_chat(llm, [ChatMessage(role="user", content=question)], **options)


def test_it_answers_through_a_slow_network(llama: LlamaServer) -> None:
    with faults.proxy(f"{llama.address()}/v1", faults.delays(0.3)) as proxy:
        *said, last = ask(served(llama, proxy.url))
    assert "hello" in "".join(delta.text for delta in said).lower()
    assert (last.finish_reason, last.model) == ("stop", "qwen")
    assert last.usage is not None


def test_it_answers_where_the_first_does_not(llama: LlamaServer) -> None:
    second = {
        "fallback_llm": "openai-like",
        "fallback_llm_url": f"{llama.address()}/v1",
        "fallback_llm_model": "second",
    }
    with faults.proxy(f"{llama.address()}/v1", faults.hangs) as proxy:
        llm = served(llama, proxy.url, **second, fallback_llm_key=llama.key, fallback_after=0.5)
        assert [*ask(llm)][-1].model == "second"


def test_a_wrong_key_is_told(llama: LlamaServer) -> None:
    llm = build_llm(Settings(llm="openai-like", llm_url=f"{llama.address()}/v1"))
    assert llm is not None
    with pytest.raises(ModelUnavailable, match="FURY_AGENT_LLM_KEY"):
        list(ask(llm))


@pytest.mark.parametrize(
    ("fault", "error", "patience"),
    [(faults.truncates_after(900), ModelUnavailable, 30), (faults.hangs_after(900), ModelTimeout, 2)],
)
def test_a_network_that_breaks_in_the_middle_is_an_error(
    llama: LlamaServer, fault: faults.Fault, error: type[Exception], patience: float
) -> None:
    with faults.proxy(f"{llama.address()}/v1", fault) as proxy, pytest.raises(error):
        list(ask(served(llama, proxy.url), "Count from one to fifty.", token_timeout=patience))


def test_a_withdrawn_question_frees_the_model_behind_the_network(llama: LlamaServer) -> None:
    cancel = CancelToken()
    with faults.proxy(f"{llama.address()}/v1") as proxy:
        llm = served(llama, proxy.url)
        threading.Timer(1, cancel.cancel).start()
        started = time.monotonic()
        with pytest.raises(Cancelled):
            list(ask(llm, "Count from one to a thousand.", max_tokens=400, cancel=cancel))
        assert time.monotonic() - started < 10
        assert list(ask(llm, "Hi", max_tokens=1))
