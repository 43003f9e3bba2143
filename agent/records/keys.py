"""API keys: made here, shown once, and kept as digests only."""

from __future__ import annotations

import hashlib
import re
import secrets
import time

from msgspec import Struct
from sqlalchemy import URL, Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from agent.errors import InvalidInput
from agent.records.database import database_errors, with_mode
from agent.records.tables import api_keys

PREFIX = "fury_"
"""By which people, and programs that look for leaked secrets, know what it is."""
_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class ApiKey(Struct, frozen=True):
    """A key as it is kept.

    Attributes:
        name: who has it.
        digest: SHA-256 of the key, 64 hexadecimal digits.
        made, revoked: seconds since 1970, UTC; `revoked` is None while the key counts.
    """

    name: str
    digest: str
    made: float
    revoked: float | None


class ApiKeys:
    """The keys in a database; every method blocks, and is one transaction.

    Args:
        engine: an open database.
        url: its address, for messages.
    """

    def __init__(self, engine: Engine, url: URL) -> None:
        self._url = url
        self._reading = with_mode(engine, "reading")
        self._durable = with_mode(engine, "durable")

    def add(self, name: str) -> str:
        """Make a key and return it; it can never be shown again.

        Raises:
            InvalidInput: the name cannot be used, or is taken, be it by a revoked key.
        """
        if not _NAME.fullmatch(name):
            raise InvalidInput(
                f"{name!r} is no name for a key; expected up to 64 of A-Z a-z 0-9 . _ -, a letter or digit first.",
                field="name",
            )
        key = f"{PREFIX}{secrets.token_urlsafe(_BYTES)}"
        row = {"name": name, "digest": digest(key), "made": time.time()}
        with database_errors(self._url):
            try:
                with self._durable.begin() as connection:
                    connection.execute(insert(api_keys), row)
            except IntegrityError as error:
                raise InvalidInput(
                    f"There is a key {name!r} already.",
                    remedy="Choose another name: those of revoked keys stay taken.",
                    field="name",
                ) from error
        return key

    def all(self) -> tuple[ApiKey, ...]:
        """Return every key that was ever made, oldest first."""
        with database_errors(self._url), self._reading.connect() as connection:
            return tuple(ApiKey(*row) for row in connection.execute(select(api_keys).order_by(api_keys.c.made)))

    def revoke(self, name: str) -> None:
        """Let a key count no longer.

        Raises:
            InvalidInput: there is no such key.
        """
        mine = update(api_keys).where(api_keys.c.name == name, api_keys.c.revoked.is_(None))
        with database_errors(self._url), self._durable.begin() as connection:
            changed = connection.execute(mine.values(revoked=time.time())).rowcount
        if not changed:
            raise InvalidInput(f"There is no key {name!r} that counts.", remedy="`fury-agent keys list` shows them.")


def digest(key: str) -> str:
    """Return what is kept of a key. No salt and no slow hash: 256 random bits cannot be guessed."""
    return hashlib.sha256(key.encode()).hexdigest()
