"""A stateful Okta organization over loopback, after the vendor's reference: Link paging, E-codes, lifecycle rules."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote

from support.http_server import HttpServer, Reply, Request, http_server

from reconciler.provider.conformance import Fault, TrueAccount, World
from reconciler.provider.snapshot import AccountStatus

TOKEN = "canary-okta-4f1c77"
REFUSAL = "Operation failed because of a policy"
PAGE = 3
_OURS = {"ACTIVE": AccountStatus.ACTIVE, "STAGED": AccountStatus.INVITED, "PROVISIONED": AccountStatus.INVITED}
_STATUS = {AccountStatus.ACTIVE: "ACTIVE", AccountStatus.SUSPENDED: "SUSPENDED", AccountStatus.INVITED: "PROVISIONED"}
_COLLECTIONS = {"accounts": "users", "entitlements:group": "groups", "entitlements:app": "apps"}


class FakeOkta:
    """The organization's data, and the faults that are on.

    Attributes:
        page: entries in a page at most, whatever is asked for.
        sessions: ids of users whose sessions were ended.
    """

    def __init__(self, page: int = PAGE) -> None:
        self.page = page
        self.users: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, dict[str, Any]] = {}
        self.apps: dict[str, dict[str, Any]] = {}
        self.members: set[tuple[str, str]] = set()
        self.app_users: dict[tuple[str, str], str] = {}
        self.app_groups: set[tuple[str, str]] = set()
        self.roles: dict[str, dict[str, Any]] = {}
        self.sessions: list[str] = []
        self.forbidden = ""
        self.cut = ""
        self.throttled = 0
        self.refusing = self.losing = False
        self.url = ""
        self._numbers = itertools.count(1)

    def add_user(self, login: str, email: str, status: str = "ACTIVE", **profile: Any) -> str:
        """Add a user under a new id."""
        remote_id = f"00u{next(self._numbers)}"
        whole = {"login": login, "email": email, "firstName": "F", "lastName": "L", **profile}
        self.users[remote_id] = {"id": remote_id, "status": status, "profile": whole}
        return remote_id

    def add_group(self, name: str, kind: str = "OKTA_GROUP") -> str:
        """Add a group under a new id."""
        remote_id = f"00g{next(self._numbers)}"
        self.groups[remote_id] = {"id": remote_id, "type": kind, "profile": {"name": name, "description": "kept"}}
        return remote_id

    def add_app(self, label: str) -> str:
        """Add an app under a new id."""
        remote_id = f"0oa{next(self._numbers)}"
        self.apps[remote_id] = {"id": remote_id, "label": label, "name": "oidc_client", "status": "ACTIVE"}
        return remote_id

    def add_role(self, holder: str, kind: str, **more: Any) -> str:
        """Assign a role."""
        remote_id = f"ra{next(self._numbers)}"
        assigned = "USER" if holder.startswith("00u") else "GROUP"
        self.roles[remote_id] = {"id": remote_id, "holder": holder, "type": kind, "assignmentType": assigned, **more}
        return remote_id

    def drop_user(self, remote_id: str) -> None:
        """Delete a user with all that they hold."""
        del self.users[remote_id]
        self.members = {pair for pair in self.members if pair[1] != remote_id}
        self.app_users = {pair: scope for pair, scope in self.app_users.items() if pair[1] != remote_id}
        self.roles = {key: role for key, role in self.roles.items() if role["holder"] != remote_id}

    def find(self, login: str) -> str:
        """Return the id of a login."""
        return next(key for key, user in self.users.items() if user["profile"]["login"] == login)

    def answer(self, request: Request) -> Reply:
        """Answer a request, with whatever fault is on."""
        if request.headers.get("authorization") != f"SSWS {TOKEN}":
            return _error(401, "E0000011", "Invalid token provided")
        if self.throttled:
            self.throttled -= 1
            return _error(429, "E0000047", "API call exceeded rate limit", {"Retry-After": "0"})
        path = [unquote(part) for part in request.path.removeprefix("/api/v1/").split("/")]
        if request.method == "GET":
            return self._read(path, request)
        if self.refusing:
            return _error(403, "E0000006", f"{REFUSAL} (token {TOKEN})")
        reply = self._write(request.method, path, request)
        lost, self.losing = self.losing, False
        return Reply(reset=True) if lost else reply

    def _read(self, path: list[str], request: Request) -> Reply:
        what = self._collection(path)
        if what and what == self.forbidden:
            return _error(403, "E0000006", "You do not have permission to perform the requested action")
        match path:
            case ["users", "me"]:
                return _error(404, "E0000007", "Not found: Resource not found: me (User)")
            case ["users", ref]:
                found = self.users.get(ref) or next(
                    (one for one in self.users.values() if one["profile"]["login"] == ref), None
                )
                return Reply(body=found) if found else _gone(ref)
            case ["groups", ref] if ref != "rules":
                return Reply(body=self.groups[ref]) if ref in self.groups else _gone(ref)
            case ["apps", app, "users", user]:
                scope = self.app_users.get((app, user))
                return Reply(body={"id": user, "scope": scope}) if scope else _gone(user)
            case ["iam", "assignees", "users"]:
                holders = sorted({one["holder"] for one in self.roles.values() if one["assignmentType"] == "USER"})
                return Reply(body={"value": [{"id": one} for one in holders], "_links": {}})
        entries = self._entries(path, request)
        return _gone(path[1]) if entries is None else self._page(entries, path, request, what)

    def _collection(self, path: list[str]) -> str:
        match path:
            case ["users"]:
                return "accounts"
            case ["groups"] | ["apps"]:
                return f"entitlements:{path[0].removesuffix('s')}"
            case ["groups", _, "users"]:
                return "grants:group"
            case ["apps", _, "users"]:
                return "grants:app"
            case ["iam", *_] | [_, _, "roles"]:
                return "grants:role"
        return ""

    def _entries(self, path: list[str], request: Request) -> list[dict[str, Any]] | None:
        match path:
            case ["users"]:
                gone = "filter" in request.query
                return [one for one in self.users.values() if (one["status"] == "DEPROVISIONED") is gone]
            case ["groups"]:
                start = request.query.get("q", [""])[0]
                return [one for one in self.groups.values() if one["profile"]["name"].startswith(start)]
            case ["apps"]:
                return list(self.apps.values())
            case ["groups", "rules"]:
                return []
            case ["groups", group, "users"]:
                return [self.users[u] for g, u in sorted(self.members) if g == group] if group in self.groups else None
            case ["apps", app, "users"]:
                return [{"id": u, "scope": scope} for (a, u), scope in self.app_users.items() if a == app]
            case ["apps", app, "groups"]:
                return [{"id": g} for a, g in sorted(self.app_groups) if a == app]
            case ["users" | "groups", holder, "roles"]:
                known = holder in self.users or holder in self.groups
                return [one for one in self.roles.values() if one["holder"] == holder] if known else None
        raise AssertionError(path)

    def _page(self, entries: list[dict[str, Any]], path: list[str], request: Request, what: str) -> Reply:
        start = int(request.query.get("after", ["0"])[0])
        end = start + min(self.page, int(request.query.get("limit", ["200"])[0]))
        headers = {}
        if end < len(entries):
            more = "".join(f"&{name}={request.query[name][0]}" for name in ("filter", "expand") if name in request.query)
            link = f"{self.url}{request.path}?after={end}&limit={self.page}{more}".replace(" ", "+").replace('"', "%22")
            headers["Link"] = f'<{self.url}{request.path}>; rel="self", <{link}>; rel="next"'
        cut = 1 if what and what == self.cut and end >= len(entries) else None
        return Reply(body=entries[start:end], headers=headers, cut=cut)

    def _write(self, method: str, path: list[str], request: Request) -> Reply:
        body = request.json() if request.body else {}
        match method, path:
            case "POST", ["users"]:
                return self._create_user(body["profile"], request.query["activate"] == ["true"])
            case "POST", ["users", user] if user in self.users:
                self.users[user]["profile"] |= body["profile"]
                return Reply(body=self.users[user])
            case "POST", ["users", user, "lifecycle", action] if user in self.users:
                return self._lead(self.users[user], action)
            case "DELETE", ["users", user] if user in self.users:
                if self.users[user]["status"] == "DEPROVISIONED":
                    self.drop_user(user)
                else:
                    self.users[user]["status"] = "DEPROVISIONED"
                return Reply(204)
            case "DELETE", ["users", user, "sessions"] if user in self.users:
                self.sessions.append(user)
                return Reply(204)
            case "POST", ["groups"]:
                name = body["profile"]["name"]
                if any(one["profile"]["name"] == name for one in self.groups.values()):
                    return _error(400, "E0000001", "Api validation failed: name: An object with this field exists")
                return Reply(body=self.groups[self.add_group(name)])
            case "PUT", ["groups", group] if group in self.groups:
                self.groups[group]["profile"] = body["profile"]
                return Reply(body=self.groups[group])
        return self._link(method, path, body)

    def _link(self, method: str, path: list[str], body: dict[str, Any]) -> Reply:
        match method, path:
            case "PUT", ["groups", group, "users", user] if group in self.groups and user in self.users:
                self.members.add((group, user))
            case "DELETE", ["groups", group, "users", user] if group in self.groups and user in self.users:
                self.members.discard((group, user))
            case "POST", ["apps", app, "users"] if app in self.apps and body["id"] in self.users:
                self.app_users[app, body["id"]] = body["scope"]
                return Reply(body=body)
            case "DELETE", ["apps", app, "users", user] if (app, user) in self.app_users:
                del self.app_users[app, user]
            case "PUT", ["apps", app, "groups", group] if app in self.apps and group in self.groups:
                self.app_groups.add((app, group))
            case "DELETE", ["apps", app, "groups", group] if (app, group) in self.app_groups:
                self.app_groups.remove((app, group))
            case "POST", ["users" | "groups", holder, "roles"] if holder in self.users or holder in self.groups:
                if any(r["holder"] == holder and r["type"] == body["type"] for r in self.roles.values()):
                    return _error(409, "E0000090", "Duplicate role assignment exception.")
                return Reply(201, self.roles[self.add_role(holder, body["type"])])
            case "DELETE", ["users" | "groups", _, "roles", role] if role in self.roles:
                del self.roles[role]
            case _:
                return _gone(path[-1])
        return Reply(204)

    def _create_user(self, profile: dict[str, Any], activate: bool) -> Reply:
        if any(one["profile"]["login"] == profile["login"] for one in self.users.values()):
            return _error(400, "E0000001", "Api validation failed: login: An object with this field already exists")
        remote_id = self.add_user(status="PROVISIONED" if activate else "STAGED", **profile)
        return Reply(body=self.users[remote_id])

    def _lead(self, user: dict[str, Any], action: str) -> Reply:
        wanted = {"suspend": {"ACTIVE"}, "unsuspend": {"SUSPENDED"}, "activate": {"STAGED", "DEPROVISIONED"}}
        if action == "deactivate":
            if user["status"] == "DEPROVISIONED":
                return _error(400, "E0000001", "Api validation failed: cannot deactivate a deactivated user")
        elif user["status"] not in wanted[action]:
            return _error(400, "E0000001", f"Api validation failed: cannot {action} a user that is {user['status']}")
        ends = {"suspend": "SUSPENDED", "unsuspend": "ACTIVE", "activate": "PROVISIONED", "deactivate": "DEPROVISIONED"}
        user["status"] = ends[action]
        return Reply(body={})

    def fill(self, world: World) -> None:
        """Make a world true."""
        ids = {
            one.username: self.add_user(one.username, one.email, _STATUS[one.status]) for one in world.accounts
        }
        for key in world.entitlements:
            kind, _, name = key.partition(":")
            if kind in {"group", "app"}:
                ids[key] = self.add_group(name) if kind == "group" else self.add_app(name)
        for holder, key, _ in world.grants:
            if key.startswith("group:"):
                self.members.add((ids[key], ids[holder]))
            elif key.startswith("app:"):
                self.app_users[ids[key], ids[holder]] = "USER"

    def world(self) -> World:
        """Return what is true."""
        logins = {key: user["profile"]["login"] for key, user in self.users.items()}
        keys = {key: f"group:{one['profile']['name']}" for key, one in self.groups.items()}
        keys |= {key: f"app:{one['label']}" for key, one in self.apps.items()}
        grants = {(logins[u], keys[g], None) for g, u in self.members}
        grants |= {(logins[u], keys[a], None) for a, u in self.app_users}
        accounts = [_account(user) for user in self.users.values()]
        return World(tuple(accounts), {key: remote_id for remote_id, key in keys.items()}, frozenset(grants))

    def suffer(self, fault: Fault, subject: str, to: str) -> None:
        """Turn a fault on, or let somebody do something."""
        match fault:
            case Fault.FORBID:
                self.forbidden = subject
            case Fault.CUT_SHORT:
                self.cut = subject
            case Fault.THROTTLE:
                self.throttled = 1
            case Fault.REFUSE:
                self.refusing = True
            case Fault.LOSE_ANSWER:
                self.losing = True
            case Fault.DELETE_ACCOUNT:
                self.drop_user(self.find(subject))
            case Fault.DELETE_ENTITLEMENT:
                self._drop_entitlement(self.world().entitlements[subject])
            case Fault.RENAME_ACCOUNT:
                self.users[self.find(subject)]["profile"]["login"] = to
            case Fault.RECYCLE_USERNAME:
                self.drop_user(self.find(subject))
                self.add_user(subject, "stranger@elsewhere.example")

    def _drop_entitlement(self, remote_id: str) -> None:
        self.groups.pop(remote_id, None)
        self.apps.pop(remote_id, None)
        self.members = {pair for pair in self.members if pair[0] != remote_id}
        self.app_users = {pair: scope for pair, scope in self.app_users.items() if pair[0] != remote_id}


def _account(user: dict[str, Any]) -> TrueAccount:
    status = _OURS.get(user["status"], AccountStatus.SUSPENDED)
    return TrueAccount(user["profile"]["login"], user["profile"]["email"], status=status, remote_id=user["id"])


def _error(status: int, code: str, words: str, headers: dict[str, str] | None = None) -> Reply:
    body = {"errorCode": code, "errorSummary": words, "errorLink": code, "errorId": "oae1", "errorCauses": []}
    return Reply(status, body, headers or {})


def _gone(what: str) -> Reply:
    return _error(404, "E0000007", f"Not found: Resource not found: {what}")


@asynccontextmanager
async def fake_okta(world: World, page: int = PAGE) -> AsyncIterator[tuple[FakeOkta, HttpServer]]:
    """Run the organization, with a world in it."""
    app = FakeOkta(page)
    app.fill(world)
    async with http_server(app.answer) as server:
        app.url = server.url
        yield app, server
