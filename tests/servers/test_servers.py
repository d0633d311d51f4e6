"""The servers that other tests rely on run, and deviate as it is said of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest
from servers.running import MissingError, Server, better_auth, django_scim2, missing, scim2_server, scimmy

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def needs(name: str) -> None:
    """Skip where a server cannot run, naming what is missing."""
    if reason := missing(name):
        pytest.skip(reason)


def session(server: Server) -> httpx.Client:
    """Return a client with the server's token."""
    return httpx.Client(base_url=server.url, headers=server.headers, trust_env=False, timeout=20)


def add_user(client: httpx.Client, name: str) -> str:
    """Create a user and return the id."""
    body = {
        "schemas": [USER],
        "userName": name,
        "name": {"givenName": "Ana", "familyName": "Ruiz"},
        "emails": [{"value": f"{name.partition('@')[0]}@Acme.example", "type": "work", "primary": True}],
        "active": True,
    }
    answer = client.post("/Users", json=body)
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["id"]
    return found


def add_group(client: httpx.Client, *members: str) -> str:
    """Create a group and return the id."""
    body = {"schemas": [GROUP], "displayName": "platform", "members": [{"value": member} for member in members]}
    answer = client.post("/Groups", json=body)
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["id"]
    return found


def patch(client: httpx.Client, path: str, operation: dict[str, Any], **headers: str) -> httpx.Response:
    """Send one PATCH operation."""
    return client.patch(path, json={"schemas": [PATCH], "Operations": [operation]}, headers=headers)


@pytest.mark.parametrize(
    ("name", "start"),
    [("scim2-server", scim2_server), ("django-scim2", django_scim2), ("scimmy", scimmy), ("better-auth", better_auth)],
)
def test_a_server_keeps_users_for_whoever_has_the_token(
    name: str, start: Callable[[], AbstractContextManager[Server]]
) -> None:
    """It answers on loopback, refuses others, and is gone afterwards."""
    needs(name)
    with start() as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert server.token not in repr(server)
        with session(server) as client:
            user = add_user(client, "ana@acme.example")
            assert client.get(f"/Users/{user}").json()["userName"] == "ana@acme.example"
            assert client.get("/Users").json()["totalResults"] == 1
        assert httpx.get(f"{server.url}/Users", trust_env=False).status_code == 401
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{server.url}/Users", trust_env=False)


def test_scim2_server_pages_by_index() -> None:
    """By default, no page is longer than it was told."""
    needs("scim2-server")
    with scim2_server(page_size=2) as server, session(server) as client:
        for number in range(5):
            add_user(client, f"u{number}")
        page = client.get("/Users", params={"startIndex": 3, "count": 50}).json()
        assert (page["totalResults"], page["startIndex"], len(page["Resources"])) == (5, 3, 2)


def test_scim2_server_pages_by_cursor() -> None:
    """RFC 9865, where it was asked for."""
    needs("scim2-server")
    with scim2_server("cursor", page_size=2) as server, session(server) as client:
        for number in range(5):
            add_user(client, f"u{number}")
        seen: list[str] = []
        cursor = ""
        while True:
            page = client.get("/Users", params={"cursor": cursor, "count": 2}).json()
            seen += [user["userName"] for user in page["Resources"]]
            cursor = page.get("nextCursor", "")
            if not cursor:
                break
        assert sorted(seen) == [f"u{number}" for number in range(5)]


@pytest.fixture(name="django")
def _django() -> Iterator[httpx.Client]:
    needs("django-scim2")
    with django_scim2() as server, session(server) as client:
        yield client


def test_django_scim2_removes_members_by_value_array_only(django: httpx.Client) -> None:
    """A filtered path answers 501; removing all answers 200 and does nothing."""
    user = add_user(django, "ana")
    group = add_group(django)
    assert patch(django, f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": user}]}).is_success
    assert patch(django, f"/Groups/{group}", {"op": "remove", "path": f'members[value eq "{user}"]'}).status_code == 501
    assert patch(django, f"/Groups/{group}", {"op": "remove", "path": "members"}).status_code == 200
    assert len(django.get(f"/Groups/{group}").json()["members"]) == 1
    assert patch(django, f"/Groups/{group}", {"op": "remove", "path": "members", "value": [{"value": user}]}).is_success
    assert django.get(f"/Groups/{group}").json()["members"] == []


def test_django_scim2_writes_status_as_a_number(django: httpx.Client) -> None:
    """RFC 7644 section 3.12 says text."""
    assert django.get("/Users/99").json()["status"] == 404


@pytest.fixture(name="express")
def _express() -> Iterator[httpx.Client]:
    needs("scimmy")
    with scimmy() as server, session(server) as client:
        yield client


def test_scimmy_gives_the_first_page_whatever_was_asked_for(express: httpx.Client) -> None:
    """Twenty users, for ever."""
    for number in range(25):
        add_user(express, f"u{number}")
    first = express.get("/Users").json()
    later = express.get("/Users", params={"startIndex": 21, "count": 100}).json()
    assert (first["totalResults"], len(first["Resources"])) == (25, 20)
    assert later["Resources"] == first["Resources"]


def test_scimmy_keeps_duplicate_members_and_ignores_if_match(express: httpx.Client) -> None:
    """Two ways to lose track."""
    user = add_user(express, "ana")
    group = add_group(express, user)
    again = {"op": "add", "path": "members", "value": [{"value": user}]}
    answer = patch(express, f"/Groups/{group}", again, **{"If-Match": 'W/"wrong"'})
    assert answer.status_code in {200, 204}
    assert len(express.get(f"/Groups/{group}").json()["members"]) == 2


def test_better_auth_knows_one_eq_and_writes_emails_in_lower_case() -> None:
    """Everything else in a filter is refused."""
    needs("better-auth")
    with better_auth() as server, session(server) as client:
        user = add_user(client, "ana@acme.example")
        assert client.get(f"/Users/{user}").json()["emails"][0]["value"] == "ana@acme.example"
        found = client.get("/Users", params={"filter": 'userName eq "ana@acme.example"'})
        assert found.json()["totalResults"] == 1
        both = 'userName eq "ana@acme.example" and active eq true'
        assert client.get("/Users", params={"filter": both}).status_code == 400


def test_better_auth_limits_rates_in_its_own_way() -> None:
    """429 with `X-Retry-After` only, and a body that is no SCIM error."""
    needs("better-auth")
    with better_auth(rate_limit=(3, 5)) as server, session(server) as client:
        answers = [client.get("/Users") for _ in range(5)]
        assert [answer.status_code for answer in answers[:3]] == [200] * 3
        limited = answers[-1]
        assert limited.status_code == 429
        assert 1 <= int(limited.headers["x-retry-after"]) <= 5
        assert "retry-after" not in limited.headers
        assert limited.headers["content-type"].startswith("text/plain")


def test_a_server_that_cannot_run_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a skip names its reason."""
    monkeypatch.setattr("servers.setup.shutil.which", lambda _: None)
    monkeypatch.setattr("servers.setup._lock", lambda: "another lock")
    assert missing("scimmy") == "SCIM servers for Node (no node and npm on this system)"
    with pytest.raises(MissingError, match="no node and npm"), scimmy():
        pass
