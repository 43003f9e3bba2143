"""Several LLMs as one: the first that can answers, and one that keeps failing is left alone for a while."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from functools import partial
from math import inf
from typing import Any, TypeVar

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseGen,
    LLMMetadata,
)
from llama_index.core.llms.custom import CustomLLM
from llama_index.core.llms.llm import LLM
from pydantic import PrivateAttr

from agent.errors import AgentError, ModelTimeout, ModelUnavailable
from agent.providers.circuit import Circuit
from agent.providers.llms import count_tokens
from agent.providers.llms.translation import blames_request, translated

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class GuardedLLM(CustomLLM):
    """Asks its LLMs in turn until one says something; what was begun is never taken over by another.

    `stream_chat` of `agent.providers.llms.stream` streams from it, with deadlines, and names the one that answered.
    LlamaIndex's own methods work too, but give a text in one piece.

    Args:
        llms: the first is preferred.
        patience: seconds until the first word of each but the last, where the caller allows more.
        circuits: one for each LLM.
    """

    _llms: tuple[tuple[LLM, Circuit], ...] = PrivateAttr()
    _patience: float = PrivateAttr()

    def __init__(self, *llms: LLM, patience: float = inf, circuits: Sequence[Circuit] | None = None) -> None:
        super().__init__()
        self._llms = tuple(zip(llms, circuits or [Circuit() for _ in llms], strict=True))
        self._patience = patience

    @property
    def metadata(self) -> LLMMetadata:
        """Those of the first, with the smallest context window of all: any of them may get the prompt."""
        all_of_them = [llm.metadata for llm, _ in self._llms]
        return all_of_them[0].model_copy(update={"context_window": min(one.context_window for one in all_of_them)})

    @property
    def problem(self) -> str:
        """What keeps failing, for the health report; empty where all is well."""
        names = [repr(llm.metadata.model_name) for llm, circuit in self._llms if circuit.is_open]
        return f"The language model {' and '.join(names)} keeps failing." if names else ""

    def count_tokens(self, text: str) -> int:
        """Return the length of a text in tokens of whichever LLM needs most: any of them may get it."""
        return max(count_tokens(llm, text) for llm, _ in self._llms)

    def start(self) -> None:
        """Load the preferred model, where it is one that this process loads."""
        if start := getattr(self._llms[0][0], "start", None):
            start()

    def close(self) -> None:
        """Stop those that this process has started."""
        for llm, _ in self._llms:
            if close := getattr(llm, "close", None):
                close()

    def tried(self, say: Callable[[LLM, float], Generator[_T, None, None]]) -> Generator[_T, None, None]:
        """Yield what the first LLM says that says anything.

        Args:
            say: lets an LLM speak, and gives it so many seconds for its first word.

        Raises:
            ModelUnavailable, ModelTimeout: as `say` does, once something was said; or none of them could answer.
        """
        problems: list[AgentError] = []
        last = self._llms[-1][0]
        for llm, circuit in self._llms:
            if not circuit.allows():
                problems.append(_resting(llm))
                continue
            said = False
            try:
                with closing(say(llm, inf if llm is last else self._patience)) as pieces:
                    for piece in pieces:
                        said = True
                        yield piece
            except (ModelUnavailable, ModelTimeout) as error:
                if not blames_request(error):
                    circuit.failed()
                if said:
                    raise
                problems.append(error)
                if llm is not last:
                    _log.warning("another language model is asked: %s", error)
            else:
                circuit.succeeded()
                return
        raise _all_of(problems)

    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Return the whole answer."""
        [response] = self.tried(partial(_at_once, lambda llm: llm.chat(messages, **kwargs)))
        return response

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Yield the whole answer in one piece."""
        response = self.chat(messages, **kwargs)
        yield response.model_copy(update={"delta": response.message.content})

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:  # noqa: FBT001, FBT002 - LlamaIndex's signature
        """Return the whole completion."""
        [response] = self.tried(partial(_at_once, lambda llm: llm.complete(prompt, formatted, **kwargs)))
        return response

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:  # noqa: FBT001, FBT002 - LlamaIndex's signature
        """Yield the whole completion in one piece."""
        response = self.complete(prompt, formatted, **kwargs)
        yield response.model_copy(update={"delta": response.text})


def _at_once(ask: Callable[[LLM], _T], llm: LLM, _: float) -> Generator[_T, None, None]:
    with translated(llm.metadata.model_name):
        yield ask(llm)


def _resting(llm: LLM) -> ModelUnavailable:
    return ModelUnavailable(
        f"The model {llm.metadata.model_name!r} has kept failing and is left alone for a moment.",
        remedy="Ask again in half a minute; `fury-agent doctor` says what is wrong.",
    )


def _all_of(problems: Sequence[AgentError]) -> AgentError:
    """Return one error for all; the only one as it is."""
    if len(problems) == 1:
        return problems[0]
    return ModelUnavailable(
        " ".join(problem.message for problem in problems), remedy="`fury-agent doctor` says what mends each."
    )
