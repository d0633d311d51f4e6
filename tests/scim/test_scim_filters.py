"""Filters and paths: escaped whatever a value holds, split where a server takes little."""

import json
import re

from faulty_store import Store
from hypothesis import given
from hypothesis import strategies as st

from providers.scim.dialect import Dialect
from providers.scim.filters import any_of, chunks, compare, element
from providers.scim.patch import add_members, remove_members

NAMES = st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=30)


@given(NAMES, NAMES)
def test_a_filter_finds_exactly_the_value(name: str, other: str) -> None:
    """Quotes, backslashes, operators and control characters in a value change nothing about a filter."""
    store = Store()
    wanted = store.user("one", externalId=name)
    store.user("two", externalId=other + "x")
    found = [user["id"] for user in store.select("Users", compare("externalId", name))]
    assert wanted in found
    assert len(found) == (2 if other + "x" == name else 1)


@given(NAMES)
def test_a_value_cannot_add_a_condition(name: str) -> None:
    """Whatever follows a quote stays inside of the value."""
    hostile = f'{name}" or userName pr or externalId eq "'
    expression = compare("userName", hostile)
    match = re.fullmatch(r'userName eq (".*")', expression, re.DOTALL)
    assert match is not None
    assert json.loads(match[1]) == hostile


@given(st.lists(NAMES, max_size=40), st.integers(1, 10))
def test_filters_over_many_values_hold_few_terms(values: list[str], terms: int) -> None:
    """Each value is in exactly one filter, and no filter has more terms than the server takes."""
    parts = list(any_of("id", values, terms))
    assert [value for part, _ in parts for value in part] == values
    for part, expression in parts:
        assert 1 <= len(part) <= terms
        assert expression == " or ".join(f"id eq {json.dumps(value, ensure_ascii=False)}" for value in part)


@given(st.lists(st.integers()), st.integers(-3, 20))
def test_chunks_are_everything_in_order(items: list[int], size: int) -> None:
    """Nothing is lost, repeated or moved; no chunk is empty or too large."""
    parts = list(chunks(items, size))
    assert [item for part in parts for item in part] == items
    assert all(1 <= len(part) <= max(1, size) for part in parts)


@given(st.lists(NAMES, unique=True, max_size=50), st.integers(1, 12), st.integers(150, 2000))
def test_member_changes_respect_both_limits(members: list[str], chunk: int, largest: int) -> None:
    """Every member is in exactly one request; none has more members or (but for a single one) bytes than allowed."""
    dialect = Dialect(member_chunk=chunk, member_bytes=largest)
    for made in (add_members(members, dialect), remove_members(members, dialect)):
        parts = list(made)
        assert [member for part, _ in parts for member in part] == members
        for part, body in parts:
            assert len(part) <= chunk
            assert (
                len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()) <= largest or len(part) == 1
            )


def test_an_element_is_named_by_its_value() -> None:
    """The path of one member is the one of RFC 7644."""
    assert element("members", 'a"b') == 'members[value eq "a\\"b"]'
