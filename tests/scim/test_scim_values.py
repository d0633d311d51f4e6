"""Values of an attribute as entitlements: roles, licences and seats."""

import asyncio

import pytest
from faulty_server import FaultyServer
from hypothesis import given
from hypothesis import strategies as st
from scim_driving import grant, open_provider, perform_one, read, revoke

from providers.scim.config import ValueKind
from providers.scim.provider import ScimProvider
from providers.scim.values import changed
from reconciler.provider.change import Operation, Outcome, Receipt

pytestmark = pytest.mark.evidence("scim", against="our own fake", of="a SCIM server whose faults can be switched")

ROLES = {"value_kinds": {"role": {"attribute": "roles", "values": ["owner"]}}}
SEATS = {"value_kinds": {"seat": {"attribute": "roles", "type": "seatType", "single": True}}}
LICENSES = {"value_kinds": {"license": {"attribute": "userType", "single": True}}}


def test_values_are_read_as_entitlements_and_grants(server: FaultyServer) -> None:
    """Those that somebody has, and those that the configuration names."""
    ana = server.store.user("ana", roles=[{"value": "admin"}, {"value": "editor", "type": "x"}])
    server.store.user("ben")
    snapshot = read(server.url, **ROLES)
    assert {each.key for each in snapshot.entitlements} == {"role:owner", "role:admin", "role:editor"}
    assert set(snapshot.grants()) == {(ana, "role:admin", None), (ana, "role:editor", None)}
    assert snapshot.collections["grants:role"].complete
    assert snapshot.collections["entitlements:role"].complete


def test_only_values_of_the_type_belong_to_a_kind(server: FaultyServer) -> None:
    """A seat is a role with the type `seatType`."""
    ana = server.store.user("ana", roles=[{"value": "Full", "type": "seatType"}, {"value": "admin"}])
    assert set(read(server.url, **SEATS).grants()) == {(ana, "seat:Full", None)}


def test_a_value_is_granted_and_revoked_and_the_others_stay(server: FaultyServer) -> None:
    """The attribute is read, changed and sent whole."""
    ana = server.store.user("ana", roles=[{"value": "editor", "display": "Editor"}])
    assert perform_one(server.url, grant(ana, "role:admin", "role:admin"), **ROLES).outcome is Outcome.DONE
    assert server.store.users[ana]["roles"] == [{"value": "editor", "display": "Editor"}, {"value": "admin"}]
    assert perform_one(server.url, revoke(ana, "role:editor", "role:editor"), **ROLES).outcome is Outcome.DONE
    assert perform_one(server.url, revoke(ana, "role:admin", "role:admin"), **ROLES).outcome is Outcome.DONE
    assert not server.store.users[ana].get("roles")


def test_a_single_value_replaces_another_of_its_type(server: FaultyServer) -> None:
    """One seat at a time; roles of another type are none of ours."""
    ana = server.store.user("ana", roles=[{"value": "View", "type": "seatType"}, {"value": "admin"}])
    assert perform_one(server.url, grant(ana, "seat:Full", "seat:Full"), **SEATS).outcome is Outcome.DONE
    assert server.store.users[ana]["roles"] == [{"value": "admin"}, {"value": "Full", "type": "seatType"}]


def test_a_single_attribute_is_a_kind_too(server: FaultyServer) -> None:
    """`userType: Licensed` is a licence."""
    ana = server.store.user("ana", userType="Basic")
    assert (
        perform_one(server.url, grant(ana, "license:Licensed", "license:Licensed"), **LICENSES).outcome is Outcome.DONE
    )
    assert server.store.users[ana]["userType"] == "Licensed"
    assert set(read(server.url, **LICENSES).grants()) == {(ana, "license:Licensed", None)}
    perform_one(server.url, revoke(ana, "license:Basic", "license:Basic"), **LICENSES)
    assert server.store.users[ana]["userType"] == "Licensed", "another value is somebody's decision"
    perform_one(server.url, revoke(ana, "license:Licensed", "license:Licensed"), **LICENSES)
    assert "userType" not in server.store.users[ana]


