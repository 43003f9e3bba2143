"""Names of the library: those that do not exist are found on whatever way they are reached, and no others."""

from __future__ import annotations

import pytest

from agent.symbols import ApiModel
from agent.verification import CodeReport, check_code


def wrong(report: CodeReport) -> list[str]:
    return [f.path or "" for f in report.findings if f.kind == "unknown-name"]


@pytest.mark.parametrize(
    ("code", "path"),
    [
        ("import lib\nlib.actor.spher(1)", "lib.actor.spher"),
        ("import lib.actor as la\nla.spher", "lib.actor.spher"),
        ("import lib.actor\nlib.actor.spher", "lib.actor.spher"),
        ("from lib import actor\nactor.spher", "lib.actor.spher"),
        ("from lib import actor as a\nb = a\nb.spher", "lib.actor.spher"),
        ("from lib.actor import spher", "lib.actor.spher"),
        ("from lib import actr", "lib.actr"),
        ("import lib.actr", "lib.actr"),
        ("from lib.actr import sphere", "lib.actr"),
        ("import lib.actor.sphere", "lib.actor.sphere"),
        ("from lib import *\nactor.spher", "lib.actor.spher"),
        ("from lib import window\nwindow.Scene().ad(1)", "lib.Scene.ad"),
        ("from lib import Scene\nwith open('x') as f:\n    s = Scene()\n    s.ad(1)", "lib.Scene.ad"),
        ("from lib import Scene\ns = t = Scene()\nt.ad(1)", "lib.Scene.ad"),
        ("from lib import Scene\na, s = 1, Scene()\ns.ad(1)", "lib.Scene.ad"),
        ("from lib import Scene\nif (s := Scene()):\n    s.ad(1)", "lib.Scene.ad"),
        ("from lib import Scene\nprint([(s := Scene()) for i in range(3)])\ns.ad(1)", "lib.Scene.ad"),
        ("from lib import Scene\ndef f():\n    s.ad(1)\ns = Scene()", "lib.Scene.ad"),
        ("from lib import Scene\ns = Scene()\nf = lambda: s.ad(1)", "lib.Scene.ad"),
        ("from lib import Scene\ns = Scene()\nx = [s.ad(i) for i in range(3)]", "lib.Scene.ad"),
        ("from lib import Scene\nfor i in range(3):\n    s = Scene()\n    s.ad(i)", "lib.Scene.ad"),
        ("from lib import window\nwith window.ShowManager() as m:\n    m.stop()", "lib.window.ShowManager.stop"),
        ("from lib import window\nwindow.ShowManager().current().ad()", "lib.Scene.ad"),
        ("from lib import Scene\ndef f(s: Scene):\n    s.ad(1)", "lib.Scene.ad"),
        ("from lib import Scene\nclass Mine(Scene):\n    def f(self):\n        self.ad(1)", "lib.Scene.ad"),
        ("from lib import Scene\nclass Mine(Scene):\n    pass\nMine().ad(1)", "lib.Scene.ad"),
        ("from lib import Scene\nclass Mine(Scene):\n    def f(self):\n        super().ad(1)", "lib.Scene.ad"),
        (
            "from lib import Scene\nclass A:\n    def __init__(self):\n        self.s = Scene()\n"
            "    def f(self):\n        self.s.ad(1)",
            "lib.Scene.ad",
        ),
        ("from lib import ui\nui.Panel.off(1)", "lib.ui.Panel.off"),
        ("from lib import actor\nf'{actor.spher}'", "lib.actor.spher"),
        ("from lib import actor\n@actor.spher\nclass A: ...", "lib.actor.spher"),
        ("from lib import actor\nactor.spher.tag = 1", "lib.actor.spher"),
        ("from lib import actor\nmatch 1:\n    case 1 if actor.spher: ...", "lib.actor.spher"),
        ("try:\n    from lib import actor\nexcept OSError:\n    raise\nactor.spher", "lib.actor.spher"),
        ("from lib import Scene\ns: Scene\ns.ad(1)", "lib.Scene.ad"),
        ("from lib import ui\ntry: ...\nexcept ui.Wrong: ...", "lib.ui.Wrong"),
        ("from lib import ui\ntry: ...\nexcept (OSError, ui.Wrong) as e: ...", "lib.ui.Wrong"),
        ("from lib import ui\nmatch 1:\n    case ui.Wrong(): ...", "lib.ui.Wrong"),
        ("from lib import ui\nmatch 1:\n    case [ui.Panel(), *_] | {'a': ui.WRONG}: ...", "lib.ui.WRONG"),
        ("from lib import ui\nmatch 1:\n    case {ui.WRONG: _}: ...", "lib.ui.WRONG"),
        ("from lib import actor\nactor.spher += 1", "lib.actor.spher"),
        ("from lib import actor\ndel actor.spher", "lib.actor.spher"),
        ("from lib import Scene\nclass A(Scene): ...\nA().ad += 1", "lib.Scene.ad"),
        ("async def f():\n    from lib import Scene\n    async with g():\n        Scene().ad(1)", "lib.Scene.ad"),
    ],
)
def test_names_that_do_not_exist_are_found(code: str, path: str, api: ApiModel) -> None:
    report = check_code(code, api)
    assert wrong(report) == [path]
    assert path in report.unknown
    assert not report.is_clean


