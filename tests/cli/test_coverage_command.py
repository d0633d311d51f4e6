"""`coverage` tells which way does what, what becomes a ticket, and why, without asking any app."""

from __future__ import annotations

import json

import pytest
from cli_company import Company

from reconciler.model.access import Wanted
from reconciler.model.apps import App, LeaverStep
from reconciler.plan.coverage import Coverage, Extent, cover_app
from reconciler.plan.inputs import WayRead
from reconciler.problems import Place
from reconciler.provider.change import Operation
from reconciler.provider.contract import CAN, Capabilities, cannot
from reconciler.render.coverage import render_coverage
from reconciler.render.escape import columns

_ON_KINDS = (Operation.GRANT, Operation.REVOKE, Operation.SET_LEVEL, Operation.CREATE_ENTITLEMENT)
TICKET = WayRead(
    "ticket",
    capabilities=Capabilities(
        reads={"accounts": CAN, "grants:*": CAN},
        operations=dict.fromkeys(Operation, CAN),
        kinds={"*": dict.fromkeys(_ON_KINDS, CAN)},
    ),
)
API = WayRead(
    "api",
    capabilities=Capabilities(
        reads={"accounts": CAN, "grants:team": cannot("the API lists no members")},
        operations={Operation.CREATE_ACCOUNT: CAN, Operation.UPDATE_ACCOUNT: CAN, Operation.SUSPEND_ACCOUNT: CAN},
        kinds={"team": {Operation.GRANT: CAN, Operation.REVOKE: cannot("the API cannot remove anybody")}},
        attributes=frozenset({"title"}),
    ),
)


def by(app: App, *ways: WayRead, wanted: tuple[Wanted, ...] = ()) -> dict[tuple[str, str], str]:
    """Return (operation or collection, kind) → the way."""
    covered = cover_app(app, ways, wanted)
    return {(one.operation or one.collection, one.kind): one.way for one in (*covered.operations, *covered.reads)}


def test_each_operation_and_read_has_the_first_way_that_can() -> None:
    """What the API cannot do goes to the ticket, with its reason; reads, too."""
    covered = cover_app(App("chat", "lee"), (API, TICKET))
    found = {(one.operation, one.kind): one for one in covered.operations}
    assert found[Operation.GRANT, "team"].way == "api"
    revoke = found[Operation.REVOKE, "team"]
    assert (revoke.way, revoke.missed) == ("ticket", (("api", "the API cannot remove anybody"),))
    reads = {one.collection: one for one in covered.reads}
    assert (reads["accounts"].way, reads["grants:team"].way) == ("api", "ticket")
    assert reads["grants:team"].missed == (("api", "the API lists no members"),)
    assert reads["entitlements:team"].way == ""
    assert covered.extent is Extent.PART


def test_an_attribute_that_cannot_be_written_sends_the_update_to_the_next_way() -> None:
    """As the plan does it: the API writes titles only."""
    app = App("chat", "lee")
    assert by(app, API, TICKET)[Operation.UPDATE_ACCOUNT, "accounts"] == "api"
    mapped = App("chat", "lee", accounts=type(app.accounts)(attributes={"phone": "1"}))
    assert by(mapped, API, TICKET)[Operation.UPDATE_ACCOUNT, "accounts"] == "ticket"
    assert by(mapped, API, TICKET)[Operation.SUSPEND_ACCOUNT, "accounts"] == "api"


def test_a_leavers_step_becomes_a_ticket_only_where_it_was_written_down() -> None:
    """The default step is done where an interface has it, and asked of nobody where none has."""
    written = LeaverStep("end_sessions", place=Place("apps.yaml", 3))
    assert by(App("chat", "lee"), API, TICKET)[Operation.END_SESSIONS, "accounts"] == ""
    assert by(App("chat", "lee", leaver=(written,)), API, TICKET)[Operation.END_SESSIONS, "accounts"] == "ticket"


def test_levels_count_where_somebody_wants_one() -> None:
    """An app of a single ticket has the kinds that roles and grants name."""
    app = App("figma", "omar")
    assert (Operation.GRANT, "*") in by(app, TICKET)
    wanted = by(app, TICKET, wanted=(Wanted("seat:full", "editor"), Wanted("team:web")))
    assert (Operation.SET_LEVEL, "seat") in wanted
    assert (Operation.SET_LEVEL, "team") not in wanted
    assert (Operation.GRANT, "*") not in wanted


def test_the_sum_never_rounds_a_ticket_away() -> None:
    """One ticket among hundreds of operations is 1 %, and the rest not 100 %."""
    whole = Capabilities(
        reads=TICKET.capabilities.reads,
        operations=dict.fromkeys(Operation, CAN),
        kinds={"*": dict.fromkeys(_ON_KINDS, CAN)},
    )
    apps = [cover_app(App(f"app{n}", "lee"), (WayRead("api", capabilities=whole),)) for n in range(80)]
    coverage = Coverage((*apps, cover_app(App("last", "lee"), (API, TICKET), ())))
    text = "\n".join(render_coverage(coverage, width=80, colour=False))
    assert "api 99 %, ticket 1 %" in text
    assert "Of 81 apps: 80 automated, 1 in part, 0 by ticket." in text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_row_is_wider_than_the_terminal(width: int) -> None:
    """Long names, routes and lists of tickets are shortened."""
    apps = [cover_app(App(f"an-app-with-a-long-name-{n}", "lee"), (API, API, API, TICKET)) for n in range(3)]
    lines = list(render_coverage(Coverage(tuple(apps)), width=width, colour=False))
    assert max(map(columns, lines)) <= max(width, 80)


def test_the_command_tells_of_every_app_without_asking_any(company: Company) -> None:
    """Its exports need not be there, and every app is counted once."""
    (company.folder / "wiki.csv").unlink()
    done = company.run("coverage", COLUMNS="80")
    assert done.returncode == 0, done.stderr
    assert "Of 2 apps: 1 automated, 0 in part, 1 by ticket." in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    data = json.loads(company.run("coverage", "--json").stdout)
    assert {app["app"]: app["extent"] for app in data["apps"]} == {"wiki": "automated", "figma": "by ticket"}
    assert data["summary"]["operations"]["ticket"] == sum(
        one["way"] == "ticket" for app in data["apps"] for one in app["operations"]
    )


def test_one_app_is_told_in_detail_with_reasons(company: Company) -> None:
    """An export that may not be written says so for each operation."""
    company.replace("apps/wiki.yaml", "          writable: true\n", "")
    done = company.run("coverage", "--app", "wiki")
    assert done.returncode == 0, done.stderr
    row = next(line for line in done.stdout.splitlines() if line.strip().startswith("suspend account"))
    assert row.split()[2] == "ticket"
    assert "the file is only an export" in row
    wrong = company.run("coverage", "--app", "wikki")
    assert wrong.returncode == 1
    assert "wiki" in wrong.stderr
