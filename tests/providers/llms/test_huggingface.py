"""Models of the transformers library do as they are told, stop when they are told, and fail in words.

Most run the real loading and generating code on a random Phi-3 of two layers; what it says means nothing.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage, ChatResponse

from agent.cancellation import CancelToken
from agent.errors import Cancelled, InvalidInput, MissingExtra, ModelTimeout, ModelUnavailable, WeightsMissing
from agent.providers import llms
from agent.providers.llms import build_llm, count_tokens, model_name
from agent.providers.llms.stream import Usage, stream_chat
from agent.settings import PHI_3, Settings, load_settings
from tests import tiny_models
from tests.tiny_models import PHI_3_WINDOW, phi_3

ASKED = [ChatMessage(role="system", content="Be brief."), ChatMessage(role="user", content="How do I draw a sphere?")]
SOON = 5.0
"""Seconds that count as at once on a busy machine; the answers that are withdrawn would take longer."""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return phi_3(tmp_path_factory.mktemp("models") / "tiny-phi-3")


def settings_for(model: Path | str, **changes: Any) -> Settings:
    return load_settings(llm="huggingface", llm_model=str(model), llm_precision="float32", **changes)


@pytest.fixture(scope="module")
def llm(tiny: Path) -> Iterator[Any]:
    made: Any = build_llm(settings_for(tiny))
    yield made
    made.close()


@pytest.fixture
def slow(tiny: Path) -> Iterator[Any]:
    """The same model, with a large window, that takes 20 ms for each step."""
    made: Any = build_llm(settings_for(tiny))
    made.context_window = 100_000

    def wait(*_: object) -> None:
        time.sleep(0.02)

    made._model.register_forward_pre_hook(wait)
    yield made
    made.close()


def text(llm: Any, **told: Any) -> str:
    return str(llm.chat(ASKED, **told).message.content)


# --- what it is told --------------------------------------------------------------------------------


def test_the_name_the_window_and_the_tokens_are_the_models_own(llm: Any, tiny: Path) -> None:
    assert model_name(llm) == str(tiny)
    assert llm.metadata.context_window == PHI_3_WINDOW  # smaller than the setting's
    assert llm.metadata.is_chat_model
    assert count_tokens(llm, "") == 0
    assert count_tokens(llm, "<|end|>") == 1
    assert llm.prompt_tokens(ASKED) > count_tokens(llm, "How do I draw a sphere?")


def test_a_prompt_is_written_with_the_models_template_and_no_token_twice(llm: Any) -> None:
    prompt = llm._vocabulary.prompt(ASKED)
    written = llm._tokenizer.decode(prompt)
    assert written == "<|system|>\nBe brief.<|end|>\n<|user|>\nHow do I draw a sphere?<|end|>\n<|assistant|>\n"


def test_the_arguments_of_a_call_count(llm: Any) -> None:
    whole = llm.chat(ASKED, max_tokens=12)
    assert whole.additional_kwargs["completion_tokens"] == 12
    assert whole.additional_kwargs["prompt_tokens"] == llm.prompt_tokens(ASKED)
    assert whole.additional_kwargs["finish_reason"] == "length"
    assert text(llm, max_tokens=12) == text(llm, max_tokens=12, temperature=0) == whole.message.content
    drawn = [text(llm, max_tokens=12, temperature=1.5, seed=seed) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_stop_string_ends_the_answer_before_it(llm: Any) -> None:
    whole = text(llm, max_tokens=12)
    stop = whole[5:7]
    cut = llm.chat(ASKED, max_tokens=12, stop=stop)
    assert cut.message.content == whole.partition(stop)[0]
    assert cut.additional_kwargs["finish_reason"] == "stop"
    assert text(llm, max_tokens=12, stop=["never said", stop]) == cut.message.content


def test_an_argument_that_it_does_not_know_is_refused(llm: Any) -> None:
    with pytest.raises(InvalidInput, match=r"max_token'.*It takes max_tokens, temperature"):
        text(llm, max_token=12)
    with pytest.raises(InvalidInput, match=r"temperature"):
        text(llm, temperature=-1)


def test_the_tokens_that_end_an_answer_are_those_of_the_files_and_that_of_the_chats(llm: Any) -> None:
    names = llm._tokenizer.convert_ids_to_tokens(llm._speaker._end_ids)
    assert set(names) == {"<|endoftext|>", "<|assistant|>", "<|end|>"}


@pytest.mark.parametrize("template", ["{{ messages[0]['content'] }}", "{{ raise_exception('no') }}"])
def test_a_template_that_does_not_tell_what_ends_a_reply_adds_nothing(tmp_path: Path, template: str) -> None:
    made: Any = build_llm(settings_for(phi_3(tmp_path / "m", template=template)))
    names = made._tokenizer.convert_ids_to_tokens(made._speaker._end_ids)
    assert set(names) == {"<|endoftext|>", "<|assistant|>"}
    made.close()


def test_the_token_that_ends_an_answer_is_not_shown(llm: Any) -> None:
    import torch

    prompt = torch.tensor([llm._vocabulary.prompt(ASKED)])
    said = llm._model.generate(prompt, max_new_tokens=12, do_sample=False)[0]
    llm._speaker._end_ids, kept = [int(said[-1])], llm._speaker._end_ids
    try:
        ended = llm.chat(ASKED, max_tokens=100)
    finally:
        llm._speaker._end_ids = kept
    assert ended.additional_kwargs["finish_reason"] == "stop"
    assert ended.additional_kwargs["completion_tokens"] <= 12
    assert text(llm, max_tokens=12).startswith(str(ended.message.content))


def test_what_is_shown_of_it_ends(llm: Any, tiny: Path) -> None:
    assert str(tiny) in f"{llm!r} {llm} {llm.to_payload()}"


def test_completions_are_chats_of_one_message(llm: Any) -> None:
    said = llm.chat([ChatMessage(role="user", content="Draw!")], max_tokens=6).message.content
    assert llm.complete("Draw!", max_tokens=6).text == said
    assert [*llm.stream_complete("Draw!", max_tokens=6)][-1].text == said
    assert asyncio.run(llm.acomplete("Draw!", max_tokens=6)).text == said


def test_a_model_that_knows_no_system_role_hears_it_from_the_user(tmp_path: Path) -> None:
    template = tiny_models.WITHOUT_SYSTEM + tiny_models.PHI_3_TEMPLATE
    made: Any = build_llm(settings_for(phi_3(tmp_path / "m", template=template)))
    written = made._tokenizer.decode(made._vocabulary.prompt(ASKED))
    assert written == "<|user|>\nBe brief.\n\nHow do I draw a sphere?<|end|>\n<|assistant|>\n"
    made.close()


def test_the_native_class_is_taken_where_the_files_name_code_of_their_own(tiny: Path, tmp_path: Path) -> None:
    """As those of the real Phi-3 do, with code that current versions of the library cannot run."""
    directory = Path(shutil.copytree(tiny, tmp_path / "m"))
    config = json.loads((directory / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}
    (directory / "config.json").write_text(json.dumps(config))
    (directory / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    made: Any = build_llm(settings_for(directory))
    assert type(made._model).__module__ == "transformers.models.phi3.modeling_phi3"
    assert not (tmp_path / "ran").exists()
    made.close()


# --- streams ----------------------------------------------------------------------------------------


def test_the_pieces_of_a_stream_are_the_answer(llm: Any) -> None:
    responses: Sequence[ChatResponse] = list(llm.stream_chat(ASKED, max_tokens=12))
    assert "".join(response.delta or "" for response in responses) == text(llm, max_tokens=12)
    assert responses[-1].message.content == text(llm, max_tokens=12)
    assert responses[-1].additional_kwargs["total_tokens"] == llm.prompt_tokens(ASKED) + 12


def test_the_event_loop_goes_on_while_the_model_writes(slow: Any) -> None:
    async def ticks_during_answer() -> int:
        answer = asyncio.create_task(slow.achat(ASKED, max_tokens=20))
        ticks = 0
        while not answer.done():
            await asyncio.sleep(0.01)
            ticks += 1
        assert answer.result().additional_kwargs["completion_tokens"] == 20
        return ticks

    assert asyncio.run(ticks_during_answer()) > 10


def test_the_engines_stream_tells_the_model_and_counts(llm: Any) -> None:
    *said, last = ask(llm, max_tokens=12)
    assert "".join(delta.text for delta in said) == text(llm, max_tokens=12)
    assert (last.finish_reason, last.usage) == ("length", Usage(llm.prompt_tokens(ASKED), 12))


def ask(llm: Any, cancel: CancelToken | None = None, **changes: Any) -> Any:
    limits: dict[str, Any] = {"first_token_timeout": 30.0, "token_timeout": 30.0, "max_tokens": 5000, **changes}
    return stream_chat(llm, ASKED, cancel=cancel or CancelToken(), **limits)


def idle(llm: Any) -> bool:
    """Whether the model's one thread is free soon."""
    deadline = time.monotonic() + SOON
    while llm._speaker._waiting and time.monotonic() < deadline:
        time.sleep(0.01)
    return not llm._speaker._waiting


