"""Leavers: signed out with every token taken back, and files handed over before licences go."""

import pytest
from google_driving import at, change, outcome, perform
from google_fake import FakeGoogle, error
from google_harness import PRODUCT
from support.http_server import Reply

from reconciler.provider.change import Operation

pytestmark = pytest.mark.evidence("google", against="our own fake", of="the reference of November 2026")

SAM, OMAR = "u100", "u101"
TRANSFER = change(Operation.TRANSFER_FILES, "sam", account_id=SAM, after={"to": "omar", "to_account": OMAR})
REMOVE = change(Operation.REMOVE_LICENSES, "sam", account_id=SAM)
REVOKE = change(Operation.REVOKE, "sam", "license:beta", account_id=SAM, entitlement_id=f"{PRODUCT}/2")
END = change(Operation.END_SESSIONS, "sam", account_id=SAM)


def seed() -> FakeGoogle:
    """Return a customer with a leaver who has everything, and a manager."""
    app = FakeGoogle(skus={(PRODUCT, "2")})
    app.add_user(at("sam"))
    app.add_user(at("omar"))
    app.tokens[SAM] = {"shadow.apps": "Shadow", "crm.apps": "Crm", "chat.apps": "Chat"}
    app.passwords[SAM] = {3, 8}
    app.licenses.add((PRODUCT, "2", at("sam")))
    return app


def test_whoever_leaves_is_signed_out_and_no_token_of_theirs_is_left() -> None:
    """Sessions, third-party tokens and app passwords; a second time there is nothing more to take."""
    app = seed()
    assert [each.detail for each in perform(app, END, END)] == [
        "3 apps and 2 app passwords lost their access",
        "0 apps and 0 app passwords lost their access",
    ]
    assert app.signed_out == [SAM, SAM]
    assert (app.tokens[SAM], app.passwords[SAM]) == ({}, set())


def test_a_token_that_cannot_be_taken_back_saves_no_other() -> None:
    """One refusal is told, and the rest is taken all the same."""
    app = seed()
    app.paths["DELETE users/u100/tokens/crm.apps"] = error(400, "invalid", "not this one")
    ended, words = outcome(perform(app, END)[0])
    assert ended == "failed"
    assert "signed out, but: take back crm.apps" in words
    assert (app.tokens[SAM], app.passwords[SAM]) == ({"crm.apps": "Crm"}, set())


def test_tokens_that_cannot_be_listed_are_said_to_be_left() -> None:
    """Signing out worked; what could not be seen is never taken for nothing."""
    app = seed()
    app.forbidden.add("grants:oauth")
    ended, words = outcome(perform(app, END)[0])
    assert ended == "failed"
    assert "signed out, but: list users/u100/tokens" in words
    assert app.passwords[SAM] == set()


def test_files_are_handed_over_whole_and_waited_for() -> None:
    """Drive, shared or not, and the calendar with its rooms; the receipt comes when Google says that it is over."""
    app = seed()
    app.looks = 4
    receipt = perform(app, TRANSFER)[0]
    (transfer,) = app.transfers.values()
    assert outcome(receipt) == ("done, not verified", f"transfer {transfer['id']}")
    assert (transfer["oldOwnerUserId"], transfer["newOwnerUserId"]) == (SAM, OMAR)
    assert {
        each["applicationId"]: each["applicationTransferParams"] for each in transfer["applicationDataTransfers"]
    } == {
        "55656082996": [{"key": "PRIVACY_LEVEL", "value": ["PRIVATE", "SHARED"]}],
        "435070579839": [{"key": "RELEASE_RESOURCES", "value": ["TRUE"]}],
    }


def test_a_transfer_that_outlasts_the_run_is_found_by_the_next_and_licences_wait_for_it() -> None:
    """Neither the step nor the leaver's single licence goes before; nothing is asked for twice."""
    app = seed()
    app.looks = 1000
    receipts = perform(app, TRANSFER, REMOVE, REVOKE, transfer_wait=30)
    assert [each.outcome.value for each in receipts] == ["unknown", "failed", "failed"]
    assert "still under way" in receipts[0].detail
    assert "not yet; without a licence it might be lost" in receipts[1].detail
    assert app.licenses == {(PRODUCT, "2", at("sam"))}
    app.transfers["t102"]["looks"] = 1
    receipts = perform(app, TRANSFER, REMOVE, REVOKE)
    assert [each.outcome.value for each in receipts] == ["done, not verified"] * 3
    assert len(app.transfers) == 1
    assert not app.licenses


@pytest.mark.parametrize("status", ["inProgress", "pending", "new"])
def test_a_transfer_that_has_not_ended_is_followed_whatever_it_is_called(status: str) -> None:
    """Waiting in Google's queue, or anything that is neither completed nor failed: not asked for again."""
    app = seed()
    app.transfers["t1"] = {
        "id": "t1", "oldOwnerUserId": SAM, "newOwnerUserId": OMAR, "requestTime": app.today, "looks": 2,
        "applicationDataTransfers": [], "overallTransferStatusCode": status,
    }  # fmt: skip
    assert outcome(perform(app, TRANSFER)[0]) == ("done, not verified", "transfer t1")
    assert len(app.transfers) == 1


