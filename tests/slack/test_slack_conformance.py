"""The provider keeps the contract, against a fake that checks each request against Slack's own SDK."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from fake_slack import FakeSlack
from slack_driving import open_provider
from slack_protocol import ADMIN_TOKEN, TOKEN
from support.http_server import HttpServer, http_server
from support.jumping_clock import JumpingClock
from support.watching import Watch

from reconciler.items import Value
from reconciler.provider.conformance import Check, Fault, TrueAccount, Verdict, World, checks_for
from reconciler.provider.contract import CAN, Ability, Provider, cannot
from reconciler.provider.snapshot import AccountStatus

pytestmark = pytest.mark.evidence("slack", against="our own fake", of="requests checked against Slack's own SDK")

REFUSAL = "restricted_action"
ROLES = {"role:admin": (True, False), "role:owner": (True, True)}


class RunningSlack:
    """A fake that serves."""

    def __init__(
        self, app: FakeSlack, server: HttpServer, watch: Watch, clock: JumpingClock, options: dict[str, Any]
    ) -> None:
        self._app = app
        self._watch = watch
        self._server = server
        self._clock = clock
        self._options = options

    def open(self, *, read_only: bool = False) -> Provider:
        """See `RunningApp.open`."""
        return open_provider(self._server.url, read_only=read_only, clock=self._clock, **self._options)

    def fill(self, world: World) -> None:
        """Make everything that is in a world."""
        app = self._app
        ids = {each.username: self._add(each) for each in world.accounts}
        numbers: dict[str, str] = {}
        for key in world.entitlements:
            kind, _, name = key.partition(":")
            if kind == "usergroup":
                numbers[key] = app.add_group(name)
            elif kind in ("channel", "private-channel"):
                private = kind == "private-channel"
                numbers[key] = app.add_channel(name, [app.me] if private else [], private=private)
        for holder, key, level in sorted(world.grants, key=str):
            user = app.users[ids[holder]]
            if key in ROLES:
                user["is_admin"], user["is_owner"] = ROLES[key]
            elif key == "guest:workspace":
                user["is_restricted"], user["is_ultra_restricted"] = True, level == "single-channel"
            else:
                self._members(numbers[key]).append(ids[holder])
        private = [number for key, number in numbers.items() if key.startswith("private-channel:")]
        self._options["private_channels"] = private

    def _add(self, account: TrueAccount) -> str:
        suspended = account.status is AccountStatus.SUSPENDED
        return self._app.add_user(account.username, account.email, deleted=suspended)

    def _members(self, number: str) -> list[str]:
        app = self._app
        found: list[str] = app.groups[number]["users"] if number in app.groups else app.channels[number].members
        return found

    async def peek(self) -> World:
        """See `RunningApp.peek`."""
        app = self._app
        people = {number: user for number, user in app.users.items() if not user["is_bot"]}
        entitlements = {f"usergroup:{group['name']}": number for number, group in app.groups.items()}
        for number, channel in app.channels.items():
            entitlements[f"{'private-' if channel.private else ''}channel:{channel.name}"] = number
        grants: set[tuple[str, str, str | None]] = set()
        for key, number in entitlements.items():
            disabled = number in app.groups and app.groups[number]["date_delete"]
            held = [] if disabled else self._members(number)
            grants |= {(people[user]["name"], key, None) for user in held if user in people}
        for user in people.values():
            if user["is_admin"]:
                grants.add((user["name"], "role:owner" if user["is_owner"] else "role:admin", None))
            if user["is_restricted"]:
                level = "single-channel" if user["is_ultra_restricted"] else "multi-channel"
                grants.add((user["name"], "guest:workspace", level))
        entitlements |= {"role:admin": "admin", "role:owner": "owner", "guest:workspace": "workspace"}
        return World(tuple(_account(*each) for each in people.items()), entitlements, frozenset(grants))

    async def inject(self, fault: Fault, subject: str = "", to: str = "") -> None:
        """See `RunningApp.inject`."""
        app = self._app
        match fault:
            case Fault.FORBID:
                of_people = subject.endswith((":role", ":guest"))
                app.forbidden = {"accounts" if of_people else subject}
            case Fault.THROTTLE:
                app.throttled = 1
            case Fault.REFUSE:
                app.refusing = (REFUSAL, f"the token {TOKEN} or {ADMIN_TOKEN} may not")
            case Fault.LOSE_ANSWER:
                app.losing = True
            case Fault.DELETE_ENTITLEMENT | Fault.RENAME_ENTITLEMENT | Fault.RECYCLE_ENTITLEMENT | Fault.VANISH:
                self._trouble(fault, subject, to.partition(":")[2])
            case _:
                number = next(n for n, user in app.users.items() if user["name"] == subject)
                if fault is Fault.RENAME_ACCOUNT:
                    app.users[number]["name"] = to
                    return
                app.drop_user(number)
                if fault is Fault.RECYCLE_USERNAME:
                    app.add_user(subject, "stranger@elsewhere.example")

    def _trouble(self, fault: Fault, key: str, to: str) -> None:
        kind, _, name = key.partition(":")
        if fault is Fault.RENAME_ENTITLEMENT:
            self._rename(key, to)
            return
        if fault is Fault.VANISH:
            self._watch.after("conversations.list", lambda: self._drop(key))
            return
        self._drop(key)
        if fault is Fault.RECYCLE_ENTITLEMENT:
            (self._app.add_group if kind == "usergroup" else self._app.add_channel)(name)

    def _rename(self, key: str, to: str) -> None:
        app, (kind, _, name) = self._app, key.partition(":")
        if kind == "usergroup":
            next(each for each in app.groups.values() if each["name"] == name)["name"] = to
        else:
            private = kind == "private-channel"
            next(c for c in app.channels.values() if (c.name, c.private) == (name, private)).name = to

    def _drop(self, key: str) -> None:
        app, name = self._app, key.partition(":")[2]
        if key.startswith("usergroup:"):
            del app.groups[next(number for number, each in app.groups.items() if each["name"] == name)]
        elif key.startswith("role:"):
            app.grid = False  # the plan was changed: there are no such roles to give any more
        else:
            private = key.startswith("private-channel:")
            del app.channels[next(n for n, c in app.channels.items() if (c.name, c.private) == (name, private))]


class SlackHarness:
    """What the suite knows of it, for some of the kinds."""

    name = "slack"
    page = 3
    attribute: tuple[str, Value] | None = None
    secrets = (TOKEN, ADMIN_TOKEN)
    refusal = REFUSAL
    suspended = True
    together = (frozenset({"accounts", "entitlements:role", "grants:role", "entitlements:guest", "grants:guest"}),)

    def __init__(self, *kinds: str, **options: Any) -> None:
        named = frozenset({Fault.RENAME_ENTITLEMENT, Fault.RECYCLE_ENTITLEMENT})
        of_kinds = {"usergroup": named, "channel": named | {Fault.VANISH}}
        of_kinds["private-channel"] = frozenset({Fault.RENAME_ENTITLEMENT})
        self.troubles = {kind: of_kinds[kind] for kind in kinds if kind in of_kinds}
        levels: tuple[str | None, ...] = ("single-channel", "multi-channel")
        self.kinds: Mapping[str, tuple[str | None, ...]] = {
            kind: levels if kind == "guest" else (None,) for kind in kinds
        }
        self.names = {
            "role": {"alpha": "admin", "beta": "owner"},
            "guest": {"alpha": "workspace", "beta": "workspace"},
        }
        self._options = options

    def can(self, fault: Fault) -> Ability:
        """See `Harness.can`."""
        if fault is Fault.CUT_SHORT:
            return cannot("Slack tells no totals: a page that names no next one is the last")
        return CAN

    def start(self, world: World) -> AbstractAsyncContextManager[RunningSlack]:
        """See `Harness.start`."""
        return self._start(world)

    @asynccontextmanager
    async def _start(self, world: World) -> AsyncIterator[RunningSlack]:
        clock = JumpingClock()
        app = FakeSlack(page=self.page, now=clock.monotonic)
        watch = Watch(app.answer)
        async with http_server(watch.answer) as server:
            running = RunningSlack(app, server, watch, clock, {**self._options})
            running.fill(world)
            yield running
        assert not app.exceeded, f"called too often: {app.exceeded}"


def _account(number: str, user: Mapping[str, Any]) -> TrueAccount:
    status = AccountStatus.SUSPENDED if user["deleted"] else AccountStatus.ACTIVE
    return TrueAccount(user["name"], user["profile"].get("email", ""), status=status, remote_id=number)


PLAIN = SlackHarness("usergroup", "channel", "private-channel")
ROLE = SlackHarness("role", admin_token={"env": "SLACK_ADMIN_CANARY"})
GUEST = SlackHarness("guest")
CHECKS = [*checks_for(PLAIN), *checks_for(ROLE), *checks_for(GUEST)]
NOT_IN_SLACK = (
    "Slack",
    "SCIM",
    "levels",
    "guest",
    "gamma",
    "private channel",
    "admin methods",
    "a seat is free",
    "it can do none of",
    "it can do no operation",
    "batches",
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{'+'.join(check.harness.kinds)}: {check}")
def test_the_slack_provider_conforms(check: Check) -> None:
    """Each check of the suite; what does not apply is what Slack does not have."""
    result = check.run()
    result.raise_if_failed()
    if result.verdict is Verdict.NOT_APPLICABLE:
        assert any(word in result.detail for word in NOT_IN_SLACK), result.detail
