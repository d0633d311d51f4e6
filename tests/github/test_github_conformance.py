"""The provider keeps the contract, against a fake that executes GitHub's own schema and checks each request."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from fake_organization import TOKEN, FakeOrganization
from github_driving import open_provider
from github_world import ORGANIZATION
from support.http_server import HttpServer, http_server
from support.watching import Watch

from reconciler.items import Value
from reconciler.provider.conformance import Check, Fault, TrueAccount, Verdict, World, checks_for
from reconciler.provider.contract import CAN, Ability, Provider, cannot
from reconciler.provider.snapshot import AccountStatus

pytestmark = pytest.mark.evidence(
    "github", against="our own fake", of="GitHub's GraphQL schema and OpenAPI description"
)

REFUSAL = "you have spent your seats"
UNLISTED = "GitHub has nothing of the kind"


class RunningOrganization:
    """A fake that serves."""

    def __init__(self, app: FakeOrganization, server: HttpServer, watch: Watch) -> None:
        self._app = app
        self._server = server
        self._watch = watch
        watch.look = self.look

    def open(self, *, read_only: bool = False) -> Provider:
        """See `RunningApp.open`."""
        return open_provider(self._server.url, read_only=read_only)

    def fill(self, world: World) -> None:
        """Make everything that is in a world, and somebody to invite."""
        github = self._app.world
        ids = {each.username: github.add_member(each.username, email=each.email) for each in world.accounts}
        github.add_user("person99")
        made = {key: self._make(key) for key in world.entitlements}
        for holder, key, level in world.grants:
            kind = key.partition(":")[0]
            if kind == "role":
                github.members[ids[holder]] = "admin"
            elif kind == "team":
                github.teams[made[key]].members[ids[holder]] = str(level)
            else:
                github.repositories[made[key]].direct[ids[holder]] = str(level)

    def _make(self, key: str) -> int:
        kind, _, name = key.partition(":")
        make = {"team": self._app.world.add_team, "repo": self._app.world.add_repository}
        return make[kind](name) if kind in make else 0

    def history(self) -> list[World]:
        """See `RunningApp`."""
        return self._watch.worlds

    async def peek(self) -> World:
        """See `RunningApp.peek`."""
        return self.look()

    def look(self) -> World:
        """Return what is true now."""
        github = self._app.world
        accounts = [self._account(number, AccountStatus.ACTIVE) for number in github.members]
        accounts += [self._account(number, AccountStatus.ACTIVE) for number in github.outsiders()]
        accounts += [self._account(one.user or 0, AccountStatus.INVITED) for one in github.invitations.values()]
        entitlements = {f"team:{one.slug}": f"team/{one.id}" for one in github.teams.values()}
        entitlements |= {f"repo:{one.name}": f"repo/{one.id}" for one in github.repositories.values()}
        entitlements["role:owner"] = "role/owner"
        names = github.users
        grants: set[tuple[str, str, str | None]] = set()
        for team in github.teams.values():
            held = {(number, level) for number, level in team.repositories.items() if number in github.repositories}
            grants |= {(f"team:{team.slug}", f"repo:{github.repositories[n].name}", level) for n, level in held}
            grants |= {(names[who], f"team:{team.slug}", role) for who, role in (team.members | team.pending).items()}
        for repository in github.repositories.values():
            grants |= {(names[who], f"repo:{repository.name}", level) for who, level in repository.direct.items()}
        grants |= {(names[who], "role:owner", None) for who, role in github.members.items() if role == "admin"}
        return World(tuple(accounts), entitlements, frozenset(grants))

    def _account(self, number: int, status: AccountStatus) -> TrueAccount:
        github = self._app.world
        return TrueAccount(github.users[number], github.emails.get(number, ""), status=status, remote_id=str(number))

    async def inject(self, fault: Fault, subject: str = "", to: str = "") -> None:
        """See `RunningApp.inject`."""
        app, github = self._app, self._app.world
        match fault:
            case Fault.FORBID:
                app.graphql.forbidden = {"accounts" if subject == "grants:role" else subject}
            case Fault.CUT_SHORT:
                app.graphql.cut = {"accounts" if subject == "grants:role" else subject}
            case Fault.THROTTLE:
                app.throttled = 1
            case Fault.REFUSE:
                app.refusing = f"{REFUSAL} ({TOKEN})"
            case Fault.LOSE_ANSWER:
                app.losing = True
            case Fault.RENAME_ENTITLEMENT | Fault.DELETE_ENTITLEMENT | Fault.RECYCLE_ENTITLEMENT:
                self._trouble(fault, subject, to.partition(":")[2])
            case _:
                number = github.number_of(subject) or 0
                if fault is Fault.RENAME_ACCOUNT:
                    github.users[number] = to
                    return
                github.delete_user(number)
                if fault is Fault.RECYCLE_USERNAME:
                    github.add_member(subject)

    def _trouble(self, fault: Fault, key: str, to: str) -> None:
        if fault is Fault.RENAME_ENTITLEMENT:
            self._rename(key, to)
            return
        self._drop(key)
        if fault is Fault.RECYCLE_ENTITLEMENT:
            self._make(key)

    def _rename(self, key: str, to: str) -> None:
        github, (kind, _, name) = self._app.world, key.partition(":")
        if kind == "team" and (team := github.team(name)):
            team.slug = to
        elif repository := github.repository(name):
            repository.name = to

    def _drop(self, key: str) -> None:
        github, (kind, _, name) = self._app.world, key.partition(":")
        if kind == "team" and (team := github.team(name)):
            github.drop_team(team)
        elif kind == "repo" and (repository := github.repository(name)):
            github.drop_repository(repository)


class OrganizationHarness:
    """What the suite knows of it; owners have a harness of their own, since there is one role and nobody makes it."""

    name = "github"
    kinds: Mapping[str, tuple[str | None, ...]] = {"team": ("member", "maintainer"), "repo": ("pull", "push", "admin")}
    names: Mapping[str, Mapping[str, str]] = {}
    nesting: Mapping[str, tuple[str, ...]] = {"repo": ("team",)}
    troubles: Mapping[str, frozenset[Fault]] = dict.fromkeys(
        ("team", "repo"), frozenset({Fault.RENAME_ENTITLEMENT, Fault.RECYCLE_ENTITLEMENT})
    )
    page = 3
    attribute: tuple[str, Value] | None = None
    secrets = (TOKEN,)
    refusal = REFUSAL
    suspended = False

    def can(self, fault: Fault) -> Ability:
        """See `Harness.can`."""
        return CAN if fault in Fault else cannot("unknown")

    def start(self, world: World) -> AbstractAsyncContextManager[RunningOrganization]:
        """See `Harness.start`."""
        return self._start(world)

    @asynccontextmanager
    async def _start(self, world: World) -> AsyncIterator[RunningOrganization]:
        app = FakeOrganization(page=self.page)
        watch = Watch(app.answer)
        async with http_server(watch.answer) as server:
            running = RunningOrganization(app, server, watch)
            running.fill(world)
            yield running
        assert app.rest.violations == [], ORGANIZATION


class OwnerHarness(OrganizationHarness):
    """The one role."""

    kinds: Mapping[str, tuple[str | None, ...]] = {"role": (None,)}
    names: Mapping[str, Mapping[str, str]] = {"role": {"alpha": "owner", "beta": "owner"}}
    nesting: Mapping[str, tuple[str, ...]] = {}
    troubles: Mapping[str, frozenset[Fault]] = {}

    def can(self, fault: Fault) -> Ability:
        """See `Harness.can`."""
        if fault is Fault.DELETE_ENTITLEMENT:
            return cannot("GitHub's own role cannot be deleted")
        if fault in {Fault.FORBID, Fault.CUT_SHORT}:
            return cannot("GitHub's own role is no list")
        return CAN


@pytest.mark.parametrize("check", checks_for(OrganizationHarness()), ids=str)
def test_the_github_provider_conforms(check: Check) -> None:
    """Each check of the suite; what does not apply is what GitHub does not have."""
    _expect(check)


@pytest.mark.parametrize("check", checks_for(OwnerHarness()), ids=str)
def test_the_owners_conform(check: Check) -> None:
    """Each check of the suite for the organization's owners."""
    _expect(check)


def _expect(check: Check) -> None:
    result = check.run()
    result.raise_if_failed()
    if result.verdict is Verdict.NOT_APPLICABLE:
        words = ("GitHub", "an organization", "belong to", "a seat", "batches", "suspended", "levels", "no attribute")
        words += ("made and renamed where",)
        assert any(word in result.detail for word in words), result.detail
