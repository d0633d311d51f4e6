"""Writing: what is so already is done, what belongs to another is never taken, and a removal removes no person."""

import pytest
from entra_driving import drive, grant, on_account, on_group, perform, read
from fake_graph import FakeGraph
from support.http_server import HttpServer

from providers.entra.provider import EntraProvider
from reconciler.provider.change import Operation, Outcome, Receipt

pytestmark = pytest.mark.evidence("entra", against="our own fake", of="properties checked against Microsoft's types")


def test_a_member_is_removed_and_stays_a_user(app: FakeGraph) -> None:
    """Microsoft warns: without `$ref` at its end the same request deletes the user."""
    ana = app.add_user("ana@acme.example")
    group = app.add_group("engineers", ana)
    (receipt,) = perform(app, grant(ana, "group:engineers", group, Operation.REVOKE))
    assert receipt.outcome is Outcome.DONE
    assert ana in app.users
    assert app.members[group] == []


def test_a_group_is_put_into_a_group(app: FakeGraph) -> None:
    """Its members are the inner group's own."""
    inner, outer = app.add_group("inner"), app.add_group("outer")
    (receipt,) = perform(app, grant("group:inner", "group:outer", outer, holder_entitlement_id=inner))
    assert receipt.outcome is Outcome.DONE
    assert app.members[outer] == [inner]


def test_a_dynamic_group_refuses_in_its_own_words(app: FakeGraph) -> None:
    """Its rule decides who is in it."""
    ana = app.add_user("ana@acme.example")
    group = app.add_group("everyone", groupTypes=["DynamicMembership"])
    (receipt,) = perform(app, grant(ana, "group:everyone", group))
    assert receipt.outcome is Outcome.FAILED
    assert "dynamic membership" in receipt.detail


def test_a_new_user_gets_a_password_that_nobody_knows(app: FakeGraph, caplog: pytest.LogCaptureFixture) -> None:
    """Random, to be changed, and in no log."""
    caplog.set_level("DEBUG")
    after = {
        "username": "ana@acme.example",
        "email": "ana@acme.example",
        "person.name": "Ana Ruiz",
        "usageLocation": "DE",
    }
    (receipt,) = perform(app, on_account(Operation.CREATE_ACCOUNT, "ana", after=after))
    user = app.users[receipt.remote_id]
    assert (user["displayName"], user["mailNickname"], user["usageLocation"]) == ("Ana Ruiz", "ana", "DE")
    assert "aA1!" not in caplog.text


def test_a_username_of_somebody_else_is_never_adopted(app: FakeGraph) -> None:
    """The name is taken, by another email."""
    app.add_user("ana@acme.example", "stranger@elsewhere.example")
    after = {"username": "ana@acme.example", "email": "ana.ruiz@acme.example"}
    (receipt,) = perform(app, on_account(Operation.CREATE_ACCOUNT, "ana", after=after))
    assert receipt.outcome is Outcome.FAILED
    assert "belongs to somebody else" in receipt.detail


def test_a_disabled_user_is_not_adopted_silently(app: FakeGraph) -> None:
    """Somebody left, and a namesake comes: a person looks."""
    app.add_user("ana@acme.example", accountEnabled=False)
    after = {"username": "ana@acme.example", "email": "ana@acme.example"}
    (receipt,) = perform(app, on_account(Operation.CREATE_ACCOUNT, "ana", after=after))
    assert receipt.outcome is Outcome.FAILED
    assert "is disabled" in receipt.detail


def test_two_groups_of_one_name_are_never_made(app: FakeGraph) -> None:
    """Entra would make a second; one is adopted, and of two nobody knows which is meant."""
    first = app.add_group("engineers")
    (receipt,) = perform(app, on_group(Operation.CREATE_ENTITLEMENT, "group:engineers"))
    assert (receipt.outcome, receipt.remote_id) == (Outcome.DONE, first)
    app.add_group("Engineers")
    (receipt,) = perform(app, on_group(Operation.CREATE_ENTITLEMENT, "group:engineers"))
    assert receipt.outcome is Outcome.FAILED
    assert len(app.groups) == 2


def test_a_quote_in_a_name_is_only_a_quote(app: FakeGraph) -> None:
    """Names come from YAML: one cannot change what is asked for."""
    app.add_group("other")
    name = "group:x' or displayName ne 'x"
    (receipt,) = perform(app, on_group(Operation.CREATE_ENTITLEMENT, name))
    assert receipt.outcome is Outcome.DONE
    assert [group["displayName"] for group in app.groups.values()] == ["other", "x' or displayName ne 'x"]


