"""The provider keeps the contract, against a fake that checks each request against AWS's own service models."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from aws_driving import open_provider
from aws_protocol import SECRET_KEY
from fake_identity_center import FakeIdentityCenter
from support.http_server import HttpServer, http_server

from reconciler.items import Value
from reconciler.provider.conformance import Check, Fault, TrueAccount, Verdict, World, checks_for
from reconciler.provider.contract import CAN, Ability, Provider, cannot
from reconciler.provider.snapshot import AccountStatus

pytestmark = pytest.mark.evidence("aws", against="our own fake", of="requests checked against AWS's service models")

REFUSAL = "you have spent your seats"
LISTS = {
    "accounts": "ListUsers",
    "entitlements:group": "ListGroups",
    "grants:group": "ListGroupMemberships",
    "entitlements:account": "ListPermissionSets",
    "grants:account": "ListAccountAssignments",
}


class RunningCenter:
    """A fake that serves."""

    def __init__(self, app: FakeIdentityCenter, server: HttpServer) -> None:
        self._app = app
        self._server = server

    def open(self, *, read_only: bool = False) -> Provider:
        """See `RunningApp.open`."""
        return open_provider(self._server.url, read_only=read_only)

    def fill(self, world: World) -> None:
        """Make everything that is in a world."""
        app = self._app
        ids: dict[str, str] = {}
        for each in world.accounts:
            disabled = each.status is AccountStatus.SUSPENDED
            ids[each.username] = app.add_user(
                each.username, each.email, disabled=disabled, external_id=each.external_id
            )
        names = [key.partition(":")[2] for key in world.entitlements if key.startswith("account:")]
        numbers = {name: app.add_account(name.partition("/")[0]) for name in names}
        admin = app.add_set("Admin") if names else ""
        groups = {key: app.add_group(key.partition(":")[2]) for key in world.entitlements if key.startswith("group:")}
        for holder, key, _ in world.grants:
            if key in groups:
                app.members[app.id()] = (groups[key], ids[holder])
            else:
                app.assigned.add((numbers[key.partition(":")[2]], admin, "USER", ids[holder]))

    async def peek(self) -> World:
        """See `RunningApp.peek`."""
        app = self._app
        names = {number: user["UserName"] for number, user in app.users.items()}
        pairs = {
            (number, arn): f"account:{name}/{app.sets[arn]}"
            for number, name in app.accounts.items()
            for arn in app.sets
        }
        entitlements = {f"group:{name}": number for number, name in app.groups.items()}
        entitlements |= {key: f"{number}/{arn}" for (number, arn), key in pairs.items()}
        grants = {
            (names[user], f"group:{app.groups[group]}", None)
            for group, user in app.members.values()
            if group in app.groups
        }
        names |= {number: f"group:{name}" for number, name in app.groups.items()}
        grants |= {
            (names[principal], pairs[number, arn], None)
            for number, arn, _, principal in app.assigned
            if principal in names and (number, arn) in pairs
        }
        return World(tuple(_account(*each) for each in app.users.items()), entitlements, frozenset(grants))

    async def inject(self, fault: Fault, subject: str = "", to: str = "") -> None:
        """See `RunningApp.inject`."""
        app = self._app
        match fault:
            case Fault.FORBID:
                app.forbidden = {LISTS[subject]}
            case Fault.THROTTLE:
                app.throttled = 1
            case Fault.REFUSE:
                app.refusing = f"{REFUSAL} ({SECRET_KEY})"
            case Fault.LOSE_ANSWER:
                app.losing = True
            case Fault.VANISH:
                app.after_list = lambda: self._drop(subject)
            case Fault.RENAME_ENTITLEMENT | Fault.DELETE_ENTITLEMENT | Fault.RECYCLE_ENTITLEMENT:
                self._trouble(fault, subject, to.partition(":")[2])
            case _:
                self._disturb(fault, subject, to)

    def _disturb(self, fault: Fault, username: str, to: str) -> None:
        app = self._app
        number = next(n for n, user in app.users.items() if user["UserName"] == username)
        if fault is Fault.RENAME_ACCOUNT:
            app.users[number]["UserName"] = to
            return
        app.drop_user(number)
        if fault is Fault.RECYCLE_USERNAME:
            app.add_user(username, "stranger@elsewhere.example")

    def _trouble(self, fault: Fault, key: str, to: str) -> None:
        if fault is Fault.RENAME_ENTITLEMENT:
            self._app.groups[self._group(key)] = to
            return
        self._drop(key)
        if fault is Fault.RECYCLE_ENTITLEMENT:
            kind, _, name = key.partition(":")
            (self._app.add_group if kind == "group" else self._app.add_account)(name.partition("/")[0])

    def _group(self, key: str) -> str:
        return next(number for number, each in self._app.groups.items() if each == key.partition(":")[2])

    def _drop(self, key: str) -> None:
        app, name = self._app, key.partition(":")[2]
        if key.startswith("group:"):
            group = self._group(key)
            del app.groups[group]
            app.members = {n: pair for n, pair in app.members.items() if pair[0] != group}
            return
        number = next(n for n, each in app.accounts.items() if each == name.partition("/")[0])
        del app.accounts[number]
        app.assigned = {each for each in app.assigned if each[0] != number}


class CenterHarness:
    """What the suite knows of it."""

    name = "aws"
    kinds: Mapping[str, tuple[str | None, ...]] = {"group": (None,), "account": (None,)}
    names: Mapping[str, Mapping[str, str]] = {"account": {"alpha": "alpha/Admin", "beta": "beta/Admin"}}
    nesting: Mapping[str, tuple[str, ...]] = {"account": ("group",)}
    troubles: Mapping[str, frozenset[Fault]] = {
        "group": frozenset({Fault.RENAME_ENTITLEMENT, Fault.RECYCLE_ENTITLEMENT, Fault.VANISH}),
        "account": frozenset({Fault.RECYCLE_ENTITLEMENT}),
    }
    page = 3
    attribute: tuple[str, Value] | None = ("title", "Engineer")
    secrets = (SECRET_KEY,)
    refusal = REFUSAL
    suspended = True

    def can(self, fault: Fault) -> Ability:
        """See `Harness.can`."""
        if fault is Fault.CUT_SHORT:
            return cannot("AWS tells no totals: a page that names no next one is the last")
        return CAN

    def start(self, world: World) -> AbstractAsyncContextManager[RunningCenter]:
        """See `Harness.start`."""
        return self._start(world)

    @asynccontextmanager
    async def _start(self, world: World) -> AsyncIterator[RunningCenter]:
        app = FakeIdentityCenter(page=self.page)
        async with http_server(app.answer) as server:
            running = RunningCenter(app, server)
            running.fill(world)
            yield running


def _account(number: str, user: Mapping[str, object]) -> TrueAccount:
    emails = user.get("Emails")
    status = AccountStatus.SUSPENDED if user["UserStatus"] == "DISABLED" else AccountStatus.ACTIVE
    email = str(emails[0]["Value"]) if isinstance(emails, list) else ""
    return TrueAccount(str(user["UserName"]), email, status=status, remote_id=number)


@pytest.mark.parametrize("check", checks_for(CenterHarness()), ids=str)
def test_the_aws_provider_conforms(check: Check) -> None:
    """Each check of the suite; what does not apply is what AWS does not have."""
    result = check.run()
    result.raise_if_failed()
    if result.verdict is Verdict.NOT_APPLICABLE:
        words = (
            "AWS",
            "levels",
            "Identity Center",
            "batches",
            "gamma",
            "set level",
            "not made here",
            "not renamed here",
        )
        assert any(word in result.detail for word in words), result.detail
