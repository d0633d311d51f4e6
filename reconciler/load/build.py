"""The records of all files become one company; what is defined twice across files is told with both places."""

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from operator import attrgetter
from typing import Any, Protocol

from reconciler.items import Value
from reconciler.load.dates import find_zone, parse_instant
from reconciler.load.faults import quote
from reconciler.load.records import (
    AccountRulesRecord,
    AppRecord,
    FileRecord,
    GrantRecord,
    GroupRecord,
    PersonRecord,
    PolicyRecord,
    RecipientsRecord,
    RoleRecord,
    ServiceAccountRecord,
    Values,
    WantedRecord,
)
from reconciler.load.thaw import thaw
from reconciler.model.access import GrantBlock, Recipients, Role, Wanted, WantedList
from reconciler.model.apps import AccountRules, App, EntitlementRules, LeaverStep, Manage, OnDrift, Plans, Way
from reconciler.model.company import Company, Settings
from reconciler.model.identities import Group, Person, ServiceAccount
from reconciler.model.policies import Limit, Limits, NeverTogether, Policies, Protected, SelfApproval
from reconciler.problems import NOWHERE, Place, Problem, Severity

_NOTHING: Mapping[str, Any] = {}

_make_person = thaw(Person)
_make_recipients = thaw(Recipients)
_make_wanted_list = thaw(WantedList)
_make_grant = thaw(GrantBlock)


class _Placed(Protocol):
    line: int
    column: int


@dataclass(slots=True)
class Built:
    """A company, and what is not in it but needed to check it.

    Attributes:
        rules: group → the attributes that its rule reads.
        templates: app → the attributes that its account templates read.
        policies: `protected` and the like → where it is written.
    """

    company: Company
    problems: list[Problem]
    rules: dict[str, Sequence[str]] = field(default_factory=dict)
    templates: dict[str, Sequence[str]] = field(default_factory=dict)
    policies: dict[str, Place] = field(default_factory=dict)


def build_company(settings: Settings, files: Iterable[tuple[str, FileRecord]], digest: str) -> Built:
    """Return the company that files say, in the order of their paths."""
    builder = _Builder(settings)
    for path, record in sorted(files, key=lambda pair: pair[0]):
        builder.add(path, record)
    return builder.build(digest)


