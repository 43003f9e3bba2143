"""The first program within the walls: gives up what it may, sets limits, runs the code, hands out its picture.

Standard library only: it runs with the Python of the library's environment. Nothing that it says is believed outside.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import stat
import struct
import subprocess
import sys
from pathlib import Path

ROOM = Path("/tmp")  # noqa: S108 - within the walls it is private
SHOWN = ROOM / ".shown.png"
"""Where the hooks of `sitecustomize` save what a show call would have shown."""


def main(answer: str, order: str) -> int:
    """Run `answer` and return its exit code; 128 + N if signal N ended it, as shells say."""
    wanted = json.loads(order)
    _become_nobody(wanted["user"])
    os.umask(0o077)
    os.nice(10)
    for name, value in wanted["limits"].items():
        resource.setrlimit(getattr(resource, name), (value, value + 1))  # processor time: told at one, killed at two
    display = ["env", f"DISPLAY={_display()}"] if wanted["display"] else []
    code = subprocess.run([*display, sys.executable, answer], stdin=subprocess.DEVNULL, check=False).returncode
    with contextlib.suppress(OSError), open(wanted["picture"], "wb") as out:  # noqa: PTH123 - a descriptor
        out.write(_picture(wanted["picture_bytes"]))
    return code if code >= 0 else 128 - code


def _become_nobody(user: int | None) -> None:
    """Change to `user` where root started us, and give up every capability."""
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    version_3 = 0x20080522
    if ctypes.CDLL(None).capset(struct.pack("Ii", version_3, 0), bytes(24)):
        raise OSError("capabilities could not be given up")


def _display() -> str:
    """Start an X server that draws into memory, and return its name."""
    reading, writing = os.pipe()
    screen = ["-screen", "0", "1280x1024x24", "-nolisten", "tcp", "-displayfd", str(writing)]
    subprocess.Popen(["Xvfb", *screen], pass_fds=[writing], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as number:
        return f":{number.readline().strip()}"


def _picture(limit: int) -> bytes:
    """Return what was shown, else the newest PNG that the code itself wrote, else nothing."""
    written = sorted(ROOM.glob("*.png"), key=lambda path: path.lstat().st_mtime, reverse=True)
    for path in [SHOWN, *written]:
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                if stat.S_ISREG(os.fstat(descriptor).st_mode):
                    return file.read(limit)
    return b""


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