def test_two_values_for_one_account_at_once_are_both_kept(server: FaultyServer) -> None:
    """One waits for the other."""
    ana = server.store.user("ana")

    async def run(provider: ScimProvider) -> list[Receipt]:
        changes = [grant(ana, f"role:{name}", f"role:{name}") for name in ("a", "b", "c")]
        async with provider:
            return list(await asyncio.gather(*map(provider.perform, changes)))

    asyncio.run(run(open_provider(server.url, **ROLES)))
    assert sorted(each["value"] for each in server.store.users[ana]["roles"]) == ["a", "b", "c"]


def test_a_catalogue_lists_what_nobody_has(server: FaultyServer) -> None:
    """A collection of values; as long as its cap, it may be cut."""
    original = server.serve
    listed = {"totalResults": 2, "Resources": [{"id": "e1", "value": "pro", "type": "Profile"}, {"id": "e2"}]}
    server.serve = lambda request: (200, listed, {}) if request.path == "/Entitlements" else original(request)  # type: ignore[method-assign]
    kind = {"attribute": "entitlements", "catalogue": "Entitlements"}
    snapshot = read(server.url, value_kinds={"profile": kind}, dialect={"pagination": "none"})
    assert {each.key for each in snapshot.entitlements} == {"profile:pro", "profile:e2"}
    assert snapshot.collections["entitlements:profile"].complete
    capped = read(server.url, value_kinds={"profile": {**kind, "catalogue_cap": 2}}, dialect={"pagination": "none"})
    assert not capped.collections["entitlements:profile"].complete
    typed = read(server.url, value_kinds={"profile": {**kind, "type": "profile"}}, dialect={"pagination": "none"})
    assert {each.key for each in typed.entitlements} == {"profile:pro"}


def test_a_catalogue_that_cannot_be_read_is_incomplete(server: FaultyServer) -> None:
    """The values that accounts have are not all that there are."""
    kind = {"attribute": "entitlements", "catalogue": "Entitlements"}
    snapshot = read(server.url, value_kinds={"profile": kind})
    assert not snapshot.collections["entitlements:profile"].complete
    assert snapshot.collections["grants:profile"].complete


def test_values_are_unread_where_users_are(server: FaultyServer) -> None:
    """Without all users nobody can say who has what."""
    server.store.group("eng")
    server.habits.forbid = {"/Users"}
    snapshot = read(server.url, **ROLES)
    assert not snapshot.collections["grants:role"].complete


def test_a_value_for_an_account_that_is_gone(server: FaultyServer) -> None:
    """Revoking is done; granting fails."""
    assert perform_one(server.url, revoke("u-x", "role:a", "role:a"), **ROLES).outcome is Outcome.DONE
    assert perform_one(server.url, grant("u-x", "role:a", "role:a"), **ROLES).outcome is Outcome.FAILED
    assert "no account yet" in perform_one(server.url, grant("", "role:a", "role:a"), **ROLES).detail


def test_a_value_cannot_be_created_on_its_own(server: FaultyServer) -> None:
    """And the reason says what to do instead."""
    ability = open_provider(server.url, **ROLES).capabilities.ability(Operation.CREATE_ENTITLEMENT, "role")
    assert not ability
    assert "`values`" in ability.why


VALUES = st.lists(st.sampled_from("abcde"), unique=True)


@given(VALUES, st.sampled_from("abcde"), st.booleans())
def test_granting_adds_one_and_revoking_takes_one(held: list[str], value: str, adds: bool) -> None:
    """Nothing else moves, and doing it twice is doing it once."""
    rule = ValueKind(attribute="roles")
    elements = [{"value": each} for each in held]
    once = changed(elements, rule, value, adds=adds)
    assert {each["value"] for each in once or []} == (set(held) | {value} if adds else set(held) - {value})
    assert changed(once, rule, value, adds=adds) == once


@pytest.mark.parametrize("current", [None, [], "admin", ["admin"], {"value": "admin"}])
def test_any_shape_of_an_attribute_can_be_granted_to(current: object) -> None:
    """Servers send nothing, one value, or a list."""
    granted = changed(current, ValueKind(attribute="roles"), "editor", adds=True)
    assert {"value": "editor"} in granted
