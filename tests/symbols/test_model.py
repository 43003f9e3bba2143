"""The API model: names found as a program would find them, and nothing accused that the sources cannot rule out."""

from __future__ import annotations

import hashlib
import logging
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import IndexCorrupt, StorageError
from agent.schema import SourceFile, SourceTree
from agent.symbols import ApiModel, Base, Symbol


def make_tree(root: Path, files: dict[str, str | bytes]) -> SourceTree:
    """Write `files` below `root`; every Python file's module is its path."""
    kept: list[SourceFile] = []
    for path, text in files.items():
        data = text if isinstance(text, bytes) else text.encode()
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
        module = path.rpartition(".")[0].replace("/", ".").removesuffix(".__init__")
        kept.append(SourceFile(path, "python", "package", module, len(data), hashlib.sha256(data).hexdigest()))
    return SourceTree("lib", "1", "v1", root, None, ("lib",), tuple(kept), {})


def build(root: Path, files: dict[str, str | bytes]) -> ApiModel:
    return ApiModel.build(make_tree(root, files))


def found(model: ApiModel, dotted: str) -> Symbol:
    symbol = model.resolve(dotted)
    assert symbol is not None, dotted
    return symbol


# --- FURY ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fury(fury_tree: SourceTree) -> ApiModel:
    return ApiModel.build(fury_tree)


def test_a_name_that_only_a_lazy_stub_exports_is_found_at_its_definition(fury: ApiModel, fury_tree: SourceTree) -> None:
    sphere = found(fury, "fury.actor.sphere")
    assert (sphere.path, sphere.public, sphere.kind) == ("fury.actor.curved.sphere", "fury.actor.sphere", "function")
    lines = (fury_tree.root / sphere.file).read_text().splitlines()
    assert lines[sphere.start_line - 1].startswith("def sphere(")
    assert [p.name for p in sphere.parameters][:3] == ["centers", "colors", "radii"]
    assert sphere.parameters[1].kind == "keyword_only"
    assert sphere.parameters[1].default == "(1, 0, 0)"


def test_methods_are_found_through_every_public_path_of_their_class(fury: ApiModel) -> None:
    start = found(fury, "fury.window.ShowManager.start")
    assert start == found(fury, "fury.ShowManager.start")
    assert (start.kind, start.public) == ("method", "fury.ShowManager.start")


def test_an_inherited_method_is_found_in_the_base_that_defines_it(fury: ApiModel) -> None:
    assert found(fury, "fury.ui.TextButton2D.set_position").path == "fury.ui.core.UI.set_position"


@pytest.mark.parametrize(
    ("dotted", "presence"),
    [
        ("fury.actor.sphere", "known"),
        ("fury.actor.cube", "unknown"),
        ("fury.window.ShowManager.begin", "unknown"),
        ("fury.window.Scene.anything", "unchecked"),  # it derives from a class of another library
        ("fury.os.path", "unchecked"),  # it exists, and leads outside
        ("numpy.array", "unchecked"),
        ("fury.lib.have_imgui_bundle", "known"),  # bound by unpacking a tuple
    ],
)
def test_only_what_the_sources_rule_out_is_unknown(fury: ApiModel, dotted: str, presence: str) -> None:
    assert fury.presence(dotted) == presence


def test_every_public_path_leads_back_to_its_definition(fury: ApiModel) -> None:
    paths = fury.public_paths()
    assert len(paths) > 1000
    for path, public in paths.items():
        assert found(fury, public).path == path
        assert not any(part.startswith("_") for part in public.split("."))


def test_names_are_found_by_their_end_public_ones_first(fury: ApiModel) -> None:
    assert fury.find("sphere")[0].public == "fury.actor.sphere"
    assert [symbol.public for symbol in fury.find("actor.sphere")] == ["fury.actor.sphere"]
    assert fury.find("ShowManager.start")[0].path == "fury.window.ShowManager.start"
    assert fury.find("no_such_name") == ()


def test_close_names_prefer_the_same_name_elsewhere_then_the_same_place(fury: ApiModel) -> None:
    assert fury.close_names("fury.actor.ShowManager")[0] == "fury.ShowManager"
    assert fury.close_names("fury.actor.spheer")[0] == "fury.actor.sphere"
    assert len(fury.close_names("fury.actor.spheer", n=1)) == 1


def test_the_whole_model_survives_the_disk(fury: ApiModel, fury_tree: SourceTree, tmp_path: Path) -> None:
    ApiModel.build(fury_tree, tmp_path / "api.sqlite")
    again = ApiModel.load(tmp_path / "api.sqlite")
    assert dict(again.symbols) == dict(fury.symbols)
    assert again.resolve("fury.boys2rgb") == fury.resolve("fury.colormap.boys2rgb")
    assert [path.name for path in tmp_path.iterdir()] == ["api.sqlite"]


