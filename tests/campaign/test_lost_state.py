"""A state that was lost is noticed: nothing counts as ours any more, until somebody adopts a baseline by name."""

import json

import pytest
from scene import Company, Theatre

from reconciler.cli.exits import Exit

STATE = ".reconciler/state.db"


def lose(company: Company) -> None:
    """Lose the state, with everything that the first applies recorded in it."""
    (company.folder / STATE).unlink()


def test_after_a_loss_only_leavers_go(stage: Theatre, company: Company) -> None:
    """Nothing is made, given, taken or adopted, and no ticket opened: but who has left is suspended everywhere."""
    lose(company)
    before = company.contents()
    planned = company.plan()
    assert planned.code == Exit.REFUSED
    assert "--adopt-baseline hub" in planned.out
    ended = company.apply()
    assert ended.code in (Exit.REFUSED, Exit.PARTIAL), ended
    after = company.contents()
    users = {user[0].partition("@")[0] for user in set(before.users) ^ set(after.users)}
    assert users == {"gil"}
    assert ("gil@acme.example", False, "Gil Acme", "Engineer") in after.users
    assert dict(before.groups).keys() == dict(after.groups).keys()
    assert dict(before.groups)["platform"] == dict(after.groups)["platform"]
    assert "gil@acme.example" not in dict(after.groups)["all"]
    assert before.tickets == after.tickets
    changed = set(dict(before.files)["wiki/accounts.csv"]) ^ set(dict(after.files)["wiki/accounts.csv"])
    assert {row[1] for row in changed} == {"gil@acme.example"}
    assert stage.wanted != after


def test_a_loss_stays_noticed_until_a_baseline_is_adopted(company: Company) -> None:
    """What the leavers' suspension records is no baseline; a second apply is refused as the first was."""
    lose(company)
    company.apply()
    again = company.apply()
    assert again.code == Exit.REFUSED, again
    assert "--adopt-baseline" in again.out
    assert company.plan().code == Exit.REFUSED


def test_a_baseline_is_adopted_app_by_app(company: Company) -> None:
    """Only what is named begins anew; the others wait."""
    lose(company)
    ended = company.apply("--adopt-baseline", "wiki")
    assert ended.code in (Exit.REFUSED, Exit.PARTIAL)
    assert dict(company.contents().applied).keys() >= {"wiki"}
    plan = json.loads(company.plan("--json").out)
    held = {app["app"] for app in plan["apps"] if any("--adopt-baseline" in f["text"] for f in app["findings"])}
    assert held == {"desk", "hub"}
    assert [change for app in plan["apps"] if app["app"] == "wiki" for change in app["changes"]] == []


def test_with_all_baselines_adopted_everything_goes_on(company: Company) -> None:
    """What is declared is made true; what was ours and is declared no more is somebody else's now, and left alone."""
    lose(company)
    arguments = [part for app in ("desk", "hub", "wiki") for part in ("--adopt-baseline", app)]
    ended = company.apply(*arguments)
    assert ended.code == Exit.DONE, ended
    users = {user[0].partition("@")[0]: user for user in company.contents().users}
    assert users["kim"][1]
    assert users["hal"][1], "hal was ours to remove, and nobody knows that any more"
    assert not users["gil"][1]
    assert company.plan("--detailed-exitcode").code == Exit.DONE


def test_a_baseline_can_be_reviewed(company: Company) -> None:
    """The saved plan brings it along; without it, what was reviewed would not be what is applied."""
    lose(company)
    arguments = [part for app in ("desk", "hub", "wiki") for part in ("--adopt-baseline", app)]
    assert company.plan("--out", "plan.json", *arguments).code == Exit.DONE
    assert company.run("apply", "plan.json").code == Exit.DONE
    assert company.plan("--detailed-exitcode").code == Exit.DONE


def test_another_state_is_as_bad_as_none(company: Company) -> None:
    """A path that was changed, a database that belongs to another company: its lineage is another."""
    company.write("reconciler.yaml", company.read("reconciler.yaml") + "state: {sqlite: {path: elsewhere/state.db}}\n")
    assert company.plan().code == Exit.REFUSED


def test_a_state_that_was_moved_is_the_same(company: Company) -> None:
    """Its lineage goes with it."""
    (company.folder / "elsewhere").mkdir()
    (company.folder / STATE).rename(company.folder / "elsewhere/state.db")
    company.write("reconciler.yaml", company.read("reconciler.yaml") + "state: {sqlite: {path: elsewhere/state.db}}\n")
    assert company.plan().code == Exit.DONE
    assert company.apply().code == Exit.DONE


def test_where_an_anchor_is_kept_the_lineage_is_kept_beside_it(company: Company) -> None:
    """A runner is made anew for each job, and `.reconciler` with it: what is in git stays."""
    company.write("reconciler.yaml", company.read("reconciler.yaml") + "audit: {anchor: trail/heads.txt}\n")
    assert company.apply().code == Exit.DONE
    assert "hub " in company.read("trail/heads.txt.lineage")
    for path in (company.folder / ".reconciler").glob("*"):
        if path.is_file():
            path.unlink()
    assert company.plan().code == Exit.REFUSED


def test_a_new_company_has_lost_nothing(company: Company) -> None:
    """Without a record of an earlier apply there is nothing to miss."""
    lose(company)
    (company.folder / ".reconciler/lineage").unlink()
    assert company.plan().code == Exit.DONE


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * 100, b"\n\n \n"])
def test_a_damaged_record_refuses_or_is_nothing(company: Company, content: bytes) -> None:
    """It is never a traceback, and never keeps leavers in."""
    (company.folder / ".reconciler/lineage").write_bytes(content)
    ended = company.plan()
    assert ended.code in (Exit.DONE, Exit.REFUSED)
    assert "Traceback" not in ended.err
    assert "a fault of" not in ended.err
