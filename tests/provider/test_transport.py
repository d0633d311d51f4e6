"""The transport against a real server: what it sends, returns, tries again, and refuses."""

import asyncio
import logging
import time
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from support.http_server import Handler, HttpServer, Reply, Request, http_server
from support.surroundings import surroundings

from reconciler.errors import AnswerError, ProviderError, ReadOnlyError, TransportError
from reconciler.provider.transport import Answer, Limits, Transport

QUICK = Limits(deadline=5.0, attempts=4, first_wait=0.01, longest_wait=0.05, jitter=0.01)


def drive(handler: Handler, use: Callable[[Transport, HttpServer], Awaitable[object]], **options: object) -> HttpServer:
    """Run a server and a transport to it, use them, and return the server with what it saw."""

    async def run() -> HttpServer:
        async with http_server(handler) as server:
            read_only = bool(options.pop("read_only", False))
            options.setdefault("limits", QUICK)
            around = surroundings(read_only=read_only)
            async with Transport(f"{server.url}/v2", around, name="acme", **options) as transport:
                await use(transport, server)
            return server

    return asyncio.run(run())


def get(path: str = "/Users", **options: object) -> Callable[[Transport, HttpServer], Awaitable[Answer]]:
    """Return a use that sends one GET."""
    return lambda transport, _: transport.request("GET", path, **options)


def test_a_path_is_joined_to_the_base_and_parameters_to_the_query() -> None:
    """What the server sees is base, path and query; the answer has its status and its parsed body."""

    async def use(transport: Transport, _: HttpServer) -> None:
        answer = await transport.request("GET", "/Users", params={"startIndex": 1, "filter": 'userName eq "a b"'})
        assert (answer.status, answer.json()) == (200, {"ok": True})
        assert answer.etag == 'W/"7"'

    server = drive(lambda _: Reply(body={"ok": True}, headers={"ETag": 'W/"7"'}), use)
    assert server.requests[0].path == "/v2/Users"
    assert server.requests[0].query == {"startIndex": ["1"], "filter": ['userName eq "a b"']}


def test_scim_json_is_parsed_and_a_body_is_sent_as_json() -> None:
    """The content type of an answer does not matter; that of a request can be set for all."""

    async def use(transport: Transport, _: HttpServer) -> None:
        answer = await transport.request("POST", "Users", json={"userName": "ana"})
        assert answer.json() == {"id": "1"}

    reply = Reply(201, '\ufeff{"id": "1"}', {"Content-Type": "application/scim+json"})
    server = drive(lambda _: reply, use, headers={"Content-Type": "application/scim+json"})
    assert server.requests[0].json() == {"userName": "ana"}
    assert server.requests[0].headers["content-type"] == "application/scim+json"


def test_a_body_that_is_not_json_is_sent_as_it_is() -> None:
    """A batch has several parts, and says so."""

    async def work(transport: Transport, _: HttpServer) -> None:
        kind = {"Content-Type": "multipart/mixed; boundary=b"}
        await transport.request("POST", "batch", content=b"--b--", headers=kind, write=False)

    server = drive(lambda _: Reply(), work)
    assert server.requests[0].body == b"--b--"
    assert server.requests[0].headers["content-type"] == "multipart/mixed; boundary=b"


def test_a_refusal_is_returned_and_raises_only_when_asked_to() -> None:
    """4xx is an answer; `raise_for_refusal` names the request and carries the app's own words and code."""

    async def use(transport: Transport, _: HttpServer) -> None:
        answer = await transport.request("PATCH", "/Groups/7", json={})
        assert answer.status == 409
        with pytest.raises(AnswerError) as caught:
            answer.raise_for_refusal("add ana to team:platform")
        assert caught.value.message == (
            "add ana to team:platform: PATCH /v2/Groups/7 answered 409: ana is in another directory"
        )
        assert (caught.value.status, caught.value.code, caught.value.landed) == (409, "uniqueness", False)
        assert answer.request_id in caught.value.hint

    body = {"detail": "ana is in another directory", "scimType": "uniqueness", "status": "409"}
    server = drive(lambda _: Reply(409, body), use)
    assert len(server.requests) == 1


