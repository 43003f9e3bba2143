"""What the Pinecone store does beyond the contract: limits, delays, faults, secrets, and scores like LanceDB's."""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llama_index.core.schema import TextNode
from llama_index.core.vector_stores.types import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
)
from pydantic import SecretStr

from agent.errors import (
    AgentError,
    ConfigurationError,
    IndexMismatch,
    IndexMissing,
    InvalidInput,
    MissingExtra,
    StoreUnavailable,
)
from agent.generations import Generation
from agent.providers.stores import create_store
from agent.providers.stores.pinecone_records import batches, node_id_of, pages, record_id
from agent.settings import Settings
from tests.servers.pinecone import Fault, PineconeEmulator, pinecone_emulator
from tests.servers.pinecone_spec import ABSENT, check_exchanges
from tests.support_pinecone import NO_PINECONE, pinecone_settings, pinecone_store

pytest.importorskip("pinecone", reason=NO_PINECONE)
from agent.providers.stores import pinecone_client

MakeNode = Callable[..., TextNode]
X, Y = [1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]
WORDS = [f"word{i}" for i in range(200)]


def dense(top_k: int = 10, **more: Any) -> VectorStoreQuery:
    return VectorStoreQuery(query_embedding=X, similarity_top_k=top_k, **more)


def lexical(text: str, top_k: int = 10) -> VectorStoreQuery:
    return VectorStoreQuery(query_str=text, mode=VectorStoreQueryMode.TEXT_SEARCH, similarity_top_k=top_k)


def random_nodes(make_node: MakeNode, count: int) -> list[TextNode]:
    random = np.random.default_rng(3)
    common_first = 1 / np.arange(1, 201)
    sizes = random.integers(5, 60, size=count)
    texts = [" ".join(random.choice(WORDS, size=size, p=common_first / common_first.sum())) for size in sizes]
    return [make_node(f"n{i}", random.standard_normal(4).tolist(), text) for i, text in enumerate(texts)]


