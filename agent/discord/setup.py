"""The form behind `/setup`, filled in with what holds now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import discord

from agent.discord.door import Door, Interaction, door_of, privately
from agent.discord.memory import Rules
from agent.discord.text import escaped
from agent.errors import InvalidInput

MOST = 25  # Discord's limit for one menu
_CHANNEL_TYPES = [discord.ChannelType.text, discord.ChannelType.forum]


class SetupForm(discord.ui.Modal):
    """Channels, roles, version and daily limits of one server."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(title="Where and whom I answer", custom_id="fury:setup", timeout=3600)
        self._channels: discord.ui.ChannelSelect[Any] = discord.ui.ChannelSelect(
            custom_id="channels",
            channel_types=_CHANNEL_TYPES,
            min_values=0,
            max_values=MOST,
            required=False,
            default_values=[discord.SelectDefaultValue.from_channel(discord.Object(each)) for each in _shown(rules)],
        )
        self._roles: discord.ui.RoleSelect[Any] = discord.ui.RoleSelect(
            custom_id="roles",
            min_values=0,
            max_values=MOST,
            required=False,
            default_values=[discord.SelectDefaultValue.from_role(discord.Object(each)) for each in rules.roles[:MOST]],
        )
        self._version = _line("version", rules.version, 50)
        self._user_daily = _line("user_daily", rules.user_daily, 6)
        self._guild_daily = _line("guild_daily", rules.guild_daily, 6)
        for text, description, component in (
            ("Channels", "Where mentions are answered (all without any), and forums whose posts are.", self._channels),
            ("Who may ask", "Everybody without any.", self._roles),
            ("Version of the library", "For who names none.", self._version),
            ("Questions of a person a day", "", self._user_daily),
            ("Questions of the server a day", "", self._guild_daily),
        ):
            self.add_item(discord.ui.Label(text=text, description=description or None, component=component))

    async def on_submit(self, interaction: Interaction) -> None:
        """Keep what was chosen, and say what holds now and what stands in its way."""
        door = door_of(interaction)
        guild = interaction.guild
        assert guild is not None

        async def kept() -> str:
            rules = self._chosen(guild)
            await _check_version(rules.version, door)
            await door.memory.set_rules(guild.id, rules)
            return "\n".join(described(rules, guild, door))

        await privately(interaction, kept)

    def _chosen(self, guild: discord.Guild) -> Rules:
        channels = _ids(self._channels.values)
        forums = tuple(each for each in channels if isinstance(guild.get_channel(each), discord.ForumChannel))
        return Rules(
            channels=tuple(each for each in channels if each not in forums),
            forums=forums,
            roles=_ids(self._roles.values),
            version=self._version.value.strip() or None,
            user_daily=_number(self._user_daily),
            guild_daily=_number(self._guild_daily),
        )


def described(rules: Rules, guild: discord.Guild, door: Door) -> Iterator[str]:
    """Yield what holds on a server, a line for each rule, and what stands in its way."""
    yield "This holds now:"
    yield f"- Mentions are answered in {_named(rules.channels, '#') or 'all channels'}, and in their threads."
    yield f"- Posts are answered in {_named(rules.forums, '#') or 'no forum'}."
    yield f"- {_named(rules.roles, '@&') or 'Everybody'} may ask."
    yield f"- Who names no version asks about {escaped(rules.version) if rules.version else 'the default one'}."
    user_daily, guild_daily = limits(rules, door)
    yield f"- A person may ask {user_daily} questions a day, all together {guild_daily}."
    if rules.forums and not door.settings.discord_threads:
        yield "⚠️ I only see posts that mention me: whoever runs me can set FURY_AGENT_DISCORD_THREADS."
    for each in (*rules.channels, *rules.forums):
        channel = guild.get_channel(each)
        missing = _missing(channel.permissions_for(guild.me), forum=each in rules.forums) if channel else ()
        if missing:
            yield f"⚠️ In <#{each}> I miss: {', '.join(missing)}."


def limits(rules: Rules, door: Door) -> tuple[int, int]:
    """Return the questions a day of a person and of a server."""
    return (
        door.settings.discord_user_daily if rules.user_daily is None else rules.user_daily,
        door.settings.discord_guild_daily if rules.guild_daily is None else rules.guild_daily,
    )


async def _check_version(version: str | None, door: Door) -> None:
    if version is None:
        return
    known = [each.version for each in await door.service.libraries()]
    if version not in known:
        raise InvalidInput(f"Nothing was changed: {version!r} is not indexed; indexed are: {', '.join(known)}.")


def _missing(rights: discord.Permissions, *, forum: bool) -> list[str]:
    needed = {
        "View Channel": rights.view_channel,
        "Send Messages": rights.send_messages or forum,
        "Send Messages in Threads": rights.send_messages_in_threads,
        "Create Public Threads": rights.create_public_threads or forum,
        "Attach Files": rights.attach_files,
    }
    return [name for name, given in needed.items() if not given]


def _shown(rules: Rules) -> Sequence[int]:
    return (*rules.channels, *rules.forums)[:MOST]


def _line(name: str, value: object, longest: int) -> discord.ui.TextInput[Any]:
    default = None if value is None else str(value)
    return discord.ui.TextInput(custom_id=name, default=default, max_length=longest, required=False)


def _ids(values: Sequence[Any]) -> tuple[int, ...]:
    """Discord gives what it knows as objects, and the rest by id."""
    return tuple(int(getattr(value, "id", value)) for value in values)


def _number(field: discord.ui.TextInput[Any]) -> int | None:
    text = field.value.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise InvalidInput(f"Nothing was changed: {text!r} is not a number of questions.")
    return int(text)


def _named(ids: Sequence[int], sign: str) -> str:
    return ", ".join(f"<{sign}{each}>" for each in ids)
