"""Changes of groups: created once, renamed in place, members changed in few requests with a truthful receipt each."""

import asyncio
import json

import pytest
from faulty_server import FaultyServer, Request, ScimError
from scim_driving import create_group, grant, open_provider, perform, perform_batch, perform_one, rename_group, revoke

from providers.scim.provider import ScimProvider
from reconciler.items import GrantItem
from reconciler.provider.change import Change, Operation, Outcome, Receipt

pytestmark = pytest.mark.evidence("scim", against="our own fake", of="a SCIM server whose faults can be switched")


def _operations(server: FaultyServer) -> list[list[dict[str, object]]]:
    return [request.body["Operations"] for request in server.requests("PATCH")]


def test_a_group_is_created_once(server: FaultyServer) -> None:
    """A second creation adopts the first, also where the server would make another of the same name."""
    one, other = perform(server.url, create_group("group:eng"), create_group("group:eng"))
    assert one.outcome is other.outcome is Outcome.DONE
    assert one.remote_id == other.remote_id
    assert [group["displayName"] for group in server.store.groups.values()] == ["eng"]


def test_a_group_that_only_the_conflict_tells_of_is_adopted(server: FaultyServer) -> None:
    """409 where the filter found nothing: the list is read."""
    there = server.store.group("eng")
    server.habits.unique = ("displayName",)
    server.habits.empty_filters = True
    receipt = perform_one(server.url, create_group("group:eng"))
    assert (receipt.outcome, receipt.remote_id) == (Outcome.DONE, there)


def test_a_group_whose_answer_was_lost_is_found(server: FaultyServer) -> None:
    """Looked up before anything is said; what never landed is not claimed."""
    server.habits.lose_answers = 1
    receipt = perform_one(server.url, create_group("group:eng"))
    assert (receipt.outcome, receipt.remote_id) == (Outcome.DONE, next(iter(server.store.groups)))
    server.habits.lose_requests = 1
    assert perform_one(server.url, create_group("group:ops")).outcome is Outcome.UNKNOWN


def test_two_groups_of_one_name_are_not_chosen_from(server: FaultyServer) -> None:
    """Neither is adopted."""
    server.store.group("eng")
    server.store.group("eng")
    receipt = perform_one(server.url, create_group("group:eng"))
    assert receipt.outcome is Outcome.FAILED
    assert "2 groups are called eng" in receipt.detail


def test_a_group_is_renamed_in_place(server: FaultyServer) -> None:
    """Its members stay."""
    ana = server.store.user("ana")
    group = server.store.group("eng", (ana,))
    assert perform_one(server.url, rename_group("group:engineering", group)).outcome is Outcome.DONE
    assert server.store.groups[group]["displayName"] == "engineering"
    assert server.store.members(group) == [ana]
    assert perform_one(server.url, rename_group("group:x", "g-nobody")).outcome is Outcome.FAILED


def test_a_group_is_renamed_without_patch(server: FaultyServer) -> None:
    """Read, changed and put, with all its members."""
    ana = server.store.user("ana")
    group = server.store.group("eng", (ana,))
    server.habits.no_patch = ("Groups",)
    assert perform_one(server.url, rename_group("group:engineering", group)).outcome is Outcome.DONE
    assert server.store.groups[group]["displayName"] == "engineering"
    assert server.store.members(group) == [ana]


def test_many_members_are_added_in_chunks(server: FaultyServer) -> None:
    """250 members, three requests, 250 receipts."""
    users = server.store.many(250)
    group = server.store.group("eng")
    receipts = perform_batch(server.url, [grant(user, group) for user in users])
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    assert [receipt.change.account_id for receipt in receipts] == users
    assert [len(operations[0]["value"]) for operations in _operations(server)] == [100, 100, 50]  # type: ignore[arg-type]
    assert server.store.members(group) == users
    assert sum(receipt.requests for receipt in receipts) == len(server.log) == 3


def test_many_members_are_removed_in_chunks(server: FaultyServer) -> None:
    """One operation for each, a hundred in a request, and one look at what is left."""
    users = server.store.many(150)
    group = server.store.group("eng", tuple(users))
    receipts = perform_batch(server.url, [revoke(user, group) for user in users[1:]])
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    assert server.store.members(group) == users[:1]
    assert [len(operations) for operations in _operations(server)] == [100, 49]
    assert [request.method for request in server.log] == ["PATCH", "PATCH", "GET"]


