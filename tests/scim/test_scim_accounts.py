"""Changes of accounts: what is sent, what is believed, and what a receipt says."""

import json

import pytest
from faulty_server import SECRET, FaultyServer, Request, ScimError
from scim_driving import create, on_account, perform, perform_one, reread, suspend, update

from reconciler.provider.change import Operation, Outcome

pytestmark = pytest.mark.evidence("scim", against="our own fake", of="a SCIM server whose faults can be switched")


def test_an_account_is_created_with_what_it_starts_with(server: FaultyServer) -> None:
    """Username, email, external id, names and mapped attributes, each where SCIM wants it."""
    receipt = perform_one(
        server.url,
        create(
            "ana",
            "ana@acme.example",
            "id-ana",
            title="Boss",
            department="Sales",
            **{
                "person.name": "Ana Ruiz",
                "person.given_name": "Ana",
                "person.family_name": "Ruiz",
                "person.title": "x",
            },
        ),
    )
    assert receipt.outcome is Outcome.DONE
    made = server.store.users[receipt.remote_id]
    assert made["userName"] == "ana"
    assert made["externalId"] == "id-ana"
    assert made["emails"] == [{"value": "ana@acme.example", "type": "work", "primary": True}]
    assert made["name"] == {"givenName": "Ana", "familyName": "Ruiz", "formatted": "Ana Ruiz"}
    assert made["displayName"] == "Ana Ruiz"
    assert made["title"] == "Boss"
    assert made["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"] == {"department": "Sales"}
    assert receipt.requests == 1


def test_an_email_is_the_username_where_there_is_no_other(server: FaultyServer) -> None:
    """And without either, nothing is sent."""
    receipt = perform_one(server.url, create("", "ana@acme.example"))
    assert server.store.users[receipt.remote_id]["userName"] == "ana@acme.example"
    receipt = perform_one(server.url, create(""))
    assert receipt.outcome is Outcome.FAILED
    assert "no username" in receipt.detail


def test_an_account_that_exists_is_adopted_if_it_is_the_one(server: FaultyServer) -> None:
    """409: looked up, compared, taken."""
    there = server.store.user("Ana", externalId="id-ana", emails=[{"value": "ana@acme.example"}])
    receipt = perform_one(server.url, create("ana", "ANA@acme.example", "id-ana"))
    assert (receipt.outcome, receipt.remote_id) == (Outcome.DONE, there)
    assert "adopted" in receipt.detail


@pytest.mark.parametrize(
    "other", [{"externalId": "id-eve"}, {"emails": [{"value": "eve@acme.example"}]}], ids=["external id", "email"]
)
def test_a_recycled_username_is_never_adopted(server: FaultyServer, other: dict[str, object]) -> None:
    """Who has the name now is somebody else."""
    server.store.user("ana", **other)
    receipt = perform_one(server.url, create("ana", "ana@acme.example", "id-ana"))
    assert receipt.outcome is Outcome.FAILED
    assert "somebody else" in receipt.detail


def test_a_suspended_account_is_not_adopted_as_an_active_one(server: FaultyServer) -> None:
    """Somebody suspended it: that is for a plan to show."""
    server.store.user("ana", active=False)
    receipt = perform_one(server.url, create("ana"))
    assert receipt.outcome is Outcome.FAILED
    assert "suspended" in receipt.detail


@pytest.mark.parametrize("habit", ["ignore_filters", "refuse_filters", "empty_filters"])
def test_a_look_up_survives_every_kind_of_filter(server: FaultyServer, habit: str) -> None:
    """Ignored, refused, or answered with nothing: the list decides, and only the right one is adopted."""
    server.store.many(30)
    there = server.store.user("ana", externalId="id-ana")
    setattr(server.habits, habit, True)
    receipt = perform_one(server.url, create("ana", external_id="id-ana"), page_size=10)
    assert (receipt.outcome, receipt.remote_id) == (Outcome.DONE, there)