def test_cancelling_ends_the_writing(slow: Any) -> None:
    cancel = CancelToken()
    stream = ask(slow, cancel)
    next(stream)
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(stream)
    assert idle(slow)


@pytest.mark.parametrize("way", ["engine", "llm"])
def test_who_closes_a_stream_ends_the_writing(slow: Any, way: str) -> None:
    stream = ask(slow) if way == "engine" else slow.stream_chat(ASKED, max_tokens=5000)
    next(stream)
    stream.close()
    assert idle(slow)


def test_reading_a_prompt_ends_within_a_layer(tiny: Path) -> None:
    made: Any = build_llm(settings_for(tiny))
    first, second = made._model.model.layers
    reading, read = threading.Event(), threading.Event()

    def pause(*_: object) -> None:
        reading.set()
        read.wait(SOON)

    first.register_forward_hook(pause)

    def fail(*_: object) -> None:
        pytest.fail("read on")

    second.register_forward_hook(fail)
    cancel = CancelToken()

    def withdraw() -> None:
        assert reading.wait(SOON)
        cancel.cancel()
        time.sleep(0.2)  # until the model's thread can know
        read.set()

    threading.Thread(target=withdraw).start()
    with pytest.raises(Cancelled):
        list(ask(made, cancel))
    assert idle(made)
    made.close()


