"""Who is asked: the engine in this process, or any deployed service by its URL."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import Protocol, TypeVar

import httpx
import msgspec
from httpx_sse import SSEError, connect_sse

from agent.cancellation import CancelToken
from agent.errors import AgentError, InvalidInput, ModelTimeout, ServiceError
from agent.schema import (
    Answer,
    AnswerEvent,
    Event,
    IndexInfo,
    Library,
    Passage,
    Problem,
    QueryRequest,
    SearchReply,
    SearchRequest,
    SourcesEvent,
    TokenEvent,
)
from agent.service import Service
from agent.settings import Settings
from evals.observations import Asked, Identity
from evals.revision import code_revision

T = TypeVar("T")

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 60.0
"""A service sends heartbeats while it works: a longer silence means that it has died."""
NOT_ABOUT_RESULTS = {
    "data_dir",
    "llm_key",
    "judge_llm",
    "judge_llm_model",
    "judge_llm_url",
    "judge_llm_key",
    "llm_threads",
    "host",
    "port",
    "concurrency",
    "queue_size",
    "request_timeout",
    "max_body_bytes",
    "heartbeat",
    "network_timeout",
}
"""Settings that may change how fast, where or for whom, but not what is answered."""


class Answerer(Protocol):
    """What can be measured."""

    def identity(self) -> Identity:
        """Return what is measured; fails if it cannot be reached."""
        ...

    def search(self, question: str, top_k: int | None = None) -> tuple[Passage, ...]:
        """Return the passages for a question."""
        ...

    def events(self, question: str) -> Iterator[Event]:
        """Answer a question, telling of each step."""
        ...


def ask(answerer: Answerer, case: str, question: str) -> Asked:
    """Ask one question and record what came back; a failure is recorded, not raised."""
    started = time.perf_counter()
    first: float | None = None
    answer: Answer | None = None
    tokens = 0
    try:
        passages = answerer.search(question)
        started = time.perf_counter()
        for event in answerer.events(question):
            if isinstance(event, TokenEvent):
                first = first or time.perf_counter()
                tokens += 1
            elif isinstance(event, AnswerEvent):
                answer = event.answer
    except AgentError as error:
        return Asked(case=case, question=question, error=str(error))
    return Asked(
        case=case,
        question=question,
        answer=answer,
        error=None if answer else "The stream ended without an answer.",
        passages=passages,
        first_token_ms=None if first is None else (first - started) * 1e3,
        total_ms=(time.perf_counter() - started) * 1e3,
        tokens=tokens,
    )


# --- in this process ---------------------------------------------------------------------------------


class EngineAnswerer:
    """The engine in this process, over the index that the settings name.

    Args:
        service: parts by settings.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    def identity(self) -> Identity:
        """Return what the index and the settings are."""
        settings = self._service.settings
        info = self._service.info()
        return Identity(
            code=code_revision(),
            library=info.library,
            version=info.version,
            revision=info.revision,
            index=index_digest(info),
            embedding=info.embedding,
            model="none" if settings.llm == "none" else settings.llm_model_or_default,
            settings=settings_digest(settings),
        )

    def search(self, question: str, top_k: int | None = None) -> tuple[Passage, ...]:
        """Return the passages for a question."""
        return self._service.search(SearchRequest(question, top_k=top_k)).passages

    def events(self, question: str) -> Iterator[Event]:
        """Answer a question, telling of each step."""
        return self._service.stream(QueryRequest(question), CancelToken())


def index_digest(info: IndexInfo) -> str:
    """Return a digest of what an index was made from and with; building it again gives the same."""
    parts = (info.format, info.source_digest, info.chunker, info.embedding, info.embedding_revision)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def settings_digest(settings: Settings) -> str:
    """Return a digest of the settings that may change a result; no secret is among them."""
    values = settings.model_dump(mode="json", exclude=NOT_ABOUT_RESULTS)
    return hashlib.sha256(msgspec.json.encode(values, order="deterministic")).hexdigest()[:12]


# --- by URL ------------------------------------------------------------------------------------------


