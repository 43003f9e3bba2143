"""Which messages are questions for the bot, where they are answered, and what the service is asked."""

from __future__ import annotations

import hmac
from uuid import UUID

import discord
from msgspec import Struct

from agent.discord.memory import Rules
from agent.schema import MAX_QUESTION, QueryRequest
from agent.settings import Settings

Place = discord.TextChannel | discord.Thread


class Asked(Struct, frozen=True):
    """One question, and who asked it where.

    Attributes:
        id: Discord's, of the message or the interaction.
        channel: Discord's id of the channel or thread.
        in_thread: everybody in a thread takes part in one conversation; in a channel each has their own.
    """

    id: int
    question: str
    version: str | None
    user: int
    channel: int
    in_thread: bool

    def conversation(self, secret: bytes) -> UUID:
        """Return the same after a restart, since nothing but the place and the person makes it.

        Args:
            secret: without which nobody can tell the id, and so take part, though everybody knows the place.
        """
        who = "" if self.in_thread else f"/{self.user}"
        return UUID(bytes=hmac.digest(secret, f"discord:{self.channel}{who}".encode(), "sha256")[:16], version=4)

    def request(self, secret: bytes) -> QueryRequest:
        """Return what the service is asked; `secret` as for `conversation`."""
        conversation = self.conversation(secret)
        return QueryRequest(self.question, version=self.version or None, conversation_id=conversation)


def question_of(message: discord.Message, me: discord.ClientUser, settings: Settings, rules: Rules) -> str | None:
    """Return what a message asks us, which may be empty, or None if it is not for us."""
    channel = message.channel
    if message.author.bot or not isinstance(channel, Place):
        return None
    if isinstance(channel, discord.Thread) and channel.parent is None:
        return None  # whose rights nobody could tell
    text = _without_name(message.content, me)
    mentioned = me in message.mentions
    if isinstance(channel, discord.Thread) and message.id == channel.id and channel.parent_id in rules.forums:
        # A post: its title says half. Without the intent, Discord sends its text only if it mentions us.
        return f"{channel.name}\n{text}"[:MAX_QUESTION].strip() if mentioned or settings.discord_threads else None
    chosen = _chosen(channel, settings.discord_channels) and _chosen(channel, rules.channels, rules.forums)
    to_us = mentioned or _replies_to(message, me) or _goes_on(message, me, settings)
    return text[:MAX_QUESTION] if chosen and to_us else None


def _replies_to(message: discord.Message, me: discord.ClientUser) -> bool:
    replied = message.reference.resolved if message.reference else None
    return isinstance(replied, discord.Message) and replied.author == me and bool(message.content)


def _goes_on(message: discord.Message, me: discord.ClientUser, settings: Settings) -> bool:
    """In a thread that we made, everything that mentions nobody else is for us."""
    ours = isinstance(message.channel, discord.Thread) and message.channel.owner_id == me.id
    return settings.discord_threads and ours and not message.mentions


def may_write(place: Place) -> bool:
    """Return whether we may show an answer there."""
    rights = place.permissions_for(place.guild.me)
    return rights.view_channel and (
        rights.send_messages_in_threads if isinstance(place, discord.Thread) else rights.send_messages
    )


async def place_for(message: discord.Message, question: str) -> Place:
    """Return where to answer: a thread of the question's own, if that may be made."""
    channel = message.channel
    assert isinstance(channel, Place)
    if isinstance(channel, discord.Thread) or message.reference is not None:
        return channel
    rights = channel.permissions_for(channel.guild.me)
    if not (rights.create_public_threads and rights.send_messages_in_threads):
        return channel
    return await message.create_thread(name=" ".join(question.split())[:90], auto_archive_duration=1440)


def _chosen(place: Place, channels: tuple[int, ...], more: tuple[int, ...] = ()) -> bool:
    """Without a choice, everywhere; threads belong to their channel."""
    parent = place.parent_id if isinstance(place, discord.Thread) else place.id
    return not channels or bool({parent, place.id}.intersection(channels + more))


def _without_name(text: str, me: discord.ClientUser) -> str:
    return text.replace(f"<@{me.id}>", " ").replace(f"<@!{me.id}>", " ").strip()
