"""People and questions under names that only this installation can make: HMAC-SHA-256 with a key of its own."""

from __future__ import annotations

import hmac
import os
import secrets
from pathlib import Path

from filelock import FileLock

from agent.errors import RecordsUnavailable

KEY_BYTES = 32


class Pseudonyms:
    """Names for people and questions that nobody can turn back, or try out, without the key.

    Args:
        key: secret bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def user(self, user: str) -> str:
        """Return the name of a person: 64 hexadecimal digits."""
        return self._hash("user", user)

    def question(self, question: str) -> str:
        """Return the name of a question, whatever its case and spacing."""
        return self._hash("question", " ".join(question.casefold().split()))

    def _hash(self, purpose: str, text: str) -> str:
        return hmac.new(self._key, f"{purpose}\0{text}".encode(), "sha256").hexdigest()


def read_key(path: Path) -> bytes:
    """Read the key, made at the first call; readable by its owner only.

    Raises:
        RecordsUnavailable: the file is not what was written.
        OSError: it cannot be read or written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock"), timeout=10):
        if not path.exists():
            _write(path, secrets.token_bytes(KEY_BYTES))
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise RecordsUnavailable(
            f"The key of the records {str(path)!r} has {len(key)} bytes; expected {KEY_BYTES}.",
            remedy="Restore it; or delete it, and people's earlier records can only expire, not be forgotten by name.",
        )
    return key


def _write(path: Path, key: bytes) -> None:
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(descriptor)
    beside.replace(path)
