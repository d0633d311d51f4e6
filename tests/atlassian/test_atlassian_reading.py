"""Reading: every part whole or named as missing, in the least number of requests."""

from math import ceil
from typing import Any

import pytest
from atlassian_driving import both, open_provider, organization, read, site
from fake_atlassian import FakeAtlassian
from pydantic import ValidationError

from providers.atlassian.mapping import ProjectRole, name_all, roles_of
from reconciler.errors import ReconcilerError
from reconciler.provider.change import Operation
from reconciler.provider.snapshot import AccountStatus

pytestmark = pytest.mark.evidence("atlassian", against="our own fake", of="Jira's requests checked against jira.js")


def company(app: FakeAtlassian, people: int, groups: int, projects: int = 0, roles: int = 0) -> None:
    """Fill an organization; everybody is in one group, and each group in the first role of a project."""
    world = app.world
    users = [world.add_user(f"p{number}@acme.example") for number in range(people)]
    made = [world.add_group(f"g{number}", *users[number::groups]) for number in range(groups)]
    numbers = [world.add_role(f"role{number}") for number in range(roles)]
    for number in range(projects):
        project = world.add_project(f"P{number}")
        for role in numbers:
            world.act(project, role, user=users[number % people])
        world.act(project, numbers[0], group=made[number % groups])


def test_an_organization_of_a_thousand_takes_twelve_requests(app: FakeAtlassian) -> None:
    """A hundred users come in each with their groups: no request for a group's members."""
    company(app, people=1000, groups=200)
    snapshot = read(app, organization)
    assert snapshot.requests == len(app.log) == ceil(1000 / 100) + ceil(200 / 100)
    assert len(list(snapshot.grants())) == 1000
    assert all(each.complete and not each.unread for each in snapshot.collections.values())


def test_members_that_do_not_come_with_the_users_are_asked_for(app: FakeAtlassian) -> None:
    """A group counts more of them than were seen: nobody is taken for removed, and that group costs a request."""
    company(app, people=6, groups=2)
    world = app.world
    everybody = world.add_group("everybody", *world.users)
    app.directory.most_groups = 1
    snapshot = read(app, organization)
    assert snapshot.requests == 1 + 1 + 1
    assert (
        sorted(key for _, key, _ in snapshot.grants()) == ["group:everybody"] * 6 + ["group:g0"] * 3 + ["group:g1"] * 3
    )
    assert snapshot.collections["grants:group"].complete
    assert not snapshot.collections["grants:group"].unread
    assert list(world.members)[-1] == everybody


def test_project_roles_take_a_request_each(app: FakeAtlassian) -> None:
    """And the projects, the roles that there are, and whose token it is, one each."""
    company(app, people=150, groups=120, projects=7, roles=4)
    snapshot = read(app, both)
    assert snapshot.requests == len(app.log) == (2 + 2) + (1 + 1 + 1) + 7 * 4
    assert len(list(snapshot.grants())) == 150 + 7 * 4 + 7
    assert all(each.complete and not each.unread for each in snapshot.collections.values())


def test_a_site_alone_takes_a_request_for_each_group(app: FakeAtlassian) -> None:
    """Users come by the thousand until a page is empty, groups by 50, and 50 members of each in one."""
    company(app, people=1000, groups=200)
    snapshot = read(app, site, project_roles=False)
    assert snapshot.requests == len(app.log) == 2 + ceil(200 / 50) + 200
    assert len(list(snapshot.grants())) == 1000


def test_only_the_projects_that_are_named_are_read(app: FakeAtlassian) -> None:
    """A site may have thousands."""
    company(app, people=2, groups=1, projects=5, roles=2)
    snapshot = read(app, both, projects=["P1", "P3"])
    keys = {each.key for each in snapshot.entitlements if each.key.startswith("project-role")}
    assert keys == {f"project-role:{project}/role{role}" for project in ("P1", "P3") for role in (0, 1)}


def test_a_group_in_a_role_is_no_direct_grant_of_its_members(app: FakeAtlassian) -> None:
    """The group holds the role; who is in it has it by the group alone."""
    world = app.world
    ana, project, role = world.add_user("ana@acme.example"), world.add_project("ENG"), world.add_role("Developers")
    world.act(project, role, group=world.add_group("engineers", ana))
    for settings in (both, site):
        assert set(read(app, settings).grants()) == {
            (ana, "group:engineers", None),
            ("group:engineers", "project-role:ENG/Developers", None),
        }