class HttpAnswerer:
    """A service that speaks the HTTP contract.

    Args:
        url: its address, such as `http://127.0.0.1:8000`.
        library, version: which index to ask; the service's default where not given.
    """

    def __init__(self, url: str, *, library: str | None = None, version: str | None = None) -> None:
        parsed = httpx.URL(url) if "://" in url else httpx.URL("")
        if parsed.scheme not in {"http", "https"} or not parsed.host:
            raise InvalidInput(
                f"{url!r} is not a service's address.", remedy="Expected one like http://127.0.0.1:8000."
            )
        self._url = url.rstrip("/")
        self._library = library
        self._version = version
        self._client = httpx.Client(base_url=self._url, timeout=httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def identity(self) -> Identity:
        """Return what the service says of itself: its libraries, and which one it answers from.

        Raises:
            ServiceError: it cannot be reached, or is none of ours.
        """
        reply = self._post("/search", SearchRequest("hello", library=self._library, version=self._version), SearchReply)
        listed = self._decode(self._send("GET", "/libraries"), tuple[Library, ...])
        entry = next((one for one in listed if (one.library, one.version) == (reply.library, reply.version)), None)
        if entry is None:
            raise ServiceError(f"The service {self._url!r} does not list {reply.library} {reply.version}.")
        return Identity(
            code=code_revision(),
            library=entry.library,
            version=entry.version,
            revision=entry.revision,
            index=hashlib.sha256(msgspec.json.encode(entry)).hexdigest()[:12],
            embedding=entry.embedding,
            model=httpx.URL(self._url).host,
            settings="",
            answerer=self._url,
        )

    def search(self, question: str, top_k: int | None = None) -> tuple[Passage, ...]:
        """Return the passages for a question."""
        body = SearchRequest(question, library=self._library, version=self._version, top_k=top_k)
        return self._post("/search", body, SearchReply).passages

    def events(self, question: str) -> Iterator[Event]:
        """Answer a question, telling of each step."""
        body = msgspec.json.encode(QueryRequest(question, library=self._library, version=self._version))
        headers = {"Content-Type": "application/json"}
        try:
            with connect_sse(self._client, "POST", "/query", content=body, headers=headers) as source:
                if source.response.status_code != HTTPStatus.OK:
                    source.response.read()
                    raise self._refused(source.response)
                for frame in source.iter_sse():
                    yield self._event(frame.event, frame.data.encode())
        except (httpx.HTTPError, SSEError) as error:
            raise self._unreachable(error) from error

    def _event(self, name: str, data: bytes) -> Event:
        try:
            match name:
                case "answer":
                    return AnswerEvent(msgspec.json.decode(data, type=Answer))
                case "sources":
                    return msgspec.json.decode(data, type=SourcesEvent)
                case "token":
                    return msgspec.json.decode(data, type=TokenEvent)
                case "error":
                    problem = msgspec.json.decode(data, type=Problem)
                case _:
                    raise ServiceError(f"The service {self._url!r} sent an unknown event {name!r}.")
        except msgspec.DecodeError as error:
            raise ServiceError(f"The service {self._url!r} sent a malformed {name!r} event: {error}.") from error
        raise ServiceError(f"The service {self._url!r} broke off: {problem.title}. {problem.detail}")

    def _post(self, path: str, body: msgspec.Struct, kind: type[T]) -> T:
        return self._decode(self._send("POST", path, msgspec.json.encode(body)), kind)

    def _send(self, method: str, path: str, body: bytes | None = None) -> httpx.Response:
        headers = {"Content-Type": "application/json"} if body else None
        try:
            response = self._client.request(method, path, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        if response.status_code != HTTPStatus.OK:
            raise self._refused(response)
        return response

    def _decode(self, response: httpx.Response, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(response.content, type=kind)
        except msgspec.DecodeError as error:
            raise ServiceError(
                f"The service {self._url!r} did not reply as fury-agent does: {error}.",
                remedy="Check the address given to --answerer.",
            ) from error

    def _refused(self, response: httpx.Response) -> ServiceError:
        try:
            problem = msgspec.json.decode(response.content, type=Problem)
            said = f"{problem.title}. {problem.detail}"
        except msgspec.DecodeError:
            said = response.text[:200]
        return ServiceError(f"The service {self._url!r} replied {response.status_code}: {said}")

    def _unreachable(self, error: Exception) -> ServiceError:
        if isinstance(error, httpx.TimeoutException):
            return ModelTimeout(f"The service {self._url!r} was silent for too long ({type(error).__name__}).")
        return ServiceError(
            f"The service {self._url!r} cannot be reached: {error}.",
            remedy="Start it (`fury-agent serve`) or check the address given to --answerer.",
        )
