"""How many requests a read takes, counted by the imitation, and what becomes of one that no batch answers."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from google_fake import FakeGoogle, error
from google_harness import DOMAIN, running
from support.http_server import Reply

from reconciler.provider.snapshot import Snapshot

pytestmark = pytest.mark.evidence("google", against="our own fake", of="the reference of November 2026")


def read(seed: Callable[[FakeGoogle], None], **config: Any) -> tuple[Snapshot, FakeGoogle, int]:
    """Read a customer once; return also the imitation, and the number of requests that arrived."""

    async def run() -> tuple[Snapshot, FakeGoogle, int]:
        async with running() as google:
            seed(google.app)
            async with google.open(**{"oauth_grants": False, "licenses": {}, **config}) as provider:
                return await provider.read(), google.app, len(google.server.requests)

    return asyncio.run(run())


def seed_company(app: FakeGoogle, users: int = 1000, groups: int = 200) -> None:
    """Make users, and groups of one member each."""
    made = [app.add_user(f"p{number}@{DOMAIN}") for number in range(users)]
    for number in range(groups):
        group, user = app.add_group(f"g{number}@{DOMAIN}"), made[number % users]
        app.members[group["id"]][user["id"]] = {
            "id": user["id"], "email": user["primaryEmail"], "role": "OWNER", "type": "USER",
        }  # fmt: skip


def test_a_read_takes_the_least_number_of_requests_that_there_is() -> None:
    """1,000 users are 2 pages, one after the other; with these go the groups, their members, roles and units."""
    snapshot, app, requests = read(seed_company)
    assert all(each.complete for each in snapshot.collections.values())
    assert (snapshot.requests, requests, app.batches) == (2, 2, 2)
    assert len(app.seen) == 2 + 1 + 200 + 3, "each part counts by itself against the quota"
    assert sorted(snapshot.grants()) == sorted((f"u{100 + n}", f"group:g{n}", "owner") for n in range(200))


def test_members_are_read_while_the_next_page_of_groups_is_still_to_come() -> None:
    """1,000 groups are 5 pages, each after the other; the members of a page go with the next, and the last alone."""
    snapshot, app, requests = read(lambda app: seed_company(app, 1000, 1000))
    assert len(list(snapshot.grants())) == 1000
    assert (requests, app.batches) == (6, 6)


def test_licences_are_read_a_hundred_at_a_time_and_one_request_a_second() -> None:
    """The licence server allows pages of 100 and one query a second, and a read keeps to both."""

    def seed(app: FakeGoogle) -> None:
        for number in range(250):
            app.licenses.add(("Google-Apps", "1", str(app.add_user(f"p{number}@{DOMAIN}")["primaryEmail"])))

    snapshot, app, _ = read(seed, licenses={"alpha": "Google-Apps/1"})
    assert len(list(snapshot.grants())) == 250
    times = [at for at, (_, path) in zip(app.seen_at, app.seen, strict=True) if path.startswith("/apps/licensing")]
    assert len(times) == 3
    assert all(later - earlier >= 1 for earlier, later in itertools.pairwise(times))


def test_a_large_company_stays_within_the_quota_of_a_minute() -> None:
    """3,000 groups are more reads than a minute allows: the rest waits, and not one of them is refused."""

    def seed(app: FakeGoogle) -> None:
        seed_company(app, 10, 3000)

    snapshot, app, requests = read(seed)
    assert all(each.complete for each in snapshot.collections.values())
    assert len(app.seen) == 1 + 15 + 3000 + 3, "nothing was asked for twice"
    assert requests < 40


@pytest.mark.parametrize(
    "fault",
    [
        Reply(404, "<html><title>Not Found</title></html>"),
        error(400, "badRequest", "Bad Request"),
        Reply(501),
        Reply(200, {"items": []}),
        Reply(200, b"--b\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{}\r\n--b--", {"Content-Type": "multipart/mixed; boundary=b"}),
        Reply(
            200,
            b"--b\r\nContent-ID: <response-99>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{}\r\n--b--",
            {"Content-Type": "multipart/mixed; boundary=b"},
        ),
        Reply(
            200,
            b"--b\r\nContent-ID: <response-0>\r\n\r\n<html></html>\r\n--b--",
            {"Content-Type": "multipart/mixed; boundary=b"},
        ),
    ],
    ids=["404", "400", "501", "no parts", "parts without a name", "parts of another batch", "parts that are no answer"],
)
def test_where_there_are_no_batches_each_read_goes_alone(fault: Reply) -> None:
    """A proxy without batches costs requests, never anything that was to be read; it is tried once."""

    def seed(app: FakeGoogle) -> None:
        seed_company(app, 10, 5)
        app.batch_fault = lambda _: fault

    snapshot, app, _ = read(seed)
    assert all(each.complete for each in snapshot.collections.values())
    assert len(list(snapshot.grants())) == 5
    assert app.batches == 1


@pytest.mark.parametrize("reason", ["userRateLimitExceeded", "quotaExceeded", "rateLimitExceeded"])
def test_a_read_that_was_refused_for_the_quota_is_asked_for_again(reason: str) -> None:
    """Google says 403 where it means too many: one part of a batch is asked for again, as often as it takes."""

    def seed(app: FakeGoogle) -> None:
        seed_company(app, 10, 5)
        app.throttles += [error(403, reason, "slow down")] * 4

    snapshot, app, _ = read(seed)
    assert all(each.complete for each in snapshot.collections.values())
    assert not app.throttles


def test_a_part_that_is_missing_is_asked_for_alone() -> None:
    """An answer that ends too early, at a part's end, lacks something: what is not there is not empty."""

    def seed(app: FakeGoogle) -> None:
        seed_company(app, 10, 5)
        app.lost = 2

    snapshot, app, _ = read(seed)
    assert all(each.complete for each in snapshot.collections.values())
    assert len(list(snapshot.grants())) == 5
    assert app.batches == 2


def test_a_part_whose_token_was_refused_is_asked_for_with_a_new_one() -> None:
    """A token that ends in the middle of a batch is no missing permission."""

    def seed(app: FakeGoogle) -> None:
        seed_company(app, 10, 5)
        app.throttles.append(error(401, "authError", "Invalid Credentials"))

    snapshot, _, _ = read(seed)
    assert all(each.complete for each in snapshot.collections.values())


def test_pages_that_lead_back_are_no_end() -> None:
    """A list that hands out the same token again is given up, and said to be incomplete."""

    def seed(app: FakeGoogle) -> None:
        seed_company(app, 10, 5)
        app.paths["GET groups"] = Reply(200, {"groups": [], "nextPageToken": "again"})

    found = read(seed)[0].collections["entitlements:group"]
    assert (found.complete, "a page leads back to one that was read before" in found.why) == (False, True)


def test_a_whole_batch_that_fails_leaves_its_collections_unread() -> None:
    """A server that is down is no reason to ask for each part by itself; what was not read is never taken for empty."""

    def seed(app: FakeGoogle) -> None:
        seed_company(app, 10, 5)
        app.batch_fault = lambda number: Reply(503) if number > 1 else None

    snapshot, _, requests = read(seed)
    assert not snapshot.collections["grants:group"].complete
    assert "503" in snapshot.collections["grants:group"].why
    assert requests < 12
