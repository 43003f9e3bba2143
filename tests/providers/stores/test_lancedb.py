"""What the LanceDB store does beyond the contract: both searches agree, generations, crashes and broken files."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from llama_index.core.schema import TextNode
from llama_index.core.vector_stores.types import (
    FilterCondition,
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
)

from agent.errors import (
    AgentError,
    IndexCorrupt,
    IndexMismatch,
    IndexMissing,
    InvalidInput,
    StorageError,
    StoreUnavailable,
)
from agent.providers.stores.bm25 import Bm25
from agent.providers.stores.faults import translated
from agent.providers.stores.lancedb import EXACT_ROWS, LanceVectorStore

MakeNode = Callable[..., TextNode]

DIMENSION = 16
X = [1.0] + [0.0] * (DIMENSION - 1)


def create(directory: Path, dimension: int = DIMENSION, **more: int) -> LanceVectorStore:
    return LanceVectorStore.create(directory, dimension, tokenize=str.split, **more)


def reopen(directory: Path, exact_rows: int = EXACT_ROWS) -> LanceVectorStore:
    return LanceVectorStore.open(directory, tokenize=str.split, exact_rows=exact_rows)


def ids(store: LanceVectorStore) -> list[str]:
    return [node.node_id for node in store.get_nodes()]


def random_nodes(make_node: MakeNode, count: int, seed: int = 0) -> list[TextNode]:
    random = np.random.default_rng(seed)
    words = np.array([f"word{i}" for i in range(200)])
    common_first = 1 / np.arange(1, 201)
    nodes: list[TextNode] = []
    for i in range(count):
        text = " ".join(random.choice(words, size=random.integers(5, 60), p=common_first / common_first.sum()))
        vector = random.standard_normal(DIMENSION).astype(np.float32).tolist()
        nodes.append(make_node(f"n{i}", vector, text, path=f"m{i % 20}.py", kind="class" if i % 3 else "function"))
    return nodes


# --- both searches give the same answers ---------------------------------------------------------------


@pytest.fixture(scope="module", params=["before optimize", "after optimize"])
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, make_node: MakeNode
) -> tuple[LanceVectorStore, LanceVectorStore]:
    """One table, answered from memory and by LanceDB; some rows were replaced and deleted."""
    directory = tmp_path_factory.mktemp("both")
    store = create(directory)
    store.add(random_nodes(make_node, 600))
    store.add(random_nodes(make_node, 700, seed=1)[500:])
    store.delete("m3.py")
    if request.param == "after optimize":
        store.optimize()
    return reopen(directory), reopen(directory, exact_rows=0)


FILTERS = [
    None,
    MetadataFilters(
        filters=[MetadataFilter(key="kind", value="class"), MetadataFilter(key="path", value="m1.py")],
        condition=FilterCondition.OR,
    ),
]


@pytest.mark.parametrize("filters", FILTERS, ids=["all", "filtered"])
def test_dense_answers_are_the_same_in_memory_and_by_lancedb(
    both: tuple[LanceVectorStore, LanceVectorStore], filters: MetadataFilters | None
) -> None:
    random = np.random.default_rng(5)
    for _ in range(20):
        vector = random.standard_normal(DIMENSION).tolist()
        mine, theirs = (
            store.query(VectorStoreQuery(query_embedding=vector, similarity_top_k=25, filters=filters))
            for store in both
        )
        assert mine.ids == theirs.ids
        assert mine.nodes == theirs.nodes
        assert mine.similarities == pytest.approx(theirs.similarities, abs=1e-5)


@pytest.mark.parametrize("filters", FILTERS, ids=["all", "filtered"])
def test_lexical_answers_are_nearly_the_same_in_memory_and_by_lancedb(
    both: tuple[LanceVectorStore, LanceVectorStore], filters: MetadataFilters | None, request: pytest.FixtureRequest
) -> None:
    """Equal scores may swap; until `optimize`, LanceDB's statistics lag behind replaced and deleted rows."""
    random = np.random.default_rng(6)
    shares: list[float] = []
    for _ in range(20):
        text = " ".join(f"word{i}" for i in random.integers(0, 200, size=4))
        query = VectorStoreQuery(
            query_str=text, mode=VectorStoreQueryMode.TEXT_SEARCH, similarity_top_k=10, filters=filters
        )
        mine, theirs = (store.query(query) for store in both)
        assert len(mine.ids or []) == len(theirs.ids or [])
        shares.append(len(set(mine.ids or []) & set(theirs.ids or [])) / len(mine.ids or [1]))
        if "after" in request.node.name:
            assert mine.similarities == pytest.approx(theirs.similarities, rel=1e-4)
    assert np.mean(shares) > 0.9


