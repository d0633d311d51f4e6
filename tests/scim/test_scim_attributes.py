"""Attributes: read by any name that users write, written where they belong, everything else left alone."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.scim.mapping import Attributes, read, write
from providers.scim.paths import ENTERPRISE, NameTable, parse_path
from providers.scim.resources import parse_group, parse_page, parse_user
from reconciler.errors import TransportError

pytestmark = pytest.mark.evidence("scim", against="our own fake", of="a SCIM server whose faults can be switched")

USER: dict[str, Any] = {
    "id": "u1",
    "userName": "ana",
    "displayName": "Ana Ruiz",
    "name": {"givenName": "Ana", "familyName": "Ruiz"},
    "active": True,
    "emails": [
        {"value": "private@home.example", "type": "home"},
        {"value": "ana@acme.example", "type": "work", "primary": True},
    ],
    "roles": [{"value": "admin"}, {"value": "editor"}],
    "groups": [{"value": "g1"}],
    "meta": {"version": 'W/"3"'},
    ENTERPRISE: {"department": "Engineering", "manager": {"value": "u2", "displayName": "Omar"}},
    "urn:acme:2.0:User": {"badge": "B-17"},
}
NAMES = NameTable({"badge": "urn:acme:2.0:User:badge"})


def _attributes(user: dict[str, Any] | None = None, names: NameTable = NAMES) -> Attributes:
    return Attributes(json.dumps(USER if user is None else user).encode(), names)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("displayName", "Ana Ruiz"),
        ("DISPLAYNAME", "Ana Ruiz"),
        ("name.givenName", "Ana"),
        ("given_name", "Ana"),
        ("department", "Engineering"),
        (f"{ENTERPRISE}:department", "Engineering"),
        (f"{ENTERPRISE.upper()}:DEPARTMENT", "Engineering"),
        ("manager", "u2"),
        ("emails", "ana@acme.example"),
        ("email", "ana@acme.example"),
        ('emails[type eq "home"].value', "private@home.example"),
        ("roles", ("admin", "editor")),
        ("badge", "B-17"),
        ("urn:acme:2.0:User:badge", "B-17"),
    ],
)
def test_an_attribute_is_found_by_every_name(name: str, value: object) -> None:
    """Short and full names, in any case, and the primary email for all of them."""
    assert _attributes()[name] == value


@pytest.mark.parametrize("name", ["active", "id", "meta", "groups", "schemas", "nobody"])
def test_what_is_not_compared_is_no_attribute(name: str) -> None:
    """The state of the account, its id and its groups have their own places."""
    assert name not in _attributes()
    with pytest.raises(KeyError):
        _attributes()[name]


def test_attributes_are_a_mapping() -> None:
    """They can be listed, counted and compared with a dict."""
    small = _attributes({"userName": "ana", "title": "Boss"})
    assert dict(small) == {"userName": "ana", "title": "Boss"} == small
    assert len(small) == 2
    assert repr(small) == "{'userName': 'ana', 'title': 'Boss'}"


def test_names_that_a_server_uses_instead_are_found() -> None:
    """A renamed attribute is read and written under the server's name."""
    names = NameTable(renamed={"title": "jobTitle"})
    assert _attributes({"jobTitle": "Boss"}, names)["title"] == "Boss"
    body: dict[str, Any] = {}
    write(body, names.path("title"), "Chief")
    assert body == {"jobTitle": "Chief"}


TEXTS = st.text(min_size=1, max_size=10)
PATHS = st.sampled_from(
    ["title", "name.givenName", "department", "email", "badge", 'phoneNumbers[type eq "work"].value', "manager"]
)


@given(PATHS, TEXTS)
def test_what_is_written_is_read_again(name: str, value: str) -> None:
    """Writing one attribute changes that one, and nothing else."""
    user = json.loads(json.dumps(USER))
    before = dict(_attributes(user))
    path = NAMES.path(name)
    write(user, path, value)
    assert str(read(user, path) if name != "manager" else read(user, path)["value"]) == value
    after = _attributes(user)
    assert after[name] == value
    untouched = {key: each for key, each in before.items() if NAMES.key(key).partition("[")[0] != NAMES.key(name)}
    changed = {key for key, each in untouched.items() if after.get(key) != each}
    assert all(key.lower().startswith((str(path).lower(), "emails", "manager", "phonenumbers")) for key in changed)


