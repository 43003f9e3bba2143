"""Runs code that nobody has read: without network, files or secrets of this machine, within limits; returns a picture.

::

    policy.py       the walls: bubblewrap's command line
    syscalls.py     the system calls that are refused
    limits.py       what a run may use, and what it is using
    runner.py       one run, watched from outside
    pictures.py     what comes out is decoded, checked and kept
    environment.py  the virtual environment of a library version
    readiness.py    why it can't run here, and the command that mends it
    inside/         the two files that run within the walls
"""

from agent.sandbox.environment import find_environment, prepare
from agent.sandbox.pictures import MAX_SIDE, keep_picture, picture_path
from agent.sandbox.readiness import Problem, problems
from agent.sandbox.runner import Sandbox, SandboxResult

__all__ = [
    "MAX_SIDE",
    "Problem",
    "Sandbox",
    "SandboxResult",
    "find_environment",
    "keep_picture",
    "picture_path",
    "prepare",
    "problems",
]
