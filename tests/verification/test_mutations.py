"""The measure of the checker: changed examples of the real FURY are caught, unchanged ones are not accused."""

from __future__ import annotations

import ast

import pytest

from agent.schema import SourceTree
from agent.settings import Settings
from agent.sources import open_source
from agent.symbols import ApiModel
from agent.verification import CodeReport
from evals import mutations
from evals.mutations import accusations, examples, library_words, mutate, score, total
from evals.repairs import score_repairs
from evals.seeded import Mutation, seeded_imports

SAMPLE = 120


@pytest.fixture(scope="module")
def fury(fury_tree: SourceTree) -> ApiModel:
    return ApiModel.build(fury_tree)


@pytest.fixture(scope="module")
def sample(fury_tree: SourceTree, fury: ApiModel) -> list[Mutation]:
    return mutate(examples(fury_tree), fury, library_words(fury_tree), SAMPLE, seed=7)


@pytest.mark.parametrize("version", ["2.0.0", "0.10.0"])
def test_furys_examples_are_not_accused(version: str, fury_tree: SourceTree, shared_settings: Settings) -> None:
    if not any(shared_settings.sources_dir.glob(f"fury-{version}-*")):
        pytest.skip(f"the sources of FURY {version} are not here: `fury-agent index fury=={version}` keeps them")
    tree = fury_tree if version == "2.0.0" else open_source(f"fury=={version}", shared_settings)
    assert examples(tree)
    assert accusations(examples(tree), ApiModel.build(tree)) == {}


def test_changed_examples_are_caught(sample: list[Mutation], fury: ApiModel) -> None:
    assert len(sample) == SAMPLE
    scores = score(sample, fury)
    assert total(scores, "unknown-name").recall >= 0.98
    assert total(scores, "bad-call").recall >= 0.90
    assert sum(value.stray for value in scores.values()) == 0


def test_each_change_is_at_one_place_and_is_python(sample: list[Mutation]) -> None:
    for mutation in sample:
        before, after = mutation.before.splitlines(), mutation.after.splitlines()
        assert len(before) == len(after)
        assert sum(old != new for old, new in zip(before, after, strict=True)) == 1
        ast.parse(mutation.after)


def test_a_checker_that_finds_nothing_scores_nothing(
    sample: list[Mutation], fury: ApiModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mutations, "check_code", _find_nothing)
    assert {value.found for value in score(sample[:20], fury).values()} == {0}


def _find_nothing(_code: str, _api: ApiModel) -> CodeReport:
    return CodeReport()


def test_the_same_seed_makes_the_same_mutations(fury_tree: SourceTree, fury: ApiModel) -> None:
    sources = dict(list(examples(fury_tree).items())[:3])
    words = library_words(fury_tree)
    assert mutate(sources, fury, words, 10, seed=1) == mutate(sources, fury, words, 10, seed=1)
    assert mutate(sources, fury, words, 10, seed=1) != mutate(sources, fury, words, 10, seed=2)


def test_no_repair_makes_another_program(sample: list[Mutation], fury_tree: SourceTree, fury: ApiModel) -> None:
    """Over thousands of seeded errors `python -m evals.mutations` holds the same; here a few of each sort."""
    seeded = [*sample[::6], *seeded_imports(examples(fury_tree), fury, 8, seed=7)]
    scores = score_repairs(seeded, fury)
    assert sum(score.wrong for score in scores.values()) == 0
    assert sum(score.right for score in scores.values()) >= len(seeded) / 3
