"""What a read of an organization shows: who is in it, who is only invited, and what is held directly."""

import pytest
from fake_organization import FakeOrganization
from github_driving import read

from reconciler.errors import ProviderError
from reconciler.provider.snapshot import AccountStatus, Snapshot

pytestmark = pytest.mark.evidence(
    "github", against="our own fake", of="GitHub's GraphQL schema and OpenAPI description"
)


def held(snapshot: Snapshot, kind: str) -> set[tuple[str, str, str | None]]:
    """Return the grants of a kind."""
    return {grant for grant in snapshot.grants() if grant[1].startswith(f"{kind}:")}


def whole(snapshot: Snapshot) -> set[str]:
    """Return the collections that are complete, all their parts too."""
    return {name for name, found in snapshot.collections.items() if found.complete and not found.unread}


ALL = {f"{part}:{kind}" for part in ("entitlements", "grants") for kind in ("role", "team", "repo")} | {"accounts"}


def test_what_a_team_inherits_is_no_grant_of_its_own(app: FakeOrganization) -> None:
    """GitHub lists a parent's repositories with its children; what a child holds at a stronger level is its own."""
    world = app.world
    above = world.add_team("engineering")
    middle = world.add_team("platform", above)
    below = world.add_team("oncall", middle)
    web, api = world.add_repository("web"), world.add_repository("api")
    world.teams[above].repositories = {web: "push", api: "pull"}
    world.teams[below].repositories = {api: "admin"}
    snapshot = read(app)
    assert held(snapshot, "repo") == {
        ("team:engineering", "repo:web", "push"),
        ("team:engineering", "repo:api", "pull"),
        ("team:oncall", "repo:api", "admin"),
    }
    assert held(snapshot, "team") == {
        ("team:platform", "team:engineering", "member"),
        ("team:oncall", "team:platform", "member"),
    }
    assert whole(snapshot) == ALL


def test_what_comes_from_teams_and_the_organization_is_no_direct_grant(app: FakeOrganization) -> None:
    """A person's own level is read where teams, ownership or a base permission give more; without one there is none."""
    world = app.world
    web = world.add_repository("web")
    team = world.add_team("platform")
    ana, kim = world.add_member("ana"), world.add_member("kim")
    owner = world.add_member("omar", role="admin")
    world.base = "pull"
    world.teams[team].members = {ana: "member", kim: "member"}
    world.teams[team].repositories = {web: "admin"}
    world.repositories[web].direct = {ana: "triage", owner: "maintain"}
    snapshot = read(app)
    assert held(snapshot, "repo") == {
        (str(ana), "repo:web", "triage"),
        (str(owner), "repo:web", "maintain"),
        ("team:platform", "repo:web", "admin"),
    }
    assert held(snapshot, "role") == {(str(world.viewer), "role:owner", None), (str(owner), "role:owner", None)}
    assert snapshot.own_account == str(world.viewer)


def test_people_from_outside_are_accounts_of_their_own_kind(app: FakeOrganization) -> None:
    """Outside collaborators are listed as such, with their levels."""
    web = app.world.add_repository("web")
    eve = app.world.add_user("eve")
    app.world.repositories[web].direct[eve] = "push"
    snapshot = read(app)
    found = next(one for one in snapshot.accounts if one.username == "eve")
    assert (found.remote_id, found.status, found.attributes) == (
        str(eve),
        AccountStatus.ACTIVE,
        {"membership": "outside"},
    )
    assert held(snapshot, "repo") == {(str(eve), "repo:web", "push")}


