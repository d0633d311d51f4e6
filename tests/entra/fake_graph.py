"""A stateful tenant behind Microsoft Graph: users, groups, roles, apps and licenses, as its reference describes them.

Lists have pages with an opaque link to the next one, a delta query spreads groups and members over pages in any order,
what is already so is refused with 400, a deleted user disappears from everything, a removal without `$ref` deletes the
user itself, and every property that is sent or selected must be one of Microsoft's own types.
"""

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

from graph_types import check_properties
from support.http_server import Reply, Request

TENANT, CLIENT, SECRET, TOKEN = (
    "acme.example",
    "11111111-2222-4333-8444-555555555555",
    "canary-entra-4f6b",
    "canary-token-9c1d",
)
NO_ROLE = "00000000-0000-0000-0000-000000000000"
KINDS = {
    "users": "User",
    "groups": "Group",
    "subscribedSkus": "SubscribedSku",
    "servicePrincipals": "ServicePrincipal",
    "roleDefinitions": "UnifiedRoleDefinition",
    "roleAssignments": "UnifiedRoleAssignment",
    "appRoleAssignedTo": "AppRoleAssignment",
    "members": "DirectoryObject",
    "delta": "Group",
}


class RefusedError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.reply = Reply(status, {"error": {"code": code, "message": message, "innerError": {"request-id": "1"}}})


