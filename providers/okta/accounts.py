"""Changes of users: created or adopted, updated, and led through their lifecycle; each ends in a receipt.

Source: developer.okta.com, Okta Management API, "Users", "User Lifecycle" and "User Sessions".
"""

from collections.abc import Awaitable, Callable
from typing import Any

from providers.okta.client import OktaClient, is_absent, refusal
from providers.okta.config import OktaConfig
from providers.okta.mapping import changed_profile, new_profile, to_account
from reconciler.errors import TransportError
from reconciler.items import fold
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.snapshot import AccountStatus, LiveAccount

_BAD_REQUEST = 400
_LOCKED_OUT = frozenset({"SUSPENDED", "DEPROVISIONED"})


class AccountWriter:
    """Performs the changes of users.

    Args:
        client: speaks with Okta.
        config: what suspending, creating and ending sessions mean here.
    """

    def __init__(self, client: OktaClient, config: OktaConfig) -> None:
        self._client = client
        self._config = config

    async def perform(self, change: Change, what: str) -> Receipt:
        """Do one change of a user.

        Args:
            change: on an account.
            what: it in a few words, for messages.
        """
        performers: dict[Operation, Callable[[Change, str], Awaitable[Receipt]]] = {
            Operation.CREATE_ACCOUNT: self._create,
            Operation.UPDATE_ACCOUNT: self._update,
            Operation.SUSPEND_ACCOUNT: self._suspend,
            Operation.REACTIVATE_ACCOUNT: self._reactivate,
            Operation.DELETE_ACCOUNT: self._delete,
            Operation.END_SESSIONS: self._end_sessions,
        }
        return await performers[change.operation](change, what)

    async def _create(self, change: Change, what: str) -> Receipt:
        profile = new_profile(change.after, self._config.external_id)
        missing = [name for name in ("login", "firstName", "lastName") if not profile.get(name)]
        if missing:
            return Receipt(change, Outcome.FAILED, f"{what}: Okta requires {', '.join(missing)}")
        quietly = self._config.activate and not self._config.send_email
        params = {"activate": self._config.activate and not quietly}
        try:
            answer = await self._client.send(
                "POST", "users", params=params, body={"profile": profile}, idempotent=False
            )
        except TransportError as error:
            return await self._look_for_new(change, profile, error, what)
        if answer.ok:
            remote_id = str(answer.decode(dict[str, Any])["id"])
            return await self._activate(change, remote_id, what) if quietly else _made(change, remote_id)
        if answer.status != _BAD_REQUEST:
            return Receipt(change, Outcome.FAILED, refusal(answer, what))
        return await self._adopt_existing(change, profile, refusal(answer, what))

    async def _activate(self, change: Change, remote_id: str, what: str) -> Receipt:
        """Activate a new user without a mail, which creating them activated would always send."""
        try:
            answer = await self._client.send(
                "POST", "users", remote_id, "lifecycle", "activate", params={"sendEmail": False}, idempotent=False
            )
        except TransportError as error:
            return Receipt(change, Outcome.DONE, f"it is STAGED: {error.message}", remote_id)
        return _made(change, remote_id, "" if answer.ok else f"it is STAGED: {refusal(answer, what)}")

    async def _look_for_new(self, change: Change, profile: dict[str, Any], error: TransportError, what: str) -> Receipt:
        """The answer was lost: see whether the user is there now."""
        words = f"{what}: {error.message}"
        if error.landed is False:
            return Receipt(change, Outcome.FAILED, words)
        try:
            found = await self._find(profile["login"])
        except TransportError:
            return Receipt(change, Outcome.UNKNOWN, words)
        return self._adopt(change, found, profile, words) if found else Receipt(change, Outcome.UNKNOWN, words)

    async def _adopt_existing(self, change: Change, profile: dict[str, Any], words: str) -> Receipt:
        """Okta refused: where it has such a user already (E0000001), take it if it is the one that is meant."""
        try:
            found = await self._find(profile["login"])
        except TransportError as error:
            return Receipt(change, Outcome.FAILED, f"{words}; {error.message}")
        return self._adopt(change, found, profile, words) if found else Receipt(change, Outcome.FAILED, words)

    async def _find(self, login: str) -> LiveAccount | None:
        """Look a user up by login; Okta also finds short names and addresses, which are other people's logins."""
        user = await self._client.get("users", login)
        account = to_account(user, self._config.external_id) if user else None
        return account if account and fold(account.username) == fold(login) else None

    def _adopt(self, change: Change, found: LiveAccount, profile: dict[str, Any], words: str) -> Receipt:
        wanted = str(profile.get(self._config.external_id, "")) if self._config.external_id else ""
        if fold(found.email) != fold(profile["email"]) or (wanted and found.external_id not in ("", wanted)):
            return Receipt(change, Outcome.FAILED, f"{words}; it belongs to somebody else ({found.remote_id})")
        if found.status is AccountStatus.SUSPENDED:
            return Receipt(
                change, Outcome.FAILED, f"{words}; it is suspended ({found.remote_id}): plan again to see it"
            )
        return Receipt(change, Outcome.DONE, "it existed already: adopted", remote_id=found.remote_id)

    async def _update(self, change: Change, what: str) -> Receipt:
        """Change parts of the profile (POST keeps the others); the same values twice are as good as once."""
        profile = changed_profile(change.after)
        if not profile:
            return Receipt(change, Outcome.FAILED, f"{what}: there is nothing in it that Okta could change")
        try:
            answer = await self._client.send(
                "POST", "users", change.account_id, body={"profile": profile}, idempotent=True
            )
        except TransportError as error:
            return _lost(change, error, what)
        if not answer.ok:
            return Receipt(change, Outcome.FAILED, refusal(answer, what))
        return Receipt(change, Outcome.DONE)

    async def _suspend(self, change: Change, what: str) -> Receipt:
        """Deactivate, or suspend where that is wanted; only ACTIVE users can be suspended, others are deactivated."""
        if self._config.suspend == "deactivate":
            return await self._lock(change, "deactivate", what)
        receipt = await self._lock(change, "suspend", what)
        if receipt.outcome is not Outcome.FAILED:
            return receipt
        status = await self._status(change.account_id)
        if status in {None, "ACTIVE"} or status in _LOCKED_OUT:
            return receipt
        done = await self._lock(change, "deactivate", what)
        remark = f"deactivated: Okta suspends only ACTIVE users, and this one was {status}"
        return Receipt(change, done.outcome, remark if done.outcome is Outcome.DONE else done.detail)

    async def _lock(self, change: Change, action: str, what: str) -> Receipt:
        """Suspend or deactivate; whoever cannot get in any more already is as wanted, whatever Okta answers."""
        params = {"sendEmail": False} if action == "deactivate" else {}
        words, landed = "", False
        try:
            answer = await self._client.send(
                "POST", "users", change.account_id, "lifecycle", action, params=params, idempotent=True
            )
        except TransportError as error:
            words, landed = f"{what}: {error.message}", error.landed is not False
        else:
            if answer.ok:
                return Receipt(change, Outcome.DONE)
            if is_absent(answer):
                return Receipt(change, Outcome.DONE, "not found")
            words = refusal(answer, what)
        enough = _LOCKED_OUT if action == "suspend" else frozenset({"DEPROVISIONED"})
        return await self._judge(change, enough, words, landed=landed)

    async def _judge(self, change: Change, wanted: frozenset[str], words: str, *, landed: bool) -> Receipt:
        """Say how a step of the lifecycle ended that was refused, or whose answer was lost, by looking."""
        try:
            user = await self._client.get("users", change.account_id)
        except TransportError:
            return Receipt(change, Outcome.UNKNOWN if landed else Outcome.FAILED, words)
        status = str(user.get("status")) if user else "DEPROVISIONED"
        if status in wanted:
            return Receipt(change, Outcome.DONE, f"it is {status}")
        return Receipt(change, Outcome.FAILED, words)

    async def _status(self, remote_id: str) -> str | None:
        try:
            user = await self._client.get("users", remote_id)
        except TransportError:
            return None
        return str(user.get("status")) if user else None

    async def _reactivate(self, change: Change, what: str) -> Receipt:
        """Lift a suspension, or activate again who was deactivated (who then sets a new password)."""
        try:
            user = await self._client.get("users", change.account_id)
        except TransportError as error:
            return Receipt(change, Outcome.FAILED, f"{what}: {error.message}")
        if user is None:
            return Receipt(change, Outcome.FAILED, f"{what}: Okta has no user {change.account_id}")
        status = str(user.get("status"))
        if status not in _LOCKED_OUT:
            return Receipt(change, Outcome.DONE, f"it is {status}")
        action = "unsuspend" if status == "SUSPENDED" else "activate"
        params = {"sendEmail": self._config.send_email} if action == "activate" else {}
        try:
            answer = await self._client.send(
                "POST", "users", change.account_id, "lifecycle", action, params=params, idempotent=False
            )
        except TransportError as error:
            active = frozenset({"ACTIVE", "PROVISIONED", "PASSWORD_EXPIRED", "RECOVERY", "LOCKED_OUT"})
            return await self._judge(change, active, f"{what}: {error.message}", landed=error.landed is not False)
        if not answer.ok:
            return Receipt(change, Outcome.FAILED, refusal(answer, what))
        return Receipt(change, Outcome.DONE)

    async def _delete(self, change: Change, what: str) -> Receipt:
        """Delete: Okta's first DELETE only deactivates whoever is not deactivated yet, a second one deletes.

        Whoever was suspended when the plan was made, and is not any more, stays: somebody let them in again.
        """
        try:
            user = await self._client.get("users", change.account_id)
        except TransportError as error:
            return Receipt(change, Outcome.FAILED, f"{what}: {error.message}")
        if user is None:
            return Receipt(change, Outcome.DONE, "not found")
        status = str(user.get("status"))
        if status not in _LOCKED_OUT and change.before.get("status") == AccountStatus.SUSPENDED:
            return Receipt(change, Outcome.FAILED, f"{what}: it was suspended, and is {status} now: plan again")
        return await self._delete_in(1 if status == "DEPROVISIONED" else 2, change, what)

    async def _delete_in(self, steps: int, change: Change, what: str) -> Receipt:
        try:
            for _ in range(steps):
                answer = await self._client.send("DELETE", "users", change.account_id)
                if is_absent(answer):
                    return Receipt(change, Outcome.DONE, "not found")
                if not answer.ok:
                    return Receipt(change, Outcome.FAILED, refusal(answer, what))
        except TransportError as error:
            return await self._judge_deletion(change, error, what)
        return Receipt(change, Outcome.DONE)

    async def _judge_deletion(self, change: Change, error: TransportError, what: str) -> Receipt:
        words = f"{what}: {error.message}"
        try:
            user = await self._client.get("users", change.account_id)
        except TransportError:
            return Receipt(change, Outcome.FAILED if error.landed is False else Outcome.UNKNOWN, words)
        if user is None:
            return Receipt(change, Outcome.DONE, "the answer was lost; it is gone")
        return Receipt(change, Outcome.FAILED, f"{words}; it is {user.get('status')}")

    async def _end_sessions(self, change: Change, what: str) -> Receipt:
        """Revoke all sessions with Okta, and tokens where that is wanted; an app's own sessions go on."""
        params = {"oauthTokens": self._config.end_tokens}
        try:
            answer = await self._client.send("DELETE", "users", change.account_id, "sessions", params=params)
        except TransportError as error:
            return _lost(change, error, what)
        if is_absent(answer):
            return Receipt(change, Outcome.DONE, "not found")
        if not answer.ok:
            return Receipt(change, Outcome.FAILED, refusal(answer, what))
        return Receipt(change, Outcome.DONE)


def _made(change: Change, remote_id: str, remark: str = "") -> Receipt:
    return Receipt(change, Outcome.DONE, remark, remote_id)


def _lost(change: Change, error: TransportError, what: str) -> Receipt:
    """Return the receipt of a request without an answer that nothing can be read back of."""
    outcome = Outcome.FAILED if error.landed is False else Outcome.UNKNOWN
    return Receipt(change, outcome, f"{what}: {error.message}")
