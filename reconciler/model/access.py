"""Who gets what: recipients, lists of entitlements, roles and single grants."""

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from reconciler.problems import NOWHERE, Place


class Wanted(NamedTuple):
    """An entitlement as somebody wrote it in a list: its key (`repo:web`) and perhaps a level (`write`).

    The same wording is the same object, so that a million of them cost a million pointers.
    """

    entitlement: str
    level: str | None = None


@dataclass(frozen=True, slots=True)
class WantedList:
    """The entitlements that one block asks for in one app, each with its line. Empty means: an account, nothing more.

    Attributes:
        wanted: one element an entitlement, in the order of the file.
        file: the file they stand in.
        lines: `array("I")` as long as `wanted`, counted from 1.
    """

    wanted: tuple[Wanted, ...]
    file: str = ""
    lines: "array[int]" = field(default_factory=lambda: array("I"))
    place: Place = NOWHERE

    def __iter__(self) -> Iterator[Wanted]:
        return iter(self.wanted)

    def place_of(self, index: int) -> Place:
        """Return where element `index` is written."""
        return Place(self.file, self.lines[index]) if index < len(self.lines) else self.place


@dataclass(frozen=True, slots=True)
class Recipients:
    """Who a role, a grant or an app's accounts go to.

    Attributes:
        people, service_accounts, groups: ids and names.
        entitlements: `app/kind:name`: other entitlements of the same app that hold these (a team on a repository).
        everyone: all people who are here at the moment.
        excluded: ids that do not get it by way of this block (`except` in YAML).
    """

    people: tuple[str, ...] = ()
    service_accounts: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    entitlements: tuple[str, ...] = ()
    everyone: bool = False
    excluded: tuple[str, ...] = ()
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Role:
    """A named bundle of entitlements across apps, and who gets it."""

    name: str
    to: Recipients
    grants: Mapping[str, WantedList]
    description: str = ""
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class GrantBlock:
    """Entitlements given to somebody outside any role, perhaps for a time and with a reason.

    Attributes:
        until: the instant (with a time zone) from which it is expired; a bare date means the end of that day in the
            organization's time zone. None means no end.
        start: the instant from which it holds; None means at once.
    """

    to: Recipients
    grants: Mapping[str, WantedList]
    until: datetime | None = None
    start: datetime | None = None
    reason: str = ""
    place: Place = NOWHERE
