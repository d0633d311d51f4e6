"""The conformance suite passes a provider that keeps the contract, and catches each one that breaks it."""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from support.small_app import TOKEN
from support.small_provider import KINDS, RunningSmallApp, SmallHarness, SmallProvider, live

from reconciler.errors import AnswerError, ReadOnlyError, TransportError
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.conformance import Check, CheckFailedError, Verdict, World, checks_for, run_conformance
from reconciler.provider.contract import Ability, Capabilities, Ticket, TicketStatus, cannot
from reconciler.provider.snapshot import ACCOUNTS, LiveAccount, Snapshot, SnapshotBuilder


@pytest.mark.parametrize("check", checks_for(SmallHarness()), ids=str)
def test_a_provider_that_keeps_the_contract_passes(check: Check) -> None:
    """Each check against the small app over HTTP; what does not apply says why."""
    result = check.run()
    result.raise_if_failed()
    if result.verdict is Verdict.NOT_APPLICABLE:
        assert result.detail in {
            "transfer files (accounts): the app has no files",
            "remove licenses (accounts): remove licenses is not supported for accounts",
            "set level (team): set level is not supported for team",
        }


class WritesWhilePlanning(SmallProvider):
    """Writes also where it may only read."""

    async def perform(self, change: Change) -> Receipt:
        """Lift the bolt."""
        self.http._read_only = False
        return await super().perform(change)


class ReadsOnePage(SmallProvider):
    """Takes the first page for everything."""

    async def pages(self, path: str) -> tuple[list[dict[str, Any]], int]:
        """Stop after one page, and believe in it."""
        items = (await self.http.request("GET", path)).json()["items"]
        return items, len(items)


class ReadsForbiddenAsEmpty(SmallProvider):
    """Turns an error of reading into an empty list."""

    async def pages(self, path: str) -> tuple[list[dict[str, Any]], int]:
        """Swallow refusals."""
        try:
            return await super().pages(path)
        except AnswerError:
            return [], 0


class GivesUpAltogether(SmallProvider):
    """Calls everything incomplete because of one collection."""

    async def read(self) -> Snapshot:
        """Spoil the rest."""
        snapshot = await super().read()
        if not all(each.complete for each in snapshot.collections.values()):
            spoiled = replace(snapshot.collections[ACCOUNTS], complete=False, why="something failed")
            snapshot.collections = dict.fromkeys(snapshot.collections, spoiled)
        return snapshot


class BelievesInCutLists(SmallProvider):
    """Trusts a list that ends too early."""

    async def pages(self, path: str) -> tuple[list[dict[str, Any]], int]:
        """Ignore the total."""
        items, _ = await super().pages(path)
        return items, len(items)


class ForgetsTheSuspended(SmallProvider):
    """Lists only active accounts."""

    async def pages(self, path: str) -> tuple[list[dict[str, Any]], int]:
        """Leave the suspended out."""
        items, _ = await super().pages(path)
        kept = [item for item in items if item.get("status") != "suspended"]
        return kept, len(kept)


class NamesAreIds(SmallProvider):
    """Uses usernames as remote ids, and calls them stable."""

    async def read(self) -> Snapshot:
        """Replace the ids."""
        snapshot = await super().read()
        snapshot.accounts = [replace(account, remote_id=account.username) for account in snapshot.accounts]
        return snapshot


class ClaimsSuccess(SmallProvider):
    """Says done, and does nothing."""

    async def perform(self, change: Change) -> Receipt:
        """Claim."""
        return Receipt(change, Outcome.DONE, remote_id="a1")


class SwallowsRefusals(SmallProvider):
    """Says done whatever the app answers."""

    async def perform(self, change: Change) -> Receipt:
        """Ignore how it ended."""
        receipt = await super().perform(change)
        return replace(receipt, outcome=Outcome.DONE)


class HasItsOwnWords(SmallProvider):
    """Does not pass on what the app said."""

    async def perform(self, change: Change) -> Receipt:
        """Say something else."""
        receipt = await super().perform(change)
        return replace(receipt, detail="something went wrong")


class CallsTheLostFailed(SmallProvider):
    """Takes a missing answer for a failure."""

    async def look_up(self, change: Change, otherwise: str) -> Receipt:
        """Do not look."""
        return Receipt(change, Outcome.FAILED, otherwise)