def test_the_approximate_index_of_a_large_table_finds_nearly_all(tmp_path: Path, make_node: MakeNode) -> None:
    nodes = random_nodes(make_node, 2_000)
    store = create(tmp_path / "store", exact_rows=0)
    store.add(nodes)
    store.optimize()
    assert {index.index_type for index in store.client.list_indices()} == {"FTS", "BTree", "IvfSq"}
    exact = reopen(tmp_path / "store")
    found = 0
    for node in nodes[:50]:
        query = VectorStoreQuery(query_embedding=node.embedding, similarity_top_k=10)
        found += len(set(store.query(query).ids or []) & set(exact.query(query).ids or []))
    assert found >= 475


@pytest.mark.parametrize(("exact_rows", "indexed"), [(100, {"lexical"}), (0, {"lexical", "vector", "id"})])
def test_indexes_that_lack_rows_are_told_until_the_store_is_finished(
    tmp_path: Path, make_node: MakeNode, exact_rows: int, indexed: set[str]
) -> None:
    store = create(tmp_path / "store", exact_rows=exact_rows)
    assert store.behind() == {}
    store.add(random_nodes(make_node, 30))
    assert store.behind() == dict.fromkeys(indexed, 30)
    assert store.reads_all_words() == (exact_rows == 0)
    store.optimize()
    assert reopen(tmp_path / "store", exact_rows).behind() == {}
    store.append([make_node("late", X)])
    assert store.behind() == dict.fromkeys(indexed, 1)


def test_equal_scores_stand_in_the_order_of_the_table(tmp_path: Path, make_node: MakeNode) -> None:
    store = create(tmp_path / "store")
    store.add([make_node(f"n{i}", X) for i in range(500)])
    for top_k in (7, 500):
        found = store.query(VectorStoreQuery(query_embedding=X, similarity_top_k=top_k))
        assert found.ids == [f"n{i}" for i in range(top_k)]


def test_bm25_is_the_textbook_formula() -> None:
    texts = ["a a b", "b c", "", "c c c d"]
    index = Bm25(pa.array(texts))
    tokens = [text.split() for text in texts]
    average = sum(map(len, tokens)) / len(tokens)
    expected: list[float] = []
    for row in tokens:
        score = 0.0
        for word in ("a", "c"):
            holds = sum(word in other for other in tokens)
            idf = np.log(1 + (len(tokens) - holds + 0.5) / (holds + 0.5))
            often = row.count(word)
            score += idf * often * 2.2 / (often + 1.2 * (0.25 + 0.75 * len(row) / average))
        expected.append(score)
    assert index.scores(["a", "c", "unheard"]) == pytest.approx(expected)


# --- generations -----------------------------------------------------------------------------------------


def test_what_was_stored_is_there_after_opening_again(tmp_path: Path, make_node: MakeNode) -> None:
    nodes = random_nodes(make_node, 50)
    store = create(tmp_path / "store")
    store.add(nodes)
    store.optimize()
    again = reopen(tmp_path / "store")
    assert (again.dimension, again.count()) == (DIMENSION, 50)
    assert again.get_nodes([node.node_id for node in nodes]) == nodes


def test_rows_come_in_bounded_batches(tmp_path: Path, make_node: MakeNode) -> None:
    store = create(tmp_path / "store")
    store.add(random_nodes(make_node, 250))
    sizes = [batch.num_rows for batch in store.rows(batch_rows=100)]
    assert sum(sizes) == 250
    assert max(sizes) <= 100


def test_unchanged_files_are_carried_over_as_they_are(tmp_path: Path, make_node: MakeNode) -> None:
    old, new = create(tmp_path / "old"), create(tmp_path / "new")
    nodes = random_nodes(make_node, 3_000)
    old.add(nodes)
    new.copy_from(old, {"m1.py", "m2.py", "nobody.py"})
    kept = [node for node in nodes if node.metadata["path"] in {"m1.py", "m2.py"}]
    assert new.get_nodes() == kept
    query = VectorStoreQuery(query_str=kept[0].text, mode=VectorStoreQueryMode.TEXT_SEARCH, similarity_top_k=1)
    assert new.query(query).ids == [kept[0].node_id]
    new.copy_from(old, {"m2.py", "m3.py"})
    assert sorted(ids(new)) == sorted(
        node.node_id for node in nodes if node.metadata["path"] in {"m1.py", "m2.py", "m3.py"}
    )


def test_carrying_over_nothing_leaves_an_empty_store(tmp_path: Path, make_node: MakeNode) -> None:
    old, new = create(tmp_path / "old"), create(tmp_path / "new")
    old.add(random_nodes(make_node, 10))
    new.copy_from(old, ())
    new.optimize()
    assert new.count() == 0
    assert new.query(VectorStoreQuery(query_embedding=X)).ids == []


def test_vectors_of_another_dimension_are_not_carried_over(tmp_path: Path) -> None:
    with pytest.raises(IndexMismatch, match=r"16 numbers.*8"):
        create(tmp_path / "new", 8).copy_from(create(tmp_path / "old"), ())


def test_optimize_leaves_one_version_and_nothing_else_changes(tmp_path: Path, make_node: MakeNode) -> None:
    store = create(tmp_path / "store")
    nodes = random_nodes(make_node, 60)
    for start in range(0, 60, 10):
        store.add(nodes[start : start + 10])
    store.optimize()
    assert len(list((tmp_path / "store").glob("*.lance/data/*"))) == 1
    assert store.get_nodes() == nodes


