"""The commands beside `/ask`, the rules of a server, and what the bot remembers, as people on Discord see them."""

from __future__ import annotations

from agent.discord.commands import HELP
from agent.discord.memory import GUILD_LIMIT, USER_LIMIT
from tests.discord.playing import ALICE, BOB, FINAL, answered, bot_running, local_discord, playing
from tests.fakes import ScriptedService, eventually, running
from tests.servers.discord import Discord
from tests.servers.discord_data import CHANNEL_ID, FORUM_ID, ROLE_ID

MANAGE = str(1 << 5)


def told(discord: Discord, count: int = 1) -> str:
    """Return what somebody was told privately last, once there are so many."""
    assert eventually(lambda: len(discord.ephemeral) >= count, 5)
    return discord.ephemeral[-1]


def set_up(discord: Discord, **values: object) -> str:
    """Fill in the form as somebody who manages the server, and return what the bot says."""
    before, said = len(discord.modals), len(discord.ephemeral)
    discord.run(ALICE, "setup", rights=MANAGE)
    assert eventually(lambda: len(discord.modals) > before, 5)
    discord.submit(ALICE, discord.modals[-1], **values)
    return told(discord, said + 1)


def test_search_shows_places_with_their_source_to_who_asked_only() -> None:
    service = ScriptedService()
    with playing(service) as discord:
        discord.run(ALICE, "search", query="sphere", version="2.0.0")
        text = told(discord)
        assert discord.from_bot() == []
    assert "fury/actor.py:3-9 sphere" in text
    assert "```python\ndef sphere(): ...\n```" in text
    assert [(each.question, each.version) for each in service.searches] == [("sphere", "2.0.0")]


def test_version_lists_what_is_indexed_and_what_the_server_chose() -> None:
    with playing(ScriptedService()) as discord:
        discord.run(ALICE, "version")
        assert told(discord) == "I know these:\n- fury 2.0.0 (v2.0.0)"
        set_up(discord, version="2.0.0")
        discord.run(ALICE, "version")
        assert told(discord, 3).endswith("Here, who names no version asks about 2.0.0.")


def test_help_says_what_can_be_done() -> None:
    with playing(ScriptedService()) as discord:
        discord.run(ALICE, "help")
        assert told(discord) == HELP


def test_forget_me_deletes_with_the_service_and_in_the_bots_memory() -> None:
    service = ScriptedService()
    with playing(service) as discord:
        discord.ask(ALICE, "How?")
        assert answered(discord)
        discord.run(ALICE, "forget-me")
        assert "3 of your questions and opinions are deleted" in told(discord)
        discord.press(BOB, discord.from_bot()[0], "Ask again")
        assert told(discord, 2) == "That answer is not known any more."
    assert service.forgotten == ["discord:42"]
    assert b"How?" not in b"".join(each.read_bytes() for each in discord.directory.rglob("discord.sqlite*"))


def test_only_who_manages_the_server_sets_it_up() -> None:
    with playing(ScriptedService()) as discord:
        discord.run(ALICE, "setup")
        assert "Only who may manage" in told(discord)
        assert discord.modals == []


def test_what_was_set_up_holds_after_a_restart_and_fills_the_form() -> None:
    service = ScriptedService()
    chosen = {"channels": [CHANNEL_ID, FORUM_ID], "roles": [ROLE_ID], "version": "2.0.0", "user_daily": "7"}
    with running(service) as api, local_discord() as discord:
        with bot_running(discord, str(api.base_url)):
            said = set_up(discord, **chosen, guild_daily="")
            assert "A person may ask 7 questions a day, all together 1000." in said
            assert "I only see posts that mention me" in said
        with bot_running(discord, str(api.base_url)):
            discord.run(ALICE, "setup", rights=MANAGE)
            assert eventually(lambda: len(discord.modals) == 2, 5)
            channels, roles, version, user_daily, _ = (each["component"] for each in discord.modals[-1]["components"])
            discord.roles[ALICE] = (ROLE_ID,)
            discord.ask(ALICE, "How?")
            discord.ask(BOB, "How?")
            assert answered(discord)
            assert "only some roles may ask" in told(discord, 2)
        assert discord.refused == []
    assert [int(each["id"]) for each in channels["default_values"]] == [CHANNEL_ID, FORUM_ID]
    assert [int(each["id"]) for each in roles["default_values"]] == [ROLE_ID]
    assert (version["value"], user_daily["value"]) == ("2.0.0", "7")
    assert [each.version for each in service.questions] == ["2.0.0"]


def test_a_form_that_makes_no_sense_changes_nothing() -> None:
    with playing(ScriptedService()) as discord:
        assert "'9.9' is not indexed; indexed are: 2.0.0." in set_up(discord, version="9.9")
        assert "'many' is not a number" in set_up(discord, user_daily="many")
        discord.run(ALICE, "setup", rights=MANAGE)
        assert eventually(lambda: len(discord.modals) == 3, 5)
        assert all(not each["component"].get("value") for each in discord.modals[-1]["components"][2:])


