"""Why code can't be run here, each with the command that mends it; the walls are really built to find out."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from agent.errors import AgentError
from agent.sandbox.environment import Environment, find_environment
from agent.sandbox.policy import VARIABLES, walls
from agent.sandbox.runner import find_program
from agent.sandbox.syscalls import compiled_filter
from agent.settings import Settings

VULKAN_DRIVERS = ("/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d")
_SWITCHES = {
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": ("1", "kernel.apparmor_restrict_unprivileged_userns=0"),
    "/proc/sys/kernel/unprivileged_userns_clone": ("0", "kernel.unprivileged_userns_clone=1"),
    "/proc/sys/user/max_user_namespaces": ("0", "user.max_user_namespaces=10000"),
}
"""What systems forbid user namespaces with -> the value that forbids, and the setting that allows."""


class Problem(Struct, frozen=True):
    """One thing that keeps code from being run, or from drawing.

    Attributes:
        found: what is wrong.
        remedy: the command that mends it.
    """

    found: str
    remedy: str


def problems(settings: Settings, library: str, version: str) -> tuple[Problem, ...]:
    """Look for everything that would keep the code of answers from being run with a library version."""
    return (*walls_problems(), *_environment(settings, library, version))


def walls_problems() -> Iterator[Problem]:
    """Build the walls around a program that does nothing, and say what that lacks."""
    try:
        program, filter_ = find_program(), compiled_filter()
    except AgentError as error:
        yield Problem(error.message, error.remedy)
        return
    descriptor = os.memfd_create("filter")
    try:
        os.write(descriptor, filter_)
        os.lseek(descriptor, 0, os.SEEK_SET)
        command = [*walls(program, None, {}, descriptor), "/usr/bin/true"]
        done = subprocess.run(
            command, env=dict(VARIABLES), pass_fds=[descriptor], capture_output=True, text=True, timeout=10, check=False
        )
    except subprocess.TimeoutExpired:
        yield Problem("bubblewrap did not answer within 10 s", "")
        return
    finally:
        os.close(descriptor)
    if done.returncode:
        yield Problem(f"bubblewrap cannot build the walls ({done.stderr.strip()})", _allow_namespaces())


def _allow_namespaces() -> str:
    for path, (forbidding, setting) in _SWITCHES.items():
        if Path(path).is_file() and Path(path).read_text().strip() == forbidding:
            return f"sysctl -w {setting}"
    return (
        "allow user namespaces (in a container: run it with --security-opt seccomp=unconfined), or a newer bubblewrap"
    )


def _environment(settings: Settings, library: str, version: str) -> Iterator[Problem]:
    environment = find_environment(settings, library, version)
    if environment is None:
        yield Problem(f"no environment of {library} {version}", f"fury-agent sandbox prepare '{library}=={version}'")
        return
    if not (environment.python / "bin").is_dir():
        yield Problem(
            f"the Python that its environment was made from is gone ({str(environment.python)!r})",
            f"fury-agent sandbox prepare '{library}=={version}'",
        )
    yield from _drawing(environment)


def _drawing(environment: Environment) -> Iterator[Problem]:
    if environment.has("wgpu") and not any(any(Path(folder).glob("lvp_icd*.json")) for folder in VULKAN_DRIVERS):
        yield Problem("no software Vulkan driver to draw with", "apt-get install mesa-vulkan-drivers")
    if environment.has("vtkmodules") and not Path("/usr/bin/Xvfb").is_file():
        yield Problem("no X server to draw on", "apt-get install xvfb libgl1 libgl1-mesa-dri")
