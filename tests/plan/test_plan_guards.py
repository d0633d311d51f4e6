"""Guards: limits, protections, the last admins, empty sides, what may never be held together; and overrides."""

from __future__ import annotations

import pytest
from plan_worlds import App, World, app_with, found, operations, rules, whole_plan

from reconciler.errors import RefusedError
from reconciler.items import GrantItem
from reconciler.model.apps import Manage
from reconciler.model.policies import Limit, Limits, NeverTogether, Policies, Protected
from reconciler.plan.digest import digest_plan
from reconciler.plan.guards import Override
from reconciler.plan.order import StageName, only_after, staged
from reconciler.plan.plan import AppPlan, Fact, Plan, Verdict
from reconciler.provider.change import Operation
from reconciler.provider.snapshot import AccountStatus


def verdict_of(plan: Plan, guard: str) -> Verdict:
    """Return the single verdict of a guard."""
    (verdict,) = [one for one in plan.verdicts if one.guard == guard]
    return verdict


def leaving(count: int, name: str = "github") -> AppPlan:
    """Return the plan of an app that so many people leave."""
    world = World(app=App(name, "omar"))
    for number in range(count):
        world.settled(f"p{number}", "team:a").leave(f"p{number}")
    return world.settled("stays").plan()


def shrinking(removed: int, of: int, **more: object) -> World:
    """Return a world in which so many of the team's grants were taken out of git."""
    world = World(**more)  # type: ignore[arg-type]
    for number in range(of):
        world.settled(f"p{number}", "team:a")
    for number in range(removed):
        del world.wanted[f"p{number}", "team:a"]
    return world


def test_a_leaver_counts_once_in_however_many_apps() -> None:
    """Accounts, grants and apps together: one."""
    plan = whole_plan(leaving(3), leaving(3, "slack"))
    assert verdict_of(plan, "leavers") == Verdict("leavers", "", refused=False, text="3 of 3 leavers")
    assert [one.guard for one in plan.verdicts] == ["leavers"]


def test_too_many_leavers_refuse_the_whole_plan() -> None:
    """More than the larger of the number and the share."""
    assert verdict_of(whole_plan(leaving(4)), "leavers").refused
    assert not verdict_of(whole_plan(leaving(4), population=400), "leavers").refused


def test_too_many_removals_refuse_the_app() -> None:
    """Grants count like accounts, in small apps like in large ones."""
    assert verdict_of(whole_plan(shrinking(5, 6).plan()), "removals_per_app").text == "5 of 5 removals"
    refused = verdict_of(whole_plan(shrinking(6, 8).plan()), "removals_per_app")
    assert (refused.refused, refused.app) == (True, "github")


def test_a_share_of_a_large_app_does_not_allow_to_empty_one_of_its_kinds() -> None:
    """Every kind has its own population."""
    world = shrinking(0, 100)
    for number in range(8):
        world.settled(f"p{number}", "team:a", "role:x")
        del world.wanted[f"p{number}", "role:x"]
    (verdict,) = [one for one in whole_plan(world.plan()).verdicts if one.refused]
    assert verdict.text == "8 of 5 removals of grants of kind role"


def test_an_account_that_is_removed_counts_once_with_its_grants() -> None:
    """One person taken out of git is one removal."""
    world = World().settled("stays").settled("ana", *(f"team:{n}" for n in range(9)))
    world.people.pop("ana")
    world.wanted.clear()
    plan = whole_plan(world.plan())
    assert plan.count(Operation.REVOKE) == 9
    assert verdict_of(plan, "removals_per_app").text == "1 of 5 removals"


def test_pending_invitations_count_as_removals() -> None:
    """An invitation that is withdrawn takes something away."""
    world = World().settled("stays").settled("ana", status=AccountStatus.INVITED)
    world.people.pop("ana")
    assert verdict_of(whole_plan(world.plan()), "removals_per_app").text == "1 of 5 removals"


