"""What one file says, as typed values that can be kept: no paths, no settings, no moment.

A `FileRecord` depends on nothing but the file's content (and, for routes, on the installed providers), so two branches
share it, and the cache keeps it. Lines and columns count from 1. A list of entitlements is two columns of unsigned
32-bit numbers: indexes into `FileRecord.wanted`, and lines.
"""

from datetime import date
from typing import Any, TypeAlias

import msgspec

from reconciler.load.faults import Fault

Scalar: TypeAlias = str | int | float | bool | None
Values: TypeAlias = dict[str, Scalar | list[Scalar]]


class Record(msgspec.Struct, array_like=True, gc=False):
    """The base of all of them."""


class RecipientsRecord(Record):
    """`to:` of a role, a grant or an app's accounts."""

    line: int
    column: int
    people: list[str] = []
    service_accounts: list[str] = []
    groups: list[str] = []
    entitlements: list[str] = []
    everyone: bool = False
    excluded: list[str] = []


class WantedRecord(Record):
    """The entitlements that one block asks for in one app; `indexes` and `lines` hold four bytes each."""

    line: int
    column: int
    indexes: bytes
    lines: bytes


class PersonRecord(Record):
    """One person."""

    line: int
    column: int
    id: str
    name: str
    email: str
    type: str
    given_name: str
    family_name: str
    title: str
    department: str
    manager: str
    start: date | None
    last_day: date | None
    usernames: dict[str, str]
    attributes: Values
    left: str = ""


class ServiceAccountRecord(Record):
    """One service account."""

    line: int
    column: int
    id: str
    owner: str
    email: str
    name: str
    review_by: date | None
    usernames: dict[str, str]
    attributes: Values


class GroupRecord(Record):
    """One group; `names` are the attributes that its rule reads."""

    line: int
    column: int
    name: str
    people: list[str]
    service_accounts: list[str]
    groups: list[str]
    where: Values | None
    expression: str
    excluded: list[str]
    names: list[str]


class RoleRecord(Record):
    """One role."""

    line: int
    column: int
    name: str
    to: RecipientsRecord
    grants: dict[str, WantedRecord]
    description: str


class GrantRecord(Record):
    """One grant block; `until` and `start` as written, for their zone may be the organization's."""

    line: int
    column: int
    to: RecipientsRecord
    grants: dict[str, WantedRecord]
    until: str
    start: str
    reason: str


class WayRecord(Record):
    """One way of a route."""

    line: int
    column: int
    provider: str
    config: dict[str, Any]


class AccountRulesRecord(Record):
    """`accounts:` of an app; `names` are the attributes that its templates read."""

    line: int
    column: int
    attributes: Values
    match: str
    to: RecipientsRecord | None
    names: list[str]


class EntitlementRecord(Record):
    """One of an app's `entitlements`."""

    line: int
    column: int
    key: str
    formerly: list[str]
    privileged: bool
    approvers: list[str]
    price: str
    levels: list[str]
    attributes: Values


class LeaverStepRecord(Record):
    """One step of `leaver:`."""

    line: int
    column: int
    name: str
    options: Values


class AppRecord(Record):
    """One app; `delete_after` in seconds."""

    line: int
    column: int
    name: str
    owner: str
    deputy: str
    route: list[WayRecord]
    manage: str
    manage_kinds: dict[str, str]
    drift: str
    accounts: AccountRulesRecord | None
    entitlements: list[EntitlementRecord]
    leaver: list[LeaverStepRecord] | None
    delete_after: float | None
    plans: str
    description: str


class PolicyRecord(Record):
    """One entry of `policies`, under its name; only the fields of that name are filled."""

    line: int
    column: int
    name: str
    never_together: dict[str, tuple[int, int, list[str]]] = {}
    people: list[str] = []
    accounts: list[str] = []
    entitlements: list[str] = []
    limits: dict[str, tuple[int, float]] = {}
    self_approval: str = ""


class FileRecord(Record):
    """Everything in one file.

    Attributes:
        wanted: each distinct entitlement as written in lists: its key, its level.
        sections: name → line and column of each section's first appearance.
        faults: warnings only, once it is in the cache.
        providers: the distributions whose providers checked its routes → their versions.
    """

    people: list[PersonRecord]
    service_accounts: list[ServiceAccountRecord]
    groups: list[GroupRecord]
    apps: list[AppRecord]
    roles: list[RoleRecord]
    grants: list[GrantRecord]
    policies: list[PolicyRecord]
    wanted: list[tuple[str, str | None]]
    sections: dict[str, tuple[int, int]]
    faults: list[Fault]
    providers: dict[str, str] = {}
