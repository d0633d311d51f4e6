"""Lists are read whole, or said not to be: each fault that servers have, over real HTTP."""

import pytest
from faulty_server import FaultyServer, Request, ScimError
from scim_driving import open_provider, read, use

from reconciler.provider.snapshot import ACCOUNTS, Completeness, Snapshot

pytestmark = pytest.mark.evidence("scim", against="our own fake", of="a SCIM server whose faults can be switched")


def _accounts(snapshot: Snapshot) -> Completeness:
    return snapshot.collections[ACCOUNTS]


def _starts(server: FaultyServer) -> list[str]:
    return [request.query.get("startIndex", "") for request in server.requests("GET", "/Users")]


def test_all_pages_are_read_and_counted(server: FaultyServer) -> None:
    """More users than fit on a page are all there, once, with the total as proof."""
    server.store.many(95)
    snapshot = read(server.url, page_size=10)
    assert len(snapshot.accounts) == 95
    assert _accounts(snapshot) == Completeness(complete=True, why="95 ids on 11 pages, as many as totalResults")
    assert snapshot.requests == len(server.log)


def test_an_empty_server_is_complete(server: FaultyServer) -> None:
    """No users and no groups are an answer."""
    snapshot = read(server.url)
    assert snapshot.accounts == []
    assert all(part.complete for part in snapshot.collections.values())


def test_pages_are_asked_for_side_by_side(server: FaultyServer) -> None:
    """After the first page the others are on their way together."""
    server.store.many(80)
    first_seen: list[str] = []
    server.habits.before = lambda request: first_seen.append(request.query.get("startIndex", ""))
    snapshot = read(server.url, page_size=10, group_kind=None)
    assert _accounts(snapshot).complete
    assert first_seen[0] == "1"
    assert sorted(first_seen, key=int) == ["1", "11", "21", "31", "41", "51", "61", "71", "81"]


def test_a_capped_total_does_not_hide_users(server: FaultyServer) -> None:
    """`totalResults` of 50 where 107 exist: reading goes on until nothing comes."""
    server.store.many(107)
    server.habits.totals = lambda total, _: min(total, 50)
    server.habits.page_cap = 50
    snapshot = read(server.url)
    assert len(snapshot.accounts) == 107
    assert _accounts(snapshot).complete
    assert "totalResults says 50" in _accounts(snapshot).why


def test_a_total_of_the_page_does_not_hide_users(server: FaultyServer) -> None:
    """A server that counts only the page is believed once two whole readings agree."""
    server.store.many(45)
    server.habits.totals = lambda _, page: page
    snapshot = read(server.url, page_size=10)
    assert len(snapshot.accounts) == 45
    assert _accounts(snapshot).complete
    assert "two readings that agree" in _accounts(snapshot).why


def test_a_server_without_totals_is_read_until_nothing_comes(server: FaultyServer) -> None:
    """`totalResults` is not needed for the proof."""
    server.store.many(25)
    server.habits.totals = lambda _total, _page: None
    snapshot = read(server.url, page_size=10)
    assert len(snapshot.accounts) == 25
    assert _accounts(snapshot).complete


def test_the_same_first_page_for_ever_is_incomplete(server: FaultyServer) -> None:
    """A server that ignores `startIndex` is noticed, and not asked for ever."""
    server.store.many(107)
    server.habits.ignore_start = True
    server.habits.page_cap = 50
    snapshot = read(server.url, group_kind=None)
    assert not _accounts(snapshot).complete
    assert "repeats" in _accounts(snapshot).why
    assert len(server.log) < 10


def test_a_first_page_that_may_be_capped_is_no_proof(server: FaultyServer) -> None:
    """A total of exactly one page from a server that ignores `startIndex` may be a lie."""
    server.store.many(107)
    server.habits.ignore_start = True
    server.habits.page_cap = 50
    server.habits.totals = lambda total, _: min(total, 50)
    assert not _accounts(read(server.url)).complete


def test_a_server_that_gives_everything_at_once_is_complete(server: FaultyServer) -> None:
    """No paging at all is fine where the total agrees."""
    server.store.many(37)
    server.habits.no_paging = True
    snapshot = read(server.url, page_size=10)
    assert len(snapshot.accounts) == 37
    assert _accounts(snapshot).complete


def test_short_pages_are_followed_by_what_is_missing(server: FaultyServer) -> None:
    """Pages shorter than asked for are no reason to skip anything."""
    server.store.many(60)
    server.habits.shorten = lambda start, length: max(1, length - start % 4)
    snapshot = read(server.url, page_size=10)
    assert len(snapshot.accounts) == 60
    assert _accounts(snapshot).complete


def test_an_empty_page_before_the_total_is_incomplete(server: FaultyServer) -> None:
    """A list that ends in the middle is not read as the end."""
    server.store.many(60)
    server.habits.shorten = lambda start, length: 0 if start > 20 else length
    snapshot = read(server.url, page_size=10)
    assert _accounts(snapshot) == Completeness(
        complete=False, why="an empty page after 20, although totalResults says 60"
    )
    assert len(snapshot.accounts) == 20


def test_an_empty_first_page_with_a_total_is_incomplete(server: FaultyServer) -> None:
    """`totalResults: 60` and nothing else is not an empty server."""
    server.store.many(60)
    server.habits.shorten = lambda _start, _length: 0
    assert not _accounts(read(server.url)).complete


