"""Credentials on the wire: bearer, basic, OAuth 2 client credentials; renewed once, shared, never shown."""

import asyncio
import base64
import logging
from collections.abc import Callable
from urllib.parse import parse_qs

import pytest
from support.http_server import Reply, Request, http_server
from support.surroundings import surroundings

from reconciler.errors import ReadOnlyError, SecretError, TransportError
from reconciler.provider.auth import BasicAuth, BearerAuth, ClientCredentials, OAuth2Auth
from reconciler.provider.secret import Secret
from reconciler.provider.transport import Limits, Transport

TOKEN = Secret("env", "ACME_TOKEN")
CANARY = "canary/7f3k+29d1="
QUICK = Limits(deadline=5.0, attempts=2, first_wait=0.01, longest_wait=0.02, jitter=0.01)


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_TOKEN", CANARY)


def test_a_bearer_token_is_read_when_it_is_used_and_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making the credential reads nothing; requests carry it in the header and scheme that the vendor wants."""

    async def run() -> list[Request]:
        monkeypatch.delenv("ACME_TOKEN")
        auth = BearerAuth(TOKEN, surroundings(), scheme="SSWS")
        monkeypatch.setenv("ACME_TOKEN", CANARY)
        async with (
            http_server(lambda _: Reply(body={})) as server,
            Transport(server.url, surroundings(), name="acme", auth=auth) as transport,
        ):
            await transport.request("GET", "/a")
            monkeypatch.delenv("ACME_TOKEN")
            await transport.request("GET", "/b")
            return server.requests

    assert [request.headers["authorization"] for request in asyncio.run(run())] == [f"SSWS {CANARY}"] * 2


def test_a_missing_secret_is_an_error_that_names_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent, and the worker slot is free for others afterwards."""
    monkeypatch.delenv("ACME_TOKEN")

    async def run() -> None:
        auth = BearerAuth(TOKEN, surroundings())
        async with (
            http_server(lambda _: Reply(body={})) as server,
            Transport(server.url, surroundings(), name="acme", auth=auth, concurrency=1) as transport,
        ):
            for _ in range(3):
                with pytest.raises(SecretError, match=r"the secret \{env: ACME_TOKEN\} is not set"):
                    await transport.request("GET", "/a")
            assert server.requests == []

    asyncio.run(run())


