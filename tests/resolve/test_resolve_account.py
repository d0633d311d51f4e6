"""An account rendered for one identity."""

from datetime import UTC, date, datetime

import pytest
from support.companies import company, wanted

from reconciler.errors import ExpressionError
from reconciler.items import Names, Value
from reconciler.model.access import GrantBlock, Recipients
from reconciler.model.apps import AccountRules, App
from reconciler.model.identities import Person, ServiceAccount
from reconciler.problems import Place
from reconciler.resolve.account import declare_account
from reconciler.resolve.attributes import split_name
from reconciler.resolve.company import declare_app, resolve_company
from reconciler.resolve.declared import DeclaredAccount, Presence

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
ANA = Person(
    "ana",
    "Ana María Ruiz",
    "ana@acme.example",
    title="Lead",
    manager="omar",
    usernames={"github": "anaruiz"},
    attributes={"level": 3, "sites": ("Berlin", "Paris")},
)
OMAR = Person("omar", "Omar", email="", given_name="Omar", family_name="bin Said")
GONE = Person("gone", "Gone Girl", "gone@acme.example", last_day=date(2026, 6, 14))
BOT = ServiceAccount("bot", "omar", "bot@acme.example", name="CI bot")


def account(identity: str, app: str = "github", **attributes: Value) -> DeclaredAccount:
    """Render an identity's account in an app with these mapped attributes."""
    rules = AccountRules(attributes=attributes, place=Place("apps/github.yaml", 7))
    given = company(
        people=[ANA, OMAR, GONE],
        services=[BOT],
        apps=[App("github", "omar", accounts=rules), App("slack", "omar")],
        grants=[GrantBlock(Recipients(people=("ana", "gone"), service_accounts=("bot",)), {"github": wanted()})],
    )
    resolved = resolve_company(given, NOW)
    return declare_account(resolved, declare_app(resolved, app, Names(), {}), identity)


def test_a_person_starts_with_all_that_is_known() -> None:
    """A new account gets the names apart, the manager by id, and a username that is a proposal."""
    found = account("ana")
    assert (found.presence, found.username, found.email) == (Presence.PRESENT, "anaruiz", "ana@acme.example")
    assert found.external_id == "ana"
    assert found.initial == {
        "name": "Ana María Ruiz",
        "given_name": "Ana María",
        "family_name": "Ruiz",
        "email": "ana@acme.example",
        "title": "Lead",
        "manager": "omar",
        "username": "anaruiz",
    }


def test_a_username_is_declared_only_where_it_is_written() -> None:
    """Elsewhere the app decides; the proposal is the email, else the id."""
    assert account("ana", "slack").username == ""
    assert account("ana", "slack").initial["username"] == "ana@acme.example"
    assert account("omar", "slack").initial["username"] == "omar"


def test_mapped_attributes_are_rendered_with_their_own_types() -> None:
    """A template that is one attribute keeps its type; a fixed value stays; what is lacking is None or no text."""
    found = account(
        "ana",
        level="{{ person.level }}",
        sites="{{ person.sites }}",
        label="{{ person.title }} ({{ person.level }})",
        none="{{ person.department }}",
        empty="in {{ person.department }}",
        fixed="plain",
        number=7,
        several=("{{ person.id }}", "x", "{{ person.department }}"),
    )
    assert found.attributes == {
        "level": 3,
        "sites": ("Berlin", "Paris"),
        "label": "Lead (3)",
        "none": None,
        "empty": "in ",
        "fixed": "plain",
        "number": 7,
        "several": ("ana", "x"),
    }


def test_a_service_account_is_rendered_by_the_same_templates() -> None:
    """One template serves people and service accounts."""
    found = account("bot", name="{{ person.name }}", title="{{ person.title }}", by="{{ person.owner }}")
    assert found.attributes == {"name": "CI bot", "title": None, "by": "omar"}
    assert found.presence is Presence.PRESENT
    assert found.initial == {"name": "CI bot", "email": "bot@acme.example", "username": "bot@acme.example"}


def test_a_leaver_is_suspended_and_still_rendered() -> None:
    """A leaver is found in the app by the same email and names as before."""
    found = account("gone", "slack")
    assert (found.presence, found.email, found.initial["family_name"]) == (
        Presence.SUSPENDED,
        "gone@acme.example",
        "Girl",
    )


def test_an_id_that_is_known_no_more_or_has_no_account_here_is_absent() -> None:
    """A state knows ids that the YAML has long forgotten."""
    assert account("nobody") == DeclaredAccount("nobody", Presence.ABSENT, external_id="nobody")
    assert account("omar").presence is Presence.ABSENT


def test_a_template_that_cannot_be_rendered_names_app_identity_and_place() -> None:
    """The message leads to the template."""
    with pytest.raises(ExpressionError, match=r"apps/github.yaml:7: the account of ana in github cannot be rendered"):
        account("ana", label="{{ person.level + person.title }}")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (("Ana María Ruiz", "", ""), ("Ana María", "Ruiz")),
        (("Ana  Ruiz ", "", ""), ("Ana", "Ruiz")),
        (("Cher", "", ""), ("Cher", "")),
        (("", "", ""), ("", "")),
        (("Ana María Ruiz", "Ana", ""), ("Ana", "María Ruiz")),
        (("Ana María Ruiz", "", "María Ruiz"), ("Ana", "María Ruiz")),
        (("Ana Ruiz", "Anita", ""), ("Anita", "Ruiz")),
        (("Ana Ruiz", "", "Gómez"), ("Ana", "Gómez")),
        (("Cher", "Cher", ""), ("Cher", "")),
        (("Ana Ruiz", "Anna", "Ruiz-Gómez"), ("Anna", "Ruiz-Gómez")),
    ],
)
def test_names_are_split_at_the_last_word_unless_they_are_written_apart(
    written: tuple[str, str, str], expected: tuple[str, str]
) -> None:
    """What is written counts; the rest is worked out from the full name."""
    assert split_name(*written) == expected
