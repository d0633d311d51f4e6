"""One app whose access people change by ticket, its exports, and everything that can happen to them in between."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from plan.plan_worlds import MOMENT, Model, World, can_everything

from providers.ticket.config import TicketConfig
from providers.ticket.footer import Found, read_found, write_footer
from providers.ticket.provider import TicketProvider
from providers.ticket.record import Record, Status, each_of
from providers.ticket.tracker import Letter, Remark
from providers.ticket.via.directory import DirectoryConfig
from reconciler.apply.route import OpenedWay, Route
from reconciler.apply.tickets import cancel_tickets
from reconciler.errors import ProviderError
from reconciler.plan.inputs import WayRead
from reconciler.plan.notes import Telling
from reconciler.plan.order import gather_asked, requirements, staged
from reconciler.plan.plan import AppPlan, Fact
from reconciler.provider.change import Operation, Outcome
from reconciler.provider.contract import Surroundings, Ticket, TicketStatus
from reconciler.provider.snapshot import AccountStatus, Snapshot
from reconciler.resolve.declared import Presence
from reconciler.run.reminding import Reminders

APP = "github"
EXPORTS = replace(can_everything(), operations={}, kinds={})
FAMILIES = (
    {Operation.GRANT, Operation.SET_LEVEL, Operation.REVOKE},
    {Operation.CREATE_ACCOUNT, Operation.SUSPEND_ACCOUNT, Operation.REACTIVATE_ACCOUNT, Operation.DELETE_ACCOUNT},
)


Step = tuple[str, tuple[object, ...], str]
TOLD = {Fact.PENDING, Fact.BLOCKED, Fact.CONFLICT}


class Crash(BaseException):
    """The run was killed."""


@dataclass
class Shelf:
    """A tracker in memory: texts as other trackers keep them, and a check of each ticket that is opened.

    Attributes:
        found: every ticket, copies that people made too, the oldest first.
        left: how many writes there are until the run is killed; None means never.
        deaf: whether it refuses to close anything.
        numbers: of the tickets' addresses.
        notes: key and mark of what was said below tickets, and whom they wait for since.
    """

    found: list[tuple[Record, Found]] = field(default_factory=list)
    left: int | None = None
    deaf: bool = False
    notes: dict[tuple[str, str], str] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    now: datetime = MOMENT
    where: str = "the shelf"
    closing: ClassVar[str] = "Say so."

    @classmethod
    def open(cls, config: TicketConfig, surroundings: Surroundings) -> Self:
        """Make it."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing stays open."""

    def listed(self) -> list[Record]:
        """Return what the tracker says there is."""
        return read_found([found for _, found in self.found], APP, self.where, hint="take it away")

    async def records(self) -> Sequence[Record]:
        """Return every ticket."""
        return self.listed()

    async def create(self, letter: Letter) -> str | None:
        """Open a ticket: never the second one that is open for a change, never one beside its opposite."""
        self._write()
        record = letter.record
        for one in each_of(record):
            self._check_alone(one)
        if any(other.key == record.key for other in self.listed()):
            return None
        record = replace(record, address=f"shelf/{next(self.numbers)}", opened=self.now)
        self.found.append((record, Found(record.address, write_footer(record), Status.OPEN)))
        return record.address

    def _check_alone(self, record: Record) -> None:
        for other in (one for whole in self.listed() for one in each_of(whole) if whole.status is Status.OPEN):
            assert other.key != record.key
            if (other.holder, other.entitlement) == (record.holder, record.entitlement):
                assert other.operation is not record.operation, f"two tickets for {record.change_id}"
                family = next((one for one in FAMILIES if record.operation in one), set())
                assert other.operation not in family, f"{other.change_id} and {record.change_id} are open together"

    async def has_note(self, record: Record, mark: str) -> bool:
        """Say whether something was said of a ticket."""
        return (record.key, mark) in self.notes

    async def note(self, record: Record, remark: Remark) -> None:
        """Say something about an open ticket: each thing once."""
        self._write()
        assert (record.key, remark.mark) not in self.notes, f"{record.key} is told {remark.mark} twice"
        assert record.status is Status.OPEN
        self.notes[record.key, remark.mark] = remark.owner

    async def close(self, record: Record, status: Status, reason: str) -> None:
        """Close a ticket, with a reason."""
        assert reason
        if self.deaf:
            raise ProviderError("the shelf cannot be reached")
        self._write()
        self.mark(record.key, status)

    def mark(self, key: str, status: Status) -> None:
        """Set the status of the oldest ticket of a key."""
        number = next(number for number, (record, _) in enumerate(self.found) if record.key == key)
        record, found = self.found[number]
        over = status is not Status.OPEN
        closed = replace(found, status=status, closed=self.now.isoformat() if over else "", by="lee" if over else "")
        self.found[number] = (record, closed)

    def _write(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Crash


@dataclass(frozen=True)
class Export:
    """What somebody uploaded: true at `as_of` (None: read from the app itself), and perhaps cut off."""

    as_of: datetime | None
    snapshot: Snapshot
    cut: tuple[str, ...] = ()


@dataclass
class History:
    """The app and the company in it; each method is something that happens.

    Attributes:
        batch: how many changes a ticket may ask for.
        accounts, grants: what is true in the app.
        files: exports that were made, the newest last; `shown` is the one that runs see.
        asked: whom new tickets go to; `gone` are those who were, and have left.
        told: what the state remembers to have told about tickets.
    """

    live: bool = False
    batch: int = 20
    world: World = field(default_factory=World)
    shelf: Shelf = field(default_factory=Shelf)
    accounts: dict[str, AccountStatus] = field(default_factory=dict)
    grants: dict[tuple[str, str], str | None] = field(default_factory=dict)
    files: list[Export] = field(default_factory=list)
    shown: Export | None = None
    asked: str = "lee"
    gone: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)
    now: datetime = MOMENT

    def __post_init__(self) -> None:
        self.export(())

    def tick(self, hours: int = 1) -> None:
        """Let time pass."""
        self.now += timedelta(hours=hours)
        self.shelf.now = self.world.moment = self.now

    # What the company does.

    def declare(self, person: str, key: str, level: str | None) -> None:
        """Give somebody an entitlement in the YAML, or take it away where it is there at this level."""
        pair = (person, key)
        level = level if key.startswith("repo:") else None
        if self.world.people.get(person) is Presence.SUSPENDED:
            del self.world.people[person]
        if self.world.wanted.get(pair, "") == level:
            del self.world.wanted[pair]
        else:
            self.world.declare(person, key, level=level)

    def leave(self, person: str) -> None:
        """Make somebody a leaver, or take that back."""
        if self.world.people.get(person) is Presence.SUSPENDED:
            self.world.people[person] = Presence.PRESENT
        else:
            self.world.leave(person)

    def drop(self, person: str) -> None:
        """Say nothing of somebody any more."""
        self.world.people.pop(person, None)
        self.world.silent.add(person)
        self.world.wanted = {pair: level for pair, level in self.world.wanted.items() if pair[0] != person}

    def replace_owner(self, number: int) -> None:
        """Let whoever is asked leave; the next one is asked from now on, and may have been asked long ago."""
        owners = ("lee", "kim", "omar")
        self.gone.add(self.asked)
        self.asked = owners[number % len(owners)]
        self.gone.discard(self.asked)

    # What people do.

    def handle(self, number: int, how: str) -> None:
        """Handle a ticket: do it, claim it, refuse it, lose it, copy it, open it again."""
        if not self.shelf.found:
            return
        open_ones = {one.key for one in self.shelf.listed() if one.status is Status.OPEN}
        wanted = [one for one in self.shelf.found if (one[0].key in open_ones) == (how != "reopen")]
        record, found = (wanted or self.shelf.found)[number % len(wanted or self.shelf.found)]
        key = record.key
        is_open = key in open_ones
        match how:
            case "reopen":
                self.shelf.mark(key, Status.OPEN)
            case "lose":
                self.shelf.found = [one for one in self.shelf.found if one[0].key != key]
            case "copy":
                self.shelf.found.append((record, replace(found, address=f"copy of {found.address}")))
            case "reject" if is_open:
                self.shelf.mark(key, Status.REJECTED)
            case "claim" if is_open:
                self.shelf.mark(key, Status.DONE)
            case "do" | "do and close" | "do the first" | "do the last" if is_open:
                parts = [*each_of(record)]
                for one in {"do the first": parts[:1], "do the last": parts[-1:]}.get(how, parts):
                    self.change(one)
                if how == "do and close":
                    self.shelf.mark(key, Status.DONE)
            case _:
                pass

    def change(self, record: Record) -> None:
        """Do in the app what a ticket asks for."""
        pair = (record.holder, record.entitlement)
        match record.operation:
            case Operation.CREATE_ACCOUNT | Operation.REACTIVATE_ACCOUNT:
                self.accounts[record.holder] = AccountStatus.ACTIVE
            case Operation.SUSPEND_ACCOUNT if record.holder in self.accounts:
                self.accounts[record.holder] = AccountStatus.SUSPENDED
            case Operation.GRANT | Operation.SET_LEVEL:
                self.accounts.setdefault(record.holder, AccountStatus.ACTIVE)
                level = record.wanted.get("level")
                self.grants[pair] = str(level) if level else None
            case Operation.REVOKE:
                self.grants.pop(pair, None)
            case _:
                pass

    def meddle(self, person: str, key: str) -> None:
        """Change access in the app, without anybody having asked."""
        if (person, key) in self.grants:
            del self.grants[person, key]
        else:
            self.accounts.setdefault(person, AccountStatus.ACTIVE)
            self.grants[person, key] = "write" if key.startswith("repo:") else None

    def export(self, cut: tuple[str, ...]) -> None:
        """Write the app's state to a file, perhaps cut off, and upload it."""
        model = Model()
        for key in ("team:a", "repo:web"):
            model.add_entitlement(key)
        for person, status in self.accounts.items():
            model.add_account(person, status=status)
        for (person, key), level in self.grants.items():
            model.grant(person, key, level)
        snapshot = model.snapshot(incomplete=cut)
        snapshot.as_of = None if self.live else self.now
        self.shown = Export(snapshot.as_of, snapshot, cut)
        self.files.append(self.shown)

    def upload(self, number: int) -> None:
        """Upload an earlier export once more."""
        self.shown = self.files[number % len(self.files)]

    # What the tool does.

    def provider(self) -> TicketProvider:
        """Return the provider of a run, over the shelf."""
        surroundings = Surroundings(app=APP, root=Path(), read_only=False, now=self.now, owner=self.asked)
        provider = TicketProvider(DirectoryConfig(batch=self.batch), surroundings)
        provider._tracker = provider._desk._tracker = self.shelf
        return provider

    async def plan(self) -> AppPlan:
        """Plan, as a run would: an app that is asked itself is read anew."""
        if self.live:
            self.export(self.shown.cut if self.shown else ())
        assert self.shown is not None
        provider = self.provider()
        ways = [WayRead("file", "1", EXPORTS, self.shown.snapshot), await read_tickets(provider)]
        tickets = [("ticket", ticket) for ticket in await provider.tickets()]
        plan = self.world.plan(ways=ways, tickets=tickets)
        self.check(plan, {ticket.change_id: ticket for _, ticket in tickets})
        return plan

    async def run(self, left: int | None = None, *, deaf: bool = False) -> None:
        """Plan and apply; killed after some writes, or with a tracker that closes nothing."""
        plan = await self.plan()
        self.shelf.left, self.shelf.deaf = left, deaf
        try:
            whole = await self._apply(plan)
        except Crash:
            whole = False
        self.shelf.left, self.shelf.deaf = None, False
        if whole:
            again = await self.plan()
            assert (again.changes, again.cancellations) == ((), ()), (again.changes, again.cancellations)
            self._check_open()

    async def remind(self, left: int | None = None) -> None:
        """Tell what is due about tickets; killed after some writes, before the state has kept what was told."""
        provider = self.provider()
        tickets = [(one, self._waits_for(one.owner)) for one in await provider.tickets()]
        found = Reminders(Telling(self.now, UTC, str), frozenset(self.told))
        self.shelf.left = left
        try:
            await found.tell_of(provider, APP, tickets)
        except Crash:
            return
        finally:
            self.shelf.left = None
        assert not found.problems
        self.told = (self.told | set(found.done)) - found.over
        for ticket, person in tickets:
            self._check_told(ticket, person)

    def _waits_for(self, owner: str) -> str:
        return self.asked if owner in self.gone or not owner else owner

    def _check_told(self, ticket: Ticket, person: str) -> None:
        """Whoever a ticket waits for knows it, and that it is late."""
        if ticket.status is TicketStatus.OPEN:
            found = {one.key: whole.key for whole in self.shelf.listed() for one in each_of(whole)}
            notes = self.shelf.notes.items()
            said = {mark.rpartition("/")[2]: owner for (key, mark), owner in notes if key == found[ticket.key]}
            assert person == ticket.owner or person in said.values(), f"{person} was not told of {ticket.key}"
            late = ticket.due is not None and self.now.date() > ticket.due
            assert not late or "due" in said, f"nobody was told that {ticket.key} is late"

    async def _apply(self, plan: AppPlan) -> bool:
        """Do a plan in the order of an apply, and say whether all of it was done."""
        provider = self.provider()
        route = Route(APP, {"ticket": OpenedWay("ticket", provider)})
        self.world.take_on(plan)
        cancelled = await cancel_tickets(route, plan.cancellations)
        held = {receipt.change.id for receipt in cancelled.hold_back(plan.changes, route)}
        wanted = [change for change in plan.changes if change.id not in held]
        stages = gather_asked([stage.strands for stage in staged(wanted)], requirements(wanted))
        units = [strand for strands in stages for strand in strands]
        receipts = [receipt for unit in units for receipt in await provider.perform_batch(unit)]
        done = all(receipt.outcome is Outcome.TICKET for receipt in receipts)
        return done and not held and not cancelled.left

    # What must hold.

    def _check_open(self) -> None:
        """No operation has two open tickets after a whole run."""
        every = [one for record in self.shelf.listed() for one in each_of(record)]
        opened = [record.change_id for record in every if record.status is Status.OPEN]
        assert len(opened) == len(set(opened)), opened

    def check(self, plan: AppPlan, tickets: dict[str, Ticket]) -> None:
        """Nothing is forgotten, and nothing is believed before a read that is new enough."""
        assert self.shown is not None
        seen = {(who.removeprefix("u-"), key): level for who, key, level in self.shown.snapshot.grants()}
        for change in plan.changes:
            assert change.way == "ticket"
            assert not change.blocked
            ticket = tickets.get(change.id)
            claimed = ticket is not None and ticket.status is TicketStatus.CLAIMED
            assert not claimed or self._shows(ticket), f"{change.id} is asked for again, and no read was new enough"
        for holder, key, _ in plan.adoption.grants:
            assert (holder, key) in seen
            for ticket in self._claims(tickets, holder, key):
                assert self._shows(ticket), f"{holder} {key} is verified by a read older than {ticket.address}"
        whole = {name for name, one in plan.collections.items() if one.complete}
        told = {change.id for change in plan.changes}
        found = {str(finding.item) for finding in plan.findings if finding.item and finding.fact in TOLD}
        self._check_wanted(seen, whole, told, found, tickets)
        self._check_ours(seen, whole, told, found, tickets)
        self._check_leavers(whole, told, found)

    def _shows(self, ticket: Ticket | None) -> bool:
        """Say whether what is read was true after a ticket was closed."""
        assert self.shown is not None
        assert ticket is not None
        assert ticket.closed is not None
        return (self.shown.as_of or self.now) >= ticket.closed

    def _claims(self, tickets: dict[str, Ticket], holder: str, key: str) -> list[Ticket]:
        ids = [f"{APP}/{operation}/{holder}/{key}" for operation in ("grant", "set-level", "revoke")]
        return [tickets[one] for one in ids if one in tickets and tickets[one].status is TicketStatus.CLAIMED]

    def _check_wanted(
        self,
        seen: dict[tuple[str, str], str | None],
        whole: set[str],
        told: set[str],
        found: set[str],
        tickets: dict[str, Ticket],
    ) -> None:
        """What is declared is there, by a read that is new enough, or a change, or something that the plan tells."""
        for (holder, key), level in self.world.wanted.items():
            if not {"accounts", f"grants:{key.partition(':')[0]}"} <= whole:
                continue
            there = (holder, key) in seen and (level or "read") == (seen[holder, key] or "read")
            shown = all(self._shows(ticket) for ticket in self._claims(tickets, holder, key))
            ids = {f"{APP}/{operation}/{holder}/{key}" for operation in ("grant", "set-level")}
            told_of = ids & told or {f"{holder} {key}", holder} & found
            assert (there and shown) or told_of, f"{holder} {key} is forgotten: {sorted(told)} {sorted(found)}"

    def _check_ours(
        self,
        seen: dict[tuple[str, str], str | None],
        whole: set[str],
        told: set[str],
        found: set[str],
        tickets: dict[str, Ticket],
    ) -> None:
        """What is recorded, or was given by a ticket, and is declared no more is taken away."""
        for holder, key in seen.keys() - self.world.wanted.keys():
            ids = {f"{APP}/{operation}/{holder}/{key}" for operation in ("grant", "set-level", "revoke")}
            asked = {tickets[one].status for one in ids if one in tickets}
            given = bool(asked & {TicketStatus.OPEN, TicketStatus.CLAIMED})
            ours = given or (holder, key) in self.world.grants
            if ours and {"accounts", f"grants:{key.partition(':')[0]}"} <= whole:
                held = {f"{holder} {key}", holder}
                assert f"{APP}/revoke/{holder}/{key}" in told or held & found, f"the end of {holder} {key} is forgotten"

    def _check_leavers(self, whole: set[str], told: set[str], found: set[str]) -> None:
        """A leaver whose account is active is suspended, or that is asked for."""
        assert self.shown is not None
        active = {one.username for one in self.shown.snapshot.accounts if one.status is AccountStatus.ACTIVE}
        for person, presence in self.world.people.items():
            if presence is Presence.SUSPENDED and person in active and "accounts" in whole:
                assert f"{APP}/suspend-account/{person}" in told or person in found, f"{person} is forgotten"


async def read_tickets(provider: TicketProvider) -> WayRead:
    """Return what the ticket way answers."""
    return WayRead(provider.name, provider.version, provider.capabilities, await provider.read())


def play(history: History, steps: Sequence[Step]) -> None:
    """Let things happen, an hour apart, some of them followed by a run; then run the tool to the end.

    Args:
        history: what it begins with.
        steps: a method of the history, its arguments, and the run: whole, deaf, killed after N writes, or none (empty).
    """

    async def go() -> None:
        for name, arguments, then_run in steps:
            history.tick()
            if name == "remind":
                await history.remind(*arguments)
            else:
                getattr(history, name)(*arguments)
            if then_run:
                history.tick()
                await history.run(int(then_run) if then_run.isdigit() else None, deaf=then_run == "deaf")
        history.tick()
        await history.run()
        await history.remind()

    asyncio.run(go())
