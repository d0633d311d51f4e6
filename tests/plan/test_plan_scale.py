"""Many grants: time grows with their number, and what does not change never becomes an object."""

from __future__ import annotations

import time
import tracemalloc

from plan_worlds import MOMENT, IdentityKeys, all_collections, can_everything, reasons

from reconciler.items import Names
from reconciler.model.apps import App
from reconciler.plan.app import plan_app
from reconciler.plan.inputs import AppInputs, WayRead
from reconciler.provider.snapshot import Completeness, LiveAccount, LiveEntitlement, Snapshot
from reconciler.resolve.declared import DeclaredAccount, DeclaredApp, Presence
from reconciler.state.contract import Applied, AppliedAccount, AppliedEntitlement


def make_inputs(people: int, each: int, *, lost_every: int = 0) -> AppInputs:
    """Return an app in which everything is settled, less every so-many-th live grant."""
    names, snapshot = Names(), Snapshot()
    teams = [f"team:{number}" for number in range(200)]
    ids = [f"p{number}" for number in range(people)]
    snapshot.accounts = [LiveAccount(f"u-{name}", name, f"{name}@acme.example") for name in ids]
    snapshot.entitlements = [LiveEntitlement(f"e-{key}", key) for key in teams]
    grants: dict[int, int] = {}
    for person, name in enumerate(ids):
        for offset in range(each):
            team = (person * 7 + offset) % len(teams)
            grants[names.grant(name, teams[team])] = 0
            if not lost_every or len(grants) % lost_every:
                snapshot.holders.append(person)
                snapshot.granted.append(team)
                snapshot.levels.append(0)
    snapshot.collections = {name: Completeness(complete=True, why="generated") for name in all_collections()}
    applied = Applied(
        accounts={name: AppliedAccount(f"u-{name}", name, since=MOMENT) for name in ids},
        entitlements={key: AppliedEntitlement(f"e-{key}") for key in teams},
        grants=dict(grants),
    )
    return AppInputs(
        declared=DeclaredApp(App("big", "omar"), names, dict.fromkeys(ids, Presence.PRESENT), {}, {}, grants, {}),
        account=lambda name: DeclaredAccount(name, Presence.PRESENT, email=f"{name}@acme.example", external_id=name),
        reasons=reasons,
        moment=MOMENT,
        identities=[IdentityKeys(name, f"{name}@acme.example") for name in ids],
        applied=applied,
        ways=[WayRead("api", "1.0", can_everything(), snapshot)],
    )


def test_a_plan_of_many_settled_grants_needs_little_memory_and_finds_nothing() -> None:
    """A hundred thousand grants: less than 40 bytes each beside the three sides, and one dict of ints."""
    inputs = make_inputs(1_000, 100)
    tracemalloc.start()
    plan = plan_app(inputs)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert plan.changes == ()
    assert plan.counts.live_grants == 100_000
    assert peak < 25_000_000


def test_only_what_changes_becomes_a_change() -> None:
    """One in a hundred was lost."""
    plan = plan_app(make_inputs(100, 100, lost_every=100))
    assert len(plan.changes) == 100


def test_ten_times_the_grants_take_no_more_than_twenty_times_the_time() -> None:
    """Nothing in here is quadratic: that would be a hundred times."""
    small, large = make_inputs(200, 50, lost_every=100), make_inputs(2_000, 50, lost_every=100)
    times = []
    for inputs in (small, large):
        runs = []
        for _ in range(3):
            began = time.process_time()
            plan_app(inputs)
            runs.append(time.process_time() - began)
        times.append(min(runs))
    assert times[1] < 20 * max(times[0], 0.005)
