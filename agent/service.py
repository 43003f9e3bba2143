"""What the doors (HTTP, shell, evals) ask for: questions of conversations, whose answers are kept and recorded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Never
from uuid import UUID, uuid4

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.llms.llm import LLM
from msgspec import structs

from agent.answer_cache import AnswerCache
from agent.answering.absent_names import AbsentNames
from agent.answering.follow_up import whole_question
from agent.cancellation import CancelToken
from agent.engines import Engines
from agent.errors import AgentError, RecordsUnavailable, UnknownPicture
from agent.generations import IndexDirectory, list_libraries
from agent.query_engine import QueryEngine
from agent.question import Asked, asked_version, valid_question
from agent.recording import Recalled, Recorder
from agent.records import ApiKey, Given
from agent.sandbox import picture_path
from agent.schema import (
    Answer,
    AnswerEvent,
    CheckRequest,
    Event,
    FeedbackRequest,
    Health,
    IndexInfo,
    Library,
    Plan,
    QueryRequest,
    SearchReply,
    SearchRequest,
    Timings,
    Verification,
)
from agent.settings import Settings
from agent.verification import verify_code
from agent.versions import Versions, chosen


class Service:
    """Answers for every library that is indexed; thread-safe.

    Args:
        settings: which parts to use, and where the indexes are.
        embedding: a ready embedding model; the one in the settings is loaded when first needed otherwise.
        llm: a ready LLM; without it, the one in the settings is made when first needed.
        recorder: keeps the answers and recalls conversations, closed with the service; None keeps nothing.
        answers: those that are given again to whoever asks the same; None answers each time anew.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        embedding: BaseEmbedding | None = None,
        llm: LLM | None = None,
        recorder: Recorder | None = None,
        answers: AnswerCache | None = None,
    ) -> None:
        self.settings = settings
        self.recorder = recorder
        self._answers = answers
        self.versions = Versions(settings)
        self._engines = Engines(settings, self.versions, embedding=embedding, llm=llm)

    def stream(self, request: QueryRequest, cancel: CancelToken, *, user: str | None = None) -> Iterator[Event]:
        """Answer a question; see `QueryEngine.stream`.

        A follow-up is made whole by the conversation's last turn, and stays with its library and version. The version
        is the request's, else the one that the question names, else the default. A question about a version that is
        not indexed is declined with a list of those that are: what another version does would look like an answer.

        Raises:
            UnknownLibrary, UnknownVersion: the request itself names one that is not indexed; lists what is.
        """
        plan = self.plan(request, user=user)
        return iter(plan.known) if plan.known else self._answered(plan, cancel, user)

    def _answered(self, plan: Plan, cancel: CancelToken, user: str | None) -> Iterator[Event]:
        for event in self.answer(plan, cancel):
            yield AnswerEvent(self.keep(plan, event.answer, user=user)) if isinstance(event, AnswerEvent) else event

    def plan(self, request: QueryRequest, *, user: str | None = None) -> Plan:
        """Say how a question will be answered; takes no model, and milliseconds.

        Raises:
            InvalidInput, UnknownLibrary, UnknownVersion, IndexError_: as `stream`.
        """
        started = time.perf_counter()
        valid_question(request.question)
        whole = self._whole(self.recorder, request) if self.recorder is not None else request
        plan = Plan(request, whole, request.conversation_id or uuid4())
        asked = self._asked(whole)
        if self._answers is None or (asked is not None and asked.version is None):
            return plan
        directory = self._directory(whole.library, asked.version if asked else whole.version)
        # Answers tell of other versions, too: what became of a name.
        others = self.versions.generations(directory.library)
        served = (directory.library, directory.version, f"{directory.current().name} {others}")
        plan = structs.replace(plan, key=self._answers.key(whole, *served))
        *events, last = self._answers.get(plan.key) or (None,)
        if not isinstance(last, AnswerEvent) or not self._shows(last.answer):
            return plan
        if request.conversation_id is None:
            self._answers.remember(request, last.answer)
        mine = _own(last.answer, plan.conversation_id, started)
        if self.recorder is not None:
            self.recorder.keep(Given(mine, request.question, whole.question, user))
        return structs.replace(plan, known=(*events, AnswerEvent(mine)))

    def recall(self, request: QueryRequest, *, user: str | None = None) -> Recalled | None:
        """Return what the same request was answered a moment ago, or None; never blocks: event loops may call it."""
        started = time.perf_counter()
        if self._answers is None or request.conversation_id is not None:
            return None
        answer = self._answers.recall(request)
        if answer is None:
            return None
        mine = _own(answer, uuid4(), started)
        given = Given(mine, request.question, request.question, user)
        return Recalled(mine, self.recorder.begin_keeping(given) if self.recorder is not None else None)

    def answer(self, plan: Plan, cancel: CancelToken) -> Iterator[Event]:
        """Answer for whoever asks: the answer is nobody's, and recorded nowhere, before `keep` has made it theirs."""
        events = self._answer(plan.request, cancel)
        if self._answers is None or not plan.key:
            return events
        return self._answers.keeping(plan.key, events, self._engines.writer)

    def keep(self, plan: Plan, answer: Answer, *, user: str | None = None) -> Answer:
        """Return one client's own copy of an answer, recorded or about to be; waits a few milliseconds at most."""
        mine = structs.replace(answer, answer_id=uuid4(), conversation_id=plan.conversation_id)
        if self.recorder is not None:
            self.recorder.keep(Given(mine, plan.asked.question, plan.request.question, user))
        return mine

    def _shows(self, answer: Answer) -> bool:
        """Return whether the picture of an answer is still there, if it has one; another machine may have made it."""
        url = answer.verification.ran.image_url if answer.verification.ran is not None else None
        return url is None or picture_path(PurePosixPath(url).name, self.settings) is not None

    def feedback(self, request: FeedbackRequest, *, user: str | None = None) -> None:
        """Record what somebody says of an answer.

        Raises:
            UnknownAnswer: none has that id, or no longer.
            RecordsUnavailable: it cannot be recorded now.
        """
        if self.recorder is None:
            raise RecordsUnavailable("Nothing is recorded here.", remedy="`fury-agent serve` records answers.")
        self.recorder.feed_back(request, user)

    def api_keys(self) -> tuple[ApiKey, ...]:
        """Return the API keys that were made, none where nothing is recorded.

        Raises:
            RecordsUnavailable: they cannot be read now.
        """
        return self.recorder.api_keys() if self.recorder is not None else ()

    def forget(self, user: str) -> int:
        """Delete what a user asked and said; return how many answers and opinions went.

        Raises:
            RecordsUnavailable: it cannot be deleted now.
        """
        return 0 if self.recorder is None else self.recorder.forget(user)

    def _whole(self, recorder: Recorder, request: QueryRequest) -> QueryRequest:
        turns = recorder.turns(request.conversation_id) if request.conversation_id else ()
        turns = [turn for turn in turns if request.library in {None, turn.library}]
        whole = whole_question(request.question, turns)
        if whole == request.question:
            return request
        last = turns[-1]
        version = request.version
        if version is None and self._asked(structs.replace(request, library=last.library)) is None:
            indexed = last.version in self.versions.names(last.library)  # it may have been taken away since
            version = last.version if indexed else None
        return structs.replace(request, question=whole, library=last.library, version=version)

    def _answer(self, request: QueryRequest, cancel: CancelToken) -> Iterator[Event]:
        asked = self._asked(request)
        if asked is not None and asked.version is None:
            engine = self.engine(request.library, None)
            why = self._not_indexed(engine.info.library, asked.written)
            return engine.decline(request.question, why, top_k=request.top_k, conversation_id=request.conversation_id)
        engine = self.engine(request.library, asked.version if asked else request.version, with_llm=True)
        return engine.stream(
            request.question, top_k=request.top_k, conversation_id=request.conversation_id, cancel=cancel
        )

    def search(self, request: SearchRequest) -> SearchReply:
        """Find passages; no LLM is loaded for it.

        The version is chosen as in `stream`; where the question names one that is not indexed, the default's passages
        are given, which are no answer, and the reply says whose they are.
        """
        valid_question(request.question)
        asked = self._asked(request)
        engine = self.engine(request.library, asked.version if asked else request.version)
        return SearchReply(engine.search(request.question, request.top_k), engine.info.library, engine.info.version)

    def check(self, request: CheckRequest) -> Verification:
        """Check code against the API of a library; no model is loaded for it.

        Raises:
            UnknownLibrary, UnknownVersion: not indexed; lists what is.
            IndexError_: the index cannot be read.
        """
        directory = self._directory(request.library, request.version)
        api = self.versions.api(directory.library, directory.version)
        advise = AbsentNames(directory.library, directory.version, api, self.versions).advise
        return verify_code(request.code, api, f"{directory.library} {directory.version}", advise)

    def picture(self, name: str) -> bytes:
        """Return the picture that a program of an answer made.

        Raises:
            UnknownPicture: there is none of that name; the oldest ones go.
        """
        path = picture_path(name, self.settings)
        try:
            return path.read_bytes() if path is not None else _gone(name)
        except FileNotFoundError:  # another process has just made room
            return _gone(name)

    def _asked(self, request: QueryRequest | SearchRequest) -> Asked | None:
        """Return the version that the question names, or None if it names none or the request does."""
        if request.version is not None:
            return None
        directory = self._directory(request.library, None)
        versions = self.versions.names(directory.library)
        return asked_version(request.question, directory.library, versions, directory.version)

    def _not_indexed(self, library: str, version: str) -> str:
        return (
            f"{library} {version} is not indexed; indexed are: {', '.join(self.versions.names(library))}. "
            f"Ask about one of these, or index it: `fury-agent index '{library}=={version}'`."
        )

    def libraries(self) -> tuple[Library, ...]:
        """Return what is indexed, the default first."""
        listed = list_libraries(self.settings.indexes_dir)
        try:
            default = self.info()
        except AgentError:  # there is none: the others are listed all the same
            return listed
        return tuple(sorted(listed, key=lambda one: (one.library != default.library, one.version != default.version)))

    def health(self) -> Health:
        """Say whether a question could be answered now."""
        try:
            self.info()
        except AgentError as error:
            return Health("unavailable", (str(error),))
        problems = (
            *self._engines.problems(),
            self.recorder.problem if self.recorder is not None else "",
            self._answers.problem() if self._answers is not None else "",
        )
        told = tuple(problem for problem in problems if problem)
        return Health("degraded" if told else "ok", told)

    def info(self) -> IndexInfo:
        """Return what the default library's index holds, if it can be used; see `Engines.info`."""
        return self._engines.info()

    def warm_up(self) -> None:
        """Load everything that the first question would otherwise wait for."""
        self._engines.warm_up()

    def close(self) -> None:
        """Stop the LLM, write the last records and close the indexes."""
        if self.recorder is not None:
            self.recorder.close()
        self._engines.close()

    def engine(self, library: str | None, version: str | None, *, with_llm: bool = False) -> QueryEngine:
        """Return the engine over the generation that is served now; see `Engines.engine`."""
        return self._engines.engine(library, version, with_llm=with_llm)

    def embedding(self) -> BaseEmbedding:
        """Return the embedding model, loaded at the first call."""
        return self._engines.embedding()

    def _directory(self, library: str | None, version: str | None) -> IndexDirectory:
        return chosen(self.settings, library, version)


def _own(answer: Answer, conversation: UUID, started: float) -> Answer:
    """Return a client's own copy of an answer that was known when it asked, at `started` of the performance counter."""
    took = Timings(0.0, None, (time.perf_counter() - started) * 1e3)
    return structs.replace(answer, answer_id=uuid4(), conversation_id=conversation, timings=took)


def _gone(name: str) -> Never:
    raise UnknownPicture(f"There is no picture {name[:80]!r}.", remedy="Ask again: the code is then run anew.")
