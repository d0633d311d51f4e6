"""Memberships are read from wherever a server tells them, and never taken for absent where it does not."""

import pytest
from faulty_server import FaultyServer, Request, ScimError
from scim_driving import open_provider, read, use

from providers.scim.provider import ScimProvider
from reconciler.provider.snapshot import Snapshot

pytestmark = pytest.mark.evidence("scim", against="our own fake", of="a SCIM server whose faults can be switched")


def _grants(snapshot: Snapshot) -> set[tuple[str, str]]:
    return {(holder, key) for holder, key, _ in snapshot.grants()}


def test_members_are_listed_with_groups(server: FaultyServer) -> None:
    """The usual way: one list of groups tells everything."""
    ana, ben = server.store.user("ana"), server.store.user("ben")
    server.store.group("eng", (ana, ben))
    server.store.group("ops")
    snapshot = read(server.url)
    assert _grants(snapshot) == {(ana, "group:eng"), (ben, "group:eng")}
    assert snapshot.collections["grants:group"].complete
    assert {request.path for request in server.log} == {"/Users", "/Groups"}


def test_a_group_in_a_group_holds_a_grant(server: FaultyServer) -> None:
    """Nested groups are holders, not dropped."""
    ana = server.store.user("ana")
    inner = server.store.group("inner", (ana,))
    outer = server.store.group("outer")
    server.store.groups[outer]["members"] = [{"value": inner, "type": "Group"}]
    assert _grants(read(server.url)) == {(ana, "group:inner"), ("group:inner", "group:outer")}


def test_a_nested_group_without_a_type_is_found_by_its_id(server: FaultyServer) -> None:
    """Some servers send neither type nor reference."""
    inner = server.store.group("inner")
    outer = server.store.group("outer", (inner,))
    assert outer
    assert _grants(read(server.url)) == {("group:inner", "group:outer")}


def test_members_that_only_single_groups_show_are_read_there(server: FaultyServer) -> None:
    """A list without members is followed by each group on its own."""
    ana = server.store.user("ana")
    server.store.group("eng", (ana,))
    server.store.group("ops", (ana,))
    server.habits.members = "single"
    snapshot = read(server.url)
    assert _grants(snapshot) == {(ana, "group:eng"), (ana, "group:ops")}
    assert snapshot.collections["grants:group"].complete


def test_members_that_are_never_shown_are_unread(server: FaultyServer) -> None:
    """A server that hides members is not a server without members."""
    server.store.group("eng", (server.store.user("ana"),))
    for habit in ("hidden", "empty"):
        server.habits.members = habit
        snapshot = read(server.url)
        assert not _grants(snapshot)
        if habit == "hidden":
            assert not snapshot.collections["grants:group"].complete
            assert "members: listed" in snapshot.collections["grants:group"].why


def test_users_who_name_their_groups_give_hidden_members_away(server: FaultyServer) -> None:
    """Where users say that they are in groups, groups that are shown as empty are not believed."""
    ana = server.store.user("ana")
    group = server.store.group("eng", (ana,))
    server.store.users[ana]["groups"] = [{"value": group}]
    server.habits.members = "empty"
    server.habits.refuse_filters = True
    snapshot = read(server.url)
    assert not snapshot.collections["grants:group"].complete


def test_groups_without_anybody_are_proven_to_be_empty(server: FaultyServer) -> None:
    """Where members are left out because there are none, filters for and against members say so."""
    server.store.user("ana")
    for name in ("eng", "ops"):
        del server.store.groups[server.store.group(name)]["members"]
    snapshot = read(server.url)
    assert snapshot.collections["grants:group"].complete
    assert "by filters" in snapshot.collections["grants:group"].why


def test_a_filter_that_finds_nothing_at_all_proves_nothing(server: FaultyServer) -> None:
    """A server that answers every filter with nothing has not said that groups are empty."""
    server.store.group("eng", (server.store.user("ana"),))
    server.habits.members = "hidden"
    server.habits.empty_filters = True
    assert not read(server.url).collections["grants:group"].complete


def test_a_server_that_was_seen_to_show_members_is_believed(server: FaultyServer) -> None:
    """Once members were shown, a group without any has none: the last one may leave."""
    ana = server.store.user("ana")
    group = server.store.group("eng", (ana,))
    server.habits.ignore_filters = True

    async def twice(provider: ScimProvider) -> tuple[Snapshot, Snapshot]:
        first = await provider.read()
        del server.store.groups[group]["members"]
        return first, await provider.read()

    first, second = use(open_provider(server.url), twice)
    assert _grants(first)
    assert second.collections["grants:group"].complete
    assert not _grants(second)


