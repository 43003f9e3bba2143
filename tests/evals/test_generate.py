"""Starter cases: what a library says of itself becomes questions that its users might ask."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import InvalidInput
from agent.schema import SourceTree
from agent.settings import Settings
from agent.sources import open_source
from agent.symbols import ApiModel
from evals import phrasing
from evals.cases import Case, Gold, load_cases
from evals.generate import main, starter_cases

FILES = {
    "pyproject.toml": '[project]\nname = "sky"\nversion = "1.0"\n',
    "sky/__init__.py": "from sky.bodies import Comet, planet, old_moon, sun\n",
    "sky/bodies.py": '''"""Bodies."""

from warnings import deprecated


def planet(mass, *, ringed=False):
    """Place one planet on an elliptic orbit.

    Parameters
    ----------
    mass : float
        The weight of the body in kilograms.
    ringed : bool
        Whether to draw dusty rings around it.
    unknown : int
        The number of a parameter that is not declared.
    """
    if mass < 0:
        raise ValueError("mass must not be negative here")
    raise TypeError(f"mass {mass} is wrong in every way")


def sun(heat):
    """Returns the ``star`` in the middle of :class:`~sky.bodies.Comet` orbits.

    Args:
        heat: The temperature of the corona in kelvin.
    """


class Comet:
    """A comet with a long glowing tail."""

    def __init__(self, length):
        """Initialize.

        :param length: Number of kilometres that the tail is long.
        """

    def glow(self):
        """Show the tail near the perihelion."""

    def _melt(self):
        """Remove the ice from the nucleus."""

    def set_tail(self):
        """Call set_tail to change the tail again."""


def _hidden():
    """Compute the position of the dark matter."""


def short():
    """Do it."""


@deprecated("use planet")
def old_moon():
    """Place the moon on a circular orbit."""
''',
    "examples/orbit.py": '''"""
==============
Drawing orbits
==============

This example shows how one can draw the orbit of your planet in colour.
"""

import sky

sky.planet(3)
''',
    "examples/tail.py": '''"""
