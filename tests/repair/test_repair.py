"""Repairs: what is certain is put right in place, what is not is left, and nothing ever gets worse."""

from __future__ import annotations

import ast
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.repair import repair
from agent.repair.certain import MOST_FINDINGS
from agent.symbols import ApiModel
from agent.symbols.closeness import same_name
from agent.verification import check_answer


def fenced(code: str) -> str:
    return f"Do this:\n\n```python\n{code}```\n"


REPAIRED = {
    "a module that nothing imports": (
        "actor.sphere([1])\n",
        "from lib import actor\nactor.sphere([1])\n",
        "added `from lib import actor`",
    ),
    "an import goes below the others": (
        "import os\nfrom lib import actor\n\nos.sep\nwindow.show(actor.sphere([1]))\n",
        "import os\nfrom lib import actor\nfrom lib import window\n\nos.sep\nwindow.show(actor.sphere([1]))\n",
        "added `from lib import window`",
    ),
    "an import goes above the first comment": (
        '"""Spheres."""\n# The first one.\nactor.sphere([1])\n',
        '"""Spheres."""\nfrom lib import actor\n# The first one.\nactor.sphere([1])\n',
        "added `from lib import actor`",
    ),
    "a class of one name": (
        "ShowManager()\n",
        "from lib.window import ShowManager\nShowManager()\n",
        "added `from lib.window import ShowManager`",
    ),
    "an alias that everybody uses": (
        "np.zeros(3)\n",
        "import numpy as np\nnp.zeros(3)\n",
        "added `import numpy as np`",
    ),
    "a name that has a word more where it is assigned": (
        "import lib\ncube_size = lib\nprint(size, [size])\n",
        "import lib\ncube_size = lib\nprint(cube_size, [cube_size])\n",
        "replaced `size`, which nothing assigns, by `cube_size`",
    ),
    "a word before it that could be a verb": (
        "import lib\nshow_manager = lib\nprint(manager)\n",
        "import lib\nshow_manager = lib\nprint(show_manager)\n",
        "replaced `manager`, which nothing assigns, by `show_manager`",
    ),
    "colours of no module": (
        "from lib import colors, actor\nactor.sphere([colors.dark_red, colors.get('Lime')])\ncolors = 1\n",
        "from lib import actor\nactor.sphere([(0.55, 0.0, 0.0), (0.0, 1.0, 0.0)])\ncolors = 1\n",
        "wrote the colours of `lib.colors`, which does not exist, as numbers",
    ),
    "one of several": (
        "import lib\ncenters = sizes = lib\nprint([print(center, sizes[i]) for i in range(3)])\n",
        "import lib\ncenters = sizes = lib\nprint([print(centers[i], sizes[i]) for i in range(3)])\n",
        "replaced `center`, which nothing assigns, by elements of `centers`",
    ),
    "the library itself": ("lib.actor.sphere([1])\n", "import lib\nlib.actor.sphere([1])\n", "added `import lib`"),
    "a slip of the pen": (
        "from lib import actor\nactor.spheres( [1] )  # é\n",
        "from lib import actor\nactor.sphere( [1] )  # é\n",
        "replaced `lib.actor.spheres` by `lib.actor.sphere`",
    ),
    "another convention": (
        "from lib import window\nwindow.Show_manager()\n",
        "from lib import window\nwindow.ShowManager()\n",
        "replaced `lib.window.Show_manager` by `lib.window.ShowManager`",
    ),
    "a module that does not exist, beside the true one": (
        "from lib import actor, actor_core\nactor_core.sphere([1])\nactor.box([1])\n",
        "from lib import actor\nactor.sphere([1])\nactor.box([1])\n",
        "replaced the module `lib.actor_core` by `lib.actor`",
    ),
    "a module that does not exist": (
        "from lib import actors_core\nactors_core.sphere([1])\n",
        "from lib import actor\nactor.sphere([1])\n",
        "replaced the module `lib.actors_core` by `lib.actor`",
    ),
    "an empty word": (
        "from lib import actor\nactor.create_sphere([1])\n",
        "from lib import actor\nactor.sphere([1])\n",
        "replaced `lib.actor.create_sphere` by `lib.actor.sphere`",
    ),
    "a method of an object": (
        "from lib import Scene\nscene = Scene()\nscene.add_actor(1)\n",
        "from lib import Scene\nscene = Scene()\nscene.add(1)\n",
        "replaced `lib.Scene.add_actor` by `lib.Scene.add`",
    ),
    "an imported name with all its uses": (
        "from lib.actor import spheres\nx = spheres([1])\nspheres([2])\n",
        "from lib.actor import sphere\nx = sphere([1])\nsphere([2])\n",
        "replaced `lib.actor.spheres` by `lib.actor.sphere`",
    ),
    "an imported name with a name of its own": (
        "from lib.actor import spheres as s\ns([1])\n",
        "from lib.actor import sphere as s\ns([1])\n",
        "replaced `lib.actor.spheres` by `lib.actor.sphere`",
    ),
    "a name from the wrong module": (
        "from lib.window import sphere\nsphere([1])\n",
        "from lib.actor import sphere\nsphere([1])\n",
        "replaced `lib.window.sphere` by `lib.actor.sphere`",
    ),
    "one of several names from the wrong module": (
        "from lib.window import Scene, sphere\nScene()\nsphere([1])\n",
        "from lib.window import Scene\nfrom lib.actor import sphere\nScene()\nsphere([1])\n",
        "replaced `lib.window.sphere` by `lib.actor.sphere`",
    ),
    "a name written with the wrong module": (
        "from lib import window\nwindow.show(window.sphere([1]))\n",
        "from lib import window\nfrom lib import actor\nwindow.show(actor.sphere([1]))\n",
        "replaced `lib.window.sphere` by `lib.actor.sphere`",
    ),
    "a module that is not": (
        "from lib.shapes import sphere\nsphere([1])\n",
        "from lib.actor import sphere\nsphere([1])\n",
        "imported `sphere` from `lib.actor` instead of `lib.shapes`",
    ),
    "an import that only fails": (
        "from lib import actor\nfrom lib import nothing\nactor.sphere([1])\n",
        "from lib import actor\nactor.sphere([1])\n",
        "dropped the unused import of `lib.nothing`, which does not exist",
    ),
    "one name that only fails": (
        "from lib import nothing, actor\nactor.sphere([1])\n",
        "from lib import actor\nactor.sphere([1])\n",
        "dropped the unused import of `lib.nothing`, which does not exist",
    ),
    "a parameter": (
        "from lib import actor\nactor.sphere([1], color = 1)\n",
        "from lib import actor\nactor.sphere([1], colors = 1)\n",
        "replaced the parameter `color` by `colors` in `actor.sphere()`",
    ),
    "all parameters of a call": (
        "from lib import actor\nactor.sphere([1], color=1,\n    Radii=2)\n",
        "from lib import actor\nactor.sphere([1], colors=1,\n    radii=2)\n",
        "replaced the parameter `color` by `colors`, `Radii` by `radii` in `actor.sphere()`",
    ),
    "arguments by position that are called as their parameters are": (
        "from lib import actor\nradius, color = [1], 2\nactor.sphere([1], radius[0], color)\n",
        "from lib import actor\nradius, color = [1], 2\nactor.sphere([1], radii=radius[0], colors=color)\n",
        "passed `radii`, `colors` by name to `actor.sphere()`",
    ),
    "a row by position where one default is a row": (
        "from lib import actor\nactor.sphere([1], (0, 0, 1))\n",
        "from lib import actor\nactor.sphere([1], colors=(0, 0, 1))\n",
        "passed `colors` by name to `actor.sphere()`",
    ),
    "what a decorator says was once taken by position": (
        "from lib import actor\nactor.cone([1], [2][0])\n",
        "from lib import actor\nactor.cone([1], height=[2][0])\n",
        "passed `height` by name to `actor.cone()`",
    ),
}


