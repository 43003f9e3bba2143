"""Modules, classes, functions and methods."""

from __future__ import annotations

import pytest

from agent.schema import Chunk
from tests.chunking.conftest import Cut

SOURCE = '''\
"""Shapes."""

import numpy as np

LIMIT = 3


class Sphere(Base, metaclass=Meta):  # round
    """A round thing.

    More about it.
    """

    kind: str = "round"

    def __init__(self, radius=1.0):
        self.radius = radius

    @property
    def size(self):
        """Twice the radius."""
        return 2 * self.radius

    @size.setter
    def size(self, value):
        self.radius = value / 2

    class Mesh:
        def faces(self): ...

TABLE = {
    "a": 1,
}

if TYPE_CHECKING:
    from x import y

    def typed(): ...
else:
    @cache
    async def draw(
        centers: list[float],  # one a sphere
        *,
        color="#FF0000",
        name="two  spaces",
    ) -> Sphere:
        """Draw.

            Indented.
        Done.
        """
        def inner(): ...
        return inner

LAST = 1
'''


def named(chunks: tuple[Chunk, ...]) -> dict[str | None, Chunk]:
    return {chunk.symbol: chunk for chunk in chunks}


def test_definitions_are_found_with_kind_and_lines(cut: Cut) -> None:
    places = {chunk.symbol: (chunk.kind, chunk.start_line, chunk.end_line) for chunk in cut(SOURCE)}

    assert places == {
        None: ("module", 1, 55),
        "Sphere": ("class", 8, 29),
        "Sphere.__init__": ("method", 16, 17),
        "Sphere.size": ("method", 19, 26),
        "Sphere.Mesh": ("class", 28, 29),
        "Sphere.Mesh.faces": ("method", 29, 29),
        "TABLE": ("module", 31, 33),
        "typed": ("function", 38, 38),
        "draw": ("function", 40, 53),
    }


def test_text_is_what_a_chunk_owns_alone(cut: Cut) -> None:
    chunks = named(cut(SOURCE))

    assert "def __init__" not in chunks["Sphere"].text
    assert 'kind: str = "round"' in chunks["Sphere"].text
    assert chunks["Sphere.__init__"].text.startswith("    def __init__(self, radius=1.0):\n")
    assert "@size.setter" in chunks["Sphere.size"].text
    assert "LIMIT = 3" in chunks[None].text
    assert "LAST = 1" in chunks[None].text
    assert "def inner" in chunks["draw"].text


def test_signatures_are_whole_and_on_one_line(cut: Cut) -> None:
    chunks = named(cut(SOURCE))

    assert chunks["Sphere"].signature == "class Sphere(Base, metaclass=Meta)"
    assert chunks["Sphere.size"].signature == "def size(self)"
    assert (
        chunks["draw"].signature
        == 'async def draw(centers: list[float], *, color="#FF0000", name="two  spaces") -> Sphere'
    )
    assert chunks[None].signature is None


def test_docstrings_are_cleaned(cut: Cut) -> None:
    chunks = named(cut(SOURCE))

    assert chunks[None].doc == "Shapes."
    assert chunks["Sphere"].doc == "A round thing.\n\nMore about it."
    assert chunks["Sphere.size"].doc == "Twice the radius."
    assert chunks["draw"].doc == "Draw.\n\n    Indented.\nDone."
    assert chunks["Sphere.__init__"].doc is None


def test_names_inside_a_package_get_definition_and_public_paths(cut: Cut) -> None:
    chunks = named(cut(SOURCE, module="pkg.mod", public={"pkg.mod.Sphere": "pkg.Sphere"}))

    assert chunks[None].qualified == "pkg.mod"
    assert chunks["Sphere.Mesh.faces"].qualified == "pkg.mod.Sphere.Mesh.faces"
    assert chunks["Sphere.Mesh.faces"].public == "pkg.Sphere.Mesh.faces"
    assert chunks["Sphere"].public == "pkg.Sphere"
    assert chunks["draw"].public is None