@pytest.mark.parametrize(("tells_own", "requests"), [(True, 0), (False, 1)])
def test_a_project_that_its_team_manages_has_roles_of_its_own(
    app: FakeAtlassian, tells_own: bool, requests: int
) -> None:
    """And not those of all others; where the list of all roles lacks them, the project is asked. Apps' is nobody's."""
    app.jira.tells_own = tells_own
    world = app.world
    world.add_role("Developers")
    world.add_role("atlassian-addons-project-access")
    world.add_project("ENG")
    own = world.add_project("OWN", "Member", "atlassian-addons-project-access")
    world.act(own, world.role_ids("OWN/Member")[1], user=(ana := world.add_user("ana@acme.example")))
    found = read(app)
    assert {each.key for each in found.entitlements} == {"project-role:ENG/Developers", "project-role:OWN/Member"}
    assert list(found.grants()) == [(ana, "project-role:OWN/Member", None)]
    assert found.requests == 2 + 3 + requests + 2


def test_a_team_that_tells_its_roles_to_nobody_leaves_them_incomplete(app: FakeAtlassian) -> None:
    """Which roles there are is not known then; what to do is said."""
    eng, own, role = app.world.add_project("ENG"), app.world.add_project("OWN", "Member"), app.world.add_role("Dev")
    app.world.act(eng, role, user=app.world.add_user("ana@acme.example"))
    app.forbidden = [f"project/{own}/role"]
    found = read(app)
    assert not found.collections["entitlements:project-role"].complete
    assert "`projects` may name" in found.collections["grants:project-role"].why
    app.forbidden = []
    assert read(app, projects=["ENG"]).collections["grants:project-role"].complete


def test_a_role_that_cannot_be_read_is_unread(app: FakeAtlassian) -> None:
    """Jira answers 404 to who does not administer the project: who is in the role is unknown, and not nobody."""
    world = app.world
    eng, ops, role = world.add_project("ENG"), world.add_project("OPS"), world.add_role("Developers")
    world.act(eng, role, user=world.add_user("ana@acme.example"))
    app.forbidden = [f"project/{ops}/role/.*"]
    found = read(app)
    assert found.collections["grants:project-role"].complete
    assert found.collections["grants:project-role"].unread == {"project-role:OPS/Developers"}
    assert len(list(found.grants())) == 1


def test_each_api_is_complete_by_itself(app: FakeAtlassian) -> None:
    """Where the site refuses, the organization's accounts and groups are still read, and the other way round."""
    company(app, people=3, groups=1, projects=1, roles=1)
    app.forbidden = ["project/search"]
    found = read(app).collections
    assert found["accounts"].complete
    assert found["grants:group"].complete
    assert "403" in found["grants:project-role"].why
    app.forbidden = ["admin/.*"]
    found = read(app).collections
    assert not found["accounts"].complete
    assert found["entitlements:project-role"].complete
    assert found["grants:project-role"].unread == {"project-role:P0/role0"}


def test_nothing_at_all_is_an_error(app: FakeAtlassian) -> None:
    """In Atlassian's words."""
    app.forbidden = [".*"]
    with pytest.raises(ReconcilerError, match="do not have permission"):
        read(app)


def test_a_list_that_ends_too_early_is_cut_off(app: FakeAtlassian) -> None:
    """Jira tells how many there are."""
    company(app, people=60, groups=1)
    app.jira.cut = "grants:group"
    found = read(app, site).collections["grants:group"]
    assert not found.complete
    assert "ended after 50 of 60" in found.why


def test_an_address_that_is_hidden_is_told_and_not_guessed(app: FakeAtlassian) -> None:
    """Then the account id stands for a username, and no address matches anybody."""
    ana = app.world.add_user("ana@acme.example", shown=False)
    (account,) = read(app, site).accounts
    assert (account.username, account.email) == (ana, "")
    assert read(app, site).notes == [f"addresses are hidden; these accounts go by their account id as username: {ana}"]


def test_apps_and_customers_are_left_alone(app: FakeAtlassian) -> None:
    """They are in groups and roles, and nobody's accounts."""
    world = app.world
    bot, desk = world.add_user("", accountType="app"), world.add_user("x@y.example", accountType="customer")
    world.add_group("automation", bot, desk)
    for settings in (organization, site):
        found = read(app, settings)
        assert (found.accounts, list(found.grants())) == ([], [])
        assert found.notes == ["accounts of apps and of a service desk's customers are left alone: 2"]
        assert found.collections["grants:group"].complete


