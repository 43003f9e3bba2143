"""Settings -> the parts that answer, for every indexed version: what the doors (HTTP, shell, evals) share."""

from __future__ import annotations

import contextlib
import shlex
import threading
from collections.abc import Iterator
from typing import Never

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.llms.llm import LLM
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from msgspec import structs

from agent.absent_names import AbsentNames
from agent.abstention import Abstention
from agent.cancellation import CancelToken
from agent.chunking import CHUNKER_VERSION
from agent.code_runner import CodeRunner, Turns
from agent.errors import (
    AgentError,
    IndexMismatch,
    MissingExtra,
    ModelTimeout,
    ModelUnavailable,
    RecordsUnavailable,
    StorageError,
    UnknownPicture,
    WeightsError,
)
from agent.follow_up import whole_question
from agent.generations import Generation, IndexDirectory, list_libraries
from agent.manifest import Manifest
from agent.providers.embeddings import build_embedding, model_identity
from agent.providers.llms import build_llm
from agent.providers.stores import open_store
from agent.query_engine import Limits, QueryEngine
from agent.question import Asked, asked_version, valid_question
from agent.recording import Recorder
from agent.retrieval import HybridRetriever, parts_of
from agent.sandbox import picture_path
from agent.schema import (
    CheckRequest,
    Event,
    FeedbackRequest,
    Health,
    IndexInfo,
    Library,
    QueryRequest,
    SearchReply,
    SearchRequest,
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
    """

    def __init__(
        self,
        settings: Settings,
        *,
        embedding: BaseEmbedding | None = None,
        llm: LLM | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self.settings = settings
        self.recorder = recorder
        self.versions = Versions(settings)
        self._identity = model_identity(settings, embedding)
        self._embedding = embedding
        self._reranker: BaseNodePostprocessor | None = None
        self._llm = llm
        self._llm_built = llm is not None
        self._llm_problem = ""
        self._engines: dict[tuple[str, str], tuple[str, QueryEngine]] = {}
        self._turns = Turns(settings.sandbox_runs)
        self._lock = threading.RLock()
        self._llm_lock = threading.Lock()  # its own: a search never waits for a language model

    def stream(self, request: QueryRequest, cancel: CancelToken, *, user: str | None = None) -> Iterator[Event]:
        """Answer a question; see `QueryEngine.stream`.

        A follow-up is made whole by the conversation's last turn, and stays with its library and version. The version
        is the request's, else the one that the question names, else the default. A question about a version that is
        not indexed is declined with a list of those that are: what another version does would look like an answer.

        Raises:
            UnknownLibrary, UnknownVersion: the request itself names one that is not indexed; lists what is.
        """
        valid_question(request.question)  # before a model is loaded for it
        if self.recorder is None:
            return self._answer(request, cancel)
        whole = self._whole(self.recorder, request)
        return self.recorder.recorded(self._answer(whole, cancel), request.question, whole.question, user)

    def feedback(self, request: FeedbackRequest, *, user: str | None = None) -> None:
        """Record what somebody says of an answer.

        Raises:
            UnknownAnswer: none has that id, or no longer.
            RecordsUnavailable: it cannot be recorded now.
        """
        if self.recorder is None:
            raise RecordsUnavailable("Nothing is recorded here.", remedy="`fury-agent serve` records answers.")
        self.recorder.feed_back(request, user)

    def _whole(self, recorder: Recorder, request: QueryRequest) -> QueryRequest:
        turns = recorder.turns(request.conversation_id) if request.conversation_id else ()
        turns = [turn for turn in turns if request.library in {None, turn.library}]
        whole = whole_question(request.question, turns)
        if whole == request.question:
            return request
        version = request.version
        if version is None and self._asked(structs.replace(request, library=turns[-1].library)) is None:
            version = turns[-1].version
        return structs.replace(request, question=whole, library=turns[-1].library, version=version)

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
        return verify_code(request.code, api, f"{directory.library} {directory.version}")

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
        """Return what is indexed."""
        return list_libraries(self.settings.indexes_dir)

    def health(self) -> Health:
        """Say whether a question could be answered now."""
        try:
            self.info()
        except AgentError as error:
            return Health("unavailable", (str(error),))
        problems = (self._without_llm(), self.recorder.problem if self.recorder is not None else "")
        told = tuple(problem for problem in problems if problem)
        return Health("degraded" if told else "ok", told)

    def _without_llm(self) -> str:
        if self._llm is not None:
            return ""
        if self.settings.llm == "none":
            return "No language model is configured: answers list sources only."
        return self._llm_problem

    def info(self) -> IndexInfo:
        """Return what the default library's index holds, if it can be used.

        Raises:
            IndexError_, NotFound: it can't; the message names the command.
        """
        info = self._directory(None, None).current().info()
        check(info, self._identity)
        return info

    def warm_up(self) -> None:
        """Load everything that the first question would otherwise wait for."""
        engine = self.engine(None, None, with_llm=True)
        engine.find("warm up")
        start = getattr(engine.llm, "start", None)
        if start is not None:
            with contextlib.suppress(ModelUnavailable, ModelTimeout):  # each question tries again, and says so
                start()

    def close(self) -> None:
        """Stop the LLM, write the last records and close the indexes."""
        if self.recorder is not None:
            self.recorder.close()
        with self._llm_lock:
            close = getattr(self._llm, "close", None)
            if close is not None:
                close()
        with self._lock:
            self._engines.clear()

    def engine(self, library: str | None, version: str | None, *, with_llm: bool = False) -> QueryEngine:
        """Return the engine over the generation that is served now.

        Raises:
            UnknownLibrary, UnknownVersion: not indexed; the message lists what is.
            IndexMismatch: made with another model or chunker; the message names the command.
        """
        directory = self._directory(library, version)
        generation = directory.current()
        key = (directory.library, directory.version)
        with self._lock:
            name, engine = self._engines.get(key, ("", None))
            if engine is None or name != generation.name:
                engine = self._open(generation)
                self._engines[key] = (generation.name, engine)
        if with_llm and engine.llm is None:
            try:
                engine.llm = self.llm()
            except (WeightsError, MissingExtra, StorageError, ModelUnavailable) as error:
                self._llm_problem = engine.no_llm = f"The language model cannot be used: {error}"
        return engine

    def llm(self) -> LLM | None:
        """Return the LLM, made at the first call."""
        with self._llm_lock:
            if not self._llm_built:
                self._llm = build_llm(self.settings)
                self._llm_built = True
            return self._llm

    def embedding(self) -> BaseEmbedding:
        """Return the embedding model, loaded at the first call."""
        with self._lock:
            if self._embedding is None:
                self._embedding = build_embedding(self.settings)
            return self._embedding

    def reranker(self) -> BaseNodePostprocessor | None:
        """Return the reranker, loaded at the first call, or None."""
        with self._lock:
            if self._reranker is None and self.settings.reranker != "none":
                from agent.providers.rerankers import build_reranker

                self._reranker = build_reranker(self.settings)
            return self._reranker

    def _runner(self, library: str, version: str) -> CodeRunner | None:
        return None if self.settings.sandbox == "none" else CodeRunner(self.settings, library, version, self._turns)

    def _directory(self, library: str | None, version: str | None) -> IndexDirectory:
        return chosen(self.settings, library, version)

    def _open(self, generation: Generation) -> QueryEngine:
        info = generation.info()
        check(info, self._identity)
        api = self.versions.api(info.library, info.version)
        retriever = HybridRetriever(
            open_store(self.settings, generation),
            Manifest(generation.manifest_file),
            api,
            self.embedding(),
            top_k=self.settings.top_k,
            parts=parts_of(self.settings.rankings),
            reranker=self.reranker(),
        )
        return QueryEngine(
            retriever=retriever,
            llm=None,
            info=info,
            limits=Limits.of(self.settings),
            api=api,
            absent_names=AbsentNames(info.library, info.version, api, self.versions),
            rewrites=self.settings.rewrites,
            runner=self._runner(info.library, info.version),
            abstention=Abstention(retriever, f"{info.library} {info.version}", self.settings.abstain),
        )


def _gone(name: str) -> Never:
    raise UnknownPicture(f"There is no picture {name[:80]!r}.", remedy="Ask again: the code is then run anew.")


def check(info: IndexInfo, identity: tuple[str, str]) -> None:
    """Refuse an index whose vectors or chunks mean something else than the settings expect.

    Raises:
        IndexMismatch: names both sides and the command that mends it.
    """
    made = (info.chunker, info.embedding, info.embedding_revision)
    expected = (CHUNKER_VERSION, *identity)
    if made != expected:
        raise IndexMismatch(
            f"The index of {info.library} {info.version} was made with chunker and model {made}; "
            f"the settings ask for {expected}.",
            remedy=f"Build it again: `fury-agent index {shlex.quote(info.spec)}`.",
        )
