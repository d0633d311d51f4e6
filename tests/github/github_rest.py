"""The REST side of the fake: every request is checked against GitHub's own OpenAPI description."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from github_world import LEVELS, ORGANIZATION, Team, World, rank
from support.github_reference import violations
from support.http_server import Reply, Request

_AS_INVITED = {"pull": "read", "push": "write"}
_FROM_INVITED = {"read": "pull", "write": "push"}

Handler = Callable[["Rest", Request, dict[str, str], Any], Reply]
ROUTES: list[tuple[str, re.Pattern[str], Handler]] = []


def route(method: str, template: str) -> Callable[[Handler], Handler]:
    """Register a handler for a path of the reference."""
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))

    def register(handler: Handler) -> Handler:
        ROUTES.append((method, pattern, handler))
        return handler

    return register


class Rest:
    """Answers REST requests about a world.

    Attributes:
        page: how many items a page has at most.
        violations: what requests did that the reference does not allow; must stay empty.
        seats: how many people may be invited yet; None means any number.
        roles: custom repository roles of the organization.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.page = 100
        self.violations: list[str] = []
        self.seats: int | None = None
        self.roles: set[str] = set()

    def answer(self, request: Request) -> Reply:
        """Answer one request."""
        body = request.json() if request.body else None
        self.violations += violations(request.method, request.path, request.query, body)
        for method, pattern, handler in ROUTES:
            if method == request.method and (match := pattern.fullmatch(request.path)):
                names = {name: unquote(value) for name, value in match.groupdict().items()}
                if names.get("org", names.get("owner", ORGANIZATION)).lower() != ORGANIZATION:
                    return not_found()
                return handler(self, request, names, body or {})
        return not_found()

    def list(self, request: Request, items: Sequence[Any]) -> Reply:
        """Answer with one page, and a link to the next."""
        size = min(self.page, int(request.query.get("per_page", ["30"])[0]))
        number = int(request.query.get("page", ["1"])[0])
        headers = {}
        if number * size < len(items):
            base = f"http://{request.headers['host']}{request.path}"
            link = f'<{base}?per_page={size}&page={number + 1}>; rel="next"'
            headers["Link"] = f'{link}, <{base}?per_page={size}&page={-(-len(items) // size)}>; rel="last"'
        return Reply(200, list(items)[(number - 1) * size : number * size], headers)

    def may(self, level: str) -> bool:
        """Say whether a repository level exists."""
        return level in LEVELS or level in self.roles