def test_a_transfer_of_long_ago_is_no_reason_not_to_ask() -> None:
    """Whoever came back and left again has new files: what was completed months ago does not count."""
    app = seed()
    app.today = "2025-06-01T10:00:00.000Z"
    perform(app, TRANSFER, TRANSFER)
    assert len(app.transfers) == 2


def test_a_transfer_that_failed_is_asked_for_again_and_licences_stay() -> None:
    """What failed is named; the next run asks anew, and only then do the licences go."""
    app = seed()
    app.ending = "failed"
    receipts = perform(app, TRANSFER, REMOVE)
    assert [each.outcome.value for each in receipts] == ["failed", "failed"]
    assert "transfer t102 failed for 55656082996, 435070579839" in receipts[0].detail
    app.ending = "completed"
    receipts = perform(app, TRANSFER, REMOVE)
    assert [each.outcome.value for each in receipts] == ["done, not verified"] * 2
    assert len(app.transfers) == 2


def test_a_lost_answer_to_a_transfer_makes_no_second_one() -> None:
    """It cannot be known whether it landed; the next run looks before it asks."""
    app = seed()
    app.losing = True
    assert perform(app, TRANSFER)[0].outcome.value == "unknown"
    assert perform(app, TRANSFER)[0].outcome.value == "done, not verified"
    assert len(app.transfers) == 1


def test_files_go_to_an_address_that_the_yaml_names() -> None:
    """Whoever is written down is looked up; who is nobody here gets nothing."""
    app = seed()
    named, ghost, nobody = (
        change(Operation.TRANSFER_FILES, "sam", account_id=SAM, after=after)
        for after in ({"to": at("omar")}, {"to": at("ghost")}, {})
    )
    receipts = perform(app, ghost, nobody, named)
    assert [outcome(each)[1] for each in receipts[:2]] == [
        f"transfer files sam: {at('ghost')} has no account here",
        "transfer files sam: nobody has no account here",
    ]
    assert receipts[2].outcome.value == "done, not verified"


def test_files_are_not_handed_to_somebody_outside() -> None:
    """A manager who is only a member of groups has no Drive of ours to put files into."""
    app = seed()
    outside = {"to": "kim", "to_account": "external:kim@partner.example"}
    receipt = perform(app, change(Operation.TRANSFER_FILES, "sam", account_id=SAM, after=outside))[0]
    assert outcome(receipt) == ("failed", "transfer files sam: kim has no account here")
    assert not app.transfers


def test_what_google_does_not_hand_over_is_said() -> None:
    """Where there is no calendar, the files alone are not passed off as all that there was."""
    app = seed()
    app.paths["GET applications"] = Reply(200, {"applications": [{"id": "55656082996", "name": "Drive and Docs"}]})
    ended, words = outcome(perform(app, TRANSFER)[0])
    assert (ended, "nothing of the name Calendar to hand over" in words) == ("failed", True)
    assert not app.transfers
    assert perform(app, TRANSFER, transfer=["drive"])[0].outcome.value == "done, not verified"


def test_only_what_the_way_names_is_handed_over() -> None:
    """`transfer: [drive]` leaves the calendar; with none the step is not offered at all."""
    app = seed()
    perform(app, TRANSFER, transfer=["drive"])
    (transfer,) = app.transfers.values()
    assert [each["applicationId"] for each in transfer["applicationDataTransfers"]] == ["55656082996"]
    ended, words = outcome(perform(app, TRANSFER, transfer=[])[0])
    assert (ended, "`transfer` names nothing to hand over" in words) == ("failed", True)


@pytest.mark.parametrize("step", [END, TRANSFER, REMOVE], ids=["sessions", "files", "licenses"])
def test_a_leaver_who_is_gone_is_no_error(step: object) -> None:
    """Sessions and licences of an account that was deleted meanwhile are gone; its files are said to be lost."""
    app = seed()
    app.drop(SAM)
    assert isinstance(step, type(END))
    ended, words = outcome(perform(app, step)[0])
    if step is TRANSFER:
        assert (ended, "does not exist any more" in words) == ("failed", True)
    else:
        assert (ended, words) == ("done, not verified", "not found")


def test_one_app_loses_its_access_and_the_others_keep_theirs() -> None:
    """A shadow app is revoked for one person, twice without harm."""
    app = seed()
    ids = {"account_id": SAM, "entitlement_id": "shadow.apps"}
    revoke = change(Operation.REVOKE, "sam", "oauth:shadow.apps", **ids)
    assert [each.detail for each in perform(app, revoke, revoke)] == ["", "not there"]
    assert app.tokens[SAM].keys() == {"crm.apps", "chat.apps"}
