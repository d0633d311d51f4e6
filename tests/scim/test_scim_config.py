"""Configuration: what may be written, what is told before anything is asked, and where credentials go."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from faulty_server import SECRET, FaultyServer, Request, ScimError
from pydantic import ValidationError
from scim_driving import create, open_provider, perform_one, read, surroundings, use

from providers.scim.config import ScimConfig
from providers.scim.provider import ScimProvider
from reconciler.errors import ProviderError, ReadOnlyError, SecretError
from reconciler.provider.change import Operation, Outcome
from reconciler.provider.contract import BatchProvider, Provider, RereadProvider


def _faults(**config: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        ScimConfig.model_validate({"url": "https://scim.acme.example/v2", **config})
    return str(caught.value)


def test_a_typical_way_is_accepted() -> None:
    """The form of the README."""
    written = {"url": "https://api.slack.com/scim/v2", "token": {"env": "SLACK_SCIM_TOKEN"}, "dialect": "slack"}
    config = ScimConfig.model_validate(written)
    assert config.dialect.name == "slack"
    assert config.groups == "group"
    assert config.count == 1000


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"token": "xoxp-plain-secret"}, "a secret is written as a reference"),
        ({"token": {"env": "A"}, "auth": {"bearer": {"env": "B"}}}, "`token` or `auth`, not both"),
        ({"dialect": "slak"}, "there is no dialect 'slak'"),
        ({"dialect": {"base": "slack", "pagination": "pages"}}, "'auto', 'index', 'cursor' or 'none'"),
        ({"dialect": {"base": "slack", "page_sise": 5}}, "page_sise"),
        ({"headers": {"Authorization": "Bearer x"}}, "carries a secret"),
        ({"value_kinds": {"group": "roles"}}, "both that of groups"),
        ({"value_kinds": {"Role X": "roles"}}, "value_kinds"),
        ({"page_size": 0}, "page_size"),
        ({"tokn": {"env": "A"}}, "tokn"),
    ],
)
def test_a_mistake_is_named(config: dict[str, Any], said: str) -> None:
    """And what was written is not echoed where it may be a secret."""
    message = _faults(**config)
    assert said in message
    assert "xoxp-plain-secret" not in message


def test_the_configuration_has_a_schema_that_editors_can_use() -> None:
    """Dialects are listed by name."""
    schema = json.loads(json.dumps(ScimConfig.model_json_schema()))
    names = schema["properties"]["dialect"]["anyOf"][0]["enum"]
    assert {"generic", "slack", "aws"} <= set(names)


def test_the_provider_is_all_that_the_contract_has() -> None:
    """Batches, and accounts read singly."""
    provider = open_provider("https://scim.acme.example/v2")
    assert isinstance(provider, Provider)
    assert isinstance(provider, BatchProvider)
    assert isinstance(provider, RereadProvider)


def test_capabilities_are_known_without_asking(server: FaultyServer) -> None:
    """From configuration and dialect alone, each refusal with its reason."""
    capabilities = open_provider(server.url, value_kinds={"role": "roles"}).capabilities
    assert capabilities.ability(Operation.GRANT, "group")
    assert capabilities.ability(Operation.GRANT, "role")
    assert not capabilities.ability(Operation.SET_LEVEL, "group")
    assert capabilities.ability(Operation.END_SESSIONS, "accounts").why == "SCIM has no sessions"
    assert not capabilities.ability(Operation.GRANT, "license")
    assert set(capabilities.reads) == {
        "accounts",
        *("entitlements:group", "grants:group", "entitlements:role", "grants:role"),
    }
    assert server.log == []


def test_groups_may_be_left_alone(server: FaultyServer) -> None:
    """`group_kind: null` never asks for them; another name is another kind."""
    server.store.group("eng")
    assert set(read(server.url, group_kind=None).collections) == {"accounts"}
    assert server.requests("GET", "/Groups") == []
    assert [each.key for each in read(server.url, group_kind="team").entitlements] == ["team:eng"]


def test_the_tools_own_account_is_known(server: FaultyServer) -> None:
    """By its username, or by asking `/Me`."""
    own = server.store.user("Robot")
    assert read(server.url, own_username="robot").own_account == own
    assert read(server.url).own_account == ""
    assert read(server.url, ask_me=True).own_account == "", "a server without /Me is no error"
    original = server.serve
    server.serve = lambda request: (  # type: ignore[method-assign]
        (200, server.store.users[own], {}) if request.path == "/Me" else original(request)
    )
    assert read(server.url, ask_me=True).own_account == own


def test_planning_cannot_write(server: FaultyServer) -> None:
    """A provider that was opened for a plan refuses before anything is sent."""
    provider = open_provider(server.url, read_only=True)
    with pytest.raises(ReadOnlyError):
        use(provider, lambda opened: opened.perform(create("ana")))
    assert server.requests("POST") == []


def test_a_secret_that_is_not_set_is_named_at_use(server: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening reads no secret; using it says which one is missing."""
    monkeypatch.delenv("SCIM_TOKEN")
    provider = open_provider(server.url, read_only=True)
    with pytest.raises((SecretError, ProviderError), match="SCIM_TOKEN"):
        use(provider, lambda opened: opened.read())


