"""pip's configuration, as pip lists it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from agent.errors import ConfigurationError
from agent.sources.pip_config import PipConfig, parse_pip_config, read_pip_config


def test_the_environment_wins_over_files_and_words_are_split(tmp_path: Path) -> None:
    listing = f"""
    :env:.index-url='https://env/simple'
    global.index-url='https://file/simple'
    global.extra-index-url='https://a/simple\\nhttps://b/simple'
    install.trusted-host='a b'
    global.find-links='{tmp_path} {tmp_path}/missing https://c/links'
    global.no-index='true'
    freeze.cert='/not/ours'
    noise
    """
    assert parse_pip_config(listing) == PipConfig(
        index_url="https://env/simple",
        extra_index_urls=("https://a/simple", "https://b/simple"),
        trusted_hosts=("a", "b"),
        find_links=(str(tmp_path), "https://c/links"),
        no_index=True,
    )


def test_pip_itself_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://example.org/simple")
    assert read_pip_config().index_url == "https://example.org/simple"


@pytest.mark.parametrize("error", [FileNotFoundError(), subprocess.TimeoutExpired("pip", 1)])
def test_without_pip_the_default_index_is_meant(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_arguments: Any, **_options: Any) -> None:
        raise error

    monkeypatch.setattr(subprocess, "run", fail)
    assert read_pip_config() == PipConfig()


def test_a_certificate_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for name in ("ca.pem", "missing.pem"):
        with pytest.raises(ConfigurationError, match=name):
            PipConfig(cert=str(tmp_path / name)).tls()
    assert PipConfig().tls() is True
