"""Planning cannot write: proven where it would arrive, for every provider and every transport."""

import asyncio
import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from launching import CANARY
from scene import Company
from wounds import allow, forbid

from reconciler.cli.exits import Exit
from reconciler.errors import ReadOnlyError
from reconciler.items import AccountItem, EntitlementItem, GrantItem, Item
from reconciler.provider.change import Change, Operation, Outcome
from reconciler.provider.contract import Provider, Surroundings
from reconciler.provider.registry import installed, load_provider

READING = [
    ("plan",),
    ("plan", "--json"),
    ("plan", "--at", "2090-01-01"),
    ("plan", "--due"),
    ("plan", "--reactivate", "gil"),
    ("drift",),
    ("explain", "ana"),
    ("who", "hub/group:all"),
    ("tickets",),
    ("state", "list"),
    ("state", "show", "hub"),
    ("providers", "--app", "hub"),
    ("validate",),
]


def hashes(folder: Path) -> dict[str, str]:
    """Return the digest of every file but those of the YAML's cache."""
    files = [path for path in folder.rglob("*") if path.is_file() and "cache" not in path.parts]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_whatever_reads_leaves_everything_as_it_was(company: Company, arguments: tuple[str, ...]) -> None:
    """The server is only asked, no file changes, no ticket is made, and the state stays the same to the byte."""
    before, contents = hashes(company.folder), company.contents()
    assert any(name.endswith("state.db") for name in before)
    assert any(name.startswith("tickets/") for name in before)
    ended = company.run(*arguments)
    assert ended.code == Exit.DONE, ended
    assert {request.method for request in company.server.log} <= {"GET"}
    assert hashes(company.folder) == before
    assert company.contents() == contents


def test_the_first_plan_makes_no_state(company: Company) -> None:
    """Not even an empty one."""
    (company.folder / ".reconciler/state.db").unlink()
    company.plan()
    assert not (company.folder / ".reconciler/state.db").exists()
    assert {request.method for request in company.server.log} == {"GET"}


def test_a_plan_works_where_nothing_can_be_written(company: Company) -> None:
    """A read-only checkout, read by somebody without rights."""
    forbid(company.folder)
    try:
        ended = company.plan(unprivileged=True)
        assert ended.code == Exit.DONE, ended
        assert "digest" in ended.out
    finally:
        allow(company.folder)


def opened(name: str, company: Company) -> Provider:
    """Open a provider as planning does."""
    url, token = company.server.url, {"env": "SCIM_TOKEN"}
    configs = {
        "aws": {
            "region": "eu-central-1",
            "endpoint": url,
            "credentials": {"access_key_id": "AKIAEXAMPLE", "secret_access_key": token},
        },
        "atlassian": {
            "organization": "acme",
            "api_key": token,
            "url": url,
            "site": url,
            "email": "robot@acme.example",
            "api_token": token,
            "starts_with": {"ari:cloud:jira::site/1": "atlassian/user"},
        },
        "entra": {
            "tenant": "acme.example",
            "client_id": f"{0:08}-0000-4000-8000-{0:012}",
            "client_secret": token,
            "url": url,
        },
        "github": {"organization": "acme", "url": url, "token": token},
        "gitlab": {"url": url, "token": token},
        "google": {"subject": "admin@acme.example", "directory_url": url, "token": token},
        "ldap": {
            "url": url.replace("http", "ldap"),
            "plain": True,
            "product": "active_directory",
            "base": "dc=acme",
            "bind_dn": "cn=tool,dc=acme",
            "password": token,
        },
        "okta": {"url": url, "token": token},
        "postgres": {"host": "127.0.0.1", "port": 1, "user": "access"},
        "scim": {"url": url, "token": token},
        "slack": {"endpoint": f"{url}/api", "token": token, "admin_token": token, "private_channels": ["C0123456789"]},
        "file": {
            "path": "wiki/accounts.csv",
            "writable": True,
            "complete": True,
            "columns": {"id": "id", "email": "email", "status": "status", "attributes": {"name": "name"}},
            "grants": {"path": "wiki/grants.csv", "columns": {"level": "level"}},
            "entitlements": {"path": "wiki/entitlements.csv"},
        },
        "ticket": {},
    }
    kind = load_provider(name)
    me = {"ana": ("Ana", "ana@acme.example")}
    now = datetime.now(UTC)
    surroundings = Surroundings(app="desk", root=company.folder, read_only=True, now=now, owner="ana", people=me)
    return kind.open(kind.Config.model_validate(configs[name]), surroundings)


def an_item(operation: Operation) -> Item:
    """Return something that an operation can be about."""
    if operation in (Operation.GRANT, Operation.REVOKE, Operation.SET_LEVEL):
        return GrantItem("ana", "group:all")
    if "entitlement" in operation.value:
        return EntitlementItem("group:new")
    return AccountItem("ana")


@pytest.mark.parametrize("operation", list(Operation))
@pytest.mark.parametrize("name", sorted(installed()))
def test_no_provider_writes_when_opened_for_planning(
    company: Company, monkeypatch: pytest.MonkeyPatch, name: str, operation: Operation
) -> None:
    """Each provider is handed each operation all the same: nothing arrives anywhere."""
    monkeypatch.setenv("SCIM_TOKEN", CANARY)
    before, contents = hashes(company.folder), company.contents()
    user = next(iter(company.server.store.users))
    group = next(iter(company.server.store.groups))
    change = Change(
        "desk", operation, an_item(operation), name,
        after={"email": "new@acme.example", "username": "new", "title": "X", "level": "read"},
        before={"title": "Y", "name": "old", "level": "write"},
        account_id=user if name == "scim" else "1", entitlement_id=group, username="new",
    )  # fmt: skip

    async def perform() -> Outcome:
        async with opened(name, company) as provider:
            return (await provider.perform(change)).outcome

    try:
        outcome = asyncio.run(perform())
    except ReadOnlyError:
        outcome = Outcome.FAILED
    assert outcome is Outcome.FAILED
    assert {request.method for request in company.server.log} <= {"GET"}
    assert hashes(company.folder) == before
    assert company.contents() == contents