class StumblesOverTheGone(SmallProvider):
    """Fails to take away what is not there."""

    async def perform(self, change: Change) -> Receipt:
        """Turn `gone already` into a failure."""
        receipt = await super().perform(change)
        return replace(receipt, outcome=Outcome.FAILED) if "gone" in receipt.detail else receipt


class FailsTheSecondTime(SmallProvider):
    """Cannot make what is there already."""

    async def attempt(self, change: Change) -> Receipt:
        """Pass 409 on."""
        if change.operation is Operation.CREATE_ACCOUNT:
            answer = await self.http.request("POST", "/accounts", json={**change.after})
            answer.raise_for_refusal("create")
            return Receipt(change, Outcome.DONE, remote_id=answer.json()["id"])
        return await super().attempt(change)


class RevokesAndGrantsAnew(SmallProvider):
    """Changes a level of one by taking the entitlement from all first."""

    async def attempt(self, change: Change) -> Receipt:
        """Revoke from everybody, then grant."""
        if change.operation is Operation.SET_LEVEL:
            for item in (await self.pages("/accounts"))[0]:
                await self.http.request("DELETE", f"/grants/repo/{change.entitlement_id}/{item['id']}")
            return Receipt(change, Outcome.DONE)
        return await super().attempt(change)


class TakesTheLevelAwayFirst(SmallProvider):
    """Changes a level by revoking it and granting the other one."""

    async def attempt(self, change: Change) -> Receipt:
        """Send two requests where one would do."""
        if change.operation is Operation.SET_LEVEL:
            await super().attempt(replace(change, operation=Operation.REVOKE))
        return await super().attempt(change)


class OnlyRaisesLevels(SmallProvider):
    """Takes a higher level for good enough."""

    async def attempt(self, change: Change) -> Receipt:
        """Leave it where it would be lowered."""
        if change.operation is Operation.SET_LEVEL and change.after["level"] == "read":
            return Receipt(change, Outcome.DONE)
        return await super().attempt(change)


class ForgetsWhatTeamsHold(SmallProvider):
    """Shows only what accounts hold."""

    def add_grant(self, builder: SnapshotBuilder, item: Mapping[str, Any]) -> None:
        """Pass by the others."""
        if builder.account_number(item["account"]) is not None:
            super().add_grant(builder, item)


class KnowsEntitlementsByName(SmallProvider):
    """Uses keys as remote ids, and calls them stable."""

    async def read(self) -> Snapshot:
        """Replace the ids."""
        snapshot = await super().read()
        snapshot.entitlements = [replace(each, remote_id=each.key) for each in snapshot.entitlements]
        return snapshot


class GivesWhateverHasTheName(SmallProvider):
    """Looks the entitlement up by name when granting."""

    async def attempt(self, change: Change) -> Receipt:
        """Follow the name, not the id."""
        if change.operation is Operation.GRANT:
            items, _ = await self.pages(f"/entitlements/{change.kind}")
            found = next((item["id"] for item in items if item["key"] == change.entitlement), "")
            return replace(await super().attempt(replace(change, entitlement_id=found)), change=change)
        return await super().attempt(change)


class GivesUpWhatVanishes(SmallProvider):
    """Calls everything incomplete where one entitlement is gone when its holders are read."""

    async def read(self) -> Snapshot:
        """Compare with a second list."""
        snapshot = await super().read()
        again = [item["key"] for kind in KINDS for item in (await self.pages(f"/entitlements/{kind}"))[0]]
        if len(again) < len(snapshot.entitlements):
            spoiled = replace(snapshot.collections[ACCOUNTS], complete=False, why="something is gone")
            snapshot.collections = dict.fromkeys(snapshot.collections, spoiled)
        return snapshot


class MakesANewOneInsteadOfRenaming(SmallProvider):
    """Renames by making another."""

    async def attempt(self, change: Change) -> Receipt:
        """Create instead."""
        if change.operation is Operation.RENAME_ENTITLEMENT:
            change_made = replace(change, operation=Operation.CREATE_ENTITLEMENT)
            return replace(await super().attempt(change_made), change=change)
        return await super().attempt(change)


