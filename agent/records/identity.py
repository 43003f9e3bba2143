"""People and questions under names that only this installation can make: HMAC-SHA-256 with a key of its own."""

from __future__ import annotations

import hmac
import os
import re
import secrets
from pathlib import Path

from filelock import FileLock
from sqlalchemy import Engine, select
from sqlalchemy.dialects.postgresql import insert

from agent.errors import ConfigurationError, RecordsUnavailable
from agent.records.tables import records_key
from agent.settings import Settings

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

    @property
    def fingerprint(self) -> str:
        """What tells two keys apart, and from which neither can be found."""
        return self._hash("fingerprint", "")

    def _hash(self, purpose: str, text: str) -> str:
        return hmac.new(self._key, f"{purpose}\0{text}".encode(), "sha256").hexdigest()


def read_key(settings: Settings) -> bytes:
    """Return the key of the settings, or that of the data directory: made at the first call, its owner's alone.

    Raises:
        ConfigurationError: the setting is not 64 hexadecimal digits; it is never shown.
        RecordsUnavailable: the file is not what was written.
        OSError: it cannot be read or written.
    """
    if settings.records_key is None:
        return _key_of(settings.records_key_file)
    digits = settings.records_key.get_secret_value()
    if not re.fullmatch(f"[0-9a-fA-F]{{{2 * KEY_BYTES}}}", digits):
        raise ConfigurationError(
            f"FURY_AGENT_RECORDS_KEY is {len(digits)} characters; expected {2 * KEY_BYTES} hexadecimal digits.",
            remedy="Make one: `openssl rand -hex 32`.",
            field="records_key",
        )
    return bytes.fromhex(digits)


def agree(engine: Engine, names: Pseudonyms) -> None:
    """Refuse a key that is not that of the other replicas: nobody could be forgotten by name any more.

    Only PostgreSQL is shared by machines; a file has its key beside it.

    Raises:
        RecordsUnavailable: another key is in use.
        SQLAlchemyError: the database failed.
    """
    if engine.dialect.name != "postgresql":
        return
    with engine.begin() as connection:
        ours = {"id": 1, "fingerprint": names.fingerprint}
        connection.execute(insert(records_key).values(ours).on_conflict_do_nothing())
        theirs = connection.execute(select(records_key.c.fingerprint)).scalar_one()
    if theirs != names.fingerprint:
        raise RecordsUnavailable(
            "The records are kept under another key than this machine's.",
            remedy="Give all replicas the same FURY_AGENT_RECORDS_KEY: see docs/replicas.md.",
        )


def _key_of(path: Path) -> bytes:
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
