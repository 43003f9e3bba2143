"""Lexical tokens of code and questions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.chunking.tokens import code_tokens, words


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Panel2D", ["panel2d", "panel", "2d"]),
        ("read_viz_cubemap", ["read_viz_cubemap", "read", "viz", "cubemap"]),
        ("fury.actor.sphere", ["fury.actor.sphere", "fury", "actor", "sphere"]),
        ("GPUBuffer", ["gpubuffer", "gpu", "buffer"]),
        ("getHTTPResponse", ["gethttpresponse", "get", "http", "response"]),
        ("__init__", ["__init__", "init"]),
        ("vec3", ["vec3"]),
        ("größe", ["größe"]),
        ("How do I use the 3D spheres?", ["3d", "sphere"]),
        ("x" * 500, []),
        ("", []),
    ],
)
def test_identifiers_are_kept_whole_and_in_parts(text: str, tokens: list[str]) -> None:
    assert code_tokens(text) == tokens


@pytest.mark.parametrize(
    ("plural", "singular"),
    [
        ("spheres", "sphere"),
        ("boxes", "box"),
        ("classes", "class"),
        ("axes", "axis"),
        ("vertices", "vertex"),
        ("opacities", "opacity"),
        ("sizes", "size"),
        ("caches", "cache"),
        ("meshes", "mesh"),
        ("class", "class"),
        ("radius", "radius"),
        ("axis", "axis"),
        ("canvas", "canvas"),
        ("gas", "gas"),
    ],
)
def test_plurals_meet_their_singulars(plural: str, singular: str) -> None:
    assert code_tokens(plural) == [singular]


@given(st.text())
def test_any_text_gives_lower_case_tokens_without_gaps(text: str) -> None:
    assert all(token and " " not in token and token == token.lower() for token in code_tokens(text))


def test_words_spell_a_name() -> None:
    assert words("fury.ui.ShowManager.add_item") == "fury ui show manager add item"