def test_a_conflict_with_nobody_in_sight_is_the_apps_own_words(server: FaultyServer) -> None:
    """409 for an account that SCIM does not show: failed, and nobody else is taken."""
    server.store.many(5)

    def conflict(request: Request) -> None:
        if request.method == "POST":
            raise ScimError(409, "the address belongs to another organization", "uniqueness")

    server.habits.before = conflict
    receipt = perform_one(server.url, create("ana"))
    assert receipt.outcome is Outcome.FAILED
    assert "the address belongs to another organization" in receipt.detail
    assert "create ana" in receipt.detail


def test_an_account_whose_answer_was_lost_is_found(server: FaultyServer) -> None:
    """The connection broke after it was made: looked up, not made twice."""
    server.habits.lose_answers = 1
    receipt = perform_one(server.url, create("ana", external_id="id-ana"))
    assert receipt.outcome is Outcome.DONE
    assert "the answer was lost" in receipt.detail
    assert len(server.store.users) == 1


def test_an_account_that_did_not_land_is_created_again(server: FaultyServer) -> None:
    """The connection broke before: nobody is there, so it is tried once more."""
    server.habits.lose_requests = 1
    receipt = perform_one(server.url, create("ana"))
    assert receipt.outcome is Outcome.DONE
    assert len(server.store.users) == 1


def test_what_stays_undecidable_is_unknown(server: FaultyServer) -> None:
    """Lost twice, and the look-up shows nobody: nothing is claimed."""
    server.habits.lose_requests = 2
    assert perform_one(server.url, create("ana")).outcome is Outcome.UNKNOWN


def test_an_answer_without_a_body_is_followed_by_a_look_up(server: FaultyServer) -> None:
    """201 and nothing else: the id is looked up."""
    server.habits.created_without_body = True
    receipt = perform_one(server.url, create("ana"))
    assert receipt.remote_id in server.store.users


def test_an_update_sends_only_what_changes(server: FaultyServer) -> None:
    """One PATCH with one operation for each attribute."""
    ana = server.store.user("ana", title="Boss", displayName="Ana")
    receipt = perform_one(server.url, update(ana, {"title": "Boss"}, {"title": "Chief", "department": "Sales"}))
    assert receipt.outcome is Outcome.DONE
    [request] = server.log
    assert request.line == f"PATCH /Users/{ana}"
    assert request.body["Operations"] == [
        {"op": "replace", "path": "title", "value": "Chief"},
        {
            "op": "replace",
            "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
            "value": "Sales",
        },
    ]


def test_an_attribute_is_taken_away(server: FaultyServer) -> None:
    """Nothing declared is a removal, not an empty text."""
    ana = server.store.user("ana", title="Boss")
    assert perform_one(server.url, update(ana, {"title": "Boss"}, {"title": None})).outcome is Outcome.DONE
    assert "title" not in server.store.users[ana]


def test_a_new_email_leaves_the_others(server: FaultyServer) -> None:
    """Emails are read, changed and sent whole."""
    private = {"value": "private@home.example", "type": "home"}
    ana = server.store.user("ana", emails=[private, {"value": "old@acme.example", "type": "work", "primary": True}])
    perform_one(server.url, update(ana, {"emails": "old@acme.example"}, {"email": "new@acme.example"}))
    assert server.store.users[ana]["emails"] == [
        private,
        {"value": "new@acme.example", "type": "work", "primary": True},
    ]


def test_a_success_that_changed_nothing_is_a_failure(server: FaultyServer) -> None:
    """200, and the title is what it was."""
    ana = server.store.user("ana", title="Boss")
    server.habits.patch_does_nothing = True
    receipt = perform_one(server.url, update(ana, {"title": "Boss"}, {"title": "Chief"}))
    assert receipt.outcome is Outcome.FAILED
    assert "answered 200, and changed nothing (title)" in receipt.detail


def test_a_silent_success_is_checked_where_the_dialect_says_so(server: FaultyServer) -> None:
    """204 shows nothing: `read_back: always` looks."""
    ana = server.store.user("ana", title="Boss")
    server.habits.patch_does_nothing = True
    server.habits.patch_status = 204
    change = update(ana, {"title": "Boss"}, {"title": "Chief"})
    assert perform_one(server.url, change).outcome is Outcome.DONE
    assert perform_one(server.url, change, dialect={"read_back": "always"}).outcome is Outcome.FAILED


