"""What `fury-agent doctor` says of the bot, asked of a server that replies as Discord's REST API does."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from agent.discord.checks import RIGHTS, Found, examine, invitation
from agent.settings import Settings

TOKEN = "very.secret.token"
ALL = sum(RIGHTS.values())


@contextmanager
def rest(**replies: Any) -> Generator[str]:
    """Serve some replies, by the last two parts of their path, to whoever sends the token."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers["Authorization"] == f"Bot {TOKEN}"
            name = "_".join(self.path.split("/")[2:]).replace("@", "")
            self.send_response(200 if known and name in replies else 401)
            self.end_headers()
            self.wfile.write(json.dumps(replies.get(name)).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/api"
        server.shutdown()
        thread.join(5)


def found(api: str, token: str | None = TOKEN, **settings: Any) -> tuple[Found, ...]:
    given = Settings(discord_token=SecretStr(token) if token else None).model_copy(update=settings)
    seen = tuple(examine(given, api))
    assert TOKEN not in repr(seen)
    return seen


def discord(rights: int = ALL, flags: int = 0) -> dict[str, Any]:
    guilds = [{"id": "200", "name": "Friends of spheres", "permissions": str(rights)}]
    return {
        "users_me": {"username": "fury"},
        "applications_me": {"id": "100", "flags": flags},
        "users_me_guilds": guilds,
    }


def test_without_a_token_there_is_no_bot_and_nobody_is_asked() -> None:
    assert found("http://127.0.0.1:1", None)[0].state == "optional"


def test_a_bot_that_is_well() -> None:
    with rest(**discord()) as api:
        assert [(each.state, each.text) for each in found(api)] == [
            ("ok", "the token is that of fury"),
            ("ok", "Friends of spheres: it may do what it needs"),
        ]


def test_a_token_that_discord_does_not_accept_is_not_shown() -> None:
    with rest(**discord()) as api:
        [wrong] = found(api, "another" + TOKEN)
    assert (wrong.state, wrong.text) == ("missing", "Discord does not accept FURY_AGENT_DISCORD_TOKEN")


def test_a_token_that_is_none_is_not_shown() -> None:
    with rest(**discord()) as api:
        assert found(api, "bad\ntoken")[0].state == "missing"


@pytest.mark.parametrize("flags", [1 << 18, 1 << 19])
def test_the_intent_is_needed_for_threads_only(flags: int) -> None:
    with rest(**discord()) as api:
        assert "intent" in found(api, discord_threads=True)[1].text
        assert len(found(api)) == 2
    with rest(**discord(flags=flags)) as api:
        assert len(found(api, discord_threads=True)) == 2


def test_rights_that_lack_are_named_and_an_administrator_lacks_none() -> None:
    with rest(**discord(ALL & ~(RIGHTS["Attach Files"] | RIGHTS["Send Messages"]))) as api:
        lacking = found(api)[-1]
    assert lacking.text == "Friends of spheres: lacks Send Messages, Attach Files"
    assert lacking.remedy.endswith(invitation("100"))
    with rest(**discord(1 << 3)) as api:
        assert found(api)[-1].state == "ok"


def test_a_bot_on_no_server_is_to_be_invited() -> None:
    with rest(**discord() | {"users_me_guilds": []}) as api:
        assert found(api)[-1].remedy.endswith("client_id=100&scope=bot+applications.commands&permissions=309237746688")


def test_without_a_network_it_is_said() -> None:
    assert found("http://127.0.0.1:1")[0].text == "Discord could not be asked: ConnectError"
