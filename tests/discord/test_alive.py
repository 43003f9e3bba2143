"""What goes wrong between Discord and the bot costs nobody an answer, and never two."""

from __future__ import annotations

import asyncio

import discord as library
import httpx
import pytest
from msgspec.structs import replace

from agent.discord.answering import STOPPED
from agent.discord.commands import HELP
from agent.discord_adapter import log_in
from agent.schema import AnswerEvent, Ran, Verification
from tests.discord.playing import (
    ALICE,
    BOB,
    FINAL,
    answered,
    apologised,
    bot_process,
    bot_running,
    local_discord,
    playing,
)
from tests.fakes import ANSWER, EVENTS, SOURCES, ScriptedService, eventually, running
from tests.servers.discord_rules import ATTACH
from tests.servers.ports import free_port


def test_a_lost_connection_is_resumed_and_the_answer_still_comes() -> None:
    with playing(ScriptedService(SOURCES, 0.3, AnswerEvent(ANSWER))) as discord:
        discord.ask(ALICE, "How?")
        discord.drop()
        discord.ask(BOB, "How?")  # while nobody is connected: replayed at the resume
        assert answered(discord, 2)
        assert len(discord.identifies) == 1
        assert [each["session_id"] for each in discord.resumes] == ["session"]


def test_a_repeated_event_is_answered_once() -> None:
    with playing(ScriptedService()) as discord:
        said = discord.say(ALICE, "<@100> How?")
        assert answered(discord)
        discord.dispatch("MESSAGE_CREATE", said)
        discord.say(BOB, "<@100>")
        assert apologised(discord, HELP)
        assert len(discord.from_bot()) == 2


def test_rate_limits_are_waited_for() -> None:
    with playing(ScriptedService()) as discord:
        discord.limits.limited = 2
        discord.ask(ALICE, "How?")
        assert answered(discord)
        assert discord.limits.limited == 0
        [message] = discord.from_bot()
    assert message["content"].startswith(FINAL)


def test_an_expired_token_makes_the_answer_a_message_of_the_channel() -> None:
    with running(ScriptedService(0.5, *EVENTS)) as api, local_discord() as discord:
        with bot_running(discord, str(api.base_url)):
            asked = discord.ask(ALICE, "How?")
            assert eventually(lambda: asked.kind == 5, 3)
            asked.expired = True
            assert answered(discord)
        assert all("Invalid Webhook Token" in refusal for refusal in discord.refused)
        assert discord.from_bot()[-1]["content"].startswith(FINAL)


def test_an_answer_that_was_deleted_while_it_was_written_stays_deleted() -> None:
    service = ScriptedService(SOURCES, 0.6, AnswerEvent(ANSWER))
    with running(service) as api, local_discord() as discord:
        with bot_running(discord, str(api.base_url)) as bot:
            discord.ask(ALICE, "How?")
            assert eventually(lambda: bool(discord.from_bot()), 3)
            discord.messages.clear()
            assert eventually(lambda: not bot.answering._tasks, 3)
        assert discord.from_bot() == []


def test_the_end_in_mid_answer_is_apologised_for() -> None:
    with running(ScriptedService(SOURCES, 30.0)) as api, local_discord() as discord:
        with bot_running(discord, str(api.base_url)):
            discord.ask(ALICE, "How?")
            assert eventually(lambda: bool(discord.from_bot()), 3)
        [message] = discord.from_bot()
    assert message["content"] == STOPPED


def test_asked_to_reconnect_the_bot_resumes() -> None:
    with playing(ScriptedService()) as discord:
        discord.ask_to_reconnect()
        assert eventually(lambda: len(discord.resumes) == 1, 5)
        discord.ask(ALICE, "How?")
        assert answered(discord)
        assert len(discord.identifies) == 1


def test_a_resume_that_is_refused_becomes_a_new_session() -> None:
    with playing(ScriptedService()) as discord:
        discord.refuse_resume = True
        discord.drop()
        assert eventually(lambda: len(discord.identifies) == 2, 10)
        discord.ask(ALICE, "How?")
        assert answered(discord)


def test_a_repeated_command_is_answered_once() -> None:
    with playing(ScriptedService()) as discord:
        asked = discord.ask(ALICE, "How?")
        discord.dispatch("INTERACTION_CREATE", asked.event)
        assert answered(discord)
        discord.ask(BOB, "How?")
        assert answered(discord, 2)
        assert len(discord.from_bot()) == 2


@pytest.mark.parametrize("refusals", [5, 10])
def test_neither_a_thread_nor_a_first_message_that_discord_refuses_costs_the_answer(refusals: int) -> None:
    """At the fifth refusal, discord.py gives a request up: five cost the thread, ten the first message too."""
    with playing(ScriptedService(SOURCES, 1.0, AnswerEvent(ANSWER))) as discord:
        discord.limits.limited = refusals
        discord.say(ALICE, "<@100> How?")
        assert answered(discord)
        [message] = discord.from_bot()
    assert discord.limits.limited == 0
    assert message["content"].startswith(FINAL)
    assert message["channel_id"] == "300"
    assert message["message_reference"]["message_id"] == 1001


