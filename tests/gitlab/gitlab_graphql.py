"""GraphQL over the part of GitLab's schema that is asked for, with its complexity limit; executed by graphql-core.

The types are those of https://docs.gitlab.com/api/graphql/reference/, without fields that nobody asks for. What a query
costs follows https://docs.gitlab.com/development/api_graphql_styleguide/#query-limits: a field is 1, a connection as
much again as a hundredth of what is in it for each item.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from gitlab_world import Membership, Place, World
from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    execute_sync,
    parse,
    validate,
    value_from_ast_untyped,
)

LARGEST_PAGE, MOST_POINTS = 100, 250
_PAGING = "after: String, before: String, first: Int, last: Int"
_SCHEMA = f"""
scalar Time
scalar UserID
enum GroupMemberRelation {{ DIRECT INHERITED DESCENDANTS SHARED_FROM_GROUPS }}
enum ProjectMemberRelation {{ DIRECT INHERITED DESCENDANTS INVITED_GROUPS SHARED_INTO_ANCESTORS }}
enum UserState {{ active blocked deactivated banned ldap_blocked blocked_pending_approval }}
type PageInfo {{ endCursor: String hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String }}
type AccessLevel {{ integerValue: Int stringValue: String humanAccess: String }}
type CurrentUser {{ id: UserID! username: String! }}
type UserCore {{ id: UserID! username: String! name: String! state: UserState! bot: Boolean! publicEmail: String }}
type GroupMember {{ id: ID! accessLevel: AccessLevel createdAt: Time expiresAt: Time user: UserCore }}
type ProjectMember {{ id: ID! accessLevel: AccessLevel createdAt: Time expiresAt: Time user: UserCore }}
interface MemberInterface {{ id: ID! accessLevel: AccessLevel createdAt: Time expiresAt: Time user: UserCore }}
type GroupMemberConnection {{ nodes: [GroupMember] pageInfo: PageInfo! }}
type MemberInterfaceConnection {{ nodes: [ProjectMember] pageInfo: PageInfo! }}
type Group {{
  id: ID! fullPath: ID! name: String! maxAccessLevel: AccessLevel!
  groupMembers({_PAGING}, search: String, relations: [GroupMemberRelation!] = [DIRECT, INHERITED]):
    GroupMemberConnection
  descendantGroups({_PAGING}, includeParentDescendants: Boolean = true, owned: Boolean, search: String): GroupConnection
  projects({_PAGING}, includeSubgroups: Boolean = false, includeArchived: Boolean = true, search: String):
    ProjectConnection!
}}
type GroupConnection {{ nodes: [Group] pageInfo: PageInfo! }}
type Project {{
  id: ID! fullPath: ID! name: String! group: Group
  projectMembers({_PAGING}, search: String, relations: [ProjectMemberRelation!] = [DIRECT, INHERITED]):
    MemberInterfaceConnection
}}
type ProjectConnection {{ nodes: [Project] pageInfo: PageInfo! count: Int! }}
type Query {{
  currentUser: CurrentUser
  group(fullPath: ID!): Group
  project(fullPath: ID!): Project
  groups({_PAGING}, search: String, sort: String = "name_asc", topLevelOnly: Boolean = false): GroupConnection
  projects({_PAGING}, search: String, sort: String, membership: Boolean): ProjectConnection
}}
"""
_CONNECTIONS = {"groups", "projects", "descendantGroups", "groupMembers", "projectMembers"}
COLLECTIONS = {
    "groups": "entitlements:group",
    "descendantGroups": "entitlements:group",
    "projects": "entitlements:project",
    "groupMembers": "grants:group",
    "projectMembers": "grants:project",
}


@cache
def schema() -> GraphQLSchema:
    """Return the part of GitLab's schema."""
    return build_schema(_SCHEMA)


