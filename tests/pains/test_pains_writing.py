"""Writing: chunks, conflicts, throttling, errors that name nothing, objects of the same plan."""

from typing import Any

import pytest
from faulty_server import FaultyServer
from faulty_store import ScimError
from pains_company import Company
from pains_server import active, id_of, writes


def crowd(company: Company, server: FaultyServer, count: int) -> list[str]:
    """Have so many people with accounts, and an empty group that all of them are to be in."""
    ids = ["omar", *(f"p{number:03}" for number in range(count - 1))]
    company.people(*ids)
    company.hub(server.url)
    company.grants((ids, {"hub": ["group:eng"]}))
    company.policies(limits={"removals_per_app": "100%"})
    server.store.group("eng")
    for name in ids:
        server.store.user(f"{name}@acme.example", emails=[{"value": f"{name}@acme.example"}])
    return ids


def member_changes(request: Any) -> int:
    """How many members one PATCH changes."""
    return sum(len(each.get("value") or [0]) for each in request.body["Operations"])


def test_no_request_changes_more_than_100_members(company: Company, server: FaultyServer) -> None:
    """250 added, 240 removed: in chunks that the pickiest servers take."""
    ids = crowd(company, server, 250)

    def check(request: Any) -> None:
        if request.method == "PATCH" and "/Groups" in request.path and member_changes(request) > 100:
            raise ScimError(400, "at most 100 changes", "tooMany")

    server.habits.before = check
    company.settle()
    assert len(server.store.members("g-00001")) == 250
    assert max(member_changes(each) for each in server.requests("PATCH", "/Groups")) == 100
    company.hub(server.url, accounts={"to": {"everyone": True}})
    company.grants((ids[:10], {"hub": ["group:eng"]}))
    company.settle()
    assert len(server.store.members("g-00001")) == 10


def test_a_request_that_is_too_large_is_cut_smaller(company: Company, server: FaultyServer) -> None:
    """413 above 1,500 bytes: everybody is in all the same."""
    crowd(company, server, 120)
    server.habits.max_body = 1_500
    company.settle()
    assert len(server.store.members("g-00001")) == 120


def test_a_patch_names_its_path(hub: Company, server: FaultyServer) -> None:
    """Servers that refuse a PATCH without a path and with several attributes never see one."""

    def check(request: Any) -> None:
        bad = request.method == "PATCH" and any("path" not in each for each in request.body["Operations"])
        if bad:
            raise ScimError(400, "no path", "invalidPath")

    server.habits.before = check
    hub.hub(server.url, accounts={"attributes": {"displayName": "{{ person.name }}", "title": "{{ person.title }}"}})
    hub.settle()
    hub.people("omar", "kim", "lee", ana={"name": "Ana Ruiz", "title": "Lead"})
    hub.settle()
    assert {user["displayName"] for user in server.store.users.values()} == {"Ana Ruiz", "Kim", "Omar"}


def test_a_conflict_on_creation_is_an_adoption(hub: Company, server: FaultyServer) -> None:
    """The list hides suspended accounts, creation says 409: found by a filter, or told; never a second one."""
    hidden = server.store.user("ana@acme.example", externalId="ana", emails=[{"value": "ana@acme.example"}])
    server.habits.before = lambda request: _hide_from_lists(server, request, hidden)
    done = hub.apply()
    assert len(server.store.users) == 3
    assert done.code == 0, done.said
    assert hidden in server.store.members("g-00001")


def _hide_from_lists(server: FaultyServer, request: Any, hidden: str) -> None:
    """Leave a user out of unfiltered lists, as some servers do for a while after it was made."""
    plain = request.method == "GET" and request.path == "/Users" and "filter" not in request.query
    server.habits.shorten = (
        (lambda _, length: length - 1) if plain and not server.requests("POST") else (lambda _, n: n)
    )
    server.habits.totals = (lambda total, _: total - 1) if plain and not server.requests("POST") else (lambda n, _: n)
    assert hidden in server.store.users


def test_a_conflict_with_a_stranger_is_no_adoption(hub: Company, server: FaultyServer) -> None:
    """The username is taken by an account with another email: told as a conflict, and granted nothing."""
    stranger = server.store.user("ana@acme.example", emails=[{"value": "other@other.example"}], externalId="zed")
    done = hub.apply()
    assert done.code in {0, 3, 4}
    if stranger in server.store.members("g-00001"):
        pytest.fail("a stranger's account was adopted because of its username")


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
def test_throttling_is_waited_out(hub: Company, server: FaultyServer, method: str) -> None:
    """Six 429 in a row: everything is done once, nothing dropped, nothing twice."""

    def check(request: Any) -> None:
        if request.method == method and not server.habits.throttle and len(server.requests(method)) == 1:
            server.habits.throttle = 6

    server.habits.before = check
    assert hub.apply().code == 0
    assert len(server.store.users) == len(server.store.members("g-00001")) == 3
    assert hub.plan().code == 0


