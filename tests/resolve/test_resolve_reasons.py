"""Why somebody has something or has it not: chains of words and places."""

from datetime import UTC, date, datetime, timedelta

import pytest
from support.companies import company, wanted

from reconciler.items import AccountItem, EntitlementItem, GrantItem, Item, Names
from reconciler.model.access import GrantBlock, Recipients, Role
from reconciler.model.apps import AccountRules, App, EntitlementRules
from reconciler.model.identities import Group, Person
from reconciler.problems import Place
from reconciler.resolve.company import declare_app, resolve_company
from reconciler.resolve.declared import AbsentBecause, Presence
from reconciler.resolve.explain import explain, who
from reconciler.resolve.presence import absent_because, presence_of
from reconciler.resolve.reasons import reasons_for

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
PAST, FUTURE = NOW - timedelta(days=1), NOW + timedelta(days=1)


def person(identity: str, line: int, department: str = "", **dates: date) -> Person:
    """Write a person on a line of people.yaml."""
    place = Place("people.yaml", line)
    return Person(identity, identity.title(), department=department, place=place, **dates)  # type: ignore[arg-type]


GIVEN = company(
    people=[
        person("ana", 3, "Engineering"),
        person("kim", 8, "SRE"),
        person("omar", 13),
        person("gone", 18, "Engineering", last_day=date(2026, 6, 14)),
        person("soon", 23, "Engineering", start=date(2026, 7, 1)),
    ],
    groups=[
        Group("engineering", where={"department": "Engineering"}, place=Place("groups.yaml", 2)),
        Group("sre", expression='department == "SRE"', place=Place("groups.yaml", 3)),
        Group("platform", people=("omar",), groups=("sre", "engineering"), place=Place("groups.yaml", 4)),
        Group("oncall", groups=("platform",), excluded=("omar",), place=Place("groups.yaml", 5)),
        Group("pager", groups=("oncall",), place=Place("groups.yaml", 6)),
    ],
    apps=[
        App(
            "github",
            "omar",
            accounts=AccountRules(to=Recipients(people=("omar",), place=Place("apps/github.yaml", 9))),
            entitlements={"team:platform": EntitlementRules("team:platform", place=Place("apps/github.yaml", 12))},
        )
    ],
    roles=[
        Role(
            "engineer",
            Recipients(groups=("engineering",), place=Place("roles.yaml", 3)),
            {"github": wanted("team:engineers", ("repo:web", "write"), file="roles.yaml", line=5)},
            place=Place("roles.yaml", 2),
        ),
        Role(
            "responder",
            Recipients(groups=("pager",), everyone=False, excluded=("ana",), place=Place("roles.yaml", 11)),
            {"github": wanted("team:platform", file="roles.yaml", line=13)},
            place=Place("roles.yaml", 10),
        ),
    ],
    grants=[
        GrantBlock(
            Recipients(people=("ana",), groups=("sre",), place=Place("grants.yaml", 2)),
            {"github": wanted("team:engineers", line=3)},
            reason="migration (IT-412)",
            place=Place("grants.yaml", 1),
        ),
        GrantBlock(
            Recipients(people=("omar",), place=Place("grants.yaml", 7)),
            {"github": wanted("role:admin", line=8)},
            until=PAST,
            place=Place("grants.yaml", 6),
        ),
        GrantBlock(
            Recipients(people=("omar",), place=Place("grants.yaml", 12)),
            {"github": wanted("role:owner", line=13)},
            start=FUTURE,
            place=Place("grants.yaml", 11),
        ),
        GrantBlock(
            Recipients(everyone=True, entitlements=("github/team:platform",), place=Place("grants.yaml", 17)),
            {"github": wanted(("repo:docs", "read"), line=18)},
            place=Place("grants.yaml", 16),
        ),
    ],
)
RESOLVED = resolve_company(GIVEN, NOW)
DECLARED = declare_app(RESOLVED, "github", Names(), {"repo": ("read", "write")})


