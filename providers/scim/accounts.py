"""Changes of accounts: created or adopted, updated, suspended, reactivated, deleted; each ends in a receipt."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from providers.scim.client import ScimClient, refusal
from providers.scim.editing import Edit, Edited, Editor, Ending
from providers.scim.lookup import Lookup
from providers.scim.mapping import Attributes, read, write
from providers.scim.patch import ACTIVE
from providers.scim.paths import USER, NameTable
from providers.scim.resources import User, parse_user
from reconciler.errors import TransportError
from reconciler.items import Value, fold
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.transport import Answer

_SPECIAL = ("username", "email", "external_id")
_LOOKED_UP = {"userName": "username", "externalId": "external_id", "id": "external_id", "emails.value": "email"}


class AccountWriter:
    """Performs the changes of accounts.

    Args:
        client: speaks with the server.
        lookup: finds accounts.
        editor: changes them.
        names: what users call their attributes.
    """

    def __init__(self, client: ScimClient, lookup: Lookup, editor: Editor, names: NameTable) -> None:
        self._client = client
        self._lookup = lookup
        self._editor = editor
        self._names = names
        self._dialect = client.dialect
        self._dropped = {names.key(name) for name in client.dialect.dropped}

    async def perform(self, change: Change) -> Receipt:
        """Do one change of an account."""
        performers: dict[Operation, Callable[[Change], Awaitable[Receipt]]] = {
            Operation.CREATE_ACCOUNT: self._create,
            Operation.UPDATE_ACCOUNT: self._update,
            Operation.SUSPEND_ACCOUNT: self._delete if self._dialect.suspend == "delete" else self._suspend,
            Operation.REACTIVATE_ACCOUNT: self._reactivate,
            Operation.DELETE_ACCOUNT: self._delete,
        }
        performer = performers.get(change.operation)
        if performer is None:
            return Receipt(change, Outcome.FAILED, f"SCIM cannot {change.operation}")
        return await performer(change)

    async def _create(self, change: Change) -> Receipt:
        wanted = self._wanted(change)
        if not wanted["username"]:
            return Receipt(change, Outcome.FAILED, f"create {change.holder}: no username, and no email to use as one")
        body, left_out = self._body(change, wanted)
        missing = [name for name in self._dialect.required if not self._has(body, name)]
        if missing:
            said = f"create {wanted['username']}: {self._dialect.name} requires {', '.join(missing)}"
            return Receipt(change, Outcome.FAILED, f"{said}: map it in `accounts.attributes`")
        receipt = await self._post(change, body, wanted)
        if left_out and receipt.outcome is Outcome.DONE:
            said = f"not sent, since {self._dialect.name} has no such attribute: {', '.join(left_out)}"
            return Receipt(change, receipt.outcome, "; ".join(filter(None, (receipt.detail, said))), receipt.remote_id)
        return receipt

    async def _post(self, change: Change, body: Mapping[str, Any], wanted: Mapping[str, str]) -> Receipt:
        """Create; where the answer was lost, look before creating again, and give up rather than guess."""
        error = TransportError("")
        for _ in range(2):
            try:
                answer = await self._client.create("Users", body)
                return await self._conclude_create(change, answer, wanted)
            except TransportError as lost:
                if lost.landed is False:
                    return Receipt(change, Outcome.FAILED, f"create {wanted['username']}: {lost.message}")
                error = lost
            try:
                found = await self._find(wanted, exists=False)
            except TransportError:
                return Receipt(change, Outcome.UNKNOWN, f"create {wanted['username']}: {error.message}")
            if found:
                return self._adopt(change, found, wanted, "the answer was lost")
        return Receipt(change, Outcome.UNKNOWN, f"create {wanted['username']}: {error.message}")

    async def _conclude_create(self, change: Change, answer: Answer, wanted: Mapping[str, str]) -> Receipt:
        what = f"create {wanted['username']}"
        if self._client.means(answer, "conflict"):
            return await self._adopt_existing(change, answer, wanted)
        if not answer.ok:
            return Receipt(change, Outcome.FAILED, refusal(answer, what))
        user = parse_user(answer.content)
        if not user.id:
            found = await self._find_quietly(wanted)
            if len(found) != 1:
                return Receipt(change, Outcome.DONE, f"the app answered {answer.status} without an id")
            user = found[0]
        return Receipt(change, Outcome.DONE, remote_id=user.id)

    async def _adopt_existing(self, change: Change, answer: Answer, wanted: Mapping[str, str]) -> Receipt:
        """The app says that there is such an account: find it, and take it only if it is the one that is meant."""
        words = refusal(answer, f"create {wanted['username']}")
        try:
            found = await self._find(wanted, exists=True)
        except TransportError as error:
            return Receipt(change, Outcome.FAILED, f"{words}; {error.message}")
        if not found:
            return Receipt(change, Outcome.FAILED, f"{words}; it is not among the accounts that SCIM shows")
        return self._adopt(change, found, wanted, "it existed already")

    def _adopt(self, change: Change, found: list[User], wanted: Mapping[str, str], remark: str) -> Receipt:
        name = wanted["username"]
        if len(found) > 1:
            return Receipt(change, Outcome.FAILED, f"create {name}: {len(found)} accounts match; none was adopted")
        user = found[0]
        other = _other_person(user, wanted)
        if other:
            return Receipt(change, Outcome.FAILED, f"create {name}: {name} belongs to somebody else: {other}")
        if user.active is False:
            return Receipt(
                change, Outcome.FAILED, f"create {name}: it exists and is suspended ({user.id}); plan again to see it"
            )
        return Receipt(change, Outcome.DONE, f"{remark}: adopted", remote_id=user.id)

    async def _find(self, wanted: Mapping[str, str], *, exists: bool) -> list[User]:
        """Look an account up by the dialect's attributes, in their order."""
        for attribute in self._dialect.lookup:
            found = await self._lookup.users(attribute, wanted[_LOOKED_UP[attribute]], exists=exists)
            if found:
                return found
        return []

    async def _find_quietly(self, wanted: Mapping[str, str]) -> list[User]:
        try:
            return await self._find(wanted, exists=True)
        except TransportError:
            return []

    def _wanted(self, change: Change) -> dict[str, str]:
        """Return by what a new account is known: username, email and external id, each perhaps empty."""
        after = change.after
        email = _text(after.get("email") or after.get("person.email"))
        username = _text(after.get("username") or after.get("person.username")) or email
        return {"username": username, "email": email, "external_id": _text(after.get("external_id"))}

    def _body(self, change: Change, wanted: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
        """Return the new resource, and the names of what could not be sent."""
        body: dict[str, Any] = {"schemas": [USER], "userName": wanted["username"], "active": True}
        values = self._initial(change, wanted) | {
            name: value
            for name, value in change.after.items()
            if name not in _SPECIAL and not name.startswith("person.") and value not in (None, "")
        }
        left_out = [name for name in values if self._names.key(name) in self._dropped]
        for name, value in values.items():
            if name not in left_out:
                write(body, self._names.path(name), value)
        for name, default in self._dialect.required.items():
            if default and not self._has(body, name):
                text = default.replace("{username}", wanted["username"]).replace("{email}", wanted["email"])
                write(body, self._names.path(name), text)
        mapped = [name for name in left_out if name in change.after]
        return body, mapped

    def _has(self, body: Mapping[str, Any], name: str) -> bool:
        return read(body, self._names.path(name)) not in (None, "", [])

    def _initial(self, change: Change, wanted: Mapping[str, str]) -> dict[str, Value]:
        """Return what a new account starts with, as far as the dialect sends it."""
        person = {name.removeprefix("person."): value for name, value in change.after.items() if value}
        starts: dict[str, dict[str, Value]] = {
            "name": {
                "name.givenName": person.get("given_name"),
                "name.familyName": person.get("family_name"),
                "name.formatted": person.get("name"),
            },
            "display_name": {"displayName": person.get("name")},
            "email": {"emails": wanted["email"]},
            "external_id": {"externalId": wanted["external_id"]},
            "title": {"title": person.get("title")},
            "department": {"department": person.get("department")},
        }
        chosen = [values for name, values in starts.items() if name in self._dialect.initial]
        return {name: value for values in chosen for name, value in values.items() if value not in (None, "")}

    async def _update(self, change: Change) -> Receipt:
        what = f"update {change.username or change.holder}"
        dropped = [name for name in change.after if self._names.key(name) in self._dropped]
        if dropped:
            said = f"{what}: {self._dialect.name} has no attribute {', '.join(dropped)}"
            return Receipt(change, Outcome.FAILED, said)
        values = {self._names.path(name): value for name, value in change.after.items()}
        before = {self._names.path(name): value for name, value in change.before.items()}
        edit = Edit(
            "Users",
            change.account_id,
            values,
            f"{what}: {', '.join(change.after)}",
            version=change.version,
            holds=lambda resource: self._moved(change, resource),
            before=before,
        )
        return self._receipt(change, await self._editor.apply(edit), gone_is_done=False)

    def _moved(self, change: Change, resource: Mapping[str, Any]) -> str:
        """Say what is no longer as the change relied on, where somebody changed the account meanwhile."""
        now = Attributes(msgspec.json.encode(resource), self._names)
        moved = [
            f"{name} is {now.get(name)!r}"
            for name, value in change.before.items()
            if name != "status" and now.get(name) != value and now.get(name) != change.after.get(name)
        ]
        return ", ".join(moved)

    async def _suspend(self, change: Change) -> Receipt:
        return await self._set_active(change, active=False)

    async def _reactivate(self, change: Change) -> Receipt:
        return await self._set_active(change, active=True)

    async def _set_active(self, change: Change, *, active: bool) -> Receipt:
        what = f"{change.operation.partition(' ')[0]} {change.username or change.holder}"
        edit = Edit(
            "Users", change.account_id, {ACTIVE: active}, what, version=change.version, before={ACTIVE: not active}
        )
        return self._receipt(change, await self._editor.apply(edit), gone_is_done=not active)

    async def _delete(self, change: Change) -> Receipt:
        what = f"delete {change.username or change.holder}"
        try:
            answer = await self._client.send("DELETE", "Users", change.account_id, idempotent=True)
            if self._client.needs_version(answer) or self._client.is_stale(answer):
                answer = await self._delete_this_version(change)
        except TransportError as error:
            if error.landed is False:
                return Receipt(change, Outcome.FAILED, f"{what}: {error.message}")
            return await self._look_after_delete(change, f"{what}: {error.message}")
        if self._client.means(answer, "absent"):
            return Receipt(change, Outcome.DONE, "not found")
        if not answer.ok:
            return Receipt(change, Outcome.FAILED, refusal(answer, what))
        return Receipt(change, Outcome.DONE)

    async def _delete_this_version(self, change: Change) -> Answer:
        now = await self._client.get("Users", change.account_id)
        version = (now.etag or parse_user(now.content).version) if now.ok else ""
        return await self._client.send("DELETE", "Users", change.account_id, version=version, idempotent=True)

    async def _look_after_delete(self, change: Change, words: str) -> Receipt:
        try:
            answer = await self._client.get("Users", change.account_id)
        except TransportError:
            return Receipt(change, Outcome.UNKNOWN, words)
        if self._client.means(answer, "absent"):
            return Receipt(change, Outcome.DONE, "the answer was lost; it is gone")
        return Receipt(change, Outcome.FAILED if answer.ok else Outcome.UNKNOWN, words)

    def _receipt(self, change: Change, edited: Edited, *, gone_is_done: bool) -> Receipt:
        match edited.ending:
            case Ending.DONE:
                return Receipt(change, Outcome.DONE, edited.words, change.account_id)
            case Ending.ABSENT if gone_is_done:
                hidden = "not found: suspended accounts are not shown" if self._dialect.hides_suspended else "not found"
                return Receipt(change, Outcome.DONE, hidden, change.account_id)
            case Ending.ABSENT:
                said = (
                    f"{change.operation} {change.username or change.holder}: the app has no account {change.account_id}"
                )
                return Receipt(change, Outcome.FAILED, said)
            case Ending.UNKNOWN:
                return Receipt(change, Outcome.UNKNOWN, edited.words, change.account_id)
            case Ending.REFUSED:
                return Receipt(change, Outcome.FAILED, edited.words, change.account_id)


def _other_person(user: User, wanted: Mapping[str, str]) -> str:
    """Say what shows that an account with the right name is not the one that is meant: names get recycled."""
    if user.external_id and wanted["external_id"] and user.external_id != wanted["external_id"]:
        return f"its external id is {user.external_id}"
    if user.email and wanted["email"] and fold(user.email) != fold(wanted["email"]):
        return f"its email is {user.email}"
    return ""


def _text(value: Value) -> str:
    return "" if value is None else str(value)
