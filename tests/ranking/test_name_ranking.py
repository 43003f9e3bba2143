"""Names that share rare words with a question come first, whatever the size of the index."""

from __future__ import annotations

import math
from collections import Counter
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from agent.building.manifest_writer import ManifestWriter
from agent.manifest import Manifest
from agent.ranking.name_ranking import COVERAGE, DEPTH, PRIVATE, NameRanking
from agent.schema import Chunk, SourceFile
from tests.support import make_chunk

FILE = SourceFile("demo/a.py", "python", "package", "demo.a", 1, "0" * 64)


def ranked(chunks: list[Chunk], words: list[str]) -> list[str]:
    """Rank the chunks of one file; names are cut at underscores."""
    with TemporaryDirectory() as scratch:
        path = Path(scratch) / "manifest.sqlite"
        with ManifestWriter(path, lambda text: text.split("_")) as writer:
            writer.add(FILE, "print", chunks)
        with closing(Manifest(path)) as manifest:
            return NameRanking(manifest).rank(words)


def named(number: int, symbol: str, *, public: bool = True) -> Chunk:
    return make_chunk(id=f"c{number:03}", path=FILE.path, symbol=symbol, public=f"demo.{symbol}" if public else None)


def reference(chunks: list[Chunk], words: list[str]) -> list[str]:
    """The same, place by place."""
    names = {chunk.id: {*(chunk.symbol or "").split("_")} for chunk in chunks}
    counts = Counter(token for tokens in names.values() for token in tokens)
    weight = {token: math.log1p(len(chunks) / count) for token, count in counts.items()}
    scores: dict[str, tuple[float, int, str]] = {}
    for chunk in chunks:
        said = math.fsum(weight[token] for token in names[chunk.id] & set(words))
        share = said / math.fsum(weight[token] for token in names[chunk.id])
        if said and share >= COVERAGE:
            worth = 1.0 if chunk.public else PRIVATE
            scores[chunk.id] = (-round(said * share * worth, 9), len(chunk.symbol or ""), chunk.id)
    return sorted(scores, key=lambda id_: scores[id_])[:DEPTH]


tokens = st.sampled_from(["draw", "sphere", "set", "color", "light", "scene"])


@hypothesis_settings(max_examples=40)
@given(
    st.lists(st.tuples(st.lists(tokens, min_size=1, max_size=3, unique=True), st.booleans()), min_size=1, max_size=40),
    st.lists(tokens, max_size=4),
)
def test_arrays_rank_as_one_by_one(names: list[tuple[list[str], bool]], words: list[str]) -> None:
    chunks = [named(number, "_".join(parts), public=public) for number, (parts, public) in enumerate(names)]
    got, expected = ranked(chunks, words), reference(chunks, words)
    order = {chunk.id: chunk.symbol for chunk in chunks}
    assert [order[id_] for id_ in got] == [order[id_] for id_ in expected]
    assert len(set(got)) == len(got)


def test_rare_words_whole_names_and_public_ones_come_first() -> None:
    chunks = [
        named(0, "set_color"),
        named(1, "sphere"),
        named(2, "sphere_light", public=False),
        named(3, "set_light"),
        named(4, "set_scene"),
    ]
    assert ranked(chunks, ["set", "sphere"])[0] == "c001"
    assert ranked(chunks, ["light", "sphere"]) == ["c001", "c002", "c003"]
    assert ranked(chunks, ["unheard"]) == ranked(chunks, []) == ranked([], ["sphere"]) == []
