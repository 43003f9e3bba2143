"""What is measured: the engine in this process or a service by URL, and the sources that answers are held against."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct

from agent.answering.code_runner import CodeRunner, Turns
from agent.errors import AgentError, ConfigurationError
from agent.index_build import build
from agent.providers.embeddings import build_embedding
from agent.providers.llms import build_llm
from agent.schema import SourceTree
from agent.service import Service
from agent.settings import Settings
from agent.sources import open_source
from agent.symbols import ApiModel
from evals.answerers import Answerer, EngineAnswerer, HttpAnswerer
from evals.arms import Arm, engine_arms, service_arm
from evals.observations import Identity
from evals.observe import Progress
from evals.systems import RANKINGS, SHIPPED, RememberedQueries, System, ablations, peer_systems, shipped


class Subject(Struct, frozen=True):
    """What is measured.

    Attributes:
        tree: the sources of the version that is asked about, or None where they cannot be had here.
        api: its API model, or None.
        systems: what the retrieval suite compares, the shipped one first.
        peers: builds the peers; None where there is no engine in this process to share a model with.
        prepare: told all questions before the first is searched for.
        confidence: question -> how sure retrieval is that it can be answered, or None where the subject does not tell.
        arms: builds the ways of writing code; the LLM must be there.
        notes: what a reader of the figures must know.
    """

    answerer: Answerer
    identity: Identity
    tree: SourceTree | None
    api: ApiModel | None
    systems: tuple[System, ...]
    peers: Callable[[], Iterable[System]] | None
    prepare: Callable[[Sequence[str]], None]
    confidence: Callable[[str], float] | None
    arms: Callable[[], Iterable[Arm]]
    notes: tuple[str, ...] = ()


@contextmanager
def engine_subject(settings: Settings, progress: Progress, *, with_llm: bool) -> Generator[Subject]:
    """Open the engine of these settings; its index is brought up to date first.

    Args:
        settings: which library, index and models.
        progress: told of the building.
        with_llm: answers will be asked for, so the LLM must be there.

    Raises:
        ConfigurationError: answers are wanted, but the settings name no LLM.
        AgentError: the index or a model cannot be had; the message says what mends it.
    """
    if with_llm and settings.llm == "none":
        raise ConfigurationError(
            "These suites ask questions, but FURY_AGENT_LLM is 'none'.", remedy="Run only `retrieval`, or set an LLM."
        )
    info = build(settings.library, settings, progress=progress).info
    embedding = build_embedding(settings)
    query = RememberedQueries(embedding)
    searching = Service(settings, embedding=query)
    # Who is asked embeds each question, as users wait for that too.
    llm = build_llm(settings, progress=progress) if with_llm else None
    service = Service(settings, embedding=embedding, llm=llm)
    try:
        engine = searching.engine(None, None)
        retriever = engine.retriever
        answerer = EngineAnswerer(service)
        tree = open_source(info.spec, settings)
        yield Subject(
            answerer=answerer,
            identity=answerer.identity(),
            tree=tree,
            api=retriever.api,
            systems=(shipped(EngineAnswerer(searching)), *ablations(engine)),
            peers=lambda: peer_systems(tree, settings, query),
            prepare=query.remember,
            confidence=engine.confidence,
            arms=lambda: engine_arms(
                service.engine(None, None, with_llm=True), CodeRunner(settings, info.library, info.version, Turns(1))
            ),
            notes=tuple(_left_out(settings)),
        )
    finally:
        service.close()
        searching.close()


@contextmanager
def service_subject(
    url: str, settings: Settings, *, library: str | None = None, version: str | None = None
) -> Generator[Subject]:
    """Open a deployed service by its URL.

    Raises:
        InvalidInput: that is no address.
        ServiceError: nobody answers there.
    """
    answerer = HttpAnswerer(url, library=library, version=version)
    try:
        identity = answerer.identity()
        tree, notes = _sources(identity, settings)
        yield Subject(
            answerer=answerer,
            identity=identity,
            tree=tree,
            api=ApiModel.build(tree) if tree else None,
            systems=(shipped(answerer),),
            peers=None,
            prepare=lambda _: None,
            confidence=None,
            arms=lambda: [service_arm(answerer)],
            notes=(*notes, "A service does not tell how sure its retrieval is: no risk-coverage curve."),
        )
    finally:
        answerer.close()


def _left_out(settings: Settings) -> Iterator[str]:
    if set(settings.rankings) != set(RANKINGS):
        yield f"By its settings, {SHIPPED} ranks by {' + '.join(settings.rankings)} only."


def _sources(identity: Identity, settings: Settings) -> tuple[SourceTree | None, tuple[str, ...]]:
    try:
        return open_source(f"{identity.library}=={identity.version}", settings), ()
    except AgentError as error:
        told = f"The sources of {identity.library} {identity.version} cannot be had here, so that neither gold places"
        return None, (f"{told} nor names and calls are checked: {error}",)