def test_empty_groups_that_cannot_be_proven_are_unread_until_somebody_says_so(server: FaultyServer) -> None:
    """Without filters nobody can tell; the dialect can."""
    server.store.user("ana")
    del server.store.groups[server.store.group("eng")]["members"]
    server.habits.ignore_filters = True
    assert not read(server.url).collections["grants:group"].complete
    assert read(server.url, dialect={"members": "listed"}).collections["grants:group"].complete


def test_members_are_asked_for_by_group(server: FaultyServer) -> None:
    """`groups.value eq` finds the users of each group, page after page."""
    users = server.store.many(25)
    group = server.store.group("eng", tuple(users))
    server.store.group("ops", (users[0],))
    server.habits.members = "empty"
    snapshot = read(server.url, page_size=10, dialect={"members": "by_group"})
    assert len(_grants(snapshot)) == 26
    assert snapshot.collections["grants:group"].complete
    filters = {request.query.get("filter") for request in server.requests("GET", "/Users")}
    assert f'groups.value eq "{group}"' in filters


def test_members_are_asked_for_by_user_where_by_group_is_refused(server: FaultyServer) -> None:
    """The older way of the same vendors."""
    ana = server.store.user("ana")
    server.store.group("eng", (ana,))
    server.habits.members = "empty"

    def refuse(request: Request) -> None:
        if "groups.value" in request.query.get("filter", ""):
            raise ScimError(400, "unsupported filter", "invalidFilter")

    server.habits.before = refuse
    assert _grants(read(server.url, dialect={"members": "by_group"})) == {(ana, "group:eng")}


@pytest.mark.parametrize("source", ["by_group", "by_user"])
def test_an_ignored_filter_makes_nobody_a_member(server: FaultyServer, source: str) -> None:
    """Asked for what nobody can have, a server that answers with everybody ignores the filter."""
    server.store.user("ana")
    server.store.group("eng")
    server.habits.ignore_filters = True
    snapshot = read(server.url, dialect={"members": source})
    assert not _grants(snapshot)
    assert not snapshot.collections["grants:group"].complete
    assert "ignores the filter" in snapshot.collections["grants:group"].why


def test_one_forbidden_group_is_unread_and_the_others_are_not(server: FaultyServer) -> None:
    """403 on one group: its entitlement is unread, the rest of the collection is complete."""
    ana = server.store.user("ana")
    secret = server.store.group("secret", (ana,))
    server.store.group("eng", (ana,))
    server.habits.members = "single"
    server.habits.forbid = {f"/Groups/{secret}"}
    snapshot = read(server.url, dialect={"members": "single"})
    assert _grants(snapshot) == {(ana, "group:eng")}
    assert snapshot.collections["grants:group"].complete
    assert snapshot.collections["grants:group"].unread == {"group:secret"}


def test_two_groups_of_one_name_are_unread(server: FaultyServer) -> None:
    """Nobody can know which of them is meant."""
    server.store.group("eng")
    server.store.group("eng")
    snapshot = read(server.url)
    assert snapshot.collections["grants:group"].unread == {"group:eng"}
    assert "several groups are called eng" in snapshot.notes


def test_members_who_are_nowhere_listed_are_told(server: FaultyServer) -> None:
    """A member that is neither a listed user nor a group is mentioned."""
    server.store.group("eng", (server.store.user("ana"), "ghost"))
    snapshot = read(server.url)
    assert snapshot.collections["grants:group"].complete
    assert "1 members of groups are neither listed users nor groups" in snapshot.notes


def test_members_are_unread_where_users_are(server: FaultyServer) -> None:
    """Without the users nobody can say whose grants these are."""
    server.store.group("eng", (server.store.user("ana"),))
    server.habits.forbid = {"/Users"}
    snapshot = read(server.url)
    assert snapshot.collections["entitlements:group"].complete
    assert not snapshot.collections["grants:group"].complete


def test_members_are_left_out_where_the_server_is_trusted_to(server: FaultyServer) -> None:
    """`excludedAttributes` spares what another request brings."""
    server.store.group("eng", (server.store.user("ana"),))
    read(server.url, dialect={"projection": True, "members": "single"})
    assert server.requests("GET", "/Users")[0].query["excludedAttributes"] == "groups"
    lists = [request for request in server.requests("GET", "/Groups") if request.path == "/Groups"]
    assert all(request.query["excludedAttributes"] == "members" for request in lists)
