"""Teams: made, renamed, described, put under another, and who is in them.

Source: docs.github.com, REST API endpoints for teams and team members.
"""

from collections.abc import Mapping
from typing import Any

from providers.github.client import GitHubClient
from providers.github.mapping import is_slug, number_in, slug_of, team_body, team_id
from providers.github.people import People
from providers.github.receipts import done, failed, is_taken, remove, settle
from reconciler.errors import AnswerError, TransportError
from reconciler.provider.change import Change, Operation, Receipt

_OWNER = "an owner of the organization is maintainer of every team anyway; declare the team without a level"
_NOT_THERE = "there is no such team any more, or another one has its name"


class TeamWriter:
    """Changes teams."""

    def __init__(self, client: GitHubClient, people: People) -> None:
        self._client = client
        self._people = people

    async def perform(self, change: Change) -> Receipt:
        """Do one change of a team.

        Raises:
            TransportError: GitHub refused, or did not answer.
        """
        match change.operation:
            case Operation.CREATE_ENTITLEMENT:
                return await self._create(change)
            case Operation.RENAME_ENTITLEMENT:
                return await self._rename(change)
            case Operation.UPDATE_ENTITLEMENT:
                return await self._describe(change)
        if change.holder_entitlement_id:
            return await self._nest(change)
        return await self._member(change)

    async def _create(self, change: Change) -> Receipt:
        """Make an empty team; whoever the token belongs to is put into it by GitHub, and taken out again."""
        slug = slug_of(change.entitlement)
        if not is_slug(slug):
            return failed(change, f"a team is called by its slug: small letters, digits, `-` and `_`, not `{slug}`")
        self._people.forget(self._client.org("teams", slug))
        if there := await self._people.team(slug):
            return done(change, "it is there already", team_id(there["id"]))
        body = {"name": slug, "privacy": "closed", **team_body(change.after)}
        try:
            answer = await self._client.write("POST", self._client.org("teams"), body)
            answer.raise_for_refusal(f"create {change.entitlement}")
        except TransportError as error:
            if isinstance(error, AnswerError) and not is_taken(error):
                raise
            found = await self._people.team(slug)
            if found is None:
                raise
            words = "it is there already" if isinstance(error, AnswerError) else await self._leave(found)
            return done(change, words, team_id(found["id"]))
        made = answer.decode(dict[str, Any])
        return done(change, await self._leave(made), team_id(made["id"]))

    async def _leave(self, team: Mapping[str, Any]) -> str:
        """Take the token's own account out of a team that was just made; return who could not be taken out."""
        if not team.get("members_count", 1):
            return ""
        try:
            listed = await self._client.pages(self._client.org("teams", team["slug"], "members"))
            for one in listed[:1]:
                path = self._client.org("teams", team["slug"], "memberships", one["login"])
                (await self._client.write("DELETE", path)).raise_for_refusal(f"take {one['login']} out")
        except TransportError as error:
            return f"GitHub put whoever made it into it, who is still there: {error.message}"
        return ""

    async def _rename(self, change: Change) -> Receipt:
        told = change.before.get("key") or f"team:{change.before.get('name')}"
        old, new = slug_of(str(told)), slug_of(change.entitlement)
        if not is_slug(new):
            return failed(change, f"a team is called by its slug: small letters, digits, `-` and `_`, not `{new}`")
        self._people.forget(self._client.org("teams", old), self._client.org("teams", new))
        if await self._people.team(new, change.entitlement_id):
            return done(change, "it is called so already")
        if await self._people.team(old, change.entitlement_id) is None:
            return failed(change, f"team:{old}: {_NOT_THERE}")
        answer = await self._client.write("PATCH", self._client.org("teams", old), {"name": new})
        self._people.forget(self._client.org("teams", old), self._client.org("teams", new))
        return settle(change, answer)

    async def _describe(self, change: Change) -> Receipt:
        slug = slug_of(change.entitlement)
        if unknown := set(change.after) - set(team_body(change.after)):
            return failed(
                change, f"of a team only description and privacy can be set, not {', '.join(sorted(unknown))}"
            )
        if await self._people.team(slug, change.entitlement_id) is None:
            return failed(change, f"{change.entitlement}: {_NOT_THERE}")
        return settle(
            change, await self._client.write("PATCH", self._client.org("teams", slug), team_body(change.after))
        )

    async def _nest(self, change: Change) -> Receipt:
        """Put a team under another, or take it out; a team is under one at most."""
        if not change.holder.startswith("team:"):
            return failed(change, f"only a team can be in a team, not {change.holder}")
        slug, revoke = slug_of(change.holder), change.operation is Operation.REVOKE
        path = self._client.org("teams", slug)
        self._people.forget(path)
        child = await self._people.team(slug, change.holder_entitlement_id)
        above = await self._people.team(slug_of(change.entitlement), change.entitlement_id)
        if child is None or above is None:
            gone = change.holder if child is None else change.entitlement
            return done(change, "it is gone already") if revoke else failed(change, f"{gone}: {_NOT_THERE}")
        under = str((child.get("parent") or {}).get("id") or "") == number_in(change.entitlement_id)
        if under is not revoke:
            return done(change, "it is so already")
        answer = await self._client.write("PATCH", path, {"parent_team_id": None if revoke else above["id"]})
        self._people.forget(path)
        return settle(change, answer)

    async def _member(self, change: Change) -> Receipt:
        """Put somebody into a team, change their level, or take them out."""
        slug, revoke = slug_of(change.entitlement), change.operation is Operation.REVOKE
        person = await self._people.by_number(change.account_id, change.username)
        if person is None:
            words = f"GitHub has no account with the id {change.account_id} any more"
            return done(change, words) if revoke else failed(change, words)
        if await self._people.team(slug, change.entitlement_id) is None:
            words = f"{change.entitlement}: {_NOT_THERE}"
            return done(change, words) if revoke else failed(change, words)
        path = self._client.org("teams", slug, "memberships", person.login)
        if revoke:
            return remove(change, await self._client.write("DELETE", path))
        if not person.state:
            return failed(change, f"{person.login} is no member of the organization, and not invited")
        level = str(change.after.get("level") or "member")
        words = _OWNER if person.role == "admin" else ""
        if words and level != "member" and change.operation is Operation.SET_LEVEL:
            return failed(change, words)
        return settle(change, await self._client.write("PUT", path, {"role": level}), words)