def test_names_outside_packages_have_no_paths(cut: Cut) -> None:
    assert {(chunk.qualified, chunk.public) for chunk in cut(SOURCE)} == {(None, None)}


def test_embedded_text_begins_with_names_and_summary(cut: Cut) -> None:
    chunks = named(cut(SOURCE, module="pkg.mod", public={"pkg.mod.Sphere": "pkg.Sphere"}))

    assert chunks["Sphere"].embed_text.startswith("sphere (pkg.Sphere)\nA round thing.\nclass Sphere(Base")
    assert "__init__(self, radius=1.0)" in chunks["Sphere"].embed_text
    assert 'kind: str = "round"' in chunks["Sphere"].embed_text
    assert chunks["Sphere.size"].embed_text.startswith("sphere size (pkg.Sphere.size)")
    assert "return 2 * self.radius" in chunks["Sphere.size"].embed_text


def test_overloads_and_their_implementation_are_one_place(cut: Cut) -> None:
    (chunk,) = cut(
        """\
        @overload
        def f(a: int) -> int: ...
        @overload
        def f(a: str) -> str: ...
        def f(a):
            \"\"\"Do it.\"\"\"
            return a
        """
    )

    assert (chunk.symbol, chunk.start_line, chunk.end_line) == ("f", 1, 7)
    assert (chunk.signature, chunk.doc) == ("def f(a)", "Do it.")


def test_redefinitions_are_places_of_their_own(cut: Cut) -> None:
    first, second = cut("def f(): return 1\n\ndef f(): return 2\n")

    assert first.symbol == second.symbol == "f"
    assert first.id != second.id


def test_only_what_is_broken_is_flagged(cut: Cut) -> None:
    chunks = named(
        cut("class A:\n    def bad(self):\n        return 1 +\n\n    def good(self):\n        pass\n\nOK = 1\n")
    )

    assert chunks["A.bad"].broken
    assert not chunks[None].broken


@pytest.mark.parametrize(
    "source", ["x = = 1\n\ndef f(): pass\n", "$ $\n\ndef f(): pass\n", "import (\n\ndef f(): pass\n"]
)
def test_an_error_outside_of_definitions_is_the_modules(cut: Cut, source: str) -> None:
    assert named(cut(source))[None].broken


def test_code_in_the_middle_of_an_error_is_still_cut(cut: Cut) -> None:
    chunks = named(cut("def broken(:\n    pass\n\ndef ok(): pass\n"))

    assert chunks["broken"].broken
    assert not chunks["ok"].broken


def test_a_comment_at_the_end_of_the_last_line_stays_with_its_definition(cut: Cut) -> None:
    module, function = cut("def f(): pass  # noqa\nX = 1\n")

    assert function.text == "def f(): pass  # noqa"
    assert module.text == "\nX = 1\n"


def test_an_oversized_body_is_cut_between_statements(cut: Cut) -> None:
    body = "".join(f"    if x > {n}:\n        call({n}, 'some text to fill the line')\n" for n in range(150))
    parts = cut(f'def f(x):\n    """Do much."""\n{body}    return x\n')

    assert len(parts) > 1
    assert [(part.part, part.parts) for part in parts] == [(n, len(parts)) for n in range(len(parts))]
    assert {part.symbol for part in parts} == {"f"}
    assert {part.signature for part in parts} == {"def f(x)"}
    assert all(part.text.startswith("    if x > ") for part in parts[1:])
    assert '"""Do much."""' in parts[0].text
    assert parts[1].embed_text.startswith("f, continued\ndef f(x)\nif x > ")
    assert {(part.start_line, part.end_line) for part in parts} == {(1, 303)}  # cited as a whole
    assert max(len(part.text) for part in parts) < 1.5 * min(len(part.text) for part in parts)


STATEMENTS = "    x = 'some text to fill the line'\n" * 150


