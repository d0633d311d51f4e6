"""The people of a top-level group: added or invited, and removed from it and everything below.

Sources: https://docs.gitlab.com/api/group_members/, https://docs.gitlab.com/api/invitations/
"""

from typing import Any

from providers.gitlab.client import REMOVING, GitLabClient
from providers.gitlab.config import GitLabConfig
from providers.gitlab.harvest import Place
from providers.gitlab.mapping import INVITATION, LEVELS, status_of, to_invited
from providers.gitlab.members import invited
from providers.gitlab.reading import Reader
from providers.gitlab.receipts import CONFLICT, done, failed, look_after, settle
from reconciler.errors import TransportError
from reconciler.items import fold
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.snapshot import LiveAccount

_SOMEBODY = "if the address is that of a GitLab user who is there already, declare `usernames`"


class PeopleWriter:
    """Changes who is in the top-level group.

    Args:
        client: asks.
        reader: knows where somebody is a member.
        config: names the group, and says as what people join it.
    """

    def __init__(self, client: GitLabClient, reader: Reader, config: GitLabConfig) -> None:
        self._client = client
        self._reader = reader
        self._root = str(config.group)
        self._base = LEVELS[config.joins_as]

    async def perform(self, change: Change) -> Receipt:
        """Do one change of an account.

        Raises:
            TransportError: GitLab refused, or did not answer.
        """
        if change.operation is Operation.CREATE_ACCOUNT:
            username = str(change.after.get("username") or change.username)
            return await (self._invite(change) if "@" in username or not username else self._add(change, username))
        return await self._remove(change)

    async def describe(self, id_: str) -> LiveAccount | None:
        """Read somebody; None for whoever is a direct member of nothing in the group.

        Raises:
            TransportError: it could not be read.
        """
        if id_.startswith(INVITATION):
            email = id_.removeprefix(INVITATION)
            return to_invited(email) if await self._invitation(email) else None
        member = await self._member(id_) or await self._below(id_)
        if member is None:
            return None
        return LiveAccount(
            id_, str(member["username"]), str(member.get("email") or ""), status=status_of(member["state"])
        )

    async def _below(self, number: str) -> dict[str, Any] | None:
        """Look for somebody where they were a member at the last read; GitLab has no other way to ask for it.

        Raises:
            TransportError: that read was not whole, so that nobody can say they are nowhere.
        """
        harvest = await self._reader.recall()
        for place in harvest.held_by(int(number)) if harvest else ():
            path = self._client.path(f"{place.kind}s", place.number, "members", number)
            if found := await self._client.find(path):
                return found
        whole = harvest is not None and not {"group", "project"} & set(harvest.problems)
        if harvest is None or not whole or any(place.unread for place in harvest.every_place()):
            raise TransportError(f"whether {number} is a member of anything in {self._root} cannot be told")
        return None

    async def _member(self, number: str) -> dict[str, Any] | None:
        return await self._client.find(self._client.path("groups", self._root, "members", number))

    async def _add(self, change: Change, username: str) -> Receipt:
        """Add a GitLab account that is there already."""
        listed = await self._client.pages(self._client.path("users"), username=username)
        found = next((one for one in listed if fold(str(one["username"])) == fold(username)), None)
        if found is None:
            return failed(change, f"GitLab has no user {username}; correct `usernames` of {change.holder}")
        number = str(found["id"])
        body = {"user_id": int(number), "access_level": self._base}

        async def send() -> Receipt:
            answer = await self._client.write("POST", self._client.path("groups", self._root, "members"), body)
            words = "a member already" if answer.status == CONFLICT else ""
            return done(change, words, number) if words else _named(settle(change, answer), number)

        async def is_true() -> bool:
            return await self._member(number) is not None

        return _named(await look_after(change, send, is_true), number)

    async def _invite(self, change: Change) -> Receipt:
        """Invite an address, once."""
        email = str(change.after.get("email") or "").lower()
        if not email:
            return failed(change, f"nobody says which GitLab user it is; declare `usernames` of {change.holder}")
        if await self._invitation(email):
            return done(change, "invited already; not accepted yet", f"{INVITATION}{email}")

        async def send() -> Receipt:
            body = {"email": email, "access_level": self._base}
            answer = await self._client.write("POST", self._client.path("groups", self._root, "invitations"), body)
            receipt = invited(change, answer)
            if receipt.outcome is Outcome.FAILED:
                return failed(change, f"{receipt.detail}; {_SOMEBODY} of {change.holder}")
            return receipt

        async def is_true() -> bool:
            return await self._invitation(email) is not None

        return _named(await look_after(change, send, is_true), f"{INVITATION}{email}")

    async def _invitation(self, email: str) -> dict[str, Any] | None:
        listed = await self._client.pages(self._client.path("groups", self._root, "invitations"), query=email)
        return next((one for one in listed if str(one.get("invite_email")).lower() == email), None)

    async def _remove(self, change: Change) -> Receipt:
        """Take somebody out of the group, and of every group and project below that has them itself."""
        harvest = await self._reader.recall()
        if harvest is None:
            return failed(change, f"what of {self._root} they are a member of is not known: it could not be read")
        email = change.account_id.removeprefix(INVITATION)
        invitation = email != change.account_id
        places = harvest.invited_to(email) if invitation else harvest.held_by(int(change.account_id))
        kept = [f"{place.key}: {words}" for place in places if (words := await self._leave(change, place, invitation))]
        if kept:
            return failed(change, "; ".join(kept))
        return done(change, f"taken out of {len(places)}" if places else "it is gone already")

    async def _leave(self, change: Change, place: Place, invitation: bool) -> str:
        """Take somebody out of one group or project; return why not, or nothing."""
        who = change.account_id.removeprefix(INVITATION)
        path = self._client.path(f"{place.kind}s", place.number, "invitations" if invitation else "members", who)

        async def send() -> Receipt:
            return settle(change, await self._client.write("DELETE", path, rate=REMOVING.name), gone=True)

        async def is_true() -> bool:
            return not invitation and await self._client.find(path) is None

        receipt = await look_after(change, send, is_true)
        return "" if receipt.outcome is Outcome.DONE else receipt.detail


def _named(receipt: Receipt, remote_id: str) -> Receipt:
    """Return a receipt of an account with its id."""
    return Receipt(receipt.change, receipt.outcome, receipt.detail, remote_id)
