"""A stream has deadlines, can be withdrawn at any moment, says how it ended, and fails in our own words."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    CompletionResponse,
    CompletionResponseGen,
    LLMMetadata,
)
from llama_index.core.llms.custom import CustomLLM
from llama_index.core.llms.llm import LLM
from pydantic import PrivateAttr

from agent.cancellation import CancelToken
from agent.errors import AgentError, Cancelled, ModelTimeout, ModelUnavailable
from agent.providers import http_clients
from agent.providers.llms import build_llm
from agent.providers.llms.stream import Delta, Usage, stream_chat
from agent.settings import Settings
from tests.servers import openai

ROOT = Path(__file__).parents[3]
SECRET = "sk-secret"
SOON = 2.0
"""Seconds that count as at once on a busy machine."""


def client(url: str) -> LLM:
    llm = build_llm(Settings(llm="openai-like", llm_url=url, llm_model="test-model", llm_key=SECRET))  # pyright: ignore[reportArgumentType] - pydantic makes it secret
    assert llm is not None
    return llm


def ask(llm: LLM, **changes: Any) -> Generator[Delta, None, None]:
    options: dict[str, Any] = {
        "cancel": CancelToken(),
        "first_token_timeout": 20.0,
        "token_timeout": 20.0,
        "max_tokens": 50,
        **changes,
    }
    messages: Sequence[ChatMessage] = [ChatMessage(role="user", content="How?")]
    return stream_chat(llm, messages, **options)


@contextmanager
def soon() -> Generator[None]:
    """Fail if the block takes long."""
    started = time.monotonic()
    yield
    assert time.monotonic() - started < SOON


def test_the_text_comes_first_and_the_ending_last() -> None:
    with openai.serving(openai.answers) as server:
        *said, last = ask(client(server.url))

    assert [delta.text for delta in said] == list(openai.WORDS)
    assert {delta.finish_reason for delta in said} == {None}
    assert last == Delta("", "stop", Usage(7, len(openai.WORDS)), "test-model")


def test_the_model_is_told_everything_that_makes_answers_repeatable() -> None:
    with openai.serving(openai.answers) as server:
        list(ask(client(server.url), max_tokens=33))

    request = server.requests[0]
    assert (request["temperature"], request["seed"], request["max_tokens"]) == (0, 0, 33)
    assert request["messages"] == [{"role": "user", "content": "How?"}]
    assert server.keys == [f"Bearer {SECRET}"]


def test_an_answer_cut_by_its_length_says_so() -> None:
    def cut(reply: openai.Reply) -> None:
        reply.headers()
        reply.chunk("FURY ")
        reply.chunk(finish_reason="length")
        reply.event("[DONE]")

    with openai.serving(cut) as server:
        assert [*ask(client(server.url))][-1] == Delta("", "length", model="test-model")


@pytest.mark.parametrize("behaviour", [openai.hangs_at_once, openai.hangs_after_the_role])
def test_a_model_that_never_begins_times_out(behaviour: openai.Behaviour) -> None:
    """A chunk that only names the role is no sign of life."""
    with openai.serving(behaviour) as server:
        with soon(), pytest.raises(ModelTimeout, match=r"'test-model' said nothing for 0\.3 seconds"):
            list(ask(client(server.url), first_token_timeout=0.3))
        assert server.hung_up.wait(SOON)


def test_a_model_that_stops_in_the_middle_times_out_after_what_it_said() -> None:
    said: list[str] = []
    with openai.serving(openai.hangs_in_the_middle) as server:
        with soon(), pytest.raises(ModelTimeout, match="in the middle"):
            said.extend(delta.text for delta in ask(client(server.url), token_timeout=0.3))
        assert server.hung_up.wait(SOON)


def test_a_slow_reader_is_not_a_slow_model() -> None:
    with openai.serving(openai.answers) as server:
        stream = ask(client(server.url), token_timeout=0.3)
        first = next(stream)
        time.sleep(0.5)
        assert first.text + "".join(delta.text for delta in stream) == "".join(openai.WORDS)


def test_an_answer_is_whole_even_if_the_server_forgets_to_end_it() -> None:
    with openai.serving(openai.hangs_after_the_end) as server, soon():
        assert [*ask(client(server.url))][-1].finish_reason == "stop"


@pytest.mark.parametrize("behaviour", [openai.hangs_at_once, openai.hangs_in_the_middle])
def test_cancelling_stops_a_blocked_reader_and_closes_the_connection(behaviour: openai.Behaviour) -> None:
    cancel = CancelToken()
    with openai.serving(behaviour) as server:
        threading.Timer(0.3, cancel.cancel).start()
        with soon(), pytest.raises(Cancelled):
            list(ask(client(server.url), cancel=cancel))
        assert server.hung_up.wait(SOON)


def test_cancelling_closes_the_connection_though_nobody_reads() -> None:
    cancel = CancelToken()
    with openai.serving(openai.hangs_in_the_middle) as server:
        stream = ask(client(server.url), cancel=cancel)
        next(stream)
        cancel.cancel()
        assert server.hung_up.wait(SOON)
        with pytest.raises(Cancelled):
            next(stream)


def test_a_question_withdrawn_before_it_began_asks_nobody() -> None:
    cancel = CancelToken()
    cancel.cancel()
    with openai.serving(openai.answers) as server:
        with pytest.raises(Cancelled):
            list(ask(client(server.url), cancel=cancel))
        assert server.requests == []


@pytest.mark.parametrize("behaviour", [openai.hangs_in_the_middle, openai.never_stops])
def test_closing_the_generator_closes_the_connection(behaviour: openai.Behaviour) -> None:
    with openai.serving(behaviour) as server:
        stream = ask(client(server.url))
        next(stream)
        stream.close()
        assert server.hung_up.wait(SOON)


def test_a_model_that_ignores_its_limit_is_cut_off() -> None:
    with openai.serving(openai.never_stops) as server:
        *said, last = ask(client(server.url), max_tokens=5)
        assert server.hung_up.wait(SOON)

    assert last.finish_reason == "length"
    assert len(said) <= 50


@pytest.mark.parametrize(
    ("behaviour", "kind", "said"),
    [
        (openai.resets_in_the_middle, ModelUnavailable, "broke off"),
        (openai.ends_in_the_middle, ModelUnavailable, "broke off"),
        (openai.talks_garbage, ModelUnavailable, "OpenAI protocol"),
        (openai.is_a_web_site, ModelUnavailable, "said nothing"),
        (openai.fails_in_the_stream, ModelUnavailable, "APIError"),
        (openai.refuses(401), ModelUnavailable, "FURY_AGENT_LLM_KEY"),
        (openai.refuses(404), ModelUnavailable, "FURY_AGENT_LLM_MODEL"),
        (openai.refuses(429), ModelUnavailable, "at its limit"),
        (openai.refuses(500), ModelUnavailable, "HTTP 500"),
        (openai.refuses(504), ModelTimeout, "HTTP 504"),
        (openai.refuses(400), ModelUnavailable, "HTTP 400"),
        (openai.refuses(400, code="context_length_exceeded"), ModelUnavailable, "FURY_AGENT_PROMPT_TOKENS"),
    ],
)
def test_every_failure_has_our_name_and_no_secret(
    behaviour: openai.Behaviour, kind: type[AgentError], said: str
) -> None:
    with openai.serving(behaviour) as server:
        with soon(), pytest.raises(kind, match=said) as caught:
            list(ask(client(server.url)))
        assert len(server.requests) == 1  # nothing is asked twice

    assert type(caught.value) is kind
    assert SECRET not in str(caught.value)


def test_a_server_that_does_not_listen_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_clients, "FIRST_PAUSE", 0.01)
    with openai.serving(openai.answers) as server:
        url = server.url
    with soon(), pytest.raises(ModelUnavailable, match="cannot be reached"):
        list(ask(client(url)))


def test_a_server_that_hangs_delays_nobody_else() -> None:
    with openai.serving(openai.hangs_at_once) as hanging, openai.serving(openai.answers) as good:
        cancel = CancelToken()

        def wait() -> None:
            with pytest.raises(Cancelled):
                list(ask(client(hanging.url), cancel=cancel))

        stuck = threading.Thread(target=wait)
        stuck.start()
        with soon():
            assert list(ask(client(good.url)))
        cancel.cancel()
        stuck.join(SOON)
        assert not stuck.is_alive()


class BlockingLLM(CustomLLM):
    """An LLM in the way of most in-process ones: its async methods call the blocking ones."""

    _speak: Callable[[], Generator[str]] = PrivateAttr()

    def __init__(self, speak: Callable[[], Generator[str]]) -> None:
        super().__init__()
        self._speak = speak

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name="blocking")

    def complete(self, *args: Any, **kwargs: Any) -> CompletionResponse:
        raise NotImplementedError

    def stream_complete(self, *_args: Any, **_kwargs: Any) -> CompletionResponseGen:
        for word in self._speak():
            yield CompletionResponse(text="", delta=word)


def test_a_blocking_llm_streams_too() -> None:
    def speak() -> Generator[str]:
        yield from ("a ", "b ")

    assert list(ask(BlockingLLM(speak))) == [Delta("a "), Delta("b "), Delta("", "stop", model="blocking")]


def test_a_blocking_llm_that_hangs_times_out_and_delays_nobody_else() -> None:
    released = threading.Event()
    closed = threading.Event()

    def speak() -> Generator[str]:
        try:
            yield "a "
            released.wait(30)
            yield "b "
            yield "c "
        finally:
            closed.set()

    llm = BlockingLLM(speak)
    with soon(), pytest.raises(ModelTimeout):
        list(ask(llm, token_timeout=0.3))
    with openai.serving(openai.answers) as server, soon():
        assert list(ask(client(server.url)))
    released.set()
    assert closed.wait(SOON)  # it was not read on


class LingeringLLM(BlockingLLM):
    """An asynchronous LLM that never stops, and whose connection takes its time to close.

    Attributes:
        deaf: how often it goes on though it is cancelled.
    """

    deaf: int = 0
    _closed: threading.Event = PrivateAttr(default_factory=threading.Event)

    def __init__(self, deaf: int = 0) -> None:
        super().__init__(lambda: (_ for _ in ()))
        self.deaf = deaf

    async def astream_chat(self, *_args: Any, **_kwargs: Any) -> ChatResponseAsyncGen:
        async def speak() -> ChatResponseAsyncGen:
            while True:
                yield ChatResponse(message=ChatMessage(), delta="more ")
                try:
                    await asyncio.sleep(0)
                except asyncio.CancelledError:
                    if self.deaf:
                        self.deaf -= 1
                        continue
                    await asyncio.sleep(0.2)
                    self._closed.set()
                    raise

        return speak()


@pytest.mark.parametrize("deaf", [0, 2])
def test_a_model_that_is_cut_off_may_close_its_connection_in_peace(deaf: int) -> None:
    llm = LingeringLLM(deaf=deaf)
    assert [*ask(llm, max_tokens=5)][-1].finish_reason == "length"
    assert llm._closed.wait(SOON)  # pyright: ignore[reportPrivateUsage] - LlamaIndex's models have no other state


def test_a_stream_that_outlives_the_process_says_nothing() -> None:
    code = "import builtins; from tests.providers.llms import test_stream as t; builtins.kept = t.ask(t.LingeringLLM())"
    command = [sys.executable, "-c", f"{code}; next(builtins.kept)"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    assert done.stderr == ""


def test_what_a_blocking_llm_raises_is_told_as_unavailable() -> None:
    def speak() -> Generator[str]:
        yield "a "
        raise KeyError(SECRET)

    with pytest.raises(ModelUnavailable, match="'blocking' failed with KeyError") as caught:
        list(ask(BlockingLLM(speak)))
    assert SECRET not in str(caught.value)
