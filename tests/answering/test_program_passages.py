"""Who writes a program is told how classes are made, and sees an example of what has none in its docstring."""

from __future__ import annotations

from agent.answering.program_passages import ILLUSTRATED, for_author
from agent.arrangement import Hit
from agent.symbols import ApiModel, Parameter, Symbol
from tests.support import make_chunk

PANEL = Symbol("lib.ui.Panel", "class", "lib/ui.py", 1, 9, "lib.Panel", parameters=(Parameter("size"),))
ADD = Symbol("lib.ui.Panel.add", "method", "lib/ui.py", 5, 6, parameters=(Parameter("self"), Parameter("item")))
PRESSED = Symbol(
    "lib.ui.Panel.pressed", "method", "lib/ui.py", 2, 3, parameters=(Parameter("self"), Parameter("event"))
)
HIDDEN = Symbol("lib.ui.Panel._draw", "method", "lib/ui.py", 7, 8, parameters=(Parameter("self"),))
API = ApiModel({symbol.path: symbol for symbol in (PANEL, ADD, PRESSED, HIDDEN)}, {})
SCRIPT = "from lib import Panel\npanel = Panel(3)\npanel.add(1)\n"


def hit(name: str = "Panel", **changes: object) -> Hit:
    told = {"kind": "class", "signature": f"class {name}(UI)", "doc": "A panel.", "public": f"lib.{name}"}
    about = {"id": name, "symbol": name, "title": name, "path": f"{name}.py", "qualified": f"lib.ui.{name}"}
    return Hit(make_chunk(**{**about, **told, **changes}), 0.5)


def test_a_class_shows_its_constructor_and_what_users_call() -> None:
    (found,) = for_author([hit()], API, lambda _: [])
    assert found.chunk.signature == "Panel(size)\nmethods: add(item)"


def test_an_example_is_taken_from_the_scripts_that_use_it() -> None:
    (found,) = for_author([hit()], API, lambda id_: [SCRIPT] if id_ == "Panel" else [])
    assert found.chunk.doc == f"A panel.\n\nExamples\n--------\n{SCRIPT.strip()}"


def test_the_docstrings_own_example_is_enough() -> None:
    own = hit(doc="A panel.\n\nExamples\n--------\n>>> Panel(1)")
    assert for_author([own], API, lambda _: [SCRIPT])[0].chunk.doc == own.chunk.doc


def test_only_the_first_definitions_are_illustrated() -> None:
    asked: list[str] = []
    hits = [hit(f"f{n}", kind="function") for n in range(ILLUSTRATED + 2)]
    for_author(hits, API, lambda id_: asked.append(id_) or [])
    assert asked == [f"f{n}" for n in range(ILLUSTRATED)]


def test_tutorials_stay_as_they_are() -> None:
    tutorial = hit("tutorial", role="example", kind="example", public=None)
    assert for_author([tutorial], API, lambda _: [SCRIPT]) == [tutorial]