@pytest.mark.parametrize(
    ("source", "symbol", "lines"),
    [
        (f"@cache\ndef f(x):\n{STATEMENTS}\n\nlast = 1\n", "f", (1, 152)),
        (f"class A:\n{STATEMENTS}\n    def f(self): ...\n\n{STATEMENTS}\n\nlast = 1\n", "A", (1, 304)),
        ("TABLE = {\n" + "    'key': (1, 2, 3),\n" * 300 + "}\n\n\nlast = 1\n", "TABLE", (1, 302)),
    ],
)
def test_each_part_of_a_definition_has_the_lines_of_the_whole(
    cut: Cut, source: str, symbol: str, lines: tuple[int, int]
) -> None:
    parts = [chunk for chunk in cut(source) if chunk.symbol == symbol]

    assert len(parts) > 1
    assert {(part.start_line, part.end_line) for part in parts} == {lines}
    assert len({part.text for part in parts}) == len({part.pieces for part in parts}) == len(parts)


def test_each_part_of_what_has_no_name_has_its_own_lines(cut: Cut) -> None:
    parts = cut("# A comment to fill the line.\n" * 300)

    assert len(parts) > 1
    assert [part.start_line for part in parts] == [1, *(part.end_line + 1 for part in parts[:-1])]
    assert parts[-1].end_line == 300


def test_a_docstring_is_not_cut(cut: Cut) -> None:
    doc = "\n".join(f"    Line {n} of a long story about this function." for n in range(90))
    parts = cut(f'def f(x):\n    """Tell.\n\n{doc}\n    """\n    return x\n' + "    x += 1\n" * 200)

    assert parts[0].text.rstrip().endswith('"""')
    assert '"""' not in parts[1].text


def test_signature_and_docstring_stay_together(cut: Cut) -> None:
    parameters = "".join(f"    parameter_{n}=None,\n" for n in range(140))
    doc = "    A long story about this function.\n" * 70
    first, second = cut(f'def f(\n{parameters}):\n    """Tell.\n\n{doc}    """\n' + "    x = 1\n" * 50)

    assert first.text.count('"""') == 2
    assert second.text == "    x = 1\n" * 50


def test_a_stub_is_one_chunk(cut: Cut) -> None:
    (chunk,) = cut("from .a import b\n\ndef f(x: int) -> int: ...\n", "pkg/__init__.pyi", module="pkg")

    assert (chunk.kind, chunk.symbol, chunk.qualified) == ("module", None, "pkg")


def test_short_constants_that_nobody_can_reach_stay_with_the_module(cut: Cut) -> None:
    (chunk,) = cut("A = 1\nB = [\n]\n__all__ = [\n    'A',\n    'B',\n]\n")

    assert chunk.symbol is None


def test_public_constants_are_places_of_their_own(cut: Cut) -> None:
    source = "import os\n\nLIMIT = 3\n_SECRET = 4\nHOME: str = os.curdir\n"
    public = {"pkg.mod.LIMIT": "pkg.LIMIT", "pkg.mod.HOME": "pkg.mod.HOME"}
    module, limit, home = cut(source, module="pkg.mod", public=public)

    assert (limit.symbol, limit.public, limit.text.strip(), limit.start_line) == ("LIMIT", "pkg.LIMIT", "LIMIT = 3", 3)
    assert (home.symbol, home.start_line, home.end_line) == ("HOME", 5, 5)
    assert "_SECRET = 4" in module.text
    assert "LIMIT = 3" not in module.text


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_line_ends_do_not_matter(cut: Cut, newline: str) -> None:
    chunks = cut(SOURCE.replace("\n", newline).encode())

    assert [chunk.symbol for chunk in chunks] == [chunk.symbol for chunk in cut(SOURCE)]
    assert [chunk.doc for chunk in chunks] == [chunk.doc for chunk in cut(SOURCE)]
    assert [chunk.start_line for chunk in chunks] == [chunk.start_line for chunk in cut(SOURCE)]
