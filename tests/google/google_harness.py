"""The conformance suite's harness for the imitation of Google Workspace, with a clock that does not wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from google_fake import REFUSAL, TOKEN, FakeGoogle, error
from support.http_server import HttpServer, http_server
from support.watching import Watch

from providers.google.config import GoogleConfig
from providers.google.provider import GoogleProvider
from reconciler.items import Value
from reconciler.provider.conformance import Fault, TrueAccount, World
from reconciler.provider.contract import CAN, Ability, Surroundings
from reconciler.provider.snapshot import AccountStatus
from reconciler.provider.transport import Limits

DOMAIN = "acme.example"
PRODUCT = "Google-Apps"
QUICK = Limits(attempts=8, first_wait=0.001, longest_wait=0.002, jitter=0.001)


class QuickClock:
    """A clock whose waits pass at once; only an answer that is on its way is waited for."""

    def __init__(self) -> None:
        self.time = 1_000.0

    def monotonic(self) -> float:
        """Return its time."""
        return self.time

    def epoch(self) -> float:
        """Return its time, as seconds since 1970."""
        return 1_790_000_000 + self.time

    async def wait(self, seconds: float, wake: asyncio.Event) -> None:
        """Let the time pass, or wait for an answer."""
        if seconds > 100:
            await asyncio.wait_for(wake.wait(), 10)
            return
        await asyncio.sleep(0)
        self.time += max(seconds, 0.001)  # a smaller step would be lost in rounding


def open_google(url: str, clock: QuickClock | None = None, *, read_only: bool = False, **more: Any) -> GoogleProvider:
    """Return a provider for a server."""
    config = {
        "subject": f"admin@{DOMAIN}", "token": {"env": "GOOGLE_TOKEN"}, "domain": DOMAIN, "directory_url": url,
        "licensing_url": url, "licenses": {"alpha": f"{PRODUCT}/1", "beta": f"{PRODUCT}/2"}, "oauth_grants": True,
    }  # fmt: skip
    surroundings = Surroundings("google", Path(), read_only=read_only, now=datetime(2026, 3, 2, tzinfo=UTC))
    valid = GoogleConfig.model_validate(config | more)
    return GoogleProvider(valid, surroundings, clock=clock or QuickClock(), limits=QUICK)


class RunningGoogle:
    """One customer's imitation."""

    def __init__(self, app: FakeGoogle, server: HttpServer, clock: QuickClock, watch: Watch) -> None:
        self._watch = watch
        watch.look = self.look
        self.app = app
        self.server = server
        self.clock = clock

    def open(self, *, read_only: bool = False, **more: Any) -> GoogleProvider:
        """See `RunningApp.open`."""
        return open_google(self.server.url, self.clock, read_only=read_only, **more)

    def fill(self, world: World) -> None:
        """Make everything that is in a world."""
        app, ids = self.app, {}
        for each in world.accounts:
            made = app.add_user(each.email, suspended=each.status is AccountStatus.SUSPENDED)
            ids[each.username] = made["id"]
        for key in world.entitlements:
            kind, _, name = key.partition(":")
            if kind == "group":
                app.add_group(f"{name}@{DOMAIN}")
            elif kind == "role":
                app.roles[f"r-{name}"] = name
        app.skus = {(PRODUCT, "1"), (PRODUCT, "2")}
        for holder, key, level in world.grants:
            self._give(ids[holder], key, level)

    def _give(self, user_id: str, key: str, level: str | None) -> None:
        app, (kind, _, name) = self.app, key.partition(":")
        email = app.users[user_id]["primaryEmail"]
        match kind:
            case "group":
                group = app.find_group(f"{name}@{DOMAIN}")
                assert group
                member = {"id": user_id, "email": email, "role": str(level).upper(), "type": "USER"}
                app.members[group["id"]][user_id] = member
            case "role":
                made = {"roleAssignmentId": f"a-{name}-{user_id}", "roleId": f"r-{name}", "assignedTo": user_id}
                app.assignments[made["roleAssignmentId"]] = {**made, "scopeType": "CUSTOMER"}
            case "license":
                app.licenses.add((PRODUCT, {"alpha": "1", "beta": "2"}[name], email))
            case "oauth":
                app.tokens.setdefault(user_id, {})[name] = name.title()

    def history(self) -> list[World]:
        """See `RunningApp`."""
        return self._watch.worlds

    async def peek(self) -> World:
        """See `RunningApp.peek`."""
        return self.look()

    def look(self) -> World:
        """Return what is true now."""
        app = self.app
        names = {i: u["primaryEmail"].removesuffix(f"@{DOMAIN}") for i, u in app.users.items()}
        names |= {i: f"group:{g['email'].removesuffix('@' + DOMAIN)}" for i, g in app.groups.items()}
        by_email = {u["primaryEmail"]: names[i] for i, u in app.users.items()}
        keys = {i: f"group:{g['email'].removesuffix('@' + DOMAIN)}" for i, g in app.groups.items()}
        keys |= {i: f"role:{n}" for i, n in app.roles.items()}
        keys |= {f"{PRODUCT}/1": "license:alpha", f"{PRODUCT}/2": "license:beta"}
        keys |= {client: f"oauth:{client}" for held in app.tokens.values() for client in held}
        grants: set[tuple[str, str, str | None]] = {
            (names[i], keys[g], m["role"].lower()) for g, held in app.members.items() for i, m in held.items()
        }
        grants |= {(names[a["assignedTo"]], keys[a["roleId"]], None) for a in app.assignments.values()}
        grants |= {(by_email[e], keys[f"{p}/{s}"], None) for p, s, e in app.licenses}
        grants |= {(names[i], keys[c], None) for i, held in app.tokens.items() for c in held}
        accounts = tuple(_account(names[i], u) for i, u in app.users.items())
        return World(accounts, {key: i for i, key in keys.items()}, frozenset(grants))

    async def inject(self, fault: Fault, subject: str = "", to: str = "") -> None:
        """See `RunningApp.inject`."""
        app = self.app
        match fault:
            case Fault.FORBID:
                app.forbidden.add(subject)
            case Fault.CUT_SHORT:
                app.cut.add(subject)
            case Fault.THROTTLE:
                app.throttles.append(error(429, "rateLimitExceeded", "Quota exceeded", {"Retry-After": "1"}))
            case Fault.REFUSE:
                app.refusing = True
            case Fault.LOSE_ANSWER:
                app.losing = True
            case Fault.DELETE_ENTITLEMENT:
                self._delete(subject)
            case Fault.VANISH:
                self._watch.after("/groups[?]", lambda: self._delete(subject))
            case Fault.RENAME_ENTITLEMENT:
                self._group(subject)["email"] = f"{to.partition(':')[2]}@{DOMAIN}"
            case Fault.RECYCLE_ENTITLEMENT:
                self._delete(subject)
                app.add_group(f"{subject.partition(':')[2]}@{DOMAIN}")
            case _:
                user = app.find(f"{subject}@{DOMAIN}")
                assert user
                self._change(fault, user, to)

    def _group(self, key: str) -> dict[str, Any]:
        found = self.app.find_group(f"{key.partition(':')[2]}@{DOMAIN}")
        assert found
        return found

    def _delete(self, key: str) -> None:
        kind, _, name = key.partition(":")
        if kind == "license":
            self.app.skus.discard((PRODUCT, {"alpha": "1", "beta": "2"}[name]))
        else:
            group = self.app.find_group(f"{name}@{DOMAIN}")
            self.app.drop(str(group["id"]) if kind == "group" and group else f"r-{name}")

    def _change(self, fault: Fault, user: dict[str, Any], to: str) -> None:
        if fault is Fault.RENAME_ACCOUNT:
            user["primaryEmail"] = f"{to}@{DOMAIN}"
            return
        self.app.drop(user["id"])
        if fault is Fault.RECYCLE_USERNAME:
            self.app.add_user(user["primaryEmail"])