def test_a_global_limit_is_waited_for() -> None:
    with playing(ScriptedService()) as discord:
        discord.limits.globally = 1
        discord.say(ALICE, "<@100> How?")
        assert answered(discord)
        assert discord.limits.globally == 0


def test_discord_in_trouble_is_asked_again() -> None:
    with playing(ScriptedService()) as discord:
        discord.limits.broken = 1
        discord.ask(ALICE, "How?")
        assert answered(discord)
        assert discord.limits.broken == 0


def test_buckets_are_kept_to_when_many_ask_in_one_channel() -> None:
    with playing(ScriptedService(), discord_user_daily=100) as discord:
        discord.rights = str(int(discord.rights) & ~(1 << 35))
        for who in range(50, 62):
            discord.ask(who, "How?")
        assert answered(discord, 12)
        assert discord.limits.exceeded <= 2  # before its first reply, the client cannot know of a bucket


def test_without_the_right_to_attach_files_the_picture_is_told_of_and_code_is_a_message() -> None:
    ran = Verification(ran=Ran(ok=True, seconds=1.0, image_url="/pictures/known.png"))
    answer = replace(ANSWER, answer="```python\n" + "x = 1\n" * 700 + "```", verification=ran)
    with running(ScriptedService(AnswerEvent(answer))) as api, local_discord() as discord:
        discord.rights = str(int(discord.rights) & ~ATTACH)
        with bot_running(discord, str(api.base_url)):
            discord.say(ALICE, "<@100> How?")
            assert answered(discord)
        assert (discord.files, discord.refused) == ({}, [])
        assert "I may not attach files here" in discord.from_bot()[-1]["content"]


def test_where_it_may_not_write_the_bot_asks_nobody() -> None:
    service = ScriptedService()
    with running(service) as api, local_discord() as discord:
        discord.rights = str(1 << 10)
        with bot_running(discord, str(api.base_url)) as bot:
            said = discord.say(ALICE, "<@100> How?")
            assert eventually(lambda: int(said["id"]) in bot._seen, 3)
        assert (discord.refused, service.questions) == ([], [])


def test_a_bot_that_was_killed_apologises_after_its_restart_to_those_who_waited() -> None:
    slow = ScriptedService(SOURCES, 30.0)
    with running(slow) as api, local_discord() as discord:
        with bot_process(discord, str(api.base_url)) as process:
            discord.ask(ALICE, "How?")
            discord.say(BOB, "<@100> How, too?")
            assert eventually(lambda: len(discord.from_bot()) == 2 and api.questions() == 2, 10)
            process.kill()
        slow.script = EVENTS
        with bot_running(discord, str(api.base_url)):
            assert eventually(lambda: [each["content"] for each in discord.from_bot()] == [STOPPED] * 2, 5)
            discord.ask(ALICE, "How?")
            assert answered(discord)
        with bot_running(discord, str(api.base_url)):
            pass
        assert len(discord.from_bot()) == 3  # nobody is apologised to twice
        assert discord.refused == []


def test_told_to_end_the_process_apologises_and_ends_well_and_its_health_is_served() -> None:
    port = free_port()
    with running(ScriptedService(SOURCES, 30.0)) as api, local_discord() as discord:
        with bot_process(discord, str(api.base_url), discord_health_port=port) as process:
            discord.ask(ALICE, "How?")
            assert eventually(lambda: bool(discord.from_bot()), 10)
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
                assert eventually(lambda: client.get("/health/ready").is_success, 10)
                metrics = client.get("/metrics").text
            process.terminate()
            assert process.wait(10) == 0
            log = discord.log()
        assert [each["content"] for each in discord.from_bot()] == [STOPPED]
    assert "fury_discord_answering 1.0\n" in metrics
    assert "fury_discord_connected 1.0\n" in metrics
    assert 'fury_discord_loop_lag_seconds_bucket{le="+Inf"}' in metrics
    assert {"Connected.", "A question has ended.", "Told to end."} <= {line["event"] for line in log}
    assert all("token" not in str(line).replace("static token", "") for line in log)


def test_a_start_without_discord_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        """A bot whose Discord is away twice."""

        def __init__(self) -> None:
            self.left: list[BaseException] = [OSError("away"), library.GatewayNotFound()]
            self.http = self
            self.connector: object = None

        async def login(self, _token: str) -> None:
            if self.left:
                raise self.left.pop()

        async def close(self) -> None:
            pass

    def soon(_: object) -> float:
        return 0.01

    monkeypatch.setattr("agent.discord_adapter.ExponentialBackoff.delay", soon)
    away = Away()
    asyncio.run(log_in(away, "token"))  # type: ignore[arg-type] - what it uses of a bot
    assert away.left == []