def test_a_deadline_ends_the_writing(slow: Any) -> None:
    with pytest.raises(ModelTimeout, match="said nothing"):
        list(ask(slow, first_token_timeout=0.001))
    assert idle(slow)


def test_answers_wait_for_their_turn_and_all_come(slow: Any) -> None:
    running: list[int] = []

    def note(*_: object) -> None:
        running.append(threading.get_ident())

    slow._model.register_forward_pre_hook(note)
    threads = [threading.Thread(target=lambda: list(ask(slow, max_tokens=5))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON * 2)
    assert len(running) == 3 * 5
    assert len(set(running)) == 1


def test_closing_withdraws_what_is_written_and_ends_the_thread(slow: Any) -> None:
    stream = slow.stream_chat(ASKED, max_tokens=5000)
    next(stream)
    started = time.monotonic()
    slow.close()
    assert time.monotonic() - started < SOON
    with pytest.raises(Cancelled):
        list(stream)
    with pytest.raises(ModelUnavailable, match="closed"):
        text(slow)


# --- what goes wrong ------------------------------------------------------------------------------


def test_a_prompt_beyond_the_window_is_refused_and_never_cut(llm: Any) -> None:
    long = [ChatMessage(role="user", content="sphere " * PHI_3_WINDOW)]
    with pytest.raises(ModelUnavailable, match=r"longer than the context window.*FURY_AGENT_PROMPT_TOKENS"):
        llm.chat(long)
    with pytest.raises(ModelUnavailable, match="longer than the context window"):
        list(stream_chat(llm, long, cancel=CancelToken(), first_token_timeout=9, token_timeout=9, max_tokens=9))


def test_an_answer_never_leaves_the_window(llm: Any) -> None:
    last = llm.chat(ASKED, max_tokens=5000)
    assert last.additional_kwargs["total_tokens"] <= PHI_3_WINDOW


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (RuntimeError("secret"), "failed with RuntimeError"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "ran out of memory"),
    ],
)
def test_a_failure_in_the_middle_ends_the_stream_in_words(tiny: Path, raised: Exception, words: str) -> None:
    made: Any = build_llm(settings_for(tiny))
    steps: list[None] = []

    def fail(*_: object) -> None:
        steps.append(None)
        if len(steps) > 3:
            raise raised

    made._model.register_forward_pre_hook(fail)
    stream = ask(made)
    next(stream)
    with pytest.raises(ModelUnavailable, match=words) as caught:
        list(stream)
    assert "secret" not in str(caught.value)
    made.close()