def test_missing_rights_in_chosen_channels_are_named() -> None:
    with running(ScriptedService()) as api, local_discord() as discord:
        discord.rights = str(1 << 10)
        with bot_running(discord, str(api.base_url)):
            said = set_up(discord, channels=[CHANNEL_ID])
    missing = "Send Messages, Attach Files, Read Message History, Create Public Threads, Send Messages in Threads"
    assert f"In <#{CHANNEL_ID}> I miss: {missing}." in said


def test_a_version_in_the_question_goes_before_the_servers() -> None:
    service = ScriptedService()
    with playing(service) as discord:
        set_up(discord, version="2.0.0")
        discord.ask(ALICE, "How in fury 0.10?")
        assert answered(discord)
    assert [each.version for each in service.questions] == [None]


def test_mentions_are_answered_in_the_chosen_channels_only() -> None:
    service = ScriptedService()
    with playing(service) as discord:
        set_up(discord, channels=[301])
        discord.say(ALICE, "<@100> In the wrong one?")
        discord.say(BOB, "<@100> In the right one?", 301)
        assert answered(discord)
    assert [each.question for each in service.questions] == ["In the right one?"]


def test_posts_are_answered_in_chosen_forums_alone_and_once() -> None:
    service = ScriptedService()
    with playing(service, discord_threads=True) as discord:
        discord.post(ALICE, "Too early", "How?")
        set_up(discord, channels=[FORUM_ID])
        post = discord.post(ALICE, "A sphere", "How do I draw one?")
        assert answered(discord)
        discord.say(BOB, "I would like to know, too.", int(post["id"]))
        discord.say(44, "<@100> And a cube?", int(post["id"]))
        assert answered(discord, 2)
        assert {each["channel_id"] for each in discord.from_bot()} == {post["id"]}
    assert [each.question for each in service.questions] == ["A sphere\nHow do I draw one?", "And a cube?"]
    assert len({each.conversation_id for each in service.questions}) == 1


def test_without_the_intent_posts_are_answered_if_they_mention_the_bot() -> None:
    service = ScriptedService()
    with playing(service) as discord:
        set_up(discord, channels=[FORUM_ID])
        discord.post(ALICE, "A sphere", "How?")
        discord.post(BOB, "A cube", "<@100> How?")
        assert answered(discord)
    assert [each.question for each in service.questions] == ["A cube\nHow?"]


def test_limits_of_a_day_hold_for_a_person_and_for_the_server_and_after_a_restart() -> None:
    with running(ScriptedService()) as api, local_discord() as discord:
        url = str(api.base_url)
        with bot_running(discord, url, discord_user_daily=1, discord_guild_daily=2) as bot:
            discord.ask(ALICE, "How?")
            assert answered(discord)
            assert eventually(lambda: not bot.answering._tasks, 3)
        with bot_running(discord, url, discord_user_daily=1, discord_guild_daily=2):
            discord.ask(ALICE, "And how?")
            assert told(discord) == USER_LIMIT
            discord.ask(BOB, "How?")
            assert answered(discord, 2)
            discord.ask(44, "How, too?")
            assert told(discord, 2) == GUILD_LIMIT
        assert len(discord.from_bot()) == 2


def test_a_broken_memory_stops_nothing_and_the_moderator_is_told() -> None:
    with running(ScriptedService()) as api, local_discord() as discord:
        (discord.directory / "discord.sqlite").write_bytes(b"this is no database, and never was" * 100)
        with bot_running(discord, str(api.base_url)):
            discord.ask(ALICE, "How?")
            assert answered(discord)
            assert discord.from_bot()[0]["content"].startswith(FINAL)
            assert "cannot be kept" in set_up(discord)


def test_commands_are_sent_when_they_changed_and_not_at_each_start() -> None:
    with running(ScriptedService()) as api, local_discord() as discord:
        for _ in range(2):
            with bot_running(discord, str(api.base_url)):
                pass
        assert discord.registered == 1
        (discord.directory / "discord.sqlite").unlink()
        with bot_running(discord, str(api.base_url)):
            pass
        assert discord.registered == 2


def test_sources_and_ask_again_work_after_a_restart() -> None:
    service = ScriptedService()
    with running(service) as api, local_discord() as discord:
        with bot_running(discord, str(api.base_url)):
            discord.ask(ALICE, "How?")
            assert answered(discord)
        with bot_running(discord, str(api.base_url)):
            [message] = discord.from_bot()
            discord.press(BOB, message, "Sources")
            assert "def sphere(): ..." in told(discord)
            discord.press(BOB, message, "Ask again")
            assert answered(discord, 2)
        assert discord.refused == []
    assert [each.question for each in service.searches] == ["How?"]
    assert [each.question for each in service.questions] == ["How?", "How?"]
    assert service.users == ["discord:42", "discord:43"]
