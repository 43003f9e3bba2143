"""The embedded LLM with a real model: it streams, can be interrupted, counts, survives, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from llama_index.core.base.llms.types import ChatMessage

from agent.cancellation import CancelToken
from agent.errors import Cancelled, ModelUnavailable
from agent.providers.llms import count_tokens
from agent.providers.llms.embedded import EmbeddedLLM
from agent.providers.llms.stream import Delta, stream_chat
from agent.providers.weights import resolve
from agent.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Generator

LONG_PROMPT = " ".join(f"word{number}" for number in range(700))
ENDED = 10.0
"""Seconds in which a process ends, on a busy machine."""


@pytest.fixture(scope="module")
def weights(shared_settings: Settings) -> Path:
    return resolve("qwen2.5-coder-0.5b", shared_settings)


@pytest.fixture(scope="module")
def llm(weights: Path) -> Iterator[EmbeddedLLM]:
    llm = EmbeddedLLM(weights, context=4096)
    yield llm
    llm.close()


def ask(
    llm: EmbeddedLLM, question: str, *, max_tokens: int = 8, cancel: CancelToken | None = None
) -> Generator[Delta, None, None]:
    return stream_chat(
        llm,
        [ChatMessage(role="user", content=question)],
        cancel=cancel or CancelToken(),
        first_token_timeout=100,
        token_timeout=60,
        max_tokens=max_tokens,
    )


def text(deltas: Iterator[Delta]) -> str:
    return "".join(delta.text for delta in deltas)


def pid(llm: EmbeddedLLM) -> int:
    llm.start()
    assert llm._server._process is not None
    return llm._server._process.pid


def gone(process: int) -> bool:
    """Whether a process ends within a few seconds."""
    for _ in range(100):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        status = Path(f"/proc/{process}/status")
        if status.exists() and "\nState:\tZ" in status.read_text():
            return True  # nobody has asked for its exit code yet
        time.sleep(0.05)
    return False


def test_it_is_held_to_a_grammar_and_stays_free_without_one(llm: EmbeddedLLM) -> None:
    question = "What is two plus two? Answer with one word."
    assert text(ask(llm.held_to('root ::= "purple" | "yellow"'), question)) in {"purple", "yellow"}
    assert text(ask(llm, question)) not in {"purple", "yellow"}


def test_nothing_runs_before_the_first_question(tmp_path: Path) -> None:
    assert EmbeddedLLM(tmp_path / "missing.gguf")._server._process is None


def test_a_file_that_is_no_model_is_told(tmp_path: Path) -> None:
    """It is reported like any model that can't be had, and doesn't take this process with it."""
    file = tmp_path / "broken.gguf"
    file.write_bytes(b"not a model" * 1000)
    llm = EmbeddedLLM(file)
    with pytest.raises(ModelUnavailable, match=r"broken\.gguf"):
        list(ask(llm, "Hello"))
    with pytest.raises(ModelUnavailable, match=r"broken\.gguf"):
        llm.count_tokens("Hello")


@pytest.mark.weights
def test_it_answers_and_tells_how_the_answer_ended(llm: EmbeddedLLM) -> None:
    *said, last = ask(llm, "Say only the word hello.", max_tokens=20)
    assert "hello" in "".join(delta.text for delta in said).lower()
    assert last.finish_reason == "stop"
    assert last.usage is not None
    assert last.usage.completion_tokens <= 20


@pytest.mark.weights
def test_the_same_question_gets_the_same_answer_and_a_cut_one_says_so(llm: EmbeddedLLM) -> None:
    first, second = (list(ask(llm, "Count from one to fifty.", max_tokens=12)) for _ in range(2))
    assert first == second
    assert first[-1].finish_reason == "length"


@pytest.mark.weights
def test_tokens_are_the_models_own(llm: EmbeddedLLM) -> None:
    assert count_tokens(llm, "") == 0
    assert count_tokens(llm, "hello world") == 2
    question = ChatMessage(role="user", content="hello world")
    *_, last = ask(llm, "hello world", max_tokens=1)
    assert last.usage is not None
    assert llm.prompt_tokens([question]) == last.usage.prompt_tokens > 2


@pytest.mark.weights
def test_a_prompt_beyond_the_context_window_is_a_matter_of_the_settings(llm: EmbeddedLLM) -> None:
    with pytest.raises(ModelUnavailable, match="FURY_AGENT_LLM_CONTEXT"):
        list(ask(llm, "word " * 5000))


@pytest.mark.weights
@pytest.mark.parametrize("question", [LONG_PROMPT, "Count from one to a thousand."], ids=["prompt", "answer"])
def test_a_withdrawn_question_frees_the_model(llm: EmbeddedLLM, question: str) -> None:
    """What it goes on with, if anything, is a batch: the rest of either would take ten times as long."""
    started = time.monotonic()
    list(ask(llm, " ".join(LONG_PROMPT.split()[:70]), max_tokens=100))
    tenth = time.monotonic() - started
    cancel = CancelToken()
    threading.Timer(0.5, cancel.cancel).start()
    with pytest.raises(Cancelled):
        list(ask(llm, question, max_tokens=2000, cancel=cancel))
    started = time.monotonic()
    assert list(ask(llm, "Hi", max_tokens=1))
    assert time.monotonic() - started < tenth + 1


@pytest.mark.weights
def test_questions_asked_at_once_are_all_answered(llm: EmbeddedLLM) -> None:
    answers: dict[int, str] = {}

    def run(number: int) -> None:
        answers[number] = text(ask(llm, f"Repeat: number {number}", max_tokens=10))

    threads = [threading.Thread(target=run, args=(number,)) for number in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert all(str(number) in answers[number] for number in (1, 2, 3))


@pytest.mark.weights
def test_it_comes_back_after_its_server_was_closed_or_killed(llm: EmbeddedLLM) -> None:
    before = pid(llm)
    llm.close()
    assert gone(before)
    assert text(ask(llm, "Hello"))
    os.kill(pid(llm), signal.SIGKILL)
    assert text(ask(llm, "Hello"))
    assert llm.count_tokens("never counted before") > 0


@pytest.mark.weights
def test_closing_ends_a_running_question_and_starts_nothing_new(llm: EmbeddedLLM) -> None:
    llm.start()
    closing = threading.Timer(0.7, llm.close)
    closing.start()
    with pytest.raises(ModelUnavailable):
        list(ask(llm, LONG_PROMPT))
    closing.join()
    assert llm._server._process is None


@pytest.mark.weights
def test_a_server_that_dies_in_the_middle_is_unavailable_and_the_next_question_is_answered(llm: EmbeddedLLM) -> None:
    stream = ask(llm, "Count from one to a thousand.", max_tokens=500)
    next(stream)
    os.kill(pid(llm), signal.SIGKILL)
    with pytest.raises(ModelUnavailable):
        list(stream)
    assert text(ask(llm, "Hello"))


@pytest.mark.weights
def test_others_on_the_machine_cannot_use_it(llm: EmbeddedLLM) -> None:
    address = llm._server.address()
    assert address.startswith("http://127.0.0.1:")
    assert httpx.post(f"{address}/v1/chat/completions", json={"messages": []}).status_code == 401
    commands = Path(f"/proc/{pid(llm)}/cmdline")
    assert not commands.exists() or llm._server.key not in commands.read_text()
    assert llm._server.key not in f"{llm!r} {llm.to_payload()}"


PROGRAM = """
import os, sys, threading, time
from pathlib import Path
from llama_index.core.base.llms.types import ChatMessage
from agent.cancellation import CancelToken
from agent.providers.llms.embedded import EmbeddedLLM
from agent.providers.llms.stream import stream_chat
llm = EmbeddedLLM(Path(sys.argv[1]))
stream = stream_chat(llm, [ChatMessage(role="user", content="Count from one to a thousand.")], cancel=CancelToken(),
                     first_token_timeout=100, token_timeout=60, max_tokens=1000)
next(stream)
threading.Thread(target=list, args=(stream,), daemon=True).start()
print(llm._server._process.pid, flush=True)
if sys.argv[2] == "killed":
    time.sleep(60)
"""


@pytest.mark.weights
@pytest.mark.parametrize("ending", ["ended", "killed"])
def test_it_goes_with_the_process_that_asked_even_in_the_middle_of_an_answer(weights: Path, ending: str) -> None:
    command = [sys.executable, "-X", "dev", "-c", PROGRAM, str(weights), ending]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        server = int(process.stdout.readline())
        if ending == "killed":
            process.kill()
        started = time.monotonic()
        process.wait(30)
        assert time.monotonic() - started < ENDED
        if ending == "ended":
            assert process.returncode == 0
            assert "never retrieved" not in (complaints := process.stderr.read())
            assert "destroyed" not in complaints
    assert gone(server)