def test_a_server_without_patch_gets_a_whole_user(server: FaultyServer) -> None:
    """405: read, changed and put; what is not ours stays, and so does `active`."""
    ana = server.store.user("ana", title="Boss", active=False, secretSauce={"a": [1]})
    server.habits.no_patch = ("Users",)
    receipt = perform_one(server.url, update(ana, {"title": "Boss"}, {"title": "Chief"}))
    assert receipt.outcome is Outcome.DONE
    assert server.store.users[ana]["title"] == "Chief"
    assert server.store.users[ana]["secretSauce"] == {"a": [1]}
    assert server.store.users[ana]["active"] is False
    assert [request.method for request in server.log] == ["PATCH", "GET", "PUT"]


def test_a_dialect_without_patch_never_tries_it(server: FaultyServer) -> None:
    """`patch: false`."""
    ana = server.store.user("ana")
    assert perform_one(server.url, suspend(ana), dialect={"patch": False}).outcome is Outcome.DONE
    assert server.store.users[ana]["active"] is False
    assert [request.method for request in server.log] == ["GET", "PUT"]


def test_a_known_version_is_sent(server: FaultyServer) -> None:
    """`If-Match` guards what was read."""
    ana = server.store.user("ana", title="Boss")
    server.habits.etags = True
    perform_one(server.url, update(ana, {"title": "Boss"}, {"title": "Chief"}, version='W/"1"'))
    assert server.log[0].headers["if-match"] == 'W/"1"'


def test_somebody_elses_harmless_change_is_no_obstacle(server: FaultyServer) -> None:
    """412: read again; what the change relied on is as it was, so it is sent with the new version."""
    ana = server.store.user("ana", title="Boss")
    server.habits.etags = True
    server.store.touch(server.store.users[ana])
    receipt = perform_one(server.url, update(ana, {"title": "Boss"}, {"title": "Chief"}, version='W/"1"'))
    assert receipt.outcome is Outcome.DONE
    assert server.store.users[ana]["title"] == "Chief"


def test_somebody_elses_change_of_the_same_is_not_overwritten(server: FaultyServer) -> None:
    """412: what the change relied on has moved, so it is refused, and says so."""
    ana = server.store.user("ana", title="President")
    server.habits.etags = True
    server.store.touch(server.store.users[ana])
    receipt = perform_one(server.url, update(ana, {"title": "Boss"}, {"title": "Chief"}, version='W/"1"'))
    assert receipt.outcome is Outcome.FAILED
    assert "title is 'President'" in receipt.detail
    assert server.store.users[ana]["title"] == "President"


def test_a_server_that_wants_a_version_gets_one(server: FaultyServer) -> None:
    """428: read, and sent with the version."""
    ana = server.store.user("ana")
    server.habits.require_version = True
    assert perform_one(server.url, suspend(ana)).outcome is Outcome.DONE
    assert perform_one(server.url, on_account(Operation.DELETE_ACCOUNT, ana)).outcome is Outcome.DONE
    ben = server.store.user("ben")
    server.log.clear()
    assert perform_one(server.url, suspend(ben), dialect={"etag": "required"}).outcome is Outcome.DONE
    assert [request.method for request in server.log] == ["GET", "PATCH"]


def test_an_account_is_suspended_and_reactivated(server: FaultyServer) -> None:
    """`active` false, then true."""
    ana = server.store.user("ana")
    assert perform_one(server.url, suspend(ana)).outcome is Outcome.DONE
    assert server.store.users[ana]["active"] is False
    assert perform_one(server.url, on_account(Operation.REACTIVATE_ACCOUNT, ana)).outcome is Outcome.DONE
    assert server.store.users[ana]["active"] is True


