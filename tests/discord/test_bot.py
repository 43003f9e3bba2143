"""What people on Discord see, through the real discord.py, against a local Discord and the service's real server."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from itertools import pairwise
from uuid import UUID

import pytest
from msgspec.structs import replace

from agent.discord.answering import BUSY
from agent.discord.commands import HELP
from agent.discord.questions import conversation
from agent.errors import UnknownVersion
from agent.schema import Answer, AnswerEvent, Ran, TokenEvent, Verification
from tests.discord.playing import (
    ALICE,
    BOB,
    EVERY,
    FINAL,
    answered,
    apologised,
    bot_running,
    local_discord,
    playing,
)
from tests.fakes import ANSWER, SOURCES, ScriptedService, eventually, running
from tests.servers.discord_rules import SEND, VIEW, buttons


def saying(answer: Answer) -> ScriptedService:
    return ScriptedService(SOURCES, AnswerEvent(answer))


def test_asking_is_deferred_at_once_and_ends_with_the_checked_answer() -> None:
    service = ScriptedService()
    with playing(service) as discord:
        assert [command["name"] for command in discord.commands] == [
            "ask",
            "search",
            "version",
            "help",
            "forget-me",
            "setup",
        ]
        asked = discord.ask(ALICE, "How do I draw a sphere?", "2.0.0")
        assert answered(discord)
        [message] = discord.from_bot()
    assert (asked.kind, asked.after < 1) == (5, True)
    assert message["content"].startswith(FINAL)
    assert "✅ 1 name checked\n-# fury 2.0.0 (v2.0.0) · scripted" in message["content"]
    assert list(buttons(message)) == ["Helpful", "Not helpful", "Sources", "Ask again", "Delete"]
    [question] = service.questions
    assert (question.question, question.version) == ("How do I draw a sphere?", "2.0.0")
    assert service.users == ["discord:42"]


def test_the_draft_is_shown_by_edits_that_keep_their_distance_and_the_answer_comes_last() -> None:
    words = [step for number in range(20) for step in (TokenEvent(f"word{number} "), 0.05)]
    with playing(ScriptedService(SOURCES, 0.3, *words, AnswerEvent(ANSWER))) as discord:
        discord.ask(ALICE, "How?")
        assert answered(discord)
        [history] = discord.history.values()
    times, contents = zip(*history, strict=True)
    assert "fury/actor.py:3-9" in contents[0]
    assert "word" not in contents[0]
    assert any("word0 word1" in content for content in contents[1:-1])
    assert contents[-1].startswith(FINAL)
    assert 4 <= len(contents) <= 9
    assert all(later - earlier > EVERY * 0.8 for earlier, later in pairwise(times[:-1]))


def test_a_long_answer_comes_in_several_messages_and_is_deleted_as_a_whole() -> None:
    text = "\n\n".join(f"{number}. " + "word " * 80 for number in range(10))
    with playing(saying(replace(ANSWER, answer=text))) as discord:
        discord.ask(ALICE, "How?")
        assert answered(discord)
        *above, last = discord.from_bot()
        assert len(above) == 2
        assert not any(message["components"] for message in above)
        discord.press(BOB, last, "Delete")
        assert eventually(lambda: bool(discord.ephemeral))
        assert len(discord.from_bot()) == 3
        discord.press(ALICE, last, "Delete")
        assert eventually(lambda: not discord.from_bot(), 3)


def test_a_moderator_may_delete() -> None:
    with playing(ScriptedService()) as discord:
        discord.ask(ALICE, "How?")
        assert answered(discord)
        discord.press(BOB, discord.from_bot()[0], "Delete", rights=str(1 << 13))
        assert eventually(lambda: not discord.from_bot(), 3)


def test_picture_and_long_code_are_attached() -> None:
    ran = Ran(ok=True, seconds=1.25, image_url="/pictures/known.png")
    answer = replace(ANSWER, answer="```python\n" + "x = 1\n" * 1000 + "```", verification=Verification(1, ran=ran))
    with playing(saying(answer)) as discord:
        discord.ask(ALICE, "Draw!")
        assert answered(discord)
        [files] = discord.files.values()
    assert files["picture.png"] == b"\x89PNG"
    assert files["program1.py"].startswith(b"x = 1\n")


def test_buttons_become_feedback_even_after_a_restart() -> None:
    service = ScriptedService()
    with running(service) as api, local_discord() as discord:
        with bot_running(discord, str(api.base_url)):
            discord.ask(ALICE, "How?")
            assert answered(discord)
        with bot_running(discord, str(api.base_url)):
            [message] = discord.from_bot()
            discord.press(BOB, message, "Helpful")
            assert eventually(lambda: len(discord.ephemeral) == 1, 3)
            discord.press(ALICE, message, "Not helpful")
            assert eventually(lambda: len(service.feedbacks) == 2, 3)
            discord.submit(ALICE, discord.modals[0], reason="It crashes.")
            assert eventually(lambda: len(discord.ephemeral) == 2, 3)
        assert discord.refused == []
    assert [(each.verdict, each.reason) for each in service.feedbacks] == [
        ("up", None),
        ("down", None),
        ("down", "It crashes."),
    ]
    assert service.users[1:] == ["discord:43", "discord:42", "discord:42"]
    assert {each.answer_id for each in service.feedbacks} == {ANSWER.answer_id}


def test_feedback_on_an_answer_that_is_forgotten_is_told() -> None:
    with playing(saying(replace(ANSWER, answer_id=UUID(int=9)))) as discord:
        discord.ask(ALICE, "How?")
        assert answered(discord)
        discord.press(ALICE, discord.from_bot()[0], "Helpful")
        assert eventually(lambda: discord.ephemeral == ["That answer is not known any more."], 3)


def test_a_mention_is_answered_in_a_thread_and_followed_up_there() -> None:
    service = ScriptedService()
    with playing(service) as discord:
        said = discord.say(ALICE, "<@100> How do I draw a sphere?")
        assert answered(discord)
        [message] = discord.from_bot()
        thread = int(message["channel_id"])
        assert thread == int(said["id"])
        discord.say(BOB, "<@100> And with a texture?", thread)
        assert answered(discord, 2)
    first, second = service.questions
    assert (first.question, second.question) == ("How do I draw a sphere?", "And with a texture?")
    assert first.conversation_id == second.conversation_id


def test_without_the_right_to_make_threads_the_answer_replies_in_the_channel() -> None:
    with running(ScriptedService()) as api, local_discord() as discord:
        discord.rights = str(VIEW | SEND)
        with bot_running(discord, str(api.base_url)):
            discord.say(ALICE, "<@100> How?")
            assert answered(discord)
        [message] = discord.from_bot()
    assert message["channel_id"] == "300"
    assert message["content"].startswith(FINAL)


def test_nothing_is_answered_unasked() -> None:
    with playing(ScriptedService(), discord_channels=(300,)) as discord:
        discord.say(ALICE, "How do I draw a sphere?")
        discord.say(ALICE, "@everyone Hello", mention_everyone=True)
        discord.say(ALICE, "<@100> How?", 555)
        discord.say(ALICE, "<@100>")
        assert apologised(discord, HELP)
        assert len(discord.from_bot()) == 1


def test_other_servers_are_refused_where_servers_are_chosen() -> None:
    with playing(ScriptedService(), discord_guilds=(1,)) as discord:
        discord.ask(ALICE, "How?")
        assert eventually(lambda: discord.ephemeral == ["I am not set up for this server."], 3)


def test_one_question_at_a_time_for_each_person() -> None:
    service = ScriptedService(SOURCES, 0.5, AnswerEvent(ANSWER))
    with playing(service) as discord:
        discord.ask(ALICE, "How?")
        assert eventually(lambda: service.running == 1, 3)
        discord.ask(ALICE, "And how?")
        discord.ask(BOB, "How, too?")
        assert eventually(lambda: discord.ephemeral == [BUSY], 3)
        assert answered(discord, 2)


def test_what_the_service_says_of_a_question_is_told() -> None:
    with playing(ScriptedService(UnknownVersion("There is no version '9' of fury."))) as discord:
        discord.ask(ALICE, "How?", "9")
        assert apologised(discord, "There is no version '9' of fury.")


@contextmanager
def garbage(kind: str) -> Generator[str]:
    """A server that replies to everything with what nobody asked for."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200 if kind != "text/html" else 502)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(b"event: answer\ndata: {]\n\n")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(5)


