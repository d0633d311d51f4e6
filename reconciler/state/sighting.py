"""What the history tells of a moment in the past."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

AN_ACCOUNT: Final = "account"
"""Stands in the history where an entitlement's key would be: the holder's account, with its status as the level."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """That a complete read found somebody holding something.

    Attributes:
        entitlement: its key, or `AN_ACCOUNT`.
        level: of the grant, or the account's status.
        first: the first complete read that found it so; None if the oldest that is remembered already did.
        gone: the first complete read after that which did not, None if none did.
    """

    holder: str
    entitlement: str
    level: str | None
    first: datetime | None = None
    gone: datetime | None = None


@dataclass(frozen=True, slots=True)
class LiveThen:
    """What was live in an app at an instant, as far as complete reads tell.

    Attributes:
        at: the last complete read until then, which found it.
        following: the next complete read after then, None if there was none.
        sightings: sorted by holder and entitlement.
    """

    at: datetime
    following: datetime | None = None
    sightings: tuple[Sighting, ...] = ()

    @property
    def grants(self) -> tuple[tuple[str, str, str | None], ...]:
        """Return (holder, entitlement, level) of each."""
        return tuple((one.holder, one.entitlement, one.level) for one in self.sightings)