def test_another_email_stays_when_the_primary_one_changes() -> None:
    """The private address is none of ours."""
    user = json.loads(json.dumps(USER))
    write(user, NAMES.path("email"), "new@acme.example")
    assert [each["value"] for each in user["emails"]] == ["private@home.example", "new@acme.example"]
    write(user, NAMES.path("email"), None)
    assert [each["value"] for each in user["emails"]] == ["private@home.example"]


def test_a_first_email_is_work_and_primary() -> None:
    """An account without any gets one that a server will send back as the account's."""
    user: dict[str, Any] = {}
    write(user, NAMES.path("email"), "ana@acme.example")
    assert user == {"emails": [{"value": "ana@acme.example", "type": "work", "primary": True}]}


def test_an_extension_is_announced_in_the_schemas() -> None:
    """Servers ignore what no schema announces."""
    user: dict[str, Any] = {"schemas": ["core"]}
    write(user, NAMES.path("department"), "Sales")
    assert user == {"schemas": ["core", ENTERPRISE], ENTERPRISE: {"department": "Sales"}}


@pytest.mark.parametrize("text", ["title", "name.givenName", f"{ENTERPRISE}:manager.value", 'a[b eq "c"].value'])
def test_a_path_is_written_as_it_was_read(text: str) -> None:
    """Parsing and printing are each other's opposite."""
    assert str(parse_path(text)) == text


@pytest.mark.parametrize(
    ("active", "expected"), [(True, True), ("True", True), ("false", False), ("False", False), (None, None), (0, False)]
)
def test_booleans_are_understood_as_servers_send_them(active: object, expected: bool | None) -> None:
    """`"False"` is not true."""
    assert parse_user(json.dumps({"id": "1", "userName": "ana", "active": active}).encode()).active is expected


def test_odd_spellings_of_a_user_mean_the_same() -> None:
    """Ids that are numbers, other case, and a single email instead of a list."""
    usual = {"id": "7", "userName": "ana", "externalId": "a", "emails": [{"value": "a@x.example"}]}
    odd = {"ID": 7, "username": "ana", "ExternalID": "a", "Emails": {"value": "a@x.example"}}
    one, other = (parse_user(json.dumps(each).encode()) for each in (usual, odd))
    assert (one.id, one.username, one.external_id, one.email) == ("7", "ana", "a", "a@x.example")
    assert (one.id, one.username, one.external_id, one.email) == (
        other.id,
        other.username,
        other.external_id,
        other.email,
    )


def test_odd_spellings_of_a_group_mean_the_same() -> None:
    """Members as plain ids, numbers and references."""
    odd = {"id": 1, "DisplayName": "eng", "members": ["u1", {"value": 2}, {"value": "g2", "$ref": "/v2/Groups/g2"}]}
    group = parse_group(json.dumps(odd).encode())
    assert group.id == "1"
    assert [(member.id, member.group) for member in group.members or ()] == [("u1", None), ("2", None), ("g2", True)]


def test_odd_spellings_of_a_list_mean_the_same() -> None:
    """Lower-case `resources`, totals as text, and a bare list."""
    odd = parse_page(b'{"totalresults": "2", "resources": [{"id": "1"}, {"id": "2"}]}', "list")
    assert (len(odd.resources), odd.total) == (2, 2)
    assert len(parse_page(b'[{"id": "1"}]', "list").resources) == 1
    assert parse_page(b'{"totalResults": 0}', "list").resources == []


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b'{"totalResults": 3}', b'{"Resources": "no"}', b"<html>", b"1"])
def test_what_is_no_list_is_an_error(body: bytes) -> None:
    """Never an empty list: that would be read as everybody gone."""
    with pytest.raises(TransportError):
        parse_page(body, "list Users")
