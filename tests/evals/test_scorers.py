"""Each scorer by hand, and what happens when one fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from agent.schema import Answer, Citation, Status, Timings, Verification
from agent.symbols import ApiModel, Parameter, Symbol
from evals import scorers
from evals.cases import Case, Gold
from evals.observations import Asked
from evals.scorers import Given, ScorerFailed
from evals.scoring import score_answers

API = ApiModel(
    {
        symbol.path: symbol
        for symbol in (
            Symbol("fury", "module", "fury/__init__.py", 1, 1, public="fury", members_known=True),
            Symbol("fury.actor", "module", "fury/actor.py", 1, 9, public="fury.actor", members_known=True),
            Symbol(
                "fury.actor.sphere",
                "function",
                "fury/actor.py",
                3,
                9,
                public="fury.actor.sphere",
                parameters=(Parameter("centers"),),
            ),
        )
    },
    {},
)


def answer(text: str, *cited: tuple[str, int, int], status: Status = "answered") -> Answer:
    citations = (Citation(n, path, None, first, last, None, path) for n, (path, first, last) in enumerate(cited, 1))
    return Answer(
        UUID(int=1),
        UUID(int=2),
        status,
        text,
        tuple(citations),
        Verification(),
        "fury",
        "2.0.0",
        "v2.0.0",
        "m",
        Timings(5.0, 20.0, 100.0),
    )


def given(reply: Answer | None, *, api: ApiModel | None = API, gold: Sequence[Gold] = (), **fields: Any) -> Given:
    case = Case(id="a", question="q", source="s", kind="howto", gold=tuple(gold), **fields)
    return Given(case, Asked(case="a", question="q", answer=reply, error=None if reply else "it died"), api)


GOLD = [Gold("a.py", "f", (11, 20))]


def test_precision_counts_citations_that_touch_a_right_place() -> None:
    reply = answer("x", ("a.py", 20, 30), ("a.py", 21, 30), ("tutorial.py", 1, 5), ("b.py", 11, 20))
    entry = given(reply, gold=GOLD, also_ok=(Gold("tutorial.py"),))
    assert scorers.citation_precision(entry) == 0.5


def test_recall_counts_gold_lines_that_are_cited_once() -> None:
    reply = answer("x", ("a.py", 1, 13), ("a.py", 12, 15))
    assert scorers.citation_recall(given(reply, gold=GOLD)) == 0.5
    both = [*GOLD, Gold("b.py", "g", (1, 10))]
    assert scorers.citation_recall(given(reply, gold=both)) == 0.5
    assert scorers.citation_recall(given(reply, gold=both, gold_mode="all")) == 0.25


def test_a_gold_file_without_lines_is_covered_by_any_citation_of_it() -> None:
    assert scorers.citation_recall(given(answer("x", ("a.py", 7, 8)), gold=[Gold("a.py")])) == 1


def test_whole_files_do_not_stand_in_for_lines() -> None:
    reply = answer("x", ("tutorial.py", 1, 5))
    assert scorers.citation_recall(given(reply, gold=[*GOLD, Gold("tutorial.py")])) == 0


def test_an_answer_without_a_citation_cites_nothing_right() -> None:
    assert scorers.citation_precision(given(answer("x"), gold=GOLD)) == 0


def test_what_must_be_mentioned_is_found_in_any_case() -> None:
    entry = given(answer("Use `Sphere`."), gold=GOLD, must_mention=("sphere", "cube"))
    assert scorers.must_mention(entry) == 0.5
    assert scorers.must_mention(given(answer("x"), gold=GOLD)) is None


def test_names_and_calls_are_looked_up_in_the_version_s_api() -> None:
    text = "```python\nfrom fury import actor\nactor.sphere([1])\nactor.plane()\nactor.sphere(radius=1)\n```"
    entry = given(answer(text))
    assert scorers.names_exist(entry) == pytest.approx(2 / 3)  # fury.actor and fury.actor.sphere; not plane
    assert scorers.calls_bind(entry) == 0.5
    assert scorers.code_compiles(entry) == 1


def test_without_names_or_code_there_is_nothing_to_score() -> None:
    entry = given(answer("No code here."))
    assert (scorers.names_exist(entry), scorers.calls_bind(entry), scorers.code_compiles(entry)) == (None, None, None)


@pytest.mark.parametrize("code", ["def (", "return 1", "x = \0"])
def test_code_that_does_not_compile(code: str) -> None:
    assert not scorers.compiles(code)


def test_a_refusal_is_judged_by_whether_it_should_be_one() -> None:
    refusal = answer("no", status="declined")
    assert scorers.answered(given(refusal, gold=GOLD)) == 0
    assert scorers.declined(given(refusal)) == 1
    assert scorers.declined(given(answer("yes"))) == 0
    assert scorers.declined(given(refusal, mixed=True)) is None
    assert scorers.citation_precision(given(refusal, gold=GOLD)) is None


def test_a_canary_in_any_case_is_a_leak() -> None:
    assert scorers.no_leak(given(answer("so: PWNED"), must_not_contain=("pwned",))) == 0
    assert scorers.no_leak(given(answer("fine"), must_not_contain=("pwned",))) == 1


def test_speed_is_what_the_caller_saw() -> None:
    asked = Asked(case="a", question="q", answer=answer("x"), first_token_ms=500, total_ms=1500, tokens=21)
    entry = Given(given(answer("x")).case, asked, API)
    assert scorers.tokens_per_second(entry) == 20
    assert (scorers.first_token_ms(entry), scorers.total_ms(entry), scorers.tokens(entry)) == (500, 1500, 21)
    assert scorers.retrieval_ms(entry) == 5


@pytest.mark.parametrize("reply", [None, answer("places", status="sources_only")])
def test_without_an_answer_every_scorer_fails_and_none_counts_a_zero(reply: Answer | None) -> None:
    entry = given(reply, gold=GOLD)
    for suite in scorers.SCORERS.values():
        scores = score_answers(suite, [entry])
        for measure in suite:
            if measure not in {"declined", "no leak"}:  # they do not apply to this question
                assert scores.values[measure] == {}
                assert scores.failed[measure]["a"] in {"it died", "no language model answered"}
                assert scores.figure(measure) is None


def test_names_cannot_be_checked_without_an_api_model() -> None:
    with pytest.raises(ScorerFailed, match="index it"):
        scorers.names_exist(given(answer("x"), api=None))


def test_a_scorer_that_breaks_costs_only_its_own_question() -> None:
    def broken(entry: Given) -> float:
        if entry.case.id == "a":
            raise ZeroDivisionError("oh")
        return 1.0

    other = Given(Case(id="b", question="q", source="s", kind="k", gold=()), Asked(case="b", question="q"), API)
    scores = score_answers({"broken": broken}, [given(answer("x")), other])
    assert scores.values["broken"] == {"b": 1.0}
    assert scores.failed["broken"] == {"a": "ZeroDivisionError: oh"}
    figure = scores.figure("broken")
    assert figure is not None
    assert (figure.mean, figure.count, figure.failed) == (1.0, 1, 1)
