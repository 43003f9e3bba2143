"""Calls: what must fail is found, and what may succeed is let be; Python's own binding is the judge."""

from __future__ import annotations

import ast
import inspect

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agent.symbols import ApiModel, Parameter
from agent.symbols import ParameterKind as Kind
from agent.verification import check_code
from agent.verification.calls import Given, mismatch, signature

IMPORTS = "from lib import actor, ui, window\nfrom lib.window import Scene\n"


def kinds(code: str, api: ApiModel) -> list[str]:
    return [f.kind for f in check_code(IMPORTS + code, api).findings if f.kind != "unused-import"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("actor.sphere([1], colour=1)", "passes `colour`, which is no parameter (`colors` is)"),
        ("actor.sphere([1], 1)", "at most one is taken; `colors`, `radii` must be passed by name"),
        ("actor.sphere()", "lacks the required `centers`"),
        ("actor.sphere([1], centers=1)", "gives `centers` twice"),
        ("actor.sphere([1], radii=1, radii=2)", "gives `radii` twice"),
        ("actor.box(1, 2, 3, 4)", "passes 4 positional arguments where at most 3 are taken"),
        ("actor.box(*[1, 2, 3, 4])", "passes 4 positional arguments where at most 3 are taken"),
        ("actor.box(1, *(2, *[3, 4]), *more)", "passes 4 positional arguments where at most 3 are taken"),
        ("actor.box(**{'centers': 1, 'colour': 2})", "passes `colour`"),
        ("actor.box(1, **{**more, 'centers': 2})", "gives `centers` twice"),
        ("actor.sphere(*[])", "lacks the required `centers`"),
        ("actor.box(1, 2, 3, 4, *more)", "passes 4 positional arguments"),
        ("actor.box(1, *more, colour=1)", "passes `colour`"),
        ("actor.line(width=1)", "lacks the required `points`"),
        ("actor.line(*more, colour=1)", "passes `colour`"),
        ("actor.no_arguments(1)", "passes 1 positional argument where none is taken"),
        ("actor.first(b=1)", "lacks the required `a`"),
        ("actor.first(**more)", "lacks the required `a`"),
        ("window.Scene(None)", "`background` must be passed by name"),
        ("window.ShowManager(titel=1)", "passes `titel`, which is no parameter (`title` is)"),
        ("window.ShowManager().start(1)", "passes 1 positional argument where none is taken"),
        ("window.ShowManager.start()", "lacks the required `self`"),
        ("ui.Panel()", "lacks the required `size`"),
        ("ui.Panel.of()", "lacks the required `other`"),
        ("ui.Panel(1).version(long=True)", "passes `long`"),
        ("class A(Scene):\n    def __init__(self):\n        super().__init__(colour=1)", "passes `colour`"),
        ("class A(Scene): ...\nA(colour=1)", "passes `colour`"),
        ("make = actor.sphere\nmake()", "`make()` lacks the required `centers`"),
    ],
)
def test_calls_that_must_fail_are_found(call: str, words: str, api: ApiModel) -> None:
    report = check_code(IMPORTS + call, api)
    (found,) = (f for f in report.findings if f.kind == "bad-call")
    assert words in found.message
    assert report.calls_checked - report.calls_bound == 1


@pytest.mark.parametrize(
    "call",
    [
        "actor.sphere([1], radii=2)",
        "actor.sphere(*more)",
        "actor.sphere(**more)",
        "actor.sphere(...)",
        "actor.line(1, **more)",
        "actor.line(*[1, 2])",
        "actor.line(*[1, *more])",
        "actor.line(**{'points': 1, 'width': 2})",
        "actor.line(1, **{**more})",
        "actor.line(1, **{name: 2})",
        "actor.box(**{'centers': 1, 'centers': 2})",
        "actor.line(1, *more)",
        "actor.first(1, 2, 3, 4, other=5)",
        "actor.odd(1, 2, 3)",
        "actor.SIZE(1)",
        "ui.Foreign(1, 2, 3)",
        "ui.Made()",
        "ui.Panel(1).of(2)",
        "ui.Panel.version()",
        "window.ShowManager.start(window.ShowManager())",
        "class A(Scene):\n    def __init__(self, a): ...\nA(1)",
        "class A(Scene, Other): ...\nA(1)",
        "@decorated\nclass A(Scene):\n    b: int\nA(1)",
        "actor.sphere = lambda *args: args\nactor.sphere(1, 2, 3)",
        "def f(s: Scene):\n    s.resize(1, 2)",
        "try:\n    actor.sphere(1, 2)\nexcept TypeError:\n    pass",
    ],
)
def test_calls_that_may_succeed_are_let_be(call: str, api: ApiModel) -> None:
    assert "bad-call" not in kinds(call, api)


@pytest.mark.parametrize("call", ["actor.cone([1], 2)", "actor.tower([1], heights=2)"])
def test_what_a_decorator_passes_on_with_a_warning_is_deprecated(call: str, api: ApiModel) -> None:
    assert kinds(call, api) == ["deprecated"]


