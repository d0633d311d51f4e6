"""The Jira site of the fake: users, groups and members with numbered pages, projects, roles and their actors."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from atlassian_world import RefusedError, World
from jira_types import check_fields

Body = dict[str, Any]
Query = Mapping[str, list[str]]


class JiraRoutes:
    """What the site answers. A query arrives as `query`, a body as `body`.

    Args:
        world: what is true.
        page: the most that one page lists.

    Attributes:
        me: the account of whom the token belongs to.
        cut: the list that ends too early.
        tells_own: whether the list of all roles has those of projects that their teams manage.
    """

    def __init__(self, world: World, page: int) -> None:
        self.world = world
        self.page = page
        self.me = ""
        self.cut = ""
        self.tells_own = False

    def table(self) -> Iterator[tuple[str, str, str, Callable[..., Any]]]:
        """Yield (method, pattern of the path, Jira's name for the parameters, what is done)."""
        yield "GET", "users/search", "GetAllUsers", self._list_users
        yield "GET", "myself", "GetUser", lambda query: {"accountId": self.me}  # noqa: ARG005 - as all others
        yield "GET", "user", "GetUser", lambda query: _user(self._one(query))
        yield "POST", "user", "CreateUser", self._create_user
        yield "DELETE", "user", "RemoveUser", self._remove_user
        yield "GET", "user/search", "FindUsers", self._find_users
        yield "GET", "user/groups", "GetUserGroups", self._groups_of
        yield "GET", "group/bulk", "BulkGetGroups", self._list_groups
        yield "GET", "group/member", "GetUsersFromGroup", self._list_members
        yield "POST", "group", "AddGroup", self._add_group
        yield "POST", "group/user", "AddUserToGroup", self._add_member
        yield "DELETE", "group/user", "RemoveUserFromGroup", self._remove_member
        yield "GET", "project/search", "SearchProjects", self._list_projects
        yield "GET", "role", "GetUserGroups", self._list_roles
        yield "GET", r"project/(\d+)/role", "GetProjectRoles", self._roles_of
        yield "GET", r"project/(\d+)/role/(\d+)", "GetProjectRole", self._role
        yield "POST", r"project/(\d+)/role/(\d+)", "AddActorUsers", self._add_actors
        yield "DELETE", r"project/(\d+)/role/(\d+)", "DeleteActor", self._remove_actor

    def _one(self, query: Query) -> Body:
        return self.world.user(query["accountId"][0])

    def _numbered(self, kind: str, query: Query, items: list[Body], cap: int) -> Body:
        start, most = int(query["startAt"][0]), min(int(query.get("maxResults", ["50"])[0]), cap, self.page)
        shown = items[start : start + most]
        last = start + most >= len(items)
        if self.cut == kind and not last:
            last = True
        return {"startAt": start, "maxResults": most, "total": len(items), "isLast": last, "values": shown}

    def _list_users(self, query: Query) -> list[Body]:
        start, most = int(query["startAt"][0]), min(int(query["maxResults"][0]), 1000, self.page)
        return [_user(each) for each in list(self.world.users.values())[start : start + most]]

    def _find_users(self, query: Query) -> list[Body]:
        """Find by an address that is shown; those who hide it are not found."""
        wanted = query["query"][0].lower()
        return [_user(each) for each in self.world.users.values() if each["shown"] and wanted in each["email"].lower()]

    def _create_user(self, query: Query, body: Body) -> Body:
        assert not query
        check_fields("CreateUser", body)
        if "products" not in body:
            raise RefusedError(400, "products: is required")
        known = [each for each in self.world.users.values() if each["email"] == body["emailAddress"]]
        return _user(known[0] if known else self.world.users[self.world.add_user(body["emailAddress"])])

    def _remove_user(self, query: Query) -> None:
        self.world.drop(self._one(query)["accountId"])

    def _groups_of(self, query: Query) -> list[Body]:
        id_ = self._one(query)["accountId"]
        return [_group(self.world.groups[group]) for group, held in self.world.members.items() if id_ in held]

    def _list_groups(self, query: Query) -> Body:
        names = [name.lower() for name in query.get("groupName", [])]
        found = [_group(each) for each in self.world.groups.values() if not names or each["name"].lower() in names]
        return self._numbered("entitlements:group", query, found, 50)

    def _list_members(self, query: Query) -> Body:
        id_ = str(self.world.group(query["groupId"][0])["id"])
        assert query["includeInactiveUsers"] == ["true"]
        found = [_user(self.world.users[each]) for each in self.world.members[id_]]
        return self._numbered("grants:group", query, found, 50)

    def _add_group(self, query: Query, body: Body) -> Body:
        assert not query
        check_fields("AddGroup", body)
        if any(each["name"].lower() == body["name"].lower() for each in self.world.groups.values()):
            raise RefusedError(400, "A group of this name exists.")
        return _group(self.world.groups[self.world.add_group(body["name"])])

    def _add_member(self, query: Query, body: Body) -> Body:
        check_fields("UpdateUserToGroup", body)
        group, user = self.world.group(query["groupId"][0]), self.world.user(body["accountId"])
        held = self.world.members[str(group["id"])]
        if group["externalSynced"]:
            raise RefusedError(400, f"Cannot modify the group '{group['name']}': it is synced.")
        if user["accountId"] in held:
            raise RefusedError(400, "Cannot add user, as it is already a member of the group.")
        held.append(user["accountId"])
        return _group(group)

    def _remove_member(self, query: Query) -> None:
        held = self.world.members[str(self.world.group(query["groupId"][0])["id"])]
        account = self._one(query)["accountId"]
        if account not in held:
            raise RefusedError(400, "Cannot remove user, as it is no member of the group.")
        held.remove(account)

    def _list_projects(self, query: Query) -> Body:
        keys = query.get("keys")
        found = [each for each in self.world.projects.values() if not keys or each["key"] in keys]
        for project in found:
            check_fields("Project", project)
        return self._numbered("entitlements:project-role", query, found, 100)

    def _list_roles(self, query: Query) -> list[Body]:
        assert not query
        return [each for each in self.world.roles.values() if self.tells_own or "scope" not in each]

    def _roles_of(self, project: str, query: Query) -> Body:
        assert not query
        own = self.world.projects[project]["style"] == "next-gen"
        found = [
            each
            for each in self.world.roles.values()
            if (each.get("scope", {}).get("project", {}).get("id") == project if own else "scope" not in each)
        ]
        return {each["name"]: f"https://acme.example/rest/api/3/project/{project}/role/{each['id']}" for each in found}

    def _actors(self, project: str, role: str) -> dict[str, list[str]]:
        if project not in self.world.projects or role not in self.world.roles:
            raise RefusedError(404, f"Can not retrieve a role actor for a null project role {role}.")
        return self.world.actors.setdefault((project, role), {"user": [], "group": []})

    def _role(self, project: str, role: str, query: Query | None = None) -> Body:  # noqa: ARG002 - as all others
        held, world = self._actors(project, role), self.world
        users = [
            {"id": number, "type": "atlassian-user-role-actor", "actorUser": {"accountId": each}}
            for number, each in enumerate(held["user"])
        ]
        groups = [
            {
                "id": 900 + number,
                "type": "atlassian-group-role-actor",
                "actorGroup": {"name": world.groups[each]["name"], "groupId": each},
            }
            for number, each in enumerate(held["group"])
        ]
        answer = {**world.roles[role], "actors": users + groups}
        check_fields("ProjectRole", answer)
        return answer

    def _add_actors(self, project: str, role: str, query: Query, body: Body) -> Body:
        assert not query
        check_fields("AddActorUsers", body)
        assert len(body) == 1, "users and groups are not added in one request"
        held = self._actors(project, role)
        for each in body.get("user", []):
            if self.world.user(each)["accountId"] in held["user"]:
                raise RefusedError(400, f"User '{each}' is already a member of the project role.")
            held["user"].append(each)
        for each in body.get("groupId", []):
            if str(self.world.group(each)["id"]) in held["group"]:
                raise RefusedError(400, f"Group '{each}' is already a member of the project role.")
            held["group"].append(each)
        return self._role(project, role)

    def _remove_actor(self, project: str, role: str, query: Query) -> None:
        held = self._actors(project, role)
        kind, wanted = ("user", query["user"][0]) if "user" in query else ("group", query["groupId"][0])
        if wanted not in held[kind]:
            raise RefusedError(404, "The actor is not in the project role.")
        held[kind].remove(wanted)


def _user(user: Body) -> Body:
    """Return a user as Jira tells it: without an address where its holder hides it."""
    active = user["accountStatus"] == "active" and user["membershipStatus"] == "active"
    told = {"accountId": user["accountId"], "accountType": user["accountType"], "active": active}
    told |= {"emailAddress": user["email"]} if user["shown"] else {}
    check_fields("UserDetails", told)
    return told


def _group(group: Body) -> Body:
    told = {"groupId": group["id"], "name": group["name"]}
    check_fields("GroupDetails", told)
    return told
