"""Everything that is wrong is told in one run, with its place, in words that help."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from conftest import Repository

TOLD = {
    "an unknown key of a person": (
        "people: {kim: {name: Kim, emial: k@x.y}}",
        'more.yaml:1:27: error: person kim has no key "emial"\n    did you mean "email"?',
    ),
    "a key that is called otherwise": (
        "people: {kim: {name: Kim, end_date: 2026-01-01}}",
        'more.yaml:1:27: error: person kim has no key "end_date"\n    write "last_day"',
    ),
    "an id that is an address": (
        "people: {kim@acme.example: {name: Kim}}",
        (
            'more.yaml:1:10: error: the id "kim@acme.example" is an email address\n'
            "    addresses change, ids never do: write a short name and email: …"
        ),
    ),
    "an id with a slash": (
        "people: {a/b: {name: Kim}}",
        (
            'more.yaml:1:10: error: the id "a/b" holds white space, `:`, `@` or `/`\n'
            "    use letters, digits, dots and dashes: it is what everything else refers to"
        ),
    ),
    "a person without a name": (
        "people: {kim: {email: k@x.y}}",
        "more.yaml:1:10: error: person kim has no name\n    write name: and the full name",
    ),
    "a person of another type": (
        "people: {kim: {name: Kim, type: employe}}",
        'more.yaml:1:33: error: type is employee or contractor, not "employe"\n    did you mean "employee"?',
    ),
    "a contractor without a last day": (
        "people: {kim: {name: Kim, type: contractor}}",
        "more.yaml:1:10: error: contractor kim has no last day\n    write last_day: 2026-12-31; it can be moved later",
    ),
    "a last day before the start": (
        "people: {kim: {name: Kim, start: 2026-02-01, last_day: 2026-01-31}}",
        "more.yaml:1:56: error: the last day of kim is before the start\n    correct one of the two",
    ),
    "a date that is none": (
        "people: {kim: {name: Kim, start: 2026-02-30}}",
        'more.yaml:1:34: error: start is a date that exists, not "2026-02-30"',
    ),
    "an address that is none": (
        "people: {kim: {name: Kim, email: kim}}",
        'more.yaml:1:34: error: "kim" is no email address\n    write it like ana@acme.example',
    ),
    "a list where text stands": (
        "people: {kim: {name: Kim, title: [a]}}",
        "more.yaml:1:34: error: title is text, not a list",
    ),
    "an attribute called like a field": (
        "people: {kim: {name: Kim, attributes: {department: x}}}",
        (
            "more.yaml:1:40: error: an attribute cannot be called department\n"
            "    write department beside attributes, not inside"
        ),
    ),
    "a manager whom nobody knows": (
        "people: {kim: {name: Kim, manager: omra}}",
        'more.yaml:1:36: error: no person is called "omra"\n    did you mean "omar"?',
    ),
    "managers in a circle": (
        "people:\n  kim: {name: Kim, manager: lee}\n  lee: {name: Lee, manager: kim}",
        "more.yaml:2:29: error: managers go round in a circle: kim → lee → kim\n    correct one of them",
    ),
    "one's own manager": (
        "people: {kim: {name: Kim, manager: kim}}",
        "more.yaml:1:36: error: managers go round in a circle: kim → kim\n    correct one of them",
    ),
    "the id of a person": (
        "service_accounts: {ana: {owner: omar}}",
        (
            "more.yaml:1:20: error: service account ana has the id of a person (people.yaml:2:3)\n"
            "    ids are unique over both: rename one"
        ),
    ),
    "a service account without an owner": (
        "service_accounts: {bot: {}}",
        (
            "more.yaml:1:20: error: service account bot has no owner\n"
            "    write owner: The id of the person who answers for it."
        ),
    ),
    "an owner whom nobody knows": (
        "service_accounts: {bot: {owner: annna}}",
        'more.yaml:1:33: error: no person is called "annna"\n    did you mean "ana"?',
    ),
    "an app in usernames that nobody knows": (
        "people: {kim: {name: Kim, usernames: {gitbuh: x}}}",
        'more.yaml:1:47: error: no app is called "gitbuh"\n    did you mean "github"?',
    ),
    "a rule that matches everybody": (
        "groups: {all: {where: {}}}",
        (
            "more.yaml:1:23: error: where is empty: it would match everybody\n"
            "    write {department: Engineering}; for all people, write to: everyone instead of a group"
        ),
    ),
    "a rule over what nobody has": (
        "groups: {all: {where: {departmnt: x}}}",
        'more.yaml:1:35: error: nobody has an attribute "departmnt"\n    did you mean "department"?',
    ),
    "an expression over what nobody has": (
        "groups: {all: {where: \"locatoin == 'Berlin'\"}}",
        'more.yaml:1:23: error: nobody has an attribute "locatoin"\n    did you mean "location"?',
    ),
    "groups in a circle": (
        "groups:\n  a: {groups: [b]}\n  b: {groups: [c]}\n  c: {groups: [a]}",
        "more.yaml:2:16: error: groups contain each other: a → b → c → a\n    take one of them out",
    ),
    "a group that nobody knows": (
        "groups: {a: {groups: [engineering]}, engineers: {people: [ana]}}",
        'more.yaml:1:23: error: no group is called "engineering"\n    did you mean "engineers"?',
    ),
    "an exception whom nobody knows": (
        "groups: {a: {people: [ana], except: [oma]}}",
        'more.yaml:1:38: error: no person or service account is called "oma"\n    did you mean "omar"?',
    ),
    "members that are called otherwise": (
        "groups: {a: {members: [ana]}}",
        'more.yaml:1:14: error: group a has no key "members"\n    write "people"',
    ),
    "an entitlement without a kind": (
        "roles: {r: {to: everyone, grants: {github: [platform]}}}",
        'more.yaml:1:45: error: "platform" is no entitlement\n    say its kind too, like team:platform',
    ),
    "an entitlement with too much": (
        "roles: {r: {to: everyone, grants: {github: [{repo: web, colour: red}]}}}",
        (
            'more.yaml:1:57: error: an entitlement has no key "colour"\n'
            "    after repo comes at most one of: level, role, permission, access"
        ),
    ),
    "a role without recipients": (
        "roles: {r: {grants: {github: [team:a]}}}",
        (
            "more.yaml:1:9: error: role r has no to\n"
            "    write to: Who gets it: {groups: [engineering]}, {people: [ana]} or everyone."
        ),
    ),
    "an app that nobody knows": (
        "roles: {r: {to: everyone, grants: {githbu: [team:a]}}}",
        'more.yaml:1:36: error: no app is called "githbu"\n    did you mean "github"?',
    ),
    "recipients outside to": (
        "grants: [{people: [ana], to: everyone, grants: {github: [team:a]}}]",
        'more.yaml:1:11: error: grant has no key "people"\n    write it inside "to"',
    ),
    "a service account among people": (
        "service_accounts: {bot: {owner: ana}}\ngrants: [{to: {people: [bot]}, grants: {github: [team:a]}}]",
        "more.yaml:2:25: error: bot is a service account, not a person\n    list it under service_accounts",
    ),
    "an entitlement of another app as recipient": (
        "grants: [{to: {entitlements: [github/team:a]}, grants: {slack: [channel:b]}}]",
        (
            "more.yaml:1:31: error: github/team:a can hold entitlements of github only\n"
            "    put the other apps into a block of their own"
        ),
    ),
    "an entitlement that holds itself": (
        "grants: [{to: {entitlements: [github/team:a]}, grants: {github: [team:a]}}]",
        "more.yaml:1:31: error: github/team:a would hold itself\n    remove it on one side",
    ),
    "an end that is none": (
        "grants: [{to: everyone, grants: {slack: []}, until: next week}]",
        (
            "more.yaml:1:53: error: until is a date (2026-03-31) or a time (2026-03-31 18:00, 2026-03-31 18:00 "
            'Europe/Berlin), not "next week"'
        ),
    ),
    "an end before the beginning": (
        "grants: [{to: everyone, grants: {slack: []}, start: 2026-07-01, until: 2026-06-01}]",
        "more.yaml:1:72: error: this grant ends before it begins\n    correct until or start",
    ),
    "people as a list": (
        "people: [{name: Kim}]",
        "more.yaml:1:10: error: people is a mapping of names: write `name:` before each",
    ),
    "grants as a mapping": (
        "grants: {a: {to: everyone}}",
        "more.yaml:1:10: error: grants is a list: begin each with `- to:`",
    ),
    "apps in the wrong file": (
        "apps: {jira: {owner: ana}}",
        (
            "more.yaml:1:1: error: apps may not be written in this file\n"
            "    move it to apps.yaml or apps, or change paths.apps in reconciler.yaml"
        ),
    ),
    "a key twice": (
        "people:\n  kim: {name: Kim}\n  kim: {name: Kim}",
        'more.yaml:3:3: error: "kim" is written twice, first at more.yaml:2:3\n    remove one of them',
    ),
    "a key twice inside an entry": (
        "people:\n  kim:\n    name: Kim\n    title: A\n    title: B",
        'more.yaml:5:5: error: "title" is written twice, first at more.yaml:4:5\n    remove one of them',
    ),
    "a key twice in a free mapping": (
        "people: {kim: {name: Kim, attributes: {a: 1, 'a': 2}}}",
        'more.yaml:1:46: error: "a" is written twice, first at more.yaml:1:40\n    remove one of them',
    ),
    "a section twice": (
        "groups: {a: {people: [ana]}}\ngroups: {b: {people: [ana]}}",
        'more.yaml:2:1: error: "groups" is written twice, first at more.yaml:1:1\n    remove one of them',
    ),
    "a merge key": (
        "people: {kim: {<<: {title: x}, name: Kim}}",
        "more.yaml:1:16: error: merge keys (<<) are no part of YAML 1.2\n    write the keys out",
    ),
    "a person in two files": (
        "people: {ana: {name: Ana}}",
        (
            "people.yaml:2:3: error: person ana is defined twice, first at more.yaml:1:10\n"
            "    remove or rename one of them"
        ),
    ),
    "a person in two documents": (
        "people: {kim: {name: Kim}}\n---\npeople: {kim: {name: Kim}}",
        "more.yaml:3:10: error: person kim is defined twice, first at more.yaml:1:10\n    remove or rename one of them",
    ),
}


@pytest.mark.parametrize(("text", "told"), TOLD.values(), ids=TOLD.keys())
def test_a_mistake_is_told_with_its_place_and_what_to_do(acme: Repository, text: str, told: str) -> None:
    """One mistake gives one problem, at the place of the wrong value."""
    assert acme.write("more.yaml", text).problem() == told


def test_an_unknown_section_is_told(acme: Repository) -> None:
    """With what was meant, or with what may be done about a file that is not ours."""
    acme.write("more.yaml", "peeple: {kim: {}}").write("mkdocs.yaml", "nav: {}\n")
    first, second = acme.problems()
    assert first.startswith(
        'mkdocs.yaml:1:1: error: no section is called "nav"\n    there are: people, service_accounts'
    )
    assert first.endswith("goes under `ignore` in reconciler.yaml")
    assert second == 'more.yaml:1:1: error: no section is called "peeple"\n    did you mean "people"?'


def test_an_address_of_two_people_names_both(acme: Repository) -> None:
    """Ignoring case: accounts are matched by it."""
    acme.write("more.yaml", "people: {kim: {name: Kim, email: ANA@acme.example}}")
    told = acme.problem()
    assert "same address as" in told
    assert "more.yaml:1" in told
    assert "people.yaml:2" in told


def test_a_username_of_two_people_names_both(acme: Repository) -> None:
    """In one app, ignoring case."""
    acme.write(
        "more.yaml", "people:\n  kim: {name: Kim, usernames: {github: x}}\n  lee: {name: Lee, usernames: {github: X}}"
    )
    assert acme.problem() == (
        "more.yaml:3:40: error: lee has the same username in github as kim (more.yaml:2:3)\n    correct one of them"
    )


APP = {
    "no owner": ("jira: {}", "apps/jira.yaml:1:8: error: app jira has no owner"),
    "an owner whom nobody knows": (
        "jira: {owner: anna}",
        'apps/jira.yaml:1:22: error: no person is called "anna"\n    did you mean "ana"?',
    ),
    "an unknown provider": (
        "jira: {owner: ana, route: [{fiel: {path: x.csv}}]}",
        'apps/jira.yaml:1:36: error: no provider is called "fiel"\n    did you mean "file"?',
    ),
    "a configuration that its provider refuses": (
        "jira: {owner: ana, route: [{file: {path: x.csv, colums: {}}}]}",
        "apps/jira.yaml:1:56: error: file.colums: unknown key `colums`; did you mean `columns`?",
    ),
    "a way with two keys": (
        "jira: {owner: ana, route: [{file: {path: x.csv}, ticket: {}}]}",
        (
            "apps/jira.yaml:1:35: error: a way is one provider with its configuration\n"
            "    write it as a list element: - scim: {url: …}"
        ),
    ),
    "management that is none": (
        "jira: {owner: ana, manage: {team: everthing}}",
        (
            'apps/jira.yaml:1:42: error: manage.team is observe, declared or everything, not "everthing"\n'
            '    did you mean "everything"?'
        ),
    ),
    "a step that is none": (
        "jira: {owner: ana, leaver: [transfer_file: {to: manager}]}",
        'apps/jira.yaml:1:36: error: "transfer_file" is no step for leavers\n    did you mean "transfer_files"?',
    ),
    "a grace that is none": (
        "jira: {owner: ana, delete_after: a month}",
        (
            "apps/jira.yaml:1:41: error: delete_after is a number of days, weeks or hours like 30d, 2w or 12h, "
            'not "a month"'
        ),
    ),
    "a truth that is none": (
        "jira: {owner: ana, entitlements: {role:a: {privileged: yes}}}",
        'apps/jira.yaml:1:63: error: privileged is true or false, not "yes"\n    write true or false, without quotes',
    ),
    "an approver whom nobody knows": (
        "jira: {owner: ana, entitlements: {role:a: {approvers: [owner, boss]}}}",
        'apps/jira.yaml:1:70: error: no group is called "boss"\n    define the group, or correct the name',
    ),
    "a rename to another kind": (
        "jira: {owner: ana, entitlements: {role:a: {formerly: [team:a]}}}",
        "apps/jira.yaml:1:62: error: team:a is of another kind than role:a\n    a rename keeps it",
    ),
    "a rename of what is declared": (
        "jira: {owner: ana, entitlements: {role:a: {formerly: role:b}, role:b: }}",
        "apps/jira.yaml:1:61: error: role:b is declared itself\n    remove it on one side",
    ),
    "two renames of one": (
        "jira: {owner: ana, entitlements: {role:a: {formerly: role:c}, role:b: {formerly: role:c}}}",
        (
            "apps/jira.yaml:1:89: error: role:c was formerly both role:a and role:b\n"
            "    it can only have become one of them"
        ),
    ),
    "a price that is none": (
        "jira: {owner: ana, entitlements: {role:a: {price: cheap}}}",
        'apps/jira.yaml:1:58: error: price is written like 12.50 EUR/month, not "cheap"',
    ),
    "a template over what nobody has": (
        'jira: {owner: ana, accounts: {attributes: {a: x, b: "{{ person.titel }}"}}}',
        'apps/jira.yaml:1:60: error: nobody has an attribute "titel"\n    did you mean "title"?',
    ),
}


@pytest.mark.parametrize(("text", "told"), APP.values(), ids=APP.keys())
def test_a_mistake_in_an_app_is_told(acme: Repository, text: str, told: str) -> None:
    """One mistake in an app gives one problem, at the place of the wrong value."""
    acme.write("apps/jira.yaml", f"apps: {{{text}}}")
    assert acme.problem().startswith(told)


POLICY = {
    "an unknown policy": (
        "limit: {leavers: 3}",
        'policies.yaml:1:12: error: policies has no key "limit"\n    did you mean "limits"?',
    ),
    "an unknown limit": (
        "limits: {leaver: 3}",
        'policies.yaml:1:21: error: limits has no key "leaver"\n    did you mean "leavers"?',
    ),
    "a limit that is none": (
        "limits: {leavers: 3 and 1%}",
        'policies.yaml:1:30: error: leavers is a limit like 5, 10% or 5 or 10%, not "3 and 1%"',
    ),
    "a limit above everything": (
        "limits: {leavers: 101%}",
        'policies.yaml:1:30: error: leavers is a limit like 5, 10% or 5 or 10%, not "101%"',
    ),
    "a protected person whom nobody knows": (
        "protected: {people: [anna]}",
        'policies.yaml:1:33: error: no person or service account is called "anna"\n    did you mean "ana"?',
    ),
    "a protected account without an app": (
        "protected: {accounts: [acme-root]}",
        'policies.yaml:1:35: error: "acme-root" is no account of an app\n    write app/username',
    ),
    "a protected entitlement of an unknown app": (
        "protected: {entitlements: [gihtub/role:owner]}",
        'policies.yaml:1:39: error: no app is called "gihtub"\n    did you mean "github"?',
    ),
    "a pair of one": (
        "never_together: {x: [github/role:a]}",
        "policies.yaml:1:29: error: never_together x names fewer than two entitlements\n    name at least two",
    ),
    "a pair that is no entitlement": (
        "never_together: {x: [github/role:a, role:b]}",
        'policies.yaml:1:48: error: "role:b" is no entitlement of an app\n    write app/kind:name',
    ),
}


@pytest.mark.parametrize(("text", "told"), POLICY.values(), ids=POLICY.keys())
def test_a_mistake_in_a_policy_is_told(acme: Repository, text: str, told: str) -> None:
    """A guard that guards nothing is an error."""
    assert acme.write("policies.yaml", f"policies: {{{text}}}").problem() == told


def test_policies_in_two_files_name_both_places(acme: Repository) -> None:
    """The second definition of a guard is an error, not a silent override."""
    acme.write("policies/a.yaml", "policies: {limits: {leavers: 1}}")
    acme.write("policies/b.yaml", "policies: {limits: {leavers: 100}}")
    assert acme.problem() == (
        "policies/b.yaml:1:12: error: policies.limits is defined twice, first at policies/a.yaml:1:12\n"
        "    remove or rename one of them"
    )


def test_everything_is_told_in_one_run(acme: Repository) -> None:
    """Mistakes of all sorts in several files, sorted by place, beside the settings' own."""
    acme.write("reconciler.yaml", "timezon: UTC\n")
    acme.write("a.yaml", "people: {kim: {nam: Kim}}\ngroups: {g: {people: [nobody]}}\n")
    acme.write("b.yaml", "roles: [\n")
    acme.write("c.yaml", "groups: {g: {people: [ana]}}\n")
    told = acme.problems()
    assert [line.split(" error: ")[0] for line in told] == [
        "a.yaml:1:10:",
        "a.yaml:1:16:",
        "b.yaml:2:1:",
        "c.yaml:1:10:",
        "reconciler.yaml:1:1:",
    ]


