"""What every vector store does; each store runs all of it (`store` in conftest.py)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from llama_index.core.schema import BaseNode, Node, NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.types import (
    BasePydanticVectorStore,
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
)

from agent.errors import IndexMismatch, InvalidInput

Store = BasePydanticVectorStore
MakeNode = Callable[..., TextNode]

X, Y, Z = [1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]
NEAR_X = [3.0, 1.0, 0.0, 0.0]


def dense(vector: list[float], top_k: int = 10, **more: Any) -> VectorStoreQuery:
    return VectorStoreQuery(query_embedding=vector, similarity_top_k=top_k, **more)


def lexical(text: str, top_k: int = 10, **more: Any) -> VectorStoreQuery:
    return VectorStoreQuery(query_str=text, mode=VectorStoreQueryMode.TEXT_SEARCH, similarity_top_k=top_k, **more)


def hybrid(text: str, vector: list[float], top_k: int = 10, **more: Any) -> VectorStoreQuery:
    return VectorStoreQuery(
        query_str=text, query_embedding=vector, mode=VectorStoreQueryMode.HYBRID, similarity_top_k=top_k, **more
    )


def by_mode(query: VectorStoreQuery) -> str:
    return query.mode.value


def where(key: str, value: Any, operator: FilterOperator = FilterOperator.EQ) -> MetadataFilters:
    return MetadataFilters(filters=[MetadataFilter(key=key, value=value, operator=operator)])


def ids(nodes: list[BaseNode]) -> list[str]:
    return [node.node_id for node in nodes]


# --- nodes in, nodes out ---------------------------------------------------------------------------


def test_a_node_comes_back_as_it_was_added(store: Store) -> None:
    node = TextNode(
        id_="fury/actor.py::sphere",
        text='def sphere():\n    """It\'s a "ball" \\ 球."""\n',
        metadata={
            "path": "fury/actor.py",
            "symbol": None,
            "lines": [1, 2],
            "nested": {"a": 1.5, "b": True},
            "big": 2**70,
        },
        embedding=X,
        relationships={
            NodeRelationship.SOURCE: RelatedNodeInfo(node_id="fury/actor.py", hash="h"),
            NodeRelationship.NEXT: RelatedNodeInfo(node_id="next", metadata={"k": "v"}),
        },
        excluded_embed_metadata_keys=["lines"],
        excluded_llm_metadata_keys=["nested"],
        start_char_idx=3,
        end_char_idx=9,
    )
    assert store.add([node]) == [node.node_id]
    assert store.get_nodes([node.node_id]) == [node]
    assert store.query(dense(X)).ids == [node.node_id]
    (found,) = store.query(dense(X)).nodes or []
    assert found == node.model_copy(update={"embedding": None})
    assert found.ref_doc_id == "fury/actor.py"


@hypothesis_settings(max_examples=40)
@given(
    text=st.text(),
    metadata=st.dictionaries(
        st.text().filter(lambda key: key not in {"path", "symbol", "kind", "role", "language", "embed_text"}),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
            lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
            max_leaves=6,
        ),
        max_size=4,
    ),
)
def test_any_text_and_json_metadata_survive(
    shared_store: Store, make_node: MakeNode, text: str, metadata: dict[str, Any]
) -> None:
    node = make_node("one", X, text, **metadata)
    shared_store.add([node])
    assert shared_store.get_nodes(["one"]) == [node]


def test_adding_an_id_again_replaces_it(store: Store, make_node: MakeNode) -> None:
    store.add([make_node("a", X, "old words"), make_node("b", Y)])
    store.add([make_node("a", Z, "new words", path="b.py")])
    assert sorted(ids(store.get_nodes())) == ["a", "b"]
    assert store.query(dense(Z, 1)).ids == ["a"]
    assert store.query(lexical("old")).ids == []
    assert store.query(lexical("new")).ids == ["a"]


def test_adding_nothing_is_fine(store: Store) -> None:
    assert store.add([]) == []
    assert store.get_nodes() == []


def test_get_nodes_keeps_the_order_asked_for_and_leaves_unknown_ids_out(store: Store, make_node: MakeNode) -> None:
    store.add([make_node(id_, X) for id_ in "abc"])
    assert ids(store.get_nodes(["c", "nobody", "a"])) == ["c", "a"]
    assert store.get_nodes([]) == []


