"""A run on disk: what was observed, one line each, appended as it comes.

A run holds observations, not scores: figures are computed from them when a report is made, so that an old run is scored
by today's scorers and cases. `run.json` says what was measured; `observations.jsonl` grows by whole lines, so that
after a kill everything but the question being asked is still there.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from filelock import FileLock, Timeout
from msgspec import Struct

import agent
from agent.errors import BuildLocked, InvalidInput
from agent.generations import storage_errors, write_atomically
from agent.schema import Answer, Passage
from evals.places import Place

PACKAGE = Path(agent.__file__).parent


class Identity(Struct, frozen=True, kw_only=True):
    """What was measured.

    Attributes:
        code: git revision of fury-agent, with a digest of the sources where they differ from it.
        index: digest of what the index was made from and with; of a service by URL, of what it says of its index.
        model: the LLM that answers, or `none`.
        settings: digest of all settings that may change a result.
        answerer: `engine`, or the URL of the service.
        seed: of every sampling that is not the model's own; models are asked at temperature 0.
    """

    code: str
    library: str
    version: str
    revision: str
    index: str
    embedding: str
    model: str
    settings: str
    answerer: str = "engine"
    seed: int = 0

    @property
    def name(self) -> str:
        """Folder name: git revision, library and index revision, model, and the rest as a digest."""
        rest = hashlib.sha256(f"{self.settings}{self.answerer}{self.seed}".encode()).hexdigest()[:6]
        parts = (self.code, f"{self.library}-{self.version}", self.index[:8], self.model, rest)
        return "_".join(re.sub(r"[^\w.+-]+", "-", part) for part in parts)


class Retrieved(Struct, frozen=True, tag="retrieved", tag_field="type"):
    """What one system found for one question.

    Attributes:
        system: which rankings, or which peer.
        confidence: cosine of the question with the nearest chunk, where the system has one.
        milliseconds: duration of the search, without the embedding of the question (those are made in one batch).
    """

    system: str
    case: str
    question: str
    places: tuple[Place, ...]
    confidence: float | None = None
    milliseconds: float = 0.0

    @property
    def key(self) -> tuple[str, ...]:
        """What makes two observations the same."""
        return ("retrieved", self.system, self.case, self.question)


class Asked(Struct, frozen=True, tag="asked", tag_field="type"):
    """What was answered to one question.

    Attributes:
        answer: the final reply, or None where there was an error.
        error: why there is no answer.
        passages: what was found for the question, best first, with its text.
        first_token_ms, total_ms: as the caller saw them; None where no token came.
        tokens: pieces of text that the model sent, one a token from every server that streams token by token.
    """

    case: str
    question: str
    answer: Answer | None = None
    error: str | None = None
    passages: tuple[Passage, ...] = ()
    first_token_ms: float | None = None
    total_ms: float = 0.0
    tokens: int = 0

    @property
    def key(self) -> tuple[str, ...]:
        """What makes two observations the same."""
        return ("asked", self.case, self.question)


class Judged(Struct, frozen=True, tag="judged", tag_field="type"):
    """What an LLM said of one answer, or of one hand-labelled example.

    Attributes:
        judge: the model that judged.
        measure: `faithfulness`, `relevancy` or `correctness`.
        subject: the case's id, or the example's.
        expected: the hand-given label, where the subject is an example that measures the judge.
        answer: the judged text.
        passing: the verdict; None where the judge failed, and `reason` says why.
    """

    judge: str
    measure: str
    subject: str
    answer: str
    expected: bool | None = None
    passing: bool | None = None
    reason: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """What makes two observations the same."""
        return ("judged", self.judge, self.measure, self.subject, self.answer)


Observation = Retrieved | Asked | Judged


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
    def start(cls, root: Path, identity: Identity, *, fresh: bool = False) -> Run:
        """Open the run of this identity under `root`: go on with what is there, or start afresh.

        Raises:
            StorageError: the folder cannot be written.
        """
        folder = root / identity.name
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            if fresh:
                (folder / "observations.jsonl").unlink(missing_ok=True)
                (folder / "run.json").unlink(missing_ok=True)
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
        try:
            self._lock.acquire()
        except Timeout:
            raise BuildLocked(
                f"Another process is writing the run {str(self.folder)!r}.", remedy="Wait for it, or use another --out."
            ) from None
        with storage_errors(self.file):
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
        with storage_errors(self.file):
            self._out.write(msgspec.json.encode(entry) + b"\n")
            self._out.flush()
        self._observations[entry.key] = entry

    def has(self, key: tuple[str, ...]) -> bool:
        """Whether it was observed before; an answer that failed or a judge that failed counts as not."""
        entry = self._observations.get(key)
        match entry:
            case None | Asked(answer=None) | Judged(passing=None):
                return False
            case _:
                return True

    def retrieved(self) -> Mapping[str, dict[str, Retrieved]]:
        """Return system -> case id -> what it found."""
        found: dict[str, dict[str, Retrieved]] = {}
        for entry in self._observations.values():
            if isinstance(entry, Retrieved):
                found.setdefault(entry.system, {})[entry.case] = entry
        return found

    def asked(self) -> dict[str, Asked]:
        """Return case id -> answer."""
        return {entry.case: entry for entry in self._observations.values() if isinstance(entry, Asked)}

    def judged(self) -> list[Judged]:
        """Return all verdicts."""
        return [entry for entry in self._observations.values() if isinstance(entry, Judged)]


def _read(path: Path) -> Iterator[Observation]:
    decoder = msgspec.json.Decoder(Observation)
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return
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
