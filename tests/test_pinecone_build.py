"""Whole indexes in Pinecone: built, switched, carried over, cleaned up and searched by settings alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from agent.diagnosis.doctor import examine
from agent.errors import IndexCorrupt, IndexMismatch, StoreUnavailable
from agent.generations import Generation, IndexDirectory
from agent.index_build import build
from agent.manifest import Manifest
from agent.providers.stores import create_store, drop_store, open_store
from agent.providers.stores.threaded import ThreadedVectorStore
from agent.schema import SearchRequest
from agent.service import Service
from agent.settings import Settings
from evals.cases import load_cases
from evals.retrieval import first_hit
from evals.systems import place
from tests.servers.pinecone import Fault, PineconeEmulator, pinecone_emulator
from tests.servers.pinecone_spec import check_exchanges
from tests.support import HashEmbedding
from tests.support_pinecone import NO_PINECONE, pinecone_settings

pytest.importorskip("pinecone", reason=NO_PINECONE)

INDEX = "fury-agent"


@pytest.fixture
def pinecone() -> Iterator[PineconeEmulator]:
    with pinecone_emulator(delay=0.02) as running:
        yield running
        check_exchanges(running.exchanges)


@pytest.fixture
def demo(tmp_path: Path, pinecone: PineconeEmulator) -> Settings:
    """A small library, and settings that keep its index in Pinecone."""
    write(tmp_path / "demo", "pyproject.toml", '[project]\nname = "demo"\nversion = "1.0"\n')
    write(tmp_path / "demo", "demo/__init__.py", "")
    write(tmp_path / "demo", "demo/a.py", 'def alpha(a, b=1):\n    """Make a thing."""\n    return a\n')
    write(tmp_path / "demo", "demo/b.py", 'def beta(a, b=1):\n    """Paint a cube."""\n    return a\n')
    return pinecone_settings(pinecone, data_dir=tmp_path / "data", library=str(tmp_path / "demo"), llm="none")


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def rebuild(settings: Settings, **more: Any) -> Generation:
    build(settings.library, settings, embedding=HashEmbedding(), **more)
    return served(settings)


def served(settings: Settings) -> Generation:
    return IndexDirectory(settings.indexes_dir, "demo", "1.0").current()


def find(settings: Settings, question: str) -> list[str | None]:
    found = Service(settings, embedding=HashEmbedding()).search(SearchRequest(question, top_k=20)).passages
    return [passage.symbol for passage in found]


def namespace(generation: Generation) -> str:
    return f"demo~1.0~{generation.name}"


def content(settings: Settings) -> list[tuple[str, str, tuple[float, ...]]]:
    with closing(Manifest(served(settings).manifest_file)) as manifest:
        ids = [id_ for held in manifest.chunk_ids().values() for id_ in held]
    nodes = open_store(settings, served(settings)).get_nodes(ids)
    return sorted((node.node_id, node.get_content(), tuple(node.embedding or ())) for node in nodes)


@pytest.mark.weights
def test_questions_about_fury_find_the_same_places_as_in_lancedb(fury_service: Service, tmp_path: Path) -> None:
    """Hit@5 within one question, on every sixth of the evals'; docs/pinecone.md has the command for all of them."""
    retriever = fury_service.engine(None, None).retriever
    local = retriever._store
    assert isinstance(local, ThreadedVectorStore)
    cases = [case for case in load_cases() if case.answerable][::6]

    def answered() -> int:
        ranks = [first_hit(case, [place(hit) for hit in retriever.find(case.question, 5)]) for case in cases]
        return sum(rank is not None for rank in ranks)

    in_lancedb = answered()
    with pinecone_emulator() as pinecone:
        generation = Generation(tmp_path / "fury" / "2.0.0" / "generations" / "g")
        hosted = create_store(pinecone_settings(pinecone, pinecone_timeout=60.0), generation, 384)
        hosted.add(local.get_nodes())
        assert hosted.count() == local.count()
        retriever._store = hosted
        try:
            in_pinecone = answered()
        finally:
            retriever._store = local
    assert in_lancedb > len(cases) // 2
    assert abs(in_pinecone - in_lancedb) <= 1


@pytest.mark.network
@pytest.mark.timeout(600)
def test_a_library_is_built_and_searched_in_the_real_pinecone(
    demo: Settings, pinecone_key: str, pinecone: PineconeEmulator
) -> None:
    """Makes the index `fury-agent-test` if there is none, and deletes its own namespaces at the end."""
    live = {"pinecone_key": SecretStr(pinecone_key), "pinecone_url": Settings().pinecone_url}
    settings = demo.model_copy(update={**live, "pinecone_index": "fury-agent-test", "pinecone_timeout": 120.0})
    generations = [rebuild(settings)]
    try:
        assert find(settings, "paint a cube")[0] == "beta"
        write(Path(demo.library), "demo/a.py", 'def gamma():\n    """Make a sphere."""\n')
        generations.append(rebuild(settings))
        assert "gamma" in find(settings, "sphere")
        assert "alpha" not in find(settings, "alpha")
    finally:
        for generation in generations:
            drop_store(settings, generation)
    assert pinecone.exchanges == []


