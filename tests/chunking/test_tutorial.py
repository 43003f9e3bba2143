"""Example scripts in the way of sphinx-gallery."""

from __future__ import annotations

from tests.chunking.conftest import Cut

RULE = "#" * 60
CODE = "".join(f"value_{n} = compute({n}, 'something long enough to be kept')\n" for n in range(15))
SCRIPT = f'''"""
=========
Fly a jet
=========

We fly.
"""

{CODE}
{RULE}
# Why quaternions are used. They do not lock.
#
# More.
{RULE}

def turn(): ...
{CODE}
{RULE}
# Short block.
show()

# %%
# Another one, at the end.
{CODE}
'''


def test_text_blocks_come_with_their_code(cut: Cut) -> None:
    chunks = cut(SCRIPT, "docs/examples/viz_jet.py", role="example")

    assert [chunk.title for chunk in chunks] == [
        "Fly a jet",
        "Fly a jet > Why quaternions are used.",
        "Fly a jet > Short block.",
    ]
    assert {(chunk.kind, chunk.symbol, chunk.qualified) for chunk in chunks} == {("example", None, None)}
    assert "def turn" in chunks[1].text
    assert "Another one" in chunks[2].text
    assert chunks[1].embed_text.startswith("Fly a jet > Why quaternions are used.\n")
    assert chunks[0].doc is not None


def test_a_script_without_blocks_or_title_is_named_by_its_file(cut: Cut) -> None:
    (chunk,) = cut("import os\n", "examples/run.py", role="example")

    assert (chunk.kind, chunk.title) == ("example", "run.py")


def test_long_blocks_are_cut_between_statements(cut: Cut) -> None:
    parts = cut(CODE * 10, "examples/run.py", role="example")

    assert len(parts) > 1
    assert all(part.text.startswith("value_") for part in parts)
    assert parts[0].parts == len(parts)


def test_the_rule_below_a_long_text_does_not_part_it_from_its_code(cut: Cut) -> None:
    text = "# A line of a long text, which is here so that it counts.\n" * 20
    (chunk,) = cut(f"{RULE}\n{text}{RULE}\nshow()\n", "examples/run.py", role="example")

    assert chunk.text.endswith("show()\n")