@pytest.mark.parametrize("header", ["Retry-After", "X-Retry-After"])
def test_a_throttled_request_comes_back_when_it_was_told_to(header: str) -> None:
    """429 is waited for, also by a write, and the request keeps its id."""
    started: list[float] = []

    def handle(_: Request) -> Reply:
        started.append(time.monotonic())
        return Reply(201, {}) if len(started) > 1 else Reply(429, "slow down", {header: "1"})

    server = drive(handle, lambda transport, _: transport.request("POST", "/Users", json={}))
    assert started[1] - started[0] >= 1
    assert len({request.headers["x-request-id"] for request in server.requests}) == 1


def test_retry_after_may_be_a_date() -> None:
    """An HTTP date is compared with the answer's own date, so that skewed clocks do no harm."""
    skewed = datetime.now(UTC) + timedelta(hours=3)
    headers = {
        "Date": format_datetime(skewed, usegmt=True),
        "Retry-After": format_datetime(skewed + timedelta(seconds=1), usegmt=True),
    }
    replies = iter([Reply(503, "down", headers), Reply(body={})])
    before = time.monotonic()
    drive(lambda _: next(replies), get())
    assert 0.9 <= time.monotonic() - before < 3


def test_a_wait_longer_than_the_deadline_is_an_error_at_once() -> None:
    """Nobody sits through an hour: the message says how long the app wants."""

    async def use(transport: Transport, _: HttpServer) -> None:
        with pytest.raises(TransportError, match=r"acme: GET /v2/Users answered 429: busy; it asks to wait 3600 s"):
            await transport.request("GET", "/Users")

    before = time.monotonic()
    drive(lambda _: Reply(429, "busy", {"Retry-After": "3600"}), use)
    assert time.monotonic() - before < 1


def test_a_forbidden_answer_that_means_throttled_is_waited_for() -> None:
    """403 with Retry-After is a rate limit (GitHub's secondary one); plain 403 is an answer."""
    replies = iter([Reply(403, "secondary limit", {"Retry-After": "1"}), Reply(403, {"message": "no"})])

    async def use(transport: Transport, _: HttpServer) -> None:
        assert (await transport.request("GET", "/Users")).words() == "no"

    assert len(drive(lambda _: next(replies), use).requests) == 2


def test_a_server_fault_is_retried_for_reads_and_not_for_creations() -> None:
    """A POST that was answered 500 may have landed: it is not sent again, and the error says so."""
    replies = iter([Reply(500), Reply(502, "<html>bad</html>"), Reply(body=[])])
    assert len(drive(lambda _: next(replies), get()).requests) == 3

    async def use(transport: Transport, _: HttpServer) -> None:
        with pytest.raises(TransportError, match=r"POST /v2/Users answered 500: broken") as caught:
            await transport.request("POST", "/Users", json={})
        assert caught.value.landed is None

    assert len(drive(lambda _: Reply(500, {"message": "broken"}), use).requests) == 1


def test_retries_end() -> None:
    """A server that never recovers costs the configured number of tries."""

    async def use(transport: Transport, _: HttpServer) -> None:
        with pytest.raises(TransportError, match="answered 503: a web page titled `Oh no`"):
            await transport.request("GET", "/Users")
        assert transport.requests == 4

    page = "<!DOCTYPE html><html><title>Oh no</title><body>…</body></html>"
    assert len(drive(lambda _: Reply(503, page), use).requests) == 4