def test_a_library_is_built_and_searched(demo: Settings, pinecone: PineconeEmulator) -> None:
    generation = rebuild(demo)
    assert find(demo, "paint a cube")[0] == "beta"
    assert pinecone.namespaces(INDEX) == {namespace(generation)}
    assert not any(path.suffix == ".lance" for path in generation.directory.rglob("*"))
    assert ("vector store", "ok") in [(finding.part, finding.state) for finding in examine(demo)]


def test_a_rebuild_carries_over_what_is_unchanged_and_equals_a_clean_one(demo: Settings, tmp_path: Path) -> None:
    rebuild(demo)
    write(tmp_path / "demo", "demo/a.py", 'def gamma():\n    """Make a sphere."""\n')
    embedding = HashEmbedding()
    report = build(demo.library, demo, embedding=embedding)
    assert (report.files_chunked, report.files_kept) == (1, 3)
    incremental = content(demo)
    assert "gamma" in find(demo, "sphere")
    assert "alpha" not in find(demo, "alpha")
    rebuild(demo, force=True)
    assert content(demo) == incremental


def test_the_generation_before_stays_and_older_ones_go(demo: Settings, pinecone: PineconeEmulator) -> None:
    names = [namespace(rebuild(demo, force=True)) for _ in range(3)]
    assert pinecone.namespaces(INDEX) == set(names[1:])


def test_what_a_killed_build_left_goes_and_nothing_else(demo: Settings, pinecone: PineconeEmulator) -> None:
    """Namespaces of other directories stay: somebody may be served from them."""
    first = rebuild(demo)
    orphan = Generation(first.directory.parent / "20260101T000000000000-orphan")
    foreign = Generation(demo.data_dir / "elsewhere" / "demo" / "1.0" / "generations" / "g")
    for generation in (orphan, foreign):
        create_store(demo, generation, 64).add(open_store(demo, first).get_nodes())
    assert len(pinecone.namespaces(INDEX)) == 3
    second = rebuild(demo, force=True)
    assert pinecone.namespaces(INDEX) == {namespace(first), namespace(second), namespace(foreign)}
    assert not orphan.directory.exists()


def test_a_build_that_fails_leaves_the_served_one_and_nothing_in_pinecone(
    demo: Settings, pinecone: PineconeEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = rebuild(demo)
    monkeypatch.setattr("agent.index_build.validate", lambda *_: (_ for _ in ()).throw(IndexCorrupt("broken")))  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
    with pytest.raises(IndexCorrupt):
        rebuild(demo, force=True)
    assert pinecone.namespaces(INDEX) == {namespace(first)}
    assert find(demo, "paint a cube")[0] == "beta"


def test_what_could_not_be_deleted_is_deleted_by_the_next_build(
    demo: Settings, pinecone: PineconeEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    impatient = demo.model_copy(update={"pinecone_timeout": 0.5})
    first, second = rebuild(demo, force=True), rebuild(demo, force=True)
    pinecone.faults = [Fault(400, body='{"message": "not now"}', path=f"/namespaces/{namespace(first)}", times=9)]
    third = rebuild(impatient, force=True)
    assert namespace(first) in pinecone.namespaces(INDEX)
    assert "stays until the next build" in caplog.text
    pinecone.faults = []
    fourth = rebuild(demo, force=True)
    assert pinecone.namespaces(INDEX) == {namespace(third), namespace(fourth)}
    assert not second.directory.exists()


def test_pinecone_out_of_reach_is_told_and_nothing_is_lost(demo: Settings, pinecone: PineconeEmulator) -> None:
    rebuild(demo)
    service = Service(demo.model_copy(update={"pinecone_timeout": 0.3}), embedding=HashEmbedding())
    assert service.search(SearchRequest("cube")).passages
    pinecone.faults = [Fault(503, times=99)]
    with pytest.raises(StoreUnavailable):
        service.search(SearchRequest("cube"))
    pinecone.faults = []
    assert service.search(SearchRequest("cube")).passages


def test_another_store_in_the_settings_is_told_and_built(demo: Settings, pinecone: PineconeEmulator) -> None:
    local = demo.model_copy(update={"store": "lancedb"})
    rebuild(local)
    with pytest.raises(IndexMismatch, match=r"its directory.*Pinecone's index 'fury-agent'.*fury-agent index"):
        find(demo, "cube")
    generation = rebuild(demo)
    assert find(demo, "paint a cube")[0] == "beta"
    with pytest.raises(IndexMismatch):
        find(local, "cube")
    drop_store(demo, generation)
    drop_store(demo, generation)
    assert pinecone.namespaces(INDEX) == set()
