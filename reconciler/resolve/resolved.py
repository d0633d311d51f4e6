"""The model at a moment, before any app is looked at: who is here, who is in which group, and the blocks by app."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from reconciler.model.access import Recipients, WantedList
from reconciler.model.company import Company
from reconciler.problems import Place
from reconciler.resolve.declared import Leaver
from reconciler.resolve.groups import Memberships
from reconciler.resolve.masks import numbers_of
from reconciler.resolve.roster import Roster


@dataclass(frozen=True, slots=True)
class Block:
    """A role, a grant or an app's `accounts.to`, with its recipients worked out.

    Attributes:
        source: how reasons call it: `role engineer`, `grant`, `accounts of slack`.
        members: numbers of the identities that get it (or got it, where it has expired), ascending.
        excluded: numbers of the identities that `except` keeps out of it, ascending.
        expired: whether its time was over at the moment.
    """

    source: str
    place: Place
    to: Recipients
    grants: Mapping[str, WantedList]
    members: tuple[int, ...]
    excluded: tuple[int, ...]
    expired: bool = False
    start: datetime | None = None
    until: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A company at a moment. It is made once; each app is then declared from its own blocks only.

    Attributes:
        moment: the instant, with its time zone.
        roster: who is here; `groups`: who is where.
        blocks: app → the blocks that name it and have begun.
        upcoming: app → those that are still to begin: silent, and shown to whoever asks why.
    """

    company: Company
    moment: datetime
    roster: Roster
    groups: Memberships
    blocks: Mapping[str, tuple[Block, ...]] = field(default_factory=dict)
    upcoming: Mapping[str, tuple[Block, ...]] = field(default_factory=dict)

    @property
    def today(self) -> date:
        """The moment's date in the organization's time zone."""
        return self.roster.today

    @property
    def leavers(self) -> Mapping[str, Leaver]:
        """The people who are past their last day, by id."""
        return self.roster.leavers

    def is_here(self, identity: str) -> bool:
        """Say whether an identity is a service account, or a person who has started and not left."""
        return self.roster.number_here(identity) is not None

    def members(self, group: str) -> frozenset[str]:
        """Return the ids of a group's members who are here; none for a group that does not exist."""
        return frozenset(map(self.roster.ids.__getitem__, numbers_of(self.groups.members(group))))
