"""What Slack's objects look like (https://docs.slack.dev/reference/objects/conversation-object)."""

from dataclasses import dataclass, field
from typing import Any

TEAM, OTHER_TEAM = "T0ACME", "T0OTHER"


@dataclass(slots=True)
class Channel:
    """One channel.

    Attributes:
        shared: whether other companies' people are in it.
    """

    name: str
    private: bool = False
    archived: bool = False
    general: bool = False
    shared: bool = False
    members: list[str] = field(default_factory=list)


def show(number: str, channel: Channel, viewer: str) -> dict[str, Any]:
    """Return a channel as Slack shows it to somebody."""
    return {
        "id": number,
        "name": channel.name,
        "is_channel": True,
        "is_private": channel.private,
        "is_archived": channel.archived,
        "is_general": channel.general,
        "is_ext_shared": channel.shared,
        "is_member": viewer in channel.members,
        "num_members": len(channel.members),
    }