@pytest.fixture
def pinecone() -> Iterator[PineconeEmulator]:
    """An emulator of the test's own, to break."""
    with pinecone_emulator() as running:
        yield running


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between tries are shorter than in earnest."""
    monkeypatch.setattr(pinecone_client, "LONGEST_PAUSE", 0.06)


# --- scores ------------------------------------------------------------------------------------------


def test_lexical_scores_are_those_of_the_lancedb_store(
    emulator: PineconeEmulator, tmp_path: Path, make_node: MakeNode
) -> None:
    from agent.providers.stores.lancedb import LanceVectorStore  # only this test pays for it

    nodes = random_nodes(make_node, 300)
    ours, theirs = (
        pinecone_store(emulator, tmp_path / "pinecone"),
        LanceVectorStore.create(tmp_path / "lance", 4, tokenize=str.split),
    )
    for store in (ours, theirs):
        store.add(nodes)
    for words in ("word0 word150", "word3", "word7 word90 word199 unheard"):
        mine, reference = ours.query(lexical(words, 300)), theirs.query(lexical(words, 300))
        assert set(mine.ids or []) == set(reference.ids or [])
        assert mine.similarities == pytest.approx(reference.similarities, rel=1e-5)


def test_a_store_filled_in_parts_ranks_nearly_alike(
    emulator: PineconeEmulator, tmp_path: Path, make_node: MakeNode
) -> None:
    """Lengths are compared to those of the first part; frequencies are of all."""
    nodes = random_nodes(make_node, 300)
    whole, parts = pinecone_store(emulator, tmp_path / "whole"), pinecone_store(emulator, tmp_path / "parts")
    whole.add(nodes)
    for start in range(0, 300, 100):
        parts.add(nodes[start : start + 100])
    for words in ("word0 word150", "word7 word90"):
        mine, reference = parts.query(lexical(words, 10)), whole.query(lexical(words, 10))
        assert len(set(mine.ids or []) & set(reference.ids or [])) >= 9


def test_what_is_replaced_or_deleted_counts_no_more(
    emulator: PineconeEmulator, tmp_path: Path, make_node: MakeNode
) -> None:
    changed, fresh = pinecone_store(emulator, tmp_path / "changed"), pinecone_store(emulator, tmp_path / "fresh")
    changed.add([make_node("a", X, "rare rare"), make_node("b", X, "rare common", path="b.py")])
    changed.add([make_node("a", X, "common other"), make_node("c", X, "rare", path="c.py")])
    changed.delete("c.py")
    fresh.add([make_node("a", X, "common other"), make_node("b", X, "rare common", path="b.py")])
    for words in ("rare", "common", "other"):
        assert changed.query(lexical(words)).similarities == fresh.query(lexical(words)).similarities
    assert (changed.count(), fresh.count()) == (2, 2)


# --- limits ------------------------------------------------------------------------------------------


def test_a_long_text_survives_and_leaves_nothing_behind(
    emulator: PineconeEmulator, tmp_path: Path, make_node: MakeNode
) -> None:
    store = pinecone_store(emulator, tmp_path / "store")
    long = make_node("long", X, '球\x01\\"\n word ' * 12_000)
    store.add([long, make_node("short", Y)])
    assert store.get_nodes(["long"]) == [long]
    assert [node.text for node in store.query(dense(1)).nodes or [] if isinstance(node, TextNode)] == [long.text]
    assert store.query(lexical("word")).ids == ["long"]
    pieces = emulator.indexes["d4"].namespaces[f"{store.namespace}~pieces"]
    assert len(pieces.records) > 3
    store.add([make_node("long", X, "now short")])
    assert pieces.settle()
    assert pieces.records == {}


def test_upserts_keep_to_the_limits_of_records_and_bytes(tmp_path: Path, make_node: MakeNode) -> None:
    with pinecone_emulator() as running:
        store = pinecone_store(running, tmp_path / "store")
        store.add([make_node(f"n{i}", X, "few") for i in range(1_500)])
        store.add([make_node(f"b{i}", X, "x" * 30_000) for i in range(100)])
        upserts = running.asked("/vectors/upsert")
        assert [len(upsert.request["vectors"]) for upsert in upserts[:2]] == [1_000, 500]
        assert all(upsert.status == 200 for upsert in upserts)
        assert 1_500_000 < upserts[2].size < 2_000_000
        assert store.count() == 1_600
        assert len(store.get_nodes()) == 1_600


@given(node_id=st.text(max_size=90))
def test_any_id_becomes_ascii_and_itself_again(node_id: str) -> None:
    written = record_id(node_id)
    assert written.isascii()
    assert written.isprintable()
    assert 0 < len(written) <= 512
    assert node_id_of(written) == node_id


def test_an_id_that_is_too_long_is_named(emulator: PineconeEmulator, tmp_path: Path, make_node: MakeNode) -> None:
    store = pinecone_store(emulator, tmp_path / "store")
    with pytest.raises(InvalidInput, match=r"'éé.*512"):
        store.add([make_node("é" * 300, X)])
    store.add([make_node("é/球.py::f", X)])
    assert store.query(dense(output_fields=["id"])).ids == ["é/球.py::f"]


@given(sizes=st.lists(st.integers(0, 900_000), max_size=30), most=st.integers(1, 5))
def test_batches_and_pages_lose_nothing(sizes: list[int], most: int) -> None:
    records = [{"id": str(i), "text": "x" * size} for i, size in enumerate(sizes)]
    assert [record for batch in batches(records) for record in batch] == records
    assert all(sum(len(record["text"]) for record in batch) < 2_000_000 for batch in batches(records))
    ids = [record["id"] for record in records]
    assert [id_ for page in pages(ids, most) for id_ in page] == ids
    assert all(len(page) <= most for page in pages(ids, most))


def test_no_query_has_vectors_sent_back(emulator: PineconeEmulator, tmp_path: Path, make_node: MakeNode) -> None:
    store = pinecone_store(emulator, tmp_path / "store")
    store.add([make_node("a", X)])
    before = len(emulator.asked("/query"))
    store.query(dense())
    store.query(lexical("sphere"))
    replies = emulator.asked("/query")[before:]
    assert not [match for exchange in replies for match in exchange.reply["matches"] if "values" in match]


def test_filters_do_not_lean_on_what_pinecone_leaves_open(tmp_path: Path, make_node: MakeNode) -> None:
    """Whether a field that is not there meets `$ne` is nowhere said; both must give the same."""
    differs = MetadataFilter(key="symbol", value="f", operator=FilterOperator.NE)
    not_in = MetadataFilter(key="symbol", value=["f"], operator=FilterOperator.NIN)
    equals = MetadataFilter(key="symbol", value="f")
    for absent_differs in (True, False):
        with pinecone_emulator(absent_differs=absent_differs) as running:
            store = pinecone_store(running, tmp_path / str(absent_differs))
            store.add([make_node("f", X, symbol="f"), make_node("g", X, symbol="g"), make_node("none", X)])
            for leaf, negated in [(differs, False), (not_in, False), (equals, True), (differs, True)]:
                condition = FilterCondition.NOT if negated else FilterCondition.AND
                found = store.get_nodes(filters=MetadataFilters(filters=[leaf], condition=condition))
                expected = ["f"] if leaf is differs and negated else ["g", "none"]
                assert [node.node_id for node in found] == expected


def test_more_hits_than_pinecone_gives_are_refused(emulator: PineconeEmulator, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"10001.*10000"):
        pinecone_store(emulator, tmp_path / "store").query(dense(10_001))


# --- what was written is seen ------------------------------------------------------------------------


def test_what_was_written_is_seen_by_the_next_query(tmp_path: Path, make_node: MakeNode) -> None:
    with pinecone_emulator(delay=0.15) as running:
        store = pinecone_store(running, tmp_path / "store")
        store.add([make_node("a", X, "old"), make_node("b", X, path="b.py")])
        assert sorted(store.query(dense()).ids or []) == ["a", "b"]
        store.add([make_node("a", X, "new")])
        assert store.query(lexical("new")).ids == ["a"]
        store.delete("b.py")
        assert store.query(dense()).ids == ["a"]
        assert store.count() == 1
        store.clear()
        assert store.get_nodes() == []


def test_a_write_that_never_shows_is_told(tmp_path: Path, make_node: MakeNode) -> None:
    with pinecone_emulator(delay=60.0) as running:
        store = pinecone_store(running, tmp_path / "store", pinecone_timeout=0.3)
        store.add([make_node("a", X)])
        with pytest.raises(StoreUnavailable, match=r"did not show.*0\.3 s.*FURY_AGENT_PINECONE_TIMEOUT"):
            store.query(dense())


# --- faults ------------------------------------------------------------------------------------------

PASSING = [
    Fault(429, {"Retry-After": "0.1"}, '{"message": "slow down"}', times=2),
    Fault(429, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}),
    Fault(500, body="<html>"),
    Fault(503, times=3),
    Fault(408),
    Fault(how="reset"),
    Fault(how="reset", after=True),
    Fault(200, body="not JSON", after=True),
]


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: f"{fault.how}-{fault.status}")
def test_what_passes_is_tried_again(
    pinecone: PineconeEmulator, tmp_path: Path, make_node: MakeNode, fault: Fault
) -> None:
    store = pinecone_store(pinecone, tmp_path / "store")
    for path, work in [
        ("/vectors/upsert", lambda: store.add([make_node("a", X), make_node("b", Y, path="b.py")])),
        ("/query", lambda: store.query(dense(1)).ids == ["a"]),
        ("/vectors/fetch", lambda: store.get_nodes(["a"])),
        ("/vectors/delete", lambda: store.delete("b.py")),
        ("/namespaces", store.count),
    ]:
        pinecone.faults = [Fault(fault.status, fault.headers, fault.body, fault.how, path, fault.times, fault.after)]
        assert work() is not False
        assert pinecone.faults[0].times == 0
    assert [node.node_id for node in store.get_nodes()] == ["a"]
    assert store.count() == 1


@pytest.mark.parametrize(
    "fault",
    [Fault(429, {"Retry-After": "120"}, times=9), Fault(503, times=99), Fault(how="hang", times=9)],
    ids=["asks for too much", "does not end", "hangs"],
)
def test_patience_ends_with_the_deadline(
    pinecone: PineconeEmulator, tmp_path: Path, make_node: MakeNode, fault: Fault
) -> None:
    store = pinecone_store(pinecone, tmp_path / "store", pinecone_timeout=0.4)
    store.add([make_node("a", X)])
    store.count()
    pinecone.faults = [fault]
    started = time.monotonic()
    with pytest.raises(StoreUnavailable, match=r"0\.4 s.*Try again"):
        store.query(dense())
    assert time.monotonic() - started < 1.5


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(401, body='{"message": "Invalid API Key: pcsk_test-key"}', times=9), ConfigurationError),
        (Fault(403, body='{"message": "Forbidden"}', times=9), ConfigurationError),
        (Fault(404, body='{"message": "gone"}', times=9), IndexMissing),
        (Fault(400, body='{"message": "no"}', times=9), StoreUnavailable),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Fault) else value.__name__,
)
def test_what_stays_is_told_at_once_and_without_the_key(
    pinecone: PineconeEmulator,
    tmp_path: Path,
    make_node: MakeNode,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
    expected: type[AgentError],
) -> None:
    caplog.set_level(logging.DEBUG)
    store = pinecone_store(pinecone, tmp_path / "store")
    store.add([make_node("a", X)])
    store.count()
    pinecone.faults = [fault]
    with pytest.raises(expected) as raised:
        store.query(dense())
    assert fault.times == 8
    assert raised.value.remedy
    shown = [
        *traceback.format_exception(raised.value),
        repr(raised.value),
        repr(store),
        str(store.to_dict()),
        caplog.text,
    ]
    shown += [repr(store._records._connection), repr(store.client), *map(repr, (tmp_path / "store").rglob("*"))]
    assert pinecone.key not in "".join(shown)
    assert pinecone.key not in (tmp_path / "store" / "pinecone.json").read_text()


# --- the index ---------------------------------------------------------------------------------------


def test_an_index_is_made_once_and_waited_for(tmp_path: Path, make_node: MakeNode) -> None:
    with pinecone_emulator(ready_after=0.2) as running:
        store = pinecone_store(running, tmp_path / "one")
        store.add([make_node("a", X)])
        assert store.count() == 1
        pinecone_store(running, tmp_path / "two")
        created = [exchange for exchange in running.asked("/indexes") if exchange.method == "POST"]
        assert [exchange.request["metric"] for exchange in created] == ["dotproduct"]
        check_exchanges(running.exchanges)


@pytest.mark.parametrize("other", [{"dimension": 8}, {"metric": "cosine"}])
def test_an_index_that_holds_something_else_is_refused(
    pinecone: PineconeEmulator, tmp_path: Path, other: dict[str, Any]
) -> None:
    spec = {"serverless": {"cloud": "aws", "region": "us-east-1"}}
    pinecone.answer("POST", "/indexes", {"name": "d4", "dimension": 4, "metric": "dotproduct", "spec": spec, **other})
    with pytest.raises(IndexMismatch, match="FURY_AGENT_PINECONE_INDEX"):
        pinecone_store(pinecone, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_without_a_key_or_the_extra_the_message_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation = Generation(tmp_path / "demo" / "1.0" / "generations" / "g")
    with pytest.raises(ConfigurationError, match="FURY_AGENT_PINECONE_KEY is not set"):
        create_store(Settings(store="pinecone"), generation, 4)
    monkeypatch.delitem(sys.modules, "agent.providers.stores.pinecone_client")
    monkeypatch.setitem(sys.modules, "pinecone", None)
    with pytest.raises(MissingExtra, match=r"pip install 'fury-agent\[pinecone\]'"):
        create_store(Settings(store="pinecone", pinecone_key=SecretStr("k")), generation, 4)


@pytest.mark.skipif(bool(ABSENT), reason=ABSENT)
def test_the_emulator_speaks_as_pinecone_describes_itself(
    pinecone: PineconeEmulator, tmp_path: Path, make_node: MakeNode
) -> None:
    """Also the routes that the store does not use; the other tests' exchanges are checked when they end."""
    from pinecone import Pinecone

    store = pinecone_store(pinecone, tmp_path / "store")
    store.add([make_node(f"n{i}", X, kind="k") for i in range(120)])
    store.get_nodes()
    store.delete_nodes(["n1"])
    client = Pinecone(api_key=pinecone.key, host=pinecone.url)
    assert [index.name for index in client.indexes.list()] == ["d4"]
    with client.index(name="d4") as index:
        assert index.describe_index_stats().total_vector_count == 119
        assert [page.total_count for page in index.list_namespaces()] == [1]
        index.delete(filter={"kind": {"$eq": "k"}}, namespace=store.namespace or "")
        assert index.fetch(ids=["n2"], namespace=store.namespace or "").vectors == {}
        index.delete_namespace(name=store.namespace or "")
    client.indexes.delete("d4", timeout=-1)
    client.close()
    settings = pinecone_settings(pinecone).model_copy(update={"pinecone_key": SecretStr("other")})
    with pytest.raises(ConfigurationError):
        create_store(settings, Generation(tmp_path / "d" / "1" / "generations" / "g"), 4)
    assert check_exchanges(pinecone.exchanges) > 10