def test_an_app_that_is_gone_is_not_asked_again_and_again() -> None:
    """Thousands of changes would each wait for all their tries; one answer, and all tries are back."""
    broken = [True]

    async def ask(transport: Transport) -> int:
        before = transport.requests
        if broken[0]:
            with pytest.raises(TransportError):
                await transport.request("GET", "/Users")
        else:
            await transport.request("GET", "/Users")
        return transport.requests - before

    async def use(transport: Transport, _: HttpServer) -> None:
        assert [await ask(transport) for _ in range(5)] == [4, 4, 4, 1, 1]
        broken[0] = False
        assert await ask(transport) == 1
        broken[0] = True
        assert await ask(transport) == 4

    drive(lambda _: Reply(502 if broken[0] else 200, {}), use)


def test_what_is_not_implemented_is_not_retried() -> None:
    """501 will not change: it is the app's refusal."""

    async def use(transport: Transport, _: HttpServer) -> None:
        with pytest.raises(AnswerError) as caught:
            await transport.request("GET", "/Users")
        assert caught.value.status == 501

    assert len(drive(lambda _: Reply(501), use).requests) == 1


def test_a_lost_answer_is_retried_only_where_twice_is_harmless() -> None:
    """A reset connection: GET and PUT go again, POST does not and may have landed."""
    replies = iter([Reply(reset=True), Reply(body={}), Reply(reset=True), Reply(body={}), Reply(reset=True)])

    async def use(transport: Transport, _: HttpServer) -> None:
        await transport.request("GET", "/Users")
        await transport.request("PUT", "/Users/1", json={})
        with pytest.raises(TransportError, match="POST /v2/Users got no answer") as caught:
            await transport.request("POST", "/Users", json={})
        assert caught.value.landed is None

    methods = [request.method for request in drive(lambda _: next(replies), use).requests]
    assert methods == ["GET", "GET", "PUT", "PUT", "POST"]


def test_an_answer_that_never_comes_may_have_landed() -> None:
    """The time of one try is bounded, from connecting to the last byte, also where bytes drip."""

    async def use(transport: Transport, _: HttpServer) -> None:
        for path in ("/silent", "/dripping"):
            with pytest.raises(TransportError, match=r"no whole answer within 0.3 s") as caught:
                await transport.request("POST", path, json={})
            assert caught.value.landed is None

    def handle(request: Request) -> Reply:
        return Reply(delay=5) if request.path.endswith("silent") else Reply(body="x" * 100, drip=0.1)

    before = time.monotonic()
    drive(handle, use, timeout=0.3)
    assert time.monotonic() - before < 3


def test_a_server_that_is_not_there_certainly_got_nothing() -> None:
    """A refused connection is tried again for any request, and then nothing has landed."""

    async def run() -> None:
        async with http_server(lambda _: Reply()) as server:
            url = server.url
        async with Transport(url, surroundings(), name="acme", limits=QUICK) as transport:
            with pytest.raises(TransportError, match=r"acme: POST /Users cannot connect to 127\.0\.0\.1:\d+") as caught:
                await transport.request("POST", "/Users", json={})
            assert caught.value.landed is False
            assert transport.requests == QUICK.attempts

    asyncio.run(run())


def test_after_a_lost_answer_nothing_is_certain() -> None:
    """The last try was put off, which lands nothing; but the first may have landed, and the error must say so."""
    replies = iter([Reply(reset=True), Reply(429, "later", {"Retry-After": "1000"})])

    async def use(transport: Transport, _: HttpServer) -> None:
        with pytest.raises(TransportError, match="answered 429") as caught:
            await transport.request("DELETE", "/Users/1")
        assert caught.value.landed is None

    drive(lambda _: next(replies), use)


