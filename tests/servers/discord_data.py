"""What Discord's server knows and sends: its objects as the API documents them, as far as a bot of text needs them."""

from __future__ import annotations

from typing import Any

BOT = {"id": "100", "username": "fury", "discriminator": "0", "avatar": None, "bot": True}
GUILD_ID, CHANNEL_ID, FORUM_ID, ROLE_ID = 200, 300, 310, 500
TEXT_CHANNELS = (CHANNEL_ID, 301, 302)
ALL_RIGHTS = str((1 << 50) - 1 & ~(1 << 3))  # an administrator would have every right whatever else is taken
APPLICATION = {
    "id": "100",
    "name": "fury",
    "description": "",
    "icon": None,
    "bot_public": True,
    "bot_require_code_grant": False,
    "verify_key": "x",
    "flags": 0,
    "owner": {"id": "1", "username": "owner", "discriminator": "0", "avatar": None},
}
_JOINED = "2026-01-01T00:00:00+00:00"


def user(identity: int) -> dict[str, Any]:
    """Return a person."""
    return {"id": str(identity), "username": f"user{identity}", "discriminator": "0", "avatar": None}


def member(identity: int, rights: str = "0", roles: tuple[int, ...] = ()) -> dict[str, Any]:
    """Return a person in the guild."""
    return {
        "user": user(identity),
        "roles": [str(role) for role in roles],
        "joined_at": _JOINED,
        "deaf": False,
        "mute": False,
        "permissions": rights,
        "flags": 0,
    }


def channel(identity: int = CHANNEL_ID) -> dict[str, Any]:
    """Return a text channel, or the forum."""
    return {
        "id": str(identity),
        "type": 15 if identity == FORUM_ID else 0,
        "name": "forum" if identity == FORUM_ID else f"channel-{identity}",
        "position": 0,
        "permission_overwrites": [],
        "nsfw": False,
        "parent_id": None,
        "guild_id": str(GUILD_ID),
    }


def role(identity: int, name: str, rights: str) -> dict[str, Any]:
    """Return a role."""
    return {"id": str(identity), "name": name, "permissions": rights, "position": 0, "color": 0}


def thread(identity: int, name: str, parent: int = CHANNEL_ID, owner: int = 100) -> dict[str, Any]:
    """Return a thread of a channel, or a post of the forum."""
    return {
        "id": str(identity),
        "type": 11,
        "name": name,
        "guild_id": str(GUILD_ID),
        "parent_id": str(parent),
        "owner_id": str(owner),
        "message_count": 0,
        "member_count": 1,
        "rate_limit_per_user": 0,
        "thread_metadata": {
            "archived": False,
            "auto_archive_duration": 1440,
            "archive_timestamp": _JOINED,
            "locked": False,
        },
    }


def guild(rights: str) -> dict[str, Any]:
    """Return the one guild; `rights` are those of everybody in it, the bot too."""
    return {
        "id": str(GUILD_ID),
        "name": "guild",
        "owner_id": "1",
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "roles": [role(GUILD_ID, "@everyone", rights), role(ROLE_ID, "helpers", "0")],
        "emojis": [],
        "features": [],
        "mfa_level": 0,
        "premium_tier": 0,
        "preferred_locale": "en-US",
        "nsfw_level": 0,
        "stickers": [],
        "channels": [channel(each) for each in (*TEXT_CHANNELS, FORUM_ID)],
        "members": [{**member(100), "user": BOT}],
        "threads": [],
        "member_count": 2,
        "joined_at": _JOINED,
        "unavailable": False,
    }


def message(identity: int, place: int, author: dict[str, Any], content: str, **more: Any) -> dict[str, Any]:
    """Return a message."""
    return {
        "id": str(identity),
        "type": 0,
        "content": content,
        "channel_id": str(place),
        "author": author,
        "attachments": [],
        "embeds": [],
        "mentions": [],
        "mention_roles": [],
        "pinned": False,
        "mention_everyone": False,
        "tts": False,
        "timestamp": _JOINED,
        "edited_timestamp": None,
        "flags": 0,
        "components": [],
        **more,
    }


def interaction(
    identity: int, kind: int, who: dict[str, Any], data: dict[str, Any], place: dict[str, Any], **more: Any
) -> dict[str, Any]:
    """Return an interaction of a member in a channel or thread: 2 is a command, 3 a button, 5 a modal."""
    return {
        "id": str(identity),
        "application_id": BOT["id"],
        "type": kind,
        "token": f"token{identity}",
        "version": 1,
        "data": data,
        "guild_id": str(GUILD_ID),
        "channel_id": place["id"],
        "channel": {**place, "permissions": who["permissions"]},
        "member": who,
        "locale": "en-US",
        "guild_locale": "en-US",
        "app_permissions": ALL_RIGHTS,
        "entitlements": [],
        "authorizing_integration_owners": {"0": str(GUILD_ID)},
        "context": 0,
        "attachment_size_limit": 10_485_760,
        **more,
    }
