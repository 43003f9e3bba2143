"""What a run may use, and what it is using.

The kernel holds the limits of single processes (`setrlimit`, set within the walls). It has none for the memory of all
of them together without a cgroup of our own, which a plain program rarely gets; so that one is watched.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from agent.settings import Settings

TEMPORARY_BYTES = 256_000_000
"""Size of the private `/tmp`, the only place that can be written; it lies in memory."""
SHARED_MEMORY_BYTES = 64_000_000
MAX_FILE_BYTES = 64_000_000
MAX_OPEN_FILES = 512
MAX_PICTURE_BYTES = 8_000_000


class Limits(Struct, frozen=True):
    """Limits of one run.

    Attributes:
        seconds: time on the wall for everything.
        cpu_seconds: processor time of each process.
        memory_bytes: of each process by the kernel, of all together by watching.
        processes: processes and threads at once.
        output_bytes: what may be printed.
    """

    seconds: float
    cpu_seconds: int
    memory_bytes: int
    processes: int
    output_bytes: int

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Return what the settings say."""
        return cls(
            seconds=settings.sandbox_timeout,
            cpu_seconds=settings.sandbox_cpu_seconds,
            memory_bytes=settings.sandbox_memory_bytes,
            processes=settings.sandbox_processes,
            output_bytes=settings.sandbox_output_bytes,
        )

    def for_each_process(self) -> dict[str, int]:
        """Return the limits by the names that `resource` gives them.

        Private memory is limited and not the address space: a Vulkan driver reserves far more than it uses (measured:
        1.7 GB for a sphere, of which 0.5 GB are private and 0.3 GB in use).
        """
        return {
            "RLIMIT_CPU": self.cpu_seconds,
            "RLIMIT_DATA": self.memory_bytes,
            "RLIMIT_NPROC": self.processes,
            "RLIMIT_FSIZE": MAX_FILE_BYTES,
            "RLIMIT_NOFILE": MAX_OPEN_FILES,
            "RLIMIT_CORE": 0,
            "RLIMIT_MSGQUEUE": 0,
        }


def memory_in_use(pid: int) -> int:
    """Return the bytes of memory that `pid` and all its descendants hold, files mapped from disk apart.

    Nobody can leave the tree: orphans within the walls are adopted by the first process there.
    """
    return sum(_resident(process) for process in _tree(pid))


def _tree(pid: int) -> Iterator[Path]:
    waiting = [pid]
    while waiting:
        process = Path("/proc", str(waiting.pop()))
        yield process
        try:
            threads = list((process / "task").iterdir())
        except OSError:  # it has ended meanwhile
            continue
        for thread in threads:
            waiting += (int(child) for child in _read(thread / "children").split())


def _resident(process: Path) -> int:
    fields = dict(line.split(":", 1) for line in _read(process / "status").splitlines() if ":" in line)
    kilobytes = (fields.get(name, "0").split()[0] for name in ("RssAnon", "RssShmem"))
    return 1024 * sum(int(value) for value in kilobytes)


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:  # it has ended meanwhile
        return ""
