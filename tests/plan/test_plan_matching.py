"""Whose account is whose: pins, names, ids and rules; and everything that must not be guessed."""

from __future__ import annotations

from plan_worlds import World, app_with, can_everything, found, only_change, operations

from reconciler.items import AccountItem
from reconciler.model.apps import AccountRules, Manage
from reconciler.plan.plan import AppPlan, Fact
from reconciler.provider.change import Cause, Operation
from reconciler.provider.snapshot import LiveAccount


def conflict_of(plan: AppPlan, person: str) -> str:
    """Return why a person is blocked, after checking that nothing of theirs is planned."""
    assert [change.id for change in plan.changes if change.holder == person] == []
    (finding,) = [one for one in found(plan, Fact.CONFLICT) if one.item == AccountItem(person)]
    assert finding.refuses
    return finding.text


def test_a_pinned_account_is_followed_under_a_new_name() -> None:
    """Shown once, recorded, and nothing else happens."""
    world = World().settled("ana", "team:a").live("ana", "team:a", username="anna", email="anna@acme.example")
    plan = world.plan()
    assert plan.changes == ()
    assert found(plan, Fact.RENAMED)[0].text.startswith("ana is now called anna")
    world.carry_out(plan)
    assert found(world.plan(), Fact.RENAMED) == []


def test_a_declared_username_goes_on_being_shown_until_the_yaml_follows() -> None:
    """The YAML says `ana`, the app says `anna`: nobody is renamed as routine."""
    world = World(usernames={"ana": "ana"}).settled("ana").live("ana", username="anna")
    world.carry_out(world.plan())
    plan = world.plan()
    assert plan.changes == ()
    assert len(found(plan, Fact.RENAMED)) == 1


def test_a_username_that_was_changed_in_git_is_updated() -> None:
    """Pinned, so it is the same account."""
    world = World(usernames={"ana": "ana.ruiz"}).settled("ana")
    change = only_change(world.plan())
    assert (change.operation, change.cause) == (Operation.UPDATE_ACCOUNT, Cause.EDITED)
    assert change.after == {"username": "ana.ruiz"}


def test_an_account_is_found_by_declared_username_by_external_id_and_by_the_rule() -> None:
    """In that order, ignoring case."""
    named = World(usernames={"ana": "ANARUIZ"}).declare("ana").live("ana", username="anaruiz", email="")
    assert named.plan().adoption.accounts["ana"].remote_id == "u-ana"
    external = World().declare("ana").live("ana", username="x", email="", external_id="ana")
    assert external.plan().adoption.accounts["ana"].remote_id == "u-ana"
    mailed = World().declare("ana").live("ana", username="x", email="Ana@ACME.example")
    assert mailed.plan().adoption.accounts["ana"].remote_id == "u-ana"


def test_an_account_is_found_by_any_attribute_that_the_app_names() -> None:
    """`match: number`, where the declared value is rendered."""
    app = app_with(accounts=AccountRules(match="number"))
    world = World(app=app, attributes={"ana": {"number": "007"}}).declare("ana")
    world.live("ana", username="x", email="", attributes={"number": "007"})
    assert world.plan().adoption.accounts["ana"].remote_id == "u-ana"


def test_a_username_that_is_an_address_counts_where_no_email_is_shown() -> None:
    """Many apps have only one of the two."""
    world = World().declare("ana").live("ana", username="ana@acme.example", email="")
    assert world.plan().adoption.accounts["ana"].remote_id == "u-ana"


def test_nobody_is_matched_by_what_an_accounts_holder_can_edit() -> None:
    """Setting one's own email to a colleague's gives nothing."""
    world = World().declare("ana").live("thief", email="ana@acme.example")
    plan = world.plan(capabilities=can_everything(holder_editable=frozenset({"email"})))
    assert operations(plan) == ["create-account/ana"]
    assert "their holders can edit it" in found(plan, Fact.NOTE)[0].text


def test_a_recycled_username_inherits_nothing() -> None:
    """The pinned id is gone, and somebody else has the name."""
    world = World().settled("ana", "team:a")
    del world.model.accounts["u-ana"]
    world.model.grants.clear()
    world.model.accounts["u-stranger"] = LiveAccount("u-stranger", "ana", "stranger@else.example")
    assert "was pinned to id u-ana, which is gone" in conflict_of(world.plan(), "ana")


