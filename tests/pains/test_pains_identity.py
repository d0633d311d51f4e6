"""Identity: recycled usernames, changed names and emails, levels, bad users among good ones, nested groups."""

from typing import Any

import pytest
from faulty_server import FaultyServer
from faulty_store import ScimError
from pains_company import Company
from pains_server import throw_out, user_of, writes


def test_a_recycled_username_inherits_nothing(hub: Company, server: FaultyServer) -> None:
    """Kim's account is deleted, and a stranger takes her username: nothing is granted, and nobody is invited again."""
    hub.settle()
    kim = user_of(server, "kim@acme.example")
    throw_out(server, "kim")
    del server.store.users[kim["id"]]
    stranger = server.store.user("kim@acme.example", emails=[{"value": "kim@acme.example"}])
    server.log.clear()
    for _ in range(3):
        done = hub.apply()
        assert done.code == 3
        assert f"was pinned to id {kim['id']}, which is gone" in done.out
        assert f"(id {stranger})" in done.out
    assert writes(server) == []
    assert stranger not in server.store.members("g-00001")


def test_a_leavers_recycled_username_is_not_suspended_either(hub: Company, server: FaultyServer) -> None:
    """The stranger who has it now is not the leaver; a person must look."""
    hub.settle()
    del server.store.users[user_of(server, "kim@acme.example")["id"]]
    server.store.user("kim@acme.example", emails=[{"value": "new.kim@other.example"}])
    hub.people("omar", "ana", "lee", kim={"last_day": "2020-01-01"})
    done = hub.apply()
    assert done.code == 3, done.said
    assert user_of(server, "kim@acme.example")["active"] is True


def test_a_changed_email_is_followed_and_not_recreated(hub: Company, server: FaultyServer) -> None:
    """In the YAML and in the app: the account, its id and its memberships stay."""
    hub.settle()
    before = user_of(server, "ana@acme.example")["id"]
    hub.edit("people.yaml", "ana@acme.example", "ana.ruiz@acme.example")
    server.log.clear()
    hub.settle()
    assert before in server.store.users
    assert before in server.store.members("g-00001")
    assert not server.requests("POST")
    assert not server.requests("DELETE")
    assert len(server.store.users) == 3


def test_a_username_changed_in_the_app_is_followed_by_its_id(hub: Company, server: FaultyServer) -> None:
    """She married: the same account under a new name, shown, and nobody is invited again."""
    hub.settle()
    ana = user_of(server, "ana@acme.example")
    ana.update(userName="ana.new@acme.example", emails=[{"value": "ana.new@acme.example", "primary": True}])
    server.log.clear()
    done = hub.apply()
    assert done.code == 0, done.said
    assert "ana.new@acme.example" in done.out
    assert writes(server) == []


def test_a_new_name_is_an_update_in_place(hub: Company, server: FaultyServer) -> None:
    """A mapped attribute changes by one PATCH of the same account."""
    hub.hub(server.url, accounts={"attributes": {"displayName": "{{ person.name }}"}})
    hub.settle()
    hub.edit("people.yaml", "name: Ana", "name: Ana Ruiz")
    server.log.clear()
    assert hub.changes() == ["hub/update-account/ana"]
    hub.settle()
    assert user_of(server, "ana@acme.example")["displayName"] == "Ana Ruiz"
    assert {request.method for request in server.log} == {"GET", "PATCH"}


def test_a_level_is_changed_in_place(company: Company) -> None:
    """Read becomes write by one change; access is never lost in between."""
    company.people("omar", "ana")
    company.wiki("1,ana@acme.example,active\n", "1,space:web,read\n", "space:web\n")
    company.grants((["ana"], {"wiki": [{"space:web": "read"}]}))
    company.settle()
    company.grants((["ana"], {"wiki": [{"space:web": "write"}]}))
    assert company.changes() == ["wiki/set-level/ana/space:web"]
    company.settle()
    assert "1,space:web,write" in company.read("wiki-grants.csv")


@pytest.mark.parametrize("bad", ["kim", "ana", "omar"])
def test_one_bad_user_does_not_stop_the_others(hub: Company, server: FaultyServer, bad: str) -> None:
    """The server refuses one account: the two others are created and granted, exit 4, and the object is named."""

    def check(request: Any) -> None:
        if request.method == "POST" and request.body.get("userName", "").startswith(bad):
            raise ScimError(400, "this domain is not verified", "invalidValue")

    server.habits.before = check
    done = hub.apply()
    assert done.code == 4
    assert "this domain is not verified" in done.out
    assert f"create {bad}@acme.example" in done.out or f"{bad}@acme.example" in done.out.partition("Applied")[0]
    assert len(server.store.users) == len(server.store.members("g-00001")) == 2
    assert [change for change in hub.changes() if f"/{bad}" not in change] == []


