"""A plain model of one app and its state, and short ways to say what is declared, applied and live."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from reconciler.items import AccountItem, EntitlementItem, GrantItem, Item, Names, Value, kind_of
from reconciler.model.apps import App, EntitlementRules
from reconciler.plan.app import plan_app
from reconciler.plan.build import build_plan
from reconciler.plan.inputs import AppInputs, IdentityKeys, WayRead
from reconciler.plan.order import ONLY_AFTER
from reconciler.plan.plan import AppPlan, Fact, Finding, Plan
from reconciler.problems import Place
from reconciler.provider.change import Change, Operation
from reconciler.provider.contract import CAN, Capabilities
from reconciler.provider.snapshot import (
    ACCOUNTS,
    AccountStatus,
    LiveAccount,
    LiveEntitlement,
    Snapshot,
    SnapshotBuilder,
    entitlements_of,
    grants_of,
)
from reconciler.resolve.declared import AbsentBecause, DeclaredAccount, DeclaredApp, Leaver, Presence, Reason
from reconciler.state.contract import Applied, AppliedAccount, AppliedEntitlement

MOMENT = datetime(2026, 3, 10, 12, tzinfo=UTC)
LONG_AGO = datetime(2025, 12, 1, tzinfo=UTC)
KINDS = ("team", "role", "repo")
LEVELS = {"repo": ("read", "write", "admin")}
Row = tuple[str, str] | tuple[str, str, str | None]


def can_everything(*, without: Iterable[Operation] = (), **more: Any) -> Capabilities:
    """Return the capabilities of a way that reads and does everything, less some operations."""
    table = {operation: CAN for operation in Operation if operation not in set(without)}
    reads = {name: CAN for kind in KINDS for name in (entitlements_of(kind), grants_of(kind))}
    settings: dict[str, Any] = {"reads": {ACCOUNTS: CAN, **reads}, "levels": LEVELS, **more}
    return Capabilities(operations=table, kinds={"*": table}, **settings)


@dataclass
class Model:
    """An app as it is: accounts and entitlements by remote id, grants by (remote id or key of the holder, key)."""

    accounts: dict[str, LiveAccount] = field(default_factory=dict)
    entitlements: dict[str, LiveEntitlement] = field(default_factory=dict)
    grants: dict[tuple[str, str], str | None] = field(default_factory=dict)
    serial: itertools.count[int] = field(default_factory=lambda: itertools.count(100))

    def add_account(self, name: str, *, status: AccountStatus = AccountStatus.ACTIVE, **more: Any) -> str:
        """Add the account of `name` under the id `u-name`."""
        values: dict[str, Any] = {"username": name, "email": f"{name}@acme.example", **more}
        remote_id = values.pop("remote_id", f"u-{name}")
        self.accounts[remote_id] = LiveAccount(remote_id, status=status, **values)
        return remote_id

    def add_entitlement(self, key: str, remote_id: str = "", **attributes: Value) -> None:
        """Add an entitlement under the id `e-key`."""
        self.entitlements[remote_id or f"e-{key}"] = LiveEntitlement(remote_id or f"e-{key}", key, attributes)

    def grant(self, holder: str, key: str, level: str | None = None) -> None:
        """Grant an entitlement (made if it is missing) to the account `u-holder`, or to an entitlement."""
        if key not in {entitlement.key for entitlement in self.entitlements.values()}:
            self.add_entitlement(key)
        self.grants[holder if ":" in holder else f"u-{holder}", key] = level

    def snapshot(self, *, order: int = 0, incomplete: Iterable[str] = (), own: str = "") -> Snapshot:
        """Return what the app answers, rotated by `order`."""
        builder = SnapshotBuilder()
        for account in _turn(list(self.accounts.values()), order):
            builder.account(account)
        for entitlement in _turn(list(self.entitlements.values()), order):
            builder.entitlement(entitlement)
        ids = {entitlement.key: remote_id for remote_id, entitlement in self.entitlements.items()}
        for (holder, key), level in _turn(list(self.grants.items()), order):
            number = builder.entitlement_number(ids[key])
            who = builder.account_number(holder)
            if who is None:
                who = -1 - _number(builder.entitlement_number(ids[holder]))
            builder.grant(who, _number(number), level)
        for collection in all_collections():
            builder.complete(collection, "the model knows")
        for collection in incomplete:
            builder.incomplete(collection, "the last page is missing")
        builder.snapshot.own_account = own
        return builder.snapshot

    def perform(self, change: Change) -> str:
        """Do one change and return the remote id of what it made."""
        match change.item:
            case AccountItem():
                return self._perform_account(change)
            case EntitlementItem():
                return self._perform_entitlement(change)
            case GrantItem():
                return self._perform_grant(change)

    def _perform_account(self, change: Change) -> str:
        if change.operation is Operation.CREATE_ACCOUNT:
            assert not change.account_id
            remote_id = f"n-{next(self.serial)}"
            known = {"username": "", "email": "", "external_id": ""}
            known |= {name: str(change.after[name]) for name in known if name in change.after}
            mapped = {n: v for n, v in change.after.items() if n not in known and not n.startswith("person.")}
            self.accounts[remote_id] = LiveAccount(remote_id, attributes=mapped, **known)
            return remote_id
        account = self.accounts[change.account_id]
        if change.operation is Operation.DELETE_ACCOUNT:
            del self.accounts[change.account_id]
            self.grants = {pair: level for pair, level in self.grants.items() if pair[0] != change.account_id}
        elif change.operation is Operation.SUSPEND_ACCOUNT:
            self.accounts[change.account_id] = replace(account, status=AccountStatus.SUSPENDED)
        elif change.operation is Operation.REACTIVATE_ACCOUNT:
            self.accounts[change.account_id] = replace(account, status=AccountStatus.ACTIVE)
        elif change.operation is Operation.UPDATE_ACCOUNT:
            values = dict(change.after)
            username = str(values.pop("username", account.username))
            attributes = {**account.attributes, **values}
            self.accounts[change.account_id] = replace(account, username=username, attributes=attributes)
        return change.account_id

    def _perform_entitlement(self, change: Change) -> str:
        key = change.entitlement
        if change.operation is Operation.CREATE_ENTITLEMENT:
            assert key not in {entitlement.key for entitlement in self.entitlements.values()}
            remote_id = f"n-{next(self.serial)}"
            attributes = {name: value for name, value in change.after.items() if name != "name"}
            self.entitlements[remote_id] = LiveEntitlement(remote_id, key, attributes)
            return remote_id
        old = self.entitlements[change.entitlement_id]
        if change.operation is Operation.RENAME_ENTITLEMENT:
            self.entitlements[old.remote_id] = replace(old, key=key)
            swap = {old.key: key}
            self.grants = {(swap.get(h, h), swap.get(k, k)): level for (h, k), level in self.grants.items()}
        else:
            self.entitlements[old.remote_id] = replace(old, attributes={**old.attributes, **change.after})
        return old.remote_id

    def _perform_grant(self, change: Change) -> str:
        entitlements = {e.key: i for i, e in self.entitlements.items()}
        live_key = self.entitlements[change.entitlement_id or entitlements[change.entitlement]].key
        holder = change.holder
        if ":" in holder and not holder.startswith("@"):
            holder = self.entitlements[change.holder_entitlement_id or entitlements[holder]].key
        else:
            made = {account.external_id: remote_id for remote_id, account in self.accounts.items()}
            holder = change.account_id or made[holder]
        if change.operation is Operation.REVOKE:
            del self.grants[holder, live_key]
        else:
            assert (change.operation is Operation.GRANT) is ((holder, live_key) not in self.grants)
            level = change.after.get("level")
            self.grants[holder, live_key] = None if level is None else str(level)
        return ""


def _turn(items: list[Any], order: int) -> list[Any]:
    turned = items[order % len(items) :] + items[: order % len(items)] if items else []
    return turned[::-1] if order % 2 else turned


def _number(number: int | None) -> int:
    assert number is not None
    return number


def all_collections() -> list[str]:
    """Return the collections of the model's kinds."""
    return [ACCOUNTS, *map(entitlements_of, KINDS), *map(grants_of, KINDS)]