def test_names_are_not_called_unknown_while_a_file_cannot_be_read(acme: Repository) -> None:
    """The file that cannot be read may define them: one mistake is not told a thousand times."""
    acme.write("groups.yaml", "groups: {g: {people: [kim]}}").write("kim.yaml", "people:\n\tkim: {name: Kim}\n")
    assert acme.problem().startswith("kim.yaml:2:1: error: not valid YAML")


LATE = datetime(2030, 1, 1, tzinfo=UTC)


def test_time_alone_only_warns(acme: Repository) -> None:
    """Expired grants, reviews that are due and owners who have left never break a repository."""
    acme.write(
        "more.yaml",
        "people: {lee: {name: Lee, last_day: 2026-12-31}}\n"
        "service_accounts: {bot: {owner: lee, review_by: 2026-12-01}}\n"
        "grants: [{to: everyone, grants: {slack: []}, until: 2026-12-31}]\n",
    ).write("apps/jira.yaml", "apps: {jira: {owner: lee, deputy: lee}}")
    assert acme.warnings() == []
    assert acme.warnings(LATE) == [
        "apps/jira.yaml:1:8: warning: lee, deputy of app jira, left on 2026-12-31\n    name somebody else as deputy",
        "apps/jira.yaml:1:8: warning: lee, owner of app jira, left on 2026-12-31\n    name somebody else as owner",
        (
            "more.yaml:2:20: warning: lee, owner of service account bot, left on 2026-12-31\n"
            "    name somebody else as owner"
        ),
        (
            "more.yaml:2:20: warning: service account bot was to be reviewed by 2026-12-01\n"
            "    look whether it is still needed, then move review_by"
        ),
        "more.yaml:3:10: warning: this grant expired at 2027-01-01 00:00 UTC\n    remove it, or move until",
    ]