def test_a_cut_off_body_is_never_taken_for_a_whole_one() -> None:
    """Fewer bytes than announced: retried for a read, an error in the end."""

    async def use(transport: Transport, _: HttpServer) -> None:
        with pytest.raises(TransportError, match="answered 200, but the body was cut off"):
            await transport.request("GET", "/Users")

    assert len(drive(lambda _: Reply(body={"Resources": []}, cut=5), use).requests) == 4


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(), "GET /v2/Users answered 200: the body is empty where JSON was expected"),
        (Reply(body='{"Resources": [{"id": '), "the JSON is cut off after 22 bytes"),
        (Reply(body="<html><title>Sign in</title>"), "a web page titled `Sign in` where JSON was expected"),
        (Reply(body="all is well"), r"the body is no JSON \(sent as text/plain\): all is well"),
        (Reply(body=b"\xff\xfe{}"), "the body is no JSON"),
        (Reply(body="[" * 100_000), "the body is no JSON|the JSON is cut off"),
    ],
)
def test_a_body_that_is_no_json_is_an_error_in_clear_words(reply: Reply, words: str) -> None:
    """Whatever a proxy, a login page or a broken server sends, the error names the request and what came."""

    async def use(transport: Transport, _: HttpServer) -> None:
        answer = await transport.request("GET", "/Users")
        with pytest.raises(TransportError, match=words):
            answer.json()

    drive(lambda _: reply, use)


@pytest.mark.parametrize("compress", [False, True])
def test_a_body_beyond_the_bound_is_refused(compress: bool) -> None:
    """A bomb, compressed or not, does not fill the memory."""

    async def use(transport: Transport, _: HttpServer) -> None:
        with pytest.raises(TransportError, match="answered with more than 64 KiB"):
            await transport.request("GET", "/Users")

    drive(lambda _: Reply(body="x" * 5_000_000, compress=compress), use, limits=Limits(max_bytes=64 * 1024))


def test_planning_cannot_write() -> None:
    """Every method but the reading ones is refused before anything is sent; a declared search is not a write."""

    async def use(transport: Transport, _: HttpServer) -> None:
        for method in ("POST", "PUT", "PATCH", "DELETE", "MERGE"):
            with pytest.raises(ReadOnlyError, match=f"acme: {method} /Users would write while planning"):
                await transport.request(method, "/Users?q=ana")
        with pytest.raises(ReadOnlyError):
            await transport.request("GET", "/logout", write=True)
        await transport.request("POST", "/Users/.search", json={}, write=False)

    server = drive(lambda _: Reply(body={}), use, read_only=True)
    assert [request.path for request in server.requests] == ["/v2/Users/.search"]


def test_a_redirect_inside_the_origin_is_followed_and_one_that_would_write_is_not() -> None:
    """GET follows; a 302 on POST would become a GET and is refused; 307 keeps the method and the body."""

    def handle(request: Request) -> Reply:
        if request.path == "/v2/new":
            return Reply(body={"method": request.method})
        return Reply(int(request.path[-3:]), headers={"Location": "/v2/new"})

    async def use(transport: Transport, _: HttpServer) -> None:
        assert (await transport.request("GET", "/301")).url.endswith("/v2/new")
        with pytest.raises(TransportError, match="redirect that would change the request"):
            await transport.request("POST", "/302", json={})
        assert (await transport.request("POST", "/307", json={})).json() == {"method": "POST"}

    drive(handle, use)


def test_a_redirect_loop_ends() -> None:
    """Four hops and no answer is an error."""

    async def use(transport: Transport, _: HttpServer) -> None:
        with pytest.raises(TransportError, match="redirected more than 3 times"):
            await transport.request("GET", "/Users")

    assert len(drive(lambda _: Reply(302, headers={"Location": "/v2/Users"}), use).requests) == 4


