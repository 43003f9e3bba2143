"""Where a run failed over what a module does not have, it is imported, or taken from its only other place."""

from __future__ import annotations

import pytest

from agent.repair import with_missing_member
from agent.symbols import ApiModel, Symbol


def _api(*symbols: Symbol) -> ApiModel:
    return ApiModel({symbol.path: symbol for symbol in symbols}, {})


PART = Symbol("lib.deep.part", "module", "lib/deep/part.py", 1, 9, "lib.deep.part")
SHOW = Symbol("lib.actor.show", "function", "lib/actor.py", 1, 2, "lib.actor.show")
AGAIN = Symbol("lib.ui.show", "function", "lib/ui.py", 1, 2, "lib.ui.show")
NO_PART = "Line 2: x\nAttributeError: module 'lib.deep' has no attribute 'part'"
LAZY = "Line 2: x\nAttributeError: No lib.deep attribute part"
NO_SHOW = "Line 2: x\nAttributeError: module 'lib.utils' has no attribute 'show'"


@pytest.mark.parametrize("error", [NO_PART, LAZY])
def test_a_module_of_its_own_is_imported(error: str) -> None:
    assert with_missing_member("import lib.deep\nlib.deep.part.f()", error, _api(PART)) == (
        "import lib.deep.part\nimport lib.deep\nlib.deep.part.f()"
    )


def test_imports_of_the_future_stay_first() -> None:
    code = "from __future__ import annotations\nimport lib"
    assert with_missing_member(code, NO_PART, _api(PART)) == (
        "from __future__ import annotations\nimport lib.deep.part\nimport lib"
    )


def test_what_has_one_other_place_is_taken_from_there() -> None:
    code = "from lib import utils\nutils.show(1); thing.show(2)"
    assert with_missing_member(code, NO_SHOW, _api(SHOW)) == (
        "from lib.actor import show\nfrom lib import utils\nshow(1); thing.show(2)"
    )


@pytest.mark.parametrize(
    ("code", "symbols"),
    [
        ("utils.show(1)", (SHOW, AGAIN)),
        ("utils.show(1)", ()),
        ("u.show(1)", (SHOW,)),
        ("show = 1\nutils.show(1)", (SHOW,)),
        ("utils.show(", (SHOW,)),
        ("self.utils.show(1)", (SHOW,)),
        ("utils.show(1)\nutils.show = 2", (SHOW,)),
    ],
    ids=["two places", "none", "another name", "the name is taken", "no Python", "of an object", "assigned"],
)
def test_what_is_not_sure_is_not_tried(code: str, symbols: tuple[Symbol, ...]) -> None:
    assert with_missing_member(code, NO_SHOW, _api(*symbols)) is None


def test_another_error_is_not_its_business() -> None:
    assert with_missing_member("utils.show(1)", "ValueError: no", _api(SHOW)) is None
