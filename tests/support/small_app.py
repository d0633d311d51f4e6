"""A small app with accounts, teams and repositories behind a real HTTP server, which can be made to fail."""

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from support.http_server import HttpServer, Reply, Request, http_server

from reconciler.provider.conformance import Fault, TrueAccount, World

PAGE = 3
TOKEN = "canary-9d8f7s6a"
REFUSAL = "no seats are left"


@dataclass(slots=True)
class SmallApp:
    """The app's data, and the faults that are on."""

    accounts: dict[str, TrueAccount] = field(default_factory=dict)
    entitlements: dict[str, str] = field(default_factory=dict)
    grants: dict[tuple[str, str], str | None] = field(default_factory=dict)
    forbidden: set[str] = field(default_factory=set)
    cut: set[str] = field(default_factory=set)
    throttled: int = 0
    refusing: bool = False
    losing: bool = False
    vanishing: str = ""
    worlds: list[World] = field(default_factory=list)
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    @classmethod
    def of(cls, world: World) -> "SmallApp":
        """Make an app in which a world is true."""
        app = cls()
        for account in world.accounts:
            app.add(account)
        for key in world.entitlements:
            app.entitlements[f"e{next(app.numbers)}"] = key
        keys = {key: remote_id for remote_id, key in app.entitlements.items()}
        for holder, key, level in world.grants:
            app.grants[app.find(holder).remote_id, keys[key]] = level
        return app

    def add(self, account: TrueAccount) -> TrueAccount:
        """Add an account under a new id."""
        made = replace(account, remote_id=f"a{next(self.numbers)}")
        self.accounts[made.remote_id] = made
        return made

    def find(self, username: str) -> TrueAccount:
        """Return an account by its username."""
        return next(account for account in self.accounts.values() if account.username == username)

    def drop(self, remote_id: str) -> None:
        """Delete an account or an entitlement, with its grants."""
        self.accounts.pop(remote_id, None)
        self.entitlements.pop(remote_id, None)
        self.grants = {pair: level for pair, level in self.grants.items() if remote_id not in pair}

    def world(self) -> World:
        """Return what is true."""
        names = self.entitlements | {remote_id: account.username for remote_id, account in self.accounts.items()}
        return World(
            tuple(self.accounts.values()),
            {key: remote_id for remote_id, key in self.entitlements.items()},
            frozenset((names[who], self.entitlements[what], level) for (who, what), level in self.grants.items()),
        )

    def suffer(self, fault: Fault, subject: str, to: str) -> None:
        """Turn a fault on, or let somebody do something."""
        match fault:
            case Fault.FORBID:
                self.forbidden.add(subject)
            case Fault.CUT_SHORT:
                self.cut.add(subject)
            case Fault.THROTTLE:
                self.throttled = 1
            case Fault.REFUSE:
                self.refusing = True
            case Fault.LOSE_ANSWER:
                self.losing = True
            case Fault.VANISH:
                self.vanishing = subject
            case Fault.DELETE_ENTITLEMENT | Fault.RECYCLE_ENTITLEMENT | Fault.RENAME_ENTITLEMENT:
                self._trouble(fault, next(i for i, key in self.entitlements.items() if key == subject), subject, to)
            case _:
                self._disturb(fault, self.find(subject), to)

    def _disturb(self, fault: Fault, found: TrueAccount, to: str) -> None:
        """Let something happen to an account."""
        if fault is Fault.RENAME_ACCOUNT:
            self.accounts[found.remote_id] = replace(found, username=to)
            return
        self.drop(found.remote_id)
        if fault is Fault.RECYCLE_USERNAME:
            self.add(replace(found, email="stranger@elsewhere.example", external_id=""))

    def _trouble(self, fault: Fault, remote_id: str, key: str, to: str) -> None:
        """Let something happen to an entitlement."""
        if fault is Fault.RENAME_ENTITLEMENT:
            self.entitlements[remote_id] = to
            return
        self.drop(remote_id)
        if fault is Fault.RECYCLE_ENTITLEMENT:
            self.entitlements[f"e{next(self.numbers)}"] = key

    def answer(self, request: Request) -> Reply:
        """Answer a request, with whatever fault is on."""
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Reply(401, {"message": "who are you?"})
        if self.throttled:
            self.throttled -= 1
            return Reply(429, {"message": "slow down"}, {"Retry-After": "1"})
        if request.method == "GET":
            return self._list(request)
        if self.refusing:
            return Reply(422, {"message": f"{REFUSAL} (token {TOKEN})", "code": "seats"})
        reply = self._write(request)
        self.worlds.append(self.world())
        lost, self.losing = self.losing, False
        return Reply(reset=True) if lost else reply

    def _list(self, request: Request) -> Reply:
        _, *parts = request.path.split("/")
        if len(parts) == 2 and parts[0] == "accounts":
            found = self.accounts.get(parts[1])
            return Reply(body=_shown(found)) if found else Reply(404, {"message": "no such account"})
        collection = ":".join(parts)
        if collection in self.forbidden:
            return Reply(403, {"message": "this token may not read that"})
        items = self._items(parts, request)
        start = int(request.query.get("start", ["0"])[0])
        page = items[start : start + PAGE]
        if collection in self.cut and start + PAGE >= len(items):
            page = page[:-1]
        if any(item.get("key") == self.vanishing for item in page):
            self.drop(next(remote_id for remote_id, key in self.entitlements.items() if key == self.vanishing))
        return Reply(body={"total": len(items), "items": page})

    def _items(self, parts: list[str], request: Request) -> list[dict[str, Any]]:
        match parts:
            case ["accounts"]:
                wanted = request.query.get("username")
                return [_shown(each) for each in self.accounts.values() if not wanted or each.username in wanted]
            case ["entitlements", kind]:
                return [{"id": i, "key": key} for i, key in self.entitlements.items() if key.startswith(f"{kind}:")]
        kind = parts[1]
        return [
            {"account": who, "entitlement": what, "level": level}
            for (who, what), level in self.grants.items()
            if self.entitlements[what].startswith(f"{kind}:")
        ]

    def _write(self, request: Request) -> Reply:
        _, *parts = request.path.split("/")
        body = request.json() if request.body else {}
        write: Callable[..., Reply] = getattr(self, f"_{request.method.lower()}_{parts[0]}")
        return write(parts[1:], body)

    def _post_accounts(self, parts: list[str], body: dict[str, Any]) -> Reply:
        if parts:
            return Reply(204) if parts[0] in self.accounts else Reply(404, {"message": "no such account"})
        if any(each.username == body["username"] for each in self.accounts.values()):
            return Reply(409, {"message": "the username is taken", "code": "uniqueness"})
        return Reply(201, _shown(self.add(TrueAccount(body["username"], body["email"], body["external_id"]))))

    def _patch_accounts(self, parts: list[str], body: dict[str, Any]) -> Reply:
        found = self.accounts.get(parts[0])
        if found is None:
            return Reply(404, {"message": "no such account"})
        changes = {key: body[key] for key in ("status",) if key in body}
        attributes = {**found.attributes, **{key: value for key, value in body.items() if key != "status"}}
        self.accounts[parts[0]] = replace(found, **changes, attributes=attributes)
        return Reply(200, _shown(self.accounts[parts[0]]))

    def _delete_accounts(self, parts: list[str], _: dict[str, Any]) -> Reply:
        gone = parts[0] not in self.accounts
        self.drop(parts[0])
        return Reply(404, {"message": "no such account"}) if gone else Reply(204)

    def _post_entitlements(self, _: list[str], body: dict[str, Any]) -> Reply:
        if body["key"] in self.entitlements.values():
            return Reply(409, {"message": "the name is taken"})
        remote_id = f"e{next(self.numbers)}"
        self.entitlements[remote_id] = body["key"]
        return Reply(201, {"id": remote_id, "key": body["key"]})

    def _patch_entitlements(self, parts: list[str], body: dict[str, Any]) -> Reply:
        if parts[1] not in self.entitlements:
            return Reply(404, {"message": "no such entitlement"})
        self.entitlements[parts[1]] = body["key"]
        return Reply(200, {"id": parts[1], "key": body["key"]})

    def _put_grants(self, parts: list[str], body: dict[str, Any]) -> Reply:
        _, entitlement, account = parts
        if entitlement not in self.entitlements or account not in self.accounts | self.entitlements:
            return Reply(404, {"message": "no such account or entitlement"})
        self.grants[account, entitlement] = body.get("level")
        return Reply(204)

    def _delete_grants(self, parts: list[str], _: dict[str, Any]) -> Reply:
        _, entitlement, account = parts
        missing = (account, entitlement) not in self.grants
        self.grants.pop((account, entitlement), None)
        return Reply(404, {"message": "no such grant"}) if missing else Reply(204)


def _shown(account: TrueAccount) -> dict[str, Any]:
    return {
        "id": account.remote_id,
        "username": account.username,
        "email": account.email,
        "external_id": account.external_id,
        "status": str(account.status),
        **account.attributes,
    }


@asynccontextmanager
async def small_app(world: World) -> AsyncIterator[tuple[SmallApp, HttpServer]]:
    """Run the app, with a world in it."""
    app = SmallApp.of(world)
    async with http_server(app.answer) as server:
        yield app, server
