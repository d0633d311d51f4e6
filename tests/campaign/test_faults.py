"""A sample of the fault campaign, one cell for each sort of fault; `tests/campaign/run.py` fights all of them."""

from collections.abc import Iterator

from battle import Cell, fight, recover
from campaign import choose, run
from cells import all_cells, not_applicable, state_cells
from faults import scim_faults
from faulty_server import Habits
from proxy import Fault
from scene import APPS, Company, Theatre

from reconciler.cli.exits import Exit

SEED = 4
SAMPLE = (
    "reset, after",
    "slow loris, after",
    "wrong content type, after",
    "truncated JSON",
    "token revoked",
    "edited behind our back",
    "delivered twice",
    "DNS failure from then on",
    "disk full",
    "wiki read-only",
    "state read-only",
    "files edited meanwhile",
    "file cut off in a line",
    "ticket cut off",
    "clock jumps a day ahead",
)

ASKED = (
    "connection refused", "reset mid-body", "slow loris", "truncated JSON", "wrong content type", "500", "502 burst",
    "503 burst", "429 with Retry-After", "429 without Retry-After", "TLS error", "DNS failure", "delivered twice",
    "after a retry was sent", "clock jumps", "disk full", "read-only", "edited behind our back", "token revoked",
)  # fmt: skip
"""What a team will meet, by words of the names of the catalogue."""


def sample(stage: Theatre) -> Iterator[Cell]:
    """Yield one cell of each fault of the sample."""
    cells = [cell for cell in all_cells(stage) if cell.fault in SAMPLE]
    yield from choose(cells, len(SAMPLE), SEED)


def test_a_fault_in_any_cell_of_a_sample_loses_nothing(stage: Theatre) -> None:
    """A different fault each, wherever the seed puts it."""
    outcomes = list(run(stage, sample(stage)))
    assert {outcome.cell.fault for outcome in outcomes} == set(SAMPLE)
    assert [(str(outcome.cell), outcome.lost) for outcome in outcomes if outcome.lost] == []


def test_each_fault_is_tried_in_each_app_or_it_is_said_why_not(stage: Theatre) -> None:
    """The campaign prints both; a cell that is neither would be forgotten quietly."""
    cells = all_cells(stage)
    reasons = not_applicable(cells)
    tried = {(cell.fault, app) for cell in cells for app in (APPS if cell.app == "all" else (cell.app,))}
    faults = {cell.fault for cell in cells}
    assert all(reasons.values())
    assert not tried & reasons.keys()
    assert tried | reasons.keys() == {(fault, app) for fault in faults for app in APPS}
    assert [word for word in ASKED if not any(word in fault for fault in faults)] == []


def test_a_shared_state_that_fails_in_the_middle_loses_nothing(git_stage: Theatre, postgres_stage: Theatre) -> None:
    """A database that is killed, one that hangs up, a remote that is gone, one that refuses: one cell of each."""
    for stage in (git_stage, postgres_stage):
        outcomes = list(run(stage, choose(state_cells(stage), 2, SEED)))
        assert len({outcome.cell.fault for outcome in outcomes}) == 2
        assert any(outcome.struck for outcome in outcomes)
        assert [(str(outcome.cell), outcome.lost) for outcome in outcomes if outcome.lost] == []


def test_the_same_seed_chooses_the_same_cells(stage: Theatre) -> None:
    """So that a loss can be looked into."""
    cells = all_cells(stage)
    assert choose(cells, 30, 5) == choose(cells, 30, 5) != choose(cells, 30, 6)
    assert len({cell.fault for cell in choose(cells, 30, 5)}) == 30


def test_the_campaign_notices_what_is_lost(stage: Theatre, company: Company) -> None:
    """A membership that nobody gives back, a second ticket, a second account: the judge is not blind."""
    assert company.apply().code == Exit.DONE
    assert recover(stage.wanted, company) == []
    store = company.server.store
    group = next(group for group in store.groups.values() if group["displayName"] == "platform")
    lost = group["members"].pop()
    before = stage.wanted.differences(company.contents())
    assert any("lost ('platform'" in line for line in before)
    group["members"].append(lost)
    next((company.folder / "tickets").glob("*-kim-*.md")).unlink()
    assert stage.wanted.differences(company.contents()) == [
        "tickets: lost ('desk/create-account/kim', 1)",
        "tickets: lost ('desk/grant/kim/key:back', 1)",
    ]
    store.user("ida@acme.example", displayName="Ida Acme", title="Engineer")
    assert any("ida@acme.example" in line for line in recover(stage.wanted, company))


def test_two_groups_of_one_name_are_told_and_neither_is_used(company: Company) -> None:
    """A network that delivers twice, an app that allows two groups of one name: nobody can say which is meant."""
    company.server.habits = Habits()
    twice = next(fault for fault in scim_faults(company.launcher) if fault.name == "delivered twice")
    company.proxy.set(twice, "create group")
    company.apply()
    assert [group["displayName"] for group in company.server.store.groups.values()].count("data") == 2
    planned = company.plan()
    assert planned.code == Exit.UNREAD
    assert "data" in planned.out
    before = company.contents().groups
    company.apply()
    assert company.contents().groups == before


def test_an_app_that_cannot_be_reached_holds_up_no_other(stage: Theatre, company: Company) -> None:
    """The same apply does all of the other apps, and says that one could not be read."""
    company.proxy.refuse()
    ended = company.apply()
    assert ended.code == Exit.UNREAD
    kinds = {line.partition(":")[0] for line in stage.wanted.differences(company.contents())}
    assert kinds == {"users", "groups", "applied"}
    company.heal()
    assert recover(stage.wanted, company) == []


def test_a_fault_is_fought_as_it_is_described(stage: Theatre) -> None:
    """The strike hits the request that the cell names, and the report says if it did not."""
    struck: list[str] = []
    fault = Fault(
        "noted", lambda exchange: (struck.append(exchange.incoming.operation), exchange.answer(exchange.forward()))[1]
    )
    outcome = fight(stage, Cell("hub", "noted", "revoke", 1, strike=fault))
    assert (outcome.struck, outcome.lost, struck) == (True, [], ["revoke"])
    missed = fight(stage, Cell("hub", "noted", "revoke", 99, strike=fault))
    assert not missed.struck


def test_what_was_applied_under_a_former_name_is_not_forgotten_before_it_is_renamed(stage: Theatre) -> None:
    """The app stops answering at the renaming: what was ours under the old name is still ours to take away."""
    revoked = next(fault for fault in scim_faults(stage.launcher) if fault.name == "token revoked")
    outcome = fight(stage, Cell("hub", "token revoked", "rename group", 1, strike=revoked))
    assert (outcome.struck, outcome.lost) == (True, [])
    company = stage.company()
    company.proxy.set(revoked, "rename group")
    company.apply()
    company.heal()
    planned = company.plan("--app", "hub").out
    assert any(line.split()[:4] == ["-", "grant", "dan", "group:renamed"] for line in planned.splitlines())
