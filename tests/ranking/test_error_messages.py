"""A quoted message leads to what raises it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from agent.building.manifest_writer import ManifestWriter
from agent.chunking.messages import word_pairs
from agent.manifest import Manifest
from agent.ranking.error_messages import ErrorMessages
from agent.schema import SourceFile
from tests.support import make_chunk


def saying(**messages: str) -> ErrorMessages:
    """Return the messages of a library whose functions each raise one, by the function's chunk."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "manifest.sqlite"
        chunks = [make_chunk(id=id_, path="a.py", text=f"raise ValueError({text!r})") for id_, text in messages.items()]
        with ManifestWriter(path, str.split) as writer:
            writer.add(SourceFile("a.py", "python", "package", "a", 1, "0" * 64), "print", chunks)
        manifest = Manifest(path)
        manifest.quoted([])  # opens the file, which then outlives its name
        return ErrorMessages(manifest)


KNOWN = saying(
    opacity="Opacity must be between 0 and 1.",
    backend="backend must be one of {}, got {}",
    sectors="Sectors parameter should be greater than {}",
    short="Invalid value",
)


def test_a_message_is_found_whatever_stands_around_it_or_in_its_holes() -> None:
    question = "I call streamtube and get:\n\nValueError: backend must be one of ('cpu', 'gpu'), got 'tpu'\n\nWhy?"
    assert KNOWN.rank(question) == ["backend"]
    assert KNOWN.rank("opacity must be between 0 and 1") == ["opacity"]


def test_common_words_are_no_quotation() -> None:
    assert KNOWN.rank("What must the opacity of an actor be?") == []
    assert KNOWN.rank("Is this an invalid value?") == []


def test_the_longer_quotation_comes_first() -> None:
    known = saying(a="must be a number", b="thickness must be a number")
    assert known.rank("ValueError: thickness must be a number") == ["b", "a"]


@given(st.lists(st.sampled_from(["colour", "shape", "must", "be", "an", "array", "got"]), min_size=3, max_size=9))
def test_every_message_of_some_length_finds_its_place(words: list[str]) -> None:
    text = " ".join(words)
    found = saying(here=text).rank(f"ValueError: {text}")
    assert found == (["here"] if len(word_pairs(text)) > 1 else [])