@dataclass
class World:
    """One app on all three sides."""

    app: App = field(default_factory=lambda: App("github", "omar"))
    model: Model = field(default_factory=Model)
    people: dict[str, Presence] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    wanted: dict[tuple[str, str], str | None] = field(default_factory=dict)
    absent: dict[tuple[str, str], AbsentBecause] = field(default_factory=dict)
    absent_accounts: dict[str, AbsentBecause] = field(default_factory=dict)
    usernames: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, dict[str, Value]] = field(default_factory=dict)
    accounts: dict[str, AppliedAccount] = field(default_factory=dict)
    entitlements: dict[str, AppliedEntitlement] = field(default_factory=dict)
    grants: dict[tuple[str, str], str | None] = field(default_factory=dict)
    pending: set[tuple[str, str]] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    moment: datetime = MOMENT

    def declare(self, person: str, *rows: str, level: str | None = None) -> World:
        """Say that a person has an account and these entitlements."""
        self.people[person] = Presence.PRESENT
        self.wanted.update({(person, key): level for key in rows})
        return self

    def leave(self, person: str) -> World:
        """Make somebody a leaver."""
        self.people[person] = Presence.SUSPENDED
        self.wanted = {pair: level for pair, level in self.wanted.items() if pair[0] != person}
        return self

    def live(self, person: str, *rows: str, level: str | None = None, **more: Any) -> World:
        """Give somebody an account and these entitlements in the app."""
        self.model.add_account(person, **more)
        for key in rows:
            self.model.grant(person, key, level)
        return self

    def apply(self, person: str, *rows: str, level: str | None = None, **more: Any) -> World:
        """Record an account and these grants as ours."""
        settings: dict[str, Any] = {"remote_id": f"u-{person}", "username": person, "since": MOMENT, **more}
        self.accounts[person] = AppliedAccount(**settings)
        self.grants.update({(person, key): level for key in rows})
        return self

    def settled(self, person: str, *rows: str, level: str | None = None, **more: Any) -> World:
        """Have somebody declared, live and applied alike."""
        self.declare(person, *rows, level=level).live(person, *rows, level=level, **more)
        for key in rows:
            self.entitlements.setdefault(key, AppliedEntitlement(f"e-{key}"))
        return self.apply(person, *rows, level=level)

    def identities(self) -> list[IdentityKeys]:
        """Return everybody."""
        names = sorted({*self.people, *self.silent})
        return [IdentityKeys(name, f"{name}@acme.example", self.usernames.get(name, "")) for name in names]

    def declared(self, names: Names) -> DeclaredApp:
        """Return the declared side."""
        return DeclaredApp(
            app=self.app,
            names=names,
            accounts=dict(self.people),
            leavers={n: Leaver(n, date(2026, 3, 1)) for n, p in self.people.items() if p is Presence.SUSPENDED},
            entitlements=dict(self.app.entitlements),
            grants={names.grant(*pair): names.level(level) for pair, level in self.wanted.items()},
            absent={names.grant(*pair): because for pair, because in self.absent.items()},
            levels=LEVELS,
            absent_accounts=dict(self.absent_accounts),
        )

    def applied(self, names: Names) -> Applied:
        """Return what is recorded."""
        return Applied(
            accounts=dict(self.accounts),
            entitlements=dict(self.entitlements),
            grants={names.grant(*pair): names.level(level) for pair, level in self.grants.items()},
            pending={names.grant(*pair) for pair in self.pending},
            counts=dict(self.counts),
            known=True,
        )

    def account(self, person: str) -> DeclaredAccount:
        """Render the declared account of somebody."""
        username = self.usernames.get(person, "")
        return DeclaredAccount(
            identity=person,
            presence=self.people.get(person, Presence.ABSENT),
            username=username,
            email=f"{person}@acme.example",
            external_id=person,
            attributes=self.attributes.get(person, {}),
            initial={"username": username or person, "name": person.title()},
        )

    def inputs(self, snapshot: Snapshot | None = None, **more: Any) -> AppInputs:
        """Return everything that planning needs, with one way that can do everything."""
        names = Names()
        way = WayRead("api", "1.0", more.pop("capabilities", can_everything()), snapshot or self.model.snapshot())
        settings: dict[str, Any] = {
            "declared": self.declared(names),
            "account": self.account,
            "reasons": reasons,
            "moment": self.moment,
            "identities": self.identities(),
            "applied": self.applied(names),
            "ways": [way],
            "config_digest": "c" * 64,
            **more,
        }
        return AppInputs(**settings)

    def plan(self, snapshot: Snapshot | None = None, **more: Any) -> AppPlan:
        """Plan the app."""
        return plan_app(self.inputs(snapshot, **more))

    def carry_out(self, plan: AppPlan) -> None:
        """Do a plan and record it, as an apply would."""
        self.take_on(plan)
        for change in plan.changes:
            if not change.blocked:
                self.record(change, self.model.perform(change))

    def take_on(self, plan: AppPlan) -> None:
        """Adopt and forget what a plan says."""
        self.accounts.update(plan.adoption.accounts)
        self.entitlements.update(plan.adoption.entitlements)
        for holder, key, level in plan.adoption.grants:
            self.grants[holder, key] = level
            self.pending.discard((holder, key))
        self.counts.update(plan.adoption.counts)
        for item in plan.adoption.gone:
            self._forget(item)

    def _forget(self, item: Item) -> None:
        match item:
            case AccountItem(holder):
                self.accounts.pop(holder, None)
            case EntitlementItem(key):
                self.entitlements.pop(key, None)
            case GrantItem(holder, key):
                self.grants.pop((holder, key), None)
                self.pending.discard((holder, key))

    def record(self, change: Change, remote_id: str) -> None:
        """Record one change that was done."""
        match change.item:
            case AccountItem(holder):
                self._record_account(change, holder, remote_id)
            case EntitlementItem(key):
                old = self.entitlements.get(key, AppliedEntitlement(remote_id))
                kept = {name: value for name, value in change.after.items() if name != "name"}
                created = old.created or change.operation is Operation.CREATE_ENTITLEMENT
                attributes = {**old.attributes, **kept}
                self.entitlements[key] = AppliedEntitlement(remote_id, attributes, created=created)
            case GrantItem(holder, key):
                if change.operation is not Operation.REVOKE:
                    level = change.after.get("level")
                    self.grants[holder, key] = None if level is None else str(level)
                    self.pending.discard((holder, key))

    def _record_account(self, change: Change, holder: str, remote_id: str) -> None:
        old = self.accounts.get(holder, AppliedAccount(change.account_id, change.username))
        status = {
            Operation.CREATE_ACCOUNT: AccountStatus.ACTIVE,
            Operation.REACTIVATE_ACCOUNT: AccountStatus.ACTIVE,
            Operation.SUSPEND_ACCOUNT: AccountStatus.SUSPENDED,
        }.get(change.operation)
        if change.operation in {Operation.CREATE_ACCOUNT, Operation.UPDATE_ACCOUNT}:
            names = {"username", "email", "external_id"}
            kept = {n: v for n, v in change.after.items() if n not in names and not n.startswith("person.")}
            username = str(change.after.get("username", old.username))
            old = replace(old, remote_id=remote_id, username=username, attributes={**old.attributes, **kept})
        if status:
            old = replace(old, status=status, since=self.moment)
        self.accounts[holder] = replace(old, pending=False)