def test_a_last_day_is_over_when_it_is_over_in_the_organizations_zone(acme: Repository) -> None:
    """At 23:30 UTC it is tomorrow in Tokyo, and today in New York."""
    acme.write("more.yaml", "people: {lee: {name: Lee, last_day: 2026-06-01}}")
    acme.write("apps/jira.yaml", "apps: {jira: {owner: lee}}")
    moment = datetime(2026, 6, 1, 23, 30, tzinfo=UTC)
    assert not acme.write("reconciler.yaml", "timezone: America/New_York").warnings(moment)
    assert acme.write("reconciler.yaml", "timezone: Asia/Tokyo").warnings(moment)


def test_a_value_that_nobody_has_warns(acme: Repository) -> None:
    """A slip of the pen would empty a group, and take everything from everybody in it."""
    acme.write("groups.yaml", "groups: {g: {where: {department: Enginering}}, h: {where: {location: [Paris, Rome]}}}")
    assert acme.warnings() == [
        'groups.yaml:1:10: warning: group g: nobody has department "Enginering"\n    did you mean "Engineering"?',
        'groups.yaml:1:48: warning: group h: nobody has location "Paris" or "Rome"\n    correct it, or the people',
    ]


def test_repetition_and_empty_recipients_warn(acme: Repository) -> None:
    """What is harmless is told without stopping anybody."""
    acme.write(
        "more.yaml",
        "groups: {g: {people: [ana, ana]}}\n"
        "roles:\n"
        "  r: {to: {people: []}, grants: {github: [team:a, team:b, team:a]}}\n",
    )
    assert acme.warnings() == [
        'more.yaml:1:28: warning: "ana" stands in people twice\n    remove one of them',
        (
            "more.yaml:3:11: warning: to names nobody\n"
            "    name people, groups, service_accounts or entitlements, or write everyone"
        ),
        "more.yaml:3:59: warning: team:a stands in this list twice\n    remove one of them",
    ]
    assert acme.company().groups["g"].people == ("ana",)


