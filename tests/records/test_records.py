"""What is recorded is there afterwards, whatever happens to the process; what must not be kept is not."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from msgspec import structs

from agent.errors import ConfigurationError, RecordsUnavailable, UnknownAnswer
from agent.records import Given, Records, store
from agent.records.database import MIGRATIONS, open_database
from agent.records.tables import metadata
from agent.schema import Answer, FeedbackRequest
from agent.settings import Settings, child_environment
from tests.fakes import ANSWER

SECRET = "How do I draw my secret sphere?"


def answer(text: str = "Use sphere.", conversation: UUID | None = None) -> Answer:
    conversation = conversation or ANSWER.conversation_id
    return structs.replace(ANSWER, answer_id=uuid4(), conversation_id=conversation, answer=text)


@pytest.fixture
def records(settings: Settings) -> Iterator[Records]:
    records = Records(settings)
    yield records
    records.close()


def on_disk(settings: Settings) -> bytes:
    files = settings.data_dir.glob("records.sqlite*")
    return b"".join(file.read_bytes() for file in files)


def test_an_answer_and_what_people_said_of_it_come_back(records: Records) -> None:
    kept = answer()
    records.keep(Given(kept, "and cones?", "cones? (draw spheres)", "me"))
    records.feed_back(FeedbackRequest(kept.answer_id, "up"), "me")
    records.feed_back(FeedbackRequest(kept.answer_id, "down", "no \0 code \ud800"), "me")
    records.feed_back(FeedbackRequest(kept.answer_id, "up"))
    found = records.record(kept.answer_id)
    assert (found.question, found.whole_question, found.answer) == ("and cones?", "cones? (draw spheres)", kept.answer)
    assert (found.citations, found.verification, found.timings) == (kept.citations, kept.verification, kept.timings)
    assert [(said.verdict, said.reason) for said in found.opinions] == [("down", "no  code ?"), ("up", None)]
    assert found.is_unanswered
    assert records.since(0) == (found,)
    assert records.since(time.time() + 1) == ()


def test_the_sources_themselves_are_not_recorded(records: Records, settings: Settings) -> None:
    """A citation names its place; its excerpt would only be a copy of what the index holds."""
    shown = structs.replace(ANSWER.citations[0], excerpt="def sphere(centers): ...")
    records.keep(Given(structs.replace(ANSWER, citations=(shown,)), "q", "q"))
    assert records.record(ANSWER.answer_id).citations == ANSWER.citations
    assert b"def sphere(centers)" not in on_disk(settings)


def test_feedback_on_an_unknown_answer_says_so(records: Records) -> None:
    with pytest.raises(UnknownAnswer, match="no answer"):
        records.feed_back(FeedbackRequest(uuid4(), "up"))


def test_the_tables_are_those_of_the_newest_migration(settings: Settings) -> None:
    engine = open_database(settings)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_a_person_is_forgotten_down_to_the_bytes(settings: Settings, records: Records) -> None:
    mine, theirs = answer("my words"), answer("their words")
    records.keep(Given(mine, SECRET, SECRET, "me@example.org"))
    records.keep(Given(theirs, "and red?", f"red? ({SECRET})", "you"))  # in the same conversation
    records.feed_back(FeedbackRequest(theirs.answer_id, "down", "my opinion"), "me@example.org")
    records.feed_back(FeedbackRequest(mine.answer_id, "up", "your opinion"), "you")
    assert b"me@example.org" not in on_disk(settings)
    assert SECRET.encode() in on_disk(settings)
    assert records.forget("me@example.org") == 2
    assert [record.answer_id for record in records.since(0)] == [theirs.answer_id]
    assert records.record(theirs.answer_id).opinions == ()
    assert records.record(theirs.answer_id).whole_question == "and red?"
    left = on_disk(settings)
    assert not [words for words in (SECRET, "my words", "my opinion", "your opinion") if words.encode() in left]
    assert records.forget("me@example.org") == 0


def test_without_words_only_hashes_are_kept(settings: Settings) -> None:
    records = Records(settings.model_copy(update={"record_questions": False}))
    kept = answer("my words")
    records.keep(Given(kept, SECRET, SECRET))
    records.keep(Given(answer(), f"  {SECRET.upper()} ", SECRET))
    records.feed_back(FeedbackRequest(kept.answer_id, "down", "my opinion"))
    first, second = records.since(0)
    records.close()
    assert (first.question, first.whole_question, first.answer, first.opinions[0].reason) == (None,) * 4
    assert first.question_hash == second.question_hash
    assert not [words for words in ("secret", "my words", "my opinion") if words.encode() in on_disk(settings)]


def test_hashes_need_the_key_which_is_the_owners_alone(settings: Settings, tmp_path: Path, records: Records) -> None:
    assert settings.records_key_file.stat().st_mode & 0o777 == 0o600
    assert settings.records_file.stat().st_mode & 0o777 == 0o600
    other = Records(Settings(data_dir=tmp_path / "other"))
    for one in (records, other):
        one.keep(Given(answer(), SECRET, SECRET))
    assert records.since(0)[0].question_hash != other.since(0)[0].question_hash
    other.close()


def test_what_is_too_old_goes(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    for days in (91, 89):
        monkeypatch.setattr(store.time, "time", lambda days=days: now - days * store.DAY)
        records.keep(Given(answer(str(days)), "q", "q"))
    monkeypatch.undo()
    assert records.prune() == 1
    assert [record.answer for record in records.since(0)] == ["89"]


# --- conversations -------------------------------------------------------------------------------


def test_a_conversation_has_its_last_three_turns_oldest_first(records: Records) -> None:
    for number in range(5):
        records.keep(Given(answer(f"a{number}"), "asked", f"q{number}"))
        records.keep(Given(answer("elsewhere", uuid4()), "asked", "elsewhere"))
    turns = records.turns(ANSWER.conversation_id)
    assert [(turn.question, turn.answer) for turn in turns] == [("q2", "a2"), ("q3", "a3"), ("q4", "a4")]
    assert records.turns(uuid4()) == ()


def test_a_conversation_is_forgotten_after_an_hour(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    records.keep(Given(answer(), "q", "q"))
    now = time.time()
    monkeypatch.setattr(store.time, "time", lambda: now + store.MAX_TURN_AGE + 1)
    assert records.turns(ANSWER.conversation_id) == ()


@pytest.mark.parametrize("size", [10, store.MAX_TURN_CHARACTERS // 2, store.MAX_TURN_CHARACTERS, 50_000])
def test_turns_stay_within_their_budget(records: Records, size: int) -> None:
    for number in range(3):
        records.keep(Given(answer("x" * size), "q", f"q{number}"))
    turns = records.turns(ANSWER.conversation_id)
    assert turns[-1].question == "q2"
    assert sum(len(turn.question) + len(turn.answer) for turn in turns) <= store.MAX_TURN_CHARACTERS


# --- what goes wrong -----------------------------------------------------------------------------


def child(settings: Settings, program: str) -> subprocess.Popen[str]:
    """Run a program that has `records`, a function `answer` and `FeedbackRequest`."""
    head = f"""
