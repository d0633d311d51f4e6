"""A reviewed plan is applied as it was reviewed, or not at all: whatever it relies on may move, and is named then."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from scene import Company, Theatre

from reconciler.cli.exits import Exit
from reconciler.items import Names
from reconciler.state.contract import Adoption
from reconciler.state.sqlite import SqliteStore


def review(company: Company) -> None:
    """Keep a plan as a reviewer saw it."""
    assert company.plan("--out", "plan.json").code == Exit.DONE


def refusal(company: Company, **wounds: object) -> str:
    """Apply the reviewed plan, which must be refused with nothing touched; return what was said."""
    before, asked = company.contents(), len(company.server.log)
    ended = company.run("apply", "plan.json", **wounds)
    assert ended.code == Exit.REFUSED, ended
    assert company.contents() == before
    assert {request.method for request in company.server.log[asked:]} <= {"GET"}
    assert "plan again" in ended.err
    return ended.err


def test_what_was_reviewed_is_applied_when_nothing_moved(stage: Theatre, company: Company) -> None:
    """The other tests here could not tell a refusal from a plan that is never taken."""
    review(company)
    assert company.run("apply", "plan.json").code == Exit.DONE
    assert stage.wanted.differences(company.contents()) == []


def test_moved_yaml_is_refused(company: Company) -> None:
    """The tree's digest moves though the change is in another app."""
    review(company)
    company.replace("people.yaml", "title: Lead", "title: Boss")
    said = refusal(company)
    assert re.search(r"the YAML: tree [0-9a-f]{12}, now [0-9a-f]{12}", said)
    assert "hub: otherwise: hub/update-account/ana" in said
    assert "'Boss'" in said


def test_a_moved_app_is_refused(company: Company) -> None:
    """Somebody changed by hand what the plan was to change from another value."""
    review(company)
    user = next(u for u in company.server.store.users.values() if u["userName"] == "ana@acme.example")
    user["title"] = "Chief"
    said = refusal(company)
    assert "hub: otherwise: hub/update-account/ana" in said
    assert "from: title='Engineer', now title='Chief'" in said
    assert "YAML" not in said


def test_a_recreated_account_is_refused(company: Company) -> None:
    """The same name under another id: what was reviewed would reach another account."""
    review(company)
    store = company.server.store
    old = next(u for u in store.users.values() if u["userName"] == "gil@acme.example")
    del store.users[old["id"]]
    store.user("gil@acme.example", displayName="Gil Acme", title="Engineer")
    assert "hub:" in refusal(company)


def test_moved_state_is_refused(company: Company) -> None:
    """What was ours when it was reviewed is ours no more: its removal would be another thing."""
    review(company)
    with SqliteStore(company.folder / ".reconciler/state.db") as state:
        names = Names()
        assert state.load("wiki", names).grants
        kept = state.accounts("wiki", ["hal"])
        state.forget("wiki")
        state.adopt("wiki", Adoption(accounts=kept))
    said = refusal(company)
    assert "wiki: no longer: wiki/revoke/hal/space:home" in said


def test_an_apply_in_between_is_refused(company: Company) -> None:
    """Half of it was done by somebody else meanwhile."""
    review(company)
    assert company.apply("--app", "wiki").code == Exit.DONE
    assert "wiki: no longer: wiki/create-account/ida (nothing to do any more)" in refusal(company)


def test_another_version_of_the_tool_is_refused(company: Company) -> None:
    """It may mean something else by the same YAML."""
    review(company)
    said = refusal(company, replace={"reconciler.version:__version__": "9.8.7"})
    assert "the tool's version: " in said
    assert "now reconciler 9.8.7" in said


def test_another_version_of_a_provider_is_refused(company: Company) -> None:
    """It may do something else for the same change."""
    review(company)
    said = refusal(company, replace={"providers.scim.provider:ScimProvider.version": "9.8.7"})
    assert re.search(r"hub: its providers: scim \S+, ticket \S+, now scim 9\.8\.7, ticket", said)


def test_another_configuration_of_an_app_is_refused(company: Company) -> None:
    """Another server is another app, whatever it holds."""
    review(company)
    company.replace("apps/apps.yaml", company.proxy.url, company.server.url)
    assert "hub: how it is reached and managed" in refusal(company)


def test_another_scope_is_a_mistake(company: Company) -> None:
    """A reviewed plan brings its own scope."""
    review(company)
    ended = company.run("apply", "plan.json", "--app", "hub")
    assert ended.code == Exit.ERROR
    assert "applied as it is" in ended.err


def test_a_moment_that_has_passed_is_refused(company: Company) -> None:
    """A grant ran out between the review and the apply, on the same day or not."""
    until = datetime.now(UTC) + timedelta(hours=1)
    company.write(
        "grants.yaml",
        f"grants:\n  - {{to: {{people: [hal]}}, grants: {{hub: [group:data]}}, until: {until:%Y-%m-%d %H:%M} UTC,"
        " reason: for an hour}\n",
    )
    review(company)
    said = refusal(company, hours=2)
    assert "hub: no longer: hub/grant/hal/group:data" in said
    assert re.search(r"the moment: \S+ \S+, now \S+ \S+", said)


def test_a_plan_edited_by_hand_is_no_plan(company: Company) -> None:
    """Its digest is computed again, and so is that of the fresh plan."""
    review(company)
    plan = json.loads(company.read("plan.json"))
    text = json.dumps(plan).replace("group:data", "group:all")
    company.write("plan.json", text)
    before = company.contents()
    ended = company.run("apply", "plan.json")
    assert ended.code in (Exit.ERROR, Exit.REFUSED)
    assert company.contents() == before


@pytest.mark.parametrize("arguments", [("--at", "2090-01-01")])
def test_a_plan_of_the_future_is_never_applied(company: Company, arguments: tuple[str, ...]) -> None:
    """It is there to be looked at."""
    company.plan("--out", "plan.json", *arguments)
    ended = company.run("apply", "plan.json")
    assert (ended.code, "cannot be applied" in ended.err) == (Exit.ERROR, True)


def test_a_pin_that_was_dropped_is_refused_by_its_name(company: Company) -> None:
    """What is recorded moved, and no change with it: the item that would be recorded anew is named."""
    assert company.run("apply", "--yes").code == Exit.DONE
    company.replace("people.yaml", "title: Lead", "title: Boss")
    review(company)
    assert company.run("state", "unpin", "wiki", "hal", "--yes").code == Exit.DONE
    assert "wiki: what is applied: also to take on account hal" in refusal(company)
