"""The main job against a server of somebody else: applied, changed, drifted, left; by index and by cursor."""

from collections.abc import Iterator
from typing import Any, Literal

import httpx
import pytest
from pains_company import TOKEN_NAME, Company
from servers.running import Server, missing, scim2_server

METHODS: tuple[Literal["index", "cursor"], ...] = ("index", "cursor")


@pytest.fixture(params=METHODS)
def real(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A real server that gives two results a page, with one group."""
    if why := missing("scim2-server"):
        pytest.skip(why)
    with scim2_server(request.param, page_size=2) as server:
        monkeypatch.setenv(TOKEN_NAME, server.token)
        made = httpx.post(
            f"{server.url}/Groups",
            headers=server.headers,
            json={"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "eng"},
        )
        assert made.status_code == 201
        yield server


def users(server: Server) -> dict[str, dict[str, Any]]:
    """Every user by name, looked up one by one."""
    found: dict[str, dict[str, Any]] = {}
    for name in ("omar", "ana", "kim", "lee", "zoe"):
        query = {"filter": f'userName eq "{name}@acme.example"'}
        page = httpx.get(f"{server.url}/Users", headers=server.headers, params=query).json()
        for one in page.get("Resources", []):
            found[name] = one
    return found


def members(server: Server) -> set[str]:
    """The ids in the group."""
    query = {"filter": 'displayName eq "eng"'}
    page = httpx.get(f"{server.url}/Groups", headers=server.headers, params=query).json()
    return {member["value"] for member in page["Resources"][0].get("members", [])}


def test_the_main_job_on_a_real_server(company: Company, real: Server) -> None:
    """Joiners, a mover, a leaver, drift in both directions; after each apply there is nothing to do."""
    company.people("omar", "ana", "kim", "lee", "zoe")
    company.hub(real.url, accounts={"attributes": {"displayName": "{{ person.name }}", "title": "{{ person.title }}"}})
    company.grants((["ana", "kim", "lee", "omar", "zoe"], {"hub": ["group:eng"]}))
    company.settle()
    assert set(users(real)) == {"omar", "ana", "kim", "lee", "zoe"}
    assert members(real) == {one["id"] for one in users(real).values()}

    company.people("omar", "lee", "zoe", ana={"name": "Ana Ruiz", "title": "Lead"}, kim={"last_day": "2020-01-01"})
    company.settle()
    assert (users(real)["ana"]["displayName"], users(real)["ana"]["title"]) == ("Ana Ruiz", "Lead")
    assert users(real)["kim"]["active"] is False
    assert users(real)["kim"]["id"] not in members(real)

    ana = users(real)["ana"]["id"]
    done = httpx.patch(
        f"{real.url}/Users/{ana}",
        headers=real.headers,
        json={
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": "title", "value": "Boss"}],
        },
    )
    assert done.status_code in {200, 204}
    assert "Boss" in company.run("drift").out
    assert company.run("drift", "--detailed-exitcode").code == 2
    company.settle()
    assert users(real)["ana"]["title"] == "Lead"
    assert company.run("drift", "--detailed-exitcode").code == 0


def test_accounts_that_are_there_are_taken_on(company: Company, real: Server) -> None:
    """Made by hand before: adopted by their address, not made twice."""
    made = httpx.post(
        f"{real.url}/Users",
        headers=real.headers,
        json={
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "ana@acme.example",
            "emails": [{"value": "Ana@Acme.example", "primary": True}],
            "active": True,
        },
    )
    assert made.status_code == 201
    company.people("omar", "ana")
    company.hub(real.url)
    company.grants((["ana", "omar"], {"hub": ["group:eng"]}))
    company.settle()
    assert users(real)["ana"]["id"] == made.json()["id"]
    assert made.json()["id"] in members(real)