@dataclass(slots=True)
class FakeGraph:
    """The data, and the faults that are on.

    Attributes:
        page: the most that one page lists; of a delta query also the most members in a page.
        forbidden: patterns of paths that are refused with 403.
        throttled: how many requests are answered 429.
        refusing: the words with which every write is refused, or empty.
        losing: whether the next write is done and not answered.
        cut: the list that ends too early, without the delta link.
        lag: how many requests do not find what was made a moment ago.
        expired: how many next pages are refused, as (status, code).
        log: (method, path) of everything that was asked.
    """

    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    role_assignments: dict[str, dict[str, str]] = field(default_factory=dict)
    apps: dict[str, dict[str, Any]] = field(default_factory=dict)
    app_assignments: dict[str, dict[str, str]] = field(default_factory=dict)
    skus: dict[str, str] = field(default_factory=dict)
    page: int = 999
    forbidden: list[str] = field(default_factory=list)
    throttled: int = 0
    refusing: str = ""
    losing: bool = False
    cut: bool = False
    lag: int = 0
    unknown: dict[str, int] = field(default_factory=dict)
    expired: list[tuple[int, str]] = field(default_factory=list)
    log: list[tuple[str, str]] = field(default_factory=list)
    signed_out: list[str] = field(default_factory=list)
    numbers: Any = field(default_factory=lambda: itertools.count(1))
    url: str = ""
    asked_for_token: list[dict[str, list[str]]] = field(default_factory=list)

    def id(self) -> str:
        """Return a new id."""
        return f"aaaaaaaa-0000-4000-8000-{next(self.numbers):012}"

    def add_user(self, username: str, mail: str = "", **more: Any) -> str:
        """Add a user and return the id."""
        id_ = self.id()
        plain = {"accountEnabled": True, "userType": "Member", "externalUserState": None, "licenseAssignmentStates": []}
        self.users[id_] = {"id": id_, "userPrincipalName": username, "mail": mail or None, **plain, **more}
        return id_

    def add_group(self, name: str, *members: str, **more: Any) -> str:
        """Add a group with members and return its id."""
        id_ = self.id()
        self.groups[id_] = {"id": id_, "displayName": name, "groupTypes": [], "assignedLicenses": [], **more}
        self.members[id_] = list(members)
        return id_

    def add_role(self, name: str) -> str:
        """Add a directory role and return its id."""
        id_ = self.id()
        self.roles[id_] = name
        return id_

    def add_app(self, name: str, *roles: str) -> str:
        """Add an enterprise application with app roles and return its id."""
        id_ = self.id()
        told = [
            {"id": self.id(), "displayName": role, "allowedMemberTypes": ["User"], "isEnabled": True} for role in roles
        ]
        machines = {"id": self.id(), "displayName": "Machines", "allowedMemberTypes": ["Application"]}
        self.apps[id_] = {"id": id_, "displayName": name, "appRoles": [*told, *([machines] if roles else [])]}
        return id_

    def add_sku(self, name: str) -> str:
        """Add a license and return its id."""
        id_ = self.id()
        self.skus[id_] = name
        return id_

    def license(self, user: str, sku: str, group: str | None = None) -> None:
        """Give a user a license, itself or by a group."""
        state = {"skuId": sku, "assignedByGroup": group, "state": "Active", "error": "None", "disabledPlans": []}
        self.users[user]["licenseAssignmentStates"].append(state)

    def assign_role(self, principal: str, role: str, scope: str = "/") -> str:
        """Assign a directory role."""
        id_ = f"{self.id()}-1"
        self.role_assignments[id_] = {"principalId": principal, "roleDefinitionId": role, "directoryScopeId": scope}
        return id_

    def assign_app(self, principal: str, app: str, role: str) -> str:
        """Assign an app role."""
        id_ = f"a_{self.id()}"
        kind = "User" if principal in self.users else "Group" if principal in self.groups else "ServicePrincipal"
        self.app_assignments[id_] = {
            "principalId": principal,
            "principalType": kind,
            "resourceId": app,
            "appRoleId": role,
        }
        return id_

    def role_of(self, app: str, name: str) -> str:
        """Return the id of an app role; the default role where the app has none."""
        return next((str(each["id"]) for each in self.apps[app]["appRoles"] if each["displayName"] == name), NO_ROLE)

    def drop(self, id_: str) -> None:
        """Delete a user or a group with everything that names it."""
        self.users.pop(id_, None)
        self.groups.pop(id_, None)
        self.members.pop(id_, None)
        for held in self.members.values():
            if id_ in held:
                held.remove(id_)
        for table in (self.role_assignments, self.app_assignments):
            for number in [number for number, each in table.items() if each["principalId"] == id_]:
                del table[number]

    def answer(self, request: Request) -> Reply:
        """Answer a request, with whatever fault is on."""
        if request.path == f"/{TENANT}/oauth2/v2.0/token":
            return self._give_token(request)
        path = unquote(request.path).removeprefix("/v1.0/")
        self.log.append((request.method, path))
        try:
            self._trouble(request, path)
            found = self._route(request, path)
        except RefusedError as error:
            return error.reply
        if self.losing and request.method != "GET":
            self.losing = False
            return Reply(reset=True)
        return Reply(204) if found is None else Reply(201 if request.method == "POST" else 200, found)

    def _give_token(self, request: Request) -> Reply:
        form = parse_qs(request.body.decode())
        self.asked_for_token.append(form)
        right = form.get("client_secret") == [SECRET] or form.get("client_assertion") == [SECRET]
        if form.get("grant_type") != ["client_credentials"] or form.get("client_id") != [CLIENT] or not right:
            return Reply(401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret."})
        assert form["scope"] == [f"{self.url}/.default"], form["scope"]
        return Reply(200, {"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"})

    def _trouble(self, request: Request, path: str) -> None:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            raise RefusedError(401, "InvalidAuthenticationToken", "Access token is invalid.")
        if self.throttled:
            self.throttled -= 1
            error = RefusedError(429, "TooManyRequests", "Too many requests")
            error.reply = Reply(429, error.reply.body, {"Retry-After": "1"})
            raise error
        if any(re.fullmatch(pattern, path) for pattern in self.forbidden):
            raise RefusedError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        if self.refusing and request.method != "GET":
            raise RefusedError(403, "Authorization_RequestDenied", self.refusing)

    def _route(self, request: Request, path: str) -> Any:
        asked = {name.removeprefix("$"): values[0] for name, values in request.query.items()}
        if self.expired and "skiptoken" in asked:
            raise RefusedError(*self.expired.pop(), "The specified page token value has expired.")
        self._replicate(request, path)
        last = path.rpartition("/")[2]
        if asked.get("select"):
            kind = KINDS.get(last) or KINDS[path.split("/", maxsplit=1)[0]]
            check_properties(kind, asked["select"].split(","))
        for method, pattern, do in self._table():
            match = re.fullmatch(pattern, path)
            if match and method == request.method:
                return do(*match.groups(), **({"asked": asked} if method == "GET" else _body(request)))
        raise RefusedError(404, "Request_ResourceNotFound", f"Resource not found for the segment '{last}'.")

    def _replicate(self, request: Request, path: str) -> None:
        """Do not know yet what was made a moment ago; of what a body names, Graph says so with 400."""
        for id_ in [id_ for id_, left in self.unknown.items() if left and id_ in path + request.body.decode()]:
            self.unknown[id_] -= 1
            if id_ in path:
                raise RefusedError(404, "Request_ResourceNotFound", f"Resource '{id_}' does not exist.")
            words = "The source resource object or one of the objects being referenced do not exist."
            raise RefusedError(400, "Request_BadRequest", words)

    def _table(self) -> Iterator[tuple[str, str, Callable[..., Any]]]:
        roles = "roleManagement/directory"
        yield "GET", "users", lambda asked: self._list("users", asked, list(self.users.values()))
        yield "GET", "users/([^/]+)", self._user
        yield "POST", "users", self._add_user
        yield "PATCH", "users/([^/]+)", self._change_user
        yield "DELETE", "users/([^/]+)", lambda id_: self.drop(str(self._user(id_)["id"]))
        yield "POST", "users/([^/]+)/revokeSignInSessions", self._sign_out
        yield "POST", "users/([^/]+)/assignLicense", self._license_user
        yield "GET", "groups", lambda asked: self._list("groups", asked, self._groups(asked))
        yield "GET", "groups/delta", self._delta
        yield "GET", "groups/([^/]+)", self._group
        yield "POST", "groups", self._add_group
        yield "PATCH", "groups/([^/]+)", self._change_group
        yield "POST", "groups/([^/]+)/assignLicense", self._license_group
        yield "GET", "groups/([^/]+)/members", self._list_members
        yield "POST", r"groups/([^/]+)/members/\$ref", self._add_member
        yield "DELETE", r"groups/([^/]+)/members/([^/]+)/\$ref", self._remove_member
        yield "DELETE", "groups/([^/]+)/members/([^/]+)", lambda _, id_: self.drop(id_)
        yield "GET", "subscribedSkus", self._list_skus
        yield "GET", f"{roles}/roleDefinitions", self._list_definitions
        yield "GET", f"{roles}/roleAssignments", self._list_roles
        yield "POST", f"{roles}/roleAssignments", self._assign_role
        yield "DELETE", f"{roles}/roleAssignments/([^/]+)", lambda id_: self._take(self.role_assignments, id_)
        yield "GET", "servicePrincipals", self._list_apps
        yield "GET", "servicePrincipals/([^/]+)/appRoleAssignedTo", self._list_assigned
        yield "POST", "servicePrincipals/([^/]+)/appRoleAssignedTo", self._assign_app
        yield (
            "DELETE",
            "servicePrincipals/([^/]+)/appRoleAssignedTo/([^/]+)",
            lambda _, id_: self._take(self.app_assignments, id_),
        )

    def _list(self, path: str, asked: dict[str, str], items: list[Any]) -> dict[str, Any]:
        """Return one page."""
        most = min(int(asked.get("top", 100)), self.page)
        start = int(asked.get("skiptoken", "0"))
        found = _select(items[start : start + most], asked)
        if start + most < len(items):
            more = "".join(f"&${name}={asked[name]}" for name in ("top", "select") if name in asked)
            found["@odata.nextLink"] = f"{self.url}/v1.0/{path}?$skiptoken={start + most}{more}"
        return found

    def _user(self, id_: str, asked: dict[str, str] | None = None) -> dict[str, Any]:
        for user in self.users.values():
            if id_ == user["id"] or id_.lower() == str(user["userPrincipalName"]).lower():
                return _chosen(user, asked) if asked else user
        raise RefusedError(404, "Request_ResourceNotFound", f"Resource '{id_}' does not exist.")

    def _group(self, id_: str, asked: dict[str, str] | None = None) -> dict[str, Any]:
        if id_ not in self.groups:
            raise RefusedError(404, "Request_ResourceNotFound", f"Resource '{id_}' does not exist.")
        return _chosen(self.groups[id_], asked) if asked else self.groups[id_]

    def _add_user(self, **body: Any) -> dict[str, Any]:
        check_properties("User", body)
        check_properties("PasswordProfile", body["passwordProfile"])
        for key in ("accountEnabled", "displayName", "mailNickname", "passwordProfile", "userPrincipalName"):
            if key not in body:
                raise RefusedError(400, "Request_BadRequest", f"A value is required for property '{key}'.")
        if any(user["userPrincipalName"] == body["userPrincipalName"] for user in self.users.values()):
            words = "Another object with the same value for property userPrincipalName already exists."
            raise RefusedError(400, "Request_BadRequest", words)
        body.pop("passwordProfile")
        return self._made(self.users[self.add_user(body.pop("userPrincipalName"), **body)])

    def _change_user(self, id_: str, **body: Any) -> None:
        check_properties("User", body)
        self._user(id_).update(body)

    def _sign_out(self, id_: str) -> dict[str, Any]:
        self.signed_out.append(str(self._user(id_)["id"]))
        return {"value": True}

    def _license_user(self, id_: str, **body: Any) -> dict[str, Any]:
        user = self._user(id_)
        states = user["licenseAssignmentStates"]
        self._check_skus(body)
        for each in body["addLicenses"]:
            check_properties("AssignedLicense", each)
            if not user.get("usageLocation"):
                words = "License assignment cannot be done for user with invalid usage location."
                raise RefusedError(400, "Request_BadRequest", words)
            if not any(state["skuId"] == each["skuId"] and not state["assignedByGroup"] for state in states):
                self.license(str(user["id"]), each["skuId"])
        for sku in body["removeLicenses"]:
            own = [state for state in states if state["skuId"] == sku and not state["assignedByGroup"]]
            if not own:
                raise RefusedError(400, "Request_BadRequest", "User does not have a corresponding license.")
            states.remove(own[0])
        return user

    def _check_skus(self, body: dict[str, Any]) -> None:
        for each in body["addLicenses"]:
            if each["skuId"] not in self.skus:
                words = f"License {each['skuId']} does not correspond to a valid company License."
                raise RefusedError(400, "Request_BadRequest", words)

    def _license_group(self, id_: str, **body: Any) -> dict[str, Any]:
        group = self._group(id_)
        self._check_skus(body)
        held = [each for each in group["assignedLicenses"] if each["skuId"] not in body["removeLicenses"]]
        new = [each for each in body["addLicenses"] if all(each["skuId"] != old["skuId"] for old in held)]
        group["assignedLicenses"] = [*held, *new]
        return group

    def _groups(self, asked: dict[str, str]) -> list[dict[str, Any]]:
        match = re.fullmatch(r"displayName eq '(.*)'", asked.get("filter", ""))
        wanted = match[1].replace("''", "'").lower() if match else None
        return [each for each in self.groups.values() if wanted is None or str(each["displayName"]).lower() == wanted]

    def _delta(self, asked: dict[str, str]) -> dict[str, Any]:
        """Return a page of the first round: every member in an entry of its own, groups in rounds, no order."""
        entries: list[dict[str, Any]] = [{"id": id_} for id_ in self.groups]
        most = max([len(held) for held in self.members.values()] or [0])
        for number in range(0, most, self.page):
            for id_ in self.groups:
                some = self.members[id_][number : number + self.page]
                told = [{"@odata.type": f"#microsoft.graph.{self._type(each)}", "id": each} for each in some]
                entries += [{"id": id_, "members@delta": told}] if told else []
        found = self._list("groups/delta", {"top": str(self.page), **asked}, entries)
        if "@odata.nextLink" not in found and not self.cut:
            found["@odata.deltaLink"] = f"{self.url}/v1.0/groups/delta?$deltatoken=x"
        return found

    def _type(self, id_: str) -> str:
        return "user" if id_ in self.users else "group" if id_ in self.groups else "servicePrincipal"

    def _add_group(self, **body: Any) -> dict[str, Any]:
        check_properties("Group", body)
        for key in ("displayName", "mailEnabled", "mailNickname", "securityEnabled"):
            if key not in body:
                raise RefusedError(400, "Request_BadRequest", f"A value is required for property '{key}'.")
        return self._made(self.groups[self.add_group(body.pop("displayName"), **body)])

    def _made(self, thing: dict[str, Any]) -> dict[str, Any]:
        self.unknown[str(thing["id"])] = self.lag
        return thing

    def _change_group(self, id_: str, **body: Any) -> None:
        check_properties("Group", body)
        self._group(id_).update(body)

    def _list_members(self, id_: str, asked: dict[str, str]) -> dict[str, Any]:
        self._group(id_)
        return self._list(f"groups/{id_}/members", asked, [{"id": each} for each in self.members[id_]])

    def _add_member(self, id_: str, **body: str) -> None:
        group, member = self._group(id_), body["@odata.id"].rpartition("/")[2]
        assert body["@odata.id"] == f"{self.url}/v1.0/directoryObjects/{member}"
        if "DynamicMembership" in group["groupTypes"]:
            words = "Insufficient privileges to complete the operation: the group has dynamic membership."
            raise RefusedError(403, "Authorization_RequestDenied", words)
        if member not in self.users and member not in self.groups:
            raise RefusedError(404, "Request_ResourceNotFound", f"Resource '{member}' does not exist.")
        if member in self.members[id_]:
            words = (
                "One or more added object references already exist for the following modified properties: 'members'."
            )
            raise RefusedError(400, "Request_BadRequest", words)
        self.members[id_].append(member)

    def _remove_member(self, id_: str, member: str) -> None:
        self._group(id_)
        if member not in self.members[id_]:
            raise RefusedError(404, "Request_ResourceNotFound", f"Resource '{member}' does not exist.")
        self.members[id_].remove(member)

    def _list_skus(self, asked: dict[str, str]) -> dict[str, Any]:
        found = [{"skuId": id_, "skuPartNumber": name} for id_, name in self.skus.items()]
        return _select(found, asked)

    def _list_definitions(self, asked: dict[str, str]) -> dict[str, Any]:
        found = [{"id": id_, "displayName": name, "isEnabled": True} for id_, name in self.roles.items()]
        return _select(found, asked)

    def _list_roles(self, asked: dict[str, str]) -> dict[str, Any]:
        wanted = dict(re.findall(r"(\w+) eq '([^']*)'", asked.get("filter", "")))
        found = [{"id": id_, **each} for id_, each in self.role_assignments.items() if wanted.items() <= each.items()]
        return _select(found, asked)

    def _assign_role(self, **body: str) -> dict[str, Any]:
        check_properties("UnifiedRoleAssignment", body)
        if body["roleDefinitionId"] not in self.roles:
            raise RefusedError(404, "Request_ResourceNotFound", "The role does not exist.")
        if body in self.role_assignments.values():
            words = "A conflicting object with one or more of the specified property values is present."
            raise RefusedError(400, "Request_BadRequest", words)
        if body["principalId"] not in self.users and body["principalId"] not in self.groups:
            raise RefusedError(404, "Request_ResourceNotFound", "The principal does not exist.")
        self.assign_role(body["principalId"], body["roleDefinitionId"], body["directoryScopeId"])
        return {"id": "new", **body}

    def _take(self, table: dict[str, Any], id_: str) -> None:
        if table.pop(id_, None) is None:
            raise RefusedError(404, "Request_ResourceNotFound", f"Resource '{id_}' does not exist.")

    def _list_apps(self, asked: dict[str, str]) -> dict[str, Any]:
        if "skiptoken" not in asked:
            assert "WindowsAzureActiveDirectoryIntegratedApp" in asked["filter"]
        return self._list("servicePrincipals", asked, list(self.apps.values()))

    def _list_assigned(self, id_: str, asked: dict[str, str]) -> dict[str, Any]:
        if id_ not in self.apps:
            raise RefusedError(404, "Request_ResourceNotFound", f"Resource '{id_}' does not exist.")
        items = [{"id": number, **each} for number, each in self.app_assignments.items() if each["resourceId"] == id_]
        return self._list(f"servicePrincipals/{id_}/appRoleAssignedTo", asked, items)

    def _assign_app(self, id_: str, **body: str) -> dict[str, Any]:
        check_properties("AppRoleAssignment", body)
        assert id_ == body["resourceId"]
        if id_ not in self.apps:
            raise RefusedError(404, "Request_ResourceNotFound", f"Resource '{id_}' does not exist.")
        if body["principalId"] not in self.users and body["principalId"] not in self.groups:
            raise RefusedError(404, "Request_ResourceNotFound", "The principal does not exist.")
        if any(body.items() <= each.items() for each in self.app_assignments.values()):
            words = "Permission being assigned already exists on the object"
            raise RefusedError(400, "Request_BadRequest", words)
        number = self.assign_app(body["principalId"], id_, body["appRoleId"])
        return {"id": number, **self.app_assignments[number]}


def _body(request: Request) -> dict[str, Any]:
    return dict(request.json()) if request.body else {}


def _select(items: list[Any], asked: dict[str, str]) -> dict[str, Any]:
    """Return a page with what was asked for of each item, and its id."""
    return {"value": [_chosen(each, asked) for each in items]}


def _chosen(item: dict[str, Any], asked: dict[str, str]) -> dict[str, Any]:
    wanted = {"id", *asked["select"].split(",")} if asked.get("select") else set(item)
    return {name: value for name, value in item.items() if name.partition("@")[0] in wanted}
