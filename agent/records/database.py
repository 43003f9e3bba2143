"""The database of the records: opened, migrated under a lock, and its failures translated."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from agent.errors import ConfigurationError, MissingExtra, RecordsUnavailable
from agent.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"
PATIENCE = 5
"""Seconds to wait for a lock, a connection or a statement: a question's record is never worth more."""
OPENING = 60
"""Seconds to wait while another process migrates."""
_ADVISORY_LOCK = 0x66757279  # any number, the same in every process: "fury"
Mode = Literal["reading", "durable"]
_MODE = "records_mode"
_log = logging.getLogger(__name__)


def url_of(settings: Settings) -> URL:
    """Return where the records are.

    Raises:
        ConfigurationError: the setting is no URL of SQLite or PostgreSQL; it is never shown: it may hold a password.
    """
    if settings.records_url is None:
        return URL.create("sqlite", database=str(settings.records_file))
    expected = "expected sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
    try:
        url = make_url(settings.records_url.get_secret_value())
    except (ArgumentError, ValueError):
        raise ConfigurationError(
            f"FURY_AGENT_RECORDS_URL is no URL of a database; {expected}.", field="records_url"
        ) from None  # the message has the URL
    backend = {"postgres": "postgresql"}.get(url.get_backend_name(), url.get_backend_name())
    if backend == "sqlite" and url.database and url.database != ":memory:":
        return url.set(drivername="sqlite")
    if backend == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    raise ConfigurationError(
        f"FURY_AGENT_RECORDS_URL asks for {backend!r} without a file, or for an unknown database; {expected}.",
        field="records_url",
    )


def name_of(url: URL) -> str:
    """Say which database this is, without what may be secret in its URL."""
    return repr(url.database) if url.drivername == "sqlite" else f"{url.database!r} on {url.host or 'localhost'}"


def open_database(settings: Settings) -> Engine:
    """Connect, and bring the tables up to date; safe while other processes do the same.

    Raises:
        RecordsUnavailable: unreachable, not writable, damaged, locked, or written by a newer fury-agent.
        ConfigurationError, MissingExtra: the setting names no database, or its driver is not installed.
    """
    url = url_of(settings)
    with database_errors(url):
        engine = _engine(url)
        try:
            with _opening(url):
                _migrate(engine, url)
        except BaseException:
            engine.dispose()
            raise
    return engine


def with_mode(engine: Engine, mode: Mode) -> Engine:
    """Return the same database for some transactions; on PostgreSQL all are alike.

    Without a mode, what is committed in SQLite survives the end of the process, however sudden. `durable`, it also
    survives a power cut, which costs a flush of the disk. `reading` ones wait for nobody.
    """
    return engine.execution_options(**{_MODE: mode})


@contextmanager
def database_errors(url: URL) -> Generator[None]:
    """Translate what SQLAlchemy, the driver and the disk say.

    Raises:
        RecordsUnavailable: names the database, and what it said.
    """
    try:
        yield
    except (SQLAlchemyError, OSError, Timeout) as error:
        said = str(getattr(error, "orig", None) or error).partition("\n")[0]
        if url.password:
            said = said.replace(str(url.password), "***")
        raise RecordsUnavailable(
            f"The records in {name_of(url)} cannot be used ({said}).",
            remedy="Answers go on without them. Mend it, or choose another place with FURY_AGENT_RECORDS_URL.",
        ) from error


def _engine(url: URL) -> Engine:
    try:
        engine = create_engine(url, **_options(url))
    except NoSuchModuleError as error:
        raise ConfigurationError("FURY_AGENT_RECORDS_URL asks for an unknown database.", field="records_url") from error
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"Records in PostgreSQL need the package {error.name!r}, which is not installed.",
            remedy="Run `pip install 'fury-agent[postgres]'`.",
        ) from error
    if url.drivername == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _options(url: URL) -> dict[str, Any]:
    if url.drivername == "sqlite":
        return {"connect_args": {"timeout": PATIENCE}}
    limits = f"-c statement_timeout={PATIENCE}s -c lock_timeout={PATIENCE}s"
    return {"pool_pre_ping": True, "connect_args": {"connect_timeout": PATIENCE, "options": limits}}


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver would begin no transaction before a change of tables
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    mode = connection.get_execution_options().get(_MODE)
    connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if mode == 'durable' else 'NORMAL'}")
    # What writes takes its lock at once: one that turns from reading to writing would fail instead of waiting.
    connection.exec_driver_sql("BEGIN" if mode == "reading" else "BEGIN IMMEDIATE")


@contextmanager
def _opening(url: URL) -> Generator[None]:
    """Keep other processes of this machine out while a file is made and switched to WAL, which waits for no lock."""
    if url.drivername != "sqlite":
        yield
        return
    file = Path(str(url.database))
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))  # questions are nobody else's business
    with FileLock(file.with_name(f".{file.name}.lock"), timeout=OPENING):
        yield


def _migrate(engine: Engine, url: URL) -> None:
    """Bring the tables up to date in one transaction: after a kill they are as before."""
    from alembic import command
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    known = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        current = MigrationContext.configure(connection).get_current_revision()
        if current == known[0]:
            return
        if current is not None and current not in known:
            raise RecordsUnavailable(
                f"The records in {name_of(url)} have layout {current!r}; this fury-agent knows up to {known[0]!r}.",
                remedy="Use the newer fury-agent that wrote them, or another place with FURY_AGENT_RECORDS_URL.",
            )
        _log.info("The records in %s are brought from layout %s to %s.", name_of(url), current, known[0])
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
