"""A service account that acts as an administrator: what it asks for, and what it never shows."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from google_driving import at, change
from google_fake import FakeGoogle
from google_harness import PRODUCT, RunningGoogle, running
from google_tokens import key_file

from providers.google.config import GoogleConfig
from providers.google.provider import GoogleProvider
from reconciler.errors import ProviderError, SecretError
from reconciler.provider.change import Operation
from reconciler.provider.snapshot import Snapshot

pytestmark = pytest.mark.evidence("google", against="our own fake", of="the reference of November 2026")

T = TypeVar("T")
SCOPE = "https://www.googleapis.com/auth/"
SUBJECT = at("admin")


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_KEY", key_file())


def drive(
    work: Callable[[RunningGoogle, GoogleProvider], Awaitable[T]],
    prepare: Callable[[FakeGoogle], None] = lambda _: None,
    **config: Any,
) -> tuple[T, list[list[str]], FakeGoogle]:
    """Do something as the service account; return also the scopes of each token that was given, in order."""

    async def run() -> tuple[T, list[list[str]], FakeGoogle]:
        async with running() as google:
            given = google.app.tokens_given
            given.url, given.subject = f"{google.server.url}/token", SUBJECT
            google.app.add_user(SUBJECT)
            google.app.add_user(at("ana"))
            google.app.add_group(at("eng"))
            google.app.roles["r1"] = "HELP_DESK"
            google.app.skus = {(PRODUCT, "1")}
            prepare(google.app)
            keyed = {"token": None, "service_account": {"env": "GOOGLE_KEY"}, "token_url": given.url}
            plain = {"oauth_grants": False, "licenses": {}}
            async with google.open(**{**keyed, **plain, **config}) as provider:
                found = await work(google, provider)
            scopes = [sorted(each.removeprefix(SCOPE) for each in scopes) for scopes in given.given.values()]
            return found, scopes, google.app

    return asyncio.run(run())


async def read(_: RunningGoogle, provider: GoogleProvider) -> Snapshot:
    """Read everything that is wanted."""
    return await provider.read()


@pytest.mark.parametrize(
    ("config", "scopes"),
    [
        (
            {},
            [
                "admin.directory.group.readonly",
                "admin.directory.orgunit.readonly",
                "admin.directory.rolemanagement.readonly",
                "admin.directory.user.readonly",
            ],
        ),
        ({"roles": False}, ["admin.directory.group.readonly", "admin.directory.user.readonly"]),
        ({"roles": False, "groups": False}, ["admin.directory.user.readonly"]),
        (
            {"roles": False, "groups": False, "oauth_grants": True},
            ["admin.directory.user.readonly", "admin.directory.user.security"],
        ),
    ],
)
def test_a_plan_asks_for_the_scopes_of_what_it_reads_and_no_more(config: dict[str, Any], scopes: list[str]) -> None:
    """Each is one that only reads, where Google has one; the imitation checks each request against its own scopes."""
    snapshot, given, _ = drive(read, read_only=True, **config)
    assert all(each.complete for each in snapshot.collections.values())
    assert given == [scopes]


def test_licences_have_a_token_of_their_own() -> None:
    """There is no scope for reading them only: the token that could change them reaches nothing else."""
    _, given, _ = drive(read, read_only=True, roles=False, groups=False, licenses={"alpha": f"{PRODUCT}/1"})
    assert given == [["admin.directory.user.readonly"], ["apps.licensing"]]


def test_an_apply_can_do_everything_with_the_scopes_of_what_is_configured() -> None:
    """Every kind of change, each with the token that the service account was given for changes."""
    ids = {"account_id": "u101"}
    group, role, sku = {"entitlement_id": "g102"}, {"entitlement_id": "r1"}, {"entitlement_id": f"{PRODUCT}/1"}
    changes = [
        change(Operation.CREATE_ACCOUNT, "kim", after={"username": "kim", "person.name": "Kim Lee"}),
        change(Operation.UPDATE_ACCOUNT, "ana", after={"title": "Dev", "aliases": (at("a"),)}, **ids),
        change(Operation.CREATE_ENTITLEMENT, entitlement="group:ops"),
        change(Operation.RENAME_ENTITLEMENT, entitlement="group:engineers", **group),
        change(Operation.GRANT, "ana", "group:engineers", **ids, **group),
        change(Operation.SET_LEVEL, "ana", "group:engineers", after={"level": "owner"}, **ids, **group),
        change(Operation.REVOKE, "ana", "group:engineers", **ids, **group),
        change(Operation.GRANT, "ana", "role:HELP_DESK", **ids, **role),
        change(Operation.REVOKE, "ana", "role:HELP_DESK", **ids, **role),
        change(Operation.GRANT, "ana", "license:alpha", **ids, **sku),
        change(Operation.END_SESSIONS, "ana", **ids),
        change(Operation.SUSPEND_ACCOUNT, "ana", **ids),
        change(Operation.TRANSFER_FILES, "ana", after={"to": "admin", "to_account": "u100"}, **ids),
        change(Operation.REMOVE_LICENSES, "ana", **ids),
        change(Operation.REACTIVATE_ACCOUNT, "ana", **ids),
        change(Operation.DELETE_ACCOUNT, "ana", **ids),
    ]

    async def work(_: RunningGoogle, provider: GoogleProvider) -> list[tuple[str, str]]:
        receipts = [await provider.perform(each) for each in changes]
        return [(each.change.operation.value, each.detail) for each in receipts if each.outcome.value == "failed"]

    failed, given, _ = drive(work, licenses={"alpha": f"{PRODUCT}/1"})
    assert failed == []
    assert given == [
        [
            "admin.datatransfer",
            "admin.directory.group",
            "admin.directory.orgunit.readonly",
            "admin.directory.rolemanagement",
            "admin.directory.user",
            "admin.directory.user.security",
        ],
        ["apps.licensing"],
    ]


def test_a_service_account_that_may_not_act_as_the_administrator_says_what_to_look_at() -> None:
    """Google's words, and where the permission is given; nothing that was sent."""

    def forbid(app: FakeGoogle) -> None:
        app.tokens_given.allowed = frozenset()

    with pytest.raises(ProviderError) as caught:
        drive(read, forbid)
    text = f"{caught.value} {caught.value.hint}"
    assert "unauthorized_client" in text
    assert "is the service account's client id allowed these scopes, under domain-wide delegation?" in text


