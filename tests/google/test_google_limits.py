"""Quotas while changing: kept by themselves, and waited for where somebody else uses them up."""

import asyncio

import pytest
from google_driving import at, change, drive, perform
from google_fake import FakeGoogle, error
from google_harness import RunningGoogle
from support.http_server import Reply

from providers.google.provider import GoogleProvider
from reconciler.provider.change import Operation, Outcome

pytestmark = pytest.mark.evidence("google", against="our own fake", of="the reference of November 2026")


def seed() -> FakeGoogle:
    """Return a customer with a user, u100, and a group, g101."""
    app = FakeGoogle()
    app.add_user(at("ana"))
    app.add_group(at("eng"))
    return app


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize("reason", ["userRateLimitExceeded", "rateLimitExceeded", "quotaExceeded"])
def test_a_change_that_was_refused_for_the_quota_is_tried_again(status: int, reason: str) -> None:
    """Google words it in several ways; each is waited for, longer each time, and then the change is done."""
    app = seed()
    app.throttles += [error(status, reason, "Quota exceeded")] * 3
    suspend = change(Operation.SUSPEND_ACCOUNT, "ana", account_id="u100")
    assert perform(app, suspend)[0].outcome is Outcome.DONE
    assert app.users["u100"]["suspended"]
    assert not app.throttles


def test_a_change_that_is_forbidden_is_not_tried_again() -> None:
    """403 without a quota's reason is what it says, and is told in Google's words."""
    app = seed()
    app.paths["PUT users/.*"] = error(403, "forbidden", "Not Authorized to access this resource/api")
    receipt = perform(app, change(Operation.SUSPEND_ACCOUNT, "ana", account_id="u100"))[0]
    assert receipt.outcome is Outcome.FAILED
    assert "Not Authorized to access this resource/api" in receipt.detail
    assert [method for method, _ in app.seen] == ["PUT"]


def test_a_quota_that_stays_used_up_is_an_end_with_the_reason() -> None:
    """Nothing waits for ever; what was refused has certainly not landed."""
    app = seed()
    app.throttles += [error(403, "userRateLimitExceeded", "User Rate Limit Exceeded")] * 100
    receipt = perform(app, change(Operation.SUSPEND_ACCOUNT, "ana", account_id="u100"))[0]
    assert receipt.outcome is Outcome.FAILED
    assert "User Rate Limit Exceeded" in receipt.detail


def test_thousands_of_changes_stay_within_the_quota_of_a_minute() -> None:
    """1,300 memberships are 2,600 requests: more than a minute allows, and not one of them is refused."""
    app = FakeGoogle()
    users = [app.add_user(at(f"p{number}")) for number in range(1300)]
    group = app.add_group(at("all"))

    async def work(_: RunningGoogle, provider: GoogleProvider) -> None:
        def grants(start: int) -> list[object]:
            ids = {"entitlement_id": str(group["id"])}
            part = users[start : start + 100]
            return [
                provider.perform(change(Operation.GRANT, "p", "group:all", account_id=str(user["id"]), **ids))
                for user in part
            ]

        for start in range(0, len(users), 100):
            receipts = await asyncio.gather(*grants(start))
            assert {each.outcome for each in receipts} == {Outcome.DONE}

    drive(work, app=app)
    assert len(app.members[str(group["id"])]) == 1300
    assert len(app.seen) == 2600, "nothing was refused, and nothing was sent twice"


@pytest.mark.parametrize("status", [400, 409, 412, 503])
def test_a_user_that_google_is_still_making_is_waited_for(status: int) -> None:
    """`User creation is not complete` means not yet, with whatever status it comes."""
    app = seed()
    unfinished = error(status, "invalid", "User creation is not complete")
    app.throttles += [unfinished, unfinished]
    assert perform(app, change(Operation.SUSPEND_ACCOUNT, "ana", account_id="u100"))[0].outcome is Outcome.DONE


def test_a_member_is_added_as_soon_as_a_new_user_is_found() -> None:
    """Google does not find everywhere at once what it has just made: not found means not yet, for what we made."""
    app = seed()
    app.lag = 3

    async def work(_: RunningGoogle, provider: GoogleProvider) -> None:
        made = await provider.perform(change(Operation.CREATE_ACCOUNT, "kim", after={"username": "kim"}))
        ids = {"account_id": made.remote_id, "entitlement_id": "g101"}
        assert (await provider.perform(change(Operation.GRANT, "kim", "group:eng", **ids))).outcome is Outcome.DONE
        snapshot = await provider.read()
        assert (made.remote_id, "group:eng", "member") in set(snapshot.grants())

    drive(work, app=app)


def test_an_unavailable_server_is_asked_again() -> None:
    """503 is how the licence server says that its quota is used up."""
    app = seed()
    app.throttles += [Reply(503)] * 3
    assert perform(app, change(Operation.SUSPEND_ACCOUNT, "ana", account_id="u100"))[0].outcome is Outcome.DONE
