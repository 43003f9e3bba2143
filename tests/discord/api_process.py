"""The service's real HTTP server over answers that name their question: `python -m tests.discord.api_process PORT`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from uuid import uuid4

from msgspec.structs import replace

from agent.api import create_app
from agent.cancellation import CancelToken
from agent.schema import AnswerEvent, Event, QueryRequest, TokenEvent
from agent.settings import Settings
from agent.web.server import Server, listen
from tests.fakes import ANSWER, SOURCES, ScriptedService, pause


class Echo(ScriptedService):
    """Answers every question by itself, after a while."""

    def stream(self, request: QueryRequest, cancel: CancelToken, *, user: str | None = None) -> Iterator[Event]:  # noqa: ARG002 - nobody asks who it was
        yield SOURCES
        for word in request.question.split():
            pause(0.03, cancel)
            yield TokenEvent(f"{word} ")
        yield AnswerEvent(replace(ANSWER, answer_id=uuid4(), answer=f"{request.question} [1]"))


if __name__ == "__main__":
    app = create_app(Echo(), Settings(concurrency=8, queue_size=100))
    Server(app, stopping=lambda: app.state.bridge.stop(0.1)).run([listen("127.0.0.1", int(sys.argv[1]))])
