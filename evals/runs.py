"""A run on disk: what was observed, one line each, appended as it comes.

A run holds observations, not scores: figures are computed from them when a report is made, so that an old run is scored
by today's scorers and cases. `run.json` says what was measured; `observations.jsonl` grows by whole lines, so that
after a kill everything but the question being asked is still there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import msgspec
from filelock import FileLock, Timeout
from msgspec import Struct

from agent.durable_files import storage_errors, write_atomically
from agent.errors import BuildLocked, InvalidInput
from agent.schema import Answer
from evals.cases import Case
from evals.code_requests import Request
from evals.observations import Asked, Coded, Identity, Judged, Observation, Retrieved

T = TypeVar("T")


class RunInfo(Struct, frozen=True):
    """`run.json`."""

    identity: Identity
    created: str


class Run:
    """A run's folder. Reading needs nothing; appending goes through `with run:`, by one process at a time.

    Args:
        folder: where it is kept.
        identity: what is measured.
        created: ISO 8601 time, UTC, of its first observation.
    """

    def __init__(self, folder: Path, identity: Identity, created: str) -> None:
        self.folder = folder
        self.identity = identity
        self.created = created
        self._observations = {entry.key: entry for entry in _read(self.file)}
        self._lock = FileLock(folder / ".lock", timeout=0)

    @classmethod
    def start(cls, root: Path, identity: Identity) -> Run:
        """Open the run of this identity under `root`, to go on with what is there.

        Raises:
            StorageError: the folder cannot be written.
        """
        folder = root / identity.name
        with storage_errors(folder, "--out"):
            folder.mkdir(parents=True, exist_ok=True)
            if not (folder / "run.json").exists():
                info = RunInfo(identity, datetime.now(UTC).isoformat(timespec="seconds"))
                write_atomically(folder / "run.json", msgspec.json.format(msgspec.json.encode(info)))
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> Run:
        """Read a run.

        Raises:
            InvalidInput: it is none, or it is damaged; names the file.
        """
        try:
            info = msgspec.json.decode((folder / "run.json").read_bytes(), type=RunInfo)
        except (OSError, msgspec.DecodeError) as error:
            raise InvalidInput(
                f"{str(folder)!r} is not a run: run.json cannot be read ({error}).",
                remedy="A run is a folder that `python -m evals` wrote.",
            ) from error
        return cls(folder, info.identity, info.created)

    @property
    def file(self) -> Path:
        """The observations, one JSON object a line."""
        return self.folder / "observations.jsonl"

    def __enter__(self) -> Self:
        with storage_errors(self.file, "--out"):
            try:
                self._lock.acquire()
            except Timeout:
                raise BuildLocked(
                    f"Another process is writing the run {str(self.folder)!r}.",
                    remedy="Wait for it, or use another --out.",
                ) from None
            _drop_torn_line(self.file)
            self._out = self.file.open("ab")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._out.close()
        self._lock.release()

    def append(self, entry: Observation) -> None:
        """Keep an observation: it survives a kill of this process from here on."""
        with storage_errors(self.file, "--out"):
            self._out.write(msgspec.json.encode(entry) + b"\n")
            self._out.flush()
        self._observations[entry.key] = entry

    def has(self, key: tuple[str, ...]) -> bool:
        """Whether it was observed before; what failed counts as not, and is tried again."""
        match self._observations.get(key):
            case None | Asked(answer=None) | Judged(passing=None) | Coded(answer=None):
                return False
            case Asked(answer=Answer(status="sources_only")):
                return False  # no language model answered
            case _:
                return True

    def systems(self) -> tuple[str, ...]:
        """Return the names of the systems that have searched, in the order in which they began."""
        return tuple(dict.fromkeys(entry.system for entry in self._entries(Retrieved)))

    def retrieved(self, system: str, cases: Iterable[Case]) -> dict[str, Retrieved]:
        """Return case id -> what a system found for the case as it is worded now."""
        found = ((case, self._observations.get(Retrieved.key_of(system, case.id, case.question))) for case in cases)
        return {case.id: entry for case, entry in found if isinstance(entry, Retrieved)}

    def asked(self, cases: Iterable[Case]) -> dict[str, Asked]:
        """Return case id -> answer to the case as it is worded now."""
        found = ((case, self._observations.get(Asked.key_of(case.id, case.question))) for case in cases)
        return {case.id: entry for case, entry in found if isinstance(entry, Asked)}

    def judges(self) -> tuple[str, ...]:
        """Return the names of the models that have judged."""
        return tuple(dict.fromkeys(entry.judge for entry in self._entries(Judged)))

    def judged(self, key: tuple[str, ...]) -> Judged | None:
        """Return a verdict."""
        entry = self._observations.get(key)
        return entry if isinstance(entry, Judged) else None

    def arms(self) -> tuple[str, ...]:
        """Return the names of the ways of answering that have written code, in the order in which they began."""
        return tuple(dict.fromkeys(entry.arm for entry in self._entries(Coded)))

    def coded(self, arm: str, requests: Iterable[Request]) -> dict[str, Coded]:
        """Return request id -> what an arm wrote for the request as it is worded now."""
        found = ((one, self._observations.get(Coded.key_of(arm, one.id, one.request))) for one in requests)
        return {one.id: entry for one, entry in found if isinstance(entry, Coded)}

    def _entries(self, kind: type[T]) -> Iterator[T]:
        return (entry for entry in self._observations.values() if isinstance(entry, kind))


def _read(path: Path) -> Iterator[Observation]:
    decoder = msgspec.json.Decoder(Observation)
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return
    except OSError as error:
        raise InvalidInput(f"The run's file {str(path)!r} cannot be read ({error}).") from error
    for number, line in enumerate(lines, start=1):
        if not line.endswith(b"\n"):
            return  # torn by a kill in mid-write: it was never finished
        try:
            yield decoder.decode(line)
        except msgspec.DecodeError as error:
            raise InvalidInput(
                f"{path}:{number}: not an observation ({error}).",
                remedy="Delete that line, or start afresh with --fresh.",
            ) from error


def _drop_torn_line(path: Path) -> None:
    """Cut what a kill left behind the last whole line, or the next line would be glued to it."""
    if not path.exists():
        return
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)


def list_runs(root: Path) -> list[Run]:
    """Return the readable runs under a folder, oldest first."""
    runs: list[Run] = []
    for file in root.glob("*/run.json"):
        try:
            runs.append(Run.open(file.parent))
        except InvalidInput:
            continue  # history shows what can be read
    return sorted(runs, key=lambda run: run.created)


def find_run(root: Path, name: str) -> Run:
    """Return a run by its folder, or by its name or a beginning of it under `root`.

    Raises:
        InvalidInput: none or several fit; lists the runs there are.
    """
    if (Path(name) / "run.json").exists():
        return Run.open(Path(name))
    known = [run.folder for run in list_runs(root)]
    fitting = [folder for folder in known if folder.name.startswith(name)] if name else []
    if len(fitting) != 1:
        listing = ", ".join(folder.name for folder in fitting or known) or "none"
        raise InvalidInput(
            f"{len(fitting)} runs fit {name!r}; expected one.", remedy=f"Runs under {str(root)!r}: {listing}."
        )
    return Run.open(fitting[0])