class GivesToWhoeverHasTheName(SmallProvider):
    """Looks the holder up by username when granting."""

    async def attempt(self, change: Change) -> Receipt:
        """Follow the name, not the id."""
        if change.operation is Operation.GRANT:
            found = (await self.http.request("GET", "/accounts", params={"username": change.username})).json()["items"]
            change_named = replace(change, account_id=found[0]["id"] if found else "")
            return replace(await super().attempt(change_named), change=change)
        return await super().attempt(change)


class TellsSecrets(SmallProvider):
    """Puts the app's raw words into receipts."""

    async def perform(self, change: Change) -> Receipt:
        """Repeat everything."""
        receipt = await super().perform(change)
        return replace(receipt, detail=f"{receipt.detail} {TOKEN}") if receipt.outcome is Outcome.FAILED else receipt


class LogsSecrets(SmallProvider):
    """Logs what it sends."""

    async def read(self) -> Snapshot:
        """Log the header."""
        logging.getLogger("small").debug("Authorization: Bearer %s", TOKEN)
        return await super().read()


class HasNoReasons(SmallProvider):
    """Cannot do things and does not say why."""

    def can(self) -> Capabilities:
        """Drop a reason."""
        return replace(super().can(), operations={Operation.CREATE_ACCOUNT: Ability(can=False)})


class VerifiesItself(SmallProvider):
    """Claims the core's verdict."""

    async def perform(self, change: Change) -> Receipt:
        """Say verified."""
        return replace(await super().perform(change), outcome=Outcome.VERIFIED)


class RereadsOthers(SmallProvider):
    """Gives another account for one that is gone."""

    async def reread(self, remote_ids: Any) -> list[LiveAccount | None]:
        """Fill the gap."""
        found = await super().reread(remote_ids)
        return [each or found[0] for each in found]


class ShufflesReceipts(SmallProvider):
    """Returns the receipts of a batch in another order."""

    async def perform_batch(self, changes: Any) -> list[Receipt]:
        """Turn them round."""
        return list(reversed(await super().perform_batch(changes)))


class GivesUpWhenThrottled(SmallProvider):
    """Takes 429 for an end."""

    async def pages(self, path: str) -> tuple[list[dict[str, Any]], int]:
        """Ask without patience."""
        self.http._limits = replace(self.http._limits, deadline=0.2)
        return await super().pages(path)


class NeverTwiceTheSame(SmallProvider):
    """Counts its reads in an attribute."""

    reads = 0

    async def read(self) -> Snapshot:
        """Change something each time."""
        self.reads += 1
        snapshot = await super().read()
        snapshot.accounts = [replace(a, attributes={**a.attributes, "read": self.reads}) for a in snapshot.accounts]
        return snapshot


class DoesNotSayWhatProvesIt(SmallProvider):
    """Calls collections complete without a reason."""

    async def read(self) -> Snapshot:
        """Drop the reasons."""
        snapshot = await super().read()
        snapshot.collections = {name: replace(each, why="") for name, each in snapshot.collections.items()}
        return snapshot


class StopsAfterAFailure(SmallProvider):
    """Does not survive a failed change."""

    failed = False

    async def perform(self, change: Change) -> Receipt:
        """Remember failures."""
        receipt = await super().perform(change)
        self.failed = self.failed or receipt.outcome is Outcome.FAILED
        return receipt

    async def read(self) -> Snapshot:
        """Refuse after one."""
        if self.failed:
            raise TransportError("small: I give up")
        return await super().read()