import sys
from pathlib import Path
from agent.records import Given, Records
from agent.schema import FeedbackRequest
from agent.settings import Settings
from tests.records.test_records import answer
records = Records(Settings(data_dir=Path({str(settings.data_dir)!r})))
"""
    environment = {**child_environment(), "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, "-c", head + program], env=environment, stdout=subprocess.PIPE, text=True)


def test_what_was_acknowledged_survives_a_kill(settings: Settings) -> None:
    program = """
while True:
    kept = answer()
    records.keep(Given(kept, "q", "q"))
    records.feed_back(FeedbackRequest(kept.answer_id, "up"))
    print(kept.answer_id, flush=True)
"""
    with child(settings, program) as process:
        assert process.stdout is not None
        acknowledged = [UUID(process.stdout.readline().strip()) for _ in range(20)]
        process.send_signal(signal.SIGKILL)
    records = Records(settings)
    assert all(records.record(kept).opinions for kept in acknowledged)
    records.close()


def test_processes_that_open_at_once_agree_on_tables_and_key(settings: Settings) -> None:
    program = """
for _ in range(10):
    records.keep(Given(answer(), "q", "q", "me"))
"""
    processes = [child(settings, program) for _ in range(2)]
    for process in processes:
        assert process.wait(60) == 0
        assert process.stdout is not None
        process.stdout.close()
    records = Records(settings)
    assert len(records.since(0)) == 20
    assert records.forget("me") == 20
    records.close()


def test_a_migration_that_fails_leaves_nothing_behind(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a kill: the tables that were made already go with the transaction."""
    from alembic import op

    def fail(*_: object, **__: object) -> None:
        raise OSError("power went")

    monkeypatch.setattr(op, "create_index", fail)
    with pytest.raises(RecordsUnavailable, match="power went"):
        Records(settings)
    with sqlite3.connect(settings.records_file) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    connection.close()
    monkeypatch.undo()
    Records(settings).close()


def test_records_of_a_newer_program_are_left_alone(settings: Settings) -> None:
    Records(settings).close()
    with sqlite3.connect(settings.records_file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(RecordsUnavailable, match=r"layout '9999'.*newer fury-agent"):
        Records(settings)


def test_a_file_that_is_no_database_is_named(settings: Settings) -> None:
    settings.data_dir.mkdir()
    settings.records_file.write_text("not a database, but long enough to be looked at" * 50)
    with pytest.raises(RecordsUnavailable, match=r"records\.sqlite'.*not a database.*FURY_AGENT_RECORDS_URL"):
        Records(settings)


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """Root may write everywhere, so the obstacle is a file."""
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordsUnavailable, match=r"Not a directory|File exists"):
        Records(Settings(data_dir=tmp_path / "file" / "data"))


def test_a_locked_database_says_so(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.records.database.PATIENCE", 0.1)
    impatient = Records(settings)
    with sqlite3.connect(settings.records_file) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(RecordsUnavailable, match="locked"):
            impatient.keep(Given(answer(), "q", "q"))
        assert impatient.turns(ANSWER.conversation_id) == ()  # reading waits for nobody
    other.close()
    impatient.keep(Given(answer(), "q", "q"))
    impatient.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("hush://me:geheim@host/db", "'hush'"),
        ("geheim", "no URL"),
        ("sqlite://", "'sqlite' without a file"),
        ("mysql://me:geheim@host/db", "'mysql'"),
        ("postgresql://me:geheim@host:geheim/db", "no URL"),
    ],
)
def test_a_wrong_url_is_refused_without_being_shown(settings: Settings, url: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        Records(Settings(data_dir=settings.data_dir, records_url=url))  # type: ignore[arg-type]
    assert "geheim" not in str(caught.value)


def test_a_database_that_is_not_there_is_named_without_the_password(settings: Settings) -> None:
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    url = "postgresql://me:geheim@127.0.0.1:1/asked"
    with pytest.raises(RecordsUnavailable, match=r"'asked' on 127\.0\.0\.1.*refused") as caught:
        Records(Settings(data_dir=settings.data_dir, records_url=url))  # type: ignore[arg-type]
    assert "geheim" not in str(caught.value)


def test_the_migrations_come_with_the_package() -> None:
    assert (MIGRATIONS / "env.py").exists()
    assert list((MIGRATIONS / "versions").glob("*.py"))