Comet and old moon
==================
"""
from sky import Comet as Body
from sky import old_moon

Body(old_moon()).glow()
''',
}


def write(root: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


@pytest.fixture
def tree(tmp_path: Path, settings: Settings) -> SourceTree:
    return open_source(str(write(tmp_path / "sky", FILES)), settings)


@pytest.fixture
def cases(tree: SourceTree) -> tuple[Case, ...]:
    return starter_cases(tree, ApiModel.build(tree), limit=100, seed=0)


def by_question(cases: tuple[Case, ...], provenance: str) -> dict[str, list[tuple[str, str | None]]]:
    return {
        case.question: [(gold.path, gold.symbol) for gold in case.gold]
        for case in cases
        if case.provenance == f"generated_{provenance}"
    }


def test_an_example_is_asked_for_by_what_it_shows(cases: tuple[Case, ...]) -> None:
    """Its gold is the script, and the definitions in it that the question speaks of and that are not deprecated."""
    assert by_question(cases, "example") == {
        "How do I draw the orbit of my planet in colour?": [
            ("examples/orbit.py", None),
            ("sky/bodies.py", "planet"),
        ],
        "Is there an example of Comet and old moon?": [("examples/tail.py", None), ("sky/bodies.py", "Comet")],
    }


def test_what_every_example_uses_answers_none_of_them(tmp_path: Path, settings: Settings) -> None:
    scripts = {
        f"examples/e{n}.py": f'"""\nPlacing planet number {n}\n=====\n"""\nimport sky\n\nsky.planet({n})\n'
        for n in range(3)
    }
    tree = open_source(str(write(tmp_path / "sky", {**FILES, **scripts})), settings)
    cases = by_question(starter_cases(tree, ApiModel.build(tree), limit=100, seed=0), "example")
    assert cases["How do I place planet number 1?"] == [("examples/e1.py", None)]


def test_a_docstring_is_asked_without_the_name(cases: tuple[Case, ...]) -> None:
    """Private, deprecated and short ones are not asked for, nor those that give the name away."""
    assert by_question(cases, "docstring") == {
        "Which function places one planet on an elliptic orbit?": [("sky/bodies.py", "planet")],
        "Which function returns the star in the middle of Comet orbits?": [("sky/bodies.py", "sun")],
        "Which class is a comet with a long glowing tail?": [("sky/bodies.py", "Comet")],
        "Which method of `Comet` shows the tail near the perihelion?": [("sky/bodies.py", "Comet.glow")],
    }


def test_parameters_are_asked_for_in_every_style_of_docstring(cases: tuple[Case, ...]) -> None:
    assert by_question(cases, "parameter") == {
        "Which argument of `planet` sets the weight of the body in kilograms?": [("sky/bodies.py", "planet")],
        "Which argument of `planet` decides whether to draw dusty rings around it?": [("sky/bodies.py", "planet")],
        "Which argument of `sun` sets the temperature of the corona in kelvin?": [("sky/bodies.py", "sun")],
        "Which argument of `Comet` sets the number of kilometres that the tail is long?": [("sky/bodies.py", "Comet")],
    }
    assert {case.must_mention for case in cases if "dusty" in case.question} == {("ringed",)}


def test_errors_with_a_literal_message_lead_to_where_they_are_raised(cases: tuple[Case, ...]) -> None:
    assert by_question(cases, "error") == {
        "I get `ValueError: mass must not be negative here`, why?": [("sky/bodies.py", "planet")]
    }


def test_the_same_sources_and_seed_give_the_same_cases(tree: SourceTree, cases: tuple[Case, ...]) -> None:
    api = ApiModel.build(tree)
    assert starter_cases(tree, api, limit=100, seed=0) == cases
    drawn = {starter_cases(tree, api, limit=5, seed=seed) for seed in range(5)}
    assert len(drawn) > 1
    assert len({case.id for case in cases}) == len(cases)


def test_a_smaller_limit_gives_a_part_in_proportion(tmp_path: Path, settings: Settings) -> None:
    """Four files with 40, 20, 10 and 10 functions: of any beginning each has its share, to within one."""
    sizes = {"a": 40, "b": 20, "c": 10, "d": 10}
    files = {
        f"sky/{name}.py": "".join(
            f'def f{n}():\n    """Compute the {name}-th moment number {n} of light."""\n' for n in range(size)
        )
        for name, size in sizes.items()
    }
    tree = open_source(str(write(tmp_path / "sky", {"sky/__init__.py": "", **files})), settings)
    api = ApiModel.build(tree)
    everything = starter_cases(tree, api, limit=1000, seed=3)
    assert len(everything) == sum(sizes.values())
    for limit in (8, 13, 40, 77):
        part = starter_cases(tree, api, limit=limit, seed=3)
        assert part == everything[:limit]
        shares = Counter(case.gold[0].path for case in part)
        for name, size in sizes.items():
            assert abs(shares[f"sky/{name}.py"] - limit * size / 80) <= 1


def test_one_form_of_words_on_many_definitions_is_not_a_question(tmp_path: Path, settings: Settings) -> None:
    """Up to three definitions with the same summary are all right answers; of more, none is."""
    alike = "".join(f'def alike{n}():\n    """Return the view of the same data."""\n' for n in range(4))
    twins = "".join(f'def twin{n}():\n    """Return the colour of the night sky."""\n' for n in range(2))
    rest = "".join(f'def rest{n}():\n    """Return the {n}. brightest star we know."""\n' for n in range(5))
    tree = open_source(str(write(tmp_path / "sky", {"sky/__init__.py": alike + twins + rest})), settings)
    cases = starter_cases(tree, ApiModel.build(tree), limit=100, seed=0)
    assert not any("same data" in case.question for case in cases)
    (twin,) = (case for case in cases if "night sky" in case.question)
    assert {gold.symbol for gold in twin.gold} == {"twin0", "twin1"}


def test_what_is_written_can_be_loaded_strictly(
    tmp_path: Path, tree: SourceTree, cases: tuple[Case, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([str(tree.root)]) == 0
    assert load_cases(tmp_path / "cases-sky-1.0.jsonl", tree) == cases


def test_a_file_that_exists_is_kept(
    tmp_path: Path, tree: SourceTree, cases: tuple[Case, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine.jsonl"
    out.write_text("my own\n")
    assert main([str(tree.root), "--out", str(out)]) == 1
    assert "--force" in capsys.readouterr().err
    assert out.read_text() == "my own\n"
    assert main([str(tree.root), "--out", str(out), "--force"]) == 0
    assert load_cases(out) == cases


def test_a_library_that_says_nothing_is_told_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = write(tmp_path / "mute", {"mute/__init__.py": "def f(): ...\n"})
    out = tmp_path / "out.jsonl"
    assert main([str(root), "--out", str(out)]) == 1
    error = capsys.readouterr().err
    assert "Only 0 questions" in error
    assert "mute" in error
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "told"), [(["{root}", "--limit", "0"], "limit 0"), (["/no/such/folder"], "/no/such/folder")]
)
def test_what_cannot_be_done_is_one_line(
    tree: SourceTree, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([argument.format(root=tree.root) for argument in arguments]) == 1
    assert told in capsys.readouterr().err


def test_no_limit_below_one(tree: SourceTree) -> None:
    with pytest.raises(InvalidInput, match="0"):
        starter_cases(tree, ApiModel.build(tree), limit=0, seed=0)


def test_files_that_do_not_parse_cost_only_themselves(tmp_path: Path, settings: Settings) -> None:
    root = write(tmp_path / "sky", {**FILES, "sky/broken.py": "def half(:\n", "examples/odd.py": '"""Odd\n'})
    tree = open_source(str(root), settings)
    assert len(starter_cases(tree, ApiModel.build(tree), limit=100, seed=0)) >= 10


