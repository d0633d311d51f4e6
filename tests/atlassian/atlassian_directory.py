"""The organization's API of the fake: directories, users and groups with cursors, memberships, access, lifecycle."""

import base64
from collections.abc import Callable, Iterator
from typing import Any

from atlassian_world import DIRECTORY, ORGANIZATION, RefusedError, World
from jira_types import check_directory

Body = dict[str, Any]
_EXPANDED = {
    "users/search": {"platformRoles", "counts.resources", "productAccess", "groups"},
    "groups/search": {"counts.resources", "counts.users"},
}


class DirectoryRoutes:
    """What the organization answers.

    Args:
        world: what is true.
        page: the most that one page lists.

    Attributes:
        directories: ids of those that there are.
        most_groups: how many groups are told with a user at most.
        full: resource ids of apps that have no seat left.
    """

    def __init__(self, world: World, page: int) -> None:
        self.world = world
        self.page = page
        self.directories = [DIRECTORY]
        self.most_groups = 1000
        self.full: set[str] = set()

    def table(self) -> Iterator[tuple[str, str, Callable[..., Any]]]:
        """Yield (method, pattern of the path, what is done)."""
        here = f"admin/v2/orgs/{ORGANIZATION}/directories/{DIRECTORY}"
        yield "GET", f"admin/v2/orgs/{ORGANIZATION}/directories", self._list_directories
        yield "POST", f"{here}/users/search", self._search_users
        yield "GET", f"{here}/users/([^/]+)", lambda id_, _: {"data": _told(self.world.user(id_))}
        yield "POST", f"{here}/users/([^/]+)/(suspend|restore)", self._change_access
        yield "DELETE", f"{here}/users/([^/]+)", self._remove_user
        yield "POST", f"{here}/groups/search", self._search_groups
        yield "POST", f"{here}/groups", self._add_group
        yield "GET", f"{here}/groups/([^/]+)", lambda id_, _: {"data": self.world.group(id_)}
        yield "POST", f"{here}/groups/([^/]+)/memberships", self._add_member
        yield "DELETE", f"{here}/groups/([^/]+)/memberships/([^/]+)", self._remove_member
        yield "POST", f"admin/v2/orgs/{ORGANIZATION}/users/invite", self._invite
        yield "POST", "users/([^/]+)/manage/lifecycle/(disable|enable)", self._change_account

    def _list_directories(self, _: Body) -> Body:
        return {"data": [{"directoryId": id_, "name": f"Directory {id_}"} for id_ in self.directories], "links": {}}

    def _page(self, kind: str, body: Body, items: list[Body]) -> Body:
        check_directory(kind, body)
        assert set(body.get("expand", [])) <= _EXPANDED[kind]
        if body.get("limit", 50) > 100:
            raise RefusedError(400, "The limit is 100 at most.", "ADMIN-400-24")
        most = min(body.get("limit", 50), self.page)
        start = int(base64.b64decode(body.get("cursor", "")) or 0)
        more = start + most < len(items)
        following = base64.b64encode(str(start + most).encode()).decode() if more else None
        return {"data": items[start : start + most], "links": {"self": body.get("cursor"), "next": following}}

    def _search_users(self, body: Body) -> Body:
        world, found = self.world, []
        for id_, user in world.users.items():
            groups = [group for group, held in world.members.items() if id_ in held]
            fits = [
                id_ in body.get("accountIds", [id_]),
                not body.get("groupIds") or set(groups) & set(body["groupIds"]),
                user["email"] in body.get("emails", [user["email"]]),
            ]
            if all(fits):
                listed = [{"id": each, "name": world.groups[each]["name"]} for each in groups[: self.most_groups]]
                found.append({**_told(user), **({"groups": listed} if "groups" in body.get("expand", []) else {})})
        return self._page("users/search", body, found)

    def _search_groups(self, body: Body) -> Body:
        names = [name.lower() for name in body.get("groupNames", [])]
        found = [each for each in self.world.groups.values() if not names or each["name"].lower() in names]
        if "counts.users" in body.get("expand", []):
            found = [{**each, "counts": {"users": len(self.world.members[each["id"]])}} for each in found]
        return self._page("groups/search", body, found)

    def _change_access(self, id_: str, verb: str, _: Body) -> None:
        user = self.world.user(id_)
        wanted = "suspended" if verb == "suspend" else "active"
        if user["membershipStatus"] == wanted:
            raise RefusedError(409, f"The user is {wanted} already.", "ADMIN-409-28")
        user["membershipStatus"] = wanted

    def _change_account(self, id_: str, verb: str, body: Body) -> None:
        if verb == "disable":
            check_directory("disable", body)
        user = self.world.user(id_)
        if user["claimStatus"] != "managed":
            raise RefusedError(403, "The account is not managed by your organization.")
        user["accountStatus"] = "inactive" if verb == "disable" else "active"

    def _remove_user(self, id_: str, _: Body) -> None:
        self.world.user(id_)
        self.world.drop(id_)

    def _add_group(self, body: Body) -> None:
        check_directory("groups", body)
        if any(each["name"].lower() == body["name"].lower() for each in self.world.groups.values()):
            raise RefusedError(409, "A group of this name exists.", "ADMIN-409-28")
        self.world.add_group(body["name"])

    def _changeable(self, id_: str) -> list[str]:
        group = self.world.group(id_)
        if group["externalSynced"] or not group["managementAccess"]["modifiable"]:
            raise RefusedError(403, "Not allowed to manage the group", "ADMIN-403-5")
        return self.world.members[id_]

    def _add_member(self, id_: str, body: Body) -> None:
        check_directory("memberships", body)
        held, user = self._changeable(id_), self.world.user(body["accountId"])
        if user["accountId"] in held:
            raise RefusedError(409, "The user is a member already.", "ADMIN-409-28")
        held.append(user["accountId"])

    def _remove_member(self, id_: str, account: str, _: Body) -> None:
        held = self._changeable(id_)
        if account not in held:
            raise RefusedError(404, "The user is no member.", "ADMIN-404-8")
        held.remove(account)

    def _invite(self, body: Body) -> Body:
        """Invite; who gets no role of any app is in no directory."""
        check_directory("users/invite", body)
        results = []
        for rule in body["permissionRules"]:
            assert set(rule) == {"resource", "role"}
            full = rule["resource"] in self.full
            reason = "You have exceeded your user limit." if full else None
            results.append({**rule, "status": "ERROR" if full else "INVITED", "statusReason": reason})
        told = [{"roleAssignmentResult": results, "groupAssignmentResult": []}]
        if all(each["status"] == "ERROR" for each in results):
            return {"data": [{"email": email, "results": told} for email in body["emails"]]}
        made = [(email, self.world.add_user(email, emailVerified=False)) for email in body["emails"]]
        return {"data": [{"id": id_, "email": email, "results": told} for email, id_ in made]}


def _told(user: Body) -> Body:
    """Return a user as the organization tells it."""
    status = "deactivated" if user["accountStatus"] == "inactive" else user["membershipStatus"]
    return {**{name: value for name, value in user.items() if name != "shown"}, "status": status}