def test_a_declared_username_at_another_account_than_the_pinned_one_is_a_conflict() -> None:
    """Neither the pinned account nor the other one is touched."""
    world = World(usernames={"ana": "ana"}).settled("ana", "team:a").live("ana", username="anna")
    world.model.accounts["u-2"] = LiveAccount("u-2", "ana", "two@else.example")
    assert "pinned to anna (id u-ana), but its username is at ana (id u-2)" in conflict_of(world.plan(), "ana")


def test_keys_that_point_to_two_accounts_are_a_conflict() -> None:
    """The username says one, the email another."""
    world = (
        World(usernames={"ana": "anaruiz"}).declare("ana", "team:a").live("ana", "team:a", username="anaruiz", email="")
    )
    world.model.accounts["u-2"] = LiveAccount("u-2", "other", "ana@acme.example")
    assert "its keys point to 2 accounts" in conflict_of(world.plan(), "ana")


def test_two_accounts_with_one_email_are_a_conflict() -> None:
    """Neither is adopted, neither is a stranger to be removed."""
    world = World(app=app_with(manage=Manage.EVERYTHING)).declare("ana").live("ana", username="one")
    world.model.accounts["u-2"] = LiveAccount("u-2", "two", "ANA@acme.example")
    plan = world.plan()
    assert plan.changes == ()
    assert "point to 2 accounts" in conflict_of(plan, "ana")


def test_one_account_that_two_identities_point_to_is_a_conflict_for_both() -> None:
    """Nothing says whose it is."""
    world = World(usernames={"ben": "shared"}).declare("ana").declare("ben").live("ana", username="shared")
    plan = world.plan()
    assert "is also the account of ben" in conflict_of(plan, "ana")
    assert "is also the account of ana" in conflict_of(plan, "ben")


def test_a_pin_wins_over_somebody_who_only_looks_like_its_account() -> None:
    """The newcomer is blocked, the pinned one is not."""
    world = World(usernames={"ben": "ana"}).settled("ana").declare("ben")
    plan = world.plan()
    assert "is also the account of ana" in conflict_of(plan, "ben")
    assert found(plan, Fact.CONFLICT)[0].item == AccountItem("ben")
    assert len(found(plan, Fact.CONFLICT)) == 1


def test_silent_identities_match_too() -> None:
    """The account is shown as theirs, and given to nobody else."""
    world = World(silent={"ana"}).live("ana")
    assert found(world.plan(), Fact.UNMANAGED)[0].item == AccountItem("ana")


def test_an_identity_that_only_the_state_still_knows_is_matched_by_its_pin() -> None:
    """Taken out of the YAML altogether: its account is removed, not a stranger's."""
    world = World().live("ana").apply("ana")
    assert only_change(world.plan()).id == "github/suspend-account/ana"


def test_where_ids_are_not_stable_the_username_is_the_pin() -> None:
    """An id that was given to something else is not followed."""
    world = World().settled("ana").live("ana", username="somebody", email="x@else.example")
    world.model.accounts["u-9"] = LiveAccount("u-9", "ana", "ana@acme.example")
    plan = world.plan(capabilities=can_everything(stable_ids=False))
    assert plan.changes == ()
    assert plan.adoption.accounts["ana"].remote_id == "u-9"


def test_a_created_account_whose_outcome_was_never_known_is_looked_up_before_it_is_made_again() -> None:
    """It landed: it is adopted, not created twice."""
    world = World().declare("ana").live("ana", external_id="ana").apply("ana", remote_id="", pending=True)
    plan = world.plan()
    assert plan.changes == ()
    assert (plan.adoption.accounts["ana"].remote_id, plan.adoption.accounts["ana"].pending) == ("u-ana", False)


def test_an_account_under_another_name_than_the_declared_one_is_not_taken() -> None:
    """The email fits, the username that the YAML names does not."""
    world = World(usernames={"ana": "anaruiz"}).declare("ana").live("ana", username="aruiz")
    assert "declared as anaruiz, but its email is at aruiz" in conflict_of(world.plan(), "ana")


def test_an_invitation_that_became_an_account_is_followed_to_it() -> None:
    """What passes by nature stands in nobody's way: the account is adopted, and nobody is invited again."""
    world = World().declare("ana").live("ana").apply("ana", remote_id="invitation/7")
    assert "which is gone" in conflict_of(world.plan(), "ana")
    plan = world.plan(capabilities=can_everything(passing_ids="invitation/"))
    assert plan.changes == ()
    assert plan.adoption.accounts["ana"].remote_id == "u-ana"