def test_one_member_that_is_refused_does_not_stop_the_others(company: Company, server: FaultyServer) -> None:
    """A chunk of 40 members is refused because of one: the other 39 are in, and that one is named."""
    ids = ["omar", *(f"p{number:02}" for number in range(39))]
    company.people(*ids)
    company.hub(server.url)
    company.grants((ids, {"hub": ["group:eng"]}))
    server.store.group("eng")
    for name in ids:
        server.store.user(f"{name}@acme.example", emails=[{"value": f"{name}@acme.example"}])
    bad = user_of(server, "p17@acme.example")["id"]

    def check(request: Any) -> None:
        if request.method == "PATCH" and bad in str(request.body):
            raise ScimError(400, "this member is not licensed", "invalidValue")

    server.habits.before = check
    done = company.apply()
    assert done.code == 4
    assert "1 failed" in done.out
    assert "p17" in done.out.partition("Applied:")[0]
    assert len(server.store.members("g-00001")) == 39


def test_a_user_that_the_server_garbles_blocks_nobody_else(hub: Company, server: FaultyServer) -> None:
    """No userName, no emails, odd types: the others are planned and applied."""
    server.store.create("Users", {"active": None, "emails": None, "name": "x"})
    server.store.create("Users", {"userName": "odd", "emails": ["plain@other.example"], "active": "True"})
    hub.settle()
    assert len(server.store.members("g-00001")) == 3


def test_nested_groups_are_resolved_and_live_nesting_is_left_alone(hub: Company, server: FaultyServer) -> None:
    """Who is in a group by way of another one gets the grant; a group inside of a live group is no surprise."""
    inner = server.store.group("inner")
    server.store.groups["g-00001"]["members"] = [{"value": inner, "type": "Group"}]
    hub.dump("groups.yaml", {"groups": {"all": {"groups": ["core"]}, "core": {"people": ["ana", "lee"]}}})
    hub.grants(({"groups": ["all"]}, {"hub": ["group:eng"]}))
    hub.settle()
    usernames = {one["userName"]: one["id"] for one in server.store.users.values()}
    assert set(usernames) == {"ana@acme.example", "lee@acme.example"}
    assert set(server.store.members("g-00001")) == {inner, *usernames.values()}


def test_declared_nesting_of_live_groups_is_applied(hub: Company, server: FaultyServer) -> None:
    """A group is put into another, taken out again when git says so, and its members stay."""
    inner = server.store.group("inner")
    hub.grants((["ana"], {"hub": ["group:eng"]}), ({"entitlements": ["hub/group:inner"]}, {"hub": ["group:eng"]}))
    hub.settle()
    assert inner in server.store.members("g-00001")
    hub.grants((["ana"], {"hub": ["group:eng"]}))
    hub.settle()
    assert inner not in server.store.members("g-00001")
    assert len(server.store.members("g-00001")) == 1


def test_an_account_that_two_people_point_to_blocks_both(hub: Company, server: FaultyServer) -> None:
    """By email it is ana's, by username kim's: neither gets it, omar gets his."""
    shared = server.store.user("shared", emails=[{"value": "ana@acme.example"}])
    hub.people("omar", "ana", "lee", kim={"usernames": {"hub": "shared"}})
    done = hub.apply()
    assert done.code in {3, 4}, done.said
    assert "is also the account of" in done.out
    assert shared not in server.store.members("g-00001")
    assert server.store.members("g-00001") == [user_of(server, "omar@acme.example")["id"]]


def test_two_accounts_with_one_email_are_not_guessed_between(hub: Company, server: FaultyServer) -> None:
    """Both might be ana's: neither is touched until somebody says which."""
    twins = [server.store.user(name, emails=[{"value": "ANA@acme.example"}]) for name in ("ana1", "ana2")]
    done = hub.apply()
    assert done.code in {3, 4}, done.said
    assert "2 accounts" in done.out
    assert not set(twins) & set(server.store.members("g-00001"))
    hub.people("omar", "kim", "lee", ana={"usernames": {"hub": "ana2"}})
    hub.settle()
    assert twins[0] not in server.store.members("g-00001")
    assert twins[1] in server.store.members("g-00001")


def test_case_of_emails_and_usernames_does_not_matter(hub: Company, server: FaultyServer) -> None:
    """`ANA@Acme.Example` is ana: adopted, not created, and no noise afterwards."""
    live = server.store.user("ANA@Acme.Example", emails=[{"value": "ANA@Acme.Example"}])
    hub.settle()
    assert live in server.store.members("g-00001")
    assert len(server.store.users) == 3


def test_a_persons_own_email_in_an_app_steals_nothing_that_is_pinned(hub: Company, server: FaultyServer) -> None:
    """Lee sets his account's email to ana's: ana keeps hers, lee's is no part of it, and it is told or harmless."""
    hub.settle()
    thief = server.store.user("lee-private", emails=[{"value": "ana@acme.example", "primary": True}])
    hub.apply()
    assert thief not in server.store.members("g-00001")
    hub.grants((["omar", "kim"], {"hub": ["group:eng"]}))
    hub.apply()
    assert server.store.users[thief]["active"] is True


