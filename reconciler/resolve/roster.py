"""Who is here at a moment: people by their dates in the organization's time zone, and service accounts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from reconciler.errors import ConfigurationError
from reconciler.model.company import Company
from reconciler.model.identities import Person
from reconciler.resolve.declared import Leaver
from reconciler.resolve.masks import mask_of


@dataclass(frozen=True, slots=True)
class Roster:
    """All identities, numbered in the order of their ids, and who of them is here.

    Attributes:
        today: the moment's date in the organization's time zone.
        ids: the identities' ids, sorted; the index is the identity's number.
        here: mask of the people who have started and not left, and of all service accounts.
        people: mask of the people who are here.
        waiting: ids of people whose first day is still to come.
    """

    today: date
    ids: tuple[str, ...]
    numbers: Mapping[str, int]
    here: int
    people: int
    leavers: Mapping[str, Leaver]
    waiting: frozenset[str]

    def mask(self, ids: Iterable[str]) -> int:
        """Return the mask of those of these ids that are here."""
        known = map(self.numbers.get, ids)
        return mask_of((number for number in known if number is not None), len(self.ids)) & self.here

    def number_here(self, identity: str) -> int | None:
        """Return the number of an identity that is here, else None."""
        number = self.numbers.get(identity)
        return number if number is not None and identity not in self.leavers and identity not in self.waiting else None


def local_date(moment: datetime, timezone: str) -> date:
    """Return the date of a moment in a time zone (an IANA name).

    Raises:
        ConfigurationError: the moment has no time zone, or the time zone is unknown.
    """
    if moment.tzinfo is None:
        raise ConfigurationError(
            f"the moment {moment.isoformat()} has no time zone", hint="write it like 2026-12-01T00:00Z"
        )
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigurationError(
            f"unknown time zone {timezone!r}", hint="write an IANA name, such as Europe/Berlin, in reconciler.yaml"
        ) from error
    try:
        return moment.astimezone(zone).date()
    except OverflowError:
        return moment.date()


def call_roster(company: Company, moment: datetime) -> Roster:
    """Work out who is here at a moment.

    A person is here from 00:00 of `start` to the end of `last_day`, both as days in the organization's time zone, and
    a leaver after that, and from the moment of `left` on. Service accounts are always here.

    Raises:
        ConfigurationError: the moment has no time zone, or the organization's is unknown.
    """
    today = local_date(moment, company.settings.timezone)
    ids = tuple(sorted({*company.people, *company.service_accounts}))
    numbers = {identity: number for number, identity in enumerate(ids)}
    zone = company.settings.timezone
    leavers = {person.id: _leaver(person, zone) for person in company.people.values() if _left(person, today, moment)}
    waiting = frozenset(
        person.id for person in company.people.values() if _is_to_come(person, today) and person.id not in leavers
    )
    present = [number for name, number in numbers.items() if name not in leavers and name not in waiting]
    people = [number for number in present if ids[number] in company.people]
    return Roster(today, ids, numbers, mask_of(present, len(ids)), mask_of(people, len(ids)), leavers, waiting)


def _left(person: Person, today: date, moment: datetime) -> bool:
    if person.left is not None and person.left <= moment:
        return True
    return person.last_day is not None and person.last_day < today


def _is_to_come(person: Person, today: date) -> bool:
    return person.start is not None and person.start > today


def _leaver(person: Person, timezone: str) -> Leaver:
    days = [person.last_day] if person.last_day else []
    days += [local_date(person.left, timezone)] if person.left else []
    return Leaver(person.id, min(days), person.manager, person.place, person.left)