def test_without_a_model_named_it_is_phi_3() -> None:
    assert load_settings(llm="huggingface").llm_model_or_default == PHI_3
    assert load_settings(llm="huggingface", llm_model="x/y").llm_model_or_default == "x/y"
    assert load_settings().llm_model_or_default == load_settings().llm_model


def test_a_model_that_is_nowhere_names_the_command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.providers.hub.unreachable", lambda: "the hub is far away")
    with pytest.raises(WeightsMissing, match=rf"{PHI_3}.*far away.*hf download {PHI_3}"):
        build_llm(settings.model_copy(update={"llm": "huggingface"}))


def test_a_directory_that_holds_no_model_is_refused_in_words(tmp_path: Path, tiny: Path) -> None:
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        build_llm(settings_for(tmp_path))
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in tiny.iterdir():
        (broken / file.name).write_bytes(file.read_bytes()[: 1000 if file.suffix == ".safetensors" else None])
    with pytest.raises(ModelUnavailable, match=r"cannot be loaded.*model\.safetensors"):
        build_llm(settings_for(broken))


def test_a_model_that_is_not_made_for_chats_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"no chat template.*-Instruct"):
        build_llm(settings_for(phi_3(tmp_path / "m", template=None)))


def test_a_model_larger_than_the_memory_is_refused_before_it_is_read(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psutil

    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 1000}))
    with pytest.raises(ModelUnavailable, match=r"not enough memory.*FURY_AGENT_LLM_QUANTIZATION"):
        build_llm(settings_for(tiny))


@pytest.mark.parametrize("bits", ["8bit", "4bit"])
def test_quantization_without_its_package_names_the_command(
    tiny: Path, bits: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_: str) -> None: ...

    monkeypatch.setattr("agent.providers.llms.huggingface_loading.importlib.util.find_spec", nothing)
    with pytest.raises(MissingExtra, match=r"bitsandbytes.*pip install 'fury-agent\[quantized\]'"):
        build_llm(settings_for(tiny, llm_quantization=bits))


@pytest.mark.parametrize(("bits", "layer"), [("8bit", "Linear8bitLt"), ("4bit", "Linear4bit")])
def test_quantized_weights_take_less_memory_and_speak(llm: Any, tiny: Path, bits: str, layer: str) -> None:
    pytest.importorskip("bitsandbytes", reason="the extra `quantized` is not installed")
    made: Any = build_llm(load_settings(llm="huggingface", llm_model=str(tiny), llm_quantization=bits))
    assert layer in {type(module).__name__ for module in made._model.modules()}
    assert made._model.get_memory_footprint() < llm._model.get_memory_footprint() / 2
    assert text(made, max_tokens=8)
    made.close()


def test_without_the_extra_the_command_is_named(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "agent.providers.llms.huggingface", raising=False)
    monkeypatch.setitem(sys.modules, "llama_index.llms.huggingface", None)
    with pytest.raises(MissingExtra, match=r"pip install 'fury-agent\[hf\]'"):
        build_llm(settings_for(tiny))


def test_importing_the_builders_loads_no_torch() -> None:
    code = "import sys, agent.providers.llms; print(*sys.modules)"
    package = Path(llms.__file__).parents[3]
    loaded = subprocess.run([sys.executable, "-c", code], cwd=package, capture_output=True, check=True).stdout.split()
    assert not {b"torch", b"transformers"} & set(loaded)


# --- real weights ---------------------------------------------------------------------------------


@pytest.mark.weights
def test_real_weights_answer_and_end_by_themselves(qwen: Any) -> None:
    messages = [ChatMessage(role="user", content="What is 2 + 3? Reply with the number alone.")]
    reply = qwen.chat(messages, max_tokens=20)
    assert str(reply.message.content).strip().rstrip(".").endswith("5")
    assert reply.additional_kwargs["finish_reason"] == "stop"
    assert reply.additional_kwargs["completion_tokens"] < 20