def test_a_token_is_asked_for_again_once_it_is_refused() -> None:
    """Revoked in the middle: the next request gets a new one and goes on."""

    async def work(google: RunningGoogle, provider: GoogleProvider) -> None:
        await provider.read()
        google.app.tokens_given.given.clear()
        assert all(each.complete for each in (await provider.read()).collections.values())

    drive(work)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}", "has no client_email and no private_key"),
        ("canary-no-json", "has no client_email and no private_key"),
        (json.dumps({"client_email": "a@b", "private_key": "canary-no-key"}), "the private key cannot be used"),
        (json.dumps({"client_email": "a@b", "private_key": 7}), "has no client_email and no private_key"),
    ],
)
def test_a_key_that_is_none_is_refused_without_showing_it(
    text: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is missing is named, what is there is not."""
    monkeypatch.setenv("GOOGLE_KEY", text)
    with pytest.raises((SecretError, ProviderError)) as caught:
        drive(read)
    assert words in f"{caught.value}"
    assert "canary" not in f"{caught.value} {caught.value.hint}"


def test_neither_key_nor_assertion_nor_token_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """At the most talkative level, with every header and every refusal."""
    caplog.set_level(logging.DEBUG)
    _, _, app = drive(read)
    lines = key_file().split("\\n")
    assert app.tokens_given.given
    assert not any(token in caplog.text for token in app.tokens_given.given)
    assert not any(line in caplog.text for line in lines if len(line) > 30)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "give `service_account` or `token`, one of the two"),
        ({"token": {"env": "A"}, "service_account": {"env": "B"}}, "give `service_account` or `token`"),
        ({"token": {"env": "A"}, "licenses": {"a": "P/1", "b": "P/1"}}, "two names for the licence P/1"),
        ({"token": {"env": "A"}, "domain": "Acme"}, "domain"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(config: dict[str, Any], words: str) -> None:
    """At validation, before anything is sent."""
    with pytest.raises(ValueError, match=words):
        GoogleConfig.model_validate({"subject": SUBJECT, **config})
