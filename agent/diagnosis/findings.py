"""What `doctor` finds, and how each of its checks is held to its time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable
from typing import Literal

from msgspec import Struct

from agent.errors import AgentError
from agent.settings import Settings

State = Literal["ok", "optional", "missing"]


class Finding(Struct, frozen=True):
    """One line of the report.

    Attributes:
        state: `missing` means that it does not work as configured.
        remedy: the command that mends it, or an empty string.
    """

    part: str
    state: State
    found: str
    remedy: str = ""


class Check(Struct, frozen=True):
    """A look at one part.

    Attributes:
        part: its name. Where one check found it missing, later ones of the same name are left out.
        look: returns what there is to say; nothing where the part is not configured.
        seconds: after which the report goes on without it.
    """

    part: str
    look: Callable[[Settings], Iterable[Finding]]
    seconds: float = 30.0


def attempt(part: str, look: Callable[[], str], remedy: str = "") -> Finding:
    """Return what `look` found, or its error.

    Args:
        part: name of the part.
        look: returns what to say where all is well.
        remedy: what mends it where the error does not know better than to send people here.
    """
    try:
        return Finding(part, "ok", look())
    except AgentError as error:
        knows = error.remedy and "fury-agent doctor" not in error.remedy
        return Finding(part, "missing", error.message, error.remedy if knows else remedy)


def run(check: Check, settings: Settings) -> tuple[Finding, ...]:
    """Return what a check finds; one that hangs or breaks is itself a finding."""
    found: queue.SimpleQueue[tuple[Finding, ...]] = queue.SimpleQueue()

    def look() -> None:
        try:
            found.put(tuple(check.look(settings)))
        except Exception as error:  # noqa: BLE001 - the other parts are worth knowing all the same
            # Its text may hold an address with a password.
            found.put((Finding(check.part, "missing", f"the check failed with {type(error).__name__}"),))

    threading.Thread(target=look, name=f"check {check.part}", daemon=True).start()
    try:
        return found.get(timeout=check.seconds)
    except queue.Empty:
        return (Finding(check.part, "missing", f"no answer within {check.seconds:g} seconds", "try again later"),)