class _Builder:
    """Takes the records of one file after another."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.zone: tzinfo = find_zone(settings.timezone)
        self.problems: list[Problem] = []
        self.told: set[tuple[int, int]] = set()
        self.interned: dict[tuple[str, str | None], Wanted] = {}
        self.people: dict[str, Person] = {}
        self.services: dict[str, ServiceAccount] = {}
        self.groups: dict[str, Group] = {}
        self.apps: dict[str, App] = {}
        self.roles: dict[str, Role] = {}
        self.grants: list[GrantBlock] = []
        self.policies: dict[str, tuple[PolicyRecord, Place]] = {}
        self.rules: dict[str, Sequence[str]] = {}
        self.templates: dict[str, Sequence[str]] = {}

    def add(self, path: str, record: FileRecord) -> None:
        """Take everything in one file."""
        self.told = {(fault.line, fault.column) for fault in record.faults if fault.also}
        unpack = _Unpacker(path, [self._intern(*pair) for pair in record.wanted], self.zone)
        self._take(record.people, self.people, "person", unpack.person)
        self._take(record.service_accounts, self.services, "service account", unpack.service_account)
        self._take(record.groups, self.groups, "group", unpack.group)
        self._take(record.apps, self.apps, "app", unpack.app)
        self._take(record.roles, self.roles, "role", unpack.role)
        self.grants.extend(map(unpack.grant, record.grants))
        for group in record.groups:
            self.rules.setdefault(group.name, group.names)
        for app in record.apps:
            self.templates.setdefault(app.name, app.accounts.names if app.accounts else ())
        for policy in record.policies:
            place = Place(path, policy.line, policy.column)
            if policy.name in self.policies:
                self._complain_of_second("policies.", policy.name, place, self.policies[policy.name][1])
            self.policies.setdefault(policy.name, (policy, place))

    def _intern(self, key: str, level: str | None) -> Wanted:
        return self.interned.setdefault((key, level), Wanted(key, level))

    def _take(self, records: Sequence[Any], known: dict[str, Any], noun: str, make: Callable[[Any], Any]) -> None:
        """Add what records say, each under its name, and note the names that are there already."""
        name_of = attrgetter("id" if records and hasattr(records[0], "id") else "name")
        for record in records:
            made = make(record)
            name = name_of(record)
            before = known.setdefault(name, made)
            if before is not made:
                self._complain_of_second(f"{noun} ", name, made.place, before.place)

    def _complain_of_second(self, noun: str, name: str, place: Place, first: Place) -> None:
        """Note what is defined twice, unless the parser did: a key that its mapping has twice."""
        if (place.line, place.column) in self.told:
            return
        shown = quote(name)[1:-1]
        message = f"{noun}{shown} is defined twice, first at {first}"
        self.problems.append(Problem(place, Severity.ERROR, message, "remove or rename one of them"))

    def build(self, digest: str) -> Built:
        """Return everything that was taken."""
        company = Company(
            self.settings,
            self.people,
            self.services,
            self.groups,
            self.apps,
            self.roles,
            tuple(self.grants),
            _make_policies(self.policies),
            digest,
        )
        places = {name: place for name, (_, place) in self.policies.items()}
        return Built(company, self.problems, self.rules, self.templates, places)


class _Unpacker:
    """Makes the model's values of one file's records.

    Args:
        path: the file's.
        wanted: its table of wanted entitlements, interned over all files.
        zone: the organization's.
    """

    def __init__(self, path: str, wanted: Sequence[Wanted], zone: tzinfo) -> None:
        self.path = path
        self.zone = zone
        self.wanted = wanted
        self.tuples: dict[bytes, tuple[Wanted, ...]] = {b"": ()}

    def place(self, record: _Placed) -> Place:
        """Return where a record was written."""
        return Place(self.path, record.line, record.column)

    def person(self, record: PersonRecord) -> Person:
        """Make a person."""
        return _make_person(
            record.id,
            record.name,
            record.email,
            record.type,
            record.given_name,
            record.family_name,
            record.title,
            record.department,
            record.manager,
            record.start,
            record.last_day,
            record.usernames or _NOTHING,
            freeze(record.attributes),
            self._instant(record.left, end=False),
            Place(self.path, record.line, record.column),
        )

    def service_account(self, record: ServiceAccountRecord) -> ServiceAccount:
        """Make a service account."""
        return ServiceAccount(
            record.id,
            record.owner,
            record.email,
            record.name,
            record.review_by,
            record.usernames or _NOTHING,
            freeze(record.attributes),
            self.place(record),
        )

    def group(self, record: GroupRecord) -> Group:
        """Make a group."""
        return Group(
            record.name,
            tuple(record.people),
            tuple(record.service_accounts),
            tuple(record.groups),
            None if record.where is None else freeze(record.where),
            record.expression,
            tuple(record.excluded),
            self.place(record),
        )

    def recipients(self, record: RecipientsRecord) -> Recipients:
        """Make recipients."""
        return _make_recipients(
            tuple(record.people),
            tuple(record.service_accounts),
            tuple(record.groups),
            tuple(record.entitlements),
            record.everyone,
            tuple(record.excluded),
            self.place(record),
        )

    def grants(self, records: Mapping[str, WantedRecord]) -> dict[str, WantedList]:
        """Make the lists of wanted entitlements by app; equal lists share one tuple."""
        return {app: self._wanted_list(record) for app, record in records.items()}

    def _wanted_list(self, record: WantedRecord) -> WantedList:
        indexes = record.indexes
        wanted = self.tuples.get(indexes)
        if wanted is None:
            table = self.wanted
            wanted = self.tuples[indexes] = tuple([table[index] for index in memoryview(indexes).cast("I")])
        return _make_wanted_list(
            wanted, self.path, array("I", record.lines), Place(self.path, record.line, record.column)
        )

    def role(self, record: RoleRecord) -> Role:
        """Make a role."""
        to = self.recipients(record.to)
        return Role(record.name, to, self.grants(record.grants), record.description, self.place(record))

    def grant(self, record: GrantRecord) -> GrantBlock:
        """Make a grant block; its instants in UTC."""
        return _make_grant(
            self.recipients(record.to),
            self.grants(record.grants),
            self._instant(record.until, end=True),
            self._instant(record.start, end=False),
            record.reason,
            Place(self.path, record.line, record.column),
        )

    def _instant(self, text: str, *, end: bool) -> datetime | None:
        return parse_instant(text, self.zone, end=end) if text else None

    def app(self, record: AppRecord) -> App:
        """Make an app."""
        return App(
            record.name,
            record.owner,
            record.deputy,
            tuple(Way(way.provider, way.config, self.place(way)) for way in record.route),
            Manage(record.manage),
            {kind: Manage(word) for kind, word in record.manage_kinds.items()},
            OnDrift(record.drift),
            self._account_rules(record.accounts) if record.accounts else AccountRules(),
            {rules.key: self._entitlement(rules) for rules in record.entitlements},
            delete_after=None if record.delete_after is None else timedelta(seconds=record.delete_after),
            plans=Plans(record.plans),
            description=record.description,
            place=self.place(record),
            **self._leaver(record),
        )

    def _leaver(self, record: AppRecord) -> dict[str, tuple[LeaverStep, ...]]:
        """Return the steps, or nothing where the model's default holds."""
        if record.leaver is None:
            return {}
        return {
            "leaver": tuple(LeaverStep(step.name, freeze(step.options), self.place(step)) for step in record.leaver)
        }

    def _account_rules(self, record: AccountRulesRecord) -> AccountRules:
        to = self.recipients(record.to) if record.to else None
        return AccountRules(freeze(record.attributes), record.match, to, self.place(record))

    def _entitlement(self, record: Any) -> EntitlementRules:
        return EntitlementRules(
            record.key,
            tuple(record.formerly),
            record.privileged,
            tuple(record.approvers),
            record.price,
            tuple(record.levels),
            freeze(record.attributes),
            self.place(record),
        )