def test_building_twice_gives_the_same_and_imports_nothing(fury: ApiModel, fury_tree: SourceTree) -> None:
    assert list(ApiModel.build(fury_tree).symbols.items()) == list(fury.symbols.items())
    assert "fury" not in sys.modules


# --- public paths -----------------------------------------------------------------------------------


def test_a_private_module_is_public_by_its_alias(tmp_path: Path) -> None:
    model = build(tmp_path, {"lib/__init__.py": "from lib._impl import thing\n", "lib/_impl.py": "def thing(): ...\n"})
    assert model.public_paths()["lib._impl.thing"] == "lib.thing"


def test_an_incidental_import_is_no_public_path_while_there_is_a_better_one(tmp_path: Path) -> None:
    model = build(
        tmp_path,
        {
            "lib/__init__.py": '__all__ = ["a"]\nfrom lib.sub.z import tool\n',
            "lib/a.py": "from lib.sub.z import tool\nfrom lib._hidden import other\n",
            "lib/sub/__init__.py": "",
            "lib/sub/z.py": "def tool(): ...\n",
            "lib/_hidden.py": "def other(): ...\n",
        },
    )
    tool = found(model, "lib.tool")
    assert tool.public == "lib.sub.z.tool"
    assert "lib.tool" in tool.aliases
    assert found(model, "lib.a.other").public == "lib.a.other"


def test_of_equally_short_paths_the_listed_one_wins_then_the_first_in_the_alphabet(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "lib/__init__.py": "",
        "lib/a.py": "def f(): ...\ndef g(): ...\n",
        "lib/b.py": '__all__ = ["f"]\nfrom lib.a import f\n',
        "lib/_c.py": "def h(): ...\n",
        "lib/y.py": '__all__ = ["h"]\nfrom lib._c import h\n',
        "lib/x.py": '__all__ = ["h"]\nfrom lib._c import h\n',
    }
    paths = build(tmp_path, files).public_paths()
    assert (paths["lib.a.f"], paths["lib.a.g"], paths["lib._c.h"]) == ("lib.b.f", "lib.a.g", "lib.x.h")


def test_a_name_of_its_own_goes_before_another_one(tmp_path: Path) -> None:
    """`alias = original` beside the original."""
    source = "def spring(): ...\narrange = spring\n"
    model = build(tmp_path, {"lib/__init__.py": "from lib.layout import *\n", "lib/layout.py": source})
    assert found(model, "lib.arrange").public == "lib.spring"


def test_a_private_base_lends_its_methods_to_the_public_class(tmp_path: Path) -> None:
    model = build(tmp_path, {"lib.py": "class _Base:\n    def go(self): ...\nclass Car(_Base): ...\n"})
    assert model.public_paths()["lib._Base.go"] == "lib.Car.go"


def test_a_function_and_a_submodule_of_one_name_are_both_reachable(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "lib/__init__.py": "from lib.cut import cut\n",
        "lib/cut.py": "def cut(): ...\ndef helper(): ...\n",
    }
    model = build(tmp_path, files)
    assert found(model, "lib.cut").kind == "function"
    assert found(model, "lib.cut.helper").kind == "function"


# --- what is known about classes and calls -------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "known"),
    [
        ("class C: ...", True),
        ("class B: ...\nclass C(B): ...", True),
        ("import abc\nclass C(abc.ABC): ...", True),
        ("from other import B\nclass C(B): ...", False),
        ("from other import B\nclass A(B): ...\nclass C(A): ...", False),
        ("class C:\n    def __getattr__(self, name): ...", False),
        ("class C:\n    def fill(self, d):\n        self.__dict__.update(d)", False),
        ("class C:\n    def fill(self, k):\n        setattr(self, k, 1)", False),
        ("from other import M\nclass C(metaclass=M): ...", False),
        ("from other import wrap\n@wrap\nclass C: ...", False),
        ("import dataclasses\n@dataclasses.dataclass\nclass C:\n    x: int", True),
    ],
)
def test_a_class_is_fully_known_only_if_nothing_can_add_members(tmp_path: Path, source: str, *, known: bool) -> None:
    model = build(tmp_path, {"lib.py": source})
    assert found(model, "lib.C").members_known is known
    assert model.presence("lib.C.nope") == ("unknown" if known else "unchecked")


@pytest.mark.parametrize("table", ["globals", "locals"])
def test_a_module_that_writes_into_its_own_names_may_have_any(tmp_path: Path, table: str) -> None:
    model = build(tmp_path, {"lib.py": f"for name in ('a', 'b'):\n    {table}()[name] = __import__(name)\n"})
    assert model.presence("lib.a") == "unchecked"