def test_a_leaver_is_disabled_signed_out_and_without_licenses(app: FakeGraph) -> None:
    """Each step twice, and licenses that come by a group stay the group's."""
    own, ours = app.add_sku("SPE_E3"), app.add_sku("VISIO")
    ana = app.add_user("ana@acme.example")
    app.license(ana, own)
    app.license(ana, ours, group="g")
    steps = (Operation.SUSPEND_ACCOUNT, Operation.END_SESSIONS, Operation.REMOVE_LICENSES)
    receipts = perform(app, *(on_account(step, "ana", ana) for step in (*steps, *steps)))
    assert [receipt.outcome for receipt in receipts] == [Outcome.DONE] * 6
    assert app.users[ana]["accountEnabled"] is False
    assert app.signed_out == [ana, ana]
    assert [state["skuId"] for state in app.users[ana]["licenseAssignmentStates"]] == [ours]


def test_a_license_without_a_country_fails_in_microsofts_words(app: FakeGraph) -> None:
    """Nothing is guessed; the attribute `usageLocation` is what is missing."""
    ana, sku = app.add_user("ana@acme.example"), app.add_sku("SPE_E3")
    (receipt,) = perform(app, grant(ana, "license:SPE_E3", sku))
    assert receipt.outcome is Outcome.FAILED
    assert "usage location" in receipt.detail


def test_a_group_gets_a_license_for_its_members(app: FakeGraph) -> None:
    """Given and taken away on the group."""
    group, sku = app.add_group("engineers"), app.add_sku("SPE_E3")
    change = {"holder_entitlement_id": group}
    perform(app, grant("group:engineers", "license:SPE_E3", sku, **change))
    assert list(read(app).grants()) == [("group:engineers", "license:SPE_E3", None)]
    perform(app, grant("group:engineers", "license:SPE_E3", sku, Operation.REVOKE, **change))
    assert list(read(app).grants()) == []


def test_only_the_assignment_for_the_whole_tenant_is_taken_away(app: FakeGraph) -> None:
    """One for an administrative unit is another grant, and not ours."""
    ana, role = app.add_user("ana@acme.example"), app.add_role("User Administrator")
    narrow = app.assign_role(ana, role, "/administrativeUnits/1")
    app.assign_role(ana, role)
    change = grant(ana, "role:User Administrator", role, Operation.REVOKE)
    assert [receipt.outcome for receipt in perform(app, change, change)] == [Outcome.DONE] * 2
    assert list(app.role_assignments) == [narrow]


def test_a_lost_answer_is_looked_up(app: FakeGraph) -> None:
    """The role was assigned and the answer lost: it is seen, and not sent a second time."""
    ana, role = app.add_user("ana@acme.example"), app.add_role("User Administrator")
    app.losing = True
    (receipt,) = perform(app, grant(ana, "role:User Administrator", role))
    assert (receipt.outcome, receipt.detail) == (Outcome.DONE, "the answer was lost; it was done")
    assert len(app.role_assignments) == 1


@pytest.mark.parametrize("kind", ["group", "role", "license", "app"])
def test_whoever_was_just_made_gets_what_is_theirs_though_not_every_replica_knows_them(
    app: FakeGraph, kind: str
) -> None:
    """A user and a group of the same run are waited for, whether Graph says 404 or 400 of them."""
    app.lag = 2
    sku, role, wiki = app.add_sku("SPE_E3"), app.add_role("User Administrator"), app.add_app("Wiki", "Users")
    ids = {"license": sku, "role": role, "app": f"{wiki}/{app.role_of(wiki, 'Users')}"}
    after = {"username": "new@acme.example", "email": "new@acme.example", "usageLocation": "DE"}

    async def work(provider: EntraProvider, _: HttpServer) -> list[Receipt]:
        user = await provider.perform(on_account(Operation.CREATE_ACCOUNT, "new", after=after))
        group = await provider.perform(on_group(Operation.CREATE_ENTITLEMENT, "group:ops"))
        id_ = ids.get(kind, group.remote_id)
        return [user, group, await provider.perform(grant(user.remote_id, f"{kind}:x", id_))]

    assert [each.outcome for each in drive(app, work)] == [Outcome.DONE] * 3
    assert sum(app.unknown.values()) <= 2


def test_what_is_gone_is_not_waited_for(app: FakeGraph) -> None:
    """Only what this run made itself can be on its way: anything else that is not found has failed, at once."""
    (receipt,) = perform(app, grant(app.add_user("ana@acme.example"), "group:x", app.id()))
    assert receipt.outcome is Outcome.FAILED
    assert receipt.requests <= 2
