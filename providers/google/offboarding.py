"""What is done for somebody who leaves: signed out everywhere, tokens taken back, files handed over.

The reference: https://developers.google.com/workspace/admin/directory/reference/rest/v1/users/signOut, …/tokens, …/asps
and https://developers.google.com/workspace/admin/data-transfer/reference/rest/v1/transfers
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from providers.google.client import DIRECTORY, TRANSFERS, GoogleClient, is_gone, refusal, segment
from providers.google.config import GoogleConfig
from providers.google.listing import Listing
from providers.google.mapping import outside_address
from providers.google.receipts import describe, done, failed, gone, refused
from reconciler.errors import AnswerError
from reconciler.provider.answer import Answer
from reconciler.provider.change import Change, Outcome, Receipt

_NAMES = {"drive": "Drive and Docs", "calendar": "Calendar"}
_PARAMETERS: Mapping[str, list[dict[str, Any]]] = {
    "drive": [{"key": "PRIVACY_LEVEL", "value": ["PRIVATE", "SHARED"]}],
    "calendar": [{"key": "RELEASE_RESOURCES", "value": ["TRUE"]}],
}
"""All of Drive, shared or not; rooms that were booked are set free (data-transfer/v1/parameters)."""

_ENDED = frozenset({"completed", "failed"})
_RECENT = timedelta(days=30)
_FIRST_LOOK, _LONGEST_PAUSE = 2.0, 15.0
_NOT_FOUND = 404
_FIELDS = "id,requestTime,overallTransferStatusCode,applicationDataTransfers(applicationId,applicationTransferStatus)"


class Offboarder:
    """Performs the steps of offboarding that are neither suspension nor licences.

    Args:
        client: speaks with Google.
        config: what is handed over, and for how long that is waited for.
        now: the moment of the run.

    Attributes:
        unsettled: the ids of those whose files this run was to hand over and has not: their licences stay meanwhile.
    """

    def __init__(self, client: GoogleClient, config: GoogleConfig, now: datetime) -> None:
        self._client = client
        self._config = config
        self._now = now
        self.unsettled: set[str] = set()

    async def end_sessions(self, change: Change) -> Receipt:
        """Sign a user out everywhere, and take back the tokens and passwords that apps have."""
        if outside_address(change.account_id):
            return done(change, "no user here: there are no sessions of ours")
        user = f"{DIRECTORY}/users/{segment(change.account_id)}"
        answer = await self._client.send("POST", f"{user}/signOut", idempotent=True)
        if is_gone(answer):
            return done(change, "not found")
        if not answer.ok:
            return refused(change, answer)
        tokens, left = await self._take_back(f"{user}/tokens", "clientId")
        passwords, more = await self._take_back(f"{user}/asps", "codeId")
        if left or more:
            return failed(change, f"{describe(change)}: signed out, but: {'; '.join([*left, *more])}")
        return done(change, f"{tokens} apps and {passwords} app passwords lost their access")

    async def _take_back(self, path: str, key: str) -> tuple[int, list[str]]:
        """Delete everything in a list; return how many were in it, and what was refused: one refusal saves no other."""
        listing = await self._client.lists.single(path, "items", key, {})
        if not listing.complete:
            return 0, [] if listing.status == _NOT_FOUND else [listing.why]
        refusals = []
        for each in listing.items:
            answer = await self._client.send("DELETE", f"{path}/{segment(str(each[key]))}")
            if not (answer.ok or is_gone(answer)):
                refusals.append(refusal(answer, f"take back {each[key]}"))
        return len(listing.items), refusals

    async def revoke_token(self, change: Change) -> Receipt:
        """Take back what one app was let into (tokens.delete)."""
        path = f"{DIRECTORY}/users/{segment(change.account_id)}/tokens/{segment(change.entitlement_id)}"
        answer = await self._client.send("DELETE", path)
        if is_gone(answer):
            return done(change, "not there")
        return done(change) if answer.ok else refused(change, answer)

    async def transfer_files(self, change: Change) -> Receipt:
        """Hand over Drive and Calendar, and wait for it; what takes longer is found by the next run.

        A transfer between the two that is under way, or was completed in the last 30 days, is not asked for again.
        """
        if outside_address(change.account_id):
            return done(change, "no user here: there are no files of ours")
        self.unsettled.add(change.account_id)
        receipt = await self._hand_over(change)
        if receipt.outcome is Outcome.DONE:
            self.unsettled.discard(change.account_id)
        return receipt

    async def _hand_over(self, change: Change) -> Receipt:
        heir = await self._heir(change)
        if not heir:
            return failed(change, f"{describe(change)}: {change.after.get('to') or 'nobody'} has no account here")
        found = await self._known_transfer(change.account_id, heir)
        if found is None:
            parts, missing = await self._parts()
            if missing:
                words = (
                    f"Google lists nothing of the name {', '.join(missing)} to hand over; leave it out of `transfer`"
                )
                return failed(change, f"{describe(change)}: {words}")
            answer = await self._insert(change.account_id, heir, parts)
            if is_gone(answer):
                return gone(change, change.username)
            if not answer.ok:
                return refused(change, answer)
            found = answer.decode(dict[str, Any])
        return await self._follow(change, found)

    async def _heir(self, change: Change) -> str:
        """Return the id of whoever gets the files: an account of the YAML's, or an address that is written there."""
        given, to = str(change.after.get("to_account") or ""), str(change.after.get("to") or "")
        if given and not outside_address(given):
            return given
        user = await self._client.get(f"{DIRECTORY}/users/{segment(to)}", "id") if "@" in to else None
        return str(user["id"]) if user else ""

    async def _known_transfer(self, old: str, new: str) -> Mapping[str, Any] | None:
        params: dict[str, str | int] = {"oldOwnerUserId": old, "newOwnerUserId": new, "maxResults": 500}
        listing = await self._client.lists.every(f"{TRANSFERS}/transfers", "dataTransfers", _FIELDS, params)
        for each in _whole(listing, "transfers"):
            status, age = _status(each), self._now - _instant(str(each.get("requestTime", "")), self._now)
            if status not in _ENDED or (status == "completed" and age < _RECENT):
                return each
        return None

    async def _parts(self) -> tuple[list[dict[str, Any]], list[str]]:
        """Return what is to be handed over, and the names of what Google does not know."""
        path, params = f"{TRANSFERS}/applications", {"maxResults": 500}
        listing = await self._client.lists.every(path, "applications", "id,name", params)
        ids = {str(each.get("name")): str(each["id"]) for each in _whole(listing, "applications")}
        wanted = [(_NAMES[name], _PARAMETERS[name]) for name in self._config.transfer]
        parts: list[dict[str, Any]] = [
            {"applicationId": ids[name], "applicationTransferParams": parameters}
            for name, parameters in wanted
            if name in ids
        ]
        return parts, [name for name, _ in wanted if name not in ids]

    async def _insert(self, old: str, new: str, parts: list[dict[str, Any]]) -> Answer:
        body = {"oldOwnerUserId": old, "newOwnerUserId": new, "applicationDataTransfers": parts}
        path, params = f"{TRANSFERS}/transfers", {"fields": _FIELDS}
        return await self._client.send("POST", path, body=body, params=params, idempotent=False)

    async def _follow(self, change: Change, transfer: Mapping[str, Any]) -> Receipt:
        """Look until a transfer has ended, or for as long as was agreed."""
        until, pause = self._client.now() + self._config.transfer_wait, _FIRST_LOOK
        remote_id = str(transfer["id"])
        while _status(transfer) not in _ENDED:
            if self._client.now() + pause > until:
                words = f"{describe(change)}: still under way as {remote_id}; the next run looks again"
                return Receipt(change, Outcome.UNKNOWN, words)
            await self._client.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)
            transfer = await self._client.get(f"{TRANSFERS}/transfers/{segment(remote_id)}", _FIELDS) or {}
        if _status(transfer) == "completed":
            return done(change, f"transfer {remote_id}")
        failures = [
            str(each.get("applicationId"))
            for each in transfer.get("applicationDataTransfers", ())
            if str(each.get("applicationTransferStatus", "")).lower() == "failed"
        ]
        return failed(change, f"{describe(change)}: transfer {remote_id} failed for {', '.join(failures) or 'all'}")


def _status(transfer: Mapping[str, Any]) -> str:
    return str(transfer.get("overallTransferStatusCode", "")).lower()


def _whole(listing: Listing, what: str) -> list[Mapping[str, Any]]:
    """Return a list that is whole.

    Raises:
        AnswerError: it is not.
    """
    if not listing.complete:
        raise AnswerError(f"the list of {what}: {listing.why}", status=listing.status)
    return listing.items


def _instant(text: str, default: datetime) -> datetime:
    """Return an instant as Google writes it (RFC 3339)."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return default
    return found if found.tzinfo else found.replace(tzinfo=default.tzinfo)
