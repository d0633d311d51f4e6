"""Which level holds where several blocks ask for the same item."""

from datetime import UTC, datetime

import pytest
from support.companies import company, wanted

from reconciler.items import GrantItem, Names
from reconciler.model.access import Recipients, Role
from reconciler.model.apps import App, EntitlementRules
from reconciler.model.identities import Person
from reconciler.problems import Place
from reconciler.resolve.company import declare_app, resolve_company
from reconciler.resolve.declared import DeclaredApp

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
KNOWN = {"repo": ("read", "write", "admin")}


def declare(*levels: str | None, rules: dict[str, EntitlementRules] | None = None, known: bool = True) -> DeclaredApp:
    """Declare an app in which ana is given `repo:web` once at each of these levels, by a role each."""
    roles = [
        Role(
            f"r{number}",
            Recipients(people=("ana",)),
            {"github": wanted(("repo:web", level) if level else "repo:web", line=10 + number)},
            place=Place("roles.yaml", number),
        )
        for number, level in enumerate(levels)
    ]
    given = company(people=[Person("ana", "Ana")], apps=[App("github", "ana", entitlements=rules or {})], roles=roles)
    return declare_app(resolve_company(given, NOW), "github", Names(), KNOWN if known else {})


def level_of(declared: DeclaredApp) -> str | None:
    """Return the level at which ana has `repo:web`."""
    return declared.names.levels[declared.grants[declared.names.grant("ana", "repo:web")]]


@pytest.mark.parametrize(
    ("levels", "strongest"),
    [
        (("write", "read"), "write"),
        (("read", "admin", "write"), "admin"),
        ((None, "read"), "read"),
        (("read", None), "read"),
        ((None, None), None),
        (("read", "read"), "read"),
    ],
)
def test_the_strongest_level_wins_where_the_order_is_known(
    levels: tuple[str | None, ...], strongest: str | None
) -> None:
    """Blocks only ever add; whoever asks for no level is content with any."""
    declared = declare(*levels)
    assert level_of(declared) == strongest
    assert not declared.clashes


def test_an_unknown_order_is_a_clash_that_keeps_the_grant() -> None:
    """Nobody guesses which of two levels is stronger, and nobody takes the access away for that."""
    declared = declare("write", "admin", known=False)
    assert [(clash.item, clash.levels) for clash in declared.clashes] == [
        (GrantItem("ana", "repo:web"), ("admin", "write"))
    ]
    assert level_of(declared) == "admin"
    assert [reason.place.line for reason in declared.clashes[0].reasons] == [10, 11]
    assert "at write" in declared.clashes[0].reasons[0].text


def test_a_level_that_the_order_does_not_know_is_a_clash() -> None:
    """A misspelt level is not taken for the weakest."""
    assert declare("write", "wriet").clashes[0].levels == ("wriet", "write")


def test_one_level_without_an_order_is_no_clash() -> None:
    """With nothing to choose from, nothing has to be known."""
    declared = declare("write", None, "write", known=False)
    assert level_of(declared) == "write"
    assert not declared.clashes


def test_the_yaml_knows_better_than_the_provider_for_its_own_entitlement() -> None:
    """An entitlement's own `levels` are reviewed words of the organization."""
    rules = {"repo:web": EntitlementRules("repo:web", levels=("admin", "write", "read"))}
    assert level_of(declare("read", "admin", rules=rules)) == "read"


def test_the_yaml_order_of_a_kind_serves_its_other_entitlements_where_the_provider_knows_none() -> None:
    """It is enough to write the levels of a kind once; two that disagree serve nobody else."""
    order = ("read", "write")
    one = {"repo:api": EntitlementRules("repo:api", levels=order)}
    declared = declare("write", "read", rules=one, known=False)
    assert (level_of(declared), declared.levels) == ("write", {"repo": order})
    two = one | {"repo:cli": EntitlementRules("repo:cli", levels=("write", "read"))}
    assert declare("write", "read", rules=two, known=False).clashes


def test_one_list_that_asks_twice_is_decided_like_two_lists() -> None:
    """The order within a list means nothing either."""
    for first, second in (("read", "admin"), ("admin", "read")):
        role = Role("r", Recipients(people=("ana",)), {"github": wanted(("repo:web", first), ("repo:web", second))})
        given = company(people=[Person("ana", "Ana")], apps=[App("github", "ana")], roles=[role])
        assert level_of(declare_app(resolve_company(given, NOW), "github", Names(), KNOWN)) == "admin"
