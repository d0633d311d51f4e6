"""Okta's HTTP API over an organization: Link paging with opaque cursors, E-codes, rate limits, and faults.

After developer.okta.com's reference, and after answers of the real product that Okta's own SDK has on record.
"""

import base64
import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, quote, unquote

import jwt
import okta_reference
from okta_org import Organization
from support.http_server import HttpServer, Reply, Request, http_server
from support.watching import Watch

from reconciler.provider.conformance import Fault, World

TOKEN = "canary-okta-4f1c77"
CLIENT = "0oaService"
REFUSAL = "Operation failed because of a policy"
PAGE = 3
_MOST = {"users": 200, "groups": 10_000, "apps": 200, "apps/*/users": 500, "apps/*/groups": 200}
_ENDS = {"suspend": "SUSPENDED", "unsuspend": "ACTIVE", "activate": "PROVISIONED", "deactivate": "DEPROVISIONED"}
_STARTS = {"suspend": {"ACTIVE"}, "unsuspend": {"SUSPENDED"}, "activate": {"STAGED", "DEPROVISIONED"}}
_TOO_MANY = "API call exceeded rate limit due to too many requests."

Handler = Callable[..., Reply]


class FakeOkta(Organization):
    """An organization behind HTTP, and the faults that are on.

    Attributes:
        page: entries in a page at most, whatever is asked for.
        violations: what requests had that Okta's own description of its API does not allow.
        forbidden: collections, or beginnings of paths, that are answered 403.
        limits: requests that each class may take until `reset`; the class of a request is as Okta limits it.
        myself: the id of the user whose token it is.
        concurrency: requests that are refused as too many at once.
        public_key: of the service app, for JWTs; scopes: what it was granted.
    """

    def __init__(self, page: int = PAGE, now: Callable[[], float] = lambda: 1.8e9) -> None:
        super().__init__()
        self.page = page
        self.now = now
        self.violations: list[str] = []
        self.forbidden: set[str] = set()
        self.cut = ""
        self.throttled = 0
        self.refusing = self.losing = False
        self.limits: dict[str, int] = {}
        self.window = 60
        self.used: Counter[str] = Counter()
        self.reset = 0.0
        self.refused = 0
        self.concurrency = 0
        self.myself = "me"
        self.public_key = ""
        self.scopes: set[str] = set()
        self.tokens: list[str] = []
        self.asked: list[dict[str, Any]] = []
        self.url = ""
        self._serial = itertools.count(1)
        self._routes: list[tuple[str, list[str], Handler]] = [
            ("GET", ["users"], self._list_users),
            ("POST", ["users"], self._create_user),
            ("GET", ["users", "me"], lambda _: self._one(self.users, self.myself)),
            ("GET", ["users", "*"], self._get_user),
            ("POST", ["users", "*"], self._update_user),
            ("DELETE", ["users", "*"], self._delete_user),
            ("POST", ["users", "*", "lifecycle", "*"], self._lead),
            ("DELETE", ["users", "*", "sessions"], self._end_sessions),
            ("GET", ["groups"], self._list_groups),
            ("POST", ["groups"], self._create_group),
            ("GET", ["groups", "rules"], lambda request: self._page(list(self.rules.values()), request)),
            ("GET", ["groups", "*"], lambda _, group: self._one(self.groups, group)),
            ("PUT", ["groups", "*"], self._replace_group),
            ("GET", ["groups", "*", "users"], self._list_members),
            ("PUT", ["groups", "*", "users", "*"], self._join),
            ("DELETE", ["groups", "*", "users", "*"], self._leave),
            ("GET", ["apps"], lambda request: self._page(list(self.apps.values()), request)),
            ("GET", ["apps", "*", "users"], self._list_app_users),
            ("POST", ["apps", "*", "users"], self._assign_user),
            ("GET", ["apps", "*", "users", "*"], self._get_app_user),
            ("DELETE", ["apps", "*", "users", "*"], self._unassign_user),
            ("GET", ["apps", "*", "groups"], self._list_app_groups),
            ("PUT", ["apps", "*", "groups", "*"], self._assign_group),
            ("DELETE", ["apps", "*", "groups", "*"], self._unassign_group),
            ("GET", ["iam", "assignees", "users"], self._list_assignees),
            *(("GET", [holders, "*", "roles"], self._list_roles) for holders in ("users", "groups")),
            *(("POST", [holders, "*", "roles"], self._assign_role) for holders in ("users", "groups")),
            *(("DELETE", [holders, "*", "roles", "*"], self._unassign_role) for holders in ("users", "groups")),
        ]

    def suffer(self, fault: Fault, subject: str, to: str) -> None:
        """Turn a fault on, or let somebody do something."""
        match fault:
            case Fault.FORBID:
                self.forbidden = {subject}
            case Fault.CUT_SHORT:
                self.cut = subject
            case Fault.THROTTLE:
                self.throttled = 1
            case Fault.REFUSE:
                self.refusing = True
            case Fault.LOSE_ANSWER:
                self.losing = True
            case _:
                super().suffer(fault, subject, to)

    def answer(self, request: Request) -> Reply:
        """Answer a request, with whatever fault is on."""
        if request.path == "/oauth2/v1/token":
            return self._give_token(request)
        if request.headers.get("authorization") not in {f"SSWS {TOKEN}", *(f"Bearer {one}" for one in self.tokens)}:
            return error(401, "E0000011", "Invalid token provided")
        body = request.json() if request.body else None
        self.violations += okta_reference.violations(request.method, request.path, request.query, body)
        slow = self._slow_down(request)
        if slow is not None:
            return slow
        path = [unquote(part) for part in request.path.removeprefix("/api/v1/").split("/")]
        reply = self._route(request, path)
        if self.losing and request.method != "GET":
            self.losing = False
            return Reply(reset=True)
        return Reply(reply.status, reply.body, {**reply.headers, **self._told(request)})

    def _route(self, request: Request, path: list[str]) -> Reply:
        """Find who answers; a fault comes before."""
        if {_collection(path), "/".join(path)} & self.forbidden and request.method == "GET":
            return error(403, "E0000006", "You do not have permission to perform the requested action")
        if self.refusing and request.method != "GET":
            return error(403, "E0000006", f"{REFUSAL} (token {TOKEN})")
        for method, template, handler in self._routes:
            if method == request.method and len(template) == len(path):
                given = [part for part, wanted in zip(path, template, strict=True) if wanted == "*"]
                if all(wanted in ("*", part) for part, wanted in zip(path, template, strict=True)):
                    return handler(request, *given)
        raise AssertionError(f"{request.method} {request.path}")

    def _slow_down(self, request: Request) -> Reply | None:
        """Refuse what is too much: by the vendor's limits, or as a test says."""
        if self.throttled:
            self.throttled -= 1
            return error(429, "E0000047", _TOO_MANY, {"Retry-After": "0"})
        if self.concurrency:
            self.concurrency -= 1
            told = {"X-Rate-Limit-Limit": "0", "X-Rate-Limit-Remaining": "0"}
            told["X-Rate-Limit-Reset"] = str(int(self.now()) + 1)
            return error(429, "E0000047", _TOO_MANY, told)
        if self.now() >= self.reset:
            self.reset, self.used = self.now() + self.window, Counter()
        name = limited_as(request.method, request.path)
        self.used[name] += 1
        if name in self.limits and self.used[name] > self.limits[name]:
            self.refused += 1
            return error(429, "E0000047", _TOO_MANY, self._told(request))
        return None

    def _told(self, request: Request) -> dict[str, str]:
        """Return the headers about the limit of a request's class."""
        name = limited_as(request.method, request.path)
        if name not in self.limits:
            return {}
        left = max(0, self.limits[name] - self.used[name])
        names = ("X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset")
        return dict(zip(names, (str(self.limits[name]), str(left), str(int(self.reset))), strict=True))

    def _give_token(self, request: Request) -> Reply:
        """Give a token for a JWT, as the organization's own authorization server does."""
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        self.asked.append(form)
        try:
            claims = jwt.decode(
                form["client_assertion"],
                self.public_key,
                algorithms=["RS256"],
                audience=f"{self.url}/oauth2/v1/token",
                options={"verify_iat": False, "verify_exp": False, "require": ["iss", "sub", "aud", "exp", "jti"]},
            )
        except jwt.InvalidTokenError as fault:
            return Reply(401, {"error": "invalid_client", "error_description": f"The client_assertion is bad: {fault}"})
        assert claims["iss"] == claims["sub"] == CLIENT
        assert 0 < claims["exp"] - self.now() <= 3600
        if not set(form["scope"].split()) <= self.scopes:
            words = "One or more scopes are not configured for the authorization server resource."
            return Reply(400, {"error": "invalid_scope", "error_description": words})
        self.tokens.append(f"canary-access-{next(self._serial)}")
        return Reply(body={"token_type": "Bearer", "expires_in": 3600, "access_token": self.tokens[-1], "scope": "x"})

    def _page(self, entries: list[Any], request: Request, wrap: Callable[[list[Any]], Any] = list) -> Reply:
        """Return one page, with two Link headers as Okta sends them."""
        path = request.path.removeprefix("/api/v1/").split("/")
        template = "/".join([path[0], *("*" if number % 2 else part for number, part in enumerate(path[1:], 1))])
        limit = int(request.query.get("limit", ["200"])[0])
        if limit > _MOST.get(template, 10_000):
            return error(400, "E0000003", f"The limit {limit} is too large")
        start = int(base64.urlsafe_b64decode(request.query["after"][0])) if "after" in request.query else 0
        end = start + min(self.page, limit)
        links = [f'<{self.url}{request.path}>; rel="self"']
        if end < len(entries):
            kept = "".join(f"&{name}={quote(value[0])}" for name, value in request.query.items() if name != "after")
            after = base64.urlsafe_b64encode(str(end).encode()).decode()
            links.append(f'<{self.url}{request.path}?after={quote(after)}{kept}>; rel="next"')
        what = _collection(path)
        if what and what == self.cut and end >= len(entries):  # a proxy ends the body in the middle, and says nothing
            return Reply(body=b"[", headers={"Content-Type": "application/json"})
        return Reply(body=wrap(entries[start:end]), headers={"Link": "\r\nLink: ".join(links)})

    def _one(self, things: dict[str, dict[str, Any]], ref: str) -> Reply:
        return Reply(body=things[ref]) if ref in things else _gone(ref)

    def _list_users(self, request: Request) -> Reply:
        """List those who are not deactivated, or by `filter` exactly the others."""
        gone = "filter" in request.query
        assert not gone or request.query["filter"] == ['status eq "DEPROVISIONED"']
        return self._page([one for one in self.users.values() if (one["status"] == "DEPROVISIONED") is gone], request)

    def _get_user(self, _: Request, ref: str) -> Reply:
        logins = {user["profile"]["login"].casefold(): user for user in self.users.values()}
        short = {login.partition("@")[0]: user for login, user in logins.items()}
        found = self.users.get(ref) or logins.get(ref.casefold()) or short.get(ref.casefold())
        return Reply(body=found) if found else _gone(f"{ref} (User)")

    def _create_user(self, request: Request) -> Reply:
        profile = request.json()["profile"]
        lacking = [name for name in ("login", "email", "firstName", "lastName") if not profile.get(name)]
        taken = any(one["profile"]["login"] == profile.get("login") for one in self.users.values())
        if lacking or taken:
            words = (
                f"{lacking[0]}: The field cannot be left blank"
                if lacking
                else "login: An object with this field already exists in the current organization"
            )
            return error(400, "E0000001", f"Api validation failed: {words}")
        status = "PROVISIONED" if request.query.get("activate", ["true"]) == ["true"] else "STAGED"
        return Reply(body=self.users[self.add_user(status=status, **profile)])

    def _update_user(self, request: Request, user: str) -> Reply:
        if user not in self.users:
            return _gone(f"{user} (User)")
        if self.users[user]["status"] == "DEPROVISIONED":
            return error(403, "E0000038", "This operation is not allowed in the user's current status.")
        self.users[user]["profile"] |= request.json()["profile"]
        return Reply(body=self.users[user])

    def _delete_user(self, _: Request, user: str) -> Reply:
        if user not in self.users:
            return _gone(f"{user} (User)")
        if self.users[user]["status"] == "DEPROVISIONED":
            self.drop_user(user)
        else:
            self.deactivate(user)
        return Reply(204)

    def _lead(self, _: Request, user: str, action: str) -> Reply:
        if user not in self.users:
            return _gone(f"{user} (User)")
        status = self.users[user]["status"]
        if action in _STARTS and status not in _STARTS[action]:
            return error(400, "E0000001", f"Api validation failed: cannot {action} a user that is {status}")
        if action == "deactivate":
            if status == "DEPROVISIONED":
                return error(400, "E0000001", "Api validation failed: cannot deactivate a deactivated user")
            self.deactivate(user)
            return Reply(body={})
        self.users[user]["status"] = _ENDS[action]
        token = {"activationUrl": f"{self.url}/welcome/canary-link", "activationToken": "canary-link"}
        return Reply(body=token if action == "activate" else {})

    def _end_sessions(self, request: Request, user: str) -> Reply:
        if user not in self.users:
            return _gone(f"{user} (User)")
        self.sessions.append((user, request.query.get("oauthTokens") == ["true"]))
        return Reply(204)

    def _list_groups(self, request: Request) -> Reply:
        start = request.query.get("q", [""])[0]
        found = [dict(one) for one in self.groups.values() if one["profile"]["name"].startswith(start)]
        if request.query.get("expand") == ["stats"] and self.stats:
            for one in found:
                one["_embedded"] = {"stats": {"usersCount": 0, self.stats: self.is_admin(one["id"])}}
        return self._page(found, request)

    def _create_group(self, request: Request) -> Reply:
        name = request.json()["profile"]["name"]
        if any(one["profile"]["name"] == name for one in self.groups.values()):
            return error(400, "E0000001", "Api validation failed: name: An object with this field already exists")
        return Reply(body=self.groups[self.add_group(name)])

    def _replace_group(self, request: Request, group: str) -> Reply:
        if group not in self.groups:
            return _gone(f"{group} (UserGroup)")
        self.groups[group]["profile"] = request.json()["profile"]
        return Reply(body=self.groups[group])

    def _list_members(self, request: Request, group: str) -> Reply:
        if group not in self.groups:
            return _gone(f"{group} (UserGroup)")
        return self._page([self.users[u] for g, u in sorted(self.members) if g == group], request)

    def _join(self, _: Request, group: str, user: str) -> Reply:
        return self._change_membership(group, user, lambda: self.members.add((group, user)))

    def _leave(self, _: Request, group: str, user: str) -> Reply:
        return self._change_membership(group, user, lambda: self.leave(group, user))

    def _change_membership(self, group: str, user: str, change: Callable[[], None]) -> Reply:
        if group not in self.groups or user not in self.users:
            return _gone(group if group not in self.groups else user)
        if self.groups[group]["type"] != "OKTA_GROUP":
            return error(403, "E0000006", "You do not have permission to perform the requested action")
        change()
        return Reply(204)

    def _list_app_users(self, request: Request, app: str) -> Reply:
        scopes = [{"id": user, "scope": self.scope(app, user)} for user in self.users]
        return self._page([one for one in scopes if one["scope"]], request) if app in self.apps else _gone(app)

    def _get_app_user(self, _: Request, app: str, user: str) -> Reply:
        scope = self.scope(app, user)
        return Reply(body={"id": user, "scope": scope}) if scope else _gone(f"{user} (AppUser)")

    def _assign_user(self, request: Request, app: str) -> Reply:
        user = request.json()["id"]
        if app not in self.apps or user not in self.users:
            return _gone(app if app not in self.apps else user)
        if not self.by_group(app, user):
            self.app_users.add((app, user))
        return Reply(body={"id": user, "scope": self.scope(app, user)})

    def _unassign_user(self, _: Request, app: str, user: str) -> Reply:
        if not self.scope(app, user):
            return _gone(f"{user} (AppUser)")
        if self.by_group(app, user):
            words = (
                "The application cannot be unassigned from the user while their group memberships grant them access."
            )
            return error(403, "E0000046", "Deactivate application for user forbidden.", causes=(words,))
        self.app_users.discard((app, user))
        return Reply(204)

    def _list_app_groups(self, request: Request, app: str) -> Reply:
        return self._page([{"id": g} for a, g in sorted(self.app_groups) if a == app], request)

    def _assign_group(self, _: Request, app: str, group: str) -> Reply:
        if app not in self.apps or group not in self.groups:
            return _gone(app if app not in self.apps else group)
        self.app_groups.add((app, group))
        return Reply(body={"id": group, "priority": 0})

    def _unassign_group(self, _: Request, app: str, group: str) -> Reply:
        if (app, group) not in self.app_groups:
            return _gone(group)
        self.app_groups.remove((app, group))
        return Reply(204)

    def _list_assignees(self, request: Request) -> Reply:
        """List users with roles: also those who have them through a group."""
        holders = {one["holder"] for one in self.roles.values()}
        through = {user for group, user in self.members if group in holders}
        found = [{"id": one} for one in sorted((holders & set(self.users)) | through)]
        reply = self._page(found, request)
        links = [link for link in reply.headers["Link"].split("\r\nLink: ") if 'rel="next"' in link]
        inside = {"next": {"href": links[0][1 : links[0].index(">")]}} if links else {}
        return Reply(body={"value": reply.body, "_links": inside})

    def _list_roles(self, request: Request, holder: str) -> Reply:
        if holder not in self.users and holder not in self.groups:
            return _gone(holder)
        holders = {holder, *(group for group, user in self.members if user == holder)}
        wanted = request.query.get("expand", [""])[0]
        return Reply(body=[_role(one, wanted) for one in self.roles.values() if one["holder"] in holders])

    def _assign_role(self, request: Request, holder: str) -> Reply:
        kind = request.json()["type"]
        if holder not in self.users and holder not in self.groups:
            return _gone(holder)
        if any(one["holder"] == holder and one["type"] == kind for one in self.roles.values()):
            return error(409, "E0000090", "The role specified is already assigned to the user.")
        return Reply(201, _role(self.roles[self.add_role(holder, kind)], ""))

    def _unassign_role(self, _: Request, holder: str, role: str) -> Reply:
        if self.roles.get(role, {}).get("holder") != holder:
            return _gone(role)
        del self.roles[role]
        return Reply(204)


