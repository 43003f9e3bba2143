"""Where pip on this machine gets packages from, as pip itself says."""

from __future__ import annotations

import ast
import re
import ssl
import subprocess
import sys
from pathlib import Path

from msgspec import Struct

from agent.errors import ConfigurationError
from agent.settings import child_environment

_LINE = re.compile(r"(?P<section>:env:|global|install|download)\.(?P<name>[\w-]+)=(?P<value>.*)")
_SECTIONS = ("global", "install", "download", ":env:")  # later ones win, as with pip
_TIMEOUT = 60.0  # seconds; pip answers within one, but Python may start slowly from a network drive


class PipConfig(Struct, frozen=True):
    """pip's settings about package indexes; without any, pip's default index is meant."""

    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    trusted_hosts: tuple[str, ...] = ()
    proxy: str | None = None
    cert: str | None = None
    client_cert: str | None = None

    def tls(self) -> ssl.SSLContext | bool:
        """Return how to verify servers: by the configured certificates, or by the default ones (True).

        Raises:
            ConfigurationError: a certificate cannot be read.
        """
        if not (self.cert or self.client_cert):
            return True
        try:
            bundle = Path(self.cert) if self.cert else None
            is_folder = bundle is not None and bundle.is_dir()
            context = ssl.create_default_context(
                cafile=None if is_folder else bundle, capath=bundle if is_folder else None
            )
            if self.client_cert:
                context.load_cert_chain(self.client_cert)
        except OSError as error:  # ssl.SSLError is one
            raise ConfigurationError(
                f"pip's cert {self.cert!r} or client-cert {self.client_cert!r} cannot be used: {error}.",
                remedy="`pip config debug` shows where it is set.",
            ) from error
        return context


def read_pip_config() -> PipConfig:
    """Ask pip for its settings (files and environment); where there is no pip, they are empty."""
    try:
        listed = subprocess.run(
            [sys.executable, "-m", "pip", "config", "list"],
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=_TIMEOUT,
        )
    except (OSError, subprocess.SubprocessError):
        return PipConfig()
    return parse_pip_config(listed.stdout.decode(errors="replace"))


def parse_pip_config(listing: str) -> PipConfig:
    """Read the output of `pip config list`: one `section.name='value'` a line."""
    lines = [match for line in listing.splitlines() if (match := _LINE.fullmatch(line.strip()))]
    lines.sort(key=lambda match: _SECTIONS.index(match["section"]))
    values = {match["name"]: _literal(match["value"]) for match in lines}

    def words(name: str) -> tuple[str, ...]:
        return tuple(values.get(name, "").split())

    return PipConfig(
        index_url=values.get("index-url") or None,
        extra_index_urls=words("extra-index-url"),
        # pip passes over folders that are missing
        find_links=tuple(link for link in words("find-links") if "://" in link or Path(link).exists()),
        no_index=values.get("no-index", "").lower() in ("1", "true", "yes", "on"),
        trusted_hosts=words("trusted-host"),
        proxy=values.get("proxy") or None,
        cert=values.get("cert") or None,
        client_cert=values.get("client-cert") or None,
    )


def _literal(text: str) -> str:
    try:
        return str(ast.literal_eval(text))
    except (SyntaxError, ValueError):
        return text