@pytest.mark.parametrize(("code", "better", "done"), REPAIRED.values(), ids=REPAIRED)
def test_what_is_certain_is_repaired_in_place(code: str, better: str, done: str, api: ApiModel) -> None:
    repaired = repair(fenced(code), api)
    assert repaired.text == fenced(better)
    assert repaired.done == (done,)
    assert [f for f in repaired.report.findings if f.kind != "unused-import"] == []


LEFT = {
    "a colour that nobody knows": "from lib import actor, colors\nactor.sphere(colors.blurb)\n",
    "more than colours": "from lib import actor, colors\nactor.sphere(colors.red, colors.mixed(1))\n",
    "a number of things is not the things": "import lib\nnum_points = 10\nlib.actor.sphere(points, num_points)\n",
    "nor is n of them": "import lib\nn_colors = 10\nlib.actor.sphere([n_colors], colors=colors)\n",
    "nor is the largest": "import lib\nmy_max_points = 1\nlib.actor.sphere(points)\n",
    "a scene's size is no scene": "import lib\nscene_size = (5, 5)\nscene.add(lib)\n",
    "a path of data is no data": "import lib\ndata_path = 'x.npy'\nlib.actor.sphere(centers=data)\n",
    "a module is no points": "import lib\nimport points_lib\nlib.actor.sphere(points)\n",
    "nor where it ends so": "import lib\nimport my_points\nlib.actor.sphere(points)\n",
    "a parameter of a word more": "import lib\ndef f(my_points): pass\nlib.actor.sphere(points)\n",
    "a loop's variable of a word more": "import lib\nfor my_points in [1]: pass\nlib.actor.sphere(points)\n",
    "one that is unpacked": "import lib\nmy_points, b = lib\nlib.actor.sphere(points, b)\n",
    "one of two that have a word more": "import lib\nmy_points = a_points = 1\nlib.actor.sphere(points)\n",
    "one of nothing that is known": "import lib\ncenters = lib\nprint(center)\n",
    "the reader's own variable": "scene.add(actor)\n",
    "a name that is only passed on": "print(sphere)\n",
    "a member that the module has not": "actor.position = 1\nactor.local\n",
    "a call that does not fit the namesake": "from lib import window\nwindow.sphere()\n",
    "another word": "from lib import actor\nactor.cylinder([1])\n",
    "a method with a namesake elsewhere": "from lib import Scene\nScene().sphere([1])\n",
    "a property that is called": "from lib import Scene\nScene().Size()\n",
    "a renamed function that does not fit": "from lib import actor\nactor.spheres()\n",
    "a name that the code has already": "from lib.actor import spheres\nsphere = 1\nspheres([sphere])\n",
    "a module's name that is taken": "from lib import window\nactor = 1\nwindow.sphere([actor])\n",
    "a parameter with two neighbours": "from lib import ui\nui.Panel.of(1, oher=2)\n",
    "a required argument": "from lib import actor\nactor.line([1])\n",
    "an argument by position of which nothing tells what it is": "from lib import actor\nactor.sphere([1], [2][0])\n",
    "a number by position": "from lib import actor\nactor.sphere([1], (0, 0, 1), 2)\n",
    "one that is given by name already": "from lib import actor\nactor.sphere([1], 2, radii=3)\n",
    "arguments that are unpacked": "from lib import actor\nactor.sphere(*[1], (1, 0, 0), 2)\n",
    "an import in a branch of its own": "if 1:\n    from lib import nothing\n",
    "no Python": "from lib import actor\nactor.spheres([1]\n",
    "nothing wrong": "from lib import actor\nactor.sphere([1])\n",
    "an unused import of what exists": "from lib import actor\n",
}