@pytest.mark.parametrize("kind", ["text/event-stream", "text/html", "nothing"])
def test_a_service_that_is_down_or_talks_nonsense_gets_one_apology_and_the_bot_goes_on(kind: str) -> None:
    with socket.socket() as taken, garbage(kind) as url, local_discord() as discord:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        address = f"http://127.0.0.1:{taken.getsockname()[1]}" if kind == "nothing" else url
        with bot_running(discord, address):
            for count, who in ((1, ALICE), (2, BOB)):
                discord.ask(who, "How?")
                assert eventually(lambda expected=count: len(discord.from_bot()) == expected, 3)
        assert discord.refused == []
    assert all("cannot be reached just now" in each["content"] for each in discord.from_bot())


def test_feedback_that_cannot_be_kept_is_told() -> None:
    with running(ScriptedService()) as api, garbage("text/html") as url, local_discord() as discord:
        with bot_running(discord, str(api.base_url)):
            discord.ask(ALICE, "How?")
            assert answered(discord)
        with bot_running(discord, url):
            discord.press(ALICE, discord.from_bot()[0], "Helpful")
            assert eventually(lambda: bool(discord.ephemeral), 3)
    assert "cannot be reached just now" in discord.ephemeral[0]


def test_a_service_that_is_slow_is_given_up() -> None:
    service = ScriptedService(SOURCES, 30.0)
    with playing(service, discord_timeout=0.5) as discord:
        discord.ask(ALICE, "How?")
        assert apologised(discord, "That took too long")
        assert eventually(lambda: service.running == 0, 3)  # the model was told to stop


def test_conversations_outlive_restarts_and_are_each_persons_own_outside_threads() -> None:
    assert conversation(b"a", 300, ALICE) == conversation(b"a", 300, ALICE)
    assert len({conversation(b"a", 300, ALICE), conversation(b"a", 300, BOB), conversation(b"a", 300, None)}) == 3
    assert conversation(b"a", 300, ALICE) != conversation(b"b", 300, ALICE)  # who knows the place does not know the id