def test_get_nodes_by_ids_and_filters_needs_both(store: Store, make_node: MakeNode) -> None:
    store.add([make_node("a", X, kind="class"), make_node("b", X, kind="function"), make_node("c", X, kind="class")])
    assert ids(store.get_nodes(["c", "b"], where("kind", "class"))) == ["c"]


@pytest.mark.parametrize(
    ("broken", "expected", "names"),
    [
        ({"embedding": [1.0, 2.0]}, IndexMismatch, "2 numbers"),
        ({"embedding": None}, InvalidInput, "no vector"),
        ({"embedding": [1.0, float("nan"), 0.0, 0.0]}, InvalidInput, "finite"),
        ({"embedding": [1e300, 0.0, 0.0, 0.0]}, InvalidInput, "finite"),
        ({"embedding": [0.0, 0.0, 0.0, 0.0]}, InvalidInput, "zero"),
        ({"id_": "good"}, InvalidInput, "twice"),
        ({"metadata": {"path": 3}}, InvalidInput, "path=3"),
        ({"metadata": {"value": object()}}, InvalidInput, "JSON"),
        ({"metadata": {"value": float("nan")}}, InvalidInput, "JSON"),
        ({"text": "\ud800"}, InvalidInput, "UTF-8"),
    ],
)
def test_a_node_that_cannot_be_stored_is_named_and_nothing_is_written(
    store: Store, make_node: MakeNode, broken: dict[str, Any], expected: type[Exception], names: str
) -> None:
    bad = make_node("bad", X).model_copy(update=broken)
    with pytest.raises(expected, match=names) as raised:
        store.add([make_node("good", X), bad])
    assert repr(bad.node_id) in str(raised.value)
    assert store.get_nodes() == []


def test_other_kinds_of_nodes_are_refused(store: Store) -> None:
    with pytest.raises(InvalidInput, match=r"'plain'.*Node.*TextNode"):
        store.add([Node(id_="plain", embedding=X)])


# --- deleting ----------------------------------------------------------------------------------------


def test_delete_takes_exactly_one_document(store: Store, make_node: MakeNode) -> None:
    paths = ["a.py", "a.pyi", "b/a.py", "A.py", "a%py", "a_py", "it's.py"]
    store.add([make_node(path, X, path=path) for path in paths])
    store.delete("a_py")
    store.delete("it's.py")
    store.delete("a.py")
    store.delete("nobody.py")
    assert sorted(ids(store.get_nodes())) == sorted({"a.pyi", "b/a.py", "A.py", "a%py"})
    assert "a.py" not in (store.query(dense(X)).ids or [])


def test_delete_nodes_takes_ids_that_meet_the_filters(store: Store, make_node: MakeNode) -> None:
    store.add([make_node("a", X, kind="class"), make_node("b", X, kind="function"), make_node("c", X, kind="class")])
    store.delete_nodes(["a", "b"], where("kind", "class"))
    assert ids(store.get_nodes()) == ["b", "c"]
    store.delete_nodes(filters=where("kind", "class"))
    assert ids(store.get_nodes()) == ["b"]
    store.delete_nodes()
    assert ids(store.get_nodes()) == ["b"]
    store.delete_nodes(["b"])
    assert store.get_nodes() == []


def test_clear_takes_everything_and_the_store_can_be_filled_again(store: Store, make_node: MakeNode) -> None:
    store.add([make_node("a", X)])
    store.clear()
    assert store.query(dense(X)).ids == []
    store.add([make_node("b", X)])
    assert store.query(dense(X)).ids == ["b"]


# --- searching ---------------------------------------------------------------------------------------


def test_dense_hits_come_by_cosine_whatever_the_lengths(store: Store, make_node: MakeNode) -> None:
    store.add([make_node("far", Y), make_node("near", [30.0, 10.0, 0.0, 0.0]), make_node("same", [0.1, 0.0, 0.0, 0.0])])
    found = store.query(dense([5.0, 0.0, 0.0, 0.0]))
    assert found.ids == ["same", "near", "far"]
    assert found.similarities == pytest.approx([1.0, 3 / 10**0.5, 0.0], abs=1e-6)