def test_the_stricter_of_base_and_head_holds() -> None:
    """One pull request cannot raise a limit and use it."""
    base = Policies(limits=Limits(removals_per_app=Limit(1)))
    head = Policies(limits=Limits(removals_per_app=Limit(100)))
    plan = whole_plan(shrinking(2, 9).plan(), policies=(base, head))
    assert verdict_of(plan, "removals_per_app").refused


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_declared_side_that_is_suddenly_empty_is_refused(count: int) -> None:
    """However small the app is."""
    world = shrinking(count, count)
    world.people.clear()
    verdict = verdict_of(whole_plan(world.plan()), "empty_declared")
    assert (verdict.refused, verdict.app) == (True, "github")


def test_an_app_that_everybody_left_is_not_empty_by_mistake() -> None:
    """Leavers have their own limit."""
    plan = whole_plan(World().settled("ana").leave("ana").plan())
    assert [verdict.guard for verdict in plan.verdicts] == ["leavers"]


def test_an_override_lifts_the_limits_of_the_plan_that_it_names() -> None:
    """The digest stays what it was; the reason is shown."""
    app = shrinking(6, 8).plan()
    refused = whole_plan(app)
    lifted = whole_plan(app, overrides=(Override(refused.digest, "the team is dissolved"),))
    assert refused.refused
    assert not lifted.refused
    assert lifted.digest == refused.digest == digest_plan(lifted)
    assert lifted.verdicts[0].text == "6 of 5 removals (overridden: the team is dissolved)"


@pytest.mark.parametrize("override", [Override("f" * 64, "why"), Override("", "why")])
def test_an_override_of_another_plan_is_an_error(override: Override) -> None:
    """An option that lifts nothing is never silently ignored."""
    with pytest.raises(RefusedError, match="the override names"):
        whole_plan(shrinking(6, 8).plan(), overrides=(override,))


def test_an_override_needs_a_reason() -> None:
    """It goes to the journal."""
    app = shrinking(6, 8).plan()
    with pytest.raises(RefusedError, match="needs a reason"):
        whole_plan(app, overrides=(Override(whole_plan(app).digest, " "),))


@pytest.mark.parametrize(
    "protected",
    [
        Protected(people=frozenset({"p0"})),
        Protected(accounts=frozenset({"github/P0"})),
        Protected(entitlements=frozenset({"github/team:a"})),
    ],
)
def test_what_is_protected_is_never_taken_away(protected: Protected) -> None:
    """Named by the base or by the head, and no override lifts it."""
    app = shrinking(1, 3).plan()
    policies = (Policies(protected=protected), Policies())
    plan = whole_plan(app, policies=policies)
    (change,) = plan.changes()
    assert "protected" in change.blocked
    assert (plan.refused, plan.empty) == (True, True)
    again = whole_plan(app, policies=policies, overrides=(Override(plan.digest, "really"),))
    assert next(again.changes()).blocked


def test_a_protected_stranger_is_no_change_at_all() -> None:
    """In an app that is managed whole it is shown as left alone, and refuses nothing."""
    world = World(app=App("github", "omar", manage=Manage.EVERYTHING)).settled("ana").live("acme-root")
    plan = whole_plan(world.plan(), policies=(Policies(protected=Protected(accounts=frozenset({"github/acme-root"}))),))
    assert (list(plan.changes()), plan.refused) == ([], False)
    assert plan.apps[0].findings[0].text == "the account github/acme-root is protected; left alone"


def test_the_tool_never_takes_anything_from_its_own_account() -> None:
    """Not even when its identity has left."""
    world = World().settled("ana", "team:a").leave("ana").settled("stays")
    plan = whole_plan(world.plan(world.model.snapshot(own="u-ana")))
    assert {change.blocked for change in plan.changes()} == {"the account that this tool itself acts as"}


def admins(*names: str) -> World:
    """Return a world with these admins."""
    world = World(app=app_with(rules("role:admin", privileged=True))).settled("stays")
    for name in names:
        world.settled(name, "role:admin")
    return world


def test_the_last_admins_stay() -> None:
    """Two are the least, and a leaver with a suspended account is none."""
    world = admins("ana", "ben").leave("ben")
    verdict = verdict_of(whole_plan(world.plan()), "minimum_admins")
    assert (verdict.refused, verdict.text) == (True, "role:admin would have 1 holder left, at least 2 must stay")
    enough = admins("ana", "ben", "cam").leave("ben")
    assert not whole_plan(enough.plan()).refused


