"""What tells, on a terminal's stderr, how far long work is."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from agent.sources import Progress as Report


def loading() -> AbstractContextManager[object]:
    """Show that models are being loaded."""
    return Console(stderr=True).status("Loading the models")


@contextmanager
def checking() -> Generator[Callable[[str], None]]:
    """Yield what tells which part is being looked at."""
    with Console(stderr=True).status("Looking around") as status:
        yield lambda part: status.update(f"Looking at the {escape(part)}")


@contextmanager
def progress_bars() -> Generator[Report]:
    """Yield a progress callback that draws one bar a stage, with the time left."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<24}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def report(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                for task in tasks.values():
                    bars.update(task, total=1, completed=1)
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield report
        for task in tasks.values():
            bars.update(task, total=1, completed=1)
