"""Peers find the same kind of places as we do: exact lines, the definitions on them, each once."""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llama_index.core import Settings as LlamaIndexSettings  # noqa: TID251 - to see that nothing was set

from agent.providers.embedding_cache import Vectors
from agent.schema import Language, SourceFile, SourceTree
from evals.chunkers import line_owners, line_spans
from evals.peers import peers
from evals.places import DEPTH, Place, Search
from tests.support import HashEmbedding

BODY = "\n".join(f"    total += weigh(index, {n})" for n in range(60))
CODE = f'''"""Bodies and their paths."""

RADIUS = 3


def planet(index):
    """Place one planet on its elliptic orbit."""
    total = 0
{BODY}
    return total


class Comet:
    """A comet with a glowing tail."""

    speed = 2

    def glow(self):
        """Brighten the tail near perihelion."""
{BODY.replace("    ", "        ")}
        return self
'''
PROSE = "Installing\n==========\n\nInstall the telescope with a screwdriver.\n"


def write(root: Path, files: dict[str, tuple[Language, str]]) -> SourceTree:
    kept: list[SourceFile] = []
    for path, (language, text) in files.items():
        data = text.encode()
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        kept.append(SourceFile(path, language, "package", None, len(data), digest))
    return SourceTree("sky", "1.0", "v1.0", root, None, ("sky",), tuple(kept), {})


def build(tree: SourceTree) -> dict[str, Search]:
    model = HashEmbedding()

    def embed(texts: Any) -> Vectors:
        return np.array(model.get_text_embedding_batch(list(texts)), np.float32)

    return dict(peers(tree, embed, model))


@pytest.fixture
def searches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Search]:
    """All peers over a small library, where nothing may be reached."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a peer tried to use the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    files: dict[str, tuple[Language, str]] = {
        "sky/bodies.py": ("python", CODE),
        "sky/empty.py": ("python", ""),
        "sky/broken.py": ("python", ")(\ndef half(: the quasar\n"),
        "docs/install.rst": ("rst", PROSE),
    }
    return build(write(tmp_path, files))


def test_there_are_three_peers(searches: dict[str, Search]) -> None:
    assert [name.split()[0] for name in searches] == ["LlamaIndex", "LlamaIndex", "chonkie"]


def test_each_finds_the_definition_and_its_lines(searches: dict[str, Search]) -> None:
    lines = CODE.splitlines()
    for name, search in searches.items():
        found = search("place one planet on its elliptic orbit")
        place = next(place for place in found if "planet" in place.symbols)
        assert place.path == "sky/bodies.py", name
        chunk = lines[place.start_line - 1 : place.end_line]
        assert any("elliptic orbit" in line for line in chunk) or place.symbols[0] == "planet", name
        assert chunk[0].strip(), name
        assert chunk[-1].strip(), name


def test_each_finds_prose_which_has_no_symbols(searches: dict[str, Search]) -> None:
    for name, search in searches.items():
        assert search("install the telescope with a screwdriver")[0] == Place("docs/install.rst", (), 1, 4), name


def test_a_file_that_does_not_parse_is_found_all_the_same(searches: dict[str, Search]) -> None:
    for name, search in searches.items():
        places = {place.path: place for place in search("half the quasar")}
        assert places["sky/broken.py"].symbols == (), name


def test_a_place_is_found_once(searches: dict[str, Search]) -> None:
    """The long function is cut into chunks, which are one place."""
    for name, search in searches.items():
        found = search("total weigh index")
        keys = [(place.path, place.symbols[:1] or place.start_line) for place in found]
        assert len(keys) == len(set(keys)), name
        assert sum(place.symbols[:1] == ("planet",) for place in found) == 1, name


def test_as_many_places_as_are_scored(tmp_path: Path) -> None:
    """One definition that fills the first hundred chunks does not hide the others."""
    repeated = "def long():\n" + "".join(f'    """{"orbit " * 240} {n}"""\n' for n in range(120))
    others: dict[str, tuple[Language, str]] = {
        f"docs/{n}.rst": ("rst", f"Something else, number {n}.\n") for n in range(DEPTH + 5)
    }
    for name, search in build(write(tmp_path, {"sky/long.py": ("python", repeated), **others})).items():
        assert len(search("orbit")) == DEPTH, name


def test_the_global_settings_of_llama_index_are_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = ("_embed_model", "_llm", "_node_parser", "_transformations", "_callback_manager")
    for part in parts:
        monkeypatch.setattr(LlamaIndexSettings, part, None)
    for search in build(write(tmp_path, {"docs/install.rst": ("rst", PROSE)})).values():
        assert search("telescope")
    assert [getattr(LlamaIndexSettings, part) for part in parts] == [None] * len(parts)


def test_lines_belong_to_the_innermost_definition() -> None:
    owners = line_owners(
        "A = 1\n"  # 1
        "\n"
        "@wrap\n"  # 3
        "def f():\n"
        "    local = 1\n"  # 5
        "    def inner(): ...\n"
        "class C:\n"  # 7
        "    x: int = 1\n"
        "    def g(self): ...\n"  # 9
        "try:\n"
        "    import fast\n"  # 11
        "except ImportError:\n"
        "    def slow(): ...\n"  # 13
    )
    expected = {1: "A", 3: "f", 4: "f", 5: "f", 6: "f", 7: "C", 8: "C.x", 9: "C.g", 13: "slow"}
    assert owners == expected


WORDS = st.lists(st.text("ab(é\n \t", min_size=1, max_size=12), min_size=1, max_size=8)


@given(WORDS)
def test_pieces_in_a_row_are_found_where_they_were_cut(pieces: list[str]) -> None:
    """Also pieces that occur earlier inside another one, and without the blanks around them."""
    text = "".join(pieces)
    expected: list[tuple[int, int]] = []
    at = 0
    for piece in pieces:
        if piece.strip():
            lead = len(piece) - len(piece.lstrip())
            first = text.count("\n", 0, at + lead) + 1
            expected.append((first, first + piece.strip().count("\n")))
        at += len(piece)
    kept = [piece.strip() for piece in pieces if piece.strip()]
    assert list(line_spans(text, kept)) == expected


def test_an_overlapping_piece_is_found_within_the_one_before() -> None:
    text = "one\ntwo\nthree\nfour\n"
    assert list(line_spans(text, ["one\ntwo\nthree", "three\nfour"])) == [(1, 3), (3, 4)]


def test_blanks_that_a_splitter_took_away_do_not_matter() -> None:
    assert list(line_spans("one\n\n\n\ntwo\n", ["one two"])) == [(1, 5)]
