"""The report counts what was recorded, and groups what was left open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from agent.records import Opinion, Record
from agent.records.gaps import SIMILAR, Vectors, cluster, summarise
from agent.schema import Timings, Verification
from tests.fakes import CITATION
from tests.support import HashEmbedding


def embed(texts: Sequence[str]) -> Vectors:
    return np.array([HashEmbedding()._vector(text) for text in texts], np.float32)


def no_model(_: Sequence[str]) -> Vectors:
    raise AssertionError("a model was loaded for nothing")


def record(question: str | None, status: Any = "answered", *opinions: Opinion, **changes: Any) -> Record:
    fields: dict[str, Any] = {
        "answer_id": uuid4(),
        "conversation_id": uuid4(),
        "asked": 0.0,
        "question": question,
        "whole_question": question,
        "question_hash": str(question).lower(),
        "answer": "text",
        "status": status,
        "library": "fury",
        "version": "2.0.0",
        "revision": "v2.0.0",
        "model": None,
        "citations": (CITATION,),
        "verification": Verification(),
        "timings": Timings(1.0, 2_000.0, 4_000.0),
        "opinions": opinions,
    }
    return Record(**{**fields, **changes})


UP, DOWN = Opinion("up", None, 0.0), Opinion("down", "it `crashed` @all", 0.0)


def test_nothing_recorded_is_summed_up_without_a_model() -> None:
    summary = summarise([], 7, no_model)
    assert (summary.answers, summary.helpful, summary.total_ms, summary.gaps) == (0, None, None, ())


def test_counts_medians_and_the_most_frequent_questions() -> None:
    records = [
        record("a sphere?", "answered", UP, UP),
        record("A sphere?", "answered", DOWN),
        record("fog?", "declined", timings=Timings(1.0, None, 1_000.0)),
        record(None, "sources_only"),
        record(None, "declined"),
    ]
    summary = summarise(records, 7, embed)
    assert summary.statuses == {"answered": 2, "declined": 2, "sources_only": 1}
    assert (summary.answers, summary.up, summary.down, summary.helpful) == (5, 2, 1, 2 / 3)
    assert (summary.first_token_ms, summary.total_ms) == (2_000.0, 4_000.0)
    assert [(asked.question, asked.count) for asked in summary.top] == [("A sphere?", 2), ("fog?", 1)]
    assert (summary.unanswered, summary.unknown_words) == (4, 1)


def test_equal_follow_ups_to_other_questions_are_other_gaps() -> None:
    lent = ("draw glass fog", "record stereo film")
    records = [record("and red?", "declined", whole_question=f"and red? ({words})") for words in (*lent, lent[0])]
    gaps = summarise(records, 7, embed).gaps
    assert sorted(asked.count for gap in gaps for asked in gap.questions) == [1, 2]


def test_questions_left_open_become_draft_issues() -> None:
    records = [
        record("export scene to gltf file?", "declined"),
        record("export scene to gltf file?", "declined"),
        record("export my scene to gltf file?", "answered", DOWN),
        record("show fog?", "declined", citations=()),
        record("how do I zoom?", "sources_only"),  # the model was down
        record("export scene to gltf file?", "declined", version="0.10.0"),
        record("draw a sphere?"),
    ]
    gaps = summarise(records, 7, embed).gaps
    assert [(gap.version, sum(asked.count for asked in gap.questions)) for gap in gaps] == [
        ("2.0.0", 3),
        ("0.10.0", 1),
        ("2.0.0", 1),
    ]
    first = gaps[0]
    assert first.title == f"Documentation: {first.questions[0].question}"
    assert first.body.startswith("Asked 3 times about fury 2.0.0")
    assert "- `export scene to gltf file?` (2×)\n- `export my scene to gltf file?`\n" in first.body
    assert "- `` it `crashed` @all ``" in first.body
    assert f"- [`sphere` in `fury/actor.py:3-9`]({CITATION.url})" in first.body
    assert first.places == (CITATION.place,)
    assert "nearest places" not in gaps[-1].body


# --- grouping ------------------------------------------------------------------------------------

VECTORS = arrays(np.float32, st.tuples(st.integers(0, 12), st.just(3)), elements=st.floats(-1, 1, width=16))


def unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.where(lengths > 0.01, vectors / np.maximum(lengths, 0.01), [[1, 0, 0]]).astype(np.float32)


@given(VECTORS, st.floats(-1, 1))
def test_every_row_is_in_one_group(vectors: Vectors, threshold: float) -> None:
    groups = cluster(unit(vectors), threshold)
    assert sorted(row for group in groups for row in group) == list(range(len(vectors)))
    assert [len(group) for group in groups] == sorted(map(len, groups), reverse=True)


@given(VECTORS)
def test_groups_that_are_left_apart_are_less_alike_than_the_threshold(vectors: Vectors) -> None:
    rows = unit(vectors).astype(np.float64)
    groups = cluster(unit(vectors))
    for number, group in enumerate(groups):
        for other in groups[:number]:
            assert float((rows[group] @ rows[other].T).mean()) < SIMILAR + 1e-6


@given(VECTORS)
def test_extremes_keep_all_apart_or_together(vectors: Vectors) -> None:
    assert len(cluster(unit(vectors), 1.1)) == len(vectors)
    assert len(cluster(unit(vectors), -1.1)) == min(len(vectors), 1)


def test_the_middle_of_a_group_comes_first() -> None:
    angles = np.radians([0.0, 20.0, 40.0])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert cluster(rows)[0][0] == 1


@pytest.mark.parametrize("count", [300])
def test_hundreds_of_questions_are_grouped_in_a_moment(count: int) -> None:
    rows = np.random.default_rng(1).normal(size=(count, 8)).astype(np.float32)
    assert len(cluster(unit_rows(rows))) < count


def unit_rows(rows: Vectors) -> Vectors:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
