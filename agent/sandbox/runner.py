"""One run of code within the walls, watched from outside: time, memory and output are bounded, whatever it does."""

from __future__ import annotations

import json
import os
import re
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager

from msgspec import Struct

from agent.cancellation import CancelToken
from agent.errors import InvalidInput, SandboxUnavailable
from agent.sandbox.environment import find_environment
from agent.sandbox.limits import MAX_PICTURE_BYTES, Limits, memory_in_use
from agent.sandbox.pictures import clean_png
from agent.sandbox.policy import ANSWER, LAUNCHER, PYTHON, VARIABLES, contents, run_as, walls
from agent.sandbox.syscalls import compiled_filter
from agent.schema import MAX_CODE
from agent.settings import Settings

TAIL = 4_000
"""Characters of the output that are kept."""
TICK = 0.05
"""Seconds between two looks at a run."""
_LINE_OF_CODE = re.compile(rf'^  File "{re.escape(ANSWER)}", line (\d+)', re.MULTILINE)
_LINE_OF_PACKAGE = re.compile(
    r'^  File "/environment/lib/[^"\n]*?/site-packages/(?P<path>(?P<package>\w+)[^"\n]*)"'
    r"(?P<place>, line \d+, in (?!__getattr__$).*)\n(?:    (?P<source>.*)\n)?",
    re.MULTILINE,
)
"""A frame in an installed package; where a name was only looked for, the error's own words say it all."""
_MOST_OF_PLACE = 300
"""Characters that say where in a package an error arose."""


class SandboxResult(Struct, frozen=True):
    """What became of the code.

    Attributes:
        ok: it ended by itself and without an error.
        seconds: how long it ran, on the wall.
        image: a PNG that was decoded and written anew, or None if there is none.
        refused: a picture came out that was not passed on: see `clean_png`.
        output: the end of what it printed, without control characters.
        error: why it is not ok, in one to three lines: the line of the code, where that is known; the innermost place
            in the package that this line called; and what Python said.
    """

    ok: bool
    seconds: float
    image: bytes | None
    output: str
    error: str | None
    refused: bool = False