def test_every_place_of_fury_exists(fury_tree: SourceTree, tmp_path: Path) -> None:
    """Each provenance has its share, and no question is asked twice."""
    import msgspec

    cases = starter_cases(fury_tree, ApiModel.build(fury_tree), limit=100, seed=0)
    out = tmp_path / "cases.jsonl"
    out.write_bytes(b"\n".join(msgspec.json.encode(case) for case in cases))
    assert load_cases(out, fury_tree) == cases
    assert min(Counter(case.provenance for case in cases).values()) >= 20
    assert len({case.question for case in cases}) == 100


# --- phrasing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "kind", "owner", "question"),
    [
        ("Create one or many spheres", "function", "", "Which function creates one or many spheres?"),
        ("Copy the pixels", "function", "", "Which function copies the pixels?"),
        ("Load a file and return it", "function", "", "How do I load a file and return it?"),
        ("Return the nodes and edges", "method", "Graph", "Which method of `Graph` returns the nodes and edges?"),
        ("Applies a filter", "function", "", "Which function applies a filter?"),
        ("Return True if G is a tree, False otherwise", "function", "", "How do I check whether G is a tree?"),
        ("A panel that holds buttons", "class", "", "Which class is a panel that holds buttons?"),
        ("The server was not there", "exception", "", None),
        ("The nodes are kept here", "class", "", None),
        ("Set of nodes", "function", "", None),
        ("Add cookies and returns a jar", "function", "", None),
        ("Frobnicate the data", "function", "", None),
    ],
)
def test_questions_about_definitions(sentence: str, kind: str, owner: str, question: str | None) -> None:
    assert phrasing.ask_what_does(sentence, kind, owner, which=True) == question


@pytest.mark.parametrize(
    ("title", "text", "question"),
    [
        ("Using a timer", "", "How do I use a timer?"),
        ("Plotting and saving lines", "", "How do I plot and save lines?"),
        ("Plot lines", "", "How do I plot lines?"),
        ("Panel2D", "We will see how we can fill our panel", "How do I fill my panel?"),
        ("Corner detection", "", "Is there an example of Corner detection?"),
        ("Combo Box Example", "", "Is there an example of Combo Box?"),
        ("Sliders", "", None),
    ],
)
def test_questions_about_examples(title: str, text: str, question: str | None) -> None:
    assert phrasing.ask_for_example(title, text) == question


@pytest.mark.parametrize(
    ("description", "question"),
    [
        ("If True, return the data", "makes it return the data"),
        ("If True, the mesh is smooth, otherwise not", "decides whether the mesh is smooth"),
        ("If None, nothing happens", None),
        ("A list of nodes", "takes a list of nodes"),
        ("Number of bins", "sets the number of bins"),
        ("Controls the width", "controls the width"),
        ("The nodes are sorted before", None),
        ("Networkx graph", None),
    ],
)
def test_questions_about_parameters(description: str, question: str | None) -> None:
    asked = f"Which argument of `f` {question}?" if question else None
    assert phrasing.ask_for_argument(description, "f") == asked


@pytest.mark.parametrize(
    ("doc", "sentence"),
    [
        ("Add ``a`` to :func:`~x.y.b`.\n\nMore.", "Add a to b"),
        ("Draw lines, e.g. Bezier ones. Then stop.", "Draw lines, e.g. Bezier ones"),
        ("One line\nand *another*  [1]_.", "One line and another"),
        ("See `the page <http://x>`_ about 2.5 things", "See the page about 2.5 things"),
        ("", ""),
    ],
)
def test_first_sentences(doc: str, sentence: str) -> None:
    assert phrasing.first_sentence(doc) == sentence


@given(st.text("aA .`:~_*[]<>\n0", max_size=60))
def test_a_first_sentence_is_one_line_and_stays_as_it_is(doc: str) -> None:
    sentence = phrasing.first_sentence(doc)
    assert "\n" not in sentence
    assert sentence == " ".join(sentence.split())


@pytest.mark.parametrize(
    "text",
    ["the value of x = $y$ here", "see http://example.org for more", "what a `broken thing here", "only three words"],
)
def test_formulas_addresses_and_scraps_are_no_questions(text: str) -> None:
    assert not phrasing.usable(text)


def test_a_gold_place_has_its_lines(cases: tuple[Case, ...]) -> None:
    (glow,) = (case for case in cases if "perihelion" in case.question)
    assert glow.gold == (Gold("sky/bodies.py", "Comet.glow", (40, 41)),)
    assert glow.source == "sky/bodies.py:40"