@pytest.mark.parametrize(
    "code",
    [
        "from lib import actor\nactor.sphere, actor.SIZE, actor._helper, actor.np",
        "from lib.window import Scene\nScene().background, Scene().size, Scene.__name__, Scene.mro()",
        "from lib import ui\nui.Foreign().anything, ui.Foreign.anything",
        "from lib import ui\nui.Made().anything",
        "from lib import actor\nactor.sphere.anything, actor.SIZE.anything, actor.sphere(1).anything",
        "from lib import actor\nactor.mine = 1\nprint(actor.mine)",
        "from lib import Scene\ns = Scene()\ns.tag = 1\nprint(s.tag)",
        "from lib import Scene\ndef mark(s):\n    s.tag = 1\ns = Scene()\nmark(s)\nprint(s.tag)",
        "from lib import actor\nif hasattr(actor, 'new'):\n    actor.new()",
        "from lib import Scene\ns = Scene()\nsetattr(s, name, 1)\ns.tag",
        "from lib import Scene\ns = Scene()\ns = other()\ns.tag",
        "from lib import Scene\ns = Scene()\nif x:\n    s = other()\ns.tag",
        "from lib import Scene\ns = Scene()\nfor i in y:\n    s.tag\n    s = other()",
        "from lib import Scene\ns = Scene()\nwhile s.tag:\n    s = s.next",
        "from lib import Scene\ns = Scene()\nfor s in y:\n    s.tag",
        "from lib import Scene\ns = Scene()\ndef f():\n    global s\n    s = other()\nf()\ns.tag",
        "from lib import Scene\ns = Scene()\ndef f():\n    s.tag\ns = other()\nf()",
        "from lib import actor\ndef f(actor):\n    actor.tag",
        "from lib import actor\ndef f():\n    actor = other()\n    actor.tag",
        "from lib import actor\n[actor.tag for actor in actors]",
        "from lib import actor\nlambda actor: actor.tag",
        "from lib import Scene\ns = Scene()\ntry:\n    s = other()\nexcept ValueError:\n    pass\ns.tag",
        "from lib import Scene\ntry:\n    s = Scene()\n    s = other()\n    s = Scene()\nfinally:\n    s.tag",
        "from lib import Scene\ns = Scene()\ntry:\n    s = other()\n    s = Scene()\nexcept ValueError:\n    s.tag",
        "from lib import Scene\ns = Scene()\nmatch x:\n    case {'s': s}:\n        s.tag",
        "from lib import Scene\ns = Scene()\nwith other() as s:\n    s.tag",
        "from lib import Scene\ns = Scene()\ns += 1\ns.tag",
        "from lib import Scene\ns, t = make(Scene())\ns.tag",
        "from lib import Scene\ndef f(s: Scene):\n    s.glow()",
        "from lib import Scene\ndef f(*s: Scene):\n    s.index(1)",
        "from lib import window\nwindow.ShowManager().current().glow()",
        "from lib import window\nwindow.ShowManager().scene.anything",
        "from lib import Scene\nclass A(Scene):\n    x = 1\n    def f(self):\n        self.y = 2\n"
        "        self.x, self.y, self.add(1)",
        "from lib import actor\nactor.mine = 1\nactor.mine += 1\ndel actor.mine",
        "from lib import Scene\nclass A(Scene):\n    def f(self):\n        self.x = 1\n"
        "        self.x += 1\n        del self.x\nA().x += 1",
        "from lib import Scene\nclass A:\n    def f(self):\n        self.s = Scene()\n"
        "    def g(self):\n        self.s.anything\nmake().s += 1",
        "from lib import actor\nactor.sphere += 1\nactor.sphere.anything",
        "from lib import ui\ntry:\n    ui = other()\nexcept ui.Wrong: ...",
        "from lib import actor\ntry:\n    del actor.new\nexcept AttributeError: ...",
        "from lib import ui\nmatch 1:\n    case ui.Panel(size=1) | ui.Foreign.anything: ...",
        "from lib import Scene\nclass A(Scene, Other):\n    def f(self):\n        self.anything",
        "from lib import Scene\n@decorated\nclass A(Scene):\n    def f(self):\n        self.anything",
        "from lib import Scene\nclass A(Scene):\n    def __getattr__(self, n): ...\nA().anything",
        "from lib import Scene\nclass A(Scene):\n    @classmethod\n    def f(cls):\n        cls.anything",
        "from lib import Scene\nclass A(Scene):\n    @staticmethod\n    def f(x):\n        x.anything",
        "from lib import Scene\nclass A(Scene):\n    def f(self):\n        self.hook()\n"
        "class B(A):\n    def hook(self): ...",
        "from lib import Scene\nclass A:\n    def f(self):\n        self.s = Scene()\n"
        "    def g(self):\n        self.s = other()\n"
        "    def h(self):\n        self.s.anything",
        "try:\n    from lib import new\nexcept ImportError:\n    new = None",
        "from lib import actor\ntry:\n    actor.new()\nexcept AttributeError:\n    pass",
        "import contextlib\nfrom lib import actor\nwith contextlib.suppress(AttributeError):\n    actor.new()",
        "from lib import Scene\nclass A(Scene):\n    def f(self):\n        self.anything\nclass B(Other, A): ...",
        "from lib import window\nwindow.ShowManager().current().send",
        "globals().update(actor=1)\nactor.spher",
        "import other\nother.lib.anything",
        "from . import lib\nlib.anything",
        "lib = other()\nlib.anything",
        "actors = {}\ndata.anything",
        "from other import *\nactor.spher",
        "input.reed",
        "from lib import Scene\ntry:\n    s = other()\nexcept ValueError:\n    s = Scene()\ns.tag",
        "from lib import Scene\ns = other()\ndef f():\n    s.tag\nf()\ns = Scene()",
    ],
)
def test_what_may_exist_is_never_accused(code: str, api: ApiModel) -> None:
    assert wrong(check_code(code, api)) == []


