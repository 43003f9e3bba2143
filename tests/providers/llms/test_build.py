"""Settings name an LLM, and get it or a remedy; keys stay out of sight."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.llms.mock import MockLLM

from agent.errors import ConfigurationError, MissingExtra, WeightsMissing
from agent.providers.llms import build_llm, count_tokens, model_name
from agent.settings import Settings, load_settings


def test_none_is_no_llm(settings: Settings) -> None:
    assert build_llm(settings.model_copy(update={"llm": "none"})) is None


def test_a_server_without_address_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="FURY_AGENT_LLM_URL") as caught:
        build_llm(Settings(llm="openai-like"))
    assert caught.value.field == "llm_url"


def test_the_key_shows_nowhere() -> None:
    llm = build_llm(load_settings(llm="openai-like", llm_url="http://127.0.0.1:1/v1", llm_key="sk-secret"))
    assert llm is not None
    assert "sk-secret" not in f"{llm!r} {llm} {llm.to_payload()} {llm.model_dump()}"


def test_missing_weights_are_told_when_building() -> None:
    with pytest.raises(WeightsMissing):
        build_llm(Settings(llm_model="/nowhere/model.gguf"))


def test_a_missing_package_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    found = importlib.util.find_spec

    def without_xllamacpp(name: str, package: str | None = None) -> Any:
        return None if name == "xllamacpp" else found(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without_xllamacpp)
    with pytest.raises(MissingExtra, match=r"pip install 'fury-agent\[embedded\]'"):
        build_llm(settings)


def test_a_file_of_the_users_own_is_called_by_its_name(tmp_path: Path) -> None:
    weights = tmp_path / "my-model.gguf"
    weights.write_bytes(b"GGUF")
    llm = build_llm(Settings(llm_model=str(weights)))
    assert llm is not None
    assert model_name(llm) == "my-model"


def test_tokens_are_counted_without_a_network_where_the_model_cannot_tell() -> None:
    assert count_tokens(MockLLM(), "FURY draws spheres.") == pytest.approx(5, abs=2)
    assert count_tokens(MockLLM(), "") == 0
