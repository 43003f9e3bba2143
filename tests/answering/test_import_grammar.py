"""The grammar for imports, read as the regular expression that it is: it refers to no rule from within itself."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from agent.answering.import_grammar import import_grammar
from agent.schema import SourceTree
from agent.settings import Settings
from agent.sources import open_source
from agent.symbols import ApiModel

_PART = re.compile(r'"([^"]*)"|(\[(?:\\.|[^\]])*\])|([a-z]+(?:-[0-9]+)*)|([()|*+?])|\s+')


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> ApiModel:
    """A small package's."""
    root = tmp_path_factory.mktemp("demo")
    package = root / "project" / "demo"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from . import loose, shape\n")
    (package / "loose.py").write_text("globals().update(made())\ndef __getattr__(name): ...\n")
    (package / "shape.py").write_text("def box(): ...\ndef ball(): ...\ndef balls(): ...\ndef _hidden(): ...\n")
    tree = open_source(str(package.parent), Settings(data_dir=root / "data"))
    return ApiModel.build(tree, root / "api.sqlite")


@pytest.fixture(scope="module")
def accepted(api: ApiModel) -> re.Pattern[str]:
    """What its grammar accepts."""
    grammar = import_grammar(api)
    assert grammar is not None
    return expression(grammar)


def expression(grammar: str, rule: str = "root") -> re.Pattern[str]:
    rules = dict(line.split(" ::= ") for line in grammar.splitlines())

    @cache
    def written(rule: str) -> str:
        def part(found: re.Match[str]) -> str:
            text, letters, name, sign = found.groups()
            if name:
                return f"(?:{written(name)})"
            return re.escape(text) if text is not None else letters or ("(?:" if sign == "(" else sign or "")

        return _PART.sub(part, rules[rule])

    return re.compile(written(rule))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A ball.",
        "import demo\nimport demo.shape as s, os\nimport numpy as np\nfrom . import shape\n",
        "from demo import shape as s\nfrom demo.shape import box, ball  # both\n",
        "from demo.shape import (\n    box,\n    balls as many,\n)\nfrom demo.shape import *\n",
        "from numpy import array\nfrom os.path import join",
        "from demolition import cube\nimport demos.shapes\n",
        "shape.cube(demo.shape.plane, 1.5)",
        "from demo import shape,__version__\nfrom demo.shape import (  # both\n    box,  # a box\n    ball\n)\r\n",
        "Use `from demo import shape` for that (from demo.shape import box). Is it from demo.shape?\n",
        "What you import from demo.shape is a box; from demo.shape.box you get one. You can import from `demo`.\n",
        "from demo.loose import anything\nfrom demo.loose.below import other\nimport demo.loose.below\n",
        "What demo has is imported from demo, or from demo. Import it.\n",
        "Take it from demo as it is; import demo. An important thing from",
        "It was moved from demo.forms to demo.shape, from demo.forms\nThe box\n\n  comes from demo.\nimport demo",
        "from demo import shape\n\n    from demo import (\n  shape)\n",
        "from demo.loose import *\nfrom demo.loose import (\n    a,\n    b,\n)\nYou import demo.shape. Then\n",
        "from demo.shape import box  # both\nfrom demo.shape import ball; box()\n(from demo.shape import box) and\n",
        "from demo.shape import box \nWith from demo.shape import box you have it, from demo.shape import box and",
        "x = 1\n    import demo.shape\nfrom .demo import x\nimport from\nfrom \nfrom demo.shape import box",
    ],
)
def test_what_is_there_can_be_imported_and_all_else_is_free(accepted: re.Pattern[str], text: str) -> None:
    assert accepted.fullmatch(text)


@pytest.mark.parametrize(
    "text",
    [
        "import demo.shapes\n",
        "x = 1\nfrom demo import cube\n",
        "from demo import shape, cube\n",
        "from demo.shape import boxes\n",
        "from demo.shape import (\n    box,\n    cube,\n)\n",
        "from demo.shape import _hidden\n",
        "from demo.forms import box\n",
        "from  demo import cube\n",
        "from\tdemo import cube\n",
        "from demo.shape.box import x\n",
        "from demo.forms importcube\n",
        "from demo importcube\n",
        "import numpy\nfrom demo.forms impo\n",
        "from demo.shape import box as b, cube\n",
        "from demo import shape as s, cube",
        "from demo.shape import box as b, ball as c, cube\n",
        "from demo.shape import box , cube\n",
        "from demo.shape import box cube, x\n",
        "Use `from demo.shape import box as b, cube` then\n",
        "Use from demo.shape import box , cube",
        "from demo.shape import box cube",
        "from demo.shape import box \\\n    , cube\n",
        "from demo.shape import box as b , cube\n",
        "import numpy\n    from demo.forms",
        "from demo.forms to demo.shape\n",
        "Take this:\nfrom demo\nimport shape\n",
    ],
)
def test_what_is_not_there_cannot(accepted: re.Pattern[str], text: str) -> None:
    assert not accepted.fullmatch(text)


def test_what_would_be_too_large_is_no_grammar(api: ApiModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.answering.import_grammar.MOST_CHARACTERS", 100)
    assert import_grammar(api) is None
    assert import_grammar(ApiModel({}, {})) is None


def test_furys_own_programs_could_be_written_under_it(fury_tree: SourceTree, tmp_path: Path) -> None:
    grammar = import_grammar(ApiModel.build(fury_tree, tmp_path / "api.sqlite"))
    assert grammar is not None
    held = expression(grammar, "lone")  # the whole would be compiled for minutes
    examples = [file.path for file in fury_tree.files if file.path.startswith("docs/") and file.path.endswith(".py")]
    imports = {
        ast.unparse(node)
        for path in examples
        for node in ast.walk(ast.parse((fury_tree.root / path).read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "fury"
    }
    assert len(imports) > 20
    assert [text for text in imports if not held.fullmatch(text)] == []