def test_each_path_has_one_verdict(api: ApiModel) -> None:
    report = check_code("from lib import actor, ui\nactor.box\nactor.bx\nactor.bx\nui.Foreign().draw()", api)
    assert report.known == ("lib", "lib.actor", "lib.actor.box", "lib.ui", "lib.ui.Foreign")
    assert report.unknown == ("lib.actor.bx",)
    assert report.unchecked == ("lib.ui.Foreign.draw",)
    assert report.names_checked == 6
    assert [(f.line, f.column) for f in report.findings] == [(3, 1), (4, 1)]


def test_what_exists_instead_is_named(api: ApiModel) -> None:
    (found,) = check_code("from lib import actor as a\nx = a.spheres([1])", api).findings
    assert (found.line, found.column, found.subject, found.path) == (2, 5, "a.spheres", "lib.actor.spheres")
    assert found.suggestions == ("lib.actor.sphere",)
    assert "`lib.actor.sphere`" in found.message


def test_a_missing_module_is_answered_by_the_names_own_place(api: ApiModel) -> None:
    (found,) = (f for f in check_code("from lib.scenes import Scene", api).findings if f.kind == "unknown-name")
    assert found.suggestions[0] == "lib.Scene"


@pytest.mark.parametrize("code", ["from lib.actorz import nowhere", "from lib.actorz import *"])
def test_a_missing_module_whose_names_say_nothing_is_answered_by_modules_like_it(code: str, api: ApiModel) -> None:
    (found,) = (f for f in check_code(code, api).findings if f.kind == "unknown-name")
    assert found.suggestions == ("lib.actor",)


def test_an_import_that_is_missing_is_told_and_the_name_checked_all_the_same(api: ApiModel) -> None:
    report = check_code("actor.sphere(1)\nactor.spheres(1)", api)
    assert [f.kind for f in report.findings] == ["undefined-name", "undefined-name", "unknown-name"]
    assert report.findings[0].suggestions == ("lib.actor",)


def test_deprecated_names_are_a_finding_of_their_own(api: ApiModel) -> None:
    report = check_code("from lib import actor\nactor.cube(1)\nfrom lib.actor import cube", api)
    assert [f.line for f in report.findings if f.kind == "deprecated"] == [2, 3]
    assert report.unknown == ()
    assert "use box" in report.findings[0].message


def test_undefined_names_and_unused_imports(api: ApiModel) -> None:
    report = check_code("import numpy as np\nprint(centers)", api)
    assert [(f.kind, f.subject, f.line, f.column) for f in report.findings] == [
        ("unused-import", "numpy as np", 1, 1),
        ("undefined-name", "centers", 2, 7),
    ]
    assert check_code("import numpy", api).is_clean


def test_a_name_that_may_be_deleted_is_not_accused(api: ApiModel) -> None:
    code = "total = 1\ntry:\n    print(total)\n    del total\nexcept OSError:\n    print(total)\nprint(missing)"
    assert [finding.subject for finding in check_code(code, api).findings] == ["missing"]


def test_a_star_import_defines_what_the_module_has_and_nothing_else(api: ApiModel) -> None:
    assert [f.subject for f in check_code("from lib.actor import *\nsphere(1)\nshere(1)", api).findings] == ["shere"]
    assert check_code("from numpy import *\nshere(1)", api).findings == ()