def test_one_bad_member_does_not_stop_the_others(server: FaultyServer) -> None:
    """A refused chunk is halved until the one who is refused is alone."""
    users = server.store.many(20)
    group = server.store.group("eng")

    def refuse(request: Request) -> None:
        if request.method == "PATCH" and users[13] in json.dumps(request.body):
            raise ScimError(400, f"{users[13]} is a robot", "invalidValue")

    server.habits.before = refuse
    receipts = perform_batch(server.url, [grant(user, group) for user in users])
    failed = [receipt for receipt in receipts if receipt.outcome is not Outcome.DONE]
    assert [receipt.change.account_id for receipt in failed] == [users[13]]
    assert "is a robot" in failed[0].detail
    assert len(server.store.members(group)) == 19


def test_a_request_that_is_too_large_is_split(server: FaultyServer) -> None:
    """413: halves, and halves of halves."""
    users = server.store.many(40)
    group = server.store.group("eng")
    server.habits.max_body = 500
    receipts = perform_batch(server.url, [grant(user, group) for user in users])
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    assert server.store.members(group) == users


def test_a_forbidden_group_is_asked_only_once(server: FaultyServer) -> None:
    """403 is about the token, not about a member."""
    users = server.store.many(20)
    group = server.store.group("eng")
    server.habits.forbid = {f"/Groups/{group}"}
    receipts = perform_batch(server.url, [grant(user, group) for user in users])
    assert {receipt.outcome for receipt in receipts} == {Outcome.FAILED}
    assert len(server.log) == 1


def test_what_is_so_already_is_success(server: FaultyServer) -> None:
    """A member who is added again, one who is removed again, a group that is gone."""
    ana = server.store.user("ana")
    group = server.store.group("eng", (ana,))
    assert perform_one(server.url, grant(ana, group)).outcome is Outcome.DONE
    assert server.store.members(group) == [ana]
    first, second = perform(server.url, revoke(ana, group), revoke(ana, group))
    assert (first.outcome, second.outcome) == (Outcome.DONE, Outcome.DONE)
    assert second.detail == "was no member"
    assert perform_one(server.url, revoke(ana, "g-gone")).outcome is Outcome.DONE
    assert perform_one(server.url, grant(ana, "g-gone")).outcome is Outcome.FAILED


def test_a_member_already_is_understood_as_a_conflict(server: FaultyServer) -> None:
    """409 on adding somebody who is there."""
    ana = server.store.user("ana")
    group = server.store.group("eng", (ana,))

    def conflict(request: Request) -> None:
        if request.method == "PATCH":
            raise ScimError(409, "already a member", "uniqueness")

    server.habits.before = conflict
    receipt = perform_one(server.url, grant(ana, group))
    assert (receipt.outcome, receipt.detail) == (Outcome.DONE, "already a member")


@pytest.mark.parametrize("form", ["filter", "array"])
def test_a_removal_that_is_ignored_is_tried_in_the_other_form(server: FaultyServer, form: str) -> None:
    """200, and still a member: the other form works, and the receipt says how to remember it."""
    ana, ben = server.store.user("ana"), server.store.user("ben")
    group = server.store.group("eng", (ana, ben))
    server.habits.ignore_filter_removal = form == "filter"
    server.habits.ignore_array_removal = form == "array"
    receipt = perform_one(server.url, revoke(ana, group), dialect={"member_remove": form})
    assert receipt.outcome is Outcome.DONE
    assert f"ignored removal by {form}" in receipt.detail
    assert "say `member_remove:" in receipt.detail
    assert server.store.members(group) == [ben]


@pytest.mark.parametrize("status", [400, 501])
def test_a_removal_that_is_refused_is_tried_in_the_other_form(server: FaultyServer, status: int) -> None:
    """501 for a filtered path is about the path, not about PATCH."""
    ana, ben = server.store.user("ana"), server.store.user("ben")
    group = server.store.group("eng", (ana, ben))

    def refuse(request: Request) -> None:
        if request.method == "PATCH" and "members[" in json.dumps(request.body):
            raise ScimError(status, "no filtered paths", "invalidPath")

    server.habits.before = refuse
    receipt = perform_one(server.url, revoke(ana, group))
    assert receipt.outcome is Outcome.DONE
    assert "refused removal by filter; removed by array" in receipt.detail
    assert server.store.members(group) == [ben]


def test_a_removal_that_no_form_achieves_is_a_failure(server: FaultyServer) -> None:
    """Whatever the status says."""
    ana = server.store.user("ana")
    group = server.store.group("eng", (ana,))
    server.habits.patch_does_nothing = True
    for status in (200, 204):
        server.habits.patch_status = status
        receipt = perform_one(server.url, revoke(ana, group))
        assert receipt.outcome is Outcome.FAILED
        assert "is still a member" in receipt.detail


