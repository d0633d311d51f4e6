"""The provider keeps the contract, with an organization and with a Jira site alone, against a fake of both."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from atlassian_driving import Settings, open_provider, site, with_account_key
from atlassian_world import ACCOUNT_KEY, API_KEY, API_TOKEN
from fake_atlassian import FakeAtlassian
from support.http_server import HttpServer, http_server

from reconciler.items import Value
from reconciler.provider.conformance import Check, Fault, TrueAccount, Verdict, World, checks_for
from reconciler.provider.contract import CAN, Ability, Provider, cannot
from reconciler.provider.snapshot import AccountStatus

SEEN = {"against": "our own fake", "of": "Jira's requests checked against jira.js"}
REFUSAL = "your plan has no seats left"
DIRECTORY = "admin/v2/orgs/[^/]+/directories/[^/]+"
ROLES = {"entitlements:project-role": "project/search", "grants:project-role": r"project/\d+/role/\d+"}
OF_ORGANIZATION = {
    "accounts": f"{DIRECTORY}/users/search",
    "entitlements:group": f"{DIRECTORY}/groups/search",
    "grants:group": f"{DIRECTORY}/users/search",
    **ROLES,
}
OF_SITE = {"accounts": "users/search", "entitlements:group": "group/bulk", "grants:group": "group/member", **ROLES}


class RunningAtlassian:
    """A fake that serves."""

    def __init__(self, app: FakeAtlassian, server: HttpServer, settings: Settings) -> None:
        self._app = app
        self._server = server
        self._settings = settings
        self._lists = OF_SITE if settings is site else OF_ORGANIZATION

    def open(self, *, read_only: bool = False) -> Provider:
        """See `RunningApp.open`."""
        return open_provider(self._settings(self._server.url), read_only=read_only)

    def fill(self, world: World) -> None:
        """Make everything that is in a world."""
        true = self._app.world
        ids: dict[str, str] = {}
        for each in world.accounts:
            suspended = each.status is AccountStatus.SUSPENDED
            ids[each.username] = true.add_user(each.username, suspended=suspended)  # there are only addresses
        true.add_user("bot@apps.example", accountType="app")
        for key in world.entitlements:
            kind, _, name = key.partition(":")
            if kind == "group":
                ids[key] = true.add_group(name)
            else:
                true.add_project(name.partition("/")[0])
        if any(key.startswith("project-role") for key in world.entitlements):
            true.add_role("Developers")
        for holder, key, _ in world.grants:
            if key.startswith("group:"):
                true.members[ids[key]].append(ids[holder])
            else:
                true.act(*true.role_ids(key.partition(":")[2]), ids.get(holder, ""))

    async def peek(self) -> World:
        """See `RunningApp.peek`."""
        true = self._app.world
        people = {id_: user for id_, user in true.users.items() if user["accountType"] == "atlassian"}
        names = {id_: str(user["email"]).partition("@")[0] for id_, user in people.items()}
        keys = {f"group:{group['name']}": id_ for id_, group in true.groups.items()}
        grants = {
            (names[who], f"group:{true.groups[id_]['name']}") for id_, held in true.members.items() for who in held
        }
        for number, project in true.projects.items():
            for id_, role in true.roles.items():
                key = f"project-role:{project['key']}/{role['name']}"
                keys[key] = f"{number}/{id_}"
                held = true.actors.get((number, id_), {"user": [], "group": []})
                grants |= {(names[who], key) for who in held["user"]}
                grants |= {(f"group:{true.groups[group]['name']}", key) for group in held["group"]}
        accounts = tuple(_account(id_, user) for id_, user in people.items())
        return World(accounts, keys, frozenset((who, key, None) for who, key in grants))

    async def inject(self, fault: Fault, subject: str = "", to: str = "") -> None:
        """See `RunningApp.inject`."""
        app, true = self._app, self._app.world
        match fault:
            case Fault.FORBID:
                app.forbidden = [self._lists[subject]]
            case Fault.CUT_SHORT:
                app.jira.cut = subject
            case Fault.THROTTLE:
                app.throttled = 1
            case Fault.REFUSE:
                app.refusing = REFUSAL
            case Fault.LOSE_ANSWER:
                app.losing = True
            case Fault.VANISH:
                listing = self._lists[f"entitlements:{subject.partition(':')[0]}"]
                name = subject.partition(":")[2]
                app.afterwards[listing] = lambda: self._trouble(Fault.DELETE_ENTITLEMENT, name, "")
            case Fault.DELETE_ENTITLEMENT | Fault.RENAME_ENTITLEMENT | Fault.RECYCLE_ENTITLEMENT:
                self._trouble(fault, subject.partition(":")[2], to.partition(":")[2])
            case Fault.RENAME_ACCOUNT:
                self._user(subject)["email"] = to
            case _:
                user = self._user(subject)
                true.drop(str(user["accountId"]))
                if fault is Fault.RECYCLE_USERNAME:
                    true.add_user(str(user["email"]))

    def _user(self, name: str) -> dict[str, object]:
        return next(each for each in self._app.world.users.values() if each["email"].partition("@")[0] == name)

    def _trouble(self, fault: Fault, name: str, to: str) -> None:
        true = self._app.world
        if "/" in name:
            number = next(id_ for id_, each in true.projects.items() if each["key"] == name.partition("/")[0])
            if fault is Fault.RENAME_ENTITLEMENT:
                true.projects[number]["key"] = to.partition("/")[0]
                return
            del true.projects[number]
            if fault is Fault.RECYCLE_ENTITLEMENT:
                true.add_project(name.partition("/")[0])
            return
        group = next(id_ for id_, each in true.groups.items() if each["name"] == name)
        if fault is Fault.RENAME_ENTITLEMENT:
            true.groups[group]["name"] = to
            return
        true.drop(group)
        if fault is Fault.RECYCLE_ENTITLEMENT:
            true.add_group(name)


class AtlassianHarness:
    """What the suite knows of it."""

    name = "atlassian"
    kinds: Mapping[str, tuple[str | None, ...]] = {"group": (None,), "project-role": (None,)}
    names: Mapping[str, Mapping[str, str]] = {
        "project-role": {"alpha": "ALPHA/Developers", "beta": "BETA/Developers", "gamma": "GAMMA/Developers"}
    }
    nesting: Mapping[str, tuple[str, ...]] = {"project-role": ("group",)}
    troubles: Mapping[str, frozenset[Fault]] = dict.fromkeys(
        ("group", "project-role"), frozenset({Fault.RENAME_ENTITLEMENT, Fault.RECYCLE_ENTITLEMENT, Fault.VANISH})
    )
    page = 3
    attribute: tuple[str, Value] | None = None
    secrets: tuple[str, ...] = (API_KEY, API_TOKEN, ACCOUNT_KEY)
    refusal = REFUSAL
    suspended = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        if settings is not site:
            self.together = (frozenset({"accounts", "grants:group"}),)

    def can(self, fault: Fault) -> Ability:
        """See `Harness.can`."""
        if fault is Fault.CUT_SHORT:
            return cannot("Atlassian tells no totals of users: a page that names no next one is the last")
        return CAN

    def start(self, world: World) -> AbstractAsyncContextManager[RunningAtlassian]:
        """See `Harness.start`."""
        return self._start(world)

    @asynccontextmanager
    async def _start(self, world: World) -> AsyncIterator[RunningAtlassian]:
        app = FakeAtlassian(page=self.page)
        async with http_server(app.answer) as server:
            running = RunningAtlassian(app, server, self._settings)
            running.fill(world)
            yield running


def _account(id_: str, user: Mapping[str, object]) -> TrueAccount:
    status = AccountStatus.ACTIVE
    if user["emailVerified"] is False:
        status = AccountStatus.INVITED
    if user["membershipStatus"] != "active" or user["accountStatus"] != "active":
        status = AccountStatus.SUSPENDED
    email = str(user["email"])
    return TrueAccount(email.partition("@")[0], email, status=status, remote_id=id_)


WAYS = ((with_account_key, "atlassian"), (site, "atlassian, a Jira site alone"))
CHECKS = [
    pytest.param(check, marks=pytest.mark.evidence(title, **SEEN), id=f"{title}: {check}")
    for settings, title in WAYS
    for check in checks_for(AtlassianHarness(settings))
]
NOT_IN_ATLASSIAN = ("Atlassian", "levels", "batches", "gamma", "set level", "not made here", "not renamed", "Jira site")


@pytest.mark.parametrize("check", CHECKS)
def test_the_atlassian_provider_conforms(check: Check) -> None:
    """Each check of the suite; what does not apply is what Atlassian does not have."""
    result = check.run()
    result.raise_if_failed()
    if result.verdict is Verdict.NOT_APPLICABLE:
        assert any(word in result.detail for word in NOT_IN_ATLASSIAN), result.detail
