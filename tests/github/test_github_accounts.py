"""People are invited once, removed whole, and never taken for somebody who got their login."""

import pytest
from fake_organization import FakeOrganization
from github_driving import drive, grant, on_account, perform
from support.http_server import HttpServer

from providers.github.provider import GitHubProvider
from reconciler.provider.change import Change, Operation, Outcome, Receipt

pytestmark = pytest.mark.evidence(
    "github", against="our own fake", of="GitHub's GraphQL schema and OpenAPI description"
)

CREATE, UPDATE, SUSPEND = Operation.CREATE_ACCOUNT, Operation.UPDATE_ACCOUNT, Operation.SUSPEND_ACCOUNT


def after_reading(app: FakeOrganization, *changes: Change, **options: object) -> list[Receipt]:
    """Read, then perform changes one after the other, as an apply does."""

    async def work(provider: GitHubProvider, _: HttpServer) -> list[Receipt]:
        await provider.read()
        return [await provider.perform(change) for change in changes]

    found: list[Receipt] = drive(app, work, **options)
    return found


def outcomes(receipts: list[Receipt]) -> list[tuple[Outcome, str]]:
    """Return how changes ended, and the words."""
    return [(receipt.outcome, receipt.detail) for receipt in receipts]


def test_somebody_is_invited_once_under_their_own_number(app: FakeOrganization) -> None:
    """The receipt names the number of the account; a second invitation is none."""
    ana = app.world.add_user("ana")
    change = on_account(CREATE, "ana", after={"username": "Ana", "email": "ana@acme.example"})
    first, second = perform(app, change, change)
    assert (first.outcome, first.detail, first.remote_id) == (Outcome.DONE, "invited", str(ana))
    assert (second.outcome, second.detail) == (Outcome.DONE, "invited already; not accepted yet")
    assert app.writes == ["PUT /orgs/acme/memberships/ana"]


def test_a_login_that_nobody_has_is_told(app: FakeOrganization) -> None:
    """A typing error invites nobody."""
    (receipt,) = perform(app, on_account(CREATE, "ana", after={"username": "anna"}))
    assert outcomes([receipt]) == [(Outcome.FAILED, "GitHub has no account anna; correct `usernames` of ana")]


def test_an_address_is_invited_only_where_that_is_allowed(app: FakeOrganization) -> None:
    """Without a login an address may be invited, once, under the invitation's number."""
    change = on_account(CREATE, "noa", after={"username": "noa@acme.example", "email": "noa@acme.example"}, username="")
    (refused,) = perform(app, change)
    assert refused.outcome is Outcome.FAILED
    assert "declare `usernames` of noa" in refused.detail
    first, second = perform(app, change, change, invite_by_email=True)
    (number,) = app.world.invitations
    assert first.remote_id == second.remote_id == f"invitation/{number}"
    assert second.detail == "invited already; not accepted yet"


def test_a_lost_answer_to_an_invitation_by_address_is_looked_up(app: FakeOrganization) -> None:
    """The invitation landed though nobody said so: it is found, and not sent again."""
    app.losing = True
    change = on_account(CREATE, "noa", after={"username": "noa@acme.example", "email": "noa@acme.example"}, username="")
    (receipt,) = perform(app, change, invite_by_email=True)
    assert (receipt.outcome, receipt.detail) == (Outcome.DONE, "invited")
    assert len(app.world.invitations) == 1


def test_a_refused_invitation_fails_in_github_s_words(app: FakeOrganization) -> None:
    """Without seats nobody is invited."""
    app.world.add_user("ana")
    app.rest.seats = 0
    (receipt,) = perform(app, on_account(CREATE, "ana", after={"username": "ana"}))
    assert receipt.outcome is Outcome.FAILED
    assert "You have no seats left" in receipt.detail


def test_a_member_leaves_whole_and_what_they_alone_administer_is_told(app: FakeOrganization) -> None:
    """Membership, teams and repositories go in one request; the receipt lists what nobody else administers."""
    world = app.world
    sam, ana = world.add_member("sam"), world.add_member("ana")
    web, api = world.add_repository("web"), world.add_repository("api")
    ops, dev = world.add_team("ops"), world.add_team("dev")
    world.repositories[web].direct = {sam: "admin", ana: "push"}
    world.repositories[api].direct = {sam: "admin", ana: "admin"}
    world.teams[ops].members = {sam: "maintainer", ana: "member"}
    world.teams[dev].members = {sam: "maintainer", ana: "maintainer"}
    first, second = after_reading(app, on_account(SUSPEND, "sam", sam), on_account(SUSPEND, "sam", sam))
    assert (first.outcome, first.detail) == (
        Outcome.DONE,
        "administered alone (beside the owners): repo:web, team:ops",
    )
    assert second.outcome is Outcome.DONE
    assert sam not in world.members
    assert "DELETE /orgs/acme/memberships/sam" in app.writes


def test_a_renamed_leaver_is_removed_and_not_who_got_the_login(app: FakeOrganization) -> None:
    """The pinned number decides: the leaver goes under the new login, the stranger under the old one stays."""
    world = app.world
    sam = world.add_member("sam")
    world.users[sam] = "samuel"
    stranger = world.add_member("sam")
    (receipt,) = perform(app, on_account(SUSPEND, "sam", sam))
    assert receipt.outcome is Outcome.DONE
    assert sam not in world.members
    assert stranger in world.members


