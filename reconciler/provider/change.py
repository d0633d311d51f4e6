"""One operation on one item of one app, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from reconciler.items import AccountItem, EntitlementItem, GrantItem, Item, Value, kind_of
from reconciler.problems import NOWHERE, Place


class Operation(StrEnum):
    """What can be done to an item. The value is what plans, tickets, receipts and capabilities call it."""

    CREATE_ACCOUNT = "create account"
    UPDATE_ACCOUNT = "update account"
    REACTIVATE_ACCOUNT = "reactivate account"
    SUSPEND_ACCOUNT = "suspend account"
    DELETE_ACCOUNT = "delete account"
    END_SESSIONS = "end sessions"
    TRANSFER_FILES = "transfer files"
    REMOVE_LICENSES = "remove licenses"
    CREATE_ENTITLEMENT = "create entitlement"
    RENAME_ENTITLEMENT = "rename entitlement"
    UPDATE_ENTITLEMENT = "update entitlement"
    GRANT = "grant"
    SET_LEVEL = "set level"
    REVOKE = "revoke"

    @property
    def removes(self) -> bool:
        """Whether it takes something away from somebody (and so counts against the limits)."""
        return self in _REMOVING


_REMOVING = frozenset({Operation.SUSPEND_ACCOUNT, Operation.DELETE_ACCOUNT, Operation.REVOKE})
TRACELESS: Final = frozenset({Operation.END_SESSIONS, Operation.TRANSFER_FILES, Operation.REMOVE_LICENSES})
"""Operations that no reading shows: done is all that can be said of them, and it is enough."""


class Cause(StrEnum):
    """Why there is a change: the row of the table in design.md that it comes from."""

    NEW = "new"
    LOST = "drift: lost outside git"
    EDITED = "changed in git"
    DRIFTED = "drift"
    CONFLICT = "changed in git and outside"
    REMOVED = "removed from git"
    LEAVER = "leaver"
    EXPIRED = "expired"
    EXCLUDED = "excluded"
    STRANGER = "not declared"
    DUE = "due"
    UNFINISHED = "not yet applied"


@dataclass(frozen=True, slots=True)
class Why:
    """One reason for a change, with the place that a reader would open."""

    text: str
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Change:
    """One operation on one item, with everything that a provider needs to do it.

    Attributes:
        way: the provider's name that will do it: the first way of the route that can.
        before: what the change relies on, as it was read: `status`, `level`, or the attributes that will change.
        after: what it will be. For a new account: `username`, `email`, `external_id`, the mapped attributes by the
            app's own names, and under `person.` what a new account starts with (`person.name`, `person.given_name`, …).
            For a grant: `level` where there is one. For a leaver's step: its options.
        account_id: the remote id of the account (of the holder, for a grant); empty while it does not exist.
        entitlement_id: the remote id of the entitlement; empty while it does not exist.
        holder_entitlement_id: the remote id of the entitlement that holds this grant, where the holder is one.
        username: the account's username in the app (known or to be), for messages and tickets.
        version: the item's concurrency token as it was read, or empty.
        cause, why: the kind of reason, and the chains with their places.
        privileged: whether it touches privileged access.
        blocked: why it may not be done, or empty. A blocked change is shown and never attempted.
    """

    app: str
    operation: Operation
    item: Item
    way: str
    before: Mapping[str, Value] = field(default_factory=dict)
    after: Mapping[str, Value] = field(default_factory=dict)
    account_id: str = ""
    entitlement_id: str = ""
    holder_entitlement_id: str = ""
    username: str = ""
    version: str = ""
    cause: Cause = Cause.NEW
    why: tuple[Why, ...] = ()
    privileged: bool = False
    blocked: str = ""

    @property
    def id(self) -> str:
        """A name for the change that is the same in every plan that would do it: `github/grant/ana/team:platform`."""
        return "/".join((self.app, self.operation.replace(" ", "-"), *self._item_names))

    @property
    def kind(self) -> str:
        """The entitlement's kind, or `accounts`."""
        return "accounts" if isinstance(self.item, AccountItem) else kind_of(self.item.entitlement)

    @property
    def holder(self) -> str:
        """Whom it is about: the account's or the grant's holder; empty for an entitlement."""
        return "" if isinstance(self.item, EntitlementItem) else self.item.holder

    @property
    def entitlement(self) -> str:
        """The entitlement's key; empty for an account."""
        return "" if isinstance(self.item, AccountItem) else self.item.entitlement

    @property
    def _item_names(self) -> tuple[str, ...]:
        match self.item:
            case AccountItem(holder):
                return (holder,)
            case EntitlementItem(entitlement):
                return (entitlement,)
            case GrantItem(holder, entitlement):
                return (holder, entitlement)


class Outcome(StrEnum):
    """How one change ended. Nothing ends in any other way.

    A provider says DONE, TICKET, FAILED or UNKNOWN; VERIFIED is said by the core after reading back, NOT_ATTEMPTED by
    the core where something else stood in the way.
    """

    VERIFIED = "done and verified"
    DONE = "done, not verified"
    TICKET = "ticket open"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_ATTEMPTED = "not attempted"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of one change.

    Attributes:
        detail: the app's own words where it failed, the ticket's address where one is open, else empty or a remark
            (`already a member`). Redacted; never holds a secret.
        remote_id: the remote id of what was created or found, where there is one.
        requests: how many requests it took.
    """

    change: Change
    outcome: Outcome
    detail: str = ""
    remote_id: str = ""
    requests: int = 0
