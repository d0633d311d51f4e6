"""Apps: how they are reached, what is managed in them, and what happens to leavers there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from reconciler.items import Value
from reconciler.model.access import Recipients
from reconciler.problems import NOWHERE, Place


class Manage(StrEnum):
    """How far the reconciler may go in an app, or for one kind of entitlement in it.

    OBSERVE changes nothing. DECLARED removes only what was applied before or what the YAML declares absent. EVERYTHING
    also removes strangers.
    """

    OBSERVE = "observe"
    DECLARED = "declared"
    EVERYTHING = "everything"


class OnDrift(StrEnum):
    """What a scheduled run does with drift: report it, or correct it."""

    REPORT = "report"
    CORRECT = "correct"


class Plans(StrEnum):
    """What plans of an app are made of: what it answers now, or the last answer that an apply kept."""

    LIVE = "live"
    SNAPSHOT = "snapshot"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to reach an app.

    Attributes:
        provider: the entry point's name in the group `reconciler.providers`.
        config: the provider's own configuration as plain data, already validated by it; secrets in it are references.
        place: where the way is written.
    """

    provider: str
    config: Mapping[str, Any] = field(default_factory=dict)
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class AccountRules:
    """How accounts look in an app, and who has one.

    Attributes:
        attributes: the app's attribute → a template over `person` (`"{{ person.title }}"`) or a fixed value. Only these
            are compared and kept equal.
        match: the app's attribute that an account is found by when nothing better is known: `email` or `username`.
        to: who has an account even without any grant; None means only those with a grant.
    """

    attributes: Mapping[str, Value] = field(default_factory=dict)
    match: str = "email"
    to: Recipients | None = None
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class EntitlementRules:
    """What is special about one entitlement, or that it is to be created.

    Attributes:
        key: `kind:name`.
        formerly: keys that it had before, for renames in place.
        privileged: shown first, adopted only by a reviewed pin, alarms when unmanaged.
        approvers: `owner`, or names of groups.
        price: as written (`12.50 EUR/month`); empty means none.
        levels: the levels from the weakest to the strongest, where the provider does not know.
        attributes: the app's attributes of it that are kept equal (a description).
    """

    key: str
    formerly: tuple[str, ...] = ()
    privileged: bool = False
    approvers: tuple[str, ...] = ()
    price: str = ""
    levels: tuple[str, ...] = ()
    attributes: Mapping[str, Value] = field(default_factory=dict)
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class LeaverStep:
    """One step of what happens to a leaver's account: its name and options (`transfer_files: {to: manager}`)."""

    name: str
    options: Mapping[str, Value] = field(default_factory=dict)
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class App:
    """One system that access is given in.

    Attributes:
        owner: the id of the person whom tickets, reviews and approvals go to.
        deputy: who stands in; may be empty.
        route: the ways, tried in this order by each operation; a ticket to the owner is always the last one.
        manage, manage_kinds: how far to go, in general and by kind of entitlement (`accounts` for accounts).
        leaver: the steps; whatever their order, files are transferred before licences go; the default is end_sessions
            where the app can, then suspend.
        delete_after: from suspension to deletion; None means never delete.
        plans: what plans are made of; an apply always asks the app itself.
    """

    name: str
    owner: str
    deputy: str = ""
    route: tuple[Way, ...] = ()
    manage: Manage = Manage.DECLARED
    manage_kinds: Mapping[str, Manage] = field(default_factory=dict)
    drift: OnDrift = OnDrift.REPORT
    accounts: AccountRules = field(default_factory=AccountRules)
    entitlements: Mapping[str, EntitlementRules] = field(default_factory=dict)
    leaver: tuple[LeaverStep, ...] = (LeaverStep("end_sessions"), LeaverStep("suspend"))
    delete_after: timedelta | None = None
    plans: Plans = Plans.LIVE
    description: str = ""
    place: Place = NOWHERE

    def manages(self, kind: str) -> Manage:
        """Return how far to go for a kind of entitlement, or for `accounts`."""
        return self.manage_kinds.get(kind, self.manage)