def test_an_account_that_somebody_suspended_is_never_quietly_reactivated(hub: Company, server: FaultyServer) -> None:
    """The security team froze kim: a conflict, every time, until somebody names her."""
    hub.settle()
    kim = user_of(server, "kim@acme.example")
    kim["active"] = False
    for _ in range(2):
        done = hub.apply()
        assert "suspended by somebody else" in done.out
        assert kim["active"] is False
    assert hub.apply("--reactivate", "kim").code == 0
    assert kim["active"] is True


def test_rehired_people_get_their_own_account_back(hub: Company, server: FaultyServer) -> None:
    """Left, suspended; back, reactivated: the same account, the same groups, no second one."""
    hub.settle()
    hub.people("omar", "ana", "lee", kim={"last_day": "2020-01-01"})
    hub.settle()
    kim = user_of(server, "kim@acme.example")
    assert kim["active"] is False
    assert kim["id"] not in server.store.members("g-00001")
    hub.people("omar", "ana", "lee", "kim")
    hub.settle()
    assert kim["active"] is True
    assert kim["id"] in server.store.members("g-00001")
    assert len(server.store.users) == 3


def test_somebody_removed_from_yaml_and_written_again_keeps_the_account(hub: Company, server: FaultyServer) -> None:
    """The person disappears (suspended as removed), and comes back: the same id is active again."""
    hub.settle()
    kim = user_of(server, "kim@acme.example")
    hub.people("omar", "ana", "lee")
    hub.grants((["ana", "omar"], {"hub": ["group:eng"]}))
    hub.settle()
    assert kim["active"] is False
    hub.people("omar", "ana", "lee", "kim")
    hub.grants((["ana", "omar", "kim"], {"hub": ["group:eng"]}))
    hub.settle()
    assert kim["active"] is True
    assert len(server.store.users) == 3


def test_another_person_with_a_recycled_id_does_not_inherit(hub: Company, server: FaultyServer) -> None:
    """A new hire gets the id and email of somebody who left: the pinned account is theirs only by a visible plan."""
    hub.people("omar", "ana", "lee", kim={"name": "Kim Old", "last_day": "2020-01-01"})
    old = server.store.user("kim@acme.example", emails=[{"value": "kim@acme.example"}])
    hub.settle()
    assert server.store.users[old]["active"] is False
    hub.people("omar", "ana", "lee", kim={"name": "Kim New"})
    planned = hub.plan()
    assert planned.code == 2
    assert "hub/reactivate-account/kim" in hub.changes()
    assert "hub/create-account/kim" not in hub.changes()


def test_identities_without_email_are_found_by_username_alone(company: Company, server: FaultyServer) -> None:
    """No email anywhere: never matched with accounts that have none either."""
    company.dump(
        "people.yaml", {"people": {"omar": {"name": "Omar"}, "ana": {"name": "Ana", "usernames": {"hub": "aruiz"}}}}
    )
    company.hub(server.url)
    company.grants((["ana", "omar"], {"hub": ["group:eng"]}))
    server.store.group("eng")
    nameless = server.store.user("zzz")
    ana = server.store.user("aruiz")
    validated = company.run("validate")
    done = company.apply()
    assert "Traceback" not in done.said
    assert nameless not in server.store.members("g-00001")
    if validated.code == 0:
        assert ana in server.store.members("g-00001"), done.said
        assert company.plan().code == 0


def test_a_person_under_a_new_id_does_not_lose_the_account(hub: Company, server: FaultyServer) -> None:
    """`ana` becomes `ana-ruiz` in the YAML: nothing is taken until somebody says that it is the same person."""
    hub.settle()
    hub.people("omar", "kim", "lee", **{"ana-ruiz": {"email": "ana@acme.example"}})
    hub.grants((["ana-ruiz", "kim", "omar"], {"hub": ["group:eng"]}))
    server.log.clear()
    done = hub.apply()
    assert done.code == 3
    assert "is also the account of ana" in done.out
    assert "reconciler state unpin hub ana" in done.out
    assert writes(server) == []
    assert hub.run("state", "unpin", "hub", "ana", "--yes").code == 0
    assert hub.apply().code == 0
    assert writes(server) == []
    assert hub.plan().code == 0


def test_a_pin_that_is_wrong_is_dropped_by_name_and_only_then(hub: Company, server: FaultyServer) -> None:
    """An admin deleted kim's account and made it anew: the conflict says the way out, and then it is hers."""
    hub.settle()
    throw_out(server, "kim")
    del server.store.users[user_of(server, "kim@acme.example")["id"]]
    anew = server.store.user("kim@acme.example", emails=[{"value": "kim@acme.example"}])
    done = hub.apply()
    assert done.code == 3
    assert "reconciler state unpin hub kim" in done.out
    assert hub.run("state", "unpin", "hub", "kimm", "--yes").code == 1
    assert hub.run("state", "unpin", "hub", "kim").code == 1
    assert hub.apply().code == 3
    assert hub.run("state", "unpin", "hub", "kim", "--yes").code == 0
    hub.settle()
    assert anew in server.store.members("g-00001")
    assert len(server.store.users) == 3
