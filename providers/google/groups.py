"""Changes of groups and of who is in them.

The reference: https://developers.google.com/workspace/admin/directory/reference/rest/v1/groups and …/members
"""

from collections.abc import Mapping
from typing import Any

from providers.google.client import DIRECTORY, GoogleClient, is_gone, is_there, refusal, segment
from providers.google.mapping import Addresses, level_of, outside_address, role_of
from providers.google.receipts import describe, done, failed, gone, refused
from reconciler.items import fold, name_of
from reconciler.provider.answer import Answer
from reconciler.provider.change import Change, Receipt

_GROUPS = f"{DIRECTORY}/groups"
_TEXTS = ("name", "description")


class GroupWriter:
    """Performs the changes of groups.

    Args:
        client: speaks with Google.
        addresses: names of groups.
    """

    def __init__(self, client: GoogleClient, addresses: Addresses) -> None:
        self._client = client
        self._addresses = addresses

    async def create(self, change: Change) -> Receipt:
        """Make a group; one that exists under the address is adopted."""
        address = self._addresses.address(name_of(change.entitlement))
        if "@" not in address:
            return failed(change, f"{describe(change)}: {address} is no address; say `domain:` or write it whole")
        body = {"email": address, "name": name_of(change.entitlement)}
        body |= {name: str(change.after[name]) for name in _TEXTS if change.after.get(name)}
        answer = await self._client.send("POST", _GROUPS, body=body, params={"fields": "id"}, idempotent=True)
        if is_there(answer):
            return await self._adopt(change, address, answer)
        if not answer.ok:
            return refused(change, answer)
        remote_id = str(answer.decode(dict[str, Any])["id"])
        self._client.remember("groups", remote_id, address)
        return done(change, remote_id=remote_id)

    async def _adopt(self, change: Change, address: str, answer: Answer) -> Receipt:
        self._client.expect(address)
        group = await self._client.get(f"{_GROUPS}/{segment(address)}", "id,email")
        words = refusal(answer, describe(change))
        if group is None:
            return failed(change, f"{words}; no group has the address: a user has it, or it was deleted a moment ago")
        if fold(str(group["email"])) != fold(address):
            return failed(change, f"{words}; it is an alias of {group['email']}")
        return done(change, "it existed already", remote_id=str(group["id"]))

    async def rename(self, change: Change) -> Receipt:
        """Give a group another address; Google keeps the old one as an alias."""
        return await self._patch(change, {"email": self._addresses.address(name_of(change.entitlement))})

    async def update(self, change: Change) -> Receipt:
        """Set a group's display name and description."""
        return await self._patch(change, {name: change.after[name] or "" for name in _TEXTS if name in change.after})

    async def _patch(self, change: Change, body: Mapping[str, Any]) -> Receipt:
        path = f"{_GROUPS}/{segment(change.entitlement_id)}"
        answer = await self._client.send("PATCH", path, body=body, params={"fields": "id"}, idempotent=True)
        if is_gone(answer):
            return gone(change, change.entitlement)
        return done(change, remote_id=change.entitlement_id) if answer.ok else refused(change, answer)

    async def grant(self, change: Change) -> Receipt:
        """Add a member at a level; who is one already is set to the level.

        A member is added by address (members.insert), which is looked up by id right before: whoever got a recycled
        address is not given what was meant for somebody else.
        """
        address = await self._address_of_holder(change)
        if not address:
            return gone(change, change.username or change.holder)
        body = {"email": address, "role": role_of(change.after.get("level"))}
        answer = await self._client.send("POST", self._members(change), body=body, idempotent=True)
        if is_there(answer):
            return await self._settle(change)
        if not answer.ok:
            return refused(change, answer)
        added, wanted = str(answer.decode(dict[str, Any]).get("id", "")), self._key(change)
        if added and wanted not in {added, address}:
            await self._client.send("DELETE", f"{self._members(change)}/{segment(added)}")
            return failed(change, f"{describe(change)}: {address} became somebody else's; taken out again")
        return done(change)

    async def _address_of_holder(self, change: Change) -> str:
        """Return the address that a holder has now, or empty."""
        if outside := outside_address(change.account_id):
            return outside
        group = change.holder_entitlement_id
        path = f"{_GROUPS}/{segment(group)}" if group else f"{DIRECTORY}/users/{segment(change.account_id)}"
        field = "email" if group else "primaryEmail"
        found = await self._client.get(path, field)
        return str(found[field]) if found else ""

    async def _settle(self, change: Change) -> Receipt:
        """Give somebody who is a member already the level that is wanted."""
        wanted = role_of(change.after.get("level")).lower()
        member = await self._client.get(f"{self._members(change)}/{segment(self._key(change))}", "role")
        if member is not None and level_of(member) == wanted:
            return done(change, "already a member")
        return await self.set_level(change)

    async def set_level(self, change: Change) -> Receipt:
        """Change a member's role in place."""
        path = f"{self._members(change)}/{segment(self._key(change))}"
        body = {"role": role_of(change.after.get("level"))}
        answer = await self._client.send("PATCH", path, body=body, params={"fields": "role"}, idempotent=True)
        if is_gone(answer):
            return gone(change, f"{change.username or change.holder} as a member of {change.entitlement}")
        return done(change) if answer.ok else refused(change, answer)

    async def revoke(self, change: Change) -> Receipt:
        """Take a member out."""
        answer = await self._client.send("DELETE", f"{self._members(change)}/{segment(self._key(change))}")
        if is_gone(answer):
            return done(change, "not a member")
        return done(change) if answer.ok else refused(change, answer)

    def _members(self, change: Change) -> str:
        return f"{_GROUPS}/{segment(change.entitlement_id)}/members"

    def _key(self, change: Change) -> str:
        """Return what a member is known by: an id, which no one else ever gets; an outsider's address."""
        return change.holder_entitlement_id or outside_address(change.account_id) or change.account_id
