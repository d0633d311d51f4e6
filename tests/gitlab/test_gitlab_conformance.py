"""The provider keeps the contract, for a whole instance and for one top-level group."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from fake_gitlab import TOKEN, FakeGitLab
from gitlab_driving import IN_GROUP, ON_INSTANCE, open_provider
from gitlab_world import GUEST, Membership, Place
from support.http_server import HttpServer, http_server

from providers.gitlab.mapping import LEVELS, level_of
from reconciler.items import Value
from reconciler.provider.conformance import Check, Fault, TrueAccount, Verdict, World, checks_for
from reconciler.provider.contract import CAN, Ability, Provider, cannot
from reconciler.provider.snapshot import AccountStatus

REFUSAL = "you have spent your seats"
ROLES = {"administrator": "is_admin", "auditor": "is_auditor"}


class RunningGitLab:
    """A fake that serves; with a root, its accounts are the members of that group."""

    def __init__(self, app: FakeGitLab, server: HttpServer, root: str = "") -> None:
        self._app = app
        self._server = server
        self._root = root
        self._seen: list[World] = []

    def open(self, *, read_only: bool = False) -> Provider:
        """See `RunningApp.open`."""
        more = {"group": self._root} if self._root else {}
        return open_provider(self._server.url, read_only=read_only, **more)

    def fill(self, world: World) -> None:
        """Make everything that is in a world, and groups for projects to be in."""
        gitlab = self._app.world
        root = gitlab.groups[gitlab.add_group(self._root)] if self._root else None
        gitlab.add_group(f"{self._root}/code".lstrip("/"))
        for each in world.accounts:
            number = self._add(each)
            if root is not None:
                root.members[number] = Membership(GUEST)
        if root is not None:
            gitlab.add_user("person99", "person99@acme.example")
        for key in world.entitlements:
            kind, _, name = key.partition(":")
            if kind != "role":
                (gitlab.add_group if kind == "group" else gitlab.add_project)(name)
        for holder, key, level in world.grants:
            kind, _, name = key.partition(":")
            user = gitlab.user(holder) or {}
            if kind == "role":
                user[ROLES[name]] = True
            else:
                self._place(key).members[user["id"]] = Membership(LEVELS[str(level)])
        self._app.watching.append(lambda: self._seen.append(self._look()))

    def _add(self, account: TrueAccount) -> int:
        state = "blocked" if account.status is AccountStatus.SUSPENDED else "active"
        return self._app.world.add_user(account.username, account.email, state=state, public_email=account.email)

    def _place(self, key: str) -> Place:
        found = self._app.world.find(*key.split(":"))
        assert found, key
        return found

    async def peek(self) -> World:
        """See `RunningApp.peek`."""
        return self._look()

    def history(self) -> Sequence[World]:
        """What was true after each write."""
        return self._seen

    def _look(self) -> World:
        gitlab = self._app.world
        users = {number: user for number, user in gitlab.users.items() if not user["bot"]}
        if self._root:
            held = {who for place in gitlab.every_place() for who in place.members}
            users = {number: user for number, user in users.items() if number in held}
        places = list(gitlab.every_place())
        entitlements = {f"{one.kind}:{one.path}": f"{one.kind}/{one.id}" for one in places}
        grants: set[tuple[str, str, str | None]] = set()
        for one in places:
            base = GUEST if one.path == self._root else 0
            shown = {who: held.level for who, held in one.members.items() if who in users and held.level != base}
            grants |= {(users[w]["username"], f"{one.kind}:{one.path}", level_of(n)) for w, n in shown.items()}
        if not self._root:
            entitlements |= {f"role:{role}": f"role/{role}" for role in ROLES}
            for role, shows in ROLES.items():
                grants |= {(user["username"], f"role:{role}", None) for user in users.values() if user[shows]}
        return World(tuple(map(_account, users.values())), entitlements, frozenset(grants))

    async def inject(self, fault: Fault, subject: str = "", to: str = "") -> None:
        """See `RunningApp.inject`."""
        app, gitlab = self._app, self._app.world
        match fault:
            case Fault.FORBID:
                app.forbid("entitlements:project" if self._root and subject == "accounts" else subject)
            case Fault.THROTTLE:
                app.throttled = 1
            case Fault.REFUSE:
                app.refusing = f"{REFUSAL} ({TOKEN})"
            case Fault.LOSE_ANSWER:
                app.losing = True
            case Fault.DELETE_ENTITLEMENT:
                gitlab.drop_place(self._place(subject))
            case Fault.RENAME_ENTITLEMENT:
                self._place(subject).path = to.partition(":")[2]
            case Fault.RECYCLE_ENTITLEMENT:
                gitlab.drop_place(self._place(subject))
                kind, _, name = subject.partition(":")
                (gitlab.add_group if kind == "group" else gitlab.add_project)(name)
            case _:
                self._trouble(fault, gitlab.user(subject) or {}, to)

    def _trouble(self, fault: Fault, user: dict[str, Any], to: str) -> None:
        gitlab = self._app.world
        if fault is Fault.RENAME_ACCOUNT:
            user["username"] = to
            return
        gitlab.drop_user(user["id"])
        if fault is Fault.RECYCLE_USERNAME:
            number = gitlab.add_user(user["username"], "stranger@elsewhere.example")
            if self._root:
                self._place(f"group:{self._root}").members[number] = Membership(GUEST)


class InstanceHarness:
    """What the suite knows of an instance; roles have a harness of their own, since nobody deletes them."""

    name = "gitlab"
    root = ""
    kinds: Mapping[str, tuple[str | None, ...]] = {
        "group": ("guest", "developer", "owner"),
        "project": ("guest", "developer", "maintainer"),
    }
    names: Mapping[str, Mapping[str, str]] = {"project": {"alpha": "code/alpha", "beta": "code/beta"}}
    troubles: Mapping[str, tuple[Fault, ...]] = dict.fromkeys(
        ("group", "project"), (Fault.RENAME_ENTITLEMENT, Fault.RECYCLE_ENTITLEMENT)
    )
    together: tuple[frozenset[str], ...] = ()
    page = 3
    attribute: tuple[str, Value] | None = ("job_title", "Engineer")
    secrets = (TOKEN,)
    refusal = REFUSAL
    suspended = True

    def can(self, fault: Fault) -> Ability:
        """See `Harness.can`."""
        if fault is Fault.CUT_SHORT:
            return cannot("GitLab tells no totals of these lists: a page that names no next one is the last")
        return CAN

    def start(self, world: World) -> AbstractAsyncContextManager[RunningGitLab]:
        """See `Harness.start`."""
        return self._start(world)

    @asynccontextmanager
    async def _start(self, world: World) -> AsyncIterator[RunningGitLab]:
        app = FakeGitLab(page=self.page)
        async with http_server(app.answer) as server:
            running = RunningGitLab(app, server, self.root)
            running.fill(world)
            yield running
        assert app.rest.violations == []


class RoleHarness(InstanceHarness):
    """Administrators and auditors of an instance."""

    kinds: Mapping[str, tuple[str | None, ...]] = {"role": (None,)}
    names: Mapping[str, Mapping[str, str]] = {"role": {"alpha": "administrator", "beta": "auditor"}}
    troubles: Mapping[str, tuple[Fault, ...]] = {}
    together = (frozenset({"accounts", "entitlements:role", "grants:role"}),)

    def can(self, fault: Fault) -> Ability:
        """See `Harness.can`."""
        if fault is Fault.DELETE_ENTITLEMENT:
            return cannot("GitLab's own role cannot be deleted")
        return super().can(fault)


class TreeHarness(InstanceHarness):
    """One top-level group, as on GitLab.com; groups in it are made by whole paths, which the suite does not know."""

    root = "acme"
    kinds: Mapping[str, tuple[str | None, ...]] = {"project": ("guest", "developer", "maintainer")}
    names: Mapping[str, Mapping[str, str]] = {"project": {"alpha": "acme/code/alpha", "beta": "acme/code/beta"}}
    troubles: Mapping[str, tuple[Fault, ...]] = {"project": (Fault.RENAME_ENTITLEMENT, Fault.RECYCLE_ENTITLEMENT)}
    together = (frozenset({"accounts", "entitlements:project", "grants:project"}),)
    attribute = None
    suspended = False


def _account(user: Mapping[str, Any]) -> TrueAccount:
    status = AccountStatus.SUSPENDED if user["state"] == "blocked" else AccountStatus.ACTIVE
    attributes: dict[str, Value] = {"job_title": user["job_title"]} if user["job_title"] else {}
    return TrueAccount(user["username"], user["email"], status=status, remote_id=str(user["id"]), attributes=attributes)


CHECKS = [
    pytest.param(check, id=f"{name}: {check}", marks=IN_GROUP if name == "group" else ON_INSTANCE)
    for name, harness in (("instance", InstanceHarness()), ("roles", RoleHarness()), ("group", TreeHarness()))
    for check in checks_for(harness)
    if name != "roles" or "(accounts)" not in str(check)  # those are the instance's
]


@pytest.mark.parametrize("check", CHECKS)
def test_the_gitlab_provider_conforms(check: Check) -> None:
    """Each check of the suite; what does not apply is what GitLab does not have."""
    result = check.run()
    result.raise_if_failed()
    if result.verdict is Verdict.NOT_APPLICABLE:
        words = (
            "GitLab",
            "levels",
            "batches",
            "suspended",
            "no attribute",
            "gamma",
            "people made",
            "holds entitlements",
        )
        assert any(word in result.detail for word in words), result.detail