def reasons(item: Item) -> tuple[Reason, ...]:
    """Return one reason for everything."""
    return (Reason(f"because of {item}", (Place("grants.yaml", 3),)),)


def rules(key: str, **more: Any) -> EntitlementRules:
    """Return what the YAML says about an entitlement."""
    return EntitlementRules(key, place=Place("apps/github.yaml", 7), **more)


def app_with(*entitlements: EntitlementRules, **more: Any) -> App:
    """Return the app with these entitlements in its YAML."""
    return App("github", "omar", entitlements={one.key: one for one in entitlements}, **more)


def whole_plan(*apps: AppPlan, **more: Any) -> Plan:
    """Build a plan of these apps."""
    settings: dict[str, Any] = {"moment": MOMENT, "tool": "1.0", "tree_digest": "t" * 64, "population": 100, **more}
    return build_plan(apps, **settings)


def operations(plan: AppPlan) -> list[str]:
    """Return the ids of a plan's changes without the app, in order."""
    return [change.id.removeprefix(f"{plan.app}/") for change in plan.changes]


def found(plan: AppPlan, fact: Fact) -> list[Finding]:
    """Return the findings of one sort."""
    return [finding for finding in plan.findings if finding.fact is fact]


def only_change(plan: AppPlan) -> Change:
    """Return the single change of a plan."""
    assert len(plan.changes) == 1, operations(plan)
    return plan.changes[0]


def plain(before: Mapping[str, Value]) -> dict[str, Value]:
    """Return what a change relies on without what it waits for."""
    return {name: value for name, value in before.items() if name != ONLY_AFTER}


def kinds_of(keys: Iterable[str]) -> set[str]:
    """Return the kinds of entitlement keys."""
    return {kind_of(key) for key in keys}
