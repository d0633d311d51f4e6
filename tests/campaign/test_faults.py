"""A sample of the fault campaign, one cell for each sort of fault; `tests/campaign/run.py` fights all of them."""

from collections.abc import Iterator

from battle import Cell, fight, recover
from campaign import all_cells, choose, run
from faults import scim_faults
from faulty_server import Habits
from proxy import Fault
from scene import Company, Theatre

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
    "disk full",
    "wiki read-only",
    "state read-only",
    "files edited meanwhile",
    "clock jumps a day ahead",
)


def sample(stage: Theatre) -> Iterator[Cell]:
    """Yield one cell of each fault of the sample."""
    cells = [cell for cell in all_cells(stage) if cell.fault in SAMPLE]
    yield from choose(cells, len(SAMPLE), SEED)


def test_a_fault_in_any_cell_of_a_sample_loses_nothing(stage: Theatre) -> None:
    """A different fault each, wherever the seed puts it."""
    outcomes = list(run(stage, sample(stage)))
    assert {outcome.cell.fault for outcome in outcomes} == set(SAMPLE)
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
    next((company.folder / "tickets").glob("*-grant-kim-*.md")).unlink()
    assert stage.wanted.differences(company.contents()) == ["tickets: lost ('desk/grant/kim/key:back', 1)"]
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
