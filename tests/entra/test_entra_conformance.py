"""The provider keeps the contract, against a fake that checks each property against Microsoft's own types."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from entra_driving import open_provider
from fake_graph import SECRET, TOKEN, FakeGraph
from support.http_server import HttpServer, http_server
from support.watching import Watch

from reconciler.items import Value
from reconciler.provider.conformance import Check, Fault, TrueAccount, Verdict, World, checks_for
from reconciler.provider.contract import CAN, Ability, Provider, cannot
from reconciler.provider.snapshot import AccountStatus

pytestmark = pytest.mark.evidence("entra", against="our own fake", of="properties checked against Microsoft's types")

REFUSAL = "you have spent your seats"
LISTS = {
    "accounts": "users",
    "entitlements:group": "groups",
    "grants:group": "groups/delta",
    "entitlements:role": "roleManagement/directory/roleDefinitions",
    "grants:role": "roleManagement/directory/roleAssignments",
    "entitlements:license": "subscribedSkus",
    "grants:license": "users",
    "entitlements:app": "servicePrincipals",
    "grants:app": "servicePrincipals/[^/]+/appRoleAssignedTo",
}


class RunningTenant:
    """A fake that serves."""

    def __init__(self, app: FakeGraph, server: HttpServer, watch: Watch) -> None:
        self._app = app
        self._server = server
        self._watch = watch
        watch.look = self.look

    def open(self, *, read_only: bool = False) -> Provider:
        """See `RunningApp.open`."""
        return open_provider(self._server.url, read_only=read_only)

    def fill(self, world: World) -> None:
        """Make everything that is in a world."""
        app = self._app
        ids: dict[str, str] = {}
        for each in world.accounts:
            enabled = each.status is not AccountStatus.SUSPENDED
            ids[each.username] = app.add_user(each.username, each.email, accountEnabled=enabled, usageLocation="DE")
        make = {"group": app.add_group, "role": app.add_role, "license": app.add_sku, "app": self._add_app}
        made = {key: make[key.partition(":")[0]](key.partition(":")[2]) for key in world.entitlements}
        for holder, key, _ in world.grants:
            kind, id_ = key.partition(":")[0], made[key]
            match kind:
                case "group":
                    app.members[id_].append(ids[holder])
                case "role":
                    app.assign_role(ids[holder], id_)
                case "license":
                    app.license(ids[holder], id_)
                case _:
                    app.assign_app(ids[holder], id_, app.role_of(id_, "Users"))

    def _add_app(self, name: str) -> str:
        return self._app.add_app(name.partition("/")[0], "Users")

    def history(self) -> list[World]:
        """See `RunningApp`."""
        return self._watch.worlds

    async def peek(self) -> World:
        """See `RunningApp.peek`."""
        return self.look()

    def look(self) -> World:
        """Return what is true now."""
        app = self._app
        names = {id_: str(user["userPrincipalName"]) for id_, user in app.users.items()}
        names |= {id_: f"group:{group['displayName']}" for id_, group in app.groups.items()}
        keys = {id_: f"group:{group['displayName']}" for id_, group in app.groups.items()}
        keys |= {id_: f"role:{name}" for id_, name in app.roles.items()}
        keys |= {id_: f"license:{name}" for id_, name in app.skus.items()}
        for id_, each in app.apps.items():
            keys[f"{id_}/{app.role_of(id_, 'Users')}"] = f"app:{each['displayName']}/Users"
        pairs = [(member, group) for group, held in app.members.items() for member in held]
        pairs += [(each["principalId"], each["roleDefinitionId"]) for each in app.role_assignments.values()]
        pairs += [
            (each["principalId"], f"{each['resourceId']}/{each['appRoleId']}") for each in app.app_assignments.values()
        ]
        pairs += [(id_, state["skuId"]) for id_, user in app.users.items() for state in user["licenseAssignmentStates"]]
        pairs += [(id_, each["skuId"]) for id_, group in app.groups.items() for each in group["assignedLicenses"]]
        grants = {(names[who], keys[what], None) for who, what in pairs if who in names and what in keys}
        return World(
            tuple(_account(id_, user) for id_, user in app.users.items()),
            {key: id_ for id_, key in keys.items()},
            frozenset(grants),
        )

    async def inject(self, fault: Fault, subject: str = "", to: str = "") -> None:
        """See `RunningApp.inject`."""
        app = self._app
        match fault:
            case Fault.FORBID:
                app.forbidden = [LISTS[subject]]
            case Fault.CUT_SHORT:
                app.cut = True
            case Fault.THROTTLE:
                app.throttled = 1
            case Fault.REFUSE:
                app.refusing = f"{REFUSAL} ({SECRET})"
            case Fault.LOSE_ANSWER:
                app.losing = True
            case Fault.DELETE_ENTITLEMENT | Fault.RENAME_ENTITLEMENT | Fault.RECYCLE_ENTITLEMENT | Fault.VANISH:
                self._trouble(fault, subject, to.partition(":")[2])
            case _:
                id_ = next(n for n, user in app.users.items() if user["userPrincipalName"] == subject)
                if fault is Fault.RENAME_ACCOUNT:
                    app.users[id_]["userPrincipalName"] = to
                    return
                app.drop(id_)
                if fault is Fault.RECYCLE_USERNAME:
                    app.add_user(subject, "stranger@elsewhere.example")

    def _trouble(self, fault: Fault, key: str, to: str) -> None:
        if fault is Fault.RENAME_ENTITLEMENT:
            self._group(key)["displayName"] = to
            return
        if fault is Fault.VANISH:
            self._watch.after(r"GET /v1.0/groups$", lambda: self._drop(*key.split(":")))
            return
        self._drop(*key.split(":"))
        if fault is Fault.RECYCLE_ENTITLEMENT:
            self._app.add_group(key.partition(":")[2])

    def _group(self, key: str) -> dict[str, Any]:
        return next(each for each in self._app.groups.values() if each["displayName"] == key.partition(":")[2])

    def _drop(self, kind: str, name: str) -> None:
        app = self._app
        match kind:
            case "group":
                app.drop(next(id_ for id_, each in app.groups.items() if each["displayName"] == name))
            case "role":
                id_ = next(id_ for id_, each in app.roles.items() if each == name)
                del app.roles[id_]
                for number in [n for n, each in app.role_assignments.items() if each["roleDefinitionId"] == id_]:
                    del app.role_assignments[number]
            case "license":
                id_ = next(id_ for id_, each in app.skus.items() if each == name)
                del app.skus[id_]
                for user in app.users.values():
                    user["licenseAssignmentStates"] = [s for s in user["licenseAssignmentStates"] if s["skuId"] != id_]
            case _:
                id_ = next(n for n, each in app.apps.items() if each["displayName"] == name.partition("/")[0])
                del app.apps[id_]
                for number in [n for n, each in app.app_assignments.items() if each["resourceId"] == id_]:
                    del app.app_assignments[number]


class TenantHarness:
    """What the suite knows of it."""

    name = "entra"
    kinds: Mapping[str, tuple[str | None, ...]] = {
        "group": (None,),
        "role": (None,),
        "license": (None,),
        "app": (None,),
    }
    names: Mapping[str, Mapping[str, str]] = {"app": {"alpha": "alpha/Users", "beta": "beta/Users"}}
    nesting: Mapping[str, tuple[str, ...]] = {
        "group": ("group",),
        "role": ("group",),
        "license": ("group",),
        "app": ("group",),
    }
    troubles: Mapping[str, frozenset[Fault]] = {
        "group": frozenset({Fault.RENAME_ENTITLEMENT, Fault.RECYCLE_ENTITLEMENT, Fault.VANISH})
    }
    together = (frozenset({"accounts", "grants:license"}),)
    page = 3
    attribute: tuple[str, Value] | None = ("jobTitle", "Engineer")
    secrets = (SECRET, TOKEN)
    refusal = REFUSAL
    suspended = True

    def can(self, fault: Fault) -> Ability:
        """See `Harness.can`."""
        if fault is Fault.CUT_SHORT:
            return cannot("Graph tells no totals: a page that names no next one is the last")
        return CAN

    def start(self, world: World) -> AbstractAsyncContextManager[RunningTenant]:
        """See `Harness.start`."""
        return self._start(world)

    @asynccontextmanager
    async def _start(self, world: World) -> AsyncIterator[RunningTenant]:
        app = FakeGraph(page=self.page)
        watch = Watch(app.answer)
        async with http_server(watch.answer) as server:
            app.url = server.url
            running = RunningTenant(app, server, watch)
            running.fill(world)
            yield running


def _account(id_: str, user: Mapping[str, object]) -> TrueAccount:
    status = AccountStatus.ACTIVE if user["accountEnabled"] else AccountStatus.SUSPENDED
    username = str(user["userPrincipalName"])
    attributes: dict[str, Value] = {"jobTitle": str(user["jobTitle"])} if user.get("jobTitle") else {}
    email = str(user["mail"] or username)
    return TrueAccount(username, email, status=status, remote_id=id_, attributes=attributes)


@pytest.mark.parametrize("check", checks_for(TenantHarness()), ids=str)
def test_the_entra_provider_conforms(check: Check) -> None:
    """Each check of the suite; what does not apply is what Entra does not have."""
    result = check.run()
    result.raise_if_failed()
    if result.verdict is Verdict.NOT_APPLICABLE:
        words = (
            "Graph tells",
            "levels",
            "Entra",
            "batches",
            "gamma",
            "set level",
            "not made here",
            "not renamed here",
            "no files",
        )
        assert any(word in result.detail for word in words), result.detail
