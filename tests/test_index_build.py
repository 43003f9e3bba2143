"""Incremental equals clean; nothing that is served is ever lost."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from llama_index.core.vector_stores.types import VectorStoreQuery, VectorStoreQueryMode, VectorStoreQueryResult

from agent import index_build
from agent.chunking.tokens import code_tokens
from agent.errors import IndexCorrupt, IndexMismatch, InvalidInput, SourceNotFound, StorageError
from agent.generations import IndexDirectory
from agent.index_build import build
from agent.manifest import Manifest
from agent.providers.embedding_cache import STEP
from agent.providers.stores.lancedb import LanceVectorStore
from agent.schema import SearchRequest, SourceTree
from agent.service import Service
from agent.settings import Settings
from tests.support import HashEmbedding

PYPROJECT = '[project]\nname = "demo"\nversion = "1.0"\n'


def module(name: str, words: str = "thing") -> str:
    return f'"""Module."""\n\n\ndef {name}(a, b=1):\n    """Make a {words}."""\n    return a\n'


def write(root: Path, files: dict[str, str]) -> None:
    for path, text in {"pyproject.toml": PYPROJECT, "demo/__init__.py": "", **files}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def directory(settings: Settings) -> IndexDirectory:
    return IndexDirectory(settings.indexes_dir, "demo", "1.0")


def content(settings: Settings) -> list[tuple[str, str, str, tuple[float, ...]]]:
    """All rows of the served index, in order."""
    generation = directory(settings).current()
    with_manifest = Manifest(generation.manifest_file)
    ids = [identifier for group in with_manifest.chunk_ids().values() for identifier in group]
    with_manifest.close()
    nodes = LanceVectorStore.open(generation.store_dir, tokenize=code_tokens).get_nodes(ids)
    return sorted(
        (
            node.node_id,
            node.get_content(),
            msgspec.json.encode(node.metadata, order="sorted").decode(),
            tuple(node.embedding or ()),
        )
        for node in nodes
    )


@pytest.fixture
def demo(tmp_path: Path) -> Settings:
    """A small library and settings for it."""
    write(tmp_path / "demo", {"demo/a.py": module("alpha"), "demo/b.py": module("beta")})
    return Settings(data_dir=tmp_path / "data", library=str(tmp_path / "demo"), llm="none")


def test_an_unchanged_library_is_not_built_again(demo: Settings) -> None:
    first = build(demo.library, demo, embedding=HashEmbedding())
    embedding = HashEmbedding()
    second = build(demo.library, demo, embedding=embedding)
    assert first.changed
    assert not second.changed
    assert embedding.texts == []
    assert second.info.generation == first.info.generation


def test_messages_and_uses_of_unchanged_files_are_kept(demo: Settings) -> None:
    root = Path(demo.library)
    write(
        root,
        {
            "demo/c.py": 'def gamma():\n    raise ValueError("gamma is not ready yet")\n',
            "docs/examples/viz_a.py": '"""Alpha"""\nfrom demo.a import alpha\n\nalpha(1)\n',
        },
    )
    build(demo.library, demo, embedding=HashEmbedding())
    (root / "demo/a.py").write_text(module("alpha", "cube"))
    build(demo.library, demo, embedding=HashEmbedding())
    with closing(Manifest(directory(demo).current().manifest_file)) as manifest:
        chunks = manifest.chunk_ids()
        assert [length for _, length, _ in manifest.quoted(["gamma is", "not ready"])] == [4]
        assert [name for _, name in manifest.used_by(chunks["docs/examples/viz_a.py"])] == ["demo.a.alpha"]
        assert {definition for _, definition, _ in manifest.used_in(chunks["docs/examples/viz_a.py"])} <= {
            *chunks["demo/a.py"]
        }
        assert manifest.used_in(chunks["docs/examples/viz_a.py"])


def test_only_the_changed_file_is_read_and_a_deleted_one_leaves(demo: Settings) -> None:
    build(demo.library, demo, embedding=HashEmbedding())
    root = Path(demo.library)
    (root / "demo/a.py").write_text(module("gamma", "cube"))
    (root / "demo/b.py").unlink()
    report = build(demo.library, demo, embedding=HashEmbedding())
    assert (report.files_chunked, report.files_removed) == (1, 1)
    found = Service(demo, embedding=HashEmbedding()).search(SearchRequest("gamma alpha beta", top_k=20)).passages
    assert {passage.symbol for passage in found} & {"alpha", "beta", "gamma"} == {"gamma"}


def test_a_re_export_changes_the_public_name_of_an_unchanged_file(demo: Settings) -> None:
    build(demo.library, demo, embedding=HashEmbedding())
    (Path(demo.library) / "demo/__init__.py").write_text("from demo.a import alpha\n")
    build(demo.library, demo, embedding=HashEmbedding())
    service = Service(demo, embedding=HashEmbedding())
    [hit] = [hit for hit in service.engine(None, None).find("alpha") if hit.chunk.symbol == "alpha"]
    assert hit.chunk.public == "demo.alpha"


edits = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["alpha", "beta", "gamma", "delta", None])),
    min_size=1,
    max_size=4,
)


@hypothesis_settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=st.lists(edits, min_size=1, max_size=3))
def test_incremental_equals_a_clean_build(
    tmp_path_factory: pytest.TempPathFactory, rounds: list[list[tuple[str, str | None]]]
) -> None:
    root = tmp_path_factory.mktemp("law")
    write(root / "demo", {"demo/a.py": module("alpha"), "demo/b.py": module("beta")})
    spec = str(root / "demo")
    incremental = Settings(data_dir=root / "incremental", library=spec)
    clean = Settings(data_dir=root / "clean", library=spec)
    build(spec, incremental, embedding=HashEmbedding())
    for changes in rounds:
        for name, function in changes:
            path = root / "demo" / "demo" / f"{name}.py"
            if function is None:
                path.unlink(missing_ok=True)
            else:
                path.write_text(module(function, f"{name} {function}"))
        build(spec, incremental, embedding=HashEmbedding())
    build(spec, clean, embedding=HashEmbedding(), force=True)
    assert content(incremental) == content(clean)


def test_an_index_of_another_model_is_refused_with_the_command_and_rebuilt(demo: Settings) -> None:
    build(demo.library, demo, embedding=HashEmbedding(model_name="old"))
    service = Service(demo, embedding=HashEmbedding(model_name="new"))
    with pytest.raises(IndexMismatch, match="fury-agent index"):
        service.search(SearchRequest("alpha"))
    assert build(demo.library, demo, embedding=HashEmbedding(model_name="new")).changed
    assert service.search(SearchRequest("alpha")).passages


def no_rows(_store: LanceVectorStore) -> int:
    return 0


def two_behind(_store: LanceVectorStore) -> dict[str, int]:
    return {"vector": 2}


def always(_store: LanceVectorStore) -> bool:
    return True


def test_rows_that_an_index_lacks_fail_the_validation(demo: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LanceVectorStore, "behind", two_behind)
    with pytest.raises(IndexCorrupt, match="2 by 'vector'"):
        build(demo.library, demo, embedding=HashEmbedding())


def test_an_index_of_words_that_is_read_whole_is_not_asked(demo: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[VectorStoreQuery] = []
    query = LanceVectorStore.query

    def noted(store: LanceVectorStore, question: VectorStoreQuery) -> VectorStoreQueryResult:
        asked.append(question)
        return query(store, question)

    monkeypatch.setattr(LanceVectorStore, "query", noted)
    build(demo.library, demo, embedding=HashEmbedding())
    small = {question.mode for question in asked}
    asked.clear()
    monkeypatch.setattr(LanceVectorStore, "reads_all_words", always)
    build(demo.library, demo, embedding=HashEmbedding(), force=True)
    assert small - {question.mode for question in asked} == {VectorStoreQueryMode.TEXT_SEARCH}
    assert asked


def test_a_failed_validation_keeps_the_served_index(demo: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    served = build(demo.library, demo, embedding=HashEmbedding()).info.generation
    (Path(demo.library) / "demo/a.py").write_text(module("gamma"))
    monkeypatch.setattr(LanceVectorStore, "count", no_rows)
    with pytest.raises(IndexCorrupt):
        build(demo.library, demo, embedding=HashEmbedding())
    monkeypatch.undo()
    assert directory(demo).current().name == served
    assert Service(demo, embedding=HashEmbedding()).search(SearchRequest("alpha")).passages


def test_a_full_disk_keeps_the_served_index(demo: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    served = build(demo.library, demo, embedding=HashEmbedding()).info.generation
    (Path(demo.library) / "demo/a.py").write_text(module("gamma"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(LanceVectorStore, "append", full)
    with pytest.raises(StorageError, match="No space left"):
        build(demo.library, demo, embedding=HashEmbedding())
    assert directory(demo).current().name == served


@pytest.mark.parametrize("part", ["store", "api.sqlite", "manifest.sqlite", "info.json"])
def test_a_damaged_index_is_built_again_by_the_same_command(demo: Settings, part: str) -> None:
    build(demo.library, demo, embedding=HashEmbedding())
    damaged = directory(demo).current().directory / part
    if damaged.is_dir():
        shutil.rmtree(damaged)
    else:
        damaged.write_bytes(b"garbage")
    assert build(demo.library, demo, embedding=HashEmbedding()).changed
    assert Service(demo, embedding=HashEmbedding()).search(SearchRequest("alpha")).passages


def test_a_file_that_changes_during_the_build_is_told(demo: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SourceTree, "read", lambda _tree, _file: b"something else")  # pyright: ignore[reportUnknownLambdaType]
    with pytest.raises(SourceNotFound, match="changed while it was read"):
        build(demo.library, demo, embedding=HashEmbedding())


def test_a_library_without_any_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="no file"):
        build(str(tmp_path / "empty"), Settings(data_dir=tmp_path / "data"), embedding=HashEmbedding())


def test_killed_at_any_moment_the_old_index_still_answers(demo: Settings) -> None:
    """Six builds are killed at random moments; after each, what is served is complete."""
    build(demo.library, demo, embedding=HashEmbedding())
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from agent.index_build import build\n"
        "from agent.settings import Settings\n"
        "from tests.support import HashEmbedding\n"
        "data, spec = sys.argv[1:]\n"
        "print('ready', flush=True)\n"
        "for number in range(1000):\n"
        "    name = f'number{number}'\n"
        "    (Path(spec) / 'demo/a.py').write_text(f'def {name}():\\n    \"Make {name}.\"\\n')\n"
        "    build(spec, Settings(data_dir=Path(data)), embedding=HashEmbedding(), force=True)\n"
    )
    chance = random.Random(7)  # noqa: S311 - moments to kill at, not secrets
    for _ in range(6):
        arguments = [sys.executable, "-W", "ignore", "-c", program, str(demo.data_dir), demo.library]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=Path(index_build.__file__).parents[1]) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(chance.uniform(0.0, 0.6))
            os.kill(process.pid, signal.SIGKILL)
        info = directory(demo).current().info()
        assert len(content(demo)) == info.chunks
        assert Service(demo, embedding=HashEmbedding()).search(SearchRequest("beta")).passages[0].symbol == "beta"
    assert build(demo.library, demo, embedding=HashEmbedding(), force=True).changed


def test_a_killed_build_goes_on_where_it_was(demo: Settings) -> None:
    """The model is killed at its third step; the next build embeds only what had not been kept."""
    write(Path(demo.library), {f"demo/m{number}.py": module(f"number{number}") for number in range(200)})
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from agent.index_build import build\n"
        "from agent.settings import Settings\n"
        "from tests.support import HashEmbedding\n"
        "class Mortal(HashEmbedding):\n"
        "    def _get_text_embeddings(self, texts):\n"
        "        if len(self.texts) > 2 * 128:\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n"
        "        return super()._get_text_embeddings(texts)\n"
        "build(sys.argv[2], Settings(data_dir=Path(sys.argv[1])), embedding=Mortal())\n"
    )
    arguments = [sys.executable, "-W", "ignore", "-c", program, str(demo.data_dir), demo.library]
    killed = subprocess.run(arguments, cwd=Path(index_build.__file__).parents[1], check=False)
    assert killed.returncode == -signal.SIGKILL
    report = build(demo.library, demo, embedding=HashEmbedding())
    assert report.info.chunks - report.chunks_embedded == 2 * STEP
    assert len(content(demo)) == report.info.chunks


def test_every_long_stage_says_how_far_it_is(demo: Settings) -> None:
    stages: dict[str, list[tuple[int, int | None]]] = {}
    build(
        demo.library,
        demo,
        embedding=HashEmbedding(),
        progress=lambda stage, done, total: stages.setdefault(stage, []).append((done, total)),
    )
    assert list(stages) == ["reading the API", "embedding", "optimizing", "validating"]
    for stage in ("reading the API", "embedding", "optimizing"):
        dones, totals = zip(*stages[stage], strict=True)
        assert list(dones) == sorted(dones)
        assert set(totals) == {totals[0]}
        assert 0 < dones[-1] <= (totals[0] or 0)