def test_an_invited_leaver_is_uninvited(app: FakeOrganization) -> None:
    """Invitations to the organization, of a person and of an address, are cancelled."""
    world = app.world
    sam = world.add_user("sam")
    world.invite(sam)
    mail = world.invite(email="noa@acme.example")
    changes = [on_account(SUSPEND, "sam", sam), on_account(SUSPEND, "noa", f"invitation/{mail}", username="")]
    receipts = after_reading(app, *changes, *changes)
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    assert world.invitations == {}


def test_an_outsider_leaves_all_repositories_and_their_invitations(app: FakeOrganization) -> None:
    """An outside collaborator loses every repository, and what they are only invited to."""
    world = app.world
    web, api = world.add_repository("web"), world.add_repository("api")
    eve = world.add_user("eve")
    world.repositories[web].direct[eve] = "push"
    world.repositories[api].invitations[77] = (eve, "pull")
    (receipt,) = after_reading(app, on_account(SUSPEND, "eve", eve), outside=["*"])
    assert receipt.outcome is Outcome.DONE
    assert world.outsiders() == []
    assert world.repositories[api].invitations == {}


def test_a_member_becomes_an_outsider_and_comes_back(app: FakeOrganization) -> None:
    """Converting keeps what the teams gave; the way back is an invitation."""
    world = app.world
    web, team, ana = world.add_repository("web"), world.add_team("platform"), world.add_member("ana")
    world.teams[team].members[ana] = "member"
    world.teams[team].repositories[web] = "push"
    out, back = ({"membership": "outside"}, {"membership": "member"})
    first, second = perform(app, on_account(UPDATE, "ana", ana, out), on_account(UPDATE, "ana", ana, out))
    assert (first.outcome, second.detail) == (Outcome.DONE, "no member already")
    assert world.outsiders() == [ana]
    (receipt,) = perform(app, on_account(UPDATE, "ana", ana, back))
    assert (receipt.outcome, receipt.detail) == (Outcome.DONE, "invited")
    assert world.invitation_of(ana) is not None


@pytest.mark.parametrize(
    ("account", "after", "words"),
    [
        ("1", {"username": "other"}, "changed by its holder"),
        ("invitation/7", {"membership": "outside"}, "only an invitation"),
        ("999", {"membership": "member"}, "no account with the id 999"),
        ("1", {"membership": "boss"}, "`member` or `outside`, not `boss`"),
    ],
)
def test_what_cannot_be_updated_says_why(
    app: FakeOrganization, account: str, after: dict[str, str], words: str
) -> None:
    """Logins are their holders'; invitations wait; who is gone stays gone."""
    (receipt,) = perform(app, on_account(UPDATE, "ana", account, after))
    assert receipt.outcome is Outcome.FAILED
    assert words in receipt.detail
    assert app.writes == []


def test_single_accounts_are_reread_by_their_numbers(app: FakeOrganization) -> None:
    """Members, outsiders and invitations are found singly, also under a new login; who is in nothing is None."""
    world = app.world
    web = world.add_repository("web")
    ana, eve, kim, mail = (
        world.add_member("ana"),
        world.add_user("eve"),
        world.add_user("kim"),
        world.invite(email="n@x.y"),
    )
    world.repositories[web].direct[eve] = "push"
    world.invite(kim)
    gone = world.add_user("gone")
    world.users[ana] = "ana-maria"

    async def work(provider: GitHubProvider, _: HttpServer) -> object:
        ids = [str(ana), str(eve), str(kim), str(gone), f"invitation/{mail}", "invitation/0", "999"]
        return await provider.reread(ids)

    found = drive(app, work)
    shown = [(one.username, str(one.status), one.attributes.get("membership")) if one else None for one in found]
    assert shown == [
        ("ana-maria", "active", "member"),
        ("eve", "active", "outside"),
        ("kim", "invited", "member"),
        None,
        ("", "invited", None),
        None,
        None,
    ]


def test_a_leaver_goes_even_where_nothing_can_be_read(app: FakeOrganization) -> None:
    """What they alone administer is then not known, and that is said; it is no reason to keep them."""
    sam = app.world.add_member("sam")
    app.graphql.slow_above = 0
    (receipt,) = perform(app, on_account(SUSPEND, "sam", sam))
    assert receipt.outcome is Outcome.DONE
    assert "could not be read" in receipt.detail
    assert sam not in app.world.members


def test_an_invited_address_gets_nothing_before_it_is_somebody(app: FakeOrganization) -> None:
    """A team cannot be given to an invitation: that is said, and nothing is sent."""
    team, mail = app.world.add_team("ops"), app.world.invite(email="noa@acme.example")
    ids = {"entitlement_id": f"team/{team}", "account_id": f"invitation/{mail}"}
    (receipt,) = perform(app, grant("noa", "team:ops", level="member", **ids))
    assert receipt.outcome is Outcome.FAILED
    assert "only invited, by address" in receipt.detail
    assert app.writes == []
