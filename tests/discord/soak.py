"""Many people ask while everything around the bot breaks; each must get one answer or one apology.

    python -m tests.discord.soak [--questions 1000] [--page docs/discord.md]

The bot and the service are processes of their own, as in earnest; the local Discord is this one. `--page` writes the
figures between the two marks of a page.
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
from msgspec import Struct

from agent.settings import child_environment
from tests.discord.playing import bot_process, local_discord
from tests.fakes import eventually
from tests.servers.discord import FIRST_RESPONSE, Discord
from tests.servers.discord_data import TEXT_CHANNELS
from tests.servers.discord_rules import Interaction
from tests.servers.ports import free_port

USERS = 100
WAITING = 20
"""Questions that are open at the same time."""
MISSED = 10
"""Questions that are asked while the service starts again; the others wait, else a slow start would meet them all."""
PATIENCE = 60.0
"""Seconds after which a question that got neither an answer nor an apology counts as lost."""
TROUBLE = 1 / 12
"""Probability of something breaking before a question."""
_APOLOGIES = ("cannot be reached just now", "Too many questions", "That took too long")
_MARKS = ("<!-- soak -->", "<!-- /soak -->")


class Result(Struct, frozen=True):
    """What came of a run.

    Attributes:
        wrong: questions that got neither an answer nor an apology, or somebody else's, and what they got.
        messages: of the bot, which must be as many as questions.
        memory: bytes of the bot's process, measured every fiftieth of the run.
        within_50_ms: share of looks at the bot's event loop that came at most 50 ms late.
        computing, waiting: seconds that the bot's event loop had a processor, and waited for one that others had:
            lag that is not the bot's. 0 where the system does not tell.
    """

    questions: int
    seconds: float
    answered: int
    apologised: int
    wrong: tuple[str, ...]
    messages: int
    troubles: dict[str, int]
    memory: tuple[float, ...]
    within_50_ms: float
    computing: float
    waiting: float

    @property
    def growth(self) -> float:
        """Memory at the end of the run, to that after its first third: before, caches fill."""
        return self.memory[-1] / self.memory[len(self.memory) // 3]

    def as_markdown(self) -> str:
        """Return the table of the page."""
        troubles = ", ".join(f"{count} × {name}" for name, count in sorted(self.troubles.items()))
        rows = (
            ("questions, from 100 people in three channels", f"{self.questions:,} in {self.seconds:.0f} s"),
            ("answered", f"{self.answered:,}"),
            ("apologised for, once and clearly", f"{self.apologised:,}"),
            ("neither, or another's", f"{len(self.wrong)}"),
            ("messages of the bot: one for each question", f"{self.messages:,}"),
            ("what was broken meanwhile", troubles),
            (
                "memory of the bot: after a third, at the end",
                f"{self._megabytes(len(self.memory) // 3)}, {self._megabytes(-1)} MB",
            ),
            ("event loop at most 50 ms late", f"{self.within_50_ms:.2%} of looks"),
            (
                "the loop had a processor; waited for one that others had",
                f"{self.computing:.1f} s; {self.waiting:.1f} s",
            ),
        )
        return "\n".join(("| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)))

    def _megabytes(self, at: int) -> str:
        return f"{self.memory[at] / 1e6:.1f}"


class _Api:
    """The service's process, which can be killed and started again at the same address."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._start()

    def _start(self) -> None:
        command = [sys.executable, "-m", "tests.discord.api_process", str(self.port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=child_environment())

    def ready(self) -> bool:
        with httpx.Client(trust_env=False) as client:
            try:
                return client.get(f"{self.url}/health/live").is_success
            except httpx.HTTPError:
                return False

    def restart(self) -> None:
        self.stop()
        self._start()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def _api() -> Generator[_Api]:
    api = _Api()
    try:
        assert eventually(api.ready, 60)
        yield api
    finally:
        api.stop()


def _metrics(url: str) -> dict[str, float]:
    with httpx.Client(trust_env=False) as client:
        lines = client.get(f"{url}/metrics").text.splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


def _scheduled(process: int) -> tuple[float, float]:
    """Return the seconds that a process's first thread ran and waited to run (Linux, sched-stats.rst)."""
    try:
        ran, waited, _ = Path(f"/proc/{process}/schedstat").read_text().split()
    except OSError:
        return 0, 0
    return int(ran) / 1e9, int(waited) / 1e9


def _within_50_ms(metrics: dict[str, float]) -> float:
    name = "fury_discord_loop_lag_seconds"
    return metrics[f'{name}_bucket{{le="0.05"}}'] / metrics[f"{name}_count"]


class _Open(Struct, frozen=True):
    """A question that somebody waits for, and how what became of it is read."""

    question: str
    content: Callable[[], str]
    asked: float

    def how(self, content: str) -> str:
        """Return how it ended, or an empty string while it has not."""
        if not content or content.startswith("-# "):  # nothing yet, or a draft
            return "wrong" if time.monotonic() - self.asked > PATIENCE else ""
        if any(words in content for words in _APOLOGIES):
            return "apologised"
        return "answered" if content.startswith(self.question) else "wrong"


class _Run:
    def __init__(self, discord: Discord, api: _Api, bot: str, process: int, seed: int) -> None:
        self._discord, self._api, self._bot, self._process = discord, api, bot, process
        self._missing = 0
        self._random = random.Random(seed)  # noqa: S311 - the same troubles at every run
        self._waiting: dict[int, _Open] = {}
        self._replies: dict[int, str] = {}
        self._ended: Counter[str] = Counter()
        self._wrong: list[str] = []
        self._troubles: Counter[str] = Counter()
        self._breaks: dict[str, Callable[[], object]] = {
            "gateway dropped": discord.drop,
            "asked to reconnect": discord.ask_to_reconnect,
            "session lost": self._lose_session,
            "service killed and restarted": self._restart_service,
            "rate limit": lambda: setattr(discord.limits, "limited", 2),
            "global rate limit": lambda: setattr(discord.limits, "globally", 1),
            "502 of Discord": lambda: setattr(discord.limits, "broken", 1),
        }

    def run(self, questions: int) -> Result:
        begun = time.monotonic()
        memory = [self._memory()]
        for number in range(questions):
            if self._random.random() < TROUBLE:
                name = self._random.choice(sorted(self._breaks))
                self._troubles[name] += 1
                self._breaks[name]()
            self._wait_for(lambda: len(self._waiting) < WAITING)
            if self._missing:
                self._missing -= 1
                assert self._missing or eventually(self._api.ready, 120)
            self._ask(number)
            if number % max(questions // 50, 1) == 0:
                memory.append(self._memory())
        self._wait_for(lambda: not self._waiting)
        return Result(
            questions,
            time.monotonic() - begun,
            self._ended["answered"],
            self._ended["apologised"],
            tuple(self._wrong),
            len(self._discord.from_bot()),
            dict(self._troubles),
            (*memory, self._memory()),
            _within_50_ms(_metrics(self._bot)),
            *_scheduled(self._process),
        )

    def _memory(self) -> float:
        return _metrics(self._bot)["process_resident_memory_bytes"]

    def _wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until so many questions have ended that `condition` holds; all do, if only by being overdue."""
        while not condition():
            self._take_note()
            time.sleep(0.005)

    def _ask(self, number: int) -> None:
        who = 1_000_000 + number % USERS
        self._wait_for(lambda: who not in self._waiting)  # who asks twice at a time would be told to wait
        place = self._random.choice(TEXT_CHANNELS)
        question = f"Question {number} about the sphere?"
        if self._random.random() < 0.5:
            made = self._discord.ask(who, question, place=place)
            event, content = ("INTERACTION_CREATE", made.event), lambda: self._first(made)
        else:
            said = self._discord.say(who, f"<@100> {question}", place)
            event, content = ("MESSAGE_CREATE", said), lambda: self._replies.get(int(said["id"]), "")
        if self._random.random() < 0.1:
            self._discord.dispatch(*event)
        self._waiting[who] = _Open(question, content, time.monotonic())

    def _take_note(self) -> None:
        # What answers a message stands in the thread that has its id, or is a reply to it.
        self._replies = {
            int(each.get("message_reference", {}).get("message_id", each["channel_id"])): each["content"]
            for each in self._discord.from_bot()
        }
        for who, waiting in list(self._waiting.items()):
            content = waiting.content()
            how = waiting.how(content)
            if how:
                del self._waiting[who]
                self._ended[how] += 1
            if how == "wrong":
                self._wrong.append(f"{waiting.question}: {content!r}")

    def _first(self, asked: Interaction) -> str:
        if not asked.kind and time.monotonic() - asked.begun > FIRST_RESPONSE:
            return "The application did not respond."  # as Discord itself says
        return self._discord.messages.get(asked.first, {}).get("content", "")

    def _restart_service(self) -> None:
        self._api.restart()
        self._missing = MISSED

    def _lose_session(self) -> None:
        """What is sent to a lost session never comes, as on Discord itself: nobody asks until there is another."""
        before = len(self._discord.identifies)
        for _ in range(6):  # a client that was about to resume does not read what its old connection says
            self._discord.invalidate()
            if eventually(lambda: len(self._discord.identifies) > before, 10):
                return
        raise AssertionError(f"The bot does not come back; refused: {self._discord.refused[-3:]}")


def soak(questions: int, seed: int = 0, *, earnest: bool = True) -> Result:
    """Run, and return what came of it; unless in earnest, the bot does not wait before it identifies again."""
    port = free_port()
    settings = {"discord_health_port": port, "discord_user_daily": questions, "discord_guild_daily": 2 * questions}
    url = f"http://127.0.0.1:{port}"
    with (
        local_discord() as discord,
        _api() as api,
        bot_process(discord, api.url, earnest=earnest, **settings) as bot,
    ):
        assert eventually(lambda: _metrics(url)["fury_discord_connected"] == 1, 30)
        return _Run(discord, api, url, bot.pid, seed).run(questions)


def main() -> None:
    """Run as asked, print the figures, and fail if anybody was left without an answer or got two."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=1_000)
    parser.add_argument("--page", type=Path, help="Page whose marked figures are replaced.")
    given = parser.parse_args()
    result = soak(given.questions)
    table = result.as_markdown()
    sys.stdout.write(table + "\n")
    if given.page:
        begin, end = _MARKS
        page = given.page.read_text()
        given.page.write_text(re.sub(rf"{begin}.*{end}", lambda _: f"{begin}\n{table}\n{end}", page, flags=re.DOTALL))
    if result.wrong or result.messages != result.questions:
        sys.exit(f"{result.messages} messages for {result.questions} questions; wrong: {result.wrong[:5]}")


if __name__ == "__main__":
    main()
