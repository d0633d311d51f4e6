"""Whether what an app shows is what a change was to make of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from reconciler.apply.seen import Seen
from reconciler.items import Value, fold
from reconciler.plan.routes import is_entitlement
from reconciler.plan.values import differences
from reconciler.provider.change import Change, Operation, Receipt
from reconciler.provider.snapshot import (
    ACCOUNTS,
    AccountStatus,
    LiveAccount,
    LiveEntitlement,
    entitlements_of,
    grants_of,
)
from reconciler.state.kept import kept_attributes

_USABLE: Final = frozenset({AccountStatus.ACTIVE, AccountStatus.INVITED})
_GONE: Final = frozenset({AccountStatus.SUSPENDED, AccountStatus.ABSENT})


class Judgement(NamedTuple):
    """What a reading says of one change.

    Attributes:
        seen: True if the app shows it, False if it certainly does not, None if nobody can tell.
        words: what the app shows in its place, or why nobody can tell.
        remote_id: of the account or entitlement that was found.
        username: of the account that was found.
        gone: whether the item was seen absent.
    """

    seen: bool | None
    words: str = ""
    remote_id: str = ""
    username: str = ""
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Judge:
    """Compares changes with what the ways showed.

    Attributes:
        seen: collection → the answer of the way that it is read from; without those that could not be read.
        why: collection → why it is not in `seen`.
        weakest: kind → the level that a grant without a level means.
    """

    seen: Mapping[str, Seen]
    why: Mapping[str, str]
    weakest: Mapping[str, str]

    def judge(self, receipt: Receipt) -> Judgement:
        """Compare one change with what is shown."""
        match receipt.change.operation:
            case Operation.GRANT | Operation.SET_LEVEL | Operation.REVOKE:
                return self._judge_grant(receipt)
            case Operation.CREATE_ENTITLEMENT | Operation.RENAME_ENTITLEMENT | Operation.UPDATE_ENTITLEMENT:
                return self._judge_entitlement(receipt)
            case _:
                return self._judge_account(receipt)

    def _judge_account(self, receipt: Receipt) -> Judgement:
        change, seen = receipt.change, self.seen.get(ACCOUNTS)
        found = seen.account(change, receipt.remote_id) if seen else None
        if found is None or found[1].status is AccountStatus.ABSENT:
            return self._judge_missing_account(receipt)
        account = found[1]
        wrong = _wrong_about(change, account)
        return Judgement(not wrong, wrong, account.remote_id, account.username)

    def _judge_missing_account(self, receipt: Receipt) -> Judgement:
        change = receipt.change
        if doubt := self._doubt(ACCOUNTS) or self._doubt_identity(change, receipt.remote_id, ACCOUNTS):
            return Judgement(None, doubt)
        if change.operation in {Operation.DELETE_ACCOUNT, Operation.SUSPEND_ACCOUNT}:
            return Judgement(seen=True, words="the account is gone", gone=True)
        return Judgement(seen=False, words="no such account")

    def _judge_entitlement(self, receipt: Receipt) -> Judgement:
        change = receipt.change
        collection = entitlements_of(change.kind)
        seen = self.seen.get(collection)
        found = seen.entitlement(change.entitlement, change.entitlement_id or receipt.remote_id) if seen else None
        if found is None:
            doubt = self._doubt(collection)
            return Judgement(None, doubt) if doubt else Judgement(seen=False, words=f"no {change.entitlement}")
        entitlement = found[1]
        if entitlement.key != change.entitlement:
            return Judgement(seen=False, words=f"the name {entitlement.key}", remote_id=entitlement.remote_id)
        if change.operation is Operation.RENAME_ENTITLEMENT:
            return _judge_identity(change, entitlement)
        wrong = _differing(kept_attributes(change), entitlement.attributes)
        return Judgement(not wrong, wrong, entitlement.remote_id)

    def _judge_grant(self, receipt: Receipt) -> Judgement:
        change = receipt.change
        collection = grants_of(change.kind)
        held, level = self._held(change, self.seen.get(collection))
        if change.operation is Operation.REVOKE:
            if held:
                return Judgement(seen=False, words="it is still there")
            doubt = self._doubt_grant(change, collection)
            return Judgement(None, doubt) if doubt else Judgement(seen=True, gone=True)
        if not held:
            doubt = self._doubt_grant(change, collection)
            return Judgement(None, doubt) if doubt else Judgement(seen=False, words="it is not there")
        weakest = self.weakest.get(change.kind)
        wanted = change.after.get("level") or weakest
        if wanted and (level or weakest) != wanted:
            return Judgement(seen=False, words=f"{level or 'no level'} in place of {wanted}")
        return Judgement(seen=True)

    def _held(self, change: Change, seen: Seen | None) -> tuple[bool, str | None]:
        """Look a grant up; what cannot be found is not held, and `_doubt` says whether that proves anything."""
        entitlement = seen.entitlement(change.entitlement, change.entitlement_id) if seen else None
        if seen is None or entitlement is None:
            return False, None
        if is_entitlement(change.holder):
            holder = seen.entitlement(change.holder, change.holder_entitlement_id)
            return seen.level(-1 - holder[0], entitlement[0]) if holder else (False, None)
        account = seen.account(change)
        return seen.level(account[0], entitlement[0]) if account else (False, None)

    def _doubt_grant(self, change: Change, collection: str) -> str:
        return self._doubt(collection, change.entitlement) or self._doubt_identity(change, "", collection)

    def _doubt_identity(self, change: Change, remote_id: str, collection: str) -> str:
        """Say that nobody knows which account is meant; empty if that is clear, or an entitlement is the holder."""
        seen = self.seen.get(collection)
        if seen is None or is_entitlement(change.holder) or seen.can_tell(change, remote_id):
            return ""
        return f"{seen.way} does not tell which account is {change.holder}'s"

    def _doubt(self, collection: str, entitlement: str = "") -> str:
        """Say why something that was not found may be there nevertheless; empty if its absence is proven."""
        seen = self.seen.get(collection)
        if seen is None:
            return self.why.get(collection, f"no way reads {collection}")
        found = seen.completeness(collection)
        if not found.complete:
            return f"{collection} could not be read whole: {found.why}"
        return f"{entitlement} could not be read" if entitlement in found.unread else ""


def _judge_identity(change: Change, entitlement: LiveEntitlement) -> Judgement:
    """Say whether what bears the new name is what had the old one."""
    if change.entitlement_id and entitlement.remote_id != change.entitlement_id:
        return Judgement(seen=False, words=f"another {change.entitlement}", remote_id=entitlement.remote_id)
    return Judgement(seen=True, remote_id=entitlement.remote_id)


def _wrong_about(change: Change, account: LiveAccount) -> str:
    """Say what an account shows that the change should have made otherwise; empty if nothing."""
    match change.operation:
        case Operation.DELETE_ACCOUNT:
            return f"the account is still there, {account.status}"
        case Operation.SUSPEND_ACCOUNT:
            return "" if account.status in _GONE else f"the account is {account.status}"
        case Operation.CREATE_ACCOUNT | Operation.REACTIVATE_ACCOUNT if account.status not in _USABLE:
            return f"the account is {account.status}"
        case _:
            wrong = _differing(kept_attributes(change), account.attributes)
            return wrong or _wrong_username(change, account)


def _wrong_username(change: Change, account: LiveAccount) -> str:
    """Say what an account is called that was to be renamed; a new one may be called as the app likes."""
    wanted = change.after.get("username") if change.operation is Operation.UPDATE_ACCOUNT else None
    if not wanted or fold(str(wanted)) == fold(account.username):
        return ""
    return f"username is {account.username!r}"


def _differing(wanted: Mapping[str, Value], live: Mapping[str, Value]) -> str:
    """Name the attributes that differ, and what they are."""
    found = differences(wanted, live)
    return ", ".join(f"{name} is {shown!r}" for name, (shown, _) in sorted(found.items()))