def test_a_thousand_mistakes_are_told_quickly_and_not_all(acme: Repository) -> None:
    """Whoever swapped two columns gets the first thousand, and how many more there are."""
    acme.write("more.yaml", "people:\n" + "".join(f"  p{n}: {{name: P, title: [x]}}\n" for n in range(3_000)))
    told = acme.problems()
    assert told[0] == "more.yaml:1:1: error: and 2,000 more errors in this file"
    assert len(told) == 1_001


def test_a_repeated_member_of_a_cycle_is_told_once(acme: Repository) -> None:
    """Two circles that share a group are two problems, and a long chain is no circle."""
    chain = "".join(f"  g{n}: {{groups: [g{n + 1}]}}\n" for n in range(2_000))
    acme.write(
        "groups.yaml",
        f"groups:\n{chain}  g2000: {{groups: [a, b]}}\n  a: {{groups: [g2000]}}\n  b: {{groups: [g2000]}}\n",
    )
    told = acme.problems()
    assert ["g2000 → a → g2000" in line or "a → g2000 → a" in line for line in told].count(True) == 1
    assert ["g2000 → b → g2000" in line or "b → g2000 → b" in line for line in told].count(True) == 1
    assert len(told) == 2


def test_the_moment_of_leaving_has_a_time(acme: Repository) -> None:
    """A day alone would leave open whether it still counts; there is `last_day` for that."""
    acme.write("more.yaml", "people: {kim: {name: Kim, left: 2026-03-31}}")
    assert acme.problem() == (
        "more.yaml:1:33: error: left is a day, and no moment\n"
        "    write the time too: 2026-03-31 18:00; for a whole day there is last_day"
    )
    acme.write("more.yaml", "people: {kim: {name: Kim, left: 2026-03-31 18:00 Europe/Berlin}}")
    assert acme.company().people["kim"].left == datetime(2026, 3, 31, 16, tzinfo=UTC)