def test_lexical_hits_come_by_bm25_and_only_where_a_word_occurs(store: Store, make_node: MakeNode) -> None:
    store.add(
        [
            make_node("once", X, "sphere in a long text about many other things"),
            make_node("often", X, "sphere sphere sphere"),
            make_node("none", X, "cube"),
        ]
    )
    found = store.query(lexical("sphere unheard"))
    assert found.ids == ["often", "once"]
    assert found.similarities is not None
    assert found.similarities[0] > found.similarities[1] > 0


def test_a_rare_word_counts_more_than_a_common_one(store: Store, make_node: MakeNode) -> None:
    store.add([*(make_node(f"c{i}", X, "common word") for i in range(9)), make_node("r", X, "rare word")])
    assert store.query(lexical("rare common", 1)).ids == ["r"]


def test_words_of_embed_text_are_found_too(store: Store, make_node: MakeNode) -> None:
    store.add([make_node("a", X, "body", embed_text="scope"), make_node("b", X, "other")])
    assert store.query(lexical("scope")).ids == ["a"]
    assert store.query(lexical("body")).ids == ["a"]


def test_words_are_compared_as_the_tokenizer_left_them(store: Store, make_node: MakeNode) -> None:
    """No stemming, folding, stop words or length limit behind the tokenizer's back."""
    words = ["the", "Running", "café", "x" * 300, "a.b", "c-d", "球"]
    store.add([make_node(str(i), X, word) for i, word in enumerate(words)])
    for i, word in enumerate(words):
        assert store.query(lexical(word)).ids == [str(i)]
    assert store.query(lexical("run running cafe b d")).ids == []


def test_hybrid_prefers_what_both_searches_find(store: Store, make_node: MakeNode) -> None:
    fillers = [make_node(f"f{i}", [1.0, 1.0, 0.0, i], "cube") for i in range(5)]
    others = [make_node("vector", X, "cube"), make_node("both", NEAR_X), make_node("words", Z, "sphere sphere")]
    store.add(fillers + others)
    found = store.query(hybrid("sphere", X))
    assert found.ids is not None
    assert found.ids[0] == "both"
    assert {"vector", "words"} < set(found.ids)
    assert found.similarities == sorted(found.similarities or [], reverse=True)


@pytest.mark.parametrize(("alpha", "first"), [(1.0, "vector"), (0.0, "words")])
def test_alpha_weighs_the_two_searches(store: Store, make_node: MakeNode, alpha: float, first: str) -> None:
    store.add([make_node("vector", X, "cube"), make_node("words", Z, "sphere")])
    assert (store.query(hybrid("sphere", X, alpha=alpha)).ids or [])[0] == first


@pytest.mark.parametrize("query", [dense(X, 3), lexical("sphere", 3), hybrid("sphere", X, 3)], ids=by_mode)
def test_top_k_limits_and_ids_nodes_and_similarities_belong_together(
    store: Store, make_node: MakeNode, query: VectorStoreQuery
) -> None:
    store.add([make_node(f"n{i}", [10.0 - i, i, 0.0, 0.0], "sphere " * (i + 1)) for i in range(8)])
    found = store.query(query)
    assert found.ids == [node.node_id for node in found.nodes or []]
    assert len(found.nodes or []) == len(found.similarities or []) == 3
    assert found.similarities == sorted(found.similarities or [], reverse=True)


@pytest.mark.parametrize("query", [dense(X), lexical("sphere"), hybrid("sphere", X)], ids=by_mode)
def test_an_empty_store_finds_nothing(store: Store, query: VectorStoreQuery) -> None:
    found = store.query(query)
    assert (found.ids, found.nodes, found.similarities) == ([], [], [])


@pytest.mark.parametrize("text", ["", "   ", "unheard", "' OR 1=1 --", "\x00", "sphere'"])
def test_words_that_do_not_occur_find_nothing(store: Store, make_node: MakeNode, text: str) -> None:
    store.add([make_node("a", X)])
    assert store.query(lexical(text)).ids == []


