"""A run survives being killed, and goes on from there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import BuildLocked, InvalidInput, StorageError
from evals.cases import Case
from evals.observations import Asked, Identity, Judged, Retrieved
from evals.places import Place
from evals.revision import code_revision
from evals.runs import Run, find_run, list_runs

IDENTITY = Identity(
    code="abc",
    library="fury",
    version="2.0.0",
    revision="v2.0.0",
    index="123456789abc",
    embedding="m",
    model="q",
    settings="s",
)


def case(identifier: str, question: str = "q?") -> Case:
    return Case(id=identifier, question=question, source="s", kind="howto", gold=())


ALL = [case(str(number)) for number in range(50)] + [case(letter) for letter in "abc"]


def found(case: str, system: str = "dense") -> Retrieved:
    return Retrieved(system, case, "q?", (Place("x.py", ("f",), 1, 2),))


def test_what_was_appended_is_there_when_opened_again(tmp_path: Path) -> None:
    with Run.start(tmp_path, IDENTITY) as run:
        run.append(found("a"))
        run.append(Asked(case="a", question="q?", error="down"))
        run.append(Judged("judge", "faithfulness", "a", "digest", passing=True))
    again = Run.start(tmp_path, IDENTITY)
    assert again.systems() == ("dense",)
    assert again.retrieved("dense", ALL) == {"a": found("a")}
    assert again.asked(ALL)["a"].error == "down"
    verdict = again.judged(Judged.key_of("judge", "faithfulness", "a", "digest"))
    assert verdict is not None
    assert verdict.passing
    assert again.created == run.created


@given(cut=st.integers(1, 60))
def test_a_torn_last_line_is_dropped_and_the_next_one_is_whole(
    cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Cut anywhere inside the last line, as a kill would."""
    root = tmp_path_factory.mktemp("runs")
    with Run.start(root, IDENTITY) as run:
        run.append(found("a"))
        run.append(found("b"))
    data = run.file.read_bytes()
    run.file.write_bytes(data[:-cut])
    again = Run.start(root, IDENTITY)
    assert set(again.retrieved("dense", ALL)) == {"a"}
    with again:
        again.append(found("c"))
    assert set(Run.open(again.folder).retrieved("dense", ALL)) == {"a", "c"}


def test_a_kill_in_mid_run_loses_nothing_that_was_appended(tmp_path: Path) -> None:
    code = f"""
import os, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_runs import *
from pathlib import Path
with Run.start(Path({str(tmp_path)!r}), IDENTITY) as run:
    for number in range(50):
        run.append(found(str(number)))
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    assert done.returncode < 0
    with Run.start(tmp_path, IDENTITY) as run:
        assert len(run.retrieved("dense", ALL)) == 50


def test_what_was_observed_is_not_asked_again_but_failures_are(tmp_path: Path) -> None:
    with Run.start(tmp_path, IDENTITY) as run:
        run.append(found("a"))
        run.append(Asked(case="a", question="q?", error="down"))
        run.append(Judged("judge", "faithfulness", "a", "digest", reason="timeout"))
    assert run.has(found("a").key)
    assert not run.has(found("a", "lexical").key)
    assert not run.has(Asked(case="a", question="q?").key)
    assert not run.has(Judged("judge", "faithfulness", "a", "digest").key)


def test_a_reworded_question_was_never_asked(tmp_path: Path) -> None:
    """And asked again in its first wording, it has its first answer."""
    with Run.start(tmp_path, IDENTITY) as run:
        run.append(Asked(case="a", question="first?", error="1"))
        run.append(Asked(case="a", question="second?", error="2"))
    assert run.asked([case("a", "first?")])["a"].error == "1"
    assert run.asked([case("a", "third?")]) == {}


@pytest.mark.parametrize("changed", ["code", "library", "version", "index", "model", "settings", "answerer"])
def test_another_subject_is_another_run(changed: str) -> None:
    assert msgspec.structs.replace(IDENTITY, **{changed: "other"}).name != IDENTITY.name


def test_a_name_is_one_folder_whatever_the_model_is_called() -> None:
    name = msgspec.structs.replace(IDENTITY, model="../a/b c:d").name
    assert "/" not in name
    assert ":" not in name


def test_two_writers_do_not_mix(tmp_path: Path) -> None:
    with Run.start(tmp_path, IDENTITY), pytest.raises(BuildLocked), Run.start(tmp_path, IDENTITY):
        pass


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    run = Run.start(tmp_path, IDENTITY)
    run.file.write_text('{"type": "asked"}\n')
    with pytest.raises(InvalidInput, match=r"observations\.jsonl:1"):
        Run.open(run.folder)
    assert list_runs(tmp_path) == []


def test_observations_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    run = Run.start(tmp_path, IDENTITY)
    run.file.mkdir()
    with pytest.raises(InvalidInput, match=r"observations\.jsonl"):
        Run.open(run.folder)
    assert list_runs(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        Run.start(tmp_path / "file", IDENTITY)


def test_runs_are_found_by_folder_and_by_the_beginning_of_their_name(tmp_path: Path) -> None:
    one = Run.start(tmp_path, IDENTITY)
    other = Run.start(tmp_path, msgspec.structs.replace(IDENTITY, code="def"))
    assert find_run(tmp_path, str(one.folder)).folder == one.folder
    assert find_run(tmp_path, "def").folder == other.folder
    with pytest.raises(InvalidInput, match=r"0 runs fit 'xyz'.*abc_fury"):
        find_run(tmp_path, "xyz")


def test_the_code_is_named_by_its_git_revision() -> None:
    head = subprocess.run(["git", "rev-parse", "--short=9", "HEAD"], capture_output=True, text=True, check=False)
    if head.returncode:
        pytest.skip("not a git checkout")
    assert code_revision().partition("+")[0] == head.stdout.strip()