class Sandbox:
    """Runs code with one version of a library; can be used by many threads at once.

    Args:
        settings: name the limits and the data directory.
        library: name of the library.
        version: the version whose environment was prepared.

    Raises:
        SandboxUnavailable: bubblewrap, libseccomp or the environment is missing.
    """

    def __init__(self, settings: Settings, library: str, version: str) -> None:
        environment = find_environment(settings, library, version)
        if environment is None:
            raise SandboxUnavailable(
                f"The sandbox has no environment of {library} {version}.",
                remedy=f"Prepare it: `fury-agent sandbox prepare '{library}=={version}'`.",
            )
        self._environment = environment
        self._limits = Limits.of(settings)
        self._program = find_program()
        self._filter = compiled_filter()

    def run(self, code: str, *, cancel: CancelToken | None = None) -> SandboxResult:
        """Run `code` as a script of its own and wait for its end; nothing of it outlives the call.

        Raises:
            InvalidInput: the code is longer than 200,000 characters.
            Cancelled: the caller has gone.
            SandboxUnavailable: the walls could not be built.
        """
        if len(code) > MAX_CODE:
            raise InvalidInput(f"The code has {len(code)} characters; {MAX_CODE} can be run.", field="code")
        token = cancel or CancelToken()
        start = time.monotonic()
        with self._started(code) as (process, pipes), token.calls(process.kill):
            watch = _Watch(process, pipes, self._limits)
            watch.until_the_end()
        token.check()
        if process.returncode and watch.stderr.startswith(b"bwrap: "):
            raise SandboxUnavailable(
                f"The sandbox could not start: {_text(watch.stderr)}.",
                remedy="`fury-agent doctor` says what is missing.",
            )
        error = watch.broken or _error(process.returncode, _text(watch.stderr), code)
        image = clean_png(watch.picture)
        return SandboxResult(
            ok=error is None,
            seconds=time.monotonic() - start,
            image=image,
            refused=bool(watch.picture) and image is None,
            output=_text(watch.stdout).strip(),
            error=error,
        )

    @contextmanager
    def _started(self, code: str) -> Generator[tuple[subprocess.Popen[bytes], list[int]]]:
        """Start the code; yields the process and the reading ends of stdout, stderr and the picture."""
        with ExitStack() as stack:

            def close_later(descriptor: int) -> int:
                stack.callback(os.close, descriptor)
                return descriptor

            files = {path: close_later(_in_memory(data)) for path, data in contents(code).items()}
            filter_ = close_later(_in_memory(self._filter))
            reading, writing = zip(*(os.pipe() for _ in range(3)), strict=True)
            for descriptor in reading:
                close_later(descriptor)
            stdout, stderr, picture = writing
            try:
                process = subprocess.Popen(
                    [
                        *walls(self._program, self._environment, files, filter_),
                        *(PYTHON, LAUNCHER, ANSWER, self._order(picture)),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                    pass_fds=(*files.values(), filter_, picture),
                    env=dict(VARIABLES),
                )
            finally:
                for descriptor in writing:
                    os.close(descriptor)
            try:
                yield process, list(reading)
            finally:
                process.kill()  # the first process within dies with it, and takes all others along
                process.wait()

    def _order(self, picture: int) -> str:
        order = {
            "user": run_as(),
            "limits": self._limits.for_each_process(),
            "display": self._environment.has("vtkmodules"),
            "picture": picture,
            "picture_bytes": MAX_PICTURE_BYTES,
        }
        return json.dumps(order)


class _Watch:
    """Reads what a run says, within bounds, and ends it where it uses more than it may.

    Attributes:
        stdout, stderr: the last bytes of each.
        picture: the bytes of the picture.
        broken: which limit was passed, in words, or None.
    """

    def __init__(self, process: subprocess.Popen[bytes], pipes: list[int], limits: Limits) -> None:
        self._process = process
        self._limits = limits
        self._deadline = time.monotonic() + limits.seconds
        self._said = 0
        self._selector = selectors.DefaultSelector()
        for descriptor, name in zip(pipes, ("stdout", "stderr", "picture"), strict=True):
            os.set_blocking(descriptor, False)
            self._selector.register(descriptor, selectors.EVENT_READ, name)
        self.stdout = self.stderr = self.picture = b""
        self.broken: str | None = None

    def until_the_end(self) -> None:
        """Return when the run is over, or was ended."""
        with self._selector:
            while self._process.poll() is None and self.broken is None:
                self._read(TICK)
                self.broken = self.broken or self._passed()
            if self.broken is None:
                self._read(0)

    def _read(self, wait: float) -> None:
        """Take what is there; what is left in a pipe after the process has ended fits in one read."""
        while ready := self._selector.select(wait):
            for key, _ in ready:
                data = os.read(key.fd, 1 << 20)
                if not data:
                    self._selector.unregister(key.fd)
                else:
                    self._take(key.data, data)
            wait = 0
            if self.broken or time.monotonic() > self._deadline:
                return

    def _take(self, name: str, data: bytes) -> None:
        if name == "picture":
            self.picture += data
            if len(self.picture) > MAX_PICTURE_BYTES:
                self.picture, self.broken = b"", f"Its picture has more than {MAX_PICTURE_BYTES // 1_000_000} MB."
            return
        self._said += len(data)
        setattr(self, name, (getattr(self, name) + data)[-4 * TAIL :])
        if self._said > self._limits.output_bytes:
            self.broken = f"It printed more than {self._limits.output_bytes:,} bytes and was ended."

    def _passed(self) -> str | None:
        if time.monotonic() > self._deadline:
            return f"It did not end within {self._limits.seconds:g} s."
        if memory_in_use(self._process.pid) > self._limits.memory_bytes:
            return f"It used more than {self._limits.memory_bytes // 1_000_000:,} MB of memory and was ended."
        return None


def find_program() -> str:
    """Return the path of bubblewrap.

    Raises:
        SandboxUnavailable: it is not installed.
    """
    program = shutil.which("bwrap")
    if program is None:
        raise SandboxUnavailable("bubblewrap is not installed.", remedy="apt-get install bubblewrap")
    return program


def _in_memory(data: bytes) -> int:
    descriptor = os.memfd_create("sandbox")
    os.write(descriptor, data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _text(data: bytes) -> str:
    """Return the last characters, without what could steer a terminal."""
    text = data.decode(errors="replace")
    return "".join(character for character in text if character.isprintable() or character in "\n\t")[-TAIL:]


def _error(returncode: int, stderr: str, code: str) -> str | None:
    if returncode == 0:
        return None
    if returncode - 128 in set(signal.Signals):  # as shells count
        return f"It was ended by {_signal(returncode - 128)}."
    traceback = stderr[max(stderr.rfind("Traceback (most recent call last)"), 0) :]
    *_, last = (line for line in [f"Exit code {returncode}.", *traceback.splitlines()] if line.strip())
    found = list(_LINE_OF_CODE.finditer(traceback))
    if not found:
        return last.strip()
    said = next((line for line in traceback[traceback.rfind('  File "') :].splitlines() if line[:1].strip()), last)
    number, lines = int(found[-1][1]), code.splitlines()
    source = lines[number - 1].strip() if number <= len(lines) else ""
    return "\n".join([f"Line {number}: {source}", *_within(traceback[found[-1].end() :]), said.strip()])


def _within(frames: str) -> Iterator[str]:
    """Yield where an error arose in the package that was called, as Python writes it, but with its path there."""
    called = list(_LINE_OF_PACKAGE.finditer(frames))
    own = [frame for frame in called if frame["package"] == called[0]["package"]]
    for frame in own[-1:]:
        source = f": {frame['source'].strip()}" if frame["source"] else ""
        yield f'File "{frame["path"]}"{frame["place"]}{source}'[:_MOST_OF_PLACE]


def _signal(number: int) -> str:
    names = {signal.SIGXCPU: "its limit of processor time (SIGXCPU)", signal.SIGKILL: "the system (SIGKILL)"}
    try:
        known = signal.Signals(number)
    except ValueError:
        return f"signal {number}"
    return names.get(known, known.name)
