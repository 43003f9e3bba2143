"""The form behind `/setup`, filled in with what holds now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import discord

from agent.discord.checks import lacking
from agent.discord.interactions import Interaction, privately
from agent.discord.markdown import escaped
from agent.discord.memory import Rules
from agent.errors import InvalidInput
from agent.settings import Settings

MOST = 25  # Discord's limit for one menu


class SetupForm(discord.ui.Modal):
    """Channels, roles, version and daily limits of one server."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(title="Where and whom I answer", custom_id="fury:setup", timeout=3600)
        self._channels: discord.ui.ChannelSelect[Any] = discord.ui.ChannelSelect(
            custom_id="channels",
            channel_types=[discord.ChannelType.text, discord.ChannelType.forum],
            min_values=0,
            max_values=MOST,
            required=False,
            default_values=[discord.Object(each) for each in (*rules.channels, *rules.forums)[:MOST]],
        )
        self._roles: discord.ui.RoleSelect[Any] = discord.ui.RoleSelect(
            custom_id="roles",
            min_values=0,
            max_values=MOST,
            required=False,
            default_values=[discord.Object(each) for each in rules.roles[:MOST]],
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

    async def on_submit(self, interaction: Interaction) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - ours
        """Keep what was chosen, and say what holds now and what stands in its way."""
        bot, guild = interaction.client, interaction.guild
        assert guild is not None
        async with privately(interaction) as tell:
            rules = self._chosen(guild)
            if rules.version is not None:
                known = [each.version for each in await bot.service.libraries()]
                if rules.version not in known:
                    what = f"{rules.version!r} is not indexed; indexed are: {', '.join(known)}"
                    raise InvalidInput(f"Nothing was changed: {what}.")
            await bot.memory.set_rules(guild.id, rules)
            await tell("\n".join(_described(rules, guild, bot.settings)))

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


def _described(rules: Rules, guild: discord.Guild, settings: Settings) -> Iterator[str]:
    """Yield what holds on a server, a line for each rule, and what stands in its way."""
    yield "This holds now:"
    yield f"- Mentions are answered in {_named(rules.channels, '#') or 'all channels'}, and in their threads."
    yield f"- Posts are answered in {_named(rules.forums, '#') or 'no forum'}."
    yield f"- {_named(rules.roles, '@&') or 'Everybody'} may ask."
    yield f"- Who names no version asks about {escaped(rules.version) if rules.version else 'the default one'}."
    user_daily, guild_daily = rules.daily(settings)
    yield f"- A person may ask {user_daily} questions a day, all together {guild_daily}."
    if rules.forums and not settings.discord_threads:
        yield "⚠️ I only see posts that mention me: whoever runs me can set FURY_AGENT_DISCORD_THREADS."
    for each in (*rules.channels, *rules.forums):
        channel = guild.get_channel(each)
        missing = lacking(channel.permissions_for(guild.me).value) if channel else []
        if each in rules.forums:
            missing = [name for name in missing if name not in {"Send Messages", "Create Public Threads"}]
        if missing:
            yield f"⚠️ In <#{each}> I miss: {', '.join(missing)}."


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
