"""Changes of users: created or adopted, updated, suspended, reactivated, deleted.

The reference: https://developers.google.com/workspace/admin/directory/reference/rest/v1/users
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from providers.google.client import DIRECTORY, GoogleClient, is_gone, is_there, refusal, segment
from providers.google.config import GoogleConfig
from providers.google.mapping import (
    LISTS,
    USER_FIELDS,
    WRITABLE,
    Addresses,
    external_id,
    new_user,
    outside_address,
    patch_of,
)
from providers.google.receipts import describe, done, failed, gone, refused
from reconciler.errors import AnswerError
from reconciler.items import Value, fold
from reconciler.provider.answer import Answer
from reconciler.provider.change import Change, Receipt

_USERS = f"{DIRECTORY}/users"
_PASSWORD_BYTES = 48
_NOT_FOUND = 404


class AccountWriter:
    """Performs the changes of users.

    Args:
        client: speaks with Google.
        config: how accounts are suspended and known.
        addresses: names of users.
    """

    def __init__(self, client: GoogleClient, config: GoogleConfig, addresses: Addresses) -> None:
        self._client = client
        self._config = config
        self._addresses = addresses

    async def create(self, change: Change) -> Receipt:
        """Make a user with a password that nobody knows; an address that exists already is adopted if it is theirs."""
        address = self._address(change.after)
        if not address:
            return failed(change, f"{describe(change)}: no username and no email with a domain to make an address of")
        identity, type_ = str(change.after.get("external_id") or ""), self._config.external_id_type
        password = secrets.token_urlsafe(_PASSWORD_BYTES)
        body = new_user(address, password, change.after, identity, type_)
        answer = await self._client.send("POST", _USERS, body=body, params={"fields": "id"}, idempotent=True)
        if is_there(answer):
            return await self._adopt(change, address, identity, refusal(answer, describe(change)))
        if not answer.ok:
            return refused(change, answer)
        remote_id = str(answer.decode(dict[str, Any])["id"])
        self._client.remember("users", remote_id, address)
        return await self._conclude_create(change, remote_id)

    async def _conclude_create(self, change: Change, remote_id: str, remark: str = "") -> Receipt:
        wanted = change.after.get("aliases")
        refusals = await self._set_aliases(remote_id, wanted) if isinstance(wanted, tuple) else []
        detail = "; ".join(filter(None, (remark, *refusals)))
        return done(change, detail, remote_id=remote_id)

    def _address(self, values: Mapping[str, Value]) -> str:
        username, email = str(values.get("username") or ""), str(values.get("email") or "")
        wanted = str(values.get("primaryEmail") or "") or username or email
        return next((each for each in (self._addresses.address(wanted), email) if "@" in each), "")

    async def _adopt(self, change: Change, address: str, identity: str, words: str) -> Receipt:
        """Take the user who has an address already, unless it is somebody else's: an earlier try may have landed."""
        self._client.expect(address)
        user = await self._client.get(f"{_USERS}/{segment(address)}", USER_FIELDS)
        if user is None:
            return failed(change, f"{words}; no user has the address: a group has it, or it was deleted a moment ago")
        if fold(str(user["primaryEmail"])) != fold(address):
            return failed(change, f"{words}; it is an alias of {user['primaryEmail']}")
        theirs = external_id(user, self._config.external_id_type)
        if theirs and identity and theirs != identity:
            return failed(change, f"{words}; the account belongs to {theirs}")
        if user.get("suspended") or user.get("archived"):
            return failed(change, f"{words}; it is suspended or archived: plan again to see it")
        return await self._conclude_create(change, str(user["id"]), "it existed already: adopted")

    async def update(self, change: Change) -> Receipt:
        """Set attributes; a part of a list is set in the list as it is now."""
        values = {name: value for name, value in change.after.items() if name in WRITABLE}
        if change.after.get("username"):
            values["primaryEmail"] = self._addresses.address(str(change.after["username"]))
        plain = {name: value for name, value in values.items() if name != "aliases"}
        if plain:
            current = await self._current(change.account_id) if LISTS & plain.keys() else {}
            if current is None:
                return gone(change, change.username)
            answer = await self._set(change, patch_of(plain, current))
            if is_gone(answer) and "orgUnitPath" not in plain:
                return gone(change, change.username)
            if not answer.ok:
                return refused(change, answer)
        if "aliases" in values:
            wanted = values["aliases"]
            refusals = await self._set_aliases(change.account_id, wanted if isinstance(wanted, tuple) else ())
            if refusals:
                return failed(change, "; ".join(refusals))
        return done(change)

    async def _current(self, remote_id: str) -> Mapping[str, Any] | None:
        return await self._client.get(f"{_USERS}/{segment(remote_id)}", "organizations,externalIds,relations")

    async def _set(self, change: Change, body: Mapping[str, Any]) -> Answer:
        """Set parts of a user; users.update leaves the others as they are, and can empty lists, which patch cannot."""
        path = f"{_USERS}/{segment(change.account_id)}"
        return await self._client.send("PUT", path, body=body, params={"fields": "id"})

    async def _set_aliases(self, remote_id: str, wanted: Sequence[str]) -> list[str]:
        """Make the aliases those that are wanted; return what was refused."""
        path = f"{_USERS}/{segment(remote_id)}"
        user = await self._client.get(path, "aliases")
        if user is None:
            return ["the user does not exist any more"]
        present = {fold(str(alias)) for alias in user.get("aliases", ())}
        refusals = []
        for alias in wanted:
            if fold(alias) not in present:
                answer = await self._client.send("POST", f"{path}/aliases", body={"alias": alias}, idempotent=True)
                added = answer.ok or (is_there(answer) and await self._has_alias(path, alias))
                refusals += [] if added else [refusal(answer, f"add the alias {alias}")]
        for alias in sorted(present - {fold(each) for each in wanted}):
            answer = await self._client.send("DELETE", f"{path}/aliases/{segment(alias)}")
            refusals += [] if answer.ok or is_gone(answer) else [refusal(answer, f"remove the alias {alias}")]
        return refusals

    async def _has_alias(self, path: str, alias: str) -> bool:
        """Say whether an alias that is taken is this user's: the answer to a first try may have been lost."""
        user = await self._client.get(path, "aliases")
        return user is not None and fold(alias) in {fold(str(each)) for each in user.get("aliases", ())}

    async def suspend(self, change: Change) -> Receipt:
        """Suspend or archive a user; an outsider is taken out of every group instead."""
        if outside_address(change.account_id):
            return await self._remove_outsider(change)
        answer = await self._set(change, {self._config.suspend_as: True})
        if is_gone(answer):
            return done(change, "not found")
        return done(change) if answer.ok else refused(change, answer)

    async def reactivate(self, change: Change) -> Receipt:
        """Let a user in again, whichever way they were kept out."""
        user = await self._client.get(f"{_USERS}/{segment(change.account_id)}", "archived")
        if user is None:
            return gone(change, change.username)
        body = {"suspended": False} | ({"archived": False} if user.get("archived") else {})
        answer = await self._set(change, body)
        if is_gone(answer):
            return gone(change, change.username)
        return done(change) if answer.ok else refused(change, answer)

    async def delete(self, change: Change) -> Receipt:
        """Delete a user; Google keeps it for 20 days, in which an administrator can restore it."""
        if outside_address(change.account_id):
            return await self._remove_outsider(change)
        self._client.forget("users", change.account_id)
        answer = await self._client.send("DELETE", f"{_USERS}/{segment(change.account_id)}")
        if is_gone(answer):
            return done(change, "not found")
        return done(change) if answer.ok else refused(change, answer)

    async def _remove_outsider(self, change: Change) -> Receipt:
        address = outside_address(change.account_id)
        groups = await self.groups_of(address)
        for group_id in groups:
            path = f"{DIRECTORY}/groups/{segment(group_id)}/members/{segment(address)}"
            answer = await self._client.send("DELETE", path)
            if not (answer.ok or is_gone(answer)):
                return refused(change, answer)
        return done(change, f"no user here: removed from {len(groups)} groups")

    async def groups_of(self, address: str) -> list[str]:
        """Return the ids of the groups that an outsider is in.

        Raises:
            AnswerError: the list could not be read whole.
        """
        params: dict[str, str | int] = {"userKey": address, "maxResults": 200}
        listing = await self._client.lists.every(f"{DIRECTORY}/groups", "groups", "id", params)
        if listing.status == _NOT_FOUND:
            return []
        if not listing.complete:
            raise AnswerError(f"the groups of {address}: {listing.why}", status=listing.status)
        return [str(each["id"]) for each in listing.items]
