"""Single rows become arrays of rows, where the docstring wants such and the run has failed over shapes."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.repair.rows import Arguments, documented, with_as_many_rows, with_rows, with_single_rows
from tests.support import make_chunk

DOC = """Draw.

Parameters
----------
centers : ndarray, shape (N, 3)
    Where.
colors : ndarray, shape (N, 3) or tuple (3,), optional
    Which.
radii : float, optional
    How large.
"""
ARGUMENTS = Arguments(
    ("centers", "colors", "radii"), frozenset({"centers", "colors"}), {"centers": 3}, frozenset({"radii"})
)
KNOWN = {"sphere": ARGUMENTS}
TABLE = """import numpy as np
from lib import sphere, x as other
c = np.array([[0, 0, 1], [2, -0.5, 1]])
k = [(1, 0, 0), (0, 1, 0)]
"""
ERROR = "Line 2: x\nValueError: operands could not be broadcast together with shapes (30,3) (30,)"


def test_what_takes_rows_is_read_from_the_docstring() -> None:
    assert documented([make_chunk(doc=DOC, symbol="sphere")]) == KNOWN
    assert documented([make_chunk(doc="Draw.")]) == {}


def test_of_one_name_what_takes_rows_counts() -> None:
    numbers = make_chunk(doc="Draw.\n\nParameters\n----------\nradii : float\n    How large.\n", symbol="ui.sphere")
    assert documented([numbers])["sphere"].numbers == {"radii"}
    assert documented([numbers, make_chunk(doc=DOC, symbol="sphere"), numbers]) == KNOWN


@pytest.mark.parametrize(
    ("code", "mended"),
    [
        (
            "import numpy as np\nactor.sphere(centers=c[0], radii=2, colors=(1, 0, 0))",
            "import numpy as np\nactor.sphere(centers=np.atleast_2d(c[0]), radii=2, colors=np.atleast_2d((1, 0, 0)))",
        ),
        ("import numpy\nsphere(c, 'é', r)", "import numpy\nsphere(numpy.atleast_2d(c), 'é', r)"),
        ("sphere('é', c[0])", "import numpy as np\nsphere('é', np.atleast_2d(c[0]))"),
        ("sphere(\n    [1,\n     2])", "import numpy as np\nsphere(\n    np.atleast_2d([1,\n     2]))"),
        ("sphere(sphere(c))", "import numpy as np\nsphere(np.atleast_2d(sphere(c)))"),
        (
            "from __future__ import x\nsphere(c)",
            "from __future__ import x\nimport numpy as np\nsphere(np.atleast_2d(c))",
        ),
    ],
    ids=["keywords", "positions", "without numpy", "over several lines", "one in another", "below the future"],
)
def test_single_rows_are_wrapped(code: str, mended: str) -> None:
    assert with_rows(code, ERROR, KNOWN) == mended
    assert "sphere(sphere" in code or with_rows(mended, ERROR, KNOWN) is None


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("sphere(c)", "NameError: c"),
        ("box(c)", ERROR),
        ("sphere(*c, **d)", ERROR),
        ("sphere(x for x in c)", ERROR),
        ("sphere(", ERROR),
    ],
    ids=["another error", "another function", "unknown arguments", "a generator", "no Python"],
)
def test_where_it_cannot_help_nothing_is_tried(code: str, error: str) -> None:
    assert with_rows(code, error, KNOWN) is None


@given(st.text(max_size=60))
def test_any_text_can_be_given(text: str) -> None:
    mended = with_rows(text, ERROR, KNOWN)
    assert mended is None or ast.parse(mended).body


THREE, TWO = "[[1, 2, 3], [4, 5, 6], [7, 8, 9]]", "[(1, 0, 0), (0, 1, 0)]"


@pytest.mark.parametrize(
    ("code", "mended"),
    [
        (f"sphere({THREE}, {TWO})", f"sphere({THREE}[:2], {TWO})"),
        (
            f"c = np.array({TWO})\nk = {THREE}\nsphere(centers=c, colors=np.asarray(k))",
            f"c = np.array({TWO})\nk = {THREE}\nsphere(centers=c, colors=np.asarray(k)[:2])",
        ),
    ],
    ids=["written there", "by names"],
)
def test_what_has_too_many_rows_is_cut(code: str, mended: str) -> None:
    assert with_as_many_rows(code, ERROR, KNOWN) == mended
    assert with_as_many_rows(mended, ERROR, KNOWN) is None


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (f"sphere({THREE}, {TWO})", "NameError: x"),
        (f"sphere({THREE}, {THREE})", ERROR),
        (f"sphere({THREE}, [(1, 0, 0)])", ERROR),  # one is for all
        (f"sphere({THREE}, (1, 0, 0))", ERROR),  # a colour, not three rows
        (f"sphere({THREE}, colors)", ERROR),
        (f"k = {TWO}\nk = {THREE}\nsphere({THREE}, k)", ERROR),
        (f"for k in x:\n    sphere({THREE}, k)\nk = {TWO}", ERROR),
        (f"cube({THREE}, {TWO})", ERROR),
        (f"sphere({THREE}, {TWO}", ERROR),
    ],
    ids=["other", "equal", "one", "flat", "unknown", "bound twice", "bound by a loop", "not documented", "broken"],
)
def test_rows_stay_where_their_number_is_not_known_or_not_wrong(code: str, error: str) -> None:
    assert with_as_many_rows(code, error, KNOWN) is None


@pytest.mark.parametrize(
    ("code", "wrapped"),
    [
        ("sphere([0, -1, 2.5])", "sphere(np.atleast_2d([0, -1, 2.5]))"),
        ("sphere(centers=np.array((0, 1, 2)))", "sphere(centers=np.atleast_2d(np.array((0, 1, 2))))"),
        ("p = (0, 1, 2)\nsphere(p)", "p = (0, 1, 2)\nsphere(np.atleast_2d(p))"),
        ("sphere(c[0], k[0])", "sphere(np.atleast_2d(c[0]), k[0])"),
        ("sphere(c[-1])", "sphere(np.atleast_2d(c[-1]))"),
        ("for i in range(2):\n    sphere(c[i])", "for i in range(2):\n    sphere(np.atleast_2d(c[i]))"),
        ("for one in c:\n    sphere(one)", "for one in c:\n    sphere(np.atleast_2d(one))"),
        ("for i, one in enumerate(k):\n    sphere(one)", "for i, one in enumerate(k):\n    sphere(np.atleast_2d(one))"),
        ("[sphere(a, b) for a, b in zip(c, k)]", "[sphere(np.atleast_2d(a), b) for a, b in zip(c, k)]"),
        (
            "for i, (a, b) in enumerate(zip(c, k)):\n    sphere(a, b)",
            "for i, (a, b) in enumerate(zip(c, k)):\n    sphere(np.atleast_2d(a), b)",
        ),
    ],
)
def test_what_is_written_as_a_single_row_is_wrapped_before_anything_runs(code: str, wrapped: str) -> None:
    """Unless the docstring takes a single one, as for `colors`."""
    assert with_single_rows(TABLE + code, KNOWN, ["lib"]) == TABLE + wrapped
    assert with_single_rows(TABLE + wrapped, KNOWN, ["lib"]) is None


@pytest.mark.parametrize(
    "code",
    [
        "sphere(c)",
        "sphere(k)",
        "sphere(c[:1])",
        "sphere([c[0]])",
        "sphere([a, b, d])",
        "sphere(c[mask])",
        "sphere(c[0, 1])",
        "sphere(some(c))",
        "for one in some:\n    sphere(one)",
        "for i in others:\n    sphere(c[i])",
        "p = [0, 0, 0]\np = [p]\nsphere(p)",
        "for c2 in c:\n    pass\nc2 = [c2]\nsphere(c2)",
        "def sphere(centers):\n    pass\nsphere([0, 0, 0])",
        "sphere('red', True)",
        "sphere([True, False])",
        "sphere([])",
        "sphere([0, 0])",
        "sphere([0, 0, 0, 0])",
        "sphere(c[0][0])",
        "import cad\ncad.sphere([0, 0, 0])",
        "self.sphere([0, 0, 0])",
        "from cad import sphere\nsphere([0, 0, 0])",
        "sphere = lambda c: c\nsphere([0, 0, 0])",
        "async def sphere(c):\n    pass\nsphere([0, 0, 0])",
        "p = (0, 0, 0)\ndef make(p=None):\n    sphere(p)",
        "for i in range(2):\n    pass\ndef f(i):\n    sphere(c[i])",
        "p = (0, 0, 0)\nfrom cad import *\nsphere(p)",
        "p = (0, 0, 0)\nimport p\nsphere(p)",
        "p = (0, 0, 0)\ntry:\n    pass\nexcept ValueError as p:\n    sphere(p)",
        "p = (0, 0, 0)\nmatch other:\n    case {'a': p}:\n        sphere(p)",
        "np = 3\nsphere([0, 0, 0])",
        "x = (",
    ],
)
def test_what_may_be_rows_already_is_left(code: str) -> None:
    assert with_single_rows(TABLE + code, KNOWN, ["lib"]) is None


def test_one_row_in_two_dimensions_is_not_many_rows() -> None:
    """`shape (1, 3)` says of one value how it may be written; a value of shape (3,) serves as well."""
    doc = DOC.replace("shape (N, 3)\n", "shape (1, 3)\n")
    assert documented([make_chunk(doc=doc, symbol="sphere")])["sphere"].only_rows == {}


def test_numpy_is_imported_below_what_must_stand_first() -> None:
    code = "from __future__ import (\n    annotations,\n)\nfrom lib import sphere\nsphere([0, 0, 0])"
    first, _, rest = code.partition("from lib")
    wrapped = f"{first}import numpy as np\nfrom lib{rest.replace('[0, 0, 0]', 'np.atleast_2d([0, 0, 0])')}"
    assert with_single_rows(code, KNOWN, ["lib"]) == wrapped
