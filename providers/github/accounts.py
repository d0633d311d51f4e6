"""Accounts: people are invited, made members or outside collaborators, and removed.

Sources: docs.github.com, REST API endpoints for organization members, outside collaborators, and collaborator
invitations.
"""

from typing import Any

from providers.github.alone import administered_alone
from providers.github.capabilities import ATTRIBUTE
from providers.github.client import GitHubClient
from providers.github.config import GitHubConfig
from providers.github.mapping import INVITATION, MEMBER, OUTSIDE, number_in
from providers.github.people import People, Person
from providers.github.reading import Reader
from providers.github.receipts import NOT_FOUND, done, failed, remove, settle
from reconciler.errors import AnswerError, TransportError
from reconciler.provider.change import Change, Operation, Receipt

_NO_LOGIN = "nobody says which GitHub account it is"


class AccountWriter:
    """Changes who is in the organization.

    Attributes:
        outsiders: numbers of people who are, or will be, outside collaborators.
    """

    def __init__(self, client: GitHubClient, people: People, reader: Reader, config: GitHubConfig) -> None:
        self._client = client
        self._people = people
        self._reader = reader
        self._config = config
        self.outsiders: set[str] = set()

    async def perform(self, change: Change) -> Receipt:
        """Do one change of an account.

        Raises:
            TransportError: GitHub refused, or did not answer.
        """
        match change.operation:
            case Operation.CREATE_ACCOUNT:
                return await self._create(change)
            case Operation.UPDATE_ACCOUNT:
                return await self._update(change)
            case _:
                return await self._remove(change)

    async def _create(self, change: Change) -> Receipt:
        """Invite somebody, never twice."""
        login = str(change.after.get("username") or change.username)
        if "@" in login or not login:
            return await self._invite_address(change)
        person = await self._people.by_login(login)
        if person is None:
            return failed(change, f"GitHub has no account {login}; correct `usernames` of {change.holder}")
        if change.after.get(ATTRIBUTE) == OUTSIDE:
            self.outsiders.add(person.number)
            return done(change, "an outside collaborator is one by repositories", person.number)
        if person.state:
            words = "invited already; not accepted yet" if person.state == "pending" else "a member already"
            return done(change, words, person.number)
        return await self._make_member(change, person)

    async def _make_member(self, change: Change, person: Person) -> Receipt:
        path = self._client.org("memberships", person.login)
        answer = await self._client.write("PUT", path, {"role": MEMBER})
        self._people.forget(person.number)
        answer.raise_for_refusal(f"invite {person.login}")
        state = answer.decode(dict[str, Any]).get("state")
        return done(change, "invited" if state == "pending" else "a member now", person.number)

    async def _invite_address(self, change: Change) -> Receipt:
        """Invite an address, where that is allowed and nobody did."""
        email = str(change.after.get("email") or "")
        if not (self._config.invite_by_email and email):
            return failed(change, f"{_NO_LOGIN}; declare `usernames` of {change.holder}, or say `invite_by_email`")
        if found := await self._invitation_of(email):
            return done(change, "invited already; not accepted yet", found)
        body = {"email": email, "role": "direct_member"}
        try:
            answer = await self._client.write("POST", self._client.org("invitations"), body)
            answer.raise_for_refusal(f"invite {email}")
        except TransportError as error:
            if found := await self._invitation_of(email):
                return done(change, "invited", found)
            if isinstance(error, AnswerError) or error.landed is False:
                raise
            return failed(change, f"{error.message}; no invitation is there")
        return done(change, "invited", f"{INVITATION}{answer.decode(dict[str, Any])['id']}")

    async def _invitation_of(self, email: str) -> str:
        listed = await self._client.pages(self._client.org("invitations"))
        found = (one for one in listed if str(one.get("email") or "").lower() == email.lower())
        return next((f"{INVITATION}{one['id']}" for one in found), "")

    async def _update(self, change: Change) -> Receipt:
        """Make a member of an outside collaborator, or the reverse."""
        if "username" in change.after:
            return failed(change, "a GitHub login is changed by its holder; correct `usernames` in the YAML")
        if change.account_id.startswith(INVITATION):
            return failed(change, "it is only an invitation; it can be changed once it is accepted")
        person = await self._people.by_number(change.account_id, change.username)
        wanted = change.after.get(ATTRIBUTE)
        if person is None:
            return failed(change, f"GitHub has no account with the id {change.account_id} any more")
        if wanted == MEMBER:
            return done(change, "a member already") if person.state else await self._make_member(change, person)
        if wanted == OUTSIDE:
            return await self._make_outsider(change, person)
        return failed(change, f"{ATTRIBUTE} is `{MEMBER}` or `{OUTSIDE}`, not `{wanted}`")

    async def _make_outsider(self, change: Change, person: Person) -> Receipt:
        self.outsiders.add(person.number)
        if not person.state:
            return done(change, "no member already")
        answer = await self._client.write("PUT", self._client.org("outside_collaborators", person.login))
        self._people.forget(person.number)
        return settle(change, answer)

    async def _remove(self, change: Change) -> Receipt:
        """Remove somebody from the organization and all its repositories, and cancel what they are invited to."""
        if change.account_id.startswith(INVITATION):
            path = self._client.org("invitations", number_in(change.account_id))
            return remove(change, await self._client.write("DELETE", path), "the invitation is cancelled")
        person = await self._people.by_number(change.account_id, change.username)
        if person is None:
            return done(change, "the GitHub account is gone")
        words = await self._alone(person.number)
        if person.state:
            path = self._client.org("memberships", person.login)
            remove(change, await self._client.write("DELETE", path))
        self._people.forget(person.number)
        if person.state != "active":  # with a membership, everything that it gave is gone
            path = self._client.org("outside_collaborators", person.login)
            remove(change, await self._client.write("DELETE", path))
        await self._cancel(change, person)
        return done(change, words)

    async def _alone(self, number: str) -> str:
        """Say what only this person administers; never a reason to keep a leaver."""
        harvest = await self._reader.recall()
        if harvest is None:
            return "what only they administered is not known: the organization could not be read"
        found = administered_alone(harvest, int(number))
        return f"administered alone (beside the owners): {', '.join(found)}" if found else ""

    async def _cancel(self, change: Change, person: Person) -> None:
        """Cancel a leaver's invitations to repositories."""
        harvest = self._reader.harvest
        for repository, invitations in self._reader.rest.asked.items():
            for one in invitations:
                if str(one["invitee"]["id"]) == person.number and harvest is not None:
                    name = harvest.repositories[repository].name
                    parts = ("repos", self._client.organization, name, "invitations", one["id"])
                    answer = await self._client.write("DELETE", self._client.path(*parts))
                    if answer.status != NOT_FOUND:
                        settle(change, answer)