def _account(name: str, user: Mapping[str, Any]) -> TrueAccount:
    away = user.get("suspended") or user.get("archived")
    status = AccountStatus.SUSPENDED if away else AccountStatus.ACTIVE
    return TrueAccount(name, user["primaryEmail"], "", status, user["id"])


class GoogleHarness:
    """What the suite knows of the imitation."""

    name = "google"
    kinds: Mapping[str, tuple[str | None, ...]] = {
        "group": ("member", "manager", "owner"), "role": (None,), "license": (None,), "oauth": (None,),
    }  # fmt: skip
    nesting: Mapping[str, tuple[str, ...]] = {"group": ("group",), "role": ("group",)}
    troubles: Mapping[str, frozenset[Fault]] = {
        "group": frozenset({Fault.RENAME_ENTITLEMENT, Fault.RECYCLE_ENTITLEMENT, Fault.VANISH})
    }
    page = 3
    attribute: tuple[str, Value] | None = ("title", "Engineer")
    secrets = (TOKEN,)
    refusal = REFUSAL
    suspended = True

    def can(self, fault: Fault) -> Ability:
        """Say that every fault can be injected."""
        assert fault
        return CAN

    def start(self, world: World) -> AbstractAsyncContextManager[RunningGoogle]:
        """Fill a new customer."""
        return running(world, page=self.page, lag=2)


@asynccontextmanager
async def running(world: World | None = None, **more: Any) -> AsyncIterator[RunningGoogle]:
    """Run an imitation; at the end, every request must have been one that the reference allows."""
    clock = QuickClock()
    app = FakeGoogle(now=clock.monotonic, **more)
    watch = Watch(app.answer)
    async with http_server(watch.answer) as server:
        google = RunningGoogle(app, server, clock, watch)
        google.fill(world or World())
        yield google
    assert app.violated == []
