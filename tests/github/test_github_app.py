"""A GitHub App signs in by a JWT, keeps its token, and gets another in time."""

from typing import Any

import pytest
from fake_organization import CLIENT_ID, INSTALLATION, INSTALLATION_TOKEN, FakeOrganization
from github_driving import KEY_VARIABLE, GitHubClock, drive, read
from support.http_server import HttpServer

from providers.github.provider import GitHubProvider
from reconciler.errors import ReconcilerError

pytestmark = pytest.mark.evidence(
    "github", against="our own fake", of="GitHub's GraphQL schema and OpenAPI description"
)

APP: dict[str, Any] = {"client_id": CLIENT_ID, "installation": INSTALLATION, "key": {"env": KEY_VARIABLE}}


def test_an_app_reads_with_one_token(app: FakeOrganization) -> None:
    """The JWT is signed by the app's key; its token serves for every request, and no account is asked for."""
    app.world.add_team("ops")
    app.world.viewer = 0  # an app is nobody: asking who it is would fail
    snapshot = read(app, app=APP)
    assert all(found.complete for found in snapshot.collections.values())
    assert snapshot.own_account == ""
    assert app.tokens == 1


def test_an_app_gets_a_new_token_before_the_hour_is_over_and_when_one_is_refused(app: FakeOrganization) -> None:
    """A token that is about to expire is replaced; one that is refused is replaced once."""
    clock = GitHubClock()

    async def work(provider: GitHubProvider, _: HttpServer) -> list[int]:
        counts = []
        await provider.read()
        counts.append(app.tokens)
        clock.now += 3595
        await provider.read()
        counts.append(app.tokens)
        app.refused_tokens.add(f"{INSTALLATION_TOKEN}{app.tokens}")
        await provider.read()
        counts.append(app.tokens)
        return counts

    assert drive(app, work, app=APP, clock=clock) == [1, 2, 3]


def test_an_app_for_some_repositories_proves_nothing_about_the_others(app: FakeOrganization) -> None:
    """GitHub shows such an app only what it was installed for: repositories are not whole, teams are."""
    app.selection = "selected"
    collections = read(app, app=APP).collections
    assert not collections["entitlements:repo"].complete
    assert "some repositories only" in collections["grants:repo"].why
    assert collections["grants:team"].complete


@pytest.mark.parametrize(
    ("change", "words"),
    [({"client_id": "Iv1other"}, "access_tokens answered 401"), ({"installation": 78}, "access_tokens answered 404")],
)
def test_an_app_that_github_does_not_know_is_told_what_to_check(
    app: FakeOrganization, change: dict[str, Any], words: str
) -> None:
    """The error names what to check, and neither the key nor the JWT."""
    with pytest.raises(ReconcilerError, match=words) as caught:
        read(app, app={**APP, **change})
    assert "private key" in str(caught.value.hint)
    assert "eyJ" not in str(caught.value)


def test_a_key_that_is_none_is_told(app: FakeOrganization, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no PEM is an error about the key that does not repeat it."""
    monkeypatch.setenv(KEY_VARIABLE, "no-canary-key")
    with pytest.raises(ReconcilerError) as caught:
        read(app, app=APP)
    assert "no-canary-key" not in str(caught.value)