@pytest.mark.parametrize("query", [dense(X), lexical("sphere"), hybrid("sphere", X)], ids=by_mode)
def test_restrictions_hold_in_every_mode(store: Store, make_node: MakeNode, query: VectorStoreQuery) -> None:
    """Filters, documents and ids are applied before the best are chosen, not after."""
    store.add([make_node(f"{path}{i}", X, path=path, kind="kl"[i]) for path in "ab" for i in (0, 1)])
    kind = where("kind", "l")
    assert store.query(replace(query, similarity_top_k=1, filters=kind, doc_ids=["b"])).ids == ["b1"]
    assert store.query(replace(query, filters=kind, doc_ids=["b"], node_ids=["a1", "b0"])).ids == []
    assert sorted(store.query(replace(query, node_ids=["a0", "b0"])).ids or []) == ["a0", "b0"]
    assert store.query(replace(query, node_ids=[])).ids == []


def test_only_ids_come_back_where_only_ids_are_wanted(store: Store, make_node: MakeNode) -> None:
    store.add([make_node("a", X)])
    found = store.query(dense(X, output_fields=["id"]))
    assert (found.ids, found.nodes) == (["a"], None)


@pytest.mark.parametrize(
    ("query", "expected", "names"),
    [
        (VectorStoreQuery(query_embedding=X, mode=VectorStoreQueryMode.MMR), InvalidInput, "'mmr'"),
        (VectorStoreQuery(), InvalidInput, "no vector"),
        (VectorStoreQuery(mode=VectorStoreQueryMode.TEXT_SEARCH), InvalidInput, "no text"),
        (dense([1.0, 2.0]), IndexMismatch, "2 numbers.*4"),
        (dense([float("inf"), 0.0, 0.0, 0.0]), InvalidInput, "finite"),
        (dense(X, 0), InvalidInput, "top k of 0"),
        (dense(X, filters=where("colour", "red")), InvalidInput, "'colour'.*path"),
        (dense(X, filters=where("path", 3)), InvalidInput, "3"),
        (dense(X, filters=where("path", "a", FilterOperator.IN)), InvalidInput, "list"),
        (dense(X, filters=where("path", ["a"], FilterOperator.ANY)), InvalidInput, "'any'"),
        (dense(X, filters=where("path", "\ud800")), InvalidInput, "Unicode"),
    ],
)
def test_a_query_that_cannot_be_answered_says_why(
    store: Store, make_node: MakeNode, query: VectorStoreQuery, expected: type[Exception], names: str
) -> None:
    store.add([make_node("a", X)])
    with pytest.raises(expected, match=names):
        store.query(query)


# --- filters mean what they say, whatever is in them ---------------------------------------------------

HOSTILE: list[str | None] = [
    None, "", "a", "A", "ab", "'", "''", "a'b", "\\", "\\'", "%", "a%", "_", "--", "' OR '1'='1", "'); DROP TABLE c",
    "NULL", "\x00", "a\x00b", "\n", "é", "e\u0301", "球", "😀", '"', "`path`", "{}", "$1", "?", "\u2028", " ",
]  # fmt: skip
ROWS = {f"r{i}": {"path": value, "symbol": HOSTILE[(i * 7 + 3) % len(HOSTILE)]} for i, value in enumerate(HOSTILE)}

texts = st.sampled_from([value for value in HOSTILE if value is not None]) | st.text(max_size=4)
leaves = st.one_of(
    st.builds(
        MetadataFilter,
        key=st.sampled_from(["path", "symbol"]),
        value=texts,
        operator=st.sampled_from(
            [
                FilterOperator.EQ,
                FilterOperator.NE,
                FilterOperator.LT,
                FilterOperator.LTE,
                FilterOperator.GT,
                FilterOperator.GTE,
                FilterOperator.CONTAINS,
                FilterOperator.TEXT_MATCH,
                FilterOperator.IS_EMPTY,
            ]
        ),
    ),
    st.builds(
        MetadataFilter,
        key=st.sampled_from(["path", "symbol"]),
        value=st.lists(texts, max_size=4),
        operator=st.sampled_from([FilterOperator.IN, FilterOperator.NIN]),
    ),
)
groups = st.recursive(
    st.builds(MetadataFilters, filters=st.lists(leaves, max_size=3), condition=st.sampled_from(FilterCondition)),
    lambda inner: st.builds(
        MetadataFilters, filters=st.lists(leaves | inner, max_size=3), condition=st.sampled_from(FilterCondition)
    ),
    max_leaves=4,
)