def test_invitations_are_shown_as_invitations(app: FakeOrganization) -> None:
    """Invited people are pinned by their own numbers, addresses by their invitation's; both with what they will get."""
    world = app.world
    team = world.add_team("platform")
    web = world.add_repository("web")
    ana, eve = world.add_user("ana"), world.add_user("eve")
    world.invite(ana, role="admin")
    mail = world.invite(email="noa@acme.example")
    world.teams[team].pending[ana] = "maintainer"
    world.repositories[web].invitations[99] = (eve, "maintain")
    snapshot = read(app, outside=["w*"])
    assert {
        (one.remote_id, one.username, one.email, one.attributes["membership"]) for one in snapshot.accounts[1:]
    } == {
        (str(ana), "ana", "", "member"),
        (f"invitation/{mail}", "", "noa@acme.example", "member"),
        (str(eve), "eve", "", "outside"),
    }
    assert {one.status for one in snapshot.accounts[1:]} == {AccountStatus.INVITED}
    assert held(snapshot, "team") == {(str(ana), "team:platform", "maintainer")}
    assert held(snapshot, "repo") == {(str(eve), "repo:web", "maintain")}
    assert (str(ana), "role:owner", None) in held(snapshot, "role")
    assert whole(snapshot) == ALL


def test_connections_longer_than_a_page_are_read_to_their_end(app: FakeOrganization) -> None:
    """Members of a team and collaborators of a repository that do not fit into the first answer are asked for after."""
    world = app.world
    team, web = world.add_team("everybody"), world.add_repository("web")
    people = [world.add_member(f"p{number}") for number in range(250)]
    world.teams[team].members = dict.fromkeys(people, "member")
    world.repositories[web].direct = dict.fromkeys(people, "push")
    snapshot = read(app)
    assert len(held(snapshot, "team")) == len(held(snapshot, "repo")) == 250
    assert whole(snapshot) == ALL
    assert app.reads.count("/graphql") == 3


def test_addresses_come_from_verified_domains(app: FakeOrganization) -> None:
    """The address of a verified domain is read; where none may be asked for, everything else is."""
    ana = app.world.add_member("ana", email="ana@acme.example")
    emails = {one.remote_id: one.email for one in read(app).accounts}
    assert emails[str(ana)] == "ana@acme.example"
    app.graphql.no_addresses = True
    snapshot = read(app)
    assert {one.email for one in snapshot.accounts} == {""}
    assert whole(snapshot) == ALL


def test_addresses_come_from_saml_where_it_is_said(app: FakeOrganization) -> None:
    """SAML's name identifiers are addresses; two different ones of a person are none."""
    ana, kim = app.world.add_member("ana"), app.world.add_member("kim", email="kim@elsewhere.example")
    app.graphql.saml = {ana: "ana@acme.example", kim: "KIM"}
    emails = {one.remote_id: one.email for one in read(app, emails="saml").accounts}
    assert (emails[str(ana)], emails[str(kim)]) == ("ana@acme.example", "")


def test_custom_roles_are_read_as_levels(app: FakeOrganization) -> None:
    """A role of the organization's own is the level of a team and of a person, where it is declared."""
    world = app.world
    web, team, ana = world.add_repository("web"), world.add_team("ops"), world.add_member("ana")
    world.repositories[web].direct[ana] = "Release Manager"
    world.teams[team].repositories[web] = "Release Manager"
    snapshot = read(app, custom_roles={"Release Manager": "push"})
    assert held(snapshot, "repo") == {
        (str(ana), "repo:web", "Release Manager"),
        ("team:ops", "repo:web", "Release Manager"),
    }
    assert whole(snapshot) == ALL
    assert ("team:ops", "repo:web", "push") in held(read(app), "repo")


@pytest.mark.parametrize("path", ["/outside_collaborators", "/orgs/acme/invitations"])
def test_a_forbidden_list_of_people_leaves_accounts_incomplete(app: FakeOrganization, path: str) -> None:
    """Where outside collaborators or invitations may not be listed, accounts are not whole, and teams are."""
    app.world.add_team("platform")
    app.forbidden_paths = {path}
    snapshot = read(app)
    assert "Resource not accessible" in snapshot.collections["accounts"].why
    assert whole(snapshot) == {
        "entitlements:role",
        "entitlements:team",
        "grants:team",
        "entitlements:repo",
        "grants:repo",
    }