@pytest.mark.parametrize("code", LEFT.values(), ids=LEFT)
def test_what_is_not_certain_is_left(code: str, api: ApiModel) -> None:
    repaired = repair(fenced(code), api)
    assert repaired.text == fenced(code)
    assert repaired.done == ()


@pytest.mark.parametrize(
    ("text", "better"),
    [
        (
            "> ```python\n> actor.sphere([1])\n> ```\n",
            "> ```python\n> from lib import actor\n> actor.sphere([1])\n> ```\n",
        ),
        ("- So:\n\n  ```py\n  np.ones(1)\n  ```\n", "- So:\n\n  ```py\n  import numpy as np\n  np.ones(1)\n  ```\n"),
        ("```pycon\n>>> np.ones(1)\n1\n```\n", "```pycon\n>>> import numpy as np\n>>> np.ones(1)\n1\n```\n"),
        ("```python\r\nnp.ones(1)\r\n```\r\n", "```python\r\nimport numpy as np\r\nnp.ones(1)\r\n```\r\n"),
        (
            "Call `lib.actor.spheres`:\n```python\nimport lib\nlib.actor.spheres([1])\n```\n",
            "Call `lib.actor.sphere`:\n```python\nimport lib\nlib.actor.sphere([1])\n```\n",
        ),
        (
            "`from lib.actor import spheres`, `print(lib.actor.spheres(2))`:\n"
            "```python\nimport lib\nlib.actor.spheres([1])\n```\n",
            "`from lib.actor import sphere`, `print(lib.actor.sphere(2))`:\n"
            "```python\nimport lib\nlib.actor.sphere([1])\n```\n",
        ),
        ("There is no `lib.actor.spheres`.\n", "There is no `lib.actor.spheres`.\n"),
        (
            "```python\nfrom lib import actor\n```\nthen\n```python\nactor.spheres([1])\n```\n",
            "```python\nfrom lib import actor\n```\nthen\n```python\nactor.sphere([1])\n```\n",
        ),
    ],
    ids=[
        "quotation",
        "list",
        "doctest",
        "CRLF",
        "prose follows the code",
        "inline code too",
        "prose alone is left",
        "two blocks",
    ],
)
def test_markdown_stays_markdown(text: str, better: str, api: ApiModel) -> None:
    assert repair(text, api).text == better


