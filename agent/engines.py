"""Settings -> the engine over each index that is served, and the models that all of them share."""

from __future__ import annotations

import logging
import shlex
import threading

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.llms.llm import LLM
from llama_index.core.postprocessor.types import BaseNodePostprocessor

from agent.answering.absent_names import AbsentNames
from agent.answering.abstention import Abstention
from agent.answering.code_runner import CodeRunner, Turns
from agent.chunking import CHUNKER_VERSION
from agent.errors import (
    AgentError,
    IndexMismatch,
    MissingExtra,
    ModelTimeout,
    ModelUnavailable,
    StorageError,
    WeightsError,
)
from agent.generations import Generation
from agent.manifest import Manifest
from agent.providers.embeddings import build_embedding, model_identity, same_model
from agent.providers.llms import build_llm, model_name
from agent.providers.stores import open_store
from agent.query_engine import Limits, QueryEngine
from agent.retrieval import HybridRetriever, parts_of
from agent.schema import IndexInfo
from agent.settings import Settings
from agent.versions import Versions, chosen

_log = logging.getLogger(__name__)


class Engines:
    """Makes an engine for each index when it is first asked for, and for each generation that is served; thread-safe.

    Args:
        settings: which parts to use, and where the indexes are.
        versions: the same indexes, as code knows them.
        embedding: a ready embedding model; the one in the settings is loaded when first needed otherwise.
        llm: a ready LLM; without it, the one in the settings is made when first needed.
    """

    def __init__(
        self, settings: Settings, versions: Versions, *, embedding: BaseEmbedding | None = None, llm: LLM | None = None
    ) -> None:
        self._settings = settings
        self._versions = versions
        served = embedding is None and settings.embedding != "local"  # that server is asked when it is needed
        self._known_identity = None if served else model_identity(settings, embedding)
        self._embedding = embedding
        self._reranker: BaseNodePostprocessor | None = None
        self._llm = llm
        self._llm_built = llm is not None
        self._llm_problem = ""
        self._opened: dict[tuple[str, str], tuple[str, QueryEngine]] = {}
        self._turns = Turns(settings.sandbox_runs)
        self._lock = threading.RLock()
        self._llm_lock = threading.Lock()  # its own: a search never waits for a language model

    def engine(self, library: str | None, version: str | None, *, with_llm: bool = False) -> QueryEngine:
        """Return the engine over the generation that is served now.

        Raises:
            UnknownLibrary, UnknownVersion: not indexed; the message lists what is.
            IndexMismatch: made with another model or chunker; the message names the command.
        """
        directory = chosen(self._settings, library, version)
        generation = directory.current()
        key = (directory.library, directory.version)
        with self._lock:
            name, engine = self._opened.get(key, ("", None))
            if engine is None or name != generation.name:
                engine = self._open(generation)
                self._opened[key] = (generation.name, engine)
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
                self._llm = build_llm(self._settings)
                self._llm_built = True
            return self._llm

    def embedding(self) -> BaseEmbedding:
        """Return the embedding model, loaded at the first call."""
        with self._lock:
            if self._embedding is None:
                self._embedding = build_embedding(self._settings)
            return self._embedding

    def reranker(self) -> BaseNodePostprocessor | None:
        """Return the reranker, loaded at the first call, or None."""
        with self._lock:
            if self._reranker is None and self._settings.reranker != "none":
                from agent.providers.rerankers import build_reranker

                self._reranker = build_reranker(self._settings)
            return self._reranker

    def info(self) -> IndexInfo:
        """Return what the default library's index holds, if it can be used.

        Raises:
            IndexError_, NotFound: it can't; the message names the command.
        """
        info = chosen(self._settings, None, None).current().info()
        check(info, self._identity())
        return info

    def problems(self) -> tuple[str, ...]:
        """Say which models are done without, and why; cheap."""
        told = getattr(self._embedding, "problem", ""), self._without_llm()
        return tuple(problem for problem in told if problem)

    def writer(self) -> str | None:
        """Return who should write answers that are to be given again; nobody while a part is done without."""
        done_without = any(getattr(part, "problem", "") for part in (self._embedding, self._reranker))
        return model_name(self._llm) if self._llm and not done_without else ""

    def warm_up(self) -> None:
        """Load everything that the first question would otherwise wait for, both models at the same time."""
        try:
            self.info()  # an index that cannot be used is told before anything slow is loaded
            starting = threading.Thread(target=self._start_llm, name="llm-start", daemon=True)
            starting.start()
            try:
                self.engine(None, None, with_llm=True).find("warm up")
            finally:
                starting.join()
        except (ModelUnavailable, ModelTimeout) as error:  # a server that may be there at the first question
            _log.warning("Not ready yet: %s", error)

    def close(self) -> None:
        """Stop the LLM and close the indexes."""
        with self._llm_lock:
            close = getattr(self._llm, "close", None)
            if close is not None:
                close()
        with self._lock:
            self._opened.clear()

    def _start_llm(self) -> None:
        try:
            start = getattr(self.llm(), "start", None)
            if start is not None:
                start()
        except AgentError as error:  # each question tries again, and says so
            _log.warning("The language model is not ready: %s", error)

    def _identity(self) -> tuple[str, str]:
        """Return the embedding model's name and what stands for its weights."""
        if self._known_identity is None:
            self._known_identity = model_identity(self._settings, self.embedding())
        return self._known_identity

    def _without_llm(self) -> str:
        if self._llm is not None:
            return getattr(self._llm, "problem", "")
        if self._settings.llm == "none":
            return "No language model is configured: answers list sources only."
        return self._llm_problem

    def _runner(self, library: str, version: str) -> CodeRunner | None:
        return None if self._settings.sandbox == "none" else CodeRunner(self._settings, library, version, self._turns)

    def _open(self, generation: Generation) -> QueryEngine:
        info = generation.info()
        check(info, self._identity())
        api = self._versions.api(info.library, info.version)
        retriever = HybridRetriever(
            open_store(self._settings, generation),
            Manifest(generation.manifest_file),
            api,
            self.embedding(),
            top_k=self._settings.top_k,
            parts=parts_of(self._settings.rankings),
            reranker=self.reranker(),
        )
        return QueryEngine(
            retriever=retriever,
            llm=None,
            info=info,
            limits=Limits.of(self._settings),
            api=api,
            absent_names=AbsentNames(info.library, info.version, api, self._versions),
            rewrites=self._settings.rewrites,
            runner=self._runner(info.library, info.version),
            abstention=Abstention(retriever, f"{info.library} {info.version}", self._settings.abstain),
        )


def check(info: IndexInfo, identity: tuple[str, str]) -> None:
    """Refuse an index whose vectors or chunks mean something else than the settings expect.

    Raises:
        IndexMismatch: names both sides and the command that mends it.
    """
    made = (info.chunker, info.embedding, info.embedding_revision)
    expected = (CHUNKER_VERSION, *identity)
    if made[0] != expected[0] or not same_model(made[1:], identity):
        raise IndexMismatch(
            f"The index of {info.library} {info.version} was made with chunker and model {made}; "
            f"the settings ask for {expected}.",
            remedy=f"Build it again: `fury-agent index {shlex.quote(info.spec)}`.",
        )