def test_nothing_is_ever_sent_to_another_origin() -> None:
    """A redirect, a link to a next page and a path that climbs out are refused; the other server hears nothing."""

    async def run() -> None:
        async with http_server(lambda _: Reply(body={})) as other:
            reply = Reply(302, headers={"Location": f"{other.url}/steal"})
            async with http_server(lambda _: reply) as server:
                headers = {"Authorization": "Bearer canary-token-1"}
                base = f"{server.url}/v2"
                async with Transport(base, surroundings(), name="acme", headers=headers, limits=QUICK) as transport:
                    with pytest.raises(
                        TransportError, match=r"redirect to http://127\.0\.0\.1, which is another origin"
                    ):
                        await transport.request("GET", "/Users")
                    for url in (
                        f"{other.url}/next",
                        "//evil.example/x",
                        "https://127.0.0.1/x",
                        f"{server.url}@evil.example/",
                    ):
                        with pytest.raises(ProviderError, match=r"another origin|malformed"):
                            await transport.request("GET", url)
                    with pytest.raises(ProviderError, match="leaves the base URL"):
                        await transport.request("GET", "/Users/../../admin")
                assert len(server.requests) == 1
            assert other.requests == []

    asyncio.run(run())


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://scim.example/v2", "would send secrets unencrypted"),
        ("https://user:canary@scim.example/v2", "holds more than an origin and a path"),
        ("https://scim.example/v2?token=canary", "holds more than an origin and a path"),
        ("ftp://scim.example", "is no web address"),
        ("scim.example", "is no web address"),
    ],
)
def test_a_base_url_that_would_leak_is_refused(url: str, words: str) -> None:
    """Https only, but for this machine; and the message repeats no password."""
    with pytest.raises(ProviderError, match=words) as caught:
        Transport(url, surroundings(), name="acme")
    assert "canary" not in str(caught.value)


def test_tls_verification_cannot_be_switched_off() -> None:
    """There is a file for a private authority, and no switch."""
    with pytest.raises(ProviderError, match="cannot be switched off"):
        Transport("https://scim.example", surroundings(), name="acme", verify=False)


def test_at_most_so_many_requests_are_in_flight() -> None:
    """Slots bound the concurrency, and connections are reused."""

    async def use(transport: Transport, _: HttpServer) -> None:
        await transport.request("GET", "/first")
        await asyncio.gather(*(transport.request("GET", f"/Users/{number}") for number in range(40)))
        assert transport.requests == 41

    server = drive(lambda _: Reply(body={}, delay=0.01), use, concurrency=5)
    assert server.most_at_once == 5
    assert server.connections == 5


def test_cookies_are_not_kept() -> None:
    """A session that a server hands out is not carried into later requests."""

    async def use(transport: Transport, _: HttpServer) -> None:
        await transport.request("GET", "/Users")
        await transport.request("GET", "/Users")

    server = drive(lambda _: Reply(body={}, headers={"Set-Cookie": "session=canary; Path=/"}), use)
    assert all("cookie" not in request.headers for request in server.requests)


def test_secrets_are_in_no_error_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    """An app that repeats the token in its answers and URLs does not make us repeat it."""
    token = "canary-7f3k29d1"
    echo = Reply(500, {"message": f"bad token {token}", "access_token": "opaque-value"}, {"X-RateLimit-Note": token})

    async def use(transport: Transport, _: HttpServer) -> None:
        with pytest.raises(TransportError) as caught:
            await transport.request("GET", "/Users", params={"token": "other", "q": token})
        assert "[secret]" in str(caught.value)
        for text in (str(caught.value), repr(caught.value), caplog.text, repr(transport)):
            assert token not in text
            assert "other" not in text
            assert "opaque-value" not in text

    with caplog.at_level(logging.DEBUG):
        drive(lambda _: echo, use, secrets=[token], headers={"Authorization": f"Bearer {token}"})
    assert "reconciler.http" in {record.name for record in caplog.records}


def test_a_header_that_cannot_be_sent_does_not_show_its_value() -> None:
    """A token with a line break in it is refused by the HTTP library, whose message would repeat it."""

    async def use(transport: Transport, _: HttpServer) -> None:
        with pytest.raises(TransportError, match="cannot be sent") as caught:
            await transport.request("GET", "/Users")
        shown = "".join(traceback.format_exception(caught.value))
        assert "canary" not in shown

    drive(lambda _: Reply(), use, headers={"X-Key": "canary\r\nX: y"}, secrets=["canary\r\nX: y", "canary"])
