"""Members of groups: listed, nested, by rule, and without those excepted."""

import time
from collections.abc import Mapping
from datetime import UTC, date, datetime

import pytest
from support.companies import company

from reconciler.errors import ExpressionError
from reconciler.items import Value
from reconciler.model.identities import Group, Person, ServiceAccount
from reconciler.problems import Place
from reconciler.resolve.company import resolve_company

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
PEOPLE = (
    Person("ana", "Ana Ruiz", department="Engineering", title="Lead", attributes={"location": "Berlin", "level": 3}),
    Person("kim", "Kim Li", department="Engineering", attributes={"location": ("Berlin", "Paris"), "remote": True}),
    Person("omar", "Omar Said", department="Sales", type="contractor", attributes={"remote": 1}),
    Person("gone", "Gone", department="Engineering", last_day=date(2026, 6, 14)),
    Person("soon", "Soon", department="Engineering", start=date(2026, 6, 16)),
)
BOTS = (ServiceAccount("bot", "ana"),)


def members(*groups: Group) -> set[str]:
    """Return the members of the first of some groups."""
    return set(resolve_company(company(people=PEOPLE, services=BOTS, groups=groups), NOW).members(groups[0].name))


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        (Group("g"), set()),
        (Group("g", people=("ana", "gone", "soon", "nobody")), {"ana"}),
        (Group("g", service_accounts=("bot",)), {"bot"}),
        (Group("g", where={"department": "Engineering"}), {"ana", "kim"}),
        (Group("g", where={"department": "Engineering", "title": "Lead"}), {"ana"}),
        (Group("g", where={"department": ("Sales", "Engineering")}, excluded=("kim",)), {"ana", "omar"}),
        (Group("g", where={"location": "Paris"}), {"kim"}),
        (Group("g", where={"location": "Berlin"}), {"ana", "kim"}),
        (Group("g", where={"remote": True}), {"kim"}),
        (Group("g", where={"remote": 1}), {"omar"}),
        (Group("g", where={"level": "3"}), set()),
        (Group("g", where={"level": 3}), {"ana"}),
        (Group("g", where={"unheard_of": "x"}), set()),
        (Group("g", where={"title": None}), set()),
        (Group("g", expression='department == "Engineering" and title == "Lead"'), {"ana"}),
        (Group("g", expression="title is none"), {"kim", "omar"}),
        (Group("g", expression='type == "contractor" or level >= 3'), {"ana", "omar"}),
        (Group("g", expression="id != 'ana'", people=("ana",)), {"ana", "kim", "omar"}),
        (Group("g", people=("ana", "kim"), excluded=("ana", "nobody")), {"kim"}),
    ],
)
def test_a_group_has_who_is_listed_or_matched_and_here(group: Group, expected: set[str]) -> None:
    """Lists and rules add up, exceptions take away, and only people who are here count."""
    assert members(group) == expected


def test_nested_groups_bring_their_members_but_not_past_an_exception() -> None:
    """An exception holds for everything that comes by way of its group, and for nothing else."""
    inner = Group("inner", people=("ana", "kim", "omar"), excluded=("ana",))
    assert members(Group("outer", groups=("inner",), excluded=("kim",)), inner) == {"omar"}
    assert members(Group("outer", groups=("inner",), people=("ana",)), inner) == {"ana", "kim", "omar"}


def test_groups_nest_to_any_depth() -> None:
    """Five thousand levels resolve in no time, in whatever order they are written."""
    depth = 5_000
    groups = [Group(f"g{n}", groups=(f"g{n + 1}",) if n < depth else (), people=()) for n in range(depth)]
    groups.append(Group(f"g{depth}", people=("ana",)))
    started = time.process_time()
    assert members(*groups) == members(groups[0], *reversed(groups[1:])) == {"ana"}
    assert time.process_time() - started < 5


def test_a_circle_of_groups_does_not_hang_and_shares_its_members() -> None:
    """Loading refuses circles; should one arrive all the same, each group in it has what all of them bring."""
    circle = [
        Group("a", groups=("b",), people=("ana",)),
        Group("b", groups=("c",), people=("kim",), excluded=("ana",)),
        Group("c", groups=("a", "c"), people=("omar",)),
    ]
    for start in range(3):
        turned = circle[start:] + circle[:start]
        expected = {"ana", "kim", "omar"} - ({"ana"} if turned[0].name == "b" else set())
        assert members(*turned) == expected


@pytest.mark.parametrize("attributes", [{"level": 3}, {"level": "three"}])
def test_a_rule_that_cannot_be_evaluated_names_the_group_the_person_and_the_place(
    attributes: Mapping[str, Value],
) -> None:
    """Comparing a number with a text is the writer's mistake, never a silent loss of access."""
    people = [Person("ana", "Ana", attributes=attributes, place=Place("people.yaml", 7))]
    wrong = "level < 'x'" if isinstance(attributes["level"], int) else "level < 4"
    groups = [Group("seniors", expression=wrong, place=Place("groups.yaml", 4))]
    with pytest.raises(ExpressionError, match=r"groups.yaml:4: the rule of group seniors .* for ana") as caught:
        resolve_company(company(people=people, groups=groups), NOW)
    assert "people.yaml:7" in caught.value.hint


def test_thousands_of_rules_over_ten_thousand_people_are_cheap() -> None:
    """People are looked at once for each attribute, not once for each group."""
    people = [Person(f"p{n}", f"P {n}", department=f"D{n % 100}", title=f"T{n % 7}") for n in range(10_000)]
    groups = [Group(f"w{n}", where={"department": f"D{n % 100}"}) for n in range(2_000)]
    groups += [Group(f"e{n}", expression=f'department == "D{n % 100}" and title == "T1"') for n in range(200)]
    started = time.process_time()
    resolved = resolve_company(company(people=people, groups=groups), NOW)
    assert time.process_time() - started < 10
    assert len(resolved.members("w5")) == 100
    assert resolved.members("e5") == {f"p{n}" for n in range(10_000) if n % 100 == 5 and n % 7 == 1}