def test_a_total_that_promises_more_than_comes_is_incomplete(server: FaultyServer) -> None:
    """Thirteen users that nobody can list may be anybody."""
    server.store.many(30)
    server.habits.totals = lambda total, _: total + 13
    snapshot = read(server.url, page_size=10)
    assert _accounts(snapshot) == Completeness(
        complete=False, why="an empty page after 30, although totalResults says 43"
    )


def test_a_list_that_changes_all_the_time_is_incomplete(server: FaultyServer) -> None:
    """Users who vanish while the list is read push others past the reader: that is noticed."""
    server.store.many(60)

    def disturb(request: Request) -> None:
        if request.query.get("startIndex") not in (None, "1"):
            server.store.users.pop(next(iter(server.store.users)))

    server.habits.before = disturb
    assert not _accounts(read(server.url, page_size=10)).complete


def test_a_list_without_an_end_is_given_up(server: FaultyServer) -> None:
    """A server that has one more user with every request is not read for ever."""
    server.store.many(30)
    server.habits.before = lambda _: server.store.user(f"new{len(server.log)}@acme.example")
    snapshot = read(server.url, page_size=10, group_kind=None)
    assert "no end after" in _accounts(snapshot).why


def test_a_user_without_an_id_makes_the_list_incomplete(server: FaultyServer) -> None:
    """A user that cannot be named again might be any of ours."""
    server.store.many(3)
    next(iter(server.store.users.values()))["id"] = None
    assert _accounts(read(server.url)) == Completeness(complete=False, why="1 without an id")


def test_a_refusal_past_the_end_is_the_end(server: FaultyServer) -> None:
    """Some servers answer 400 to a `startIndex` behind the last user."""
    server.store.many(25)

    def refuse(request: Request) -> None:
        if int(request.query.get("startIndex", "1")) > 25:
            raise ScimError(400, "startIndex is out of range", "invalidValue")

    server.habits.before = refuse
    snapshot = read(server.url, page_size=10, group_kind=None)
    assert len(snapshot.accounts) == 25
    assert _accounts(snapshot).complete


def test_cursors_are_followed_to_the_end(server: FaultyServer) -> None:
    """RFC 9865: pages by cursor, the first one empty."""
    server.store.many(35)
    server.habits.cursors = True
    snapshot = read(server.url, page_size=10, dialect={"pagination": "cursor"})
    assert len(snapshot.accounts) == 35
    assert _accounts(snapshot).complete
    assert [request.query.get("cursor") for request in server.requests("GET", "/Users")] == ["", "11", "21", "31"]


def test_a_server_with_cursors_only_is_found_out(server: FaultyServer) -> None:
    """Where the index is refused and the server announces cursors, they are used."""
    server.store.many(35)
    server.habits.cursors = server.habits.cursor_only = True
    server.habits.service_config = {"pagination": {"cursor": True, "index": False}}
    snapshot = read(server.url, page_size=10, group_kind=None)
    assert len(snapshot.accounts) == 35
    assert _accounts(snapshot).complete


def test_an_expired_cursor_is_started_again_once(server: FaultyServer) -> None:
    """One expiry costs a second reading; two make the list incomplete."""
    server.store.many(35)
    server.habits.cursors = True
    server.habits.expire_cursors = 1
    snapshot = read(server.url, page_size=10, group_kind=None, dialect={"pagination": "cursor"})
    assert len(snapshot.accounts) == 35
    server.habits.expire_cursors = 2
    snapshot = read(server.url, page_size=10, dialect={"pagination": "cursor"})
    assert "the cursor expired twice" in _accounts(snapshot).why


def test_a_cursor_that_goes_round_is_noticed(server: FaultyServer) -> None:
    """The same users under new cursors are no progress."""
    server.store.many(35)
    server.habits.cursors = True
    server.habits.ignore_start = True
    assert not _accounts(read(server.url, page_size=10, dialect={"pagination": "cursor"})).complete


def test_one_forbidden_collection_leaves_the_other(server: FaultyServer) -> None:
    """403 on groups: users are complete, groups are unread and nobody takes them for absent."""
    server.store.many(3)
    server.habits.forbid = {"/Groups"}
    snapshot = read(server.url)
    assert _accounts(snapshot).complete
    assert not snapshot.collections["entitlements:group"].complete
    assert not snapshot.collections["grants:group"].complete
    assert "403" in snapshot.collections["entitlements:group"].why


def test_web_pages_instead_of_lists_are_incomplete(server: FaultyServer) -> None:
    """A proxy's HTML is never an empty list."""
    server.store.group("eng")
    server.habits.forbid = {"/Users"}
    server.habits.html_errors = True
    why = _accounts(read(server.url)).why
    assert "Gateway trouble" in why


def test_an_answer_that_is_no_list_is_incomplete(server: FaultyServer) -> None:
    """`{}` with status 200 is not an empty list."""
    server.store.group("eng")
    original = server.serve
    server.serve = lambda request: (200, {}, {}) if request.path == "/Users" else original(request)  # type: ignore[method-assign]
    assert not _accounts(read(server.url)).complete


def test_throttled_requests_are_tried_again_when_the_server_says(server: FaultyServer) -> None:
    """A storm of 429 with `X-Retry-After` costs time, not users."""
    server.store.many(30)
    server.habits.throttle = 4
    snapshot = read(server.url, page_size=10)
    assert len(snapshot.accounts) == 30
    assert _accounts(snapshot).complete


def test_reading_never_writes(server: FaultyServer) -> None:
    """Everything that a read sends is a GET."""
    server.store.group("eng", (server.store.user("ana"),))
    use(open_provider(server.url, read_only=True), lambda provider: provider.read())
    assert {request.method for request in server.log} == {"GET"}