def test_attributes_set_in_any_method_are_members(tmp_path: Path) -> None:
    source = "class C:\n    def setup(self):\n        self.a, self.b = 1, 2\n        with open(1) as self.c: ...\n"
    model = build(tmp_path, {"lib.py": source})
    assert [model.presence(f"lib.C.{name}") for name in "abcd"] == ["known"] * 3 + ["unknown"]


def test_a_class_is_called_with_its_constructors_parameters(tmp_path: Path) -> None:
    source = (
        "import dataclasses\nfrom other import B, wrap\n"
        "class A:\n    def __init__(self, x, *, y=1): ...\n"
        "class Child(A): ...\n"
        "@dataclasses.dataclass\nclass Data:\n    p: int\n    q: str = 's'\n"
        "class Foreign(B): ...\n"
        "@wrap\ndef f(a): ...\n"
        "class Cyclic(Cyclic): ...\n"
    )
    model = build(tmp_path, {"lib.py": source})
    assert [p.name for p in found(model, "lib.Child").parameters] == ["x", "y"]
    assert [(p.name, p.default) for p in found(model, "lib.Data").parameters] == [("p", None), ("q", "'s'")]
    assert [found(model, f"lib.{n}").signature_known for n in ("Child", "Data", "Foreign", "f")] == [
        True,
        True,
        False,
        False,
    ]
    assert found(model, "lib.Child").bases == (Base("lib.A", external=False),)
    assert found(model, "lib.Foreign").bases == (Base("other.B"),)


def test_bound_parameters_leave_out_self_but_not_a_static_methods_first(tmp_path: Path) -> None:
    source = "class A:\n    def m(self, x): ...\n    @staticmethod\n    def s(x): ...\n"
    source += "    @classmethod\n    def c(cls, x): ...\n"
    model = build(tmp_path, {"lib.py": source})
    assert [[p.name for p in found(model, f"lib.A.{n}").bound_parameters] for n in "msc"] == [["x"]] * 3


def test_deprecations_are_told_in_their_own_words(tmp_path: Path) -> None:
    source = (
        "from tools import deprecate_with_version\n"
        '@deprecate_with_version("use g", since="1.0")\ndef f(): ...\n'
        'def g():\n    """Do it.\n\n    .. deprecated:: 0.9\n       Use h.\n    """\n'
        'def h():\n    """Fresh."""\n'
    )
    model = build(tmp_path, {"lib.py": source})
    assert found(model, "lib.f").deprecated == "deprecate_with_version('use g', since='1.0')"
    assert (found(model, "lib.g").deprecated, found(model, "lib.g").doc) == ("0.9", "Do it.")
    assert found(model, "lib.h").deprecated is None


# --- odd sources ---------------------------------------------------------------------------------


def test_a_broken_file_costs_only_itself_and_is_recorded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    files: dict[str, str | bytes] = {
        "lib/__init__.py": "from lib.bad import x\nfrom lib.good import f\n",
        "lib/bad.py": "def broken(:\n",
        "lib/good.py": "def f():\n    '\\d'\n",
        "lib/good.pyi": "def f() -> None: ...\n",
        "lib/nul.py": b"x = 1\0",
        "lib/deep.py": "x = " + "-" * 100_000 + "1\n",
        "lib/latin.py": "# coding: latin-1\nname = 'é'\n".encode("latin-1"),
        "lib/bytes.py": b"y = '\xff'\n",
    }
    with caplog.at_level(logging.DEBUG):
        model = build(tmp_path, files)
    assert found(model, "lib.f").path == "lib.good.f"
    assert sorted(problem.partition(":")[0] for problem in model.problems) == [
        "lib/bad.py",
        "lib/deep.py",
        "lib/nul.py",
    ]
    assert found(model, "lib.latin.name").kind == found(model, "lib.bytes.y").kind == "attribute"
    assert model.presence("lib.x") == "unchecked"
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_a_broken_package_root_still_gives_its_modules(tmp_path: Path) -> None:
    model = build(tmp_path, {"lib/__init__.py": "def (", "lib/a.py": "def f(): ...\n"})
    assert found(model, "lib.a.f").public == "lib.a.f"
    assert model.presence("lib.other") == "unchecked"


def test_namespace_packages_single_modules_and_stub_only_packages_are_read(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "space/part/mod.py": "def f(): ...\n",
        "single.py": "class C:\n    x = 1\n",
        "stubbed/__init__.pyi": (
            "from typing import overload\ndef g(a: int) -> str: ...\n"
            "@overload\ndef o(a: int) -> int: ...\n@overload\ndef o(a: str) -> str: ...\n"
        ),
    }
    model = build(tmp_path, files)
    assert found(model, "space.part.mod.f").public == "space.part.mod.f"
    assert found(model, "single.C.x").kind == "attribute"
    assert found(model, "stubbed.g").returns == "str"
    assert not found(model, "stubbed.o").signature_known
    assert set(model.roots) == {"space", "single", "stubbed"}


