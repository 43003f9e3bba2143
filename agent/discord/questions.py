"""Which messages are questions for the bot, and where they are answered."""

from __future__ import annotations

import hmac
from uuid import UUID

import discord
from msgspec import Struct

from agent.discord.memory import Rules
from agent.schema import MAX_QUESTION
from agent.settings import Settings

Place = discord.TextChannel | discord.Thread


class Asked(Struct, frozen=True):
    """One question, and who asked it where.

    Attributes:
        id: Discord's, of the message or the interaction.
        version: of the library, where a command named one.
        channel: in which it was asked; it may be answered in a thread.
    """

    id: int
    question: str
    version: str | None
    user: discord.User | discord.Member
    guild: int
    channel: int


def conversation(secret: bytes, place: int, user: int | None) -> UUID:
    """Return the id of a conversation: the same after a restart, since nothing but the place and the person makes it.

    Args:
        secret: without which nobody can tell the id, and so take part, though everybody knows the place.
        place: Discord's id of a channel, in which everybody has their own conversation, or a thread.
        user: None in a thread: everybody there takes part in one.
    """
    who = "" if user is None else f"/{user}"
    return UUID(bytes=hmac.digest(secret, f"discord:{place}{who}".encode(), "sha256")[:16], version=4)


def question_of(
    message: discord.Message, place: Place, me: discord.ClientUser, settings: Settings, rules: Rules
) -> str | None:
    """Return what a message asks us, which may be empty, or None if it is not for us."""
    in_thread = isinstance(place, discord.Thread)
    if message.author.bot or (in_thread and place.parent is None):  # without it, nobody could tell the rights
        return None
    text = message.content.replace(f"<@{me.id}>", " ").replace(f"<@!{me.id}>", " ").strip()
    mentioned = me in message.mentions
    if in_thread and message.id == place.id and place.parent_id in rules.forums:
        # A post: its title says half. Without the intent, Discord sends its text only if it mentions us.
        return f"{place.name}\n{text}"[:MAX_QUESTION].strip() if mentioned or settings.discord_threads else None
    replied = message.reference.resolved if message.reference else None
    replies = isinstance(replied, discord.Message) and replied.author == me and bool(message.content)
    # In a thread that we made, everything that mentions nobody else is for us.
    goes_on = settings.discord_threads and in_thread and place.owner_id == me.id and not message.mentions
    chosen = _chosen(place, settings.discord_channels) and _chosen(place, rules.channels, rules.forums)
    return text[:MAX_QUESTION] if chosen and (mentioned or replies or goes_on) else None


def _chosen(place: Place, channels: tuple[int, ...], more: tuple[int, ...] = ()) -> bool:
    """Without a choice, everywhere; threads belong to their channel."""
    parent = place.parent_id if isinstance(place, discord.Thread) else place.id
    return not channels or bool({parent, place.id}.intersection(channels + more))


def may_write(place: Place) -> bool:
    """Return whether we may show an answer there."""
    rights = place.permissions_for(place.guild.me)
    return rights.view_channel and (
        rights.send_messages_in_threads if isinstance(place, discord.Thread) else rights.send_messages
    )
