"""`report`, `feedback to-case` and `forget` over real records."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from msgspec import structs
from typer.testing import CliRunner

from agent.cli import app
from agent.errors import InvalidInput, UnknownAnswer
from agent.records import Given, Records
from agent.schema import FeedbackRequest
from agent.settings import PREFIX, Settings
from agent.shell import records as records_cli
from evals.cases import Case, load_cases
from tests.fakes import ANSWER
from tests.records.test_gaps import embed


@pytest.fixture
def recorded(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An answer that was called bad, and a question that was declined, by somebody else."""
    monkeypatch.setenv(f"{PREFIX}DATA_DIR", str(settings.data_dir))
    monkeypatch.setattr(records_cli, "_embed", lambda: embed)
    records = Records(settings)
    records.keep(Given(ANSWER, "How do I draw a sphere?", "How do I draw a sphere?", "me"))
    records.feed_back(FeedbackRequest(ANSWER.answer_id, "down", "too slow"))
    declined = structs.replace(ANSWER, answer_id=uuid4(), status="declined")
    records.keep(Given(declined, "How do I add [bold]fog?", "How do I add [bold]fog?", "you"))
    records.close()
    return settings


@pytest.mark.usefixtures("recorded")
def test_the_report_shows_counts_questions_and_drafts() -> None:
    shown = CliRunner().invoke(app, ["report"], env={"COLUMNS": "120"})
    assert shown.exit_code == 0, shown.output
    for words in ("2 in 1 conversations", "0% of 1 opinions", "[bold]fog?", "Documentation: How do I draw", "too slow"):
        assert words in shown.stdout
    summary = json.loads(CliRunner().invoke(app, ["report", "--json", "--days", "1"]).stdout)
    assert (summary["answers"], summary["unanswered"], len(summary["gaps"])) == (2, 2, 2)


def test_an_empty_report_needs_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}DATA_DIR", str(settings.data_dir))
    assert "nobody said" in CliRunner().invoke(app, ["report"]).stdout


def test_feedback_becomes_a_case_that_the_evals_read(recorded: Settings, tmp_path: Path) -> None:
    records = Records(recorded)
    answers = [record.answer_id for record in records.since(0)]
    records.close()
    lines = [CliRunner().invoke(app, ["feedback", "to-case", str(answer)]).stdout for answer in answers]
    (tmp_path / "mine.jsonl").write_text("".join(lines))
    liked, declined = load_cases(tmp_path / "mine.jsonl")
    assert (liked.question, liked.note, liked.gold[0].symbol) == ("How do I draw a sphere?", "too slow", "sphere")
    assert (declined.kind, declined.gold) == ("unanswerable", ())
    assert msgspec.json.decode(lines[0], type=Case) == liked


def test_what_cannot_be_a_case_says_why(recorded: Settings) -> None:
    unknown = CliRunner().invoke(app, ["feedback", "to-case", str(uuid4())])
    assert isinstance(unknown.exception, UnknownAnswer)
    hashed = Records(recorded.model_copy(update={"record_questions": False}))
    secret = structs.replace(ANSWER, answer_id=uuid4())
    hashed.keep(Given(secret, "q", "q"))
    hashed.close()
    refused = CliRunner().invoke(app, ["feedback", "to-case", str(secret.answer_id)])
    assert isinstance(refused.exception, InvalidInput)
    assert CliRunner().invoke(app, ["feedback", "to-case", "7"]).exit_code == 2


@pytest.mark.usefixtures("recorded")
def test_a_user_is_forgotten() -> None:
    assert CliRunner().invoke(app, ["forget", "me"]).stdout == "1 record deleted.\n"
    assert CliRunner().invoke(app, ["forget", "me"]).stdout == "0 records deleted.\n"
