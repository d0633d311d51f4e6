"""GitHub's objects ↔ our values. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.items import Value, name_of

LEVELS = ("pull", "triage", "push", "maintain", "admin")
"""A repository's own levels, as the REST API calls them, from the weakest to the strongest."""

TEAM_LEVELS = ("member", "maintainer")
OWNER = "role:owner"
OWNER_ID = "role/owner"
MEMBER, OUTSIDE = "member", "outside"
"""Values of the account attribute `membership`."""

INVITATION = "invitation/"
"""Begins the remote id of an account that is only an invitation to an address."""

_REST = {"read": "pull", "write": "push"}
_FROM_ROLE = {"ADMIN": "owner", "DIRECT_MEMBER": MEMBER}
_SLUG = re.compile(r"[a-z0-9_]+(?:-[a-z0-9_]+)*")


def level_of(role: str) -> str:
    """Return a repository role as the REST API writes it: `READ` and `read` are `pull`; a custom role stays itself."""
    known = role.lower() if role.isupper() else role
    return _REST.get(known, known)


def direct_level(edge: Mapping[str, Any]) -> str | None:
    """Return the level that a repository itself gives to a collaborator, or None where it all comes from elsewhere.

    What a team or the organization's base permission gives is in `permissionSources` too, and is no direct grant.

    Args:
        edge: a `RepositoryCollaboratorEdge`.
    """
    sources = edge.get("permissionSources")
    if not sources:
        return level_of(edge["permission"])
    own = [source for source in sources if (source.get("source") or {}).get("__typename") == "Repository"]
    if not own:
        return None
    roles = [source["roleName"] for source in own if source.get("roleName")]
    if roles:
        return level_of(roles[0])
    level = level_of(edge["permission"] if len(own) == len(sources) else own[0]["permission"])
    return None if level == "none" else level


def team_id(number: int | str) -> str:
    """Return a team's remote id: teams and repositories count on their own, so that numbers alone would meet."""
    return f"team/{number}"


def repository_id(number: int | str) -> str:
    """Return a repository's remote id."""
    return f"repo/{number}"


def number_in(remote_id: str) -> str:
    """Return GitHub's own number in a remote id of ours."""
    return remote_id.rpartition("/")[2]


def is_slug(name: str) -> bool:
    """Say whether a team of this name would get it as its slug too."""
    return bool(_SLUG.fullmatch(name))


def team_attributes(team: Mapping[str, Any]) -> dict[str, Value]:
    """Return what of a team can be kept equal; GraphQL says VISIBLE where REST says closed."""
    privacy = str(team.get("privacy") or "").lower()
    return {
        "description": team.get("description") or "",
        "privacy": {"visible": "closed"}.get(privacy, privacy),
        "display_name": team.get("name") or "",
    }


def team_body(attributes: Mapping[str, Value]) -> dict[str, Value]:
    """Return team attributes as the REST API takes them; what it does not have is left out."""
    return {name: attributes[name] for name in ("description", "privacy") if attributes.get(name) is not None}


def slug_of(key: str) -> str:
    """Return the slug or name in an entitlement's key."""
    return name_of(key)


def inherited(
    held: Mapping[str, Mapping[str, str]], parents: Mapping[str, str], order: Iterable[str]
) -> set[tuple[str, str]]:
    """Return (team, repository) of permissions that a team has only because a team above it has them.

    GitHub lists a parent's repositories with every team below it, and shows the strongest permission. What a child
    holds at no higher level than a team above it is therefore that team's.

    Args:
        held: team → repository → level, as listed.
        parents: team → the team above it.
        order: levels from the weakest to the strongest.
    """
    ranks = {level: rank for rank, level in enumerate(order)}
    found = set()
    for team, repositories in held.items():
        above = _above(team, parents)
        for repository, level in repositories.items():
            theirs = [held[one][repository] for one in above if repository in held.get(one, {})]
            if any(ranks.get(one, -1) >= ranks.get(level, 0) for one in theirs):
                found.add((team, repository))
    return found


def _above(team: str, parents: Mapping[str, str]) -> list[str]:
    """Return the teams above a team, the nearest first."""
    found: list[str] = []
    while (team := parents.get(team, "")) and team not in found:
        found.append(team)
    return found


def invitation_role(role: str) -> str:
    """Return what an invitation makes of somebody: `owner`, `member`, or another role in GitHub's words."""
    return _FROM_ROLE.get(role.upper(), role.lower())
