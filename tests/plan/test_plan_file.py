"""The plan file, the digest, and what is said when a reviewed plan is no longer the one that would be done."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import jsonschema
import pytest
from plan_worlds import MOMENT, World, app_with, rules, whole_plan

from reconciler.errors import PlanError
from reconciler.plan.difference import SHOWN, explain_difference
from reconciler.plan.digest import digest_plan
from reconciler.plan.file import VERSION, decode_plan, encode_plan, plan_schema
from reconciler.plan.plan import AppPlan, Plan, Scope
from reconciler.provider.contract import Ticket, TicketStatus


def rich_world() -> World:
    """Return a world whose plan has something of everything."""
    world = World(app=app_with(rules("team:new"), rules("role:admin", privileged=True)))
    world.attributes["ana"] = {"title": "Engineer", "groups": ("a", "b"), "floor": 3, "remote": True}
    world.settled("ana", "team:a").settled("sam", "team:a").declare("ana", "team:b", "role:admin", "team:nope")
    world.live("ana", "team:a", "role:admin", attributes={"title": "Intern"}).live("old-bot", "team:a").live("lou")
    world.model.add_entitlement("team:b")
    world.apply("gone").leave("lou").declare("kim", "repo:web", level="write")
    world.live("kim", "repo:web", level="admin")
    del world.wanted["sam", "team:a"]
    return world


def rich_plan() -> Plan:
    """Return that plan."""
    ticket = Ticket("github/grant/sam/team:z", "k1", TicketStatus.OPEN, "tickets/k1.md", MOMENT)
    app = rich_world().plan(tickets=[("ticket", ticket)])
    broken = AppPlan("zoom", error="zoom: the token is missing")
    scope = Scope(reactivate=("kim",))
    return whole_plan(app, broken, scope=scope, warnings=("people.yaml:3: review is overdue",))


def test_a_plan_comes_back_exactly() -> None:
    """Values keep their types, sequences too."""
    plan = rich_plan()
    assert decode_plan(encode_plan(plan)) == plan
    assert len(list(plan.changes())) > 5
    assert plan.apps[0].cancellations


def test_real_plans_fit_the_schema_and_other_things_do_not() -> None:
    """The schema is strict about the envelope and the values of enumerations."""
    schema = plan_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    data = json.loads(encode_plan(rich_plan()))
    jsonschema.validate(data, schema)
    data["plan"]["apps"][0]["changes"][0]["operation"] = "explode"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, schema)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "no plan file"),
        ('{"version": 1}', "no plan file"),
        (json.dumps({"format": "reconciler plan", "version": VERSION + 1, "plan": {}}), "this tool reads version"),
        (json.dumps({"format": "reconciler plan", "version": "x", "plan": {}}), "unknown version"),
        (json.dumps({"format": "reconciler plan", "version": True, "plan": {}}), "unknown version"),
        (json.dumps({"format": "reconciler plan", "version": VERSION, "plan": {}}), "cannot be read"),
    ],
)
def test_what_is_no_plan_is_an_error_that_says_what_to_do(text: str, message: str) -> None:
    """Cut off, another file, another version."""
    with pytest.raises(PlanError, match=message) as caught:
        decode_plan(text)
    assert caught.value.hint


@pytest.mark.parametrize(("part", "value"), [("way", "ticket"), ("account_id", "u-boss"), ("blocked", "no")])
def test_a_plan_that_was_changed_is_refused(part: str, value: str) -> None:
    """Whatever would be done otherwise changes the digest."""
    data = json.loads(encode_plan(rich_plan()))
    data["plan"]["apps"][0]["changes"][0][part] = value
    with pytest.raises(PlanError, match="changed or damaged"):
        decode_plan(json.dumps(data))


def test_the_digest_is_of_what_would_be_done_not_of_when_or_why() -> None:
    """Moment, requests, timings, texts and verdicts do not count."""
    plan = rich_plan()
    first = plan.apps[0]
    later = replace(first, seconds=9.0, requests=99, as_of=MOMENT, findings=())
    same = replace(plan, moment=MOMENT + timedelta(hours=1), apps=(later, plan.apps[1]), verdicts=(), warnings=())
    assert digest_plan(same) == plan.digest


def test_the_digest_covers_everything_that_matters() -> None:
    """Each of these makes another plan."""
    plan = rich_plan()
    app = plan.apps[0]
    change = replace(app.changes[0], before={"status": "invited"})
    others = [
        replace(plan, tool="2.0"),
        replace(plan, tree_digest="u" * 64),
        replace(plan, scope=Scope(due=True)),
        replace(plan, future=True),
        replace(plan, apps=(app,)),
        replace(plan, apps=(replace(app, config_digest="d" * 64), plan.apps[1])),
        replace(plan, apps=(replace(app, ways=("api 2.0",)), plan.apps[1])),
        replace(plan, apps=(replace(app, changes=(change, *app.changes[1:])), plan.apps[1])),
        replace(plan, apps=(replace(app, changes=app.changes[1:]), plan.apps[1])),
        replace(plan, apps=(replace(app, cancellations=()), plan.apps[1])),
        replace(plan, apps=(replace(app, adoption=replace(app.adoption, grants=())), plan.apps[1])),
        replace(plan, apps=(replace(app, adoption=replace(app.adoption, gone=())), plan.apps[1])),
    ]
    assert len({plan.digest, *map(digest_plan, others)}) == len(others) + 1


def test_the_same_plan_has_no_difference() -> None:
    """Even at another moment."""
    assert explain_difference(rich_plan(), replace(rich_plan(), moment=MOMENT + timedelta(days=1))) == ()


def test_a_difference_names_what_moved() -> None:
    """The YAML, the tool, the configuration, the providers, and each change that is other than it was."""
    world = rich_world()
    reviewed = whole_plan(world.plan())
    world.live("kim", "repo:web", level="read").declare("new")
    del world.model.accounts["u-sam"]
    world.model.grants.pop(("u-sam", "team:a"))
    fresh_app = replace(world.plan(config_digest="d" * 64), ways=("api 1.1",))
    fresh = whole_plan(fresh_app, AppPlan("slack"), tool="1.1", tree_digest="u" * 64, moment=MOMENT + timedelta(days=1))
    text = "\n".join(explain_difference(reviewed, fresh))
    for expected in (
        "the tool's version: 1.0, now 1.1",
        "the YAML: tree tttttttttttt, now uuuuuuuuuuuu",
        "github: how it is reached and managed",
        "github: its providers: api 1.0, now api 1.1",
        "github: also: github/create-account/new (new)",
        "github: also: github/create-account/sam (drift: lost outside git)",
        "github: no longer: github/revoke/sam/team:a (nothing to do any more)",
        "github: otherwise: github/set-level/kim/repo:web (from: level='admin', now level='read')",
        "slack: not in the reviewed plan",
        "the moment: 2026-03-10 12:00+00:00, now 2026-03-11 12:00+00:00",
    ):
        assert expected in text


def test_a_large_difference_is_cut_and_counted() -> None:
    """A reader sees the first ones and how many more there are."""
    world = World().settled("ana")
    reviewed = whole_plan(world.plan())
    for number in range(SHOWN + 3):
        world.declare(f"p{number:02}")
    lines = explain_difference(reviewed, whole_plan(world.plan()))
    assert len(lines) == SHOWN + 1
    assert lines[-1] == "github: also: 3 more"
