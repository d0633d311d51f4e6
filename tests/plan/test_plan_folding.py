"""How names are compared: case does not count, a letter in two forms is one, and no look-alike ever matches."""

from __future__ import annotations

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plan_worlds import World, app_with, found, operations

from reconciler.items import fold
from reconciler.model.apps import AccountRules
from reconciler.model.policies import Policies, Protected
from reconciler.plan.build import build_plan
from reconciler.plan.plan import Fact
from reconciler.provider.change import Operation

TEXTS = st.text(st.characters(blacklist_categories=("Cs",)), max_size=12)
STRANGERS = [
    ("kim", "\u212aim"),  # the Kelvin sign
    ("fiona", "\ufb01ona"),  # a ligature
    ("gross", "gro\xdf"),  # sharp s
    ("isa", "\u0131sa"),  # dotless i
    ("isa", "\u0130sa"),  # dotted capital i
    ("sam", "\u017fam"),  # long s
    ("ana", "\uff41\uff4e\uff41"),  # full-width letters
    ("ana", "\uff21\uff2e\uff21"),
    ("ana", "\u0430na"),  # a Cyrillic letter
    ("ana", "an\xe1"),  # an accent
    ("ana", "ana\u200b"),  # a space of no width
    ("stan", "\ufb06an"),  # another ligature
]


@pytest.mark.parametrize(("name", "stranger"), STRANGERS)
def test_a_look_alike_is_never_taken_for_a_colleague(name: str, stranger: str) -> None:
    """Neither by username, nor by address, nor by external id, nor by an attribute of the app's own."""
    for way in ("username", "email", "external_id"):
        keys = {"username": "x", "email": "", "external_id": ""}
        keys[way] = f"{stranger}@acme.example" if way == "email" else stranger
        world = World(usernames={name: name}).declare(name).live("other", **keys)
        plan = world.plan()
        assert plan.adoption.accounts == {}, way
        assert operations(plan) == [f"create-account/{name}"], way
    ruled = World(app=app_with(accounts=AccountRules(match="number"))).declare(name)
    ruled.attributes[name] = {"number": name}
    ruled.live("other", username="x", email="", attributes={"number": stranger})
    assert ruled.plan().adoption.accounts == {}


@pytest.mark.parametrize(("name", "stranger"), STRANGERS)
def test_a_look_alike_has_another_name(name: str, stranger: str) -> None:
    """In whatever case, and however it is written."""
    forms = {fold(normalize(form, text)) for form in ("NFC", "NFD") for text in (name, name.upper(), name.title())}
    assert forms == {name}
    assert fold(stranger) not in forms
    assert fold(stranger.upper()) not in forms or stranger.upper().isascii()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("jos\xe9", "jose\u0301"),
        ("JOS\xc9", "jose\u0301"),
        ("\xc5sa", "a\u030asa"),
        ("\u1e9e", "\xdf"),
        ("\uff21", "\uff41"),
        ("\u0399\u03a9", "\u03b9\u2126"),
    ],
)
def test_one_letter_written_in_two_ways_is_one(one: str, other: str) -> None:
    """An app that takes accents apart still has the same person."""
    assert fold(one) == fold(other)
    world = World(usernames={"jo": one}).declare("jo").live("jo", username=other, email="")
    plan = world.plan()
    assert plan.adoption.accounts["jo"].remote_id == "u-jo"
    assert plan.changes == ()


def test_two_accounts_under_one_name_in_two_forms_block() -> None:
    """An app may hold both; which of them is meant is not guessed."""
    world = World(usernames={"jo": "jos\xe9"}).declare("jo")
    world.live("one", username="jos\xe9", email="").live("two", username="jose\u0301", email="")
    plan = world.plan()
    assert plan.changes == ()
    assert plan.adoption.accounts == {}
    assert found(plan, Fact.CONFLICT)[0].refuses


def test_a_protected_account_is_protected_in_both_forms() -> None:
    """`policies` were typed on one machine, the username on another."""
    world = World().leave("jo").live("jo", username="jose\u0301").apply("jo", username="jose\u0301")
    policies = Policies(protected=Protected(accounts=("github/Jos\xe9",)))
    plan = build_plan([world.plan()], moment=world.moment, tool="1", tree_digest="t" * 64, policies=[policies])
    (change,) = [one for one in plan.changes() if one.operation is Operation.SUSPEND_ACCOUNT]
    assert "is protected" in change.blocked


@given(TEXTS)
def test_folding_twice_is_folding_once(text: str) -> None:
    """A name that was recorded folded is the same name still."""
    assert fold(fold(text)) == fold(text)


@given(TEXTS)
def test_the_form_of_a_text_does_not_matter(text: str) -> None:
    """But for the three letters that normalization itself takes for ASCII ones."""
    if not set(text) & set("\u212a\u037e\u1fef"):
        assert fold(normalize("NFC", text)) == fold(normalize("NFD", text)) == fold(text)


@given(TEXTS, st.text(st.characters(max_codepoint=127), max_size=12))
def test_only_ascii_is_compared_equal_to_ascii(text: str, plain: str) -> None:
    """Whatever else there is in Unicode, now or later."""
    if fold(text) == fold(plain):
        assert text.isascii()
    assert fold(text).isascii() is text.isascii()


def test_no_letter_of_unicode_becomes_an_ascii_one() -> None:
    """All of them, one by one."""
    letters = (chr(number) for number in range(0x80, 0x110000) if not 0xD800 <= number < 0xE000)
    assert [letter for letter in letters if fold(letter).isascii()] == []
