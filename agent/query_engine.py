"""Question -> passages -> draft -> answer with citations (a LlamaIndex query engine)."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from uuid import UUID, uuid4

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.base.response.schema import Response
from llama_index.core.bridge.pydantic import ConfigDict
from llama_index.core.llms.llm import LLM
from llama_index.core.query_engine import CustomQueryEngine
from llama_index.core.schema import NodeWithScore
from msgspec import Struct

from agent import prompts
from agent.answering.absent_names import AbsentName, AbsentNames
from agent.answering.abstention import Abstention
from agent.answering.code_runner import CodeRunner
from agent.answering.draft import Draft
from agent.answering.import_grammar import import_grammar
from agent.answering.passages import Passages, find_passages, passages_for
from agent.arrangement import Hit
from agent.cancellation import CancelToken
from agent.chunking.nodes import to_node
from agent.errors import ModelTimeout, ModelUnavailable, SandboxUnavailable
from agent.providers.llms import count_tokens, held_to, model_name
from agent.providers.llms.stream import Delta, stream_chat
from agent.ranking.tracebacks import walked
from agent.retrieval import HybridRetriever
from agent.schema import (
    AnswerEvent,
    Chunk,
    Event,
    IndexInfo,
    Passage,
    Ran,
    SourcesEvent,
    TokenEvent,
)
from agent.settings import Settings
from agent.symbols import ApiModel
from agent.verification import passage, uses

CORRECTING = 0.5
"""Share of a request's time after which no second try and no run is begun: a finished answer must not be lost."""
SECOND_TRY = 0.5
"""Temperature at which a program is written again: the likeliest words were those of the first."""


_DOTTED = re.compile(r"[a-zA-Z_]\w*(?:\.[a-zA-Z_]\w*)+")


