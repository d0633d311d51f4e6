"""Reading: pages, totals that lie, indexes and filters that are ignored, large groups, and how many requests."""

from typing import Any

import pytest
from faulty_server import FaultyServer
from pains_company import Company
from pains_server import writes


def staff(company: Company, server: FaultyServer, count: int, **config: Any) -> list[str]:
    """Have so many people, all to be in the group; the server has their accounts already, none of them a member."""
    ids = ["omar", *(f"p{number:04}" for number in range(count - 1))]
    company.people(*ids)
    company.hub(server.url, scim=config)
    company.grants((ids, {"hub": ["group:eng"]}))
    company.policies(limits={"removals_per_app": "5 or 100%"})
    for name in ids:
        server.store.user(f"{name}@acme.example", emails=[{"value": f"{name}@acme.example", "primary": True}])
    server.store.group("eng")
    return ids


@pytest.mark.parametrize("cap", [7, 50, 100])
def test_everybody_behind_the_first_page_is_read(company: Company, server: FaultyServer, cap: int) -> None:
    """107 users in pages of whatever the server likes: all adopted, none created, all granted."""
    staff(company, server, 107)
    server.habits.page_cap = cap
    company.settle()
    assert len(server.store.users) == 107
    assert not server.requests("POST")
    assert len(server.store.members("g-00108")) == 107


def test_a_total_that_is_capped_hides_nobody(company: Company, server: FaultyServer) -> None:
    """`totalResults` never says more than 50 while 107 exist: all of them, or exit 5 without any write."""
    staff(company, server, 107)
    server.habits.page_cap, server.habits.totals = 50, lambda total, _: min(total, 50)
    done = company.apply()
    assert not server.requests("POST")
    assert done.code == 5 or len(server.store.members("g-00108")) == 107
    assert len(server.store.users) == 107


def test_a_total_of_the_page_alone_hides_nobody(company: Company, server: FaultyServer) -> None:
    """`totalResults` is the number on the page."""
    staff(company, server, 107)
    server.habits.page_cap, server.habits.totals = 50, lambda _, page: page
    done = company.apply()
    assert not server.requests("POST")
    assert done.code == 5 or len(server.store.members("g-00108")) == 107


def test_no_total_at_all_hides_nobody(company: Company, server: FaultyServer) -> None:
    """Reading goes on until nothing more comes."""
    staff(company, server, 57)
    server.habits.page_cap, server.habits.totals = 20, lambda *_: None
    done = company.apply()
    assert not server.requests("POST")
    assert done.code == 5 or len(server.store.members("g-00058")) == 57


def test_a_total_that_promises_more_than_there_is_stops_the_app(company: Company, server: FaultyServer) -> None:
    """Somebody may be missing: exit 5, and no write."""
    staff(company, server, 30)
    server.habits.totals = lambda total, _: total + 3
    done = company.apply()
    assert done.code == 5
    assert writes(server) == []


def test_the_same_first_page_for_ever_ends_and_is_not_whole(company: Company, server: FaultyServer) -> None:
    """`startIndex` is ignored: no endless loop, exit 5, and nobody is created a second time."""
    staff(company, server, 107)
    server.habits.page_cap, server.habits.ignore_start = 50, True
    done = company.apply()
    assert done.code == 5
    assert writes(server) == []
    assert len(server.log) < 60


def test_a_server_without_pages_is_read_at_once(company: Company, server: FaultyServer) -> None:
    """It sends everything whatever was asked for, and that is complete."""
    staff(company, server, 107)
    server.habits.no_paging = True
    company.settle()
    assert len(server.store.members("g-00108")) == 107


def test_a_server_with_cursors_only_is_read_whole(company: Company, server: FaultyServer) -> None:
    """RFC 9865, also where a cursor expires on the way."""
    staff(company, server, 107)
    server.habits.page_cap = 20
    server.habits.cursors = server.habits.cursor_only = True
    server.habits.service_config = {"pagination": {"cursor": True, "index": False}}
    company.settle()
    assert len(server.store.members("g-00108")) == 107