def test_who_is_in_a_role_and_not_in_the_directory_is_told(app: FakeAtlassian) -> None:
    """Somebody of another directory: not a grant that could be planned, and not silently dropped."""
    world = app.world
    world.add_user("ana@acme.example", membershipStatus="no_membership")
    world.act(world.add_project("ENG"), world.add_role("Developers"), user=next(iter(world.users)))
    assert read(app).notes == ["project-role:ENG/Developers is also held by 1 that is neither account nor group here"]


def test_groups_that_cannot_be_changed_are_told(app: FakeAtlassian) -> None:
    """Those of an identity provider, and those that Atlassian keeps to itself."""
    app.world.add_group("hr", externalSynced=True)
    app.world.add_group("sales", managedBy="external")
    app.world.add_group("system", managementAccess={"modifiable": False})
    assert read(app, organization).notes == [
        "group:system: Atlassian lets nobody change it by the API",
        "group:hr, group:sales: it is synced from an identity provider: change its members there",
    ]


def test_the_state_of_an_account_is_what_atlassian_says(app: FakeAtlassian) -> None:
    """Invited and not yet there, suspended in the directory, deactivated everywhere, about to be deleted, or active."""
    states: dict[str, dict[str, Any]] = {
        "active": {},
        "invited": {"emailVerified": False},
        "synced": {"emailVerified": False, "managementSource": "synced"},
        "suspended": {"membershipStatus": "suspended"},
        "deactivated": {"accountStatus": "inactive"},
        "closed": {"accountStatus": "closed"},
    }
    for name, state in states.items():
        app.world.add_user(name, **state)
    assert {each.email: each.status for each in read(app, organization).accounts} == {
        "active": AccountStatus.ACTIVE,
        "invited": AccountStatus.INVITED,
        "synced": AccountStatus.ACTIVE,
        "suspended": AccountStatus.SUSPENDED,
        "deactivated": AccountStatus.SUSPENDED,
    }


def test_the_only_directory_is_found_and_of_several_one_is_named(app: FakeAtlassian) -> None:
    """Nothing is read of the wrong one."""
    app.world.add_user("ana@acme.example")
    assert len(read(app, organization, directory=None).accounts) == 1
    assert [path.rpartition("/")[2] for _, path in app.log].count("directories") == 1
    app.directory.directories.append("other")
    with pytest.raises(ReconcilerError, match=r"2 directories: 5d1e-directory .*, other .*; say which as `directory`"):
        read(app, organization, directory=None)


def test_the_tools_own_account_is_known(app: FakeAtlassian) -> None:
    """So that it never takes its own access."""
    app.jira.me = app.world.add_user("robot@acme.example")
    assert read(app).own_account == app.jira.me


def test_names_that_tell_too_little_give_way_to_ids() -> None:
    """Two of one name are told apart by their ids."""
    assert name_all([("1", "Sales"), ("2", "sales"), ("3", "")]) == {"1": "1", "2": "2", "3": "3"}


def test_a_role_is_pinned_by_numbers_alone() -> None:
    """Nothing else becomes a part of a path."""
    assert ProjectRole.parse("10/20") == ProjectRole("10", "20")
    assert [ProjectRole.parse(text) for text in ("10", "ENG/20", "10/../20", "10/20/", "1\u0660/2")] == [None] * 5
    assert roles_of({"id": 1, "key": "ENG"}, [{"id": 2, "name": "Dev"}]) == {ProjectRole("1", "2"): "ENG/Dev"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "an `organization`, a `site`, or both"),
        ({"organization": "x"}, "`organization` and `api_key`"),
        ({"site": "https://x", "email": "a@b"}, "`site`, `email` and `api_token`"),
        (
            {"site": "https://x", "email": "a@b", "api_token": {"env": "X"}, "directory": "y"},
            "need an `organization`",
        ),
    ],
)
def test_a_configuration_that_cannot_work_is_told(settings: dict[str, Any], words: str) -> None:
    """Before anything is asked."""
    with pytest.raises(ValidationError, match=words):
        open_provider(settings)


def test_a_site_alone_says_what_it_cannot() -> None:
    """And what to give for it."""
    able = open_provider(site("http://127.0.0.1:1")).capabilities
    assert "give an `organization`" in able.ability(Operation.SUSPEND_ACCOUNT, "accounts").why
    invites = open_provider(organization("http://127.0.0.1:1", starts_with={})).capabilities
    assert "starts_with" in invites.ability(Operation.CREATE_ACCOUNT, "accounts").why