class Executor:
    """Executes queries on a world.

    Attributes:
        page: how many items a page has at most.
        most: how many points a query may cost.
        forbidden: collections that are refused.
        stuck: whether the next page is always the first.
        rank: the level that the token's user has in groups.
        costs: what queries cost so far.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.page = LARGEST_PAGE
        self.most = MOST_POINTS
        self.forbidden: set[str] = set()
        self.stuck = False
        self.rank = 50
        self.costs: list[int] = []

    def run(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one request's body."""
        variables = body.get("variables") or {}
        document = parse(body["query"])
        assert len(body["query"]) <= 10_000, "GitLab takes queries of up to 10,000 characters"
        if faults := validate(schema(), document):
            return {"errors": [{"message": fault.message} for fault in faults]}
        operation = document.definitions[0]
        assert isinstance(operation, OperationDefinitionNode)
        self.costs.append(_complexity(operation, variables, "Query"))
        if self.costs[-1] > self.most:
            words = f"Query has complexity of {self.costs[-1]}, which exceeds max complexity of {self.most}"
            return {"errors": [{"message": words}]}
        result = execute_sync(schema(), document, self.world, variable_values=variables, field_resolver=self._resolve)
        errors = [{"message": error.message, "path": error.path} for error in result.errors or ()]
        return {"data": result.data, **({"errors": errors} if errors else {})}

    def _resolve(self, source: Any, info: GraphQLResolveInfo, **asked: Any) -> Any:
        name = info.field_name
        if name in _CONNECTIONS:
            if COLLECTIONS[name] in self.forbidden:
                words = "The resource that you are attempting to access does not exist or you don't have permission"
                raise GraphQLError(words)
            return self._connection(self._items(source, name, asked), asked)
        if isinstance(source, dict):
            return source[name]
        if isinstance(source, Place):
            return self._of_place(source, name)
        if name == "currentUser":
            return {"id": f"gid://gitlab/User/{source.viewer}", "username": source.users[source.viewer]["username"]}
        return source.find(name, asked["fullPath"])

    def _of_place(self, place: Place, name: str) -> Any:
        match name:
            case "id":
                return f"gid://gitlab/{place.kind.title()}/{place.id}"
            case "fullPath":
                return place.path
            case "maxAccessLevel":
                return {"integerValue": self.rank}
            case "group":
                return self.world.groups.get(place.parent or 0)
        return place.name

    def _items(self, source: Any, name: str, asked: Mapping[str, Any]) -> list[Any]:
        world = self.world
        if name.endswith("Members"):
            return self._members(source, asked)
        places = list((world.projects if name == "projects" else world.groups).values())
        if isinstance(source, World):
            return places
        if name == "projects" and not asked["includeSubgroups"]:
            return [one for one in places if one.parent == source.id]
        return [one for one in places if world.is_below(one, source.id)]

    def _members(self, place: Place, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return members; those who are only invited are among them, and are nobody yet."""
        listed = list(place.members.items())
        if set(asked["relations"]) - {"DIRECT"}:
            listed += [pair for pair in self.world.inherited(place).items() if pair[0] not in place.members]
        found = [self._member(held, self.world.users[who]) for who, held in listed]
        return found + [self._member(held, None) for held in place.invited.values()]

    def _member(self, held: Membership, user: Mapping[str, Any] | None) -> dict[str, Any]:
        shown = None
        if user is not None:
            email = user.get("public_email", "")
            shown = {"id": f"gid://gitlab/User/{user['id']}", "publicEmail": email}
            shown |= {name: user[name] for name in ("username", "state", "bot")}
        ends = f"{held.expires}T00:00:00Z" if held.expires else None
        return {"accessLevel": {"integerValue": held.level}, "expiresAt": ends, "user": shown}

    def _connection(self, items: list[Any], asked: Mapping[str, Any]) -> dict[str, Any]:
        size = min(asked.get("first") or LARGEST_PAGE, self.page)
        start = int(asked.get("after") or 0)
        end = start + size
        more = end < len(items)
        cursor = asked.get("after") or "0" if self.stuck else str(end)
        return {"nodes": items[start:end], "pageInfo": {"hasNextPage": more, "endCursor": cursor if more else None}}


def _complexity(node: Any, variables: Mapping[str, Any], parent: str) -> int:
    """Return what the fields below a node cost."""
    return sum(
        _cost(each, variables, parent)
        for each in node.selection_set.selections
        if isinstance(each, FieldNode) and _is_wanted(each, variables)
    )


def _is_wanted(node: FieldNode, variables: Mapping[str, Any]) -> bool:
    return all(value_from_ast_untyped(one.arguments[0].value, dict(variables)) for one in node.directives or ())


def _cost(node: FieldNode, variables: Mapping[str, Any], parent: str) -> int:
    name = node.name.value
    below = _complexity(node, variables, name) if node.selection_set else 0
    if name not in _CONNECTIONS:
        return 1 + below
    asked = {one.name.value: value_from_ast_untyped(one.value, dict(variables)) for one in node.arguments or ()}
    own = below + 1 + ("sort" in asked) + (10 if (name, parent) == ("projects", "group") else 0)
    return own + own * min(int(asked.get("first") or LARGEST_PAGE), LARGEST_PAGE) // 100