@pytest.mark.parametrize("call", ["actor.cone([1], 2, 3)", "actor.cone([1], width=2)", "actor.tower([1], widths=2)"])
def test_what_no_decorator_passes_on_is_wrong(call: str, api: ApiModel) -> None:
    assert kinds(call, api) == ["bad-call"]


@pytest.mark.parametrize("call", ["actor.cone([1], height=2)", "actor.tower([1], 2)"])
def test_a_decorator_that_deprecates_arguments_does_not_deprecate_the_function(call: str, api: ApiModel) -> None:
    assert kinds(call, api) == []


def test_the_true_signature_is_told(api: ApiModel) -> None:
    (found,) = check_code("from lib import actor as a\na.sphere(1, 2)", api).findings
    assert (found.line, found.column, found.subject, found.path) == (2, 1, "a.sphere", "lib.actor.sphere")
    assert found.suggestions == ("lib.actor.sphere(centers, *, colors=(1, 0, 0), radii=1)",)


def test_calls_whose_arguments_cannot_be_seen_are_counted_apart(api: ApiModel) -> None:
    calls = (
        "actor.sphere(1)\nactor.sphere(*more)\nactor.line(1, **more)\nactor.sphere(...)\nactor.sphere(*more, bogus=1)"
    )
    report = check_code(IMPORTS + calls, api)
    assert (report.calls_checked, report.calls_bound, report.calls_open) == (2, 1, 3)


NAMES = ("a", "b", "c", "d")
KINDS: tuple[Kind, ...] = ("positional_only", "positional_or_keyword", "var_positional", "keyword_only", "var_keyword")


@st.composite
def signatures(draw: st.DrawFn) -> list[Parameter]:
    """Valid parameter lists: kinds in order, variadic ones once, no required positional after an optional one."""
    kinds: list[Kind] = sorted(draw(st.lists(st.sampled_from(KINDS), max_size=4)), key=KINDS.index)
    kinds = [k for i, k in enumerate(kinds) if not (k.startswith("var") and k in kinds[:i])]
    parameters: list[Parameter] = []
    optional = False
    for name, kind in zip(NAMES, kinds, strict=False):
        positional = kind in KINDS[:2]
        has_default = not kind.startswith("var") and (draw(st.booleans()) or (optional and positional))
        optional = optional or (has_default and positional)
        parameters.append(Parameter(name, kind, "None" if has_default else None))
    return parameters


def real(parameters: list[Parameter]) -> inspect.Signature:
    return inspect.Signature(
        [
            inspect.Parameter(p.name, getattr(inspect.Parameter, p.kind.upper()), default=p.default or inspect._empty)
            for p in parameters
        ]
    )


def fits(parameters: list[Parameter], args: list[int], keywords: dict[str, int]) -> bool:
    try:
        real(parameters).bind(*args, **keywords)
    except TypeError:
        return False
    return True


@given(signatures(), st.lists(st.integers(0, 1), max_size=4), st.sets(st.sampled_from([*NAMES, "x"])))
def test_a_call_fits_exactly_where_python_binds_it(
    parameters: list[Parameter], args: list[int], names: set[str]
) -> None:
    # In these Pythons `bind` refuses `f(a=1)` of `def f(a=0, /, **options)`, which a call takes.
    by_position_only = {p.name for p in parameters if p.kind == "positional_only"}
    assume(parameters[-1:] == [] or parameters[-1].kind != "var_keyword" or not names & by_position_only)
    found = mismatch(Given(len(args), tuple(sorted(names))), parameters)
    assert (found is None) is fits(parameters, args, dict.fromkeys(names, 0))


@given(
    signatures(),
    st.integers(0, 3),
    st.sets(st.sampled_from([*NAMES, "x"])),
    st.booleans(),
    st.booleans(),
)
def test_with_stars_a_call_is_wrong_only_if_nothing_could_make_it_right(
    parameters: list[Parameter],
    positional: int,
    names: set[str],
    stars: bool,  # noqa: FBT001 - hypothesis passes it by name
    double_stars: bool,  # noqa: FBT001
) -> None:
    call = Given(positional, tuple(sorted(names)), stars, double_stars)
    more = range(5) if stars else range(1)
    others = (
        [set[str](), *({n} for n in NAMES), set(NAMES), *(set(NAMES) - {n} for n in NAMES)]
        if double_stars
        else [set[str]()]
    )
    could_fit = any(
        fits(parameters, [0] * (positional + extra), dict.fromkeys(names | other, 0))
        for extra in more
        for other in others
        if not names & other
    )
    if could_fit:
        assert mismatch(call, parameters) is None


@given(signatures())
def test_a_signature_is_written_as_python_would_read_it(parameters: list[Parameter]) -> None:
    written = signature("f", parameters)
    (function,) = ast.parse(f"def {written}: ...").body
    assert isinstance(function, ast.FunctionDef)
    arguments = ast.unparse(function.args)
    assert f"f({arguments})" == written
    assert str(real(parameters)).replace("='None'", "=None") == f"({arguments})"
