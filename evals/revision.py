"""Which revision of fury-agent is measured."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import agent

PACKAGE = Path(agent.__file__).parent


def code_revision() -> str:
    """Return the git revision that is measured; `+` and a digest where the sources of `agent` differ from it."""
    revision = _git("rev-parse", "--short=9", "HEAD")
    # Installed into an environment inside somebody's repository, that repository's revision says nothing of us.
    if revision is None or _git("ls-files", "--error-unmatch", "__init__.py") is None:
        return f"v{agent.__version__}-{_sources_digest()}"
    return revision if _git("status", "--porcelain", "--", ".") == "" else f"{revision}+{_sources_digest()}"


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(PACKAGE), *arguments], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _sources_digest() -> str:
    total = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        total.update(path.read_bytes())
    return total.hexdigest()[:6]
