"""GraphQL over GitHub's own published schema: queries are validated and executed by graphql-core."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from github_world import ORGANIZATION, Repository, Team, World, rank
from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    VariableNode,
    build_schema,
    execute_sync,
    parse,
    validate,
)
from servers import setup

FILE = setup.MODULES / "@octokit" / "graphql-schema" / "schema.graphql"
LARGEST_PAGE, MOST_NODES = 100, 500_000
_TO_GRAPHQL = {"pull": "READ", "push": "WRITE", "triage": "TRIAGE", "maintain": "MAINTAIN", "admin": "ADMIN"}
_ROLE_NAMES = {"pull": "read", "push": "write"}
_ORDINARY = {"pull": "READ", "triage": "READ", "push": "WRITE", "maintain": "WRITE", "admin": "ADMIN"}

COLLECTIONS = {
    "membersWithRole": "accounts",
    "teams": "entitlements:team",
    "repositories": "entitlements:repo",
    "members": "grants:team",
    "collaborators": "grants:repo",
}
"""Connections, and the collections that they make; the repositories of a team are no collection of their own."""


@cache
def schema() -> GraphQLSchema:
    """Return GitHub's schema."""
    return build_schema(Path(FILE).read_text(encoding="utf-8"), assume_valid=True)


class Executor:
    """Executes queries on a world.

    Attributes:
        page: how many items a page has at most.
        forbidden: collections that are refused.
        cut: collections whose last page says that nothing follows, though it misses one item.
        slow_above: how many nodes a query may ask for until it times out.
        no_addresses: whether verified addresses are refused.
        saml: number of a person → name at the identity provider; None where there is none.
        points: what queries cost so far, by GitHub's formula.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.page = LARGEST_PAGE
        self.forbidden: set[str] = set()
        self.cut: set[str] = set()
        self.slow_above = MOST_NODES
        self.no_addresses = False
        self.saml: dict[int, str] | None = None
        self.points = 0

    def run(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one request's body."""
        variables = body.get("variables") or {}
        document = parse(body["query"])
        if faults := validate(schema(), document):
            return {"errors": [{"message": fault.message} for fault in faults]}
        requests, nodes = _cost(document, variables)
        if nodes > MOST_NODES:
            words = f"This query requests up to {nodes:,} possible nodes which exceeds the maximum limit of 500,000."
            return {"data": None, "errors": [{"type": "MAX_NODE_LIMIT_EXCEEDED", "message": words}]}
        if nodes > self.slow_above:
            words = "Something went wrong while executing your query. This may be the result of a timeout."
            return {"data": None, "errors": [{"message": words}]}
        self.points += max(1, round(requests / 100))
        result = execute_sync(
            schema(), document, root_value=self, variable_values=variables, field_resolver=_resolve, type_resolver=_type
        )
        answer: dict[str, Any] = {"data": result.data}
        if result.errors:
            answer["errors"] = [_shown(error) for error in result.errors]
        return answer

    def refuse(self, name: str, inside: str) -> None:
        """Raise where a connection's collection is forbidden."""
        collection = "" if inside == "Team" and name == "repositories" else COLLECTIONS.get(name, "")
        if collection in self.forbidden:
            raise GraphQLError("Resource not accessible by personal access token", extensions={"type": "FORBIDDEN"})

    def connect(
        self, name: str, items: Sequence[Any], info: GraphQLResolveInfo, arguments: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return one page of a connection."""
        inside = info.parent_type.name
        self.refuse(name, inside)
        first = arguments.get("first")
        if first is None or not 1 <= first <= LARGEST_PAGE:
            raise GraphQLError(f"`first` on the `{name}` connection must be from 1 to 100")
        start = int(arguments["after"].removeprefix("cursor:")) if arguments.get("after") else 0
        end = min(len(items), start + min(first, self.page))
        edges = list(items[start:end])
        more = end < len(items)
        collection = "" if inside == "Team" and name == "repositories" else COLLECTIONS.get(name)
        if collection in self.cut and not more and edges:
            edges.pop()
        return {
            "edges": edges,
            "nodes": [edge["node"] for edge in edges],
            "totalCount": len(items),
            "pageInfo": {"hasNextPage": more, "endCursor": f"cursor:{end}" if edges else None},
        }


def _shown(error: GraphQLError) -> dict[str, Any]:
    """Return an error as GitHub writes it: its type beside its message."""
    return {"message": error.message, "path": error.path, **(error.extensions or {})}


def _type(value: Any, *_: Any) -> str | None:
    return value.get("__typename") if isinstance(value, dict) else None


def _resolve(source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
    """Resolve a field: by a function where there is one, else by what the parent holds."""
    resolver = RESOLVERS.get((info.parent_type.name, info.field_name))
    if resolver is not None:
        return resolver(info.root_value, source, info, arguments)
    value = source[info.field_name]
    return value() if callable(value) else value


def _user(executor: Executor, number: int) -> dict[str, Any]:
    world = executor.world

    def addresses() -> list[str]:
        if executor.no_addresses:
            raise GraphQLError("the organization has verified no domain", extensions={"type": "FORBIDDEN"})
        return [world.emails[number]] if number in world.emails else []

    return {
        "__typename": "User",
        "id": f"U_{number}",
        "databaseId": number,
        "login": world.users[number],
        "addresses": addresses,
    }


def _team(world: World, team: Team) -> dict[str, Any]:
    return {
        "__typename": "Team",
        "id": f"T_{team.id}",
        "databaseId": team.id,
        "slug": team.slug,
        "name": team.slug,
        "description": team.description,
        "privacy": {"closed": "VISIBLE", "secret": "SECRET"}[team.privacy],
        "parentTeam": _team(world, world.teams[team.parent]) if team.parent is not None else None,
        "team": team,
    }


def _repository(repository: Repository) -> dict[str, Any]:
    return {
        "__typename": "Repository",
        "id": f"R_{repository.id}",
        "databaseId": repository.id,
        "name": repository.name,
        "repository": repository,
    }


def _members(executor: Executor, _: Any, info: GraphQLResolveInfo, arguments: Mapping[str, Any]) -> Any:
    roles = {"admin": "ADMIN", "member": "MEMBER"}
    edges = [{"role": roles[role], "node": _user(executor, who)} for who, role in executor.world.members.items()]
    return executor.connect("membersWithRole", edges, info, arguments)


def _pending(executor: Executor, _: Any, info: GraphQLResolveInfo, arguments: Mapping[str, Any]) -> Any:
    people = [one.user for one in executor.world.invitations.values() if one.user is not None]
    return executor.connect("pendingMembers", [{"node": _user(executor, who)} for who in people], info, arguments)


def _teams(executor: Executor, _: Any, info: GraphQLResolveInfo, arguments: Mapping[str, Any]) -> Any:
    world = executor.world
    return executor.connect("teams", [{"node": _team(world, one)} for one in world.teams.values()], info, arguments)


def _repositories(executor: Executor, _: Any, info: GraphQLResolveInfo, arguments: Mapping[str, Any]) -> Any:
    edges = [{"node": _repository(one)} for one in executor.world.repositories.values()]
    return executor.connect("repositories", edges, info, arguments)


def _team_members(executor: Executor, source: Any, info: GraphQLResolveInfo, arguments: Mapping[str, Any]) -> Any:
    world, team = executor.world, source["team"]
    if arguments.get("membership") != "IMMEDIATE":
        raise GraphQLError("only a team's own members are of use")
    edges = [{"role": world.role_in(team, who).upper(), "node": _user(executor, who)} for who in team.members]
    return executor.connect("members", edges, info, arguments)


def _team_invitations(executor: Executor, source: Any, info: GraphQLResolveInfo, arguments: Mapping[str, Any]) -> Any:
    world = executor.world
    found = [(who, world.invitation_of(who)) for who in source["team"].pending]
    edges = [
        {"node": {"id": f"I_{one.id}", "email": one.email or None, "invitee": _user(executor, who)}}
        for who, one in found
        if one is not None
    ]
    return executor.connect("invitations", edges, info, arguments)


def _team_repositories(executor: Executor, source: Any, info: GraphQLResolveInfo, arguments: Mapping[str, Any]) -> Any:
    world = executor.world
    edges = [
        {"permission": _TO_GRAPHQL.get(level, "WRITE"), "node": _repository(world.repositories[number])}
        for number, level in world.held(source["team"]).items()
    ]
    return executor.connect("repositories", edges, info, arguments)


def _collaborators(executor: Executor, source: Any, info: GraphQLResolveInfo, arguments: Mapping[str, Any]) -> Any:
    """Return whom a repository itself lets in, and owners, whom the organization lets in everywhere."""
    world, repository = executor.world, source["repository"]
    if arguments.get("affiliation") != "DIRECT":
        raise GraphQLError("only direct collaborators are of use")
    people = dict.fromkeys([*repository.direct, *(who for who, role in world.members.items() if role == "admin")])
    edges = []
    for who in people:
        sources = world.sources(repository, who)
        strongest = max((level for _, level in sources), key=rank)
        told = [
            {
                "permission": _ORDINARY.get(level, "WRITE"),
                "roleName": _ROLE_NAMES.get(level, level),
                "source": {"__typename": kind},
            }
            for kind, level in sources
        ]
        edges.append(
            {"permission": _TO_GRAPHQL.get(strongest, "WRITE"), "permissionSources": told, "node": _user(executor, who)}
        )
    return executor.connect("collaborators", edges, info, arguments)


def _organization(executor: Executor, _: Any, __: Any, arguments: Mapping[str, Any]) -> Any:
    if arguments["login"].lower() != ORGANIZATION:
        words = f"Could not resolve to an Organization with the login of '{arguments['login']}'."
        raise GraphQLError(words, extensions={"type": "NOT_FOUND"})
    return {"databaseId": 4711, "samlIdentityProvider": {"id": "SAML_1"} if executor.saml is not None else None}


def _node(executor: Executor, _: Any, __: Any, arguments: Mapping[str, Any]) -> Any:
    kind, _, number = arguments["id"].partition("_")
    world = executor.world
    if kind == "T" and int(number) in world.teams:
        return _team(world, world.teams[int(number)])
    if kind == "R" and int(number) in world.repositories:
        return _repository(world.repositories[int(number)])
    raise GraphQLError("Could not resolve to a node", extensions={"type": "NOT_FOUND"})


def _identities(executor: Executor, _: Any, info: GraphQLResolveInfo, arguments: Mapping[str, Any]) -> Any:
    found = (executor.saml or {}).items()
    edges = [
        {"node": {"user": _user(executor, who), "samlIdentity": {"nameId": name, "username": name, "emails": []}}}
        for who, name in found
    ]
    return executor.connect("externalIdentities", edges, info, arguments)


RESOLVERS: dict[tuple[str, str], Callable[[Executor, Any, GraphQLResolveInfo, Mapping[str, Any]], Any]] = {
    ("Query", "viewer"): lambda executor, *_: _user(executor, executor.world.viewer),
    ("Query", "organization"): _organization,
    ("Query", "node"): _node,
    ("Organization", "membersWithRole"): _members,
    ("Organization", "pendingMembers"): _pending,
    ("Organization", "teams"): _teams,
    ("Organization", "repositories"): _repositories,
    ("OrganizationIdentityProvider", "externalIdentities"): _identities,
    ("Team", "members"): _team_members,
    ("Team", "repositories"): _team_repositories,
    ("Team", "invitations"): _team_invitations,
    ("Repository", "collaborators"): _collaborators,
    ("User", "organizationVerifiedDomainEmails"): lambda _, source, *__: source["addresses"](),
}


def _cost(document: Any, variables: Mapping[str, Any]) -> tuple[int, int]:
    """Return the requests that a query stands for, and the nodes that it asks for at most.

    Source: docs.github.com, "Rate limits and query limits for the GraphQL API".
    """
    fragments = {one.name.value: one for one in document.definitions if not isinstance(one, OperationDefinitionNode)}

    def walk(selections: Any, times: int) -> tuple[int, int]:
        requests = nodes = 0
        for one in selections.selections if selections else ():
            if isinstance(one, FragmentSpreadNode):
                found = walk(fragments[one.name.value].selection_set, times)
            elif isinstance(one, InlineFragmentNode):
                found = walk(one.selection_set, times)
            else:
                found = field(one, times)
            requests, nodes = requests + found[0], nodes + found[1]
        return requests, nodes

    def field(one: FieldNode, times: int) -> tuple[int, int]:
        first = next((each.value for each in one.arguments or () if each.name.value == "first"), None)
        if first is None:
            return walk(one.selection_set, times)
        size = variables[first.name.value] if isinstance(first, VariableNode) else 0
        size = int(first.value) if isinstance(first, IntValueNode) else size
        requests, nodes = walk(one.selection_set, times * size)
        return times + requests, times * size + nodes

    operation = next(one for one in document.definitions if isinstance(one, OperationDefinitionNode))
    return walk(operation.selection_set, 1)
