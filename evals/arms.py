"""The ways of writing code that the suite `code` compares, from a bare model to the whole engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.llms.llm import LLM
from msgspec import Struct

from agent.answering.code_runner import CodeRunner
from agent.arrangement import Hit
from agent.cancellation import CancelToken
from agent.errors import InvalidInput, ServiceError
from agent.providers.llms import count_tokens
from agent.providers.llms.stream import stream_chat
from agent.query_engine import QueryEngine
from agent.schema import AnswerEvent, Event
from agent.verification import closed, without_note
from evals.answerers import Answerer

ALONE, PLAIN, VERIFIED, FEEDBACK, SERVICE = "model-alone", "plain-retrieval", "verified", "run-feedback", "service"
ARMS = (ALONE, PLAIN, VERIFIED, FEEDBACK)
"""What is compared in this process; each adds something to the one before."""
FREE = "free-imports"
"""The last of them without the grammar for imports; only asked by its name."""
ONCE = "without-rewrites"
"""`verified` without asking the model again; only asked by its name."""
ALONE_SYSTEM = "You write programs with the Python library {library} {version}. Answer with one complete program."
PLAIN_SYSTEM = f"{ALONE_SYSTEM} Use the documentation that is given."
PLAIN_QUESTION = "Documentation:\n\n{documentation}\n\nRequest: {request}"


class Arm(Struct, frozen=True):
    """A way of answering.

    Attributes:
        write: request -> answer in Markdown; raises an `AgentError` where there is none.
    """

    name: str
    write: Callable[[str], str]


def engine_arms(engine: QueryEngine, runner: CodeRunner | None) -> Iterator[Arm]:
    """Yield the arms around an engine and its LLM; `runner` runs programs for run-feedback."""
    if engine.llm is None:
        raise ServiceError(f"No language model can write code: {engine.no_llm}")
    yield Arm(ALONE, lambda request: _alone(request, engine, _model(engine)))
    yield Arm(PLAIN, lambda request: _plain(request, engine, _model(engine)))
    yield _configured(ONCE, engine, {"rewrites": False, "runner": None})
    yield _configured(VERIFIED, engine, {"rewrites": True, "runner": None})
    yield _configured(FEEDBACK, engine, {"rewrites": True, "runner": runner})
    yield _configured(FREE, engine, {"rewrites": True, "runner": runner, "true_imports": False})


def service_arm(answerer: Answerer) -> Arm:
    """Return a deployed service as an arm: it decides by itself what it does."""
    return Arm(SERVICE, lambda request: final_answer(answerer.events(request)))


def choose(arms: Iterable[Arm], names: Sequence[str]) -> tuple[Arm, ...]:
    """Return the arms of these names, or all that are compared without being named.

    Raises:
        InvalidInput: there is none of that name; lists those there are.
    """
    by_name = {arm.name: arm for arm in arms}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise InvalidInput(f"There is no arm {unknown[0]!r}.", remedy=f"There are: {', '.join(by_name)}.")
    return tuple(arm for name, arm in by_name.items() if (name in names if names else name not in (ONCE, FREE)))


def final_answer(events: Iterable[Event]) -> str:
    """Return the answer's text, without what code noted below the model's words.

    Raises:
        ServiceError: no language model answered.
    """
    last = next((event.answer for event in events if isinstance(event, AnswerEvent)), None)
    if last is None or last.status == "sources_only":
        raise ServiceError(f"No language model answered: {last.answer.splitlines()[0] if last else 'the stream ended'}")
    return without_note(last.answer)


def _configured(name: str, engine: QueryEngine, switches: Mapping[str, object]) -> Arm:
    configured = engine.model_copy(update=dict(switches))
    return Arm(name, lambda request: final_answer(configured.stream(request)))


def _model(engine: QueryEngine) -> LLM:
    assert engine.llm is not None
    return engine.llm


def _alone(request: str, engine: QueryEngine, llm: LLM) -> str:
    return _said(ALONE_SYSTEM, request, engine, llm)


def _plain(request: str, engine: QueryEngine, llm: LLM) -> str:
    """Answer as a first, simple system would: the nearest docstrings into the prompt, the reply as it comes."""
    hits = engine.retriever.with_parts(["dense"]).find(request)
    room = engine.limits.prompt_tokens - count_tokens(llm, PLAIN_SYSTEM + PLAIN_QUESTION + request)
    documentation = "\n\n".join(_fitting(hits, room, llm))
    return _said(PLAIN_SYSTEM, PLAIN_QUESTION.format(documentation=documentation, request=request), engine, llm)


def _fitting(hits: Iterable[Hit], room: int, llm: LLM) -> Iterator[str]:
    """Yield signatures and docstrings, nearest first, as long as there is room."""
    for hit in hits:
        chunk = hit.chunk
        if chunk.doc is None:
            continue
        text = f"{chunk.public or chunk.title}: {chunk.signature or ''}\n{chunk.doc}"
        room -= count_tokens(llm, text)
        if room < 0:
            return
        yield text


def _said(system: str, user: str, engine: QueryEngine, llm: LLM) -> str:
    messages = [
        ChatMessage(
            role=MessageRole.SYSTEM, content=system.format(library=engine.info.library, version=engine.info.version)
        ),
        ChatMessage(role=MessageRole.USER, content=user),
    ]
    limits = engine.limits
    deltas = list(
        stream_chat(
            llm,
            messages,
            cancel=CancelToken(),
            first_token_timeout=limits.first_token_timeout,
            token_timeout=limits.token_timeout,
            max_tokens=limits.max_tokens,
        )
    )
    text = "".join(delta.text for delta in deltas)
    return closed(text, cut=any(delta.finish_reason == "length" for delta in deltas))
