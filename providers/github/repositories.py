"""Repositories: which teams and people may do what in them.

Source: docs.github.com, REST API endpoints for collaborators, collaborator invitations and teams.
"""

from collections.abc import Mapping
from typing import Any

from providers.github.client import GitHubClient
from providers.github.mapping import level_of, slug_of
from providers.github.people import People, Person
from providers.github.reading import Reader
from providers.github.receipts import done, failed, remove, settle
from reconciler.provider.change import Change, Operation, Receipt

_AS_INVITED = {"pull": "read", "push": "write"}
"""What invitations call the levels that everything else calls pull and push."""


class RepositoryWriter:
    """Changes who may do what in repositories.

    Args:
        outsiders: numbers of people who were just declared to be outside collaborators.
    """

    def __init__(self, client: GitHubClient, people: People, reader: Reader, outsiders: set[str]) -> None:
        self._client = client
        self._people = people
        self._reader = reader
        self._outsiders = outsiders

    async def perform(self, change: Change) -> Receipt:
        """Do one change of a repository's permissions.

        Raises:
            TransportError: GitHub refused, or did not answer.
        """
        found = await self._people.repository(slug_of(change.entitlement), change.entitlement_id)
        if found is None:
            words = f"{change.entitlement}: there is no such repository any more, or another one has its name"
            return done(change, words) if change.operation is Operation.REVOKE else failed(change, words)
        if change.holder_entitlement_id:
            return await self._team(change, found["name"])
        return await self._person(change, found["name"])

    async def _team(self, change: Change, name: str) -> Receipt:
        if not change.holder.startswith("team:"):
            return failed(change, f"only a team or a person can hold a repository, not {change.holder}")
        slug, revoke = slug_of(change.holder), change.operation is Operation.REVOKE
        if await self._people.team(slug, change.holder_entitlement_id) is None:
            words = f"{change.holder}: there is no such team any more, or another one has its name"
            return done(change, words) if revoke else failed(change, words)
        path = self._client.org("teams", slug, "repos", self._client.organization, name)
        if revoke:
            return remove(change, await self._client.write("DELETE", path))
        return settle(change, await self._client.write("PUT", path, {"permission": _level(change)}))

    async def _person(self, change: Change, name: str) -> Receipt:
        revoke = change.operation is Operation.REVOKE
        person = await self._people.by_number(change.account_id, change.username)
        if person is None:
            words = f"GitHub has no account with the id {change.account_id} any more"
            return done(change, words) if revoke else failed(change, words)
        if person.state == "active":
            return await self._collaborate(change, name, person)
        return await self._outside(change, name, person)

    async def _collaborate(self, change: Change, name: str, person: Person) -> Receipt:
        path = self._client.path("repos", self._client.organization, name, "collaborators", person.login)
        if change.operation is Operation.REVOKE:
            return remove(change, await self._client.write("DELETE", path))
        answer = await self._client.write("PUT", path, {"permission": _level(change)})
        return settle(change, answer, "invited" if answer.status == _INVITED else "")

    async def _outside(self, change: Change, name: str, person: Person) -> Receipt:
        """Do it for somebody who is no member: invited once, and an invitation is changed or cancelled as such."""
        revoke = change.operation is Operation.REVOKE
        if not revoke and (why := await self._refusal(name, person)):
            return failed(change, why)
        invitations = self._client.path("repos", self._client.organization, name, "invitations")
        listed = await self._client.pages(invitations)
        mine = [one for one in listed if _is_of(one, person) and not one.get("expired")]
        for one in mine:
            path = f"{invitations}/{one['id']}"
            if revoke:
                remove(change, await self._client.write("DELETE", path))
            elif level_of(one["permissions"]) != _level(change):
                permissions = _AS_INVITED.get(_level(change), _level(change))
                settle(change, await self._client.write("PATCH", path, {"permissions": permissions}))
        if mine and not revoke:
            return done(change, "invited already; not accepted yet")
        return await self._collaborate(change, name, person)

    async def _refusal(self, name: str, person: Person) -> str:
        """Return why somebody who is no member may not be invited to a repository, or empty."""
        if not self._reader.invites_to(name):
            state = "has not accepted the invitation to the organization yet" if person.state else "is no member"
            return f"{person.login} {state}; people from outside are invited to what `outside` of the way names"
        if person.state or person.number in self._outsiders:
            return ""
        await self._reader.recall()
        known = {str(number) for number in self._reader.rest.outside}
        known |= {str(one["invitee"]["id"]) for listed in self._reader.rest.asked.values() for one in listed}
        if person.number in known:
            return ""
        return f"{person.login} is no member any more; declare `membership: outside` to invite people from outside"


_INVITED = 201


def _is_of(invitation: Mapping[str, Any], person: Person) -> bool:
    return str((invitation.get("invitee") or {}).get("id", "")) == person.number


def _level(change: Change) -> str:
    return str(change.after.get("level") or "pull")