def test_a_stub_adds_its_own_definitions_with_the_stubs_place(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "lib.py": "import magic\n__getattr__ = magic.attach()\ndef f(a): ...\n",
        "lib.pyi": "\n\ndef f(a: int) -> str: ...\ndef g(b: int) -> int: ...\n",
    }
    model = build(tmp_path, files)
    assert (found(model, "lib.f").file, found(model, "lib.f").start_line) == ("lib.py", 3)
    assert (found(model, "lib.g").file, found(model, "lib.g").start_line) == ("lib.pyi", 4)
    assert model.presence("lib.h") == "unknown"


def test_a_module_with_getattr_or_a_foreign_star_import_is_never_accused(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "lib/__init__.py": "",
        "lib/lazy.py": "def __getattr__(name): ...\n",
        "lib/star.py": "from numpy import *\n",
        "lib/own.py": "from lib.base import *\n",
        "lib/base.py": "def f(): ...\ndef _g(): ...\n",
    }
    model = build(tmp_path, files)
    assert model.presence("lib.lazy.x") == model.presence("lib.star.x") == "unchecked"
    assert found(model, "lib.own.f").path == "lib.base.f"
    assert model.presence("lib.own.x") == "unknown"


def test_cyclic_aliases_stars_and_bases_end(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "lib/__init__.py": "",
        "lib/a.py": "from lib.b import x\nfrom lib.b import *\nclass A(B): ...\nclass B(A): ...\n",
        "lib/b.py": "from lib.a import x\nfrom lib.a import *\n",
    }
    model = build(tmp_path, files)
    assert model.presence("lib.a.x") == "unchecked"
    assert model.presence("lib.a.A.nope") == "unknown"


def test_code_is_not_executed(tmp_path: Path) -> None:
    trap = f"import pathlib\npathlib.Path({str(tmp_path / 'ran')!r}).touch()\ndef f(): ...\n"
    assert build(tmp_path / "tree", {"lib.py": trap}).resolve("lib.f") is not None
    assert not (tmp_path / "ran").exists()


@given(st.text(alphabet="ab._", max_size=12))
def test_any_text_can_be_asked_for(dotted: str) -> None:
    symbol = Symbol("a.b", "attribute", "a.py", 1, 1, public="a.b")
    model = ApiModel({"a": Symbol("a", "module", "a.py", 1, 1, members_known=True), "a.b": symbol}, {"a.a": "a.a"})
    assert (model.resolve(dotted) is not None) == (model.presence(dotted) == "known")
    model.find(dotted)
    assert len(model.close_names(dotted)) <= 3


# --- on disk -------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"{", b'{"symbols": 3}', b"\xff\xfe"])
def test_a_damaged_file_is_an_index_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "api.sqlite").write_bytes(data)
    with pytest.raises(IndexCorrupt, match=r"api\.sqlite.*fury-agent index"):
        ApiModel.load(tmp_path / "api.sqlite")
    with pytest.raises(IndexCorrupt):
        ApiModel.load(tmp_path / "absent.sqlite")


def test_a_directory_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="api"):
        ApiModel.build(make_tree(tmp_path / "tree", {"lib.py": ""}), tmp_path / "absent" / "api.sqlite")


def test_packages_that_star_import_from_one_another_are_read_together(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "base/__init__.py": "def shared(a): ...\n",
        "face/__init__.py": "from base import *\n",
        "other/__init__.py": "from base import shared\n",
    }
    model = build(tmp_path, files)
    assert found(model, "face.shared").path == found(model, "other.shared").path == "base.shared"
    assert model.presence("face.nope") == "unknown"


def test_a_dataclass_whose_base_is_out_of_sight_may_have_more_fields(tmp_path: Path) -> None:
    """The packages are read one by one, so that a base in another one is as unseen as a foreign one."""
    files: dict[str, str | bytes] = {
        "base/__init__.py": "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int\n",
        "face/__init__.py": (
            "from typing import Generic, TypeVar\nfrom dataclasses import dataclass\nfrom base import A\n"
            "T = TypeVar('T')\n@dataclass\nclass B(A):\n    y: int\n@dataclass\nclass C(Generic[T]):\n    z: int\n"
        ),
    }
    model = build(tmp_path, files)
    assert not found(model, "face.B").signature_known
    assert found(model, "face.C").signature_known
    assert [parameter.name for parameter in found(model, "face.C").parameters] == ["z"]


def test_reading_tells_how_far_it_is(tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    tree = make_tree(tmp_path, {"a/__init__.py": "", "a/b.py": "", "c/__init__.py": ""})
    ApiModel.build(tree, progress=lambda done, total: heard.append((done, total)))
    assert heard == [(1, 3), (2, 3), (3, 3)]