@pytest.mark.parametrize("value", ["canary\r\nX-Admin: yes", "canary\tb", "canäry"])
def test_a_secret_that_no_header_can_carry_is_refused_unseen(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """A line break in a token is no way to add a header, and the error does not show it."""
    monkeypatch.setenv("ACME_TOKEN", value)
    with pytest.raises(SecretError, match="holds characters that no HTTP header can carry") as caught:
        asyncio.run(BearerAuth(TOKEN, surroundings()).reveal(TOKEN))
    assert "can" + "ary" not in str(caught.value).replace("can carry", "")


def test_basic_takes_a_plain_or_a_secret_username() -> None:
    """RFC 7617: user, colon, password, in base64; none of the three is in a message."""

    async def run() -> list[str]:
        sent = []
        for username in ("ana", TOKEN):
            auth = BasicAuth(username, TOKEN, surroundings())
            async with (
                http_server(lambda request: Reply(500, request.headers["authorization"])) as server,
                Transport(server.url, surroundings(), name="acme", auth=auth, limits=QUICK) as transport,
            ):
                with pytest.raises(TransportError) as caught:
                    await transport.request("GET", "/a")
                sent.append(base64.b64decode(server.requests[0].headers["authorization"].split()[1]).decode())
                assert server.requests[0].headers["authorization"].split()[1] not in str(caught.value)
        return sent

    assert asyncio.run(run()) == [f"ana:{CANARY}", f"{CANARY}:{CANARY}"]


class TokenServer:
    """An app and its token endpoint in one: counts tokens, and accepts only the newest."""

    def __init__(self, lifetime: object = 3600) -> None:
        self.lifetime = lifetime
        self.given = 0
        self.accepted = 1
        self.forms: list[dict[str, list[str]]] = []
        self.basic: list[str] = []

    def __call__(self, request: Request) -> Reply:
        """Give tokens, or answer the app's requests."""
        if request.path == "/token":
            self.given += 1
            self.forms.append(parse_qs(request.body.decode()))
            self.basic.append(request.headers.get("authorization", ""))
            return Reply(body={"access_token": f"tok-{self.given}", "expires_in": self.lifetime}, delay=0.02)
        good = request.headers["authorization"] == f"Bearer tok-{self.accepted}"
        return Reply(200 if good else 401, {"ok": good})


def use_oauth(
    handler: Callable[[Request], Reply], count: int, *, style: str = "basic", read_only: bool = False, **options: object
) -> list[int]:
    """Send requests with client credentials, and return their statuses."""

    async def run() -> list[int]:
        around = surroundings(read_only=read_only)
        async with http_server(handler) as server:
            asked = ClientCredentials(f"{server.url}/token", "client 1", TOKEN, scope="scim", style=style)
            auth = OAuth2Auth(asked, around, **options)
            async with Transport(server.url, around, name="acme", auth=auth, limits=QUICK) as transport:
                await transport.request("GET", "/first")
                answers = await asyncio.gather(*(transport.request("GET", f"/{n}") for n in range(count)))
                return [answer.status for answer in answers]

    return asyncio.run(run())


@pytest.mark.parametrize("style", ["basic", "body"])
def test_one_token_serves_all_requests(style: str) -> None:
    """It is asked for once, with the client's secret in the header or in the body."""
    server = TokenServer()
    assert use_oauth(server, 10, style=style, read_only=True) == [200] * 10
    assert server.given == 1
    assert server.forms[0]["grant_type"] == ["client_credentials"]
    assert server.forms[0]["scope"] == ["scim"]
    if style == "body":
        assert (server.forms[0]["client_secret"], server.basic) == ([CANARY], [""])
    else:
        assert base64.b64decode(server.basic[0].split()[1]) == b"client+1:canary%2F7f3k%2B29d1%3D"


def test_a_refused_token_is_renewed_once_for_everybody() -> None:
    """Ten requests get 401 at the same time: one new token is asked for, and all ten succeed with it."""
    server = TokenServer()

    def handle(request: Request) -> Reply:
        if request.path == "/0" and server.given == 1:
            server.accepted = 2
        return server(request)

    assert use_oauth(handle, 10) == [200] * 10
    assert server.given == 2


def test_a_token_that_is_never_accepted_is_renewed_only_once() -> None:
    """A second 401 is the app's answer, not a loop."""
    server = TokenServer()
    server.accepted = 99
    assert use_oauth(server, 0) == []
    assert server.given == 2


@pytest.mark.parametrize("lifetime", [60, "60"])
def test_a_token_is_renewed_before_it_expires(lifetime: object) -> None:
    """The app never sees an expired token: a new one is asked for in time."""
    server = TokenServer(lifetime)
    times = iter([0.0, 29.0, 31.0, 31.0])
    server_accepts_any = lambda request: (  # noqa: E731 - a handler in a line
        server(request) if request.path == "/token" else Reply(body=request.headers["authorization"])
    )

    async def run() -> list[str]:
        async with http_server(server_accepts_any) as running:
            asked = ClientCredentials(f"{running.url}/token", "client", TOKEN)
            auth = OAuth2Auth(asked, surroundings(), now=lambda: next(times))
            async with Transport(running.url, surroundings(), name="acme", auth=auth) as transport:
                return [(await transport.request("GET", "/a")).content.decode() for _ in range(3)]

    assert asyncio.run(run()) == ["Bearer tok-1", "Bearer tok-1", "Bearer tok-2"]


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (
            Reply(400, {"error": "invalid_client", "error_description": f"no {CANARY}"}),
            "answered 400: invalid_client no",
        ),
        (Reply(200, {"token": "x"}), "answered 200 without a token"),
        (Reply(200, "<html>login</html>"), "answered 200 without a token"),
        (Reply(302, headers={"Location": "https://evil.example/"}), "answered 302 without a token"),
        (Reply(reset=True), "no token: POST /token"),
    ],
)
def test_a_token_endpoint_that_gives_none_is_an_error_without_secrets(
    reply: Reply, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The error names the endpoint and its words, never the client's secret; the app was sent nothing."""
    with caplog.at_level(logging.DEBUG), pytest.raises(TransportError, match=words) as caught:
        use_oauth(lambda request: reply if request.path == "/token" else Reply(500), 1)
    assert caught.value.landed is False
    assert CANARY not in str(caught.value) + caplog.text


def test_a_token_endpoint_that_stumbles_is_asked_again() -> None:
    """503 and a broken connection are no verdict on the client; the request itself was never sent, so a POST may go."""

    async def run() -> list[str]:
        replies = iter([Reply(503), Reply(reset=True), Reply(body={"access_token": "tok"})])

        def handle(request: Request) -> Reply:
            return next(replies) if request.path == "/token" else Reply(201, {})

        limits = Limits(attempts=3, first_wait=0.01, longest_wait=0.02, jitter=0.01)
        async with http_server(handle) as server:
            auth = OAuth2Auth(ClientCredentials(f"{server.url}/token", "client", TOKEN), surroundings())
            async with Transport(server.url, surroundings(), name="acme", auth=auth, limits=limits) as transport:
                assert (await transport.request("POST", "/Users", json={})).status == 201
            return [request.path for request in server.requests]

    assert asyncio.run(run()) == ["/token", "/token", "/token", "/Users"]


def test_credentials_do_not_lift_read_only() -> None:
    """Asking for a token is a POST and allowed while planning; writing to the app is not."""

    async def run() -> None:
        server = TokenServer()
        around = surroundings(read_only=True)
        async with http_server(server) as running:
            auth = OAuth2Auth(ClientCredentials(f"{running.url}/token", "client", TOKEN), around)
            async with Transport(running.url, around, name="acme", auth=auth) as transport:
                assert (await transport.request("GET", "/a")).status == 200
                with pytest.raises(ReadOnlyError):
                    await transport.request("POST", "/token", json={})
        assert server.given == 1

    asyncio.run(run())