def reasons(item: Item) -> list[tuple[str, str]]:
    """Return each reason of an item as its text and its places, shortened."""
    return [
        (reason.text, " ".join(place.short for place in reason.places))
        for reason in reasons_for(RESOLVED, DECLARED, item)
    ]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (
            GrantItem("ana", "team:engineers"),
            [
                ("grant (migration (IT-412)), because ana is listed", "grants.yaml:3 grants.yaml:2"),
                (
                    "role engineer, because group engineering (rule department = Engineering)",
                    "roles.yaml:5 groups.yaml:2",
                ),
            ],
        ),
        (
            GrantItem("ana", "repo:web"),
            [
                (
                    "role engineer at write, because group engineering (rule department = Engineering)",
                    "roles.yaml:6 groups.yaml:2",
                )
            ],
        ),
        (
            GrantItem("kim", "team:platform"),
            [
                (
                    'role responder, because group pager > oncall > platform > sre (rule department == "SRE")',
                    "roles.yaml:13 groups.yaml:6 groups.yaml:5 groups.yaml:4 groups.yaml:3",
                )
            ],
        ),
        (
            GrantItem("ana", "team:platform"),
            [("not by role responder, because ana is excepted", "roles.yaml:13 roles.yaml:11")],
        ),
        (
            GrantItem("omar", "team:platform"),
            [
                (
                    "not by role responder, because group pager > oncall excepts omar",
                    "roles.yaml:13 groups.yaml:6 groups.yaml:5",
                )
            ],
        ),
        (
            GrantItem("omar", "role:admin"),
            [
                (
                    "grant expired 2026-06-14 12:00+00:00; it was given because omar is listed",
                    "grants.yaml:8 grants.yaml:7",
                )
            ],
        ),
        (
            GrantItem("omar", "repo:docs"),
            [("grant at read, because it is for everyone", "grants.yaml:18 grants.yaml:17 people.yaml:13")],
        ),
        (
            GrantItem("team:platform", "repo:docs"),
            [("grant at read, because team:platform is listed", "grants.yaml:18 grants.yaml:17")],
        ),
        (GrantItem("gone", "team:whatever"), [("leaver: the last day was 2026-06-14", "people.yaml:18")]),
        (GrantItem("omar", "team:engineers"), []),
        (GrantItem("nobody", "team:engineers"), []),
        (GrantItem("omar", "team:nothing"), []),
        (GrantItem("omar", "role:owner"), []),
        (AccountItem("gone"), [("leaver: the last day was 2026-06-14", "people.yaml:18")]),
        (AccountItem("soon"), [("not before the first day, 2026-07-01", "people.yaml:23")]),
        (AccountItem("nobody"), []),
        (
            AccountItem("omar"),
            [
                ("accounts of github, because omar is listed", "apps/github.yaml:9"),
                ("grant, because it is for everyone", "grants.yaml:16 grants.yaml:17 people.yaml:13"),
            ],
        ),
        (
            EntitlementItem("team:platform"),
            [
                ("declared in the entitlements of github", "apps/github.yaml:12"),
                ("named by role responder", "roles.yaml:13"),
            ],
        ),
        (EntitlementItem("role:admin"), []),
        (EntitlementItem("team:nothing"), []),
    ],
)
def test_an_item_has_the_chains_that_lead_to_it(item: Item, expected: list[tuple[str, str]]) -> None:
    """Each chain says by which block and which way, with the place of every link, sorted by place."""
    assert reasons(item) == expected


@pytest.mark.parametrize(
    ("item", "presence", "because"),
    [
        (GrantItem("ana", "team:engineers"), Presence.PRESENT, None),
        (GrantItem("ana", "team:platform"), Presence.ABSENT, AbsentBecause.EXCLUDED),
        (GrantItem("omar", "role:admin"), Presence.ABSENT, AbsentBecause.EXPIRED),
        (GrantItem("omar", "role:owner"), None, None),
        (GrantItem("nobody", "role:owner"), None, None),
        (GrantItem("gone", "anything:at-all"), Presence.ABSENT, AbsentBecause.LEAVER),
        (AccountItem("ana"), Presence.PRESENT, None),
        (AccountItem("gone"), Presence.SUSPENDED, AbsentBecause.LEAVER),
        (AccountItem("soon"), None, None),
        (AccountItem("nobody"), None, None),
        (EntitlementItem("team:platform"), Presence.PRESENT, None),
        (EntitlementItem("team:engineers"), Presence.PRESENT, None),
        (EntitlementItem("role:admin"), None, None),
        (EntitlementItem("role:nothing"), None, None),
    ],
)
def test_an_item_is_present_suspended_absent_or_silent(
    item: Item, presence: Presence | None, because: AbsentBecause | None
) -> None:
    """What is declared about one item can be asked for by name, and why it is gone."""
    assert presence_of(DECLARED, item) is presence
    assert absent_because(DECLARED, item) is because


