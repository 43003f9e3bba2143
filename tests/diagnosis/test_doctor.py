"""`doctor` tries every part as a question would, says what mends it, never hangs and never shows a secret."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from agent.diagnosis.doctor import ALL_CHECKS, QUICK_CHECKS, examine
from agent.diagnosis.findings import Check, Finding, run
from agent.errors import AgentError, ConfigurationError
from agent.index_build import build
from agent.providers import http_clients
from agent.settings import Settings, load_settings
from tests.servers import faults, openai
from tests.servers.embeddings import embeds
from tests.servers.redis import redis_server

SECRET = "sk-secret"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_clients, "FIRST_PAUSE", 0.01)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings whose default library was indexed with a served embedding."""
    root = tmp_path_factory.mktemp("doctor")
    (root / "demo").mkdir()
    (root / "demo/pyproject.toml").write_text('[project]\nname = "demo"\nversion = "1.0"\n')
    (root / "demo/demo.py").write_text('def sphere():\n    """Draw a sphere."""\n')
    with openai.serving(embeds()) as server:
        settings = Settings(
            data_dir=root / "data",
            library=str(root / "demo"),
            llm="none",
            embedding="tei",
            embedding_url=server.url,
            embedding_model="served",
        )
        build(settings.library, settings)
    return settings


@pytest.fixture
def embedding() -> Generator[openai.OpenAIServer]:
    with openai.serving(embeds()) as server:
        yield server


def found(settings: Settings, *only: str, **changes: Any) -> dict[str, list[Finding]]:
    """Return what `doctor` finds, by part; `only` leaves the other parts out."""
    known = {name: getattr(settings, name) for name in type(settings).model_fields}
    parts: dict[str, list[Finding]] = {}
    checks = [check for check in ALL_CHECKS if not only or check.part in only]
    for finding in examine(load_settings(**{**known, **changes}), checks):
        assert SECRET not in f"{finding.found} {finding.remedy}"
        parts.setdefault(finding.part, []).append(finding)
    return parts


def test_what_works_is_tried_and_measured(library: Settings, embedding: openai.OpenAIServer) -> None:
    with openai.serving(openai.answers) as llm:
        parts = found(
            library,
            embedding_url=embedding.url,
            llm="openai-like",
            llm_url=llm.url,
            llm_model="first",
            llm_key=SECRET,
            fallback_llm="openai-like",
            fallback_llm_url=llm.url,
            fallback_llm_model="second",
        )
    states = {part: {finding.state for finding in told} for part, told in parts.items()}
    assert states == {
        **{part: {"ok"} for part in ("data directory", "embedding model", "language model", "fallback")},
        **{part: {"ok"} for part in ("index", "indexed", "records")},
        "sandbox": {"optional"},
        "discord": {"optional"},
    }
    assert parts["embedding model"][-1].found.startswith("served: 64 numbers in ")
    assert parts["embedding model"][-1].found.endswith("as in the index of demo 1.0")
    assert parts["language model"][-1].found.startswith("first: first token after ")
    assert parts["fallback"][-1].found.startswith("second: first token after ")
    assert [request["max_tokens"] for request in llm.requests] == [1, 1]


@pytest.mark.parametrize(
    ("fault", "told", "remedy"),
    [
        (faults.replies(401), "HTTP 401", "LLM_KEY"),
        (faults.replies(404), "HTTP 404", "LLM_URL"),
        (faults.replies(500), "HTTP 500", "start the server, or mend FURY_AGENT_{}LLM_URL"),
        (faults.replies(200, b"<html>"), "OpenAI protocol|said nothing|middle", "LLM_URL|other words"),
        (faults.resets, "reached|broke off", "LLM_URL"),
        (faults.hangs, "said nothing for 1 seconds", "LLM_FIRST_TOKEN_TIMEOUT"),
        (faults.truncates_after(400), "broke off", "LLM_URL"),
    ],
)
@pytest.mark.parametrize("which", ["", "FALLBACK_"])
def test_a_language_model_that_fails_is_told_with_what_mends_it(
    settings: Settings, fault: faults.Fault, told: str, remedy: str, which: str
) -> None:
    part, name = ("fallback" if which else "language model"), f"{which.lower()}llm"
    with openai.serving(openai.answers) as server, faults.proxy(server.url, fault) as proxy:
        tested = {name: "openai-like", f"{name}_url": proxy.url, f"{name}_key": SECRET}
        timeout = 1 if fault is faults.hangs else 20
        finding = found(settings, part, llm_first_token_timeout=timeout, **tested)[part][-1]
    assert finding.state == "missing"
    assert any(part in finding.found for part in told.split("|")), finding
    assert any(part.format(which) in finding.remedy for part in remedy.split("|")), finding
    assert "doctor" not in finding.remedy


def test_another_embedding_model_than_the_indexs_is_told(library: Settings) -> None:
    with openai.serving(embeds(model="another")) as server:
        parts = found(library, embedding_url=server.url)
    for part in ("index", "embedding model"):
        assert parts[part][-1].state == "missing"
        assert "fury-agent index" in parts[part][-1].remedy


def test_an_embedding_server_that_is_down_is_told(library: Settings) -> None:
    finding = found(library, "embedding model", embedding_url=faults.nobody())["embedding model"][-1]
    assert (finding.state, "cannot be reached" in finding.found) == ("missing", True)
    assert "FURY_AGENT_EMBEDDING_URL" in finding.remedy