def test_an_addition_that_did_nothing_is_a_failure(server: FaultyServer) -> None:
    """200 with the members, and not the new one."""
    ana, ben = server.store.user("ana"), server.store.user("ben")
    group = server.store.group("eng", (ben,))
    server.habits.patch_does_nothing = True
    receipt = perform_one(server.url, grant(ana, group))
    assert receipt.outcome is Outcome.FAILED
    assert "is no member" in receipt.detail


@pytest.mark.parametrize("lost", ["lose_answers", "lose_requests"])
def test_a_lost_answer_is_sent_again(server: FaultyServer, lost: str) -> None:
    """Adding twice is as good as once."""
    ana = server.store.user("ana")
    group = server.store.group("eng")
    setattr(server.habits, lost, 1)
    assert perform_one(server.url, grant(ana, group)).outcome is Outcome.DONE
    assert server.store.members(group) == [ana]


def test_groups_are_put_where_they_cannot_be_patched(server: FaultyServer) -> None:
    """405: read, changed and put, for this and all that follow."""
    ana, ben, kim = (server.store.user(name) for name in ("ana", "ben", "kim"))
    group = server.store.group("eng", (ben,))
    server.habits.no_patch = ("Groups",)
    receipts = perform(server.url, grant(ana, group), grant(kim, group), revoke(ben, group))
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    assert server.store.members(group) == [ana, kim]
    assert len(server.requests("PATCH")) == 1


def test_groups_that_can_be_neither_patched_nor_put_are_said_to_be_so(server: FaultyServer) -> None:
    """Known before anything is asked."""
    dialect = {"patch_groups": False, "member_replace": False}
    provider = open_provider(server.url, dialect=dialect)
    assert "neither patch nor replace" in provider.capabilities.ability(Operation.GRANT, "group").why
    assert perform_one(server.url, grant("u-1", "g-1"), dialect=dialect).outcome is Outcome.FAILED
    assert server.log == []


def test_concurrent_changes_of_one_group_lose_nobody(server: FaultyServer) -> None:
    """Where groups are replaced whole, one waits for the other."""
    users = server.store.many(12)
    group = server.store.group("eng")

    async def run(provider: ScimProvider) -> list[Receipt]:
        async with provider:
            return list(await asyncio.gather(*(provider.perform(grant(user, group)) for user in users)))

    receipts = asyncio.run(run(open_provider(server.url, dialect={"patch_groups": False})))
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    assert sorted(server.store.members(group)) == users


def test_a_group_becomes_a_member(server: FaultyServer) -> None:
    """The holder of a grant may be an entitlement."""
    inner, outer = server.store.group("inner"), server.store.group("outer")
    change = Change(
        *("hub", Operation.GRANT, GrantItem("group:inner", "group:outer"), "scim"),
        entitlement_id=outer,
        holder_entitlement_id=inner,
    )
    assert perform_one(server.url, change).outcome is Outcome.DONE
    assert server.store.members(outer) == [inner]


def test_a_grant_to_nobody_is_refused_without_a_request(server: FaultyServer) -> None:
    """An account or a group that does not exist yet has no id."""
    assert "no account yet" in perform_one(server.url, grant("", "g-1")).detail
    assert "no such group yet" in perform_one(server.url, grant("u-1", "")).detail
    assert server.log == []


def test_nobody_becomes_a_member_who_does_not_exist(server: FaultyServer) -> None:
    """Servers that take any id for a member are not believed: the account is looked up first."""
    ana = server.store.user("ana")
    group = server.store.group("eng")
    gone, there = perform_batch(server.url, [grant("u-gone", group), grant(ana, group)])
    assert (gone.outcome, there.outcome) == (Outcome.FAILED, Outcome.DONE)
    assert "the app has no account u-gone" in gone.detail
    assert server.store.members(group) == [ana]


def test_a_version_is_sent_where_groups_need_one(server: FaultyServer) -> None:
    """428 and `etag: required`: the version is read just before."""
    ana = server.store.user("ana")
    group = server.store.group("eng")
    server.habits.require_version = server.habits.etags = True
    assert perform_one(server.url, grant(ana, group)).outcome is Outcome.DONE
    assert perform_one(server.url, revoke(ana, group), dialect={"etag": "required"}).outcome is Outcome.DONE
    assert server.store.members(group) == []
