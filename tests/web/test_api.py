"""The HTTP contract, over a real server: replies, refusals and the problem of every error."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar import Litestar

from agent import errors
from agent.api import create_app
from agent.errors import AgentError, InvalidInput, Overloaded, UnknownVersion
from agent.schema import Answer, CheckRequest, FeedbackRequest, Health, Library, Problem, SearchReply, Verification
from agent.settings import Settings
from agent.web.problems import MEDIA_TYPE, describe
from tests.fakes import ANSWER, LIBRARY, QUESTION, REPLY, ScriptedService, running


def problem_of(reply: httpx.Response) -> Problem:
    """Decode a problem, and hold what is true of all of them."""
    assert reply.headers["content-type"] == MEDIA_TYPE
    problem = msgspec.json.decode(reply.content, type=Problem)
    assert problem.status == reply.status_code
    assert problem.type.startswith("/problems/")
    assert problem.title
    assert problem.detail
    assert "Traceback" not in reply.text
    assert reply.headers["x-request-id"]
    return problem


def all_errors(base: type[AgentError] = AgentError) -> list[type[AgentError]]:
    return [base, *(kind for child in base.__subclasses__() for kind in all_errors(child))]


# --- replies -------------------------------------------------------------------------------------


def test_every_route_replies_with_its_struct() -> None:
    service = ScriptedService()
    with running(service) as client:
        query = client.post("/query", json={**QUESTION, "library": "fury", "top_k": 3})
        search = client.post("/search", json=QUESTION)
        libraries = client.get("/libraries")
        health = [client.get(path) for path in ("/health/live", "/health/ready")]
    assert [reply.status_code for reply in (query, search, libraries, *health)] == [200] * 5
    assert msgspec.json.decode(query.content, type=Answer) == ANSWER
    assert msgspec.json.decode(search.content, type=SearchReply) == REPLY
    assert msgspec.json.decode(libraries.content, type=tuple[Library, ...]) == (LIBRARY,)
    assert [msgspec.json.decode(reply.content, type=Health).status for reply in health] == ["ok", "ok"]
    assert (service.questions[0].library, service.questions[0].top_k) == ("fury", 3)
    assert service.searches[0].question == QUESTION["question"]
    assert len({reply.headers["x-request-id"] for reply in (query, search, libraries)}) == 3


def test_code_is_checked() -> None:
    service = ScriptedService()
    with running(service) as client:
        reply = client.post("/check", json={"code": "actor.spher(1)", "version": "2.0.0"})
    assert msgspec.json.decode(reply.content, type=Verification) == ANSWER.verification
    assert service.checks == [CheckRequest("actor.spher(1)", version="2.0.0")]


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "code"), ({"code": ""}, "code"), ({"code": 1}, "code"), ({"code": "x", "question": "y"}, "question")],
)
def test_a_check_of_nothing_names_the_field(body: dict[str, Any], field: str) -> None:
    with running(ScriptedService()) as client:
        problem = problem_of(client.post("/check", json=body))
    assert (problem.status, problem.extra) == (400, {"field": field})


def test_the_document_shows_how_to_check(document: dict[str, Any]) -> None:
    operation = document["paths"]["/check"]["post"]
    assert "actor.spher" in json.dumps(operation["requestBody"])
    assert "does not exist" in json.dumps(operation["responses"]["200"])


@pytest.mark.parametrize(("state", "status"), [("ok", 200), ("degraded", 200), ("unavailable", 503)])
def test_ready_means_that_a_question_can_be_answered_at_all(state: Any, status: int) -> None:
    with running(ScriptedService(health=Health(state, ("something",)))) as client:
        reply = client.get("/health/ready")
        assert reply.status_code == status
        assert reply.json() == {"status": state, "problems": ["something"]}
        assert client.get("/health/live").status_code == 200


@pytest.mark.parametrize("opened_by_app", [True, False])
def test_the_application_closes_only_what_it_opened(*, opened_by_app: bool) -> None:
    service = ScriptedService()
    with running((lambda: service) if opened_by_app else service) as client:
        assert client.post("/query", json=QUESTION).status_code == 200
        assert not service.closed
    assert service.closed is opened_by_app


# --- refusals ------------------------------------------------------------------------------------

TOO_LONG = "long" * 1001
REFUSED = {
    "empty": (b"", "", "not JSON"),
    "malformed": (b'{"question": ', "", "not JSON"),
    "not an object": (b"[1]", "", "Expected `object`"),
    "not UTF-8": (b'{"question": "\xff"}', "", "UTF-8"),
    "too deep": (b'{"library": ' + b"[" * 5000, "library", "Expected `str | null`"),
    "missing": (b"{}", "question", "missing required field"),
    "unknown field": (b'{"question": "x", "qestion": 1}', "qestion", "Fields are: question, library"),
    "null": (b'{"question": null}', "question", "Given: null"),
    "number for text": (b'{"question": 17}', "question", "Given: 17"),
    "text for number": (b'{"question": "x", "top_k": "5"}', "top_k", 'Given: "5"'),
    "too large a number": (b'{"question": "x", "top_k": 21}', "top_k", "<= 20"),
    "too small a number": (b'{"question": "x", "top_k": 0}', "top_k", ">= 1"),
    "too long": (b'{"question": "%s"}' % TOO_LONG.encode(), "question", "<= 4000"),
    "nothing": (b'{"question": ""}', "question", ">= 1"),
    "blanks": (b'{"question": " \\n\\t\\u00a0"}', "question", "no word"),
    "controls": (b'{"question": "\\u0000\\u001b\\u200b"}', "question", "no word"),
    "signs": (b'{"question": "?!"}', "question", "no word"),
    "not text": (b'{"question": "a\\u0000"}', "question", "is not text"),
}


@pytest.fixture(scope="module")
def client_of_any() -> Any:
    with running(ScriptedService(), Settings(max_body_bytes=20_000)) as client:
        yield client


@pytest.mark.parametrize("path", ["/query", "/search"])
@pytest.mark.parametrize(("body", "field", "says"), REFUSED.values(), ids=REFUSED)
def test_a_body_that_cannot_be_used_names_the_field(
    client_of_any: httpx.Client, path: str, body: bytes, field: str, says: str
) -> None:
    reply = client_of_any.post(path, content=body, headers={"Content-Type": "application/json"})
    problem = problem_of(reply)
    assert (problem.status, problem.type) == (400, "/problems/invalid-input")
    assert problem.extra.get("field", "") == field
    assert says in problem.detail
    assert len(problem.detail) < 400


def test_a_conversation_id_must_be_a_uuid(client_of_any: httpx.Client) -> None:
    problem = problem_of(client_of_any.post("/query", json={**QUESTION, "conversation_id": "mine"}))
    assert problem.extra == {"field": "conversation_id"}


def test_a_question_of_the_greatest_length_is_answered(client_of_any: httpx.Client) -> None:
    assert client_of_any.post("/query", json={"question": "é" * 4000}).status_code == 200


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "x/application/json"])
def test_a_body_that_is_not_declared_as_json_is_refused(client_of_any: httpx.Client, kind: str | None) -> None:
    headers = {"Content-Type": kind} if kind else {}
    reply = client_of_any.post("/query", content=json.dumps(QUESTION).encode(), headers=headers)
    assert problem_of(reply).type == "/problems/unsupported-media-type"


def test_a_large_body_is_refused(client_of_any: httpx.Client) -> None:
    reply = client_of_any.post("/query", json={"question": "x" * 20_001})
    assert (reply.status_code, problem_of(reply).type) == (413, "/problems/body-too-large")


def test_a_large_body_of_unknown_length_is_refused(client_of_any: httpx.Client) -> None:
    chunks = (b" " * 1000 for _ in range(30))
    reply = client_of_any.post("/query", content=chunks, headers={"Content-Type": "application/json"})
    assert (reply.status_code, problem_of(reply).type) == (413, "/problems/body-too-large")


def test_unknown_routes_and_methods_are_problems_too(client_of_any: httpx.Client) -> None:
    missing = client_of_any.get("/nowhere")
    assert (missing.status_code, problem_of(missing).type) == (404, "/problems/not-found")
    wrong = client_of_any.get("/query")
    assert (wrong.status_code, problem_of(wrong).type) == (405, "/problems/method-not-allowed")
    assert "POST" in wrong.headers["allow"]


FIELDS = st.sampled_from(["question", "top_k", "library", "version", "other"])
VALUES = st.none() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)
BODIES = st.binary(max_size=60) | st.dictionaries(FIELDS, VALUES).map(json.dumps).map(str.encode)


@settings(max_examples=40)  # over a real connection
@given(body=BODIES)
def test_no_body_makes_the_service_fail(client_of_any: httpx.Client, body: bytes) -> None:
    reply = client_of_any.post("/search", content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code in {200, 400}


# --- errors --------------------------------------------------------------------------------------

EXPECTED = {
    "internal": 500,
    "access-denied": 403,
    "unauthorized": 401,
    "over-limit": 429,
    "cancelled": 499,
    "invalid-input": 400,
    "not-found": 404,
    "unknown-library": 404,
    "unknown-version": 404,
    "unknown-answer": 404,
    "unknown-picture": 404,
    "model-timeout": 504,
}


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.slug)
def test_each_error_has_its_status(kind: type[AgentError]) -> None:
    problem = describe(kind("It is 'broken'.", remedy="Mend it."), {"type": "http"})  # pyright: ignore[reportArgumentType] - a scope of little
    assert problem.type == f"/problems/{kind.slug}"
    assert problem.status == EXPECTED.get(kind.slug, 503)
    assert problem.detail == "It is 'broken'. Mend it."


def test_slugs_are_unique() -> None:
    slugs = [kind.slug for kind in all_errors()]
    assert len(slugs) == len(set(slugs))
    assert len(slugs) > 20
    assert {kind.__name__ for kind in all_errors()} <= set(vars(errors))


@pytest.mark.parametrize(
    ("error", "status", "extra"),
    [
        (UnknownVersion("No 'fury' 9.9 here; there is 2.0.0."), 404, {}),
        (InvalidInput("The question has no words.", field="question"), 400, {"field": "question"}),
        (errors.StoreUnavailable("The store is gone."), 503, {}),
        (errors.ModelTimeout("Not a word in 120 s."), 504, {}),
    ],
)
def test_an_error_of_the_service_is_the_reply_for_json_and_for_streams(
    error: AgentError, status: int, extra: dict[str, str]
) -> None:
    with running(ScriptedService(error)) as client:
        for accept in ("application/json", "text/event-stream"):
            reply = client.post("/query", json=QUESTION, headers={"Accept": accept})
            problem = problem_of(reply)
            assert (problem.status, problem.detail, problem.extra) == (status, str(error), extra)


def test_overload_says_when_to_come_back() -> None:
    with running(ScriptedService(Overloaded("Full.", retry_after=2.2))) as client:
        reply = client.post("/query", json=QUESTION)
        assert problem_of(reply).extra == {"retry_after": 2.2}
        assert reply.headers["retry-after"] == "3"


def test_an_unexpected_failure_is_logged_once_and_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), running(ScriptedService(ValueError("key sk-123 in a secret place"))) as client:
        reply = client.post("/query", json=QUESTION)
    problem = problem_of(reply)
    assert (problem.status, problem.type) == (500, "/problems/internal")
    assert "sk-123" not in reply.text
    identity = reply.headers["x-request-id"]
    assert problem.extra == {"request_id": identity}
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert identity in record.getMessage()
    assert "sk-123" in caplog.text


def test_a_service_without_an_answer_is_an_unexpected_failure(caplog: pytest.LogCaptureFixture) -> None:
    with running(ScriptedService(0.0)) as client:
        assert problem_of(client.post("/query", json=QUESTION)).status == 500
    assert "without a result" in caplog.text


# --- the document --------------------------------------------------------------------------------


@pytest.fixture
def document(tmp_path: Path) -> dict[str, Any]:
    app: Litestar = create_app(ScriptedService(), Settings(data_dir=tmp_path))
    return json.loads(msgspec.json.encode(app.openapi_schema.to_schema()))


def test_the_document_is_served_in_one_form(document: dict[str, Any]) -> None:
    with running(ScriptedService()) as client:
        assert client.get("/schema/openapi.json").json() == document
        assert client.get("/schema/swagger").status_code == 404


def test_every_reference_in_the_document_leads_somewhere(document: dict[str, Any]) -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [found for child in value.values() for found in references(child)]
        return [found for child in value for found in references(child)] if isinstance(value, list) else []

    found = {reference.removeprefix("#/components/schemas/") for reference in references(document)}
    assert found <= set(document["components"]["schemas"])
    assert {"QueryRequest", "Answer", "Problem", "SearchReply", "Library", "Health"} <= found


def test_the_document_lists_problems_and_the_event_stream(document: dict[str, Any]) -> None:
    paths = document["paths"]
    named = {"/query", "/search", "/check", "/pictures/{name}", "/feedback", "/records", "/libraries"}
    assert set(paths) == {*named, "/health/live", "/health/ready"}
    for path in ("/query", "/search", "/check"):
        responses = paths[path]["post"]["responses"]
        assert set(responses) == {"200", "400", "401", "404", "413", "415", "429", "500", "503", "504"}
        for status, response in responses.items():
            if status != "200":
                assert response["content"] == {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    assert set(paths["/query"]["post"]["responses"]["200"]["content"]) == {"application/json", "text/event-stream"}
    question = document["components"]["schemas"]["QueryRequest"]["properties"]["question"]
    assert (question["minLength"], question["maxLength"]) == (1, 4000)


def test_a_picture_is_served_by_its_name_for_ever() -> None:
    with running(ScriptedService()) as client:
        found, missing = client.get("/pictures/known.png"), client.get("/pictures/../secret")
    assert (found.status_code, found.content, found.headers["content-type"]) == (200, b"\x89PNG", "image/png")
    assert "immutable" in found.headers["cache-control"]
    assert found.headers["x-content-type-options"] == "nosniff"
    assert missing.status_code == 404


# --- being forgotten -----------------------------------------------------------------------------


def test_who_says_who_they_are_is_forgotten() -> None:
    service = ScriptedService()
    with running(service) as client:
        reply = client.delete("/records", headers={"X-Fury-User": "discord:42"})
        assert (reply.status_code, reply.json()) == (200, {"count": 3})
        assert problem_of(client.delete("/records")).status == 400
    assert service.forgotten == ["discord:42"]


# --- feedback ------------------------------------------------------------------------------------


def test_feedback_is_taken_from_whoever_says_who_they_are() -> None:
    service = ScriptedService()
    body = {"answer_id": str(ANSWER.answer_id), "verdict": "down", "reason": "no such function"}
    with running(service) as client:
        replies = [client.post("/feedback", json=body, headers=headers) for headers in ({"X-Fury-User": "me"}, {})]
        client.post("/query", json=QUESTION, headers={"X-Fury-User": "me"})
    assert [(reply.status_code, reply.content) for reply in replies] == [(204, b"")] * 2
    assert service.feedbacks == [FeedbackRequest(ANSWER.answer_id, "down", "no such function")] * 2
    assert service.users == ["me", None, "me"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"verdict": "maybe"}, 400),
        ({"answer_id": "7"}, 400),
        ({"reason": "x" * 2001}, 400),
        ({"stars": 5}, 400),
        ({"answer_id": str(UUID(int=99))}, 404),
    ],
)
def test_feedback_that_cannot_be_used_says_why(changes: dict[str, Any], status: int) -> None:
    body = {"answer_id": str(ANSWER.answer_id), "verdict": "up", **changes}
    with running(ScriptedService()) as client:
        assert problem_of(client.post("/feedback", json=body)).status == status


def test_a_user_id_has_a_bound() -> None:
    with running(ScriptedService()) as client:
        reply = client.post("/query", json=QUESTION, headers={"X-Fury-User": "x" * 201})
    assert problem_of(reply).status == 400


def test_a_user_is_the_same_in_a_header_as_in_the_shell() -> None:
    service = ScriptedService()
    with running(service) as client:
        for name in ("jürgen".encode(), "jürgen".encode("latin-1"), b"me"):
            client.post("/query", json=QUESTION, headers={b"X-Fury-User": name})
    assert service.users == ["jürgen", "jürgen", "me"]