def test_throttled_after_the_work_was_done_is_adopted(hub: Company, server: FaultyServer) -> None:
    """The account is made, the answer is lost, the retry says 409: adopted, granted, verified."""
    server.habits.lose_answers = 3
    done = hub.apply()
    assert done.code == 0, done.said
    assert len(server.store.users) == 3
    assert hub.plan().code == 0


def test_an_error_page_names_the_object(hub: Company, server: FaultyServer) -> None:
    """HTML from a gateway becomes one line that says which object and which status, without tags."""
    hub.settle()
    hub.grants((["omar", "ana"], {"hub": ["group:eng"]}))
    server.habits.html_errors = True

    def check(request: Any) -> None:
        if request.method == "PATCH":
            raise ScimError(400, "never seen")

    server.habits.before = check
    done = hub.apply()
    assert done.code == 4
    report = done.out.partition("digest")[2]
    assert "kim" in report
    assert "group:eng" in report
    assert "400" in report
    assert "<" not in report


def test_groups_and_people_of_the_same_plan_find_each_other(hub: Company, server: FaultyServer) -> None:
    """New account into a new group, in one plan and one apply."""
    hub.hub(server.url, entitlements={"group:new": {}, "group:other": {}})
    hub.people("omar", "ana", "kim", "lee", "zoe")
    hub.grants(
        (["zoe", "ana"], {"hub": ["group:new"]}), ({"entitlements": ["hub/group:new"]}, {"hub": ["group:other"]})
    )
    hub.settle()
    made = {group["displayName"]: group for group in server.store.groups.values()}
    assert len(made["new"]["members"]) == 2
    assert [one["value"] for one in made["other"]["members"]] == [made["new"]["id"]]


def test_when_the_new_group_fails_its_members_are_not_attempted(hub: Company, server: FaultyServer) -> None:
    """The accounts are made, the grants say what they waited for, exit 4."""
    hub.hub(server.url, entitlements={"group:new": {}})
    hub.grants((["ana"], {"hub": ["group:new"]}))

    def check(request: Any) -> None:
        if request.method == "POST" and request.path == "/Groups":
            raise ScimError(403, "groups are made by hand here")

    server.habits.before = check
    done = hub.apply()
    assert done.code == 4
    assert "groups are made by hand here" in done.out
    assert "not attempted" in done.out
    server.habits.before = lambda _: None
    hub.settle()


def test_a_partial_apply_is_finished_by_the_next(hub: Company, server: FaultyServer) -> None:
    """The server dies in the middle; the next run has exactly what was left."""
    hub.settle()
    hub.people("omar", "lee", ana={"last_day": "2020-01-01"}, kim={"last_day": "2020-01-01"})
    served = []

    def check(request: Any) -> None:
        if request.method != "GET":
            served.append(request.line)
            if len(served) > 1:
                raise ScimError(403, "gone fishing")

    server.habits.before = check
    done = hub.apply()
    assert done.code == 4
    left = hub.changes()
    assert left
    server.habits.before = lambda _: None
    hub.settle()
    assert active(server) == ["omar@acme.example"]


def test_leavers_are_suspended_before_anything_else(hub: Company, server: FaultyServer) -> None:
    """In a plan that also creates, the first write is the leaver's suspension."""
    hub.settle()
    hub.people("omar", "ana", "lee", "zoe", kim={"last_day": "2020-01-01"})
    hub.grants((["ana", "kim", "omar", "zoe"], {"hub": ["group:eng"]}))
    server.log.clear()
    hub.settle()
    assert writes(server)[0] == f"PATCH /Users/{id_of(server, 'kim')}"


def test_renaming_a_group_keeps_it(hub: Company, server: FaultyServer) -> None:
    """`formerly` makes a rename in place: the same id, the same members, no second group."""
    hub.settle()
    hub.hub(server.url, entitlements={"group:engineering": {"formerly": ["group:eng"]}})
    hub.grants((["ana", "kim", "omar"], {"hub": ["group:engineering"]}))
    hub.settle()
    assert [(one["id"], one["displayName"]) for one in server.store.groups.values()] == [("g-00001", "engineering")]
    assert len(server.store.members("g-00001")) == 3


def test_a_misspelt_group_is_an_error_and_never_a_new_group(hub: Company, server: FaultyServer) -> None:
    """With a suggestion; the other grants go on."""
    hub.grants((["ana"], {"hub": ["group:eng", "group:egn"]}))
    done = hub.apply()
    assert "did you mean" in done.out
    assert done.code in {3, 4}
    assert len(server.store.groups) == 1


def test_a_server_without_patch_is_put(hub: Company, server: FaultyServer) -> None:
    """PATCH answers 405: members and suspensions arrive by PUT, and foreign attributes survive."""
    server.habits.no_patch = ("Users", "Groups")
    server.store.groups["g-00001"]["urn:acme:color"] = "red"
    hub.settle()
    hub.people("omar", "ana", "lee", kim={"last_day": "2020-01-01"})
    hub.settle()
    assert server.store.groups["g-00001"]["urn:acme:color"] == "red"
    assert len(server.store.members("g-00001")) == 2
