"""One conformance check at work: a seeded app, its provider, everything that was seen, and how it is compared."""

from collections.abc import AsyncIterator, Iterable
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from reconciler.errors import ReconcilerError
from reconciler.items import Value, fold
from reconciler.provider.change import Change, Outcome, Receipt
from reconciler.provider.conformance.harness import Fault, Harness, RunningApp, TrueAccount, World, key_of
from reconciler.provider.contract import Ability, Provider
from reconciler.provider.snapshot import (
    ACCOUNTS,
    AccountStatus,
    LiveAccount,
    Snapshot,
    entitlements_of,
    grants_of,
)

_PROVIDERS_OUTCOMES = frozenset({Outcome.DONE, Outcome.TICKET, Outcome.FAILED, Outcome.UNKNOWN})


class CheckFailedError(Exception):
    """A provider does not do what the contract says."""


class NotApplicableError(Exception):
    """A check cannot be made: the provider says that it cannot, or the harness cannot inject the fault."""


def expect(truth: object, message: str) -> None:
    """Fail the check unless something is so."""
    if not truth:
        raise CheckFailedError(message)


def need(ability: Ability, what: str) -> None:
    """End the check as not applicable where something cannot be done."""
    if not ability:
        raise NotApplicableError(f"{what}: {ability.why or 'no reason given'}")


@dataclass(slots=True)
class Scene:
    """A running app with one opened provider.

    Attributes:
        said: every text that the provider gave: reprs, receipts, reasons, errors. Searched for secrets afterwards.
    """

    harness: Harness
    app: RunningApp
    provider: Provider
    said: list[str] = field(default_factory=list)

    async def read(self) -> Snapshot:
        """Read, and keep what was said about completeness."""
        snapshot = await self.provider.read()
        self.said += [*snapshot.notes, *(each.why for each in snapshot.collections.values())]
        for name, completeness in snapshot.collections.items():
            expect(
                completeness.why, f"{name} is {'complete' if completeness.complete else 'incomplete'} without a reason"
            )
        return snapshot

    async def perform(self, change: Change) -> Receipt:
        """Perform a change; its receipt must be one that the contract knows."""
        receipt = await self.provider.perform(change)
        self.note(receipt)
        expect(receipt.change == change, f"the receipt of {change.id} is about {receipt.change.id}")
        expect(receipt.outcome in _PROVIDERS_OUTCOMES, f"a provider never says `{receipt.outcome}`: only the core can")
        if receipt.outcome in {Outcome.FAILED, Outcome.UNKNOWN, Outcome.TICKET}:
            expect(receipt.detail, f"the receipt of {change.id} says `{receipt.outcome}` and nothing more")
        return receipt

    def note(self, seen: object) -> None:
        """Keep a text, to be searched for secrets."""
        self.said += [str(seen), repr(seen)]

    async def inject(self, fault: Fault, subject: str = "", to: str = "") -> None:
        """Make a fault happen, or end the check where the harness cannot."""
        need(self.harness.can(fault), f"the harness cannot inject `{fault}`")
        await self.app.inject(fault, subject, to)

    def readable(self) -> list[str]:
        """Return the collections that the provider says it reads, of the kinds under test."""
        kinds = self.harness.kinds
        wanted = [ACCOUNTS, *map(entitlements_of, kinds), *map(grants_of, kinds)]
        return [name for name in wanted if self.provider.capabilities.reads.get(name, Ability(can=False))]


@asynccontextmanager
async def scene(harness: Harness, world: World, said: list[str], *, read_only: bool = False) -> AsyncIterator[Scene]:
    """Start an app, open its provider, and note any error's words before it goes on."""
    async with harness.start(world) as app:
        provider = app.open(read_only=read_only)
        said.append(repr(provider))
        try:
            async with provider:
                yield Scene(harness, app, provider, said)
        except ReconcilerError as error:
            said += [str(error), repr(error)]
            raise
        said.append(repr(provider))


def seed(harness: Harness, people: int = 5) -> World:
    """Return a world: `person00` holds `KIND:alpha`, every third from 03 on `KIND:beta`; `person01` is suspended."""
    accounts = tuple(_person(harness, number) for number in range(people))
    entitlements = {key_of(harness, kind, name): "" for kind in harness.kinds for name in ("alpha", "beta")}
    grants = {("person00", key_of(harness, kind, "alpha"), levels[0]) for kind, levels in harness.kinds.items()}
    for number in range(3, people, 3):
        grants |= {
            (f"person{number:02}", key_of(harness, kind, "beta"), levels[-1]) for kind, levels in harness.kinds.items()
        }
    return World(accounts, entitlements, frozenset(grants))


def _person(harness: Harness, number: int) -> TrueAccount:
    suspended = number == 1 and harness.suspended
    name = f"person{number:02}"
    return TrueAccount(
        username=name,
        email=f"{name}@acme.example",
        external_id=f"id-{number:02}",
        status=AccountStatus.SUSPENDED if suspended else AccountStatus.ACTIVE,
    )


def live_account(snapshot: Snapshot, username: str) -> LiveAccount | None:
    """Return the account of a username as it was read, by username or else by email."""
    wanted = fold(username)
    for account in snapshot.accounts:
        if wanted in {fold(account.username), fold(account.email).partition("@")[0]}:
            return account
    return None


def live_grants(snapshot: Snapshot, collections: Iterable[str]) -> set[tuple[str, str, str | None]]:
    """Return the grants of some collections, as (holder's remote id or key, key, level)."""
    kinds = {name.partition(":")[2] for name in collections if name.startswith("grants:")}
    return {grant for grant in snapshot.grants() if grant[1].partition(":")[0] in kinds}


def compare(snapshot: Snapshot, truth: World, collections: Iterable[str]) -> None:
    """Fail unless some collections show exactly what is true."""
    names = list(collections)
    if ACCOUNTS in names:
        _same("accounts", {a.remote_id for a in snapshot.accounts}, {a.remote_id for a in truth.accounts})
        statuses = {(a.remote_id, str(a.status)) for a in snapshot.accounts}
        _same("statuses", statuses, {(a.remote_id, str(a.status)) for a in truth.accounts})
        expect(len(snapshot.accounts) == len(truth.accounts), "an account is listed twice")
    kinds = {name.partition(":")[2] for name in names if name.startswith("entitlements:")}
    shown = {(e.key, e.remote_id) for e in snapshot.entitlements if e.key.partition(":")[0] in kinds}
    _same("entitlements", shown, {pair for pair in truth.entitlements.items() if pair[0].partition(":")[0] in kinds})
    ids = {account.username: account.remote_id for account in truth.accounts}
    of_kinds = {name.partition(":")[2] for name in names if name.startswith("grants:")}
    true_grants = {(ids.get(h, h), key, level) for h, key, level in truth.grants if key.partition(":")[0] in of_kinds}
    _same("grants", live_grants(snapshot, names), true_grants)


def _same(what: str, shown: AbstractSet[object], true: AbstractSet[object]) -> None:
    """Fail unless two sets are equal, naming a few of the differences."""
    if shown == true:
        return
    missing, extra = sorted(map(str, true - shown))[:3], sorted(map(str, shown - true))[:3]
    raise CheckFailedError(f"{what} differ from what is true: missing {missing or 'none'}, too many {extra or 'none'}")


def attributes_of(change: Change) -> dict[str, Value]:
    """Return what a change makes of an account's or an entitlement's own attributes."""
    reserved = {"username", "email", "external_id", "status", "level", "key"}
    return {name: value for name, value in change.after.items() if name not in reserved and "person." not in name}