def test_too_few_admins_already_do_not_stop_other_changes() -> None:
    """Only what takes one away is refused."""
    world = admins("ana")
    assert not whole_plan(world.declare("stays", "team:a").plan()).verdicts


def test_the_last_admin_changes_by_granting_first() -> None:
    """The removal waits for the grant, even that of a leaver."""
    world = admins("ana", "ben").leave("ben").declare("stays", "role:admin")
    plan = whole_plan(world.plan())
    assert not plan.refused
    names = [stage.name for stage in staged(plan.changes())]
    assert names == [StageName.GRANTS, StageName.HANDOVERS]
    waits = {change.id: only_after(change) for change in plan.changes() if change.holder == "ben"}
    assert waits["github/suspend-account/ben"] == ("github/grant/stays/role:admin",)
    assert operations(plan.apps[0])[0] == "grant/stays/role:admin"


RULE = NeverTogether("pay-yourself", ("github/role:vendor", "github/role:pay"))
APART = Policies(never_together={"pay-yourself": RULE})


def payers(*held: str) -> World:
    """Return a world in which ana holds these, and both roles exist."""
    world = World().settled("ana", *held).settled("ben")
    world.model.add_entitlement("role:vendor")
    world.model.add_entitlement("role:pay")
    return world


def test_a_grant_that_must_not_be_held_with_another_is_blocked() -> None:
    """That identity's grant, not the company's."""
    world = payers("role:vendor").declare("ana", "role:pay").declare("ben", "role:pay")
    plan = whole_plan(world.plan(policies=[APART]), policies=(APART,))
    blocked = {change.id: change.blocked for change in plan.changes()}
    assert blocked["github/grant/ben/role:pay"] == ""
    assert (
        "never hold it together with github/role:vendor (policy pay-yourself)" in blocked["github/grant/ana/role:pay"]
    )


def test_two_new_grants_that_must_not_be_held_together_are_both_blocked() -> None:
    """Neither is better than the other."""
    world = payers().declare("ana", "role:pay", "role:vendor")
    plan = whole_plan(world.plan(policies=[APART]), policies=(Policies(), APART))
    assert all(change.blocked for change in plan.changes())


def test_what_is_held_together_already_is_shown() -> None:
    """Nothing is taken away by that."""
    plan = whole_plan(payers("role:vendor", "role:pay").plan(policies=[APART]), policies=(APART,))
    (finding,) = found(plan.apps[0], Fact.CONFLICT)
    assert finding.item == GrantItem("ana", "role:vendor")
    assert plan.empty


def test_a_mover_loses_the_old_before_getting_the_new() -> None:
    """One strand: the revoke, then the grant that relies on it."""
    world = payers("role:vendor").declare("ana", "role:pay")
    del world.wanted["ana", "role:vendor"]
    plan = whole_plan(world.plan(policies=[APART]), policies=(APART,))
    (stage,) = staged(plan.changes())
    assert stage.name is StageName.SWAPS
    revoke, grant = stage.strands[0]
    assert (revoke.operation, grant.operation) == (Operation.REVOKE, Operation.GRANT)
    assert only_after(grant) == (revoke.id,)


def test_rules_reach_across_apps() -> None:
    """Held there, granted here."""
    rule = NeverTogether("across", ("github/role:vendor", "bank/role:pay"))
    policies = Policies(never_together={"across": rule})
    github = payers("role:vendor").plan(policies=[policies])
    bank = (
        World(app=App("bank", "omar")).settled("ana").declare("ana", "role:pay").declare("ben", "role:pay").live("ben")
    )
    bank.model.add_entitlement("role:pay")
    judged = bank.plan(policies=[policies])
    plan = whole_plan(github, judged, policies=(policies,))
    assert {change.id for change in plan.changes() if change.blocked} == {"bank/grant/ana/role:pay"}
    alone = whole_plan(judged, policies=(policies,))
    assert all("is not known in this plan" in change.blocked for change in alone.changes())


def test_a_plan_without_removals_has_no_verdicts() -> None:
    """Nothing to count."""
    assert whole_plan(World().declare("ana").plan()).verdicts == ()