def test_a_suspension_that_did_nothing_is_a_failure(server: FaultyServer) -> None:
    """200, and the leaver is still active."""
    ana = server.store.user("ana")
    server.habits.patch_does_nothing = True
    receipt = perform_one(server.url, suspend(ana))
    assert receipt.outcome is Outcome.FAILED
    assert "changed nothing (active)" in receipt.detail


def test_a_stale_version_does_not_save_a_leaver(server: FaultyServer) -> None:
    """Whatever somebody else changed, the account is suspended."""
    ana = server.store.user("ana", title="Boss")
    server.habits.etags = True
    server.store.touch(server.store.users[ana])
    assert perform_one(server.url, suspend(ana, version='W/"1"')).outcome is Outcome.DONE
    assert server.store.users[ana]["active"] is False


@pytest.mark.parametrize("operation", [Operation.SUSPEND_ACCOUNT, Operation.DELETE_ACCOUNT])
def test_who_is_gone_already_is_no_failure(server: FaultyServer, operation: Operation) -> None:
    """404 on a removal is success; on anything else it is not."""
    receipt = perform_one(server.url, on_account(operation, "u-nobody"))
    assert (receipt.outcome, receipt.detail) == (Outcome.DONE, "not found")
    assert perform_one(server.url, on_account(Operation.REACTIVATE_ACCOUNT, "u-nobody")).outcome is Outcome.FAILED


def test_a_deletion_whose_answer_was_lost_is_looked_after(server: FaultyServer) -> None:
    """Sent again, answered 404: gone."""
    ana = server.store.user("ana")
    server.habits.lose_answers = 1
    assert perform_one(server.url, on_account(Operation.DELETE_ACCOUNT, ana)).outcome is Outcome.DONE
    assert server.store.users == {}


@pytest.mark.parametrize(("as_number", "html"), [(True, False), (False, False), (False, True)])
def test_a_refusal_is_told_in_the_apps_own_words(server: FaultyServer, as_number: bool, html: bool) -> None:
    """Whatever form the error has; and the token that the app echoes is not."""
    ana = server.store.user("ana")
    server.habits.status_as_number = as_number
    server.habits.html_errors = html

    def refuse(request: Request) -> None:
        if request.method == "PATCH":
            raise ScimError(400, "the last admin stays", "mutability")

    server.habits.before = refuse
    receipt = perform_one(server.url, suspend(ana))
    assert receipt.outcome is Outcome.FAILED
    assert ("Gateway trouble" if html else "the last admin stays") in receipt.detail
    assert "suspend ana" in receipt.detail
    assert SECRET not in receipt.detail


def test_accounts_are_read_singly(server: FaultyServer) -> None:
    """In the order asked for, None for whom there is not; ids that look like paths are only ids."""
    ana = server.store.user("ana", active=False)
    found = reread(server.url, "nobody", ana, "../Users", "..")
    assert [each and each.username for each in found] == [None, "ana", None, None]


def test_several_accounts_are_read_with_one_filter_where_the_dialect_says_so(server: FaultyServer) -> None:
    """`filter_terms` joins ids with `or`; who is not found that way is asked for singly."""
    users = server.store.many(5)
    found = reread(server.url, *users, "nobody", dialect={"filter_terms": 3})
    assert [each and each.remote_id for each in found] == [*users, None]
    assert len(server.log) == 3
    assert server.log[-1].path == "/Users/nobody"


def test_what_scim_cannot_do_fails_without_a_request(server: FaultyServer) -> None:
    """There are no sessions in SCIM."""
    receipt = perform_one(server.url, on_account(Operation.END_SESSIONS, "u-1"))
    assert receipt.outcome is Outcome.FAILED
    assert "SCIM has no sessions" in receipt.detail
    assert server.log == []


def test_nothing_that_is_sent_or_said_holds_the_token(server: FaultyServer) -> None:
    """The token travels in one header only."""
    receipts = perform(server.url, create("ana"), suspend("nobody"))
    assert SECRET not in repr(receipts)
    assert all(SECRET not in json.dumps([request.path, request.query, request.body]) for request in server.log)
    assert all(request.headers["authorization"] == f"Bearer {SECRET}" for request in server.log)
