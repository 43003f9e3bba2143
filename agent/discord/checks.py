"""What `fury-agent doctor` says of the bot: Discord's REST API is asked, and nothing is connected or changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import httpx
from msgspec import Struct

from agent.settings import Settings

API = "https://discord.com/api/v10"
RIGHTS = {
    "View Channels": 1 << 10,
    "Send Messages": 1 << 11,
    "Attach Files": 1 << 15,
    "Read Message History": 1 << 16,
    "Create Public Threads": 1 << 35,
    "Send Messages in Threads": 1 << 38,
}
"""All that the bot needs, as Discord calls and numbers it (Permissions, "Bitwise Permission Flags")."""
_ADMINISTRATOR = 1 << 3
_UNAUTHORIZED = 401
_MESSAGE_CONTENT = 1 << 18 | 1 << 19  # granted, or granted without verification below 100 servers
_PORTAL = "https://discord.com/developers/applications"


class Found(Struct, frozen=True):
    """One thing that was looked at; `remedy` says what to do if it is not well."""

    state: Literal["ok", "optional", "missing"]
    text: str
    remedy: str = ""


def lacking(given: int) -> list[str]:
    """Return the names of the rights that `given`, a bit set, has not."""
    return [name for name, bit in RIGHTS.items() if not given & (bit | _ADMINISTRATOR)]


def invitation(application: str) -> str:
    """Return the link that brings the bot to a server, with the least rights."""
    rights = sum(RIGHTS.values())
    return (
        f"https://discord.com/oauth2/authorize?client_id={application}"
        f"&scope=bot+applications.commands&permissions={rights}"
    )


def examine(settings: Settings, api: str = API) -> Iterator[Found]:
    """Yield whether the token works, the intents suffice, and the bot may do its work on each server.

    Args:
        settings: the token is sent to `api` and shown nowhere.
        api: base address of Discord's REST API.
    """
    if settings.discord_token is None:
        yield Found("optional", "no token: no bot runs", "docs/discord.md says how to get one")
        return
    headers = {"Authorization": f"Bot {settings.discord_token.get_secret_value()}"}
    hooks = {"response": [httpx.Response.raise_for_status]}
    try:
        with httpx.Client(base_url=api, headers=headers, timeout=settings.network_timeout, event_hooks=hooks) as client:
            yield from _examined(client, settings)
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        if status == _UNAUTHORIZED:
            yield Found("missing", "Discord does not accept FURY_AGENT_DISCORD_TOKEN", f"reset it: {_PORTAL}")
        else:
            yield Found("missing", f"Discord replied with status {status}", "try again later")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:  # a header that is no header shows its value
        yield Found(
            "missing", f"Discord could not be asked: {type(error).__name__}", "is there a network, and a token?"
        )


def _examined(client: httpx.Client, settings: Settings) -> Iterator[Found]:
    me = client.get("/users/@me").json()
    yield Found("ok", f"the token is that of {me['username']}")
    application = client.get("/applications/@me").json()
    if settings.discord_threads and not application.get("flags", 0) & _MESSAGE_CONTENT:
        remedy = f"switch on Message Content Intent under Bot: {_PORTAL}"
        yield Found("missing", "FURY_AGENT_DISCORD_THREADS needs the message content intent", remedy)
    guilds = client.get("/users/@me/guilds").json()
    link = invitation(application["id"])
    if not guilds:
        yield Found("missing", "the bot is on no server", f"invite it: {link}")
    for guild in guilds:
        if settings.discord_guilds and int(guild["id"]) not in settings.discord_guilds:
            continue
        missing = lacking(int(guild["permissions"]))
        if missing:
            yield Found("optional", f"{guild['name']}: lacks {', '.join(missing)}", f"invite it again: {link}")
        else:
            yield Found("ok", f"{guild['name']}: it may do what it needs")
