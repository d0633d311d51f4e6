"""The users of an instance: made or adopted, changed, blocked, unblocked, deleted, administrators or not.

Sources: https://docs.gitlab.com/api/users/, https://docs.gitlab.com/api/user_moderation/
"""

from collections.abc import Mapping
from typing import Any

from providers.gitlab.client import GitLabClient
from providers.gitlab.config import GitLabConfig
from providers.gitlab.mapping import ATTRIBUTES, BLOCKED, INVITATION, ROLES, to_account, username_from
from providers.gitlab.receipts import ALREADY, CONFLICT, LOST, done, failed, look_after, settle
from reconciler.errors import AnswerError, TransportError
from reconciler.items import fold, name_of
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.snapshot import LiveAccount

_GONE = "GitLab has no user with this id any more"
_AGAIN = {"blocked": "unblock", "banned": "unban", "blocked_pending_approval": "approve"}
_INVITED = "it is only an invitation; it can be changed once somebody has accepted it"


class UserWriter:
    """Changes users.

    Args:
        client: asks.
        config: says what a new user is sent.
    """

    def __init__(self, client: GitLabClient, config: GitLabConfig) -> None:
        self._client = client
        self._config = config

    async def perform(self, change: Change) -> Receipt:
        """Do one change of a user.

        Raises:
            TransportError: GitLab refused, or did not answer.
        """
        if change.operation is Operation.CREATE_ACCOUNT:
            return await self._create(change)
        if change.account_id.startswith(INVITATION):
            return failed(change, _INVITED)
        match change.operation:
            case Operation.UPDATE_ACCOUNT:
                return await self._change(change, _changed(change.after))
            case Operation.DELETE_ACCOUNT:
                return await self._delete(change)
            case _:
                return await self._moderate(change)

    async def set_role(self, change: Change) -> Receipt:
        """Make a user an administrator or an auditor, or take that away.

        Raises:
            TransportError: GitLab refused, or did not answer.
        """
        role = name_of(change.entitlement)
        if role not in ROLES or change.holder_entitlement_id:
            return failed(change, f"GitLab has only {' and '.join(f'role:{each}' for each in ROLES)}, held by people")
        if change.account_id.startswith(INVITATION):
            return failed(change, _INVITED)
        revoke = change.operation is Operation.REVOKE
        live = await self._user(change.account_id)
        if live is None:
            return done(change, _GONE) if revoke else failed(change, _GONE)
        if bool(live.get(ROLES[role][0])) is not revoke:
            return done(change, ALREADY)
        return await self._change(change, {ROLES[role][1]: not revoke}, ROLES[role][0])

    async def describe(self, number: str) -> LiveAccount | None:
        """Read one user; None where there is none.

        Raises:
            TransportError: it could not be read.
        """
        live = await self._user(number)
        return to_account(live) if live else None

    async def _user(self, number: str) -> dict[str, Any] | None:
        return await self._client.find(self._client.path("users", number))

    async def _create(self, change: Change) -> Receipt:
        """Make a user; the password is nobody's, or set by a link that GitLab sends."""
        after = change.after
        username = username_from(str(after.get("username") or change.username))
        email = str(after.get("email") or "")
        if not (username and email):
            return failed(change, "a GitLab user needs an address and a username")
        body: dict[str, Any] = {
            "username": username,
            "email": email,
            "name": str(after.get("person.name") or username),
            "skip_confirmation": True,
            "reset_password" if self._config.send_password_link else "force_random_password": True,
            **_changed({name: value for name, value in after.items() if name in ATTRIBUTES}),
        }
        try:
            answer = await self._client.write("POST", self._client.path("users"), body)
            if answer.status != CONFLICT:
                answer.raise_for_refusal(f"create {username}")
                return done(change, remote_id=str(answer.decode(dict[str, Any])["id"]))
        except AnswerError:
            raise
        except TransportError as error:
            if error.landed is False:
                return failed(change, error.message)
            return await self._adopt(change, username, email, Outcome.UNKNOWN, error.message)
        return await self._adopt(change, username, email, Outcome.FAILED, answer.words())

    async def _adopt(self, change: Change, username: str, email: str, otherwise: Outcome, words: str) -> Receipt:
        """Take whoever is there for the person if the address is theirs; a username alone may be anybody's."""
        try:
            listed = await self._client.pages(self._client.path("users"), search=email)
        except TransportError as error:
            return Receipt(change, otherwise, f"{words}; {error.message}")
        found = next((one for one in listed if fold(str(one.get("email") or "")) == fold(email)), None)
        if found is None:
            more = (
                f"the username {username} belongs to somebody else" if otherwise is Outcome.FAILED else "none is there"
            )
            return Receipt(change, otherwise, f"{words}; {more}")
        if str(found.get("state")) in BLOCKED:
            return failed(change, f"a user with this address exists and is {found['state']} ({found['id']})")
        remark = LOST if otherwise is Outcome.UNKNOWN else "it existed already: adopted"
        return done(change, remark, str(found["id"]))

    async def _change(self, change: Change, body: Mapping[str, Any], shown: str = "") -> Receipt:
        """Set values of a user."""
        path = self._client.path("users", change.account_id)

        async def send() -> Receipt:
            return settle(change, await self._client.write("PUT", path, dict(body)))

        async def is_true() -> bool:
            live = await self._user(change.account_id) or {}
            return all((live.get(shown or name) or None) == (value or None) for name, value in body.items())

        return await look_after(change, send, is_true)

    async def _moderate(self, change: Change) -> Receipt:
        """Block a user, or let them in again by what undoes their state."""
        suspend = change.operation is Operation.SUSPEND_ACCOUNT
        live = await self._user(change.account_id)
        if live is None:
            return done(change, _GONE) if suspend else failed(change, _GONE)
        state = str(live["state"])
        if (state in BLOCKED) is suspend:
            return done(change, ALREADY)
        if not suspend and state not in _AGAIN:
            return failed(change, f"it is {state}: only the directory that GitLab is synchronized with can undo that")
        path = self._client.path("users", change.account_id, "block" if suspend else _AGAIN[state])

        async def send() -> Receipt:
            return settle(change, await self._client.write("POST", path))

        async def is_true() -> bool:
            now = await self._user(change.account_id)
            return now is not None and (str(now["state"]) in BLOCKED) is suspend

        return await look_after(change, send, is_true)

    async def _delete(self, change: Change) -> Receipt:
        """Delete a user; what they made goes to GitLab's ghost user, and their personal projects with them."""
        path = self._client.path("users", change.account_id)

        async def send() -> Receipt:
            return settle(change, await self._client.write("DELETE", path), gone=True)

        async def is_true() -> bool:
            return await self._user(change.account_id) is None

        return await look_after(change, send, is_true)


def _changed(after: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as GitLab takes them: a text is emptied by an empty one."""
    return {name: "" if value is None else value for name, value in after.items()}