TWICE = "is true afterwards, and harmless twice"
CAUGHT_BY = [
    (WritesWhilePlanning, "it writes nothing while planning", "ended as `done, not verified` while planning"),
    (ReadsOnePage, "it reads every page", "is incomplete"),
    (
        ReadsForbiddenAsEmpty,
        "it never reads forbidden as absent",
        "is called complete though",
    ),
    (GivesUpAltogether, "it never reads forbidden as absent", "could have been read, and was not, because"),
    (
        BelievesInCutLists,
        "it never reads a cut list as whole",
        "is called complete though",
    ),
    (ForgetsTheSuspended, "it shows suspended accounts", "is not listed"),
    (NamesAreIds, "it follows a rename", "the remote id changed with the username"),
    (ClaimsSuccess, f"grant (team) {TWICE}", "is read at [] afterwards, not at [None]"),
    (SwallowsRefusals, "it tells refusals in the app's words", "a refused create account ended as `done"),
    (HasItsOwnWords, "it tells refusals in the app's words", "the app's words are not in the receipt"),
    (
        CallsTheLostFailed,
        "it never calls a lost answer a failure",
        "its answer lost, and it ended as `failed`",
    ),
    (StumblesOverTheGone, "it takes from who is gone", "of a deleted account ended as `failed`"),
    (
        FailsTheSecondTime,
        "create account (accounts) is true afterwards, and harmless twice",
        "the second time it ended as `failed`",
    ),
    (
        RevokesAndGrantsAnew,
        "set level (repo) is true afterwards, and harmless twice",
        "is read at [] afterwards, not at ['write']",
    ),
    (TakesTheLevelAwayFirst, "set level (repo) goes up and down in place", "was without repo:alpha for a while"),
    (OnlyRaisesLevels, "set level (repo) goes up and down in place", "the level is {'write'} afterwards, not read"),
    (ForgetsWhatTeamsHold, "a team can hold a repo", "grants differ from what is true"),
    (KnowsEntitlementsByName, "it follows a rename of an entitlement (team)", "the remote id changed with the name"),
    (GivesWhateverHasTheName, "it tells an entitlement's recycled name apart (repo)", "ended as `done"),
    (GivesUpWhatVanishes, "it reads on where an entitlement vanishes (team)", "could not be read because team:beta"),
    (
        MakesANewOneInsteadOfRenaming,
        "rename entitlement (team) is true afterwards, and harmless twice",
        "is still listed after its renaming",
    ),
    (GivesToWhoeverHasTheName, "it gives nothing to a stranger", "grant ended as `done"),
    (TellsSecrets, "it tells refusals in the app's words", "a secret was seen in"),
    (LogsSecrets, "it reads every page", "a secret was seen in"),
    (HasNoReasons, "its capabilities give reasons", "`create account` cannot be done, without a reason"),
    (
        VerifiesItself,
        "grant (repo) is true afterwards, and harmless twice",
        "never says `done and verified`",
    ),
    (RereadsOthers, "it rereads single accounts", "other accounts were returned"),
    (ShufflesReceipts, "it grants and revokes in batches", "in another order"),
    (GivesUpWhenThrottled, "it waits when throttled while reading", "though the app only asked to wait"),
    (NeverTwiceTheSame, "it reads the same twice", "accounts differ between two reads"),
    (DoesNotSayWhatProvesIt, "it reads an empty app as empty", "complete without a reason"),
    (StopsAfterAFailure, "it goes on after a failure", "I give up"),
]


@pytest.mark.parametrize(("provider", "name", "words"), CAUGHT_BY, ids=[row[0].__name__ for row in CAUGHT_BY])
def test_a_provider_that_breaks_the_contract_is_caught(provider: type[SmallProvider], name: str, words: str) -> None:
    """The check that is made for it fails, and says what is wrong without repeating a secret."""
    check = next(check for check in checks_for(SmallHarness(provider)) if check.name == name)
    result = check.run()
    assert result.verdict is Verdict.FAILED
    assert words in result.detail
    assert TOKEN not in str(result)
    with pytest.raises(CheckFailedError, match="small: "):
        result.raise_if_failed()


class ReadsOnly(SmallProvider):
    """Reads, and says that it does nothing else."""

    def can(self) -> Capabilities:
        """Keep the reads."""
        return replace(super().can(), operations={}, kinds={}, batches=False)