def test_forbidden_invitations_to_a_repository_leave_it_unread(app: FakeOrganization) -> None:
    """Where a repository's invitations may not be listed, its own part is unread and the other repositories' is not."""
    app.world.add_repository("web")
    app.world.add_repository("api")
    app.forbidden_paths = {"/repos/acme/web/invitations"}
    snapshot = read(app, outside=["*"])
    assert snapshot.collections["grants:repo"].unread == {"repo:web"}


def test_teams_that_may_not_be_seen_are_told_in_github_s_words(app: FakeOrganization) -> None:
    """Members that may not be listed take their team with them: GitHub's reason is kept, and repositories are whole."""
    app.world.add_team("platform")
    app.graphql.forbidden = {"grants:team"}
    snapshot = read(app)
    assert "Resource not accessible" in snapshot.collections["entitlements:team"].why
    assert "entitlements:repo" in whole(snapshot)


def test_a_member_s_token_proves_nothing_about_teams(app: FakeOrganization) -> None:
    """GitHub hides secret teams from who is no owner, and counts what it shows: nothing is taken for whole then."""
    app.world.members[app.world.viewer] = "member"
    snapshot = read(app)
    assert "no owner" in snapshot.collections["entitlements:team"].why
    assert whole(snapshot) == {"accounts", "entitlements:role", "grants:role"}


def test_a_stranger_s_token_proves_nothing_at_all(app: FakeOrganization) -> None:
    """Of an organization that the token's account is not in, only what is public is shown."""
    app.world.viewer = app.world.add_user("stranger")
    snapshot = read(app)
    assert "no member" in snapshot.collections["accounts"].why
    assert whole(snapshot) == {"entitlements:role"}


def test_a_slow_query_is_asked_for_less(app: FakeOrganization) -> None:
    """Where GitHub runs out of time, pages become smaller until it answers, and everything is read."""
    for number in range(30):
        app.world.add_repository(f"r{number}")
        app.world.add_team(f"t{number}")
    app.graphql.slow_above = 15_000
    snapshot = read(app)
    assert whole(snapshot) == ALL
    assert len(snapshot.entitlements) == 61


def test_a_query_that_is_always_too_slow_ends_in_an_error(app: FakeOrganization) -> None:
    """Where not even one item is answered in time, the read fails and says so."""
    app.graphql.slow_above = 0
    with pytest.raises(ProviderError, match="Something went wrong while executing your query"):
        read(app)


def test_an_organization_that_is_not_there_is_an_error(app: FakeOrganization) -> None:
    """A wrong name is no empty organization."""
    with pytest.raises(ProviderError, match="the organization other cannot be read: Could not resolve"):
        read(app, organization="other")


def test_a_refused_token_is_an_error(app: FakeOrganization, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that GitHub does not know reads nothing, and is not repeated in the error."""
    monkeypatch.setenv("GITHUB_CANARY_TOKEN", "wrong-canary")
    with pytest.raises(ProviderError, match="Bad credentials") as caught:
        read(app)
    assert "wrong-canary" not in str(caught.value)


def test_a_read_takes_the_fewest_requests(app: FakeOrganization) -> None:
    """1,000 people, 200 teams and 2,000 repositories: 20 queries of 100 repositories, and two lists besides."""
    world = app.world
    people = [world.add_member(f"p{number}", email=f"p{number}@acme.example") for number in range(999)]
    repositories = [world.add_repository(f"r{number}") for number in range(2000)]
    for number in range(200):
        team = world.teams[world.add_team(f"t{number}")]
        team.members = dict.fromkeys(people[number * 5 : number * 5 + 5], "member")
        team.repositories = dict.fromkeys(repositories[number * 10 : number * 10 + 10], "push")
    for number in range(0, 2000, 20):
        world.repositories[repositories[number]].direct = {people[number % 999]: "admin"}
    snapshot = read(app)
    assert snapshot.requests == len(app.reads) == 22
    assert app.graphql.points < 200
    assert (len(snapshot.accounts), len(snapshot.entitlements)) == (1000, 2201)
    assert len(held(snapshot, "repo")) == 2100
    assert whole(snapshot) == ALL