COMPARE: dict[FilterOperator, Callable[[str, Any], bool]] = {
    FilterOperator.EQ: lambda found, value: found == value,
    FilterOperator.LT: lambda found, value: found < value,
    FilterOperator.LTE: lambda found, value: found <= value,
    FilterOperator.GT: lambda found, value: found > value,
    FilterOperator.GTE: lambda found, value: found >= value,
    FilterOperator.IN: lambda found, value: found in value,
    FilterOperator.CONTAINS: lambda found, value: value in found,
    FilterOperator.TEXT_MATCH: lambda found, value: value in found,
}


def meets(row: dict[str, str | None], item: MetadataFilter | MetadataFilters) -> bool:
    """The filter in plain Python."""
    if isinstance(item, MetadataFilters):
        results = [meets(row, inner) for inner in item.filters]
        if item.condition is FilterCondition.NOT:
            return not any(results)
        return not results or (any(results) if item.condition is FilterCondition.OR else all(results))
    found = row[item.key]
    if item.operator is FilterOperator.IS_EMPTY:
        return not found
    if item.operator is FilterOperator.NE:
        return found != item.value
    if item.operator is FilterOperator.NIN:
        return found is None or found not in (item.value or [])  # pyright: ignore[reportOperatorIssue] - a list here
    return found is not None and COMPARE[item.operator](found, item.value)


@pytest.fixture(scope="module")
def hostile_store(shared_store: Store, make_node: MakeNode) -> Store:
    shared_store.clear()
    shared_store.add([make_node(id_, X, **row) for id_, row in ROWS.items()])
    return shared_store


@hypothesis_settings(max_examples=150)
@given(filters=groups)
def test_filters_choose_what_plain_python_would(hostile_store: Store, filters: MetadataFilters) -> None:
    expected = [id_ for id_, row in ROWS.items() if meets(row, filters)]
    assert ids(hostile_store.get_nodes(filters=filters)) == expected
    assert sorted(hostile_store.query(dense(X, 99, filters=filters)).ids or []) == sorted(expected)


@hypothesis_settings(max_examples=40)
@given(wanted=st.lists(texts, max_size=4))
def test_document_ids_are_taken_literally(hostile_store: Store, wanted: list[str]) -> None:
    expected = {id_ for id_, row in ROWS.items() if row["path"] in wanted}
    assert set(hostile_store.query(dense(X, 99, doc_ids=wanted)).ids or []) == expected


# --- threads and the event loop ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "runs", "arguments"),
    [
        ("aquery", "query", (dense(X),)),
        ("aget_nodes", "get_nodes", (["a"],)),
        ("async_add", "add", ([],)),
        ("adelete", "delete", ("a.py",)),
        ("adelete_nodes", "delete_nodes", (["a"],)),
        ("aclear", "clear", ()),
    ],
)
def test_async_methods_do_their_work_off_the_event_loop(
    store: Store, monkeypatch: pytest.MonkeyPatch, name: str, runs: str, arguments: tuple[Any, ...]
) -> None:
    threads: list[threading.Thread] = []
    original = getattr(type(store), runs)

    def watched(self: Store, *args: Any, **kwargs: Any) -> Any:
        threads.append(threading.current_thread())
        return original(self, *args, **kwargs)

    monkeypatch.setattr(type(store), runs, watched)
    asyncio.run(getattr(store, name)(*arguments))
    assert threads
    assert threading.main_thread() not in threads


def test_async_answers_are_those_of_the_sync_methods(store: Store, make_node: MakeNode) -> None:
    async def work() -> tuple[list[str] | None, list[str]]:
        await store.async_add([make_node("a", X), make_node("b", Y, path="b.py")])
        found = await store.aquery(dense(X, 1))
        await store.adelete("b.py")
        return found.ids, ids(await store.aget_nodes())

    assert asyncio.run(work()) == (["a"], ["a"])


def test_a_query_never_mixes_two_states(store: Store, make_node: MakeNode) -> None:
    """While all nodes are replaced in one step again and again, an answer shows one step only."""

    def state(number: int) -> list[TextNode]:
        return [make_node(f"n{i}", X, f"sphere {number}", number=number) for i in range(20)]

    store.add(state(0))
    mixed: list[set[int]] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            found = store.query(hybrid("sphere", X, 20)).nodes or []
            states = {node.metadata["number"] for node in found}
            if len(states) != 1 or len(found) != 20:
                mixed.append(states)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(1, 8):
        store.add(state(number))
    done.set()
    for reader in readers:
        reader.join()
    assert mixed == []