def test_ignored_filters_adopt_nobody_else(hub: Company, server: FaultyServer) -> None:
    """A look-up that answers with everybody must not hand ana's place to the first one."""
    server.habits.ignore_filters = True
    stranger = server.store.user("aaa-first", emails=[{"value": "first@other.example"}])
    server.habits.unique = ("userName", "externalId")
    hub.settle()
    assert stranger not in server.store.members("g-00001")
    assert len(server.store.members("g-00001")) == 3


def test_an_existing_account_is_found_although_filters_are_ignored(hub: Company, server: FaultyServer) -> None:
    """409 on creation, the list did not show the account, and the filter answers with everybody: told, not guessed."""
    server.store.user("zed-first", emails=[{"value": "zed@other.example"}])
    hidden = server.store.user("ana@acme.example", active=False)
    server.habits.users_hidden_when_inactive = server.habits.ignore_filters = True
    done = hub.apply()
    assert done.code == 4
    assert "ana" in done.out
    assert hidden not in server.store.members("g-00001")
    assert "u-00001" not in server.store.members("g-00001")


def test_a_group_of_several_pages_and_more_than_200_members_is_steady(company: Company, server: FaultyServer) -> None:
    """450 members: added in chunks, read back whole, and no drift ever after."""
    staff(company, server, 450)
    server.habits.page_cap = 100
    company.settle()
    assert len(server.store.members("g-00451")) == 450
    assert company.run("drift", "--detailed-exitcode").code == 0


def test_groups_over_two_pages_are_all_known(company: Company, server: FaultyServer) -> None:
    """130 groups in pages of 100: a grant in the last one finds it."""
    company.people("omar")
    company.hub(server.url)
    for number in range(130):
        server.store.group(f"team-{number:03}")
    company.grants((["omar"], {"hub": ["group:team-129", "group:team-000"]}))
    company.settle()
    assert [len(group["members"]) for group in server.store.groups.values()].count(1) == 2
    assert len(server.store.groups) == 130


@pytest.mark.parametrize("members", ["shown", "single"])
def test_members_are_not_asked_for_user_by_user(company: Company, server: FaultyServer, members: str) -> None:
    """200 people in 20 groups: the number of requests follows the pages and groups, never the people."""
    ids = staff(company, server, 200)
    for number in range(20):
        server.store.group(f"team-{number}", (f"u-{number + 1:05}",))
    server.habits.members = members
    planned = company.plan()
    assert planned.code == 2
    assert len(server.log) < 45 < len(ids)


def test_a_member_that_is_in_no_list_makes_no_grant_and_no_noise(hub: Company, server: FaultyServer) -> None:
    """A group holds a user whom the list of users does not show: left in, and the plan is empty afterwards."""
    server.store.groups["g-00001"]["members"].append({"value": "u-99999"})
    hub.settle()
    assert "u-99999" in server.store.members("g-00001")


def test_two_groups_of_one_name_are_not_confused(hub: Company, server: FaultyServer) -> None:
    """Which `eng` is meant cannot be told: nobody is put into either, and the exit code says so."""
    server.store.group("eng")
    done = hub.apply()
    assert done.code in {3, 5}, done.said
    assert "several groups are called eng" in done.out
    assert not server.requests("PATCH", "/Groups")


def test_a_file_that_was_cut_off_is_not_believed(company: Company) -> None:
    """Half of an export: unread, nothing is written, and whole again nothing is to do."""
    ids = [f"p{number}" for number in range(10)]
    company.people("omar", *ids)
    rows = "".join(f"{number},{name}@acme.example,active\n" for number, name in enumerate(ids))
    company.wiki(rows, "".join(f"{number},team:eng,\n" for number in range(10)))
    company.grants((ids, {"wiki": ["team:eng"]}))
    company.settle()
    whole = company.read("wiki.csv")
    for cut in (whole[: len(whole) // 3], "id,email,status\n", "", "id,email\n1,x\n"):
        company.write("wiki.csv", cut)
        before = company.tree()
        done = company.apply()
        assert done.code == 5, (cut, done.said)
        assert company.tree() == before
    company.write("wiki.csv", whole)
    assert company.plan().code == 0
