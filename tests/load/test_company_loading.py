"""What people write becomes the model."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from conftest import Repository

from reconciler.model.access import Wanted
from reconciler.model.apps import Manage, OnDrift
from reconciler.model.policies import Limit
from reconciler.problems import Place

EVERYTHING = """\
people:
  ana:
    name: Ana Ruiz
    email: ana@acme.example
    type: contractor            # a remark
    given_name: Ana
    family_name: Ruiz
    title: Designer
    department: Engineering
    manager: omar
    start: 2026-02-01
    last_day: 2026-08-31
    usernames: {github: anaruiz}
    attributes: {location: Berlin, languages: [de, es], level: 3, remote: true, badge: "007"}
  omar: {name: Omar Naji}
service_accounts:
  ci-bot: {owner: omar, email: ci@acme.example, name: CI, review_by: 2026-12-01, usernames: {github: acme-ci}}
---
groups:
  engineering: {where: {department: Engineering, location: [Berlin, Madrid]}}
  seniors: {where: "level >= 3"}
  platform: {people: [omar], service_accounts: [ci-bot], groups: [engineering], except: [ana]}
---
roles:
  engineer:
    description: Whoever builds.
    to: {groups: [engineering], except: [omar]}
    grants:
      slack: [channel:eng]
      github: [team:engineers, {repo:web: write}, {project: WEB/1, role: developer}, {role: admin}]
grants:
  - to: {people: [ana], service_accounts: [ci-bot]}
    grants: {figma: []}
    start: 2026-03-01
    until: 2026-03-31 18:00 Europe/Berlin
    reason: Design-system migration (IT-412)
  - to: {entitlements: [github/team:engineers]}
    grants: {github: [{repo:api: read}]}
  - to: everyone
    grants:
      slack:
"""

APPS = """\
apps:
  slack:
    owner: omar
    deputy: ana
    description: Chat.
    route:
      - file: {path: slack.csv}
      - ticket: {via: directory, directory: tickets}
    manage: {default: declared, team: everything, accounts: observe}
    drift: correct
    accounts:
      attributes: {displayName: "{{ person.name }}", external: false}
      match: username
      to: {groups: [seniors]}
    entitlements:
      channel:eng: {formerly: [channel:engineering]}
      role:admin: {privileged: true, approvers: [owner, platform], levels: [low, high]}
      license:pro: {price: 12.50 EUR/month}
    leaver: [end_sessions, suspend, transfer_files: {to: manager}, remove_licenses]
    delete_after: 30d
  github: {owner: omar}
  figma: {owner: omar}
"""

POLICIES = """\
policies:
  never_together:
    pay-yourself: [github/role:create, github/role:approve]
  protected: {people: [ci-bot], accounts: [github/acme-root], entitlements: [github/role:owner]}
  limits: {leavers: 2 or 5%, removals_per_app: 10%, minimum_admins: 1}
"""


@pytest.fixture
def full(repository: Repository) -> Repository:
    """Return a repository that uses every key there is."""
    repository.write("reconciler.yaml", "organization: Acme\ntimezone: Europe/Berlin\n")
    return repository.write("company.yaml", EVERYTHING).write("apps/all.yml", APPS).write("policies.yaml", POLICIES)


def test_every_key_of_a_person_arrives(full: Repository) -> None:
    """Texts, dates, usernames and attributes are what was written, with the place of the id."""
    ana = full.company().people["ana"]
    assert (ana.name, ana.email, ana.type, ana.title) == ("Ana Ruiz", "ana@acme.example", "contractor", "Designer")
    assert (ana.given_name, ana.family_name, ana.department, ana.manager) == ("Ana", "Ruiz", "Engineering", "omar")
    assert (ana.start, ana.last_day) == (date(2026, 2, 1), date(2026, 8, 31))
    assert ana.usernames == {"github": "anaruiz"}
    assert ana.attributes == {
        "location": "Berlin",
        "languages": ("de", "es"),
        "level": 3,
        "remote": True,
        "badge": "007",
    }
    assert ana.place == Place("company.yaml", 2, 3)


def test_service_accounts_and_groups_arrive(full: Repository) -> None:
    """Owners, reviews, rules in both forms, nesting and exceptions."""
    company = full.company()
    bot = company.service_accounts["ci-bot"]
    assert (bot.owner, bot.review_by, bot.usernames) == ("omar", date(2026, 12, 1), {"github": "acme-ci"})
    assert company.groups["engineering"].where == {"department": "Engineering", "location": ("Berlin", "Madrid")}
    assert company.groups["seniors"].expression == "level >= 3"
    platform = company.groups["platform"]
    assert (platform.people, platform.groups, platform.excluded) == (("omar",), ("engineering",), ("ana",))
    assert platform.service_accounts == ("ci-bot",)


def test_entitlements_are_written_in_four_ways(full: Repository) -> None:
    """A text, a text with a level, a kind with its name and a level, a kind with its name; each knows its line."""
    role = full.company().roles["engineer"]
    github = role.grants["github"]
    assert github.wanted == (
        Wanted("team:engineers"),
        Wanted("repo:web", "write"),
        Wanted("project:WEB/1", "developer"),
        Wanted("role:admin"),
    )
    assert github.place_of(2) == Place("company.yaml", 30)
    assert role.to.excluded == ("omar",)
    assert role.description == "Whoever builds."


def test_grants_have_a_beginning_and_an_end_in_utc(full: Repository) -> None:
    """A bare date is the organization's; a named zone is its own."""
    first = full.company().grants[0]
    assert first.start == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert first.until == datetime(2026, 3, 31, 16, tzinfo=UTC)
    assert first.grants["figma"].wanted == ()
    assert first.reason == "Design-system migration (IT-412)"