def test_several_repairs_in_one_answer(api: ApiModel) -> None:
    repaired = repair(fenced("x = actor.sphere(np.ones(3), color=1)\nwindow.show(x)\n"), api)
    imports = "import numpy as np\nfrom lib import actor\nfrom lib import window\n"
    assert sorted(repaired.report.blocks[0].code.splitlines()[:3]) == sorted(imports.splitlines())
    assert len(repaired.done) == 4
    assert repaired.report.is_clean


def test_a_text_full_of_errors_is_left_alone(api: ApiModel) -> None:
    code = "from lib import actor\n" + "actor.spheres([1])\n" * (MOST_FINDINGS + 1)
    assert repair(fenced(code), api).done == ()


@pytest.mark.parametrize(
    ("name", "candidates", "meant"),
    [
        ("showManager", ["ShowManager", "show"], "ShowManager"),
        ("show_manager", ["ShowManager", "showManager"], None),
        ("spheres", ["sphere"], "sphere"),
        ("spheres", ["sphere", "spherse"], None),
        ("axis", ["axes"], None),
        ("rotate_z", ["rotate_x"], None),
        ("set_size", ["get_size"], None),
        ("async_", ["sync"], None),
        ("asynced", ["synced"], None),
        ("line", ["lines"], "lines"),
        ("lin", ["line"], None),
        ("cylidner", ["cylinder"], "cylinder"),
        ("colour", ["colors"], None),
        ("create_box", ["box"], "box"),
        ("create", ["create_box"], None),
        ("", ["x"], None),
    ],
)
def test_a_slip_is_told_from_another_word(name: str, candidates: list[str], meant: str | None) -> None:
    assert same_name(name, candidates) == meant


PIECES = st.sampled_from(
    [
        "```python\n",
        "```\n",
        "> ",
        "  ",
        "from lib import actor\n",
        "from lib import actor, nothing\n",
        "from lib.window import (sphere,\n  Scene)\n",
        "import lib.shapes as s; x = 1\n",
        "from lib.shapes import sphere\n",
        "from lib.actor import spheres as a, box\n",
        "actor.spheres([1])\n",
        "x = actor.sphere([1], color=1, Radii=2); window.show(x)\n",
        "spheres(1)\n",
        "sphere(np.ones(1))\n",
        ">>> window.sphere('é').x\n",
        "def f(actor):\n    return window.sphere(actor)\n",
        "if x:\n",
        "    from lib import nothing\n",
        "s.sphere(1)\n",
        "`lib.actor.spheres` is\n",
        "scene = lib.Scene()\r\n",
        "scene.add_actor(1)\n",
        "\\\n",
        "\x0c",
        "# note\n",
        '"""text"""\n',
    ]
)
TEXTS = st.lists(PIECES, max_size=12).map("".join)


@given(text=TEXTS | TEXTS.map("```python\n{}".format))
@settings(max_examples=300)
def test_the_laws_of_repair(text: str, api: ApiModel) -> None:
    """Once is enough; no finding is new and fewer are left; a text without repair is the same; code stays code."""
    before, repaired = check_answer(text, api), repair(text, api)
    assert repaired.report == check_answer(repaired.text, api)
    assert repair(repaired.text, api).text == repaired.text
    old, new = (Counter((f.kind, f.subject, f.path) for f in report.findings) for report in (before, repaired.report))
    assert not new - old
    assert (new.total() < old.total()) == bool(repaired.done) == (repaired.text != text)
    assert len(repaired.report.blocks) == len(before.blocks)
    kept = (set(block.code.split()) - {"from", "import"} for block in before.blocks if block.report.findings == ())
    for words in kept:  # what was right stays
        assert words <= set(repaired.text.split())


def test_every_repaired_block_is_still_python(api: ApiModel) -> None:
    for code, *_ in REPAIRED.values():
        ast.parse(repair(fenced(code), api).report.blocks[0].code)


def test_a_wrong_call_in_prose_does_not_keep_its_code_from_being_repaired(api: ApiModel) -> None:
    text = "```python\nscene = Scene()\n```\nUse `Scene(nonsense=1)` for it."
    assert "import Scene" in repair(text, api).text
