"""The walls: bubblewrap's command line, and what exists within them.

There is no network, no other process, no device but the harmless ones, no file but the system's programs and libraries
and the library's own environment (all read-only), and no variable but those named here. Started by an ordinary user,
code runs in a user namespace of its own. Started by root, that would make it root's own process under another name;
so it runs as a user that nobody is instead (`inside/launch.py` changes to it), without any capability either way.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path

from agent.sandbox.environment import Environment
from agent.sandbox.limits import SHARED_MEMORY_BYTES, TEMPORARY_BYTES

PYTHON = "/environment/bin/python"
ANSWER = "/answer/answer.py"
LAUNCHER = "/sandbox/launch.py"
HOOKS = "/sandbox/hooks/sitecustomize.py"

TRANSIENT_USERS = range(61184, 65520)
"""Numbers that no user has: systemd keeps them for services that it invents a user for."""

_SYSTEM_LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_SYSTEM_FILES = ("ld.so.cache", "alternatives", "fonts", "vulkan", "glvnd", "localtime")
_THREADS = "4"
"""Of each numerical library; they would start one per core of the machine."""

VARIABLES: Mapping[str, str] = {
    "PATH": "/environment/bin:/usr/bin:/bin",
    "HOME": "/tmp",  # noqa: S108 - within the walls it is private
    "TMPDIR": "/tmp",  # noqa: S108 - same
    "XDG_RUNTIME_DIR": "/tmp",  # noqa: S108 - same
    "LANG": "C.UTF-8",
    "PYTHONPATH": str(Path(HOOKS).parent),
    "PYTHONDONTWRITEBYTECODE": "1",
    "RENDERCANVAS_FORCE_OFFSCREEN": "1",
    "FURY_OFFSCREEN": "1",
    "QT_QPA_PLATFORM": "offscreen",
    "MPLBACKEND": "Agg",
    "LP_NUM_THREADS": _THREADS,
    "OMP_NUM_THREADS": _THREADS,
    "OPENBLAS_NUM_THREADS": _THREADS,
    "MKL_NUM_THREADS": _THREADS,
}
"""The whole environment of a run."""


def contents(code: str) -> dict[str, bytes]:
    """Return the files that are put within the walls, by path there."""
    inside = resources.files("agent.sandbox") / "inside"
    return {
        LAUNCHER: (inside / "launch.py").read_bytes(),
        HOOKS: (inside / "sitecustomize.py").read_bytes(),
        ANSWER: code.encode(errors="replace"),
    }


def run_as() -> int | None:
    """Return the user that code changes to within the walls, or None where it has a user namespace of its own."""
    return secrets.choice(TRANSIENT_USERS) if os.getuid() == 0 else None


def walls(program: str, environment: Environment | None, files: Mapping[str, int], filter_: int) -> list[str]:
    """Return the command line up to the program that runs within.

    Args:
        program: path of `bwrap`.
        environment: mounted as `/environment`; None for a system alone.
        files: path within -> descriptor that holds its contents.
        filter_: descriptor of the compiled system call filter.
    """
    return [
        program,
        *("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
        *("--die-with-parent", "--new-session", "--hostname", "sandbox", "--cap-drop", "ALL"),
        *_identity(),
        *_system(),
        *(() if environment is None else _environment(environment)),
        *_private(),
        *(word for path, descriptor in files.items() for word in _file(path, descriptor)),
        *("--remount-ro", "/", "--chdir", "/tmp"),  # noqa: S108 - within the walls it is private
        *("--seccomp", str(filter_), "--"),
    ]


def _identity() -> Iterator[str]:
    if os.getuid() == 0:
        yield from ("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")  # given up before code runs
    else:
        yield from ("--unshare-user", "--uid", "1000", "--gid", "1000")
        yield "--as-pid-1"  # or code could write to bubblewrap's own first process: the same user, without the filter


def _system() -> Iterator[str]:
    yield from ("--ro-bind", "/usr", "/usr")
    for name in _SYSTEM_LINKS:
        path = Path("/", name)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), str(path))
        elif path.is_dir():
            yield from ("--ro-bind", str(path), str(path))
    for name in _SYSTEM_FILES:
        yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")


def _environment(environment: Environment) -> Iterator[str]:
    yield from ("--ro-bind", str(environment.directory), "/environment")
    if environment.python.is_relative_to("/usr"):
        return
    for parent in reversed(environment.python.parents[:-1]):  # or they could not be entered
        yield from ("--dir", str(parent))
    yield from ("--ro-bind", str(environment.python), str(environment.python))


def _private() -> Iterator[str]:
    yield from ("--proc", "/proc", "--dev", "/dev")
    yield from ("--perms", "1777", "--size", str(SHARED_MEMORY_BYTES), "--tmpfs", "/dev/shm")  # noqa: S108 - private
    yield from ("--remount-ro", "/dev")
    yield from ("--perms", "1777", "--size", str(TEMPORARY_BYTES), "--tmpfs", "/tmp")  # noqa: S108 - private


def _file(path: str, descriptor: int) -> Iterator[str]:
    yield from ("--dir", str(Path(path).parent), "--perms", "0444", "--ro-bind-data", str(descriptor), path)
