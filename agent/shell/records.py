"""`fury-agent report`, `feedback to-case` and `forget`: what operators do with the records."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from agent.shell.output import EverythingOption, print_json

if TYPE_CHECKING:
    from agent.records import Record, Records
    from agent.records.gaps import Embed, Summary, Vectors

feedback_app = typer.Typer(no_args_is_help=True, help="What people said of answers.")
DAY = 86_400


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command(epilog="Example: `fury-agent report --days 7`")(report)
    app.command(epilog="Example: `fury-agent forget discord:1234`")(forget)
    app.add_typer(feedback_app, name="feedback")


def report(
    days: Annotated[int, typer.Option(min=1, help="How many days to look back.")] = 30,
    json: EverythingOption = False,
) -> None:
    """Sum up what was asked, whether it helped, and what the documentation leaves open, with draft issues."""
    from agent.records.gaps import summarise

    with open_records() as records:
        summary = summarise(records.since(time.time() - days * DAY), days, _embed())
    if json:
        print_json(summary)
    else:
        _show(summary)


@feedback_app.command("to-case", epilog="Example: `fury-agent feedback to-case ANSWER_ID >> my_cases.jsonl`")
def to_case(answer_id: Annotated[UUID, typer.Argument(help="`answer_id` of an answer.")]) -> None:
    """Print an answer's question as a case for the evals, one line of JSON. Look at its places before you keep it."""
    import msgspec

    from agent.errors import InvalidInput

    with open_records() as records:
        record = records.record(answer_id)
    if record.whole_question is None:
        raise InvalidInput(
            f"Of answer {str(answer_id)!r} only hashes were kept.",
            remedy="Questions are kept while FURY_AGENT_RECORD_QUESTIONS is true.",
        )
    sys.stdout.buffer.write(msgspec.json.encode(_case(record)) + b"\n")


def forget(user: Annotated[str, typer.Argument(help="As it was sent in X-Fury-User.", metavar="USER")]) -> None:
    """Delete all that a user asked and said, for good."""
    with open_records() as records:
        gone = records.forget(user)
    typer.echo(f"{gone} record{'' if gone == 1 else 's'} deleted.")


@contextmanager
def open_records() -> Generator[Records]:
    """Open the records of the settings while the block runs."""
    from agent.records import Records
    from agent.settings import load_settings

    records = Records(load_settings())
    try:
        yield records
    finally:
        records.close()


def _embed() -> Embed:
    """Return the configured embedding model, loaded when first called."""

    def embed(texts: Sequence[str]) -> Vectors:
        import numpy as np

        from agent.providers.embeddings import build_embedding
        from agent.settings import load_settings

        vectors = np.asarray(build_embedding(load_settings()).get_text_embedding_batch(list(texts)), np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    return embed


def _case(record: Record) -> dict[str, object]:
    """Return a case as `evals/data/README.md` describes it.

    The places are those that the answer stood on: what was right if people liked it, and a first guess otherwise.
    """
    downs = [said.reason for said in record.opinions if said.verdict == "down" and said.reason]
    refused = not record.citations or (record.status == "declined" and not record.opinions)
    case: dict[str, object] = {
        "id": f"fb-{record.answer_id}",
        "question": record.whole_question,
        "source": f"feedback on an answer about {record.library} {record.version}",
        "provenance": "feedback",
        "kind": "unanswerable" if refused else "howto",
        "gold": []
        if refused
        else [
            {"path": place.path, "symbol": place.symbol, "lines": [place.start_line, place.end_line]}
            for place in record.citations
        ],
    }
    return case | ({"note": "; ".join(downs)} if downs else {})


def _show(summary: Summary) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    from agent.records.gaps import one_line

    console = Console()
    table = Table(title=f"The last {summary.days} days", show_header=False)
    for name, value in _facts(summary):
        table.add_row(name, value)
    console.print(table)
    if summary.top:
        top = Table("asked", "question", title="Most frequent questions")
        for asked in summary.top:
            top.add_row(str(asked.count), escape(one_line(asked.question, 300)))
        console.print(top)
    for number, gap in enumerate(summary.gaps, start=1):
        console.print(Panel(Text(gap.body), title=Text(f"Gap {number} · {gap.title}"), title_align="left"))


def _facts(summary: Summary) -> list[tuple[str, str]]:
    given = summary.up + summary.down
    return [
        ("answers", f"{summary.answers} in {summary.conversations} conversations"),
        *((f"  {status}", str(count)) for status, count in sorted(summary.statuses.items())),
        ("helpful", "nobody said" if summary.helpful is None else f"{summary.helpful:.0%} of {given} opinions"),
        ("first word, median", _seconds(summary.first_token_ms)),
        ("whole answer, median", _seconds(summary.total_ms)),
        ("without a good answer", f"{summary.unanswered}, in {len(summary.gaps)} gaps"),
        *([("  words not kept", str(summary.unknown_words))] if summary.unknown_words else []),
    ]


def _seconds(milliseconds: float | None) -> str:
    return "none" if milliseconds is None else f"{milliseconds / 1e3:.1f} s"
