"""The organization's owners. Source: docs.github.com, "Set organization membership for a user"."""

from providers.github.client import GitHubClient
from providers.github.mapping import OWNER
from providers.github.people import People
from providers.github.receipts import done, failed, settle
from reconciler.provider.change import Change, Operation, Receipt


class RoleWriter:
    """Makes members owners, and owners members: the same request in both directions, so that nobody is out between."""

    def __init__(self, client: GitHubClient, people: People) -> None:
        self._client = client
        self._people = people

    async def perform(self, change: Change) -> Receipt:
        """Do one change of who is an owner.

        Raises:
            TransportError: GitHub refused, or did not answer.
        """
        revoke = change.operation is Operation.REVOKE
        if change.entitlement != OWNER or change.holder_entitlement_id:
            return failed(change, f"GitHub has only {OWNER}, and only people can hold it")
        self._people.forget(change.account_id)
        person = await self._people.by_number(change.account_id, change.username)
        if person is None or not person.state:
            words = f"{change.username or change.account_id} is no member of the organization, and not invited"
            return done(change, words) if revoke else failed(change, words)
        if (person.role == "admin") is not revoke:
            return done(change, "it is so already")
        path = self._client.org("memberships", person.login)
        answer = await self._client.write("PUT", path, {"role": "member" if revoke else "admin"})
        self._people.forget(change.account_id)
        return settle(change, answer)