@pytest.mark.parametrize(
    ("changes", "part", "remedy"),
    [
        ({"embedding_url": None}, "embedding model", "base URL"),
        ({"llm": "openai-like"}, "language model", "export FURY_AGENT_LLM_URL="),
        ({"fallback_llm": "openai-like"}, "fallback", "export FURY_AGENT_FALLBACK_LLM_URL="),
        ({"records_url": f"postgresql://me:{SECRET}@127.0.0.1:1/records"}, "records", "FURY_AGENT_RECORDS_URL"),
        ({"records_url": f"mysql://me:{SECRET}@host/x"}, "records", ""),
        ({"reranker": "/no/such/model"}, "reranker", "FURY_AGENT_RERANKER"),
        ({"reranker": "http://127.0.0.1:1"}, "reranker", "FURY_AGENT_RERANKER"),
    ],
)
def test_what_is_missing_is_told_with_what_mends_it(
    library: Settings, embedding: openai.OpenAIServer, changes: dict[str, Any], part: str, remedy: str
) -> None:
    [finding] = found(library, part, **{"embedding_url": embedding.url, **changes})[part]
    assert finding.state == "missing"
    assert remedy in finding.remedy


def test_records_that_are_there_are_opened(library: Settings, tmp_path: Path) -> None:
    [told] = found(library, "records", records_url=f"sqlite:///{tmp_path}/r.sqlite")["records"]
    assert (told.state, "tables up to date" in told.found) == ("ok", True)


def test_a_misspelt_variable_is_told_with_the_nearest_setting(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FURY_AGENT_LLM_MODLE", "x")
    monkeypatch.setenv("FURY_AGENT_LLM_MODEL", SECRET)
    (finding,) = found(settings, "settings")["settings"]
    assert (finding.state, finding.remedy) == ("optional", "rename it to FURY_AGENT_LLM_MODEL")
    assert "FURY_AGENT_LLM_MODLE" in finding.found
    assert SECRET not in str(finding)


def test_a_variable_that_resembles_no_setting_is_likened_to_none(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FURY_AGENT_FOO", "x")
    (finding,) = found(settings, "settings")["settings"]
    assert finding.remedy == "fury-agent doctor --settings"


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("LLM_URL", "127.0.0.1:8001/v1", "a URL that begins with http:// or https://"),
        ("LIMIT_QUESTIONS", "20 per minute", "such as 20/minute, or 5/10 seconds, 200/day"),
        ("OTEL_ENDPOINT", f"ftp://{SECRET}", "a URL that begins with"),
    ],
)
def test_a_value_that_cannot_be_used_says_what_can_be(
    variable: str, value: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"FURY_AGENT_{variable}", value)
    with pytest.raises(ConfigurationError, match=f"FURY_AGENT_{variable}: should be {expected}") as raised:
        load_settings()
    assert value not in str(raised.value)


def test_redis_is_asked_where_there_is_one(settings: Settings, tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        address = SecretStr(server.url)
        assert [finding.state for finding in found(settings, "redis", redis_url=address)["redis"]] == ["ok"]
    (gone,) = found(settings, "redis", redis_url=address)["redis"]
    assert (gone.state, gone.remedy) == ("missing", "start it, or mend FURY_AGENT_REDIS_URL")
    assert found(settings, "redis") == {}


def test_the_quick_checks_ask_no_model(settings: Settings) -> None:
    with openai.serving(openai.answers) as server:
        examine(Settings(data_dir=settings.data_dir, llm="openai-like", llm_url=server.url), QUICK_CHECKS)
        assert server.requests == []


def test_a_check_that_hangs_or_breaks_is_a_finding_among_the_others(settings: Settings) -> None:
    def hangs(_: Settings) -> Iterator[Finding]:
        time.sleep(1)
        yield from ()

    def breaks(_: Settings) -> Iterator[Finding]:
        raise RuntimeError(SECRET)

    def works(_: Settings) -> Iterator[Finding]:
        yield Finding("c", "ok", "fine")

    told: list[str] = []
    checks = (Check("a", hangs, seconds=0.05), Check("b", breaks), Check("c", works))
    assert examine(settings, checks, progress=told.append) == (
        Finding("a", "missing", "no answer within 0.05 seconds", "try again later"),
        Finding("b", "missing", "the check failed with RuntimeError"),
        Finding("c", "ok", "fine"),
    )
    assert told == ["a", "b", "c"]


def test_what_is_missing_is_not_tried(settings: Settings) -> None:
    def missing(_: Settings) -> Iterator[Finding]:
        yield Finding("a", "missing", "not installed")

    def never(_: Settings) -> Iterator[Finding]:
        raise AssertionError

    assert len(examine(settings, (Check("a", missing), Check("a", never)))) == 1


def test_an_error_that_sends_people_here_is_given_a_remedy_of_its_own(settings: Settings) -> None:
    from agent.diagnosis.findings import attempt

    def fail() -> str:
        raise AgentError("It is down.", remedy="`fury-agent doctor` knows.")

    assert attempt("a", fail, "start it") == Finding("a", "missing", "It is down.", "start it")
    assert run(Check("a", lambda _: [attempt("a", fail)]), settings)[0].remedy == ""