def test_a_token_that_is_refused_reads_nothing(server: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """401 on everything is an error, not an empty app."""
    monkeypatch.setenv("SCIM_TOKEN", "wrong-token")
    with pytest.raises(ProviderError, match="no such token") as caught:
        read(server.url)
    assert "wrong-token" not in str(caught.value)


def test_basic_credentials_and_other_schemes_are_sent(server: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each form of `auth` in its header."""
    monkeypatch.setenv("PASSWORD", "pa:ss")
    seen: list[str] = []

    def look(request: Request) -> None:
        seen.append(request.headers.get("authorization", "") or request.headers.get("x-api-key", ""))
        raise ScimError(403, "only looking")

    server.habits.before = look
    forms = [
        {"username": "robot", "password": {"env": "PASSWORD"}},
        {"bearer": {"env": "PASSWORD"}, "scheme": "SSWS"},
        {"bearer": {"env": "PASSWORD"}, "scheme": "", "header": "X-Api-Key"},
    ]
    for form in forms:
        written = {"url": server.url, "auth": form, "group_kind": None}
        provider = ScimProvider.open(ScimConfig.model_validate(written), surroundings())
        assert perform_failed(provider)
    assert seen == [f"Basic {base64.b64encode(b'robot:pa:ss').decode()}", "SSWS pa:ss", "pa:ss"]


def perform_failed(provider: ScimProvider) -> bool:
    """Say whether a creation was refused."""
    return use(provider, lambda opened: opened.perform(create("ana"))).outcome is Outcome.FAILED


@pytest.fixture
def token_endpoint() -> Iterator[tuple[str, list[str]]]:
    """An OAuth 2 token endpoint that gives the right token from the second request on."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Give a token."""
            asked.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            body = json.dumps({"access_token": SECRET if len(asked) > 1 else "expired", "expires_in": 3600}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
            """Say nothing."""

    listening = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{listening.server_address[1]}/token", asked
    listening.shutdown()
    listening.server_close()


def test_a_token_is_fetched_and_renewed_when_refused(
    server: FaultyServer, token_endpoint: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """OAuth 2 client credentials: asked for, and once more after a 401."""
    url, asked = token_endpoint
    monkeypatch.setenv("CLIENT_SECRET", "client-canary")
    oauth = {"token_url": url, "client_id": "us", "client_secret": {"env": "CLIENT_SECRET"}, "style": "body"}
    written = {"url": server.url, "auth": oauth, "group_kind": None}
    provider = ScimProvider.open(ScimConfig.model_validate(written), surroundings())
    assert use(provider, lambda opened: opened.perform(create("ana"))).outcome is Outcome.DONE
    assert len(asked) == 2
    assert "client_secret=client-canary" in asked[0]
    assert len(server.store.users) == 1


def test_a_url_that_cannot_work_is_refused() -> None:
    """Plain http to another machine, and no URL at all."""
    for url in ("http://scim.acme.example/v2", "scim.acme.example"):
        with pytest.raises(ProviderError):
            open_provider(url)


def test_custom_attributes_are_written_by_their_short_names(server: FaultyServer) -> None:
    """`extensions` names a path in a schema of the vendor's own."""
    config = {"extensions": {"badge": "urn:acme:2.0:User:badge"}}
    receipt = perform_one(server.url, create("ana", badge="B-17"), **config)
    made = server.store.users[receipt.remote_id]
    assert made["urn:acme:2.0:User"] == {"badge": "B-17"}
    assert "urn:acme:2.0:User" in made["schemas"]
    assert read(server.url, **config).accounts[0].attributes["badge"] == "B-17"
