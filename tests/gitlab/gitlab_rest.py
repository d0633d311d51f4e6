"""The REST API of a GitLab of the tests: users, groups, members, invitations, as the pages of docs.gitlab.com say.

A parameter that its page does not know is a violation. Lists have pages with links to the next, users by keyset.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlencode

from gitlab_world import OWNER, Membership, Place, World
from support.http_server import Reply, Request

LARGEST_PAGE = 100
_PAGING = {"page", "per_page"}
_USER = {"name", "username", "email", "external", "job_title", "organization", "location", "note", "admin", "auditor"}
_USER |= {"can_create_group", "projects_limit", "skip_confirmation", "reset_password", "force_random_password"}
_KEYSET = {"pagination", "order_by", "sort", "id_after", "without_project_bots", "exclude_internal"}
_LEVEL = {"access_level", "expires_at"}
_PLACE = r"(group|project)s/([^/]+)"
KNOWN: dict[tuple[str, str], set[str]] = {
    ("GET", "users"): {*_PAGING, *_KEYSET, "username", "search"},
    ("POST", "users"): _USER,
    ("GET", r"users/(\d+)"): set(),
    ("PUT", r"users/(\d+)"): _USER,
    ("DELETE", r"users/(\d+)"): {"hard_delete"},
    ("POST", r"users/(\d+)/(block|unblock|unban|approve|activate)"): set(),
    ("GET", "user"): set(),
    ("GET", "groups"): {*_PAGING, "all_available"},
    ("POST", "groups"): {"name", "path", "parent_id", "visibility"},
    ("GET", "groups/([^/]+)"): {"with_projects"},
    ("PUT", "groups/([^/]+)"): {"name", "path"},
    ("GET", "groups/([^/]+)/descendant_groups"): _PAGING,
    ("GET", "groups/([^/]+)/enterprise_users"): _PAGING,
    ("GET", rf"{_PLACE}/members"): _PAGING,
    ("POST", rf"{_PLACE}/members"): {"user_id", *_LEVEL},
    ("GET", rf"{_PLACE}/members/(\d+)"): set(),
    ("PUT", rf"{_PLACE}/members/(\d+)"): _LEVEL,
    ("DELETE", rf"{_PLACE}/members/(\d+)"): {"skip_subresources"},
    ("GET", rf"{_PLACE}/invitations"): {*_PAGING, "query"},
    ("POST", rf"{_PLACE}/invitations"): {"email", *_LEVEL},
    ("PUT", rf"{_PLACE}/invitations/([^/]+)"): _LEVEL,
    ("DELETE", rf"{_PLACE}/invitations/([^/]+)"): set(),
}
"""What can be asked, and the parameters that its page names."""


class RefusedError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: Any) -> None:
        super().__init__(str(message))
        self.reply = Reply(status, {"message": message})


class Rest:
    """Answers requests on a world.

    Attributes:
        page: how many items a page has at most.
        promoting: whether an administrator must approve of new roles.
        cut: whether lists end after their first page, though they say that there is more.
        violations: what was asked in a way that no page describes.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.page = LARGEST_PAGE
        self.promoting = False
        self.cut = False
        self.violations: list[str] = []

    def answer(self, request: Request, path: str) -> Reply:
        """Answer a request below `/api/v4/`; parts of the path are still encoded."""
        for (method, pattern), known in KNOWN.items():
            match = re.fullmatch(pattern, path)
            if match and method == request.method:
                asked = {name: values[0] for name, values in request.query.items()}
                body = dict(request.json()) if request.body else {}
                self.violations += [f"{method} {path}: {name}" for name in (asked | body).keys() - known]
                parts = [unquote(part) for part in match.groups()]
                return self._do(request, method, pattern, parts, asked | body)
        self.violations.append(f"{request.method} {path}")
        raise RefusedError(404, "404 Not Found")

    def _do(self, request: Request, method: str, pattern: str, parts: list[str], asked: dict[str, Any]) -> Reply:
        if pattern.startswith(_PLACE):
            place = self._place(*parts[:2])
            do = self._members if "/members" in pattern else self._invitations
            return do(request, method, place, parts[2:], asked)
        if pattern.startswith("groups"):
            return self._groups(request, method, pattern, parts, asked)
        return self._users(request, method, parts, asked)

    def _list(self, request: Request, items: list[Any], asked: Mapping[str, Any], *, totals: bool = True) -> Reply:
        """Return a page of a list, with a link to the next one."""
        size = min(int(asked.get("per_page", 20)), self.page, LARGEST_PAGE)
        number = int(asked.get("page", 1))
        found = items[(number - 1) * size : number * size]
        headers = {"x-total": str(len(items))} if totals else {}
        if number * size < len(items) and not self.cut:
            query = urlencode({**asked, "page": number + 1})
            headers["Link"] = f'<http://{request.headers["host"]}{request.path}?{query}>; rel="next"'
        return Reply(200, found, headers)

    def _keyset(self, request: Request, users: list[dict[str, Any]], asked: Mapping[str, Any]) -> Reply:
        """Return a page of users after the last one."""
        assert asked["order_by"] == "id", "keyset pages need an order"
        size = min(int(asked.get("per_page", 20)), self.page, LARGEST_PAGE)
        left = [one for one in users if one["id"] > int(asked.get("id_after", 0))]
        headers = {}
        if len(left) > size:
            query = urlencode({**asked, "id_after": left[size - 1]["id"]})
            headers["Link"] = f'<http://{request.headers["host"]}{request.path}?{query}>; rel="next"'
        return Reply(200, left[:size], headers)

    def _users(self, request: Request, method: str, parts: list[str], asked: dict[str, Any]) -> Reply:
        users = self.world.users
        if not parts:
            return self._add_user(asked) if method == "POST" else self._list_users(request, asked)
        user = users.get(int(parts[0]))
        if user is None:
            raise RefusedError(404, "404 User Not Found")
        if len(parts) > 1:
            return self._moderate(user, parts[1])
        if method == "DELETE":
            self.world.drop_user(user["id"])
            return Reply(204)
        if method == "PUT":
            user.update(_as_shown(asked))
        return Reply(200, user)

    def _list_users(self, request: Request, asked: dict[str, Any]) -> Reply:
        users = list(self.world.users.values())
        if request.path.endswith("/user"):
            return Reply(200, self.world.users[self.world.viewer])
        if asked.get("username"):
            users = [one for one in users if one["username"].lower() == asked["username"].lower()]
        if asked.get("search"):
            users = [one for one in users if asked["search"].lower() in (one["email"].lower(), one["username"].lower())]
        if asked.get("pagination") == "keyset":
            return self._keyset(request, users, asked)
        return self._list(request, users, asked)

    def _add_user(self, asked: dict[str, Any]) -> Reply:
        if not (asked.get("reset_password") or asked.get("force_random_password")):
            raise RefusedError(400, "password, reset_password, force_random_password are missing")
        for name in ("email", "username"):
            if any(one[name].lower() == asked[name].lower() for one in self.world.users.values()):
                raise RefusedError(409, f"{name.title()} has already been taken")
        number = self.world.add_user(asked["username"], asked["email"])
        self.world.users[number].update(_as_shown(asked))
        return Reply(201, self.world.users[number])

    def _moderate(self, user: dict[str, Any], how: str) -> Reply:
        state = user["state"]
        if state == "ldap_blocked" or (how == "unban" and state != "banned"):
            raise RefusedError(403, "403 Forbidden - the user's state does not allow it")
        user["state"] = "blocked" if how == "block" else "active"
        return Reply(201, True)

    def _groups(self, request: Request, method: str, pattern: str, parts: list[str], asked: dict[str, Any]) -> Reply:
        world = self.world
        if not parts:
            if method == "POST":
                return self._add_group(asked)
            return self._list(request, [_group(one) for one in world.groups.values()], asked)
        group = self._place("group", parts[0])
        below = [one for one in world.every_place() if world.is_below(one, group.id)]
        if pattern.endswith("descendant_groups"):
            return self._list(request, [_group(one) for one in below if one.kind == "group"], asked)
        if pattern.endswith("enterprise_users"):
            return self._list(request, [one for one in world.users.values() if one.get("enterprise")], asked)
        if method == "PUT":
            group.path = f"{group.path.rpartition('/')[0]}/{asked['path']}".lstrip("/")
        return Reply(200, _group(group))

    def _add_group(self, asked: dict[str, Any]) -> Reply:
        parent = self.world.groups.get(asked.get("parent_id") or 0)
        path = f"{parent.path}/{asked['path']}" if parent else asked["path"]
        if self.world.find("group", path):
            raise RefusedError(400, 'Failed to save group {:path=>["has already been taken"]}')
        number = self.world.add_group(path, (self.world.viewer, OWNER))
        return Reply(201, _group(self.world.groups[number]))

    def _place(self, kind: str, name: str) -> Place:
        place = self.world.find(kind, name)
        if place is None:
            raise RefusedError(404, f"404 {kind.title()} Not Found")
        return place

    def _members(self, request: Request, method: str, place: Place, parts: list[str], asked: dict[str, Any]) -> Reply:
        if not parts:
            if method == "POST":
                return self._add_member(place, asked)
            return self._list(request, [self._member(place, who) for who in place.members], asked)
        who = int(parts[0])
        if who not in place.members:
            raise RefusedError(404, "404 Not found")
        if method == "DELETE":
            self._remove(place, who, alone=asked.get("skip_subresources") == "true")
            return Reply(204)
        if method == "PUT":
            if self.promoting and asked["access_level"] > place.members[who].level:
                return Reply(200, {"message": {"x": "Request queued for administrator approval."}})
            place.members[who].level = asked["access_level"]
            place.members[who].expires = asked.get("expires_at")  # what is not sent is lost
        return Reply(200, self._member(place, who))

    def _add_member(self, place: Place, asked: dict[str, Any]) -> Reply:
        who = asked["user_id"]
        if who not in self.world.users:
            raise RefusedError(404, "404 User Not Found")
        if who in place.members:
            raise RefusedError(409, "Member already exists")
        if self.promoting:
            return Reply(200, {"message": {"x": "Request queued for administrator approval."}})
        place.members[who] = Membership(asked["access_level"], asked.get("expires_at"))
        return Reply(201, self._member(place, who))

    def _remove(self, place: Place, who: int, *, alone: bool) -> None:
        del place.members[who]
        if not alone:
            for one in self.world.every_place():
                if self.world.is_below(one, place.id):
                    one.members.pop(who, None)

    def _member(self, place: Place, who: int) -> dict[str, Any]:
        held, user = place.members[who], self.world.users[who]
        shown = {name: user[name] for name in ("id", "username", "name", "state")}
        shown |= {"access_level": held.level, "expires_at": held.expires}
        if held.ldap:
            shown["override"] = False
        if held.role:
            shown["member_role"] = {"id": 1, "name": held.role, "base_access_level": held.level}
        return shown

    def _invitations(
        self, request: Request, method: str, place: Place, parts: list[str], asked: dict[str, Any]
    ) -> Reply:
        if not parts:
            if method == "POST":
                return self._invite(place, asked)
            wanted = asked.get("query", "")
            shown = [_invitation(email, one) for email, one in place.invited.items() if wanted in ("", email)]
            return self._list(request, shown, asked)
        if parts[0] not in place.invited:
            raise RefusedError(404, "404 Not found")
        if method == "DELETE":
            del place.invited[parts[0]]
            return Reply(204)
        place.invited[parts[0]] = Membership(asked["access_level"], asked.get("expires_at"))
        return Reply(200, asked)

    def _invite(self, place: Place, asked: dict[str, Any]) -> Reply:
        email = asked["email"].lower()
        if email in place.invited:
            return Reply(201, {"status": "error", "message": {email: "Invite email has already been taken"}})
        user = next((one for one in self.world.users.values() if one["email"].lower() == email), None)
        if user and user["id"] in place.members:
            return Reply(201, {"status": "error", "message": {email: "User already exists in source"}})
        place.invited[email] = Membership(asked["access_level"], asked.get("expires_at"))
        return Reply(201, {"status": "success"})


def _as_shown(asked: dict[str, Any]) -> dict[str, Any]:
    """Return what was sent of a user as it is shown."""
    names = {"admin": "is_admin", "auditor": "is_auditor"}
    hidden = {"skip_confirmation", "reset_password", "force_random_password"}
    return {names.get(name, name): value for name, value in asked.items() if name not in hidden}


def _group(place: Place) -> dict[str, Any]:
    plain = {"id": place.id, "name": place.name, "path": place.name, "full_path": place.path}
    return {**plain, "parent_id": place.parent, "visibility": place.visibility, **place.links}


def _invitation(email: str, held: Membership) -> dict[str, Any]:
    return {"invite_email": email, "access_level": held.level, "expires_at": held.expires}
