"""An app that only people change, and that an export shows: what a closed ticket claims is true once it was seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plan.plan_worlds import MOMENT, World, can_everything, found

from reconciler.plan.inputs import WayRead
from reconciler.plan.plan import AppPlan, Fact
from reconciler.provider.change import Cause
from reconciler.provider.contract import Capabilities, Ticket, TicketStatus
from reconciler.provider.snapshot import Snapshot

READS = can_everything().reads
TICKETS = WayRead("ticket", "1.0", can_everything(reads={}))
GRANT = "github/grant/ana/team:a"


@dataclass
class Hand:
    """One grant that is done by hand: when it was there, its tickets, and the export that was uploaded last."""

    world: World = field(default_factory=lambda: World().settled("ana"))
    hours: int = 0
    truth: list[tuple[int, bool]] = field(default_factory=lambda: [(-1000, False)])
    ticket: Ticket | None = None
    export: int | None = 0
    whole: bool = True

    def __post_init__(self) -> None:
        self.world.model.add_entitlement("team:a")
        self.world.declare("ana", "team:a")

    @property
    def now(self) -> datetime:
        """Return the moment."""
        return MOMENT + timedelta(hours=self.hours)

    def shown(self) -> bool:
        """Return whether the export shows the grant."""
        moment = self.hours if self.export is None else self.export
        return [there for hour, there in self.truth if hour <= moment][-1]

    def snapshot(self) -> Snapshot:
        """Return what the export says; one without a moment is undated."""
        if self.shown():
            self.world.model.grant("ana", "team:a")
        else:
            self.world.model.grants.clear()
        snapshot = self.world.model.snapshot(incomplete=() if self.whole else ["grants:team"])
        snapshot.as_of = None if self.export is None else MOMENT + timedelta(hours=self.export)
        snapshot.undated = self.export is None
        return snapshot

    def plan(self) -> AppPlan:
        """Plan, take on what was seen, and open the tickets that are asked for."""
        ways = [WayRead("file", "1.0", Capabilities(reads=READS), self.snapshot()), TICKETS]
        tickets = [("ticket", self.ticket)] if self.ticket else []
        plan = self.world.plan(ways=ways, tickets=tickets)
        for change in plan.changes:
            assert change.id == GRANT
            assert self.ticket is None or self.ticket.status is not TicketStatus.OPEN
            self.ticket = Ticket(GRANT, f"key-{self.hours}", TicketStatus.OPEN, "tickets/1.md", self.now)
        self.world.take_on(plan)
        return plan

    def close(self, *, really: bool = True) -> None:
        """Somebody closes the open ticket, having done it or not."""
        if self.ticket and self.ticket.status is TicketStatus.OPEN:
            if really:
                self.truth.append((self.hours, True))
            old = self.ticket
            self.ticket = Ticket(GRANT, old.key, TicketStatus.CLAIMED, old.address, old.opened, self.now)

    def upload(self, age: int | None = 0, *, whole: bool = True) -> None:
        """Somebody uploads an export of some hours ago, or one that does not say when it was made."""
        self.export = None if age is None else self.hours - age
        self.whole = whole

    def pass_time(self, hours: int = 1) -> None:
        """Let hours pass."""
        self.hours += hours


def pending(plan: AppPlan) -> str:
    """Return what is pending."""
    assert plan.changes == ()
    (one,) = found(plan, Fact.PENDING)
    return one.text


def test_a_ticket_is_asked_claimed_verified_and_asked_again() -> None:
    """Only a complete export from after the closing says that it was done, and a later contrary one is drift."""
    hand = Hand()
    assert [change.way for change in hand.plan().changes] == ["ticket"]
    assert "ticket open" in pending(hand.plan())
    hand.pass_time()
    hand.close()
    assert "waiting for a newer read" in pending(hand.plan())
    hand.pass_time()
    hand.upload(whole=False)
    assert hand.plan().adoption.grants == ()
    hand.upload()
    assert hand.plan().adoption.grants == (("ana", "team:a", None),)
    hand.pass_time()
    hand.truth.append((hand.hours, False))
    assert hand.plan().changes == ()
    hand.upload()
    (again,) = hand.plan().changes
    assert again.cause is Cause.LOST


def test_a_false_claim_is_asked_again_by_a_newer_export() -> None:
    """Closing a ticket makes nothing true."""
    hand = Hand()
    hand.plan()
    hand.pass_time()
    hand.close(really=False)
    hand.pass_time()
    assert "waiting for a newer read" in pending(hand.plan())
    hand.upload()
    assert [change.id for change in hand.plan().changes] == [GRANT]


@pytest.mark.parametrize("really", [True, False])
def test_an_undated_export_leaves_a_claim_pending(really: bool) -> None:
    """Nobody knows whether it was made before or after; what it shows is taken on, what it lacks is not asked again."""
    hand = Hand()
    hand.plan()
    hand.pass_time()
    hand.close(really=really)
    hand.pass_time()
    hand.upload(None)
    plan = hand.plan()
    assert plan.changes == ()
    if not really:
        assert "nobody says when what file reads was true: say it with `exported_at`" in pending(plan)


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.integers(1, 5)),
        st.tuples(st.just("close"), st.booleans()),
        st.tuples(st.just("upload"), st.none() | st.integers(0, 12)),
        st.tuples(st.just("cut"), st.integers(0, 12)),
        st.tuples(st.just("lose"), st.none()),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(EVENTS)
def test_whatever_is_uploaded_nothing_is_verified_unseen_and_nothing_forgotten(events: list[tuple[str, int]]) -> None:
    """Exports older, newer, undated, complete and cut; claims true and false; access lost in between."""
    hand = Hand()
    for event, argument in events:
        match event:
            case "pass":
                hand.pass_time(argument)
            case "close":
                hand.close(really=bool(argument))
            case "lose":
                hand.truth.append((hand.hours, False))
            case _:
                hand.upload(argument, whole=event == "upload")
        before = hand.ticket
        _check(hand, before, hand.plan())


def _check(hand: Hand, before: Ticket | None, plan: AppPlan) -> None:
    seen = hand.whole and hand.shown()
    assert bool(plan.adoption.grants) <= seen
    if not hand.whole:
        assert plan.changes == ()
        assert not plan.complete
        assert plan.cancellations == ()
        return
    newer = before is None or before.closed is None or _is_newer(hand, before.closed)
    is_open = before is not None and before.status is TicketStatus.OPEN
    if seen:
        assert plan.changes == ()
    elif is_open or not newer:
        assert pending(plan)
    else:
        assert [change.id for change in plan.changes] == [GRANT]


def _is_newer(hand: Hand, closed: datetime) -> bool:
    return hand.export is not None and MOMENT + timedelta(hours=hand.export) >= closed


def test_a_share_of_the_last_read_may_be_asked_for() -> None:
    """Where an app loses few people at once, a quarter fewer is a cut export."""
    world = World()
    for name in ("ana", "ben", "cem", "dee"):
        world.settled(name)
    world.counts = {"accounts": 6}
    for share, whole in ((0.5, True), (0.8, False)):
        reads = Capabilities(reads=READS, least_share=share)
        plan = world.plan(ways=[WayRead("file", "1.0", reads, world.model.snapshot()), TICKETS])
        assert plan.collections["accounts"].complete is whole


def test_what_only_tickets_tell_is_attested() -> None:
    """And what an export shows is not, though both are complete."""
    world = World().settled("ana", "team:a")
    snapshot = world.model.snapshot()
    seen = world.plan(ways=[WayRead("file", "1.0", Capabilities(reads=READS), snapshot), TICKETS])
    claimed = world.plan(ways=[WayRead("ticket", "1.0", can_everything(), snapshot)])
    assert seen.attested == ()
    assert set(claimed.attested) == set(claimed.collections)
