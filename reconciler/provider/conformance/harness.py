"""What a provider's tests bring to the conformance suite: an app that can be seeded, looked into, and made to fail."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from reconciler.items import Value, fold
from reconciler.provider.contract import Ability, Provider
from reconciler.provider.snapshot import AccountStatus


@dataclass(frozen=True, slots=True)
class TrueAccount:
    """An account as the app really has it, seen without the provider.

    Attributes:
        remote_id: empty in a seed: the app gives it.
        attributes: those that the harness wants to be compared; others are left alone.
    """

    username: str
    email: str = ""
    external_id: str = ""
    status: AccountStatus = AccountStatus.ACTIVE
    remote_id: str = ""
    attributes: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class World:
    """Everything that is true in an app.

    Attributes:
        entitlements: key → remote id (empty in a seed).
        grants: (holder's username or entitlement key, entitlement key, level).
    """

    accounts: tuple[TrueAccount, ...] = ()
    entitlements: Mapping[str, str] = field(default_factory=dict)
    grants: frozenset[tuple[str, str, str | None]] = frozenset()

    def account(self, username: str) -> TrueAccount | None:
        """Return the account of a username, ignoring case."""
        return next((each for each in self.accounts if fold(each.username) == fold(username)), None)


class Fault(StrEnum):
    """What can happen to an app. A harness injects what it can and says why not the others."""

    FORBID = "a collection answers 403"
    CUT_SHORT = "the list of a collection ends in the middle"
    THROTTLE = "the next request is refused for a second, with the vendor's status and headers (429, Retry-After: 1)"
    REFUSE = "every write is refused, in the app's words"
    LOSE_ANSWER = "the next write is done and its answer is lost"
    DELETE_ACCOUNT = "somebody deletes an account"
    DELETE_ENTITLEMENT = "somebody deletes an entitlement"
    RENAME_ACCOUNT = "somebody renames an account"
    RECYCLE_USERNAME = "an account is deleted, and a stranger gets its username"
    RENAME_ENTITLEMENT = "somebody renames an entitlement"
    RECYCLE_ENTITLEMENT = "an entitlement is deleted, and another one gets its name"
    VANISH = "an entitlement is deleted once the entitlements have been listed, before who holds it is read"


def key_of(harness: "Harness", kind: str, name: str) -> str:
    """Return the key of one of the suite's entitlements, as the app calls it."""
    names: Mapping[str, Mapping[str, str]] = getattr(harness, "names", {})
    return f"{kind}:{names.get(kind, {}).get(name, name)}"


class RunningApp(Protocol):
    """An app that a harness started.

    One that remembers what was true after each write also has `history() -> Sequence[World]`, the oldest first: then
    the suite sees whether a level is changed in place, or taken away and given anew.
    """

    def open(self, *, read_only: bool = False) -> Provider:
        """Return a provider for the app, not yet entered."""
        ...

    async def peek(self) -> World:
        """Return what is really true in the app, without the provider."""
        ...

    async def inject(self, fault: Fault, subject: str = "", to: str = "") -> None:
        """Make a fault happen.

        Args:
            fault: one that `Harness.can` allows.
            subject: the collection, the username or the entitlement's key that it is about.
            to: the new username, for RENAME_ACCOUNT; the new key, for RENAME_ENTITLEMENT.
        """
        ...


class Harness(Protocol):
    """What the suite needs to know of a provider's app, and how it starts one.

    Attributes:
        name: the provider's name, for results.
        kinds: kind of entitlement → the levels to try, weakest first; `(None,)` for a kind without levels.
        page: how many accounts the app lists on one page at most; the suite seeds more than two pages. 0: no pages.
        attribute: an account attribute that can be written, and a value for it; or None.
        secrets: the credentials that the provider is opened with; they must never be seen.
        refusal: the words in which the app refuses where REFUSE is injected. Let the app put a secret beside them.
        suspended: whether accounts can be seeded as suspended.

    An app whose entitlements cannot be called as the suite calls them (`alpha`, `beta`, `gamma`) also has `names`: kind
    → the suite's name → the app's (`{"account": {"alpha": "production/Admin"}}`). An app that answers several
    collections in one list has `together`: sets of their names (`(frozenset({"accounts", "grants:license"}),)`).

    Two more things are looked at where a harness has them. `nesting`: kind → the kinds whose entitlements can hold one
    of it (`{"account": ("group",), "group": ("group",)}`). `troubles`: kind → what can happen to its entitlements, of
    RENAME_ENTITLEMENT, RECYCLE_ENTITLEMENT and VANISH.
    """

    name: str
    kinds: Mapping[str, tuple[str | None, ...]]
    page: int
    attribute: tuple[str, Value] | None
    secrets: tuple[str, ...]
    refusal: str
    suspended: bool

    def start(self, world: World) -> AbstractAsyncContextManager[RunningApp]:
        """Start an app in which this is true."""
        ...

    def can(self, fault: Fault) -> Ability:
        """Say whether a fault can be injected, or why not."""
        ...