class AsksPeople(SmallProvider):
    """A way that reads nothing, and opens a ticket for each change."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.opened: dict[str, Ticket] = {}

    def can(self) -> Capabilities:
        """Everything that the other can do, by asking."""
        return replace(super().can(), reads={}, batches=False)

    async def read(self) -> Snapshot:
        """Read nothing."""
        return Snapshot()

    async def perform(self, change: Change) -> Receipt:
        """Open a ticket, or find the open one."""
        if self.http._read_only:
            raise ReadOnlyError("small: a ticket would be opened while planning")
        address = f"tickets/{len(self.opened)}.md"
        ticket = Ticket(change.id, change.id, TicketStatus.OPEN, address, datetime(2026, 3, 2, tzinfo=UTC))
        return Receipt(change, Outcome.TICKET, self.opened.setdefault(change.id, ticket).address)

    async def tickets(self) -> list[Ticket]:
        """List them."""
        return list(self.opened.values())

    async def cancel(self, ticket: Ticket, reason: str) -> None:
        """Close one."""
        del self.opened[ticket.change_id], reason


class AsksTwice(AsksPeople):
    """Opens another ticket each time."""

    async def perform(self, change: Change) -> Receipt:
        """Forget what is open."""
        receipt = await super().perform(change)
        self.opened[f"{change.id}/{len(self.opened)}"] = self.opened.pop(change.id)
        return receipt


def test_a_way_that_asks_people_is_held_to_its_own_rules() -> None:
    """Tickets are opened once and found again; what needs a read is not applicable."""
    results = {result.check: result for result in run_conformance(HelplessHarness(AsksPeople))}
    assert not [str(result) for result in results.values() if result.verdict is Verdict.FAILED]
    assert results["it writes nothing while planning"].verdict is Verdict.PASSED
    assert results[f"grant (team) {TWICE}"].verdict is Verdict.PASSED
    assert results["it reads every page"].detail == "it reads no collection"
    check = next(check for check in checks_for(SmallHarness(AsksTwice)) if check.name == f"grant (team) {TWICE}")
    assert "another ticket" in check.run().detail


@dataclass(slots=True)
class HelplessHarness(SmallHarness):
    """A harness that can inject nothing."""

    def can(self, fault: object) -> Ability:
        """Nothing."""
        return cannot(f"the vendor's test system cannot: {fault}")


def test_what_a_provider_cannot_do_is_reported_with_the_reason() -> None:
    """A provider that only reads passes the reading; each check of writing is not applicable, and says why."""
    results = {result.check: result for result in run_conformance(HelplessHarness(ReadsOnly))}
    assert len(results) == len(checks_for(SmallHarness()))
    assert not [str(result) for result in results.values() if result.verdict is Verdict.FAILED]
    assert results["it reads every page"].verdict is Verdict.PASSED
    assert results["it writes nothing while planning"].detail == "it can do no operation"
    assert "is not supported for team" in results["grant (team) is true afterwards, and harmless twice"].detail
    assert "the vendor's test system cannot" in results["it never reads forbidden as absent"].detail
    reasons = [result.detail for result in results.values() if result.verdict is Verdict.NOT_APPLICABLE]
    assert all(reasons)
    assert str(results["it tells refusals in the app's words"]).startswith(
        "small: it tells refusals in the app's words: not"
    )


@dataclass(slots=True)
class UnorderedHarness(SmallHarness):
    """An app that lists its accounts in no order that anybody could rely on."""

    @asynccontextmanager
    async def _run(self, world: World) -> AsyncIterator[RunningSmallApp]:
        third = sorted(world.accounts, key=lambda account: account.username != "person02")
        async with SmallHarness._run(self, replace(world, accounts=tuple(third))) as app:
            yield app


def test_what_is_reread_is_never_what_the_check_deletes() -> None:
    """Whichever account an app lists first; and a provider that rereads others is caught there, too."""
    name = "it rereads single accounts"
    check = next(check for check in checks_for(UnorderedHarness()) if check.name == name)
    assert check.run().verdict is Verdict.PASSED, check.run()
    broken = next(check for check in checks_for(UnorderedHarness(RereadsOthers)) if check.name == name)
    assert broken.run().verdict is Verdict.FAILED


def test_every_kind_has_its_own_checks() -> None:
    """A provider's kinds are checked one by one, so that each has its own result."""
    names = [check.name for check in checks_for(SmallHarness())]
    assert len(names) == len(set(names))
    for kind in KINDS:
        assert f"grant ({kind}) is true afterwards, and harmless twice" in names


def test_the_reference_maps_what_the_app_shows() -> None:
    """Attributes that are not the account's own are those that can be compared."""
    item: Mapping[str, Any] = {
        "id": "a1", "username": "ana", "email": "e", "external_id": "x", "status": "suspended", "title": "T"
    }  # fmt: skip
    assert live(item).attributes == {"title": "T"}