def test_an_account_that_went_with_expired_grants_says_so() -> None:
    """It is silent, and still somebody will ask why it is to be suspended."""
    block = GrantBlock(
        Recipients(people=("ana",), excluded=("kim",), place=Place("grants.yaml", 2)),
        {"figma": wanted("role:admin", line=3)},
        until=PAST,
        place=Place("grants.yaml", 1),
    )
    given = company(people=[person("ana", 3), person("kim", 8)], apps=[App("figma", "ana")], grants=[block])
    resolved = resolve_company(given, NOW)
    declared = declare_app(resolved, "figma", Names(), {})
    assert presence_of(declared, AccountItem("ana")) is None
    assert absent_because(declared, AccountItem("ana")) is AbsentBecause.EXPIRED
    assert absent_because(declared, AccountItem("kim")) is AbsentBecause.EXCLUDED
    assert "expired" in reasons_for(resolved, declared, AccountItem("ana"))[0].text


def test_explain_shows_the_account_and_every_grant_a_block_speaks_of() -> None:
    """What somebody has, has no longer, is kept from and will have, in one list."""
    found = explain(RESOLVED, DECLARED, "omar")
    assert [(str(part.item), part.presence, part.level) for part in found] == [
        ("omar", Presence.PRESENT, None),
        ("omar repo:docs", Presence.PRESENT, "read"),
        ("omar role:admin", Presence.ABSENT, None),
        ("omar team:platform", Presence.ABSENT, None),
        ("omar role:owner", None, None),
    ]
    assert all(part.reasons for part in found)
    assert found[-1].reasons[0].text == "grant begins 2026-06-16 12:00+00:00"
    assert found[-1].reasons[0].place == Place("grants.yaml", 13)


def test_explain_answers_for_leavers_newcomers_strangers_and_entitlements() -> None:
    """Whoever is asked about, there is an answer."""
    gone, soon, nobody = (explain(RESOLVED, DECLARED, identity) for identity in ("gone", "soon", "nobody"))
    assert [part.presence for part in gone] == [Presence.SUSPENDED]
    assert [(part.presence, part.reasons[0].place.line) for part in soon] == [(None, 23)]
    assert [(part.presence, part.reasons) for part in nobody] == [(None, ())]
    assert [str(part.item) for part in explain(RESOLVED, DECLARED, "team:platform")] == ["team:platform repo:docs"]


def test_who_shows_every_holder_and_everybody_it_is_kept_from() -> None:
    """The reverse of explain, over people and entitlements alike."""
    found = who(RESOLVED, DECLARED, "team:platform")
    assert [(part.item, part.presence) for part in found] == [
        (GrantItem("ana", "team:platform"), Presence.ABSENT),
        (GrantItem("kim", "team:platform"), Presence.PRESENT),
        (GrantItem("omar", "team:platform"), Presence.ABSENT),
    ]
    docs = who(RESOLVED, DECLARED, "repo:docs")
    assert [str(part.item).split()[0] for part in docs] == ["ana", "kim", "omar", "team:platform"]
    assert {part.level for part in docs} == {"read"}
    assert who(RESOLVED, DECLARED, "team:nothing") == ()


def test_of_many_ways_through_one_group_the_shortest_is_shown() -> None:
    """Groups that are nested in many ways do not make many reasons."""
    layers = [
        Group(f"l{level}{side}", groups=(f"l{level + 1}a", f"l{level + 1}b") if level < 30 else (), people=())
        for level in range(31)
        for side in "ab"
    ]
    layers += [Group("top", groups=("l0a", "l0b", "short")), Group("short", groups=("l30a",)), Group("end")]
    groups = {group.name: group for group in layers}
    groups["l30a"] = Group("l30a", people=("ana",))
    role = Role("r", Recipients(groups=("top",)), {"github": wanted("team:web")})
    given = company(people=[person("ana", 3)], groups=list(groups.values()), apps=[App("github", "ana")], roles=[role])
    resolved = resolve_company(given, NOW)
    found = reasons_for(resolved, declare_app(resolved, "github", Names(), {}), GrantItem("ana", "team:web"))
    assert [reason.text for reason in found] == ["role r, because group top > short > l30a"]