def test_recipients_are_lists_entitlements_or_everyone(full: Repository) -> None:
    """Another entitlement can hold one, and `everyone` is everybody; an app without a list is an account."""
    _, second, third = full.company().grants
    assert second.to.entitlements == ("github/team:engineers",)
    assert second.grants["github"].wanted == (Wanted("repo:api", "read"),)
    assert third.to.everyone
    assert third.grants["slack"].wanted == ()


def test_every_key_of_an_app_arrives(full: Repository) -> None:
    """Route, management by kind, account rules, entitlements, leaver steps, grace."""
    slack = full.company().apps["slack"]
    assert [way.provider for way in slack.route] == ["file", "ticket"]
    assert slack.route[0].config == {"path": "slack.csv"}
    assert slack.route[1].place == Place("apps/all.yml", 8, 9)
    assert (slack.manages("team"), slack.manages("accounts")) == (Manage.EVERYTHING, Manage.OBSERVE)
    assert slack.manages("role") is Manage.DECLARED
    assert slack.drift is OnDrift.CORRECT
    assert slack.accounts.attributes == {"displayName": "{{ person.name }}", "external": False}
    assert slack.accounts.to is not None
    assert (slack.accounts.match, slack.accounts.to.groups) == ("username", ("seniors",))
    assert slack.entitlements["channel:eng"].formerly == ("channel:engineering",)
    assert slack.entitlements["role:admin"].levels == ("low", "high")
    assert slack.entitlements["license:pro"].price == "12.50 EUR/month"
    assert slack.entitlements["license:pro"].place == Place("apps/all.yml", 18, 7)
    assert [step.name for step in slack.leaver] == ["end_sessions", "suspend", "transfer_files", "remove_licenses"]
    assert slack.leaver[2].options == {"to": "manager"}
    assert slack.delete_after == timedelta(days=30)
    assert (slack.owner, slack.deputy, slack.description) == ("omar", "ana", "Chat.")


def test_what_is_not_written_of_an_app_has_safe_defaults(full: Repository) -> None:
    """An app with an owner only is managed as declared, suspends leavers and deletes nobody."""
    figma = full.company().apps["figma"]
    assert (figma.manage, figma.drift, figma.delete_after) == (Manage.DECLARED, OnDrift.REPORT, None)
    assert [step.name for step in figma.leaver] == ["end_sessions", "suspend"]


def test_policies_arrive(full: Repository) -> None:
    """What may never be together, what is protected, and the limits."""
    policies = full.company().policies
    together = policies.never_together["pay-yourself"]
    assert together.entitlements == ("github/role:create", "github/role:approve")
    assert together.place == Place("policies.yaml", 3, 5)
    assert policies.protected.people == {"ci-bot"}
    assert policies.protected.accounts == {"github/acme-root"}
    assert policies.protected.entitlements == {"github/role:owner"}
    assert policies.limits.leavers == Limit(2, 0.05)
    assert policies.limits.removals_per_app == Limit(0, 0.1)
    assert policies.limits.minimum_admins == 1


def test_a_limit_that_is_not_written_keeps_its_default(acme: Repository) -> None:
    """Naming one limit does not lift the others."""
    limits = acme.write("policies.yaml", "policies: {limits: {leavers: 7}}").company().policies.limits
    assert limits.leavers == Limit(7)
    assert limits.removals_per_app == Limit(5, 0.1)


def test_an_empty_folder_is_an_empty_company(repository: Repository) -> None:
    """Nothing has to exist."""
    company = repository.company()
    assert not company.people
    assert company.settings.timezone == "UTC"


def test_empty_files_and_sections_are_fine(acme: Repository) -> None:
    """A file of comments, a section that was emptied, a document without anything."""
    acme.write("a.yaml", "").write("b.yaml", "# nothing yet\n").write("c.yaml", "groups:\nroles: {}\ngrants: []\n---\n")
    assert not acme.company().groups


def test_sections_may_stand_in_any_file_folder_and_document(acme: Repository) -> None:
    """People in three files of different depth, one of them with two documents."""
    acme.write("hr/berlin/people.yml", "people: {kim: {name: Kim}}\n---\npeople: {lee: {name: Lee}}\n")
    assert set(acme.company().people) == {"ana", "omar", "kim", "lee"}


def test_a_single_name_needs_no_list(acme: Repository) -> None:
    """`people: ana` means `people: [ana]`."""
    acme.write("groups.yaml", "groups: {one: {people: ana}}")
    assert acme.company().groups["one"].people == ("ana",)


def test_equal_wording_is_one_object(acme: Repository) -> None:
    """A million equal entitlements cost a million pointers, not a million objects."""
    block = "  - {to: {people: [ana]}, grants: {github: [team:a, team:b]}}\n"
    acme.write("one.yaml", "grants:\n" + block).write("two.yaml", "grants:\n" + block * 2)
    lists = [grant.grants["github"].wanted for grant in acme.company().grants]
    assert all(mine is theirs for wanted in lists for mine, theirs in zip(wanted, lists[0], strict=True))
    assert lists[1] is lists[2]


def test_the_digest_follows_every_byte_and_every_path(acme: Repository) -> None:
    """A comment changes it, a moved file changes it, loading again does not."""
    before = acme.company().digest
    assert acme.company().digest == before
    people = (acme.root / "people.yaml").read_text()
    commented = acme.write("people.yaml", people + "# a remark\n").company().digest
    (acme.root / "people.yaml").rename(acme.root / "persons.yaml")
    moved = acme.company().digest
    settings = acme.write("reconciler.yaml", "organization: Acme\n").company().digest
    assert len({before, commented, moved, settings}) == 4
