"""`fury-agent ask` and `search`: one question, answered in this process."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from agent.shell.first_use import ensure_indexed, ensure_weights
from agent.shell.output import JsonOption, LibraryOption, VersionOption, print_json

if TYPE_CHECKING:
    from agent.schema import Answer
    from agent.service import Service

Question = Annotated[str, typer.Argument(help="The question, in plain words; - reads it from standard input.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command(epilog='Example: `fury-agent ask "How do I draw three spheres of different colours?"`')(ask)
    app.command(epilog='Example: `fury-agent search "ShowManager callbacks" -k 3`')(search)


def ask(
    question: Question,
    library: LibraryOption = None,
    version: VersionOption = None,
    top_k: Annotated[int | None, typer.Option("-k", min=1, max=20, help="Passages given to the model.")] = None,
    json: JsonOption = False,
) -> None:
    """Answer a question from the sources, with numbered citations.

    Indexes the default library first if that was never done.
    """
    from agent.cancellation import CancelToken
    from agent.schema import QueryRequest
    from agent.shell.progress import loading

    request = QueryRequest(_text(question), library, version, None, top_k)
    with _service(library, with_llm=True) as service:
        with loading():
            events = service.stream(request, CancelToken())
        if json:
            print_json(_last_answer(events))
        else:
            from agent.shell.answers import show_answer

            show_answer(events, service.settings.pictures_dir)


def search(
    question: Question,
    library: LibraryOption = None,
    version: VersionOption = None,
    top_k: Annotated[int | None, typer.Option("-k", min=1, max=20, help="How many places.")] = None,
    json: JsonOption = False,
) -> None:
    """Find the places in the sources that answer a question; no language model is needed."""
    from agent.schema import SearchRequest
    from agent.shell.progress import loading

    request = SearchRequest(_text(question), library, version, top_k)
    with _service(library) as service, loading():
        reply = service.search(request)
    if json:
        print_json(reply)
    else:
        from agent.shell.answers import show_passages

        show_passages(reply)


def _text(question: str) -> str:
    if question != "-":
        return question
    return sys.stdin.buffer.read().decode(errors="surrogateescape")


@contextmanager
def _service(library: str | None, *, with_llm: bool = False) -> Generator[Service]:
    """Open the service; the default library is indexed first if it never was, and the weights are unpacked."""
    from agent.service import Service
    from agent.settings import load_settings

    settings = load_settings()
    if library is None:
        ensure_indexed(settings)
    if with_llm:
        ensure_weights(settings)
    service = Service(settings)
    try:
        yield service
    finally:
        service.close()


def _last_answer(events: Iterator[object]) -> Answer:
    from agent.schema import AnswerEvent

    *_, last = events
    assert isinstance(last, AnswerEvent)
    return last.answer