def limited_as(method: str, path: str) -> str:
    """Return the class that Okta limits a request in: its own tables go by the resource and by what is below it."""
    parts = path.removeprefix("/api/v1/").split("/")
    below = "/*" if len(parts) > 1 else ""
    return f"{'GET' if method == 'GET' else 'POST'} {parts[0]}{below}"


def error(
    status: int, code: str, words: str, headers: dict[str, str] | None = None, causes: tuple[str, ...] = ()
) -> Reply:
    """Return an answer that is one of Okta's errors."""
    listed = [{"errorSummary": cause} for cause in causes]
    body = {"errorCode": code, "errorSummary": words, "errorLink": code, "errorId": "oae1", "errorCauses": listed}
    return Reply(status, body, headers or {})


def _role(role: dict[str, Any], wanted: str) -> dict[str, Any]:
    """Return a role as it is shown, with the targets that were asked for."""
    shown = {key: value for key, value in role.items() if key not in {"holder", "groups", "apps"}}
    groups, apps = role.get("groups", []), role.get("apps", [])
    targets = {"targets/groups": {"groups": groups}, "targets/catalog/apps": {"catalog": {"apps": apps}}}
    return shown | ({"_embedded": {"targets": targets[wanted]}} if wanted else {})


def _collection(path: list[str]) -> str:
    match path:
        case ["users"]:
            return "accounts"
        case ["groups"] | ["apps"]:
            return f"entitlements:{path[0].removesuffix('s')}"
        case ["groups" | "apps", _, "users"]:
            return f"grants:{path[0].removesuffix('s')}"
        case ["iam", *_] | [_, _, "roles"]:
            return "grants:role"
    return ""


def _gone(what: str) -> Reply:
    return error(404, "E0000007", f"Not found: Resource not found: {what}")


@asynccontextmanager
async def serve(app: FakeOkta, watch: Watch | None = None) -> AsyncIterator[HttpServer]:
    """Run an organization; at the end, every request was as Okta's own description of its API has it."""
    async with http_server(watch.answer if watch else app.answer) as server:
        app.url = server.url
        yield server
    assert not app.violations, json.dumps(app.violations, indent=1)


@asynccontextmanager
async def fake_okta(world: World, page: int = PAGE) -> AsyncIterator[tuple[FakeOkta, HttpServer, Watch]]:
    """Run an organization, with a world in it."""
    app = FakeOkta(page)
    app.fill(world)
    watch = Watch(app.answer)
    watch.look = app.world
    async with serve(app, watch) as server:
        yield app, server, watch
