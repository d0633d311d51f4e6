"""People, service accounts and groups."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from reconciler.items import Value
from reconciler.problems import NOWHERE, Place

FORGE = "github"
"""Under this name people's usernames in the forge are written, whether or not it is an app of the company too."""


@dataclass(frozen=True, slots=True)
class Person:
    """A person. Dates are days in the organization's time zone.

    Attributes:
        id: stable, never an email address; what everything else refers to.
        name: the full name, as people write it.
        email: the work address; empty where there is none.
        type: `employee` or `contractor`.
        given_name, family_name: empty where only `name` was written; see `names`.
        start: the first day; None means always.
        last_day: the last day, inclusive; None means open-ended (a contractor always has one).
        left: the instant (with a time zone) from which somebody is gone, whatever the last day is; mostly None.
        manager: the id of another person, or empty.
        usernames: app → the username there, where it is not the app's default.
        attributes: what else the organization knows (`location: Berlin`), free for rules and templates.
        place: where the person is written.
    """

    id: str
    name: str
    email: str = ""
    type: str = "employee"
    given_name: str = ""
    family_name: str = ""
    title: str = ""
    department: str = ""
    manager: str = ""
    start: date | None = None
    last_day: date | None = None
    usernames: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Value] = field(default_factory=dict)
    left: datetime | None = None
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """An identity that is no person: owned by one, and reviewed by a date (past it, a warning; never a removal)."""

    id: str
    owner: str
    email: str = ""
    name: str = ""
    review_by: date | None = None
    usernames: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Value] = field(default_factory=dict)
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Group:
    """A set of identities: listed, nested or by rule; then without those excepted.

    Attributes:
        people, service_accounts: ids that are members.
        groups: names of groups whose members are members.
        where: equalities over attributes of people (`{department: Engineering}`; a tuple means one of these); all must
            hold. None means no rule; an empty mapping is an error, found while loading.
        expression: a Jinja2 expression over one person's attributes; empty means none.
        excluded: ids that are never members by way of this group (`except` in YAML).
    """

    name: str
    people: tuple[str, ...] = ()
    service_accounts: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    where: Mapping[str, Value] | None = None
    expression: str = ""
    excluded: tuple[str, ...] = ()
    place: Place = NOWHERE
