"""Names are read from text, imports and error messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.dotted_names import is_file_or_site, written_names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("How do I use actor.odf_slicer?", ["actor.odf_slicer"]),
        ("`scene.rm(a)` fails", ["scene.rm"]),
        ("from fury.actor import (cube, box)", ["fury.actor", "fury.actor.cube", "fury.actor.box"]),
        ("AttributeError: module 'fury.actor' has no attribute 'cube'", ["fury.actor.cube"]),
        ("AttributeError: 'Scene' object has no attribute 'rm'", ["Scene.rm"]),
        ("AttributeError: type object 'Scene' has no attribute 'rm'", ["Scene.rm"]),
        ("AttributeError: 'NoneType' object has no attribute 'rm'", []),
        ("AttributeError: 'function' object has no attribute 'rm'", []),
        ("ImportError: cannot import name 'cube' from 'fury.actor' (/x/y.py)", ["fury.actor.cube"]),
        ("ModuleNotFoundError: No module named 'fury.interactor'", ["fury.interactor"]),
        ("see /usr/lib/fury/actor.py and a@b.c.d", []),
        ("fury._private.name and 1.5", []),
        ("How do I draw a sphere?", []),
    ],
)
def test_what_is_written_out_is_a_name(text: str, names: list[str]) -> None:
    assert [*written_names(text)] == names


@pytest.mark.parametrize(("name", "expected"), [("window.py", True), ("fury.gl", True), ("actor.sphere", False)])
def test_files_and_sites_are_told_apart(name: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    assert is_file_or_site(name) == expected


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    for name in written_names(text):
        assert "." in name
        assert all(part in text for part in name.split("."))