def test_a_writer_that_opened_earlier_replaces_what_another_has_added_since(
    tmp_path: Path, make_node: MakeNode
) -> None:
    first = create(tmp_path / "store")
    first.add([make_node("b", X)])
    second = reopen(tmp_path / "store")
    first.add([make_node("a", X, "first")])
    second.add([make_node("a", X, "second")])
    assert sorted(ids(reopen(tmp_path / "store"))) == ["a", "b"]
    assert [node.text for node in second.get_nodes(["a"]) if isinstance(node, TextNode)] == ["second"]


# --- what can go wrong -------------------------------------------------------------------------------------


def test_opening_what_is_not_there_says_how_to_build_it(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match="fury-agent index"):
        reopen(tmp_path / "nothing")


def test_a_store_is_never_overwritten(tmp_path: Path, make_node: MakeNode) -> None:
    create(tmp_path / "store").add([make_node("a", X)])
    with pytest.raises(InvalidInput, match="already"):
        create(tmp_path / "store")
    assert ids(reopen(tmp_path / "store")) == ["a"]


def test_a_dimension_is_positive(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="0"):
        create(tmp_path / "store", 0)


def test_a_table_of_another_layout_is_refused(tmp_path: Path) -> None:
    import lancedb  # only this test pays for it

    lancedb.connect(tmp_path).create_table("chunks", pa.table({"id": ["a"]}))
    with pytest.raises(IndexMismatch, match="--force"):
        reopen(tmp_path)


def test_a_directory_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="ENOTDIR"):
        create(tmp_path / "file" / "store")


@pytest.mark.parametrize("part", ["data", "_versions"])
@pytest.mark.parametrize("how", ["cut", "gone"])
def test_damaged_files_are_found_out(tmp_path: Path, make_node: MakeNode, part: str, how: str) -> None:
    create(tmp_path).add(random_nodes(make_node, 20))
    for file in (tmp_path / "chunks.lance" / part).iterdir():
        if how == "cut":
            file.write_bytes(file.read_bytes()[:10])
        else:
            file.unlink()
    with pytest.raises(IndexCorrupt, match="--force"):
        reopen(tmp_path).query(VectorStoreQuery(query_embedding=X))


@pytest.mark.parametrize(
    ("foreign", "expected"),
    [
        (OSError(28, "No space left on device"), StorageError),
        (RuntimeError("lance error: LanceError(IO): No space left on device (os error 28), src/x.rs:1"), StorageError),
        (PermissionError(13, "Permission denied"), StorageError),
        (RuntimeError("lance error: LanceError(IO): Permission denied (os error 13), src/x.rs:1"), StorageError),
        (ValueError("Table 'chunks' was not found"), IndexCorrupt),
        (pa.ArrowInvalid("no idea"), StoreUnavailable),
        (RuntimeError("lance error: Too many concurrent writers"), StoreUnavailable),
        (InvalidInput("ours"), InvalidInput),
    ],
)
def test_foreign_errors_become_ours(foreign: Exception, expected: type[AgentError]) -> None:
    with pytest.raises(AgentError) as raised, translated(Path("store"), "be read"):
        raise foreign
    assert type(raised.value) is expected
    if not isinstance(foreign, AgentError):
        assert raised.value.__cause__ is foreign
        assert "'store'" in raised.value.message
        assert raised.value.remedy


WRITER = """
import sys
from pathlib import Path
from llama_index.core.schema import TextNode
from agent.providers.stores.lancedb import EXACT_ROWS, LanceVectorStore

store = LanceVectorStore.open(Path(sys.argv[1]), tokenize=str.split)
for number in range(int(sys.argv[2]), 10_000):
    store.add([TextNode(id_=f"{number}-{i}", text="sphere", embedding=[1.0, float(i)]) for i in range(50)])
    print(number, flush=True)
    store.optimize()
"""


def test_a_killed_writer_leaves_whole_batches_only(tmp_path: Path) -> None:
    create(tmp_path, 2)
    written = 0
    for attempt in range(3):
        command = [sys.executable, "-c", WRITER, str(tmp_path), str(written)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            confirmed = written
            for line in writer.stdout:
                confirmed = int(line) + 1
                if confirmed > written + 3:
                    break
            time.sleep(0.007 * attempt)  # into `optimize`, or into the next `add`
            writer.kill()
            confirmed += len(writer.stdout.read().split())
        store = reopen(tmp_path)
        batches = {node_id.split("-")[0] for node_id in ids(store)}
        assert store.count() == 50 * len(batches)
        assert len(batches) in {confirmed, confirmed + 1}
        words = VectorStoreQuery(query_str="sphere", mode=VectorStoreQueryMode.TEXT_SEARCH, similarity_top_k=10_000)
        for exact_rows in (0, 50_000):
            assert len(reopen(tmp_path, exact_rows=exact_rows).query(words).ids or []) == store.count()
        written = len(batches)