class Limits(Struct, frozen=True):
    """What one answer may cost: tokens and seconds, as `Settings` describes them."""

    prompt_tokens: int
    max_tokens: int
    first_token_timeout: float
    token_timeout: float
    request_timeout: float

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Take the limits from the settings."""
        return cls(
            prompt_tokens=settings.prompt_tokens,
            max_tokens=settings.llm_max_tokens,
            first_token_timeout=settings.llm_first_token_timeout,
            token_timeout=settings.llm_token_timeout,
            request_timeout=settings.request_timeout,
        )


class QueryEngine(CustomQueryEngine):
    """Answers questions from one generation of an index.

    Attributes:
        retriever: finds the passages.
        llm: any LlamaIndex LLM, or None to answer with sources only.
        info: what the index holds.
        limits: what an answer may cost.
        no_llm: why there is no LLM, for the answer that has to do without.
        api: the library's API model, or None to give answers unchecked.
        absent_names: tells which of a question's names the version lacks, or None to let them be.
        rewrites: whether the model is told what is wrong with its code, and asked again.
        runner: runs the code of answers, or None.
        abstention: tells which questions are declined before the LLM is asked, or None to decline none.
        true_imports: whether programs are written under a grammar for imports, by a model that can be held to one.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    retriever: HybridRetriever
    llm: LLM | None
    info: IndexInfo
    limits: Limits
    no_llm: str = "No language model is configured."
    api: ApiModel | None = None
    absent_names: AbsentNames | None = None
    rewrites: bool = False
    runner: CodeRunner | None = None
    abstention: Abstention | None = None
    true_imports: bool = True

    async def acustom_query(self, query_str: str) -> Response:
        """Answer without blocking the event loop; LlamaIndex would call the synchronous method as it is."""
        return await asyncio.to_thread(self.custom_query, query_str)

    def custom_query(self, query_str: str) -> Response:
        """Answer as a LlamaIndex query engine; `metadata["answer"]` holds the whole `Answer`."""
        started = time.perf_counter()
        absent = self.absent(query_str)
        passages = passages_for(query_str, absent, self.retriever, self.api)
        *_, last = self._stream(query_str, passages, absent, uuid4(), CancelToken(), started)
        assert isinstance(last, AnswerEvent)
        nodes = [NodeWithScore(node=to_node(hit.chunk), score=hit.score) for hit in passages.hits]
        return Response(last.answer.answer, source_nodes=nodes, metadata={"answer": last.answer})

    def search(self, question: str, top_k: int | None = None) -> tuple[Passage, ...]:
        """Return the passages for a question; no LLM is involved."""
        hits = self.find(question, top_k)
        return tuple(passage(hit, self.info.url_template) for hit in hits)

    def find(self, question: str, top_k: int | None = None) -> list[Hit]:
        """Return the passages for a question as chunks.

        Raises:
            InvalidInput: the question is empty, too long, or not text.
        """
        return find_passages(question, self.absent(question), self.retriever, top_k)

    def absent(self, question: str) -> tuple[AbsentName, ...]:
        """Return the names in a question that this version of the library does not have."""
        return self.absent_names.find(question) if self.absent_names is not None else ()

    def confidence(self, question: str) -> float:
        """Return how likely it is that the sources answer a question, 0 to 1, before an LLM is asked."""
        return self.abstention.confidence(question, self.absent(question)) if self.abstention is not None else 1.0

    def stream(
        self,
        question: str,
        *,
        top_k: int | None = None,
        conversation_id: UUID | None = None,
        cancel: CancelToken | None = None,
    ) -> Iterator[Event]:
        """Answer a question, telling of each step; the last event is the whole, final answer.

        Raises:
            InvalidInput: the question is empty, too long, or not text.
            Cancelled: `cancel` was cancelled.
            ServiceError: not even passages could be found.
        """
        started = time.perf_counter()
        absent = self.absent(question)
        passages = passages_for(question, absent, self.retriever, self.api, top_k)
        yield from self._stream(
            question, passages, absent, conversation_id or uuid4(), cancel or CancelToken(), started
        )

    def decline(
        self, question: str, why: str, *, top_k: int | None = None, conversation_id: UUID | None = None
    ) -> Iterator[Event]:
        """Say why a question cannot be answered, and name the nearest places all the same; no LLM is asked.

        Raises:
            InvalidInput: the question is empty, too long, or not text.
        """
        started = time.perf_counter()
        draft = Draft(self.info, self.find(question, top_k), conversation_id or uuid4(), started)
        yield SourcesEvent(tuple(draft.citations), self.info.library, self.info.version)
        yield draft.declined(None, why)

    def _stream(
        self,
        question: str,
        passages: Passages,
        absent: Sequence[AbsentName],
        conversation: UUID,
        cancel: CancelToken,
        started: float,
    ) -> Iterator[Event]:
        cancel.check()
        advise = self.absent_names.advise if self.absent_names is not None else None
        draft = Draft(self.info, passages.hits, conversation, started, absent, self.api, advise)
        yield SourcesEvent(tuple(draft.citations), self.info.library, self.info.version)
        if draft.note:
            yield TokenEvent(f"{draft.note}\n\n")
        if not passages.hits:
            yield draft.declined(None)
        elif self.abstention is not None and (why := self.abstention.why(question, absent)):
            yield draft.declined(None, why)
        elif self.llm is None:
            yield draft.sources_only(self.no_llm)
        else:
            yield from self._generate(self.llm, question, draft, cancel, program=passages.program)

    def _generate(
        self, llm: LLM, question: str, draft: Draft, cancel: CancelToken, *, program: bool
    ) -> Iterator[Event]:
        model = model_name(llm)
        if program and self.true_imports and (api := self.api) is not None:
            llm = held_to(llm, lambda: import_grammar(api))
        try:
            prompt, draft.given = prompts.messages(
                f"{question}\n\n{draft.note}" if draft.note else question,
                [hit.chunk for hit in draft.hits],
                stale={hit.chunk.id: hit.stale for hit in draft.hits if hit.stale},
                library=self.info.library,
                version=self.info.version,
                budget=self.limits.prompt_tokens,
                count=lambda text: count_tokens(llm, text),
                program=program,
            )
            for delta in self._say(llm, prompt, cancel):
                draft.add(delta.text, delta.finish_reason)
                model = delta.model or model
                if prompts.repeats_rules(draft.text):
                    break  # `draft.answered` declines; nobody needs to see the rest
                if delta.text:
                    yield TokenEvent(delta.text)
        except (ModelUnavailable, ModelTimeout) as error:
            # The passages are still good: a reader with six places to look is better off than one with an error.
            yield draft.sources_only(f"The language model could not answer: {error.message}")
            return
        if prompts.is_refusal(draft.text):
            yield draft.declined(model)
            return
        runner = self.runner
        deadline = draft.started + self.limits.request_timeout * CORRECTING

        def rewrite(told: Sequence[str]) -> str:
            return self._rewritten(llm, prompt, draft, told, cancel) if time.perf_counter() < deadline else ""

        def run(code: str) -> Ran:
            if runner is None or time.perf_counter() > deadline:
                raise SandboxUnavailable("the answer has taken long already.", remedy="Ask again later.")
            return runner.run(code, cancel)

        yield draft.answered(
            model,
            rewrite=rewrite if self.rewrites else None,
            run=run if runner is not None else None,
            look_up=self._definitions,
        )

    def _definitions(self, paths: Sequence[str]) -> list[Chunk]:
        """Return the definitions that dotted paths stand for."""
        symbols = [self.api.resolve(path) for path in paths] if self.api is not None else []
        found = self.retriever.passages(symbol.path for symbol in symbols if symbol is not None)
        return [hit.chunk for hit in found]

    def _say(
        self, llm: LLM, prompt: Sequence[ChatMessage], cancel: CancelToken, temperature: float = 0.0
    ) -> Iterator[Delta]:
        return stream_chat(
            llm,
            prompt,
            cancel=cancel,
            first_token_timeout=self.limits.first_token_timeout,
            token_timeout=self.limits.token_timeout,
            max_tokens=self.limits.max_tokens,
            temperature=temperature,
        )

    def _rewritten(
        self,
        llm: LLM,
        prompt: Sequence[ChatMessage],
        draft: Draft,
        told: Sequence[str],
        cancel: CancelToken,
    ) -> str:
        """Return what the model says when it is told what is wrong; nothing where it fails or does not end."""
        named = self._definitions(list(dict.fromkeys(path for problem in told for path in _DOTTED.findall(problem))))
        near = [hit.chunk for hit in draft.hits if any(uses(problem, hit.chunk) for problem in told)]
        walks = [walked(problem, self.api) for problem in told] if self.api is not None else []
        through = self._definitions([symbol.path for walk in walks for symbol in walk])
        meant = list({chunk.id: chunk for chunk in [*near, *named, *through]}.values())
        said = list[str]()
        try:
            for delta in self._say(llm, prompts.correction(prompt, told, meant), cancel, SECOND_TRY):
                said.append(delta.text)
                if delta.finish_reason == "length":
                    return ""
        except (ModelUnavailable, ModelTimeout):
            return ""  # the answer that there is stays
        return "".join(said)
