# ruff: noqa: C901, PLR0911, PLR0912 - one table of what the vendor answers to which request
"""A stateful imitation of Google Workspace's admin APIs, made from their reference.

It has Google's paging, error bodies, selectors of fields and limit per minute; what was just made is not found for a
few requests; and it fails the test on any request that the discovery documents do not allow.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from google_batch import answer_batch
from google_reference import parse, scopes_of, select, violations
from google_tokens import Tokens
from support.http_server import Reply, Request

TOKEN = "canary-ya29-5e1f"
REFUSAL = "not enough seats are left"
CUSTOMER = "C0example"
_LISTS = {
    "accounts": r"users", "entitlements:group": r"groups", "grants:group": r"groups/[^/]+/members",
    "units": r"customer/[^/]+/orgunits",
    "entitlements:role": r"customer/[^/]+/roles", "grants:role": r"customer/[^/]+/roleassignments",
    "entitlements:license": r"product/[^/]+/users", "grants:license": r"product/[^/]+/users",
    "entitlements:oauth": r"users/[^/]+/tokens", "grants:oauth": r"users/[^/]+/tokens",
}  # fmt: skip
Json = dict[str, Any]


def error(status: int, reason: str, message: str, headers: dict[str, str] | None = None) -> Reply:
    """Return an error as Google words it."""
    detail = {"message": message, "domain": "global", "reason": reason}
    return Reply(status, {"error": {"code": status, "message": message, "errors": [detail]}}, headers or {})


NO_MEMBER = error(400, "required", "Missing required field: memberKey")


def no(key: str) -> Reply:
    """Return that something does not exist."""
    return error(404, "notFound", f"Resource Not Found: {key}")


@dataclass
class FakeGoogle:
    """One customer's Google Workspace, and the faults that are on.

    Attributes:
        page: elements of a page at most, whatever is asked for; 0 for what is asked.
        paths: method and path below the version, as a pattern → the answer to it, whatever is true.
        lag: how many requests do not find what was made a moment ago.
        now: the time in seconds, for the limit of requests a minute.
    """

    page: int = 0
    lag: int = 0
    limit: int = 2400
    now: Callable[[], float] = lambda: 0.0
    users: dict[str, Json] = field(default_factory=dict)
    groups: dict[str, Json] = field(default_factory=dict)
    members: dict[str, dict[str, Json]] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    assignments: dict[str, Json] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    licenses: set[tuple[str, str, str]] = field(default_factory=set)
    skus: set[tuple[str, str]] = field(default_factory=set)
    tokens: dict[str, dict[str, str]] = field(default_factory=dict)
    passwords: dict[str, set[int]] = field(default_factory=dict)
    transfers: dict[str, Json] = field(default_factory=dict)
    looks: int = 2
    ending: str = "completed"
    today: str = "2026-03-01T10:00:00.000Z"
    signed_out: list[str] = field(default_factory=list)
    hidden: dict[str, int] = field(default_factory=dict)
    forbidden: set[str] = field(default_factory=set)
    cut: set[str] = field(default_factory=set)
    throttles: list[Reply] = field(default_factory=list)
    refusing: bool = False
    paths: dict[str, Reply] = field(default_factory=dict)
    losing: bool = False
    violated: list[str] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)
    tokens_given: Tokens = field(default_factory=Tokens)
    batches: int = 0
    lost: int = 0
    batch_fault: Callable[[int], Reply | None] = lambda _: None
    seen_at: list[float] = field(default_factory=list)
    numbers: Any = field(default_factory=lambda: itertools.count(100))
    window: list[float] = field(default_factory=list)

    def add_user(self, email: str, **more: Any) -> Json:
        """Make a user."""
        user = {"id": f"u{next(self.numbers)}", "primaryEmail": email, "customerId": CUSTOMER, "suspended": False,
                "archived": False, "orgUnitPath": "/", "isAdmin": False, "isEnrolledIn2Sv": True, **more}  # fmt: skip
        self.users[user["id"]] = user
        return user

    def add_group(self, email: str, **more: Any) -> Json:
        """Make a group."""
        group = {"id": f"g{next(self.numbers)}", "email": email, **more}
        self.groups[group["id"]] = group
        self.members[group["id"]] = {}
        return group

    def drop(self, remote_id: str) -> None:
        """Delete a user or a group, with what hangs on it."""
        user = self.users.pop(remote_id, None)
        self.groups.pop(remote_id, None)
        self.members.pop(remote_id, None)
        self.tokens.pop(remote_id, None)
        self.roles.pop(remote_id, None)
        for members in self.members.values():
            members.pop(remote_id, None)
        self.assignments = {
            k: a for k, a in self.assignments.items() if remote_id not in {a["assignedTo"], a["roleId"]}
        }
        self.licenses = {each for each in self.licenses if not user or each[2] != user["primaryEmail"]}

    def answer(self, request: Request) -> Reply:
        """Answer a request, or the parts of one."""
        if request.path == "/token":
            return self.tokens_given.answer(request)
        if request.path != "/batch":
            return self.answer_one(request)
        if not self._knows(request):
            return error(401, "authError", "Invalid Credentials")
        self.batches += 1
        fault = self.batch_fault(self.batches)
        if fault:
            return fault
        return answer_batch(request, self._answer_read, backwards=self.batches % 2 == 0, lost=self.lost)

    def _knows(self, request: Request) -> bool:
        return request.headers.get("authorization", "").removeprefix("Bearer ") in {TOKEN, *self.tokens_given.given}

    def _answer_read(self, request: Request) -> Reply:
        assert request.method == "GET"
        return self.answer_one(request)

    def answer_one(self, request: Request) -> Reply:
        """Answer a single request, with whatever fault is on."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not self._knows(request):
            return error(401, "authError", "Invalid Credentials")
        if token != TOKEN and not scopes_of(request.method, request.path) & self.tokens_given.given[token]:
            return error(403, "insufficientPermissions", "Request had insufficient authentication scopes.")
        body = request.json() if request.body else None
        self.violated += violations(request.method, request.path, request.query, body)
        self.seen.append((request.method, request.path))
        self.seen_at.append(self.now())
        self.window = [each for each in self.window if each > self.now() - 60] + [self.now()]
        if len(self.window) > self.limit:
            return error(403, "userRateLimitExceeded", "User Rate Limit Exceeded")
        if self.throttles:
            return self.throttles.pop(0)
        path = re.sub(r"^/(admin|apps)/\w+/v1/", "", request.path)
        collections = {name for name, pattern in _LISTS.items() if re.fullmatch(pattern, path)}
        for pattern, reply in self.paths.items():
            if re.fullmatch(pattern, f"{request.method} {path}"):
                return reply
        if request.method == "GET":
            if collections & self.forbidden:
                return error(403, "forbidden", "Not Authorized to access this resource/api")
            reply = self._finish(request, self._route("GET", path, request.query, None))
            whole = json.dumps(reply.body)
            return Reply(200, whole[: len(whole) // 2]) if collections & self.cut else reply
        if self.refusing:
            return error(412, "conditionNotMet", f"{REFUSAL} ({TOKEN})")
        reply = self._finish(request, self._route(request.method, path, request.query, body))
        lost, self.losing = self.losing, False
        return Reply(reset=True) if lost else reply

    def _finish(self, request: Request, reply: Reply) -> Reply:
        fields = request.query.get("fields")
        return Reply(reply.status, select(reply.body, parse(fields[0]))) if fields and reply.status < 300 else reply

    def _route(self, method: str, path: str, query: Any, body: Any) -> Reply:
        one = {name: values[0] for name, values in query.items()}
        match [method, *map(unquote, path.split("/"))]:
            case ["GET", "users"]:
                return self._page("users", [u for u in self.users.values() if not self._is_hidden(u["id"])], one)
            case [_, "users", *rest]:
                return self._on_user(method, rest, body)
            case ["GET", "groups"]:
                return self._page("groups", self._groups(one), one)
            case [_, "groups", *rest]:
                return self._on_group(method, rest, one, body)
            case [_, "customer", "my_customer", kind, *rest]:
                return self._on_customer(method, kind, rest, one, body)
            case [_, "product", product, *rest]:
                return self._on_product(method, product, rest, one, body)
            case ["GET", "applications"]:
                named = [("55656082996", "Drive and Docs"), ("435070579839", "Calendar")]
                return self._page("applications", [{"id": i, "name": n} for i, n in named], one)
            case [_, "transfers", *rest]:
                return self._on_transfer(method, rest, one, body)
        raise AssertionError(f"{method} {path}")

    def _page(self, key: str, items: list[Any], one: dict[str, str]) -> Reply:
        start = int(one.get("pageToken", "0"))
        size = min(int(one.get("maxResults", "100")), self.page or 10**6)
        more = {"nextPageToken": str(start + size)} if start + size < len(items) else {}
        found = items[start : start + size]
        return Reply(200, ({key: found} if found else {}) | more)

    def _is_hidden(self, remote_id: str) -> bool:
        left = self.hidden.get(remote_id, 0)
        self.hidden[remote_id] = max(0, left - 1)
        return left > 0

    def find(self, key: str) -> Json | None:
        """Return a user by id, address or alias."""
        for user in self.users.values():
            names = {user["id"], user["primaryEmail"].lower(), *user.get("aliases", ())}
            if key.lower() in names or key == user["id"]:
                return user
        return None

    def find_group(self, key: str) -> Json | None:
        """Return a group by id or address."""
        return next((g for g in self.groups.values() if key in {g["id"], g["email"], *g.get("aliases", ())}), None)

    def _on_user(self, method: str, rest: list[str], body: Any) -> Reply:
        if not rest:
            if self.find(body["primaryEmail"]) or self.find_group(body["primaryEmail"]):
                return error(409, "duplicate", "Entity already exists.")
            user = self.add_user(**{("email" if k == "primaryEmail" else k): v for k, v in body.items()})
            self.hidden[user["id"]] = self.lag
            return Reply(200, user)
        user = self.find(rest[0])
        if user is None or self._is_hidden(user["id"]):
            return no("userKey")
        match [method, *rest[1:]]:
            case ["GET"]:
                return Reply(200, user)
            case ["PUT"]:
                return self._update_user(user, body)
            case ["DELETE"]:
                self.drop(user["id"])
                return Reply(204)
            case ["POST", "signOut"]:
                self.signed_out.append(user["id"])
                return Reply(204)
            case ["POST", "aliases"]:
                if self.find(body["alias"]) or self.find_group(body["alias"]):
                    return error(409, "duplicate", "Entity already exists.")
                user.setdefault("aliases", []).append(body["alias"])
                return Reply(200, body)
            case ["DELETE", "aliases", alias]:
                kept = [each for each in user.get("aliases", ()) if each.lower() != alias.lower()]
                missing, user["aliases"] = len(kept) == len(user.get("aliases", ())), kept
                return no("alias") if missing else Reply(204)
            case ["GET", "tokens"]:
                held = self.tokens.get(user["id"], {})
                return Reply(
                    200, {"items": [{"clientId": c, "displayText": t, "scopes": ["openid"]} for c, t in held.items()]}
                )
            case ["DELETE", "tokens", client]:
                return Reply(204) if self.tokens.get(user["id"], {}).pop(client, None) else no("clientId")
            case ["GET", "asps"]:
                return Reply(200, {"items": [{"codeId": code} for code in sorted(self.passwords.get(user["id"], ()))]})
            case ["DELETE", "asps", code]:
                self.passwords[user["id"]].discard(int(code))
                return Reply(204)
        raise AssertionError(method, rest)

    def _update_user(self, user: Json, body: Json) -> Reply:
        if body.get("orgUnitPath", "/") not in {"/", *self.units.values()}:
            return error(400, "invalid", "Invalid Input: INVALID_OU_ID")
        old = user["primaryEmail"]
        user |= body | ({"name": {**user.get("name", {}), **body["name"]}} if "name" in body else {})
        for name in [name for name, value in body.items() if value is None]:
            del user[name]
        if user["primaryEmail"] != old:
            user.setdefault("aliases", []).append(old)
            self.licenses = {(p, s, user["primaryEmail"] if e == old else e) for p, s, e in self.licenses}
        return Reply(200, user)

    def _groups(self, one: dict[str, str]) -> list[Json]:
        found = [g for g in self.groups.values() if not self._is_hidden(g["id"])]
        who = one.get("userKey")
        return [g for g in found if not who or any(who == m.get("email") for m in self.members[g["id"]].values())]

    def _on_group(self, method: str, rest: list[str], one: dict[str, str], body: Any) -> Reply:
        if not rest:
            if self.find(body["email"]) or self.find_group(body["email"]):
                return error(409, "duplicate", "Entity already exists.")
            group = self.add_group(**body)
            self.hidden[group["id"]] = self.lag
            return Reply(200, group)
        group = self.find_group(rest[0])
        if group is None or self._is_hidden(group["id"]):
            return no("groupKey")
        if rest[1:]:
            return self._on_members(method, self.members[group["id"]], rest[2:], one, body)
        if method == "PATCH":
            old = group["email"]
            group |= body
            if group["email"] != old:
                group.setdefault("aliases", []).append(old)
        return Reply(200, group)

    def _on_members(self, method: str, held: dict[str, Json], rest: list[str], one: dict[str, str], body: Any) -> Reply:
        if method == "POST":
            user, group = self.find(body["email"]), self.find_group(body["email"])
            if user and self._is_hidden(user["id"]):
                return no("memberKey")
            known = user or group
            remote_id = known["id"] if known else f"x-{body['email']}"
            if remote_id in held:
                return error(409, "duplicate", "Member already exists.")
            kind = "USER" if user or not group else "GROUP"
            held[remote_id] = {"id": remote_id, "type": kind, **body}
            return Reply(200, held[remote_id])
        if not rest:
            shown = [{**m, "email": self.users[i]["primaryEmail"]} if i in self.users else m for i, m in held.items()]
            return self._page("members", shown, one)
        found = next((m for i, m in held.items() if rest[0] in {i, m.get("email")}), None)
        if found is None:
            return no("memberKey") if rest[0] in self.users else NO_MEMBER
        if method == "DELETE":
            del held[found["id"]]
            return Reply(204)
        found |= body or {}
        return Reply(200, found)

    def _on_customer(self, method: str, kind: str, rest: list[str], one: dict[str, str], body: Any) -> Reply:
        if kind == "roles":
            return self._page("items", [{"roleId": i, "roleName": n} for i, n in self.roles.items()], one)
        if kind == "orgunits":
            units = [{"orgUnitId": f"id:{i}", "orgUnitPath": p} for i, p in self.units.items()]
            return Reply(200, {"organizationUnits": units})
        if method == "GET":
            who = one.get("userKey")
            if who and not (self.find(who) or self.find_group(who)):
                return no("userKey")
            return self._page("items", [a for a in self.assignments.values() if who in {None, a["assignedTo"]}], one)
        if method == "DELETE":
            return Reply(204) if self.assignments.pop(rest[0], None) else no("roleAssignmentId")
        if body["roleId"] not in self.roles or body["assignedTo"] not in {*self.users, *self.groups}:
            return no("roleId")
        made = {"roleAssignmentId": str(next(self.numbers)), **body}
        self.assignments[made["roleAssignmentId"]] = made
        return Reply(200, made)

    def _on_product(self, method: str, product: str, rest: list[str], one: dict[str, str], body: Any) -> Reply:
        if rest == ["users"]:
            assert one["customerId"] == CUSTOMER
            held = [{"productId": p, "skuId": s, "userId": e} for p, s, e in sorted(self.licenses) if p == product]
            return self._page("items", held, one)
        sku = rest[1]
        if (product, sku) not in self.skus:
            return no("skuId")
        if method == "POST":
            if any((p, e) == (product, body["userId"]) for p, _, e in self.licenses):
                words = "User already has a license for the specified product and SKU."
                return error(412, "conditionNotMet", words)
            self.licenses.add((product, sku, body["userId"]))
            return Reply(200, {"productId": product, "skuId": sku, **body})
        if (product, sku, rest[3]) not in self.licenses:
            return no("userId")
        if method in {"DELETE", "PATCH"}:
            self.licenses.remove((product, sku, rest[3]))
        if method == "PATCH":
            self.licenses.add((product, body["skuId"], rest[3]))
        return Reply(200, {} if method == "DELETE" else {"productId": product, "skuId": sku, "userId": rest[3]})

    def _on_transfer(self, method: str, rest: list[str], one: dict[str, str], body: Any) -> Reply:
        if method == "POST":
            if body["oldOwnerUserId"] not in self.users:
                return no("oldOwnerUserId")
            made = {**body, "id": f"t{next(self.numbers)}", "requestTime": self.today}
            self.transfers[made["id"]] = made | {
                "overallTransferStatusCode": "inProgress" if self.looks else "completed",
                "looks": self.looks,
            }
            return Reply(200, self.transfers[made["id"]])
        if rest:
            return Reply(200, self._look(self.transfers[rest[0]]))
        pair = (one["oldOwnerUserId"], one["newOwnerUserId"])
        known = [t for t in self.transfers.values() if (t["oldOwnerUserId"], t["newOwnerUserId"]) == pair]
        return self._page("dataTransfers", [self._look(each) for each in known], one)

    def _look(self, transfer: Json) -> Json:
        """Let a transfer end once it was looked at often enough."""
        transfer["looks"] -= 1
        if transfer["looks"] <= 0 and transfer["overallTransferStatusCode"] not in {"completed", "failed"}:
            transfer["overallTransferStatusCode"] = self.ending
            for each in transfer["applicationDataTransfers"]:
                each["applicationTransferStatus"] = self.ending
        return transfer