def not_found() -> Reply:
    """Return what GitHub answers for what is not there, or not shown."""
    return Reply(404, {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"})


def invalid(words: str) -> Reply:
    """Return what GitHub answers to what it does not do."""
    return Reply(422, {"message": "Validation Failed", "errors": [{"message": words}], "status": "422"})


def _membership(rest: Rest, person: int) -> dict[str, Any] | None:
    world = rest.world
    if person in world.members:
        state, role = "active", world.members[person]
    elif invitation := world.invitation_of(person):
        state, role = "pending", {"direct_member": "member"}.get(invitation.role, invitation.role)
    else:
        return None
    return {"state": state, "role": role, "user": world.person(person), "organization": {"login": ORGANIZATION}}


@route("GET", "/orgs/{org}/memberships/{username}")
def _get_membership(rest: Rest, _: Request, names: Mapping[str, str], __: Any) -> Reply:
    person = rest.world.number_of(names["username"])
    found = _membership(rest, person) if person is not None else None
    return Reply(200, found) if found else not_found()


@route("PUT", "/orgs/{org}/memberships/{username}")
def _put_membership(rest: Rest, _: Request, names: Mapping[str, str], body: Any) -> Reply:
    world, role = rest.world, body.get("role", "member")
    person = world.number_of(names["username"])
    if person is None:
        return not_found()
    if person in world.members:
        world.members[person] = role
    elif invitation := world.invitation_of(person):
        invitation.role = {"member": "direct_member"}.get(role, role)
    elif rest.seats == 0:
        return invalid("You have no seats left")
    else:
        rest.seats = None if rest.seats is None else rest.seats - 1
        world.invite(person, role={"member": "direct_member"}.get(role, role))
    return Reply(200, _membership(rest, person))


@route("DELETE", "/orgs/{org}/memberships/{username}")
def _delete_membership(rest: Rest, _: Request, names: Mapping[str, str], __: Any) -> Reply:
    world = rest.world
    person = world.number_of(names["username"])
    if person in world.members:
        world.leave(person)
        return Reply(204)
    if person is None or (invitation := world.invitation_of(person)) is None:
        return not_found()
    del world.invitations[invitation.id]
    for team in world.teams.values():
        team.pending.pop(person, None)
    return Reply(204)


@route("GET", "/orgs/{org}/invitations")
def _get_invitations(rest: Rest, request: Request, _: Mapping[str, str], __: Any) -> Reply:
    items = [
        {
            "id": one.id,
            "login": rest.world.users[one.user] if one.user is not None else None,
            "email": one.email or None,
            "role": one.role,
        }
        for one in rest.world.invitations.values()
    ]
    return rest.list(request, items)


@route("POST", "/orgs/{org}/invitations")
def _post_invitation(rest: Rest, _: Request, __: Mapping[str, str], body: Any) -> Reply:
    if any(one.email == body["email"] for one in rest.world.invitations.values()):
        return invalid("A user with this email address has already been invited to this organization.")
    number = rest.world.invite(email=body["email"], role=body.get("role", "direct_member"))
    return Reply(201, {"id": number, "login": None, "email": body["email"], "role": "direct_member"})


@route("DELETE", "/orgs/{org}/invitations/{invitation_id}")
def _delete_invitation(rest: Rest, _: Request, names: Mapping[str, str], __: Any) -> Reply:
    found = rest.world.invitations.pop(int(names["invitation_id"]), None)
    return Reply(204) if found else not_found()


@route("GET", "/orgs/{org}/outside_collaborators")
def _get_outsiders(rest: Rest, request: Request, _: Mapping[str, str], __: Any) -> Reply:
    return rest.list(request, [rest.world.person(number) for number in rest.world.outsiders()])


@route("PUT", "/orgs/{org}/outside_collaborators/{username}")
def _put_outsider(rest: Rest, _: Request, names: Mapping[str, str], __: Any) -> Reply:
    """Convert a member: they keep, as their own, what their teams let them do."""
    world = rest.world
    person = world.number_of(names["username"])
    if person not in world.members:
        return not_found()
    kept: dict[int, str] = {}
    for repository in world.repositories.values():
        levels = [level for kind, level in world.sources(repository, person) if kind != "Organization"]
        if levels:
            kept[repository.id] = max(levels, key=rank)
    world.leave(person)
    for number, level in kept.items():
        world.repositories[number].direct[person] = level
    return Reply(204)


@route("DELETE", "/orgs/{org}/outside_collaborators/{username}")
def _delete_outsider(rest: Rest, _: Request, names: Mapping[str, str], __: Any) -> Reply:
    world = rest.world
    person = world.number_of(names["username"])
    if person in world.members:
        return invalid("You cannot specify an organization member to remove as an outside collaborator.")
    for repository in world.repositories.values():
        repository.direct.pop(person or 0, None)
    return Reply(204)


@route("GET", "/users/{username}")
def _get_user(rest: Rest, _: Request, names: Mapping[str, str], __: Any) -> Reply:
    person = rest.world.number_of(names["username"])
    return Reply(200, rest.world.person(person)) if person is not None else not_found()


@route("GET", "/user/{account_id}")
def _get_user_by_number(rest: Rest, _: Request, names: Mapping[str, str], __: Any) -> Reply:
    number = int(names["account_id"])
    return Reply(200, rest.world.person(number)) if number in rest.world.users else not_found()


def _shown(rest: Rest, team: Team) -> dict[str, Any]:
    parent = rest.world.teams[team.parent] if team.parent is not None else None
    return {
        "id": team.id,
        "slug": team.slug,
        "name": team.slug,
        "description": team.description,
        "privacy": team.privacy,
        "members_count": len(team.members),
        "parent": {"id": parent.id, "slug": parent.slug} if parent else None,
    }


@route("POST", "/orgs/{org}/teams")
def _post_team(rest: Rest, _: Request, __: Mapping[str, str], body: Any) -> Reply:
    world = rest.world
    if world.team(body["name"]):
        return invalid("Name must be unique for this org")
    team = world.teams[world.add_team(body["name"])]
    team.members[world.viewer] = "maintainer"
    team.description, team.privacy = body.get("description") or "", body.get("privacy", "secret")
    return Reply(201, _shown(rest, team))


@route("GET", "/orgs/{org}/teams/{team_slug}")
def _get_team(rest: Rest, _: Request, names: Mapping[str, str], __: Any) -> Reply:
    team = rest.world.team(names["team_slug"])
    return Reply(200, _shown(rest, team)) if team else not_found()


@route("PATCH", "/orgs/{org}/teams/{team_slug}")
def _patch_team(rest: Rest, _: Request, names: Mapping[str, str], body: Any) -> Reply:
    world = rest.world
    team = world.team(names["team_slug"])
    if team is None:
        return not_found()
    if body.get("name", team.slug) != team.slug and world.team(body["name"]):
        return invalid("Name must be unique for this org")
    if body.get("parent_team_id") and team.privacy == "secret":
        return invalid("Secret teams cannot be nested")
    team.slug = body.get("name", team.slug)
    team.description = body.get("description", team.description)
    team.privacy = body.get("privacy", team.privacy)
    team.parent = body.get("parent_team_id", team.parent)
    return Reply(200, _shown(rest, team))


@route("GET", "/orgs/{org}/teams/{team_slug}/members")
def _get_members(rest: Rest, request: Request, names: Mapping[str, str], _: Any) -> Reply:
    team = rest.world.team(names["team_slug"])
    return rest.list(request, [rest.world.person(who) for who in team.members]) if team else not_found()


@route("GET", "/orgs/{org}/teams/{team_slug}/memberships/{username}")
def _get_team_membership(rest: Rest, _: Request, names: Mapping[str, str], __: Any) -> Reply:
    team, person = rest.world.team(names["team_slug"]), rest.world.number_of(names["username"])
    if team is None or person is None:
        return not_found()
    if person in team.members:
        return Reply(200, {"role": rest.world.role_in(team, person), "state": "active"})
    return Reply(200, {"role": team.pending[person], "state": "pending"}) if person in team.pending else not_found()


@route("PUT", "/orgs/{org}/teams/{team_slug}/memberships/{username}")
def _put_team_membership(rest: Rest, _: Request, names: Mapping[str, str], body: Any) -> Reply:
    world, role = rest.world, body.get("role", "member")
    team, person = world.team(names["team_slug"]), world.number_of(names["username"])
    if team is None or person is None:
        return not_found()
    if person in world.members:
        team.members[person] = role
        return Reply(200, {"role": world.role_in(team, person), "state": "active"})
    if world.invitation_of(person) is None:  # GitHub invites whoever is put into a team
        world.invite(person)
    team.pending[person] = role
    return Reply(200, {"role": role, "state": "pending"})


@route("DELETE", "/orgs/{org}/teams/{team_slug}/memberships/{username}")
def _delete_team_membership(rest: Rest, _: Request, names: Mapping[str, str], __: Any) -> Reply:
    team, person = rest.world.team(names["team_slug"]), rest.world.number_of(names["username"])
    if team is None or person is None or (person not in team.members and person not in team.pending):
        return not_found()
    team.members.pop(person, None)
    team.pending.pop(person, None)
    return Reply(204)


@route("GET", "/orgs/{org}/teams/{team_slug}/repos")
def _get_team_repositories(rest: Rest, request: Request, names: Mapping[str, str], _: Any) -> Reply:
    team = rest.world.team(names["team_slug"])
    if team is None:
        return not_found()
    held = rest.world.held(team)
    return rest.list(
        request, [{"id": number, "role_name": _AS_INVITED.get(level, level)} for number, level in held.items()]
    )


@route("PUT", "/orgs/{org}/teams/{team_slug}/repos/{owner}/{repo}")
def _put_team_repository(rest: Rest, _: Request, names: Mapping[str, str], body: Any) -> Reply:
    team, repository = rest.world.team(names["team_slug"]), rest.world.repository(names["repo"])
    if team is None or repository is None:
        return not_found()
    if not rest.may(body.get("permission", "push")):
        return invalid("permission is invalid")
    team.repositories[repository.id] = body.get("permission", "push")
    return Reply(204)


@route("DELETE", "/orgs/{org}/teams/{team_slug}/repos/{owner}/{repo}")
def _delete_team_repository(rest: Rest, _: Request, names: Mapping[str, str], __: Any) -> Reply:
    team, repository = rest.world.team(names["team_slug"]), rest.world.repository(names["repo"])
    if team is None or repository is None:
        return not_found()
    team.repositories.pop(repository.id, None)
    return Reply(204)


@route("GET", "/repos/{owner}/{repo}")
def _get_repository(rest: Rest, _: Request, names: Mapping[str, str], __: Any) -> Reply:
    found = rest.world.repository(names["repo"])
    return Reply(200, {"id": found.id, "name": found.name}) if found else not_found()


@route("PUT", "/repos/{owner}/{repo}/collaborators/{username}")
def _put_collaborator(rest: Rest, _: Request, names: Mapping[str, str], body: Any) -> Reply:
    world, level = rest.world, body.get("permission", "push")
    repository, person = world.repository(names["repo"]), world.number_of(names["username"])
    if repository is None or person is None:
        return not_found()
    if not rest.may(level):
        return invalid("permission is invalid")
    if person in world.members or person in repository.direct:
        repository.direct[person] = level
        return Reply(204)
    number = next((n for n, pair in repository.invitations.items() if pair[0] == person), next(world.things))
    repository.invitations[number] = (person, level)
    return Reply(201, _invited(rest, number, person, level))


@route("DELETE", "/repos/{owner}/{repo}/collaborators/{username}")
def _delete_collaborator(rest: Rest, _: Request, names: Mapping[str, str], __: Any) -> Reply:
    repository, person = rest.world.repository(names["repo"]), rest.world.number_of(names["username"])
    if repository is None or person is None:
        return not_found()
    repository.direct.pop(person, None)
    return Reply(204)


def _invited(rest: Rest, number: int, person: int, level: str) -> dict[str, Any]:
    permissions = _AS_INVITED.get(level, level)
    return {"id": number, "invitee": rest.world.person(person), "permissions": permissions, "expired": False}


@route("GET", "/repos/{owner}/{repo}/invitations")
def _get_repository_invitations(rest: Rest, request: Request, names: Mapping[str, str], _: Any) -> Reply:
    repository = rest.world.repository(names["repo"])
    if repository is None:
        return not_found()
    return rest.list(request, [_invited(rest, number, *pair) for number, pair in repository.invitations.items()])


@route("PATCH", "/repos/{owner}/{repo}/invitations/{invitation_id}")
def _patch_repository_invitation(rest: Rest, _: Request, names: Mapping[str, str], body: Any) -> Reply:
    repository, number = rest.world.repository(names["repo"]), int(names["invitation_id"])
    if repository is None or number not in repository.invitations:
        return not_found()
    level = _FROM_INVITED.get(body["permissions"], body["permissions"])
    repository.invitations[number] = (repository.invitations[number][0], level)
    return Reply(200, _invited(rest, number, *repository.invitations[number]))


@route("DELETE", "/repos/{owner}/{repo}/invitations/{invitation_id}")
def _delete_repository_invitation(rest: Rest, _: Request, names: Mapping[str, str], __: Any) -> Reply:
    repository = rest.world.repository(names["repo"])
    found = repository.invitations.pop(int(names["invitation_id"]), None) if repository else None
    return Reply(204) if found else not_found()