def freeze(values: Values) -> Mapping[str, Value]:
    """Return values with their lists as tuples."""
    if not values:
        return _NOTHING
    frozen: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
    return frozen


def _make_policies(records: Mapping[str, tuple[PolicyRecord, Place]]) -> Policies:
    """Return the policies; what is not written keeps its safe default."""
    policies: dict[str, Any] = {"place": min((place for _, place in records.values()), default=NOWHERE)}
    if together := records.get("never_together"):
        record, place = together
        policies["never_together"] = {
            name: NeverTogether(name, tuple(entitlements), Place(place.file, line, column))
            for name, (line, column, entitlements) in record.never_together.items()
        }
    if protected := records.get("protected"):
        record = protected[0]
        policies["protected"] = Protected(
            frozenset(record.people), frozenset(record.accounts), frozenset(record.entitlements)
        )
    if limits := records.get("limits"):
        policies["limits"] = _make_limits(limits[0].limits)
    if (said := records.get("self_approval")) and said[0].self_approval:
        policies["self_approval"] = SelfApproval(said[0].self_approval)
    return Policies(**policies)


def _make_limits(limits: Mapping[str, tuple[int, float]]) -> Limits:
    default = Limits()
    return Limits(
        Limit(*limits["leavers"]) if "leavers" in limits else default.leavers,
        Limit(*limits["removals_per_app"]) if "removals_per_app" in limits else default.removals_per_app,
        limits["minimum_admins"][0] if "minimum_admins" in limits else default.minimum_admins,
        Limit(*limits["removals"]) if "removals" in limits else default.removals,
    )
