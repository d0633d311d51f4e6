"""A value of another shape than is wanted is told, wherever it stands."""

from __future__ import annotations

import pytest
from conftest import Repository

from reconciler.errors import InputError

APP = {
    "route: {file: {path: x}}": [
        "apps/jira.yaml:4:12: error: route is a list of ways, not a mapping",
    ],
    "route: [[file]]": [
        "apps/jira.yaml:4:13: error: a way is one provider with its configuration",
    ],
    "route: [file: [x]]": [
        "apps/jira.yaml:4:13: error: the configuration of file is a mapping, not a list",
    ],
    "route: [file]": [
        "apps/jira.yaml:4:13: error: file.path: `path` is missing",
    ],
    "leaver: suspend": [
        "apps/jira.yaml:4:13: error: leaver is a list of steps, not text",
    ],
    "leaver: [[suspend]]": [
        "apps/jira.yaml:4:14: error: a step is a name, or a mapping with one key",
    ],
    "accounts: [x]": [
        "apps/jira.yaml:4:15: error: accounts is a mapping, not a list",
    ],
    "accounts: {to: [ana]}": [
        "apps/jira.yaml:4:20: error: to says who, by kind: it is not a list",
    ],
    "accounts: {attributes: x}": [
        "apps/jira.yaml:4:28: error: attributes is a mapping, not text",
    ],
    "accounts: {to: {}}": [
        "apps/jira.yaml:4:20: warning: to names nobody",
    ],
    "entitlements: [role:a]": [
        "apps/jira.yaml:4:19: error: entitlements is a mapping, not a list",
    ],
    "entitlements: {channel: {}}": [
        'apps/jira.yaml:4:20: error: "channel" is no entitlement',
    ],
    "entitlements: {role:a: x}": [
        "apps/jira.yaml:4:20: error: entitlement role:a is a mapping, not text",
    ],
    "deputy: bot": [
        "apps/jira.yaml:4:13: error: bot is a service account, not a person",
    ],
    "manage: [x]": [
        "apps/jira.yaml:4:13: error: manage is observe, declared or everything, not a list",
    ],
    "entitlements: {role:a: {levels: {a: b}}}": [
        "apps/jira.yaml:4:37: error: levels is a list of names, not a mapping",
    ],
    "entitlements: {role:a: {formerly: [role:b, ~]}}": [
        "apps/jira.yaml:4:48: error: an element of formerly is empty",
    ],
    "accounts: {attributes: {a: {b: c}}}": [
        "apps/jira.yaml:4:32: error: attributes.a is one value, not a mapping",
    ],
}

ANYWHERE = {
    "people: {kim: {name: Kim, usernames: [x]}}": [
        "more.yaml:1:38: error: usernames is a mapping, not a list",
    ],
    "people: {kim: {name: Kim, usernames: {github: }}}": [
        "more.yaml:1:39: error: usernames.github is empty",
    ],
    "people: {kim: {name: Kim, attributes: x}}": [
        "more.yaml:1:39: error: attributes is a mapping, not text",
    ],
    "people: {kim: {name: Kim, attributes: {a: [x, [y]]}}}": [
        "more.yaml:1:47: error: attributes.a is one value, not a list",
    ],
    "people: {kim: {name: Kim, start: [x]}}": [
        "more.yaml:1:34: error: start is a date like 2026-03-31, not a list",
    ],
    "people: {kim: {name: Kim, type: [x]}}": [
        "more.yaml:1:33: error: type is employee or contractor, not a list",
    ],
    "people: {kim: }": [
        "more.yaml:1:10: error: person kim has no name",
    ],
    "people: {kim: x}": [
        "more.yaml:1:10: error: person kim is a mapping, not text",
    ],
    "people: {kim: [x]}": [
        "more.yaml:1:10: error: person kim is a mapping, not a list",
    ],
    'people: {"": {name: x}}': [
        "more.yaml:1:10: error: a key is empty",
        "more.yaml:1:10: error: people is a mapping of names: write `name:` before each",
    ],
    "people: x": [
        "more.yaml:1:9: error: people is a mapping of names: write `name:` before each",
    ],
    "groups: {g: {people: {ana: x}}}": [
        "more.yaml:1:22: error: people is a list of names, not a mapping",
    ],
    "groups: {g: {people: [ana, ~]}}": [
        "more.yaml:1:28: error: an element of people is empty",
    ],
    "groups: {g: {where: [x]}}": [
        "more.yaml:1:21: error: where is a mapping or an expression, not a list",
    ],
    "roles: {r: {to: everyone, grants: [github]}}": [
        "more.yaml:1:35: error: grants is a mapping of apps to entitlements, not a list",
    ],
    "roles: {r: {to: everyone}}": [
        "more.yaml:1:9: error: role r has no grants",
    ],
    "roles: {r: {to: everyone, grants: {github: {team:a: }}}}": [
        "more.yaml:1:44: error: the entitlements in github are a list, not a mapping",
    ],
    "roles: {r: {to: everyone, grants: {github: [{team:a: x, b: c}]}}}": [
        "more.yaml:1:57: error: team:a is followed by another key",
    ],
    "roles: {r: {to: everyone, grants: {github: [{team: [x]}]}}}": [
        "more.yaml:1:52: error: team is text, not a list",
    ],
    "roles: {r: {to: everyone, grants: {github: [{}]}}}": [
        "more.yaml:1:45: error: a mapping is no entitlement",
    ],
    "roles: {r: {to: everyone, grants: {github: [{role: }]}}}": [
        'more.yaml:1:45: error: "role:" is no entitlement',
    ],
    "roles: {r: {to: everyone, grants: {github: [[team:a]]}}}": [
        "more.yaml:1:45: error: a list is no entitlement",
    ],
    "roles: {r: {to: ana, grants: {}}}": [
        "more.yaml:1:17: error: to says who, by kind: it is not text",
    ],
    "roles: {r: {to: {people: [ana], role: x}, grants: {github: []}}}": [
        'more.yaml:1:33: error: to has no key "role"',
    ],
    "grants: [{to: everyone}]": [
        "more.yaml:1:10: error: grant has no grants",
    ],
    "grants: [x]": [
        "more.yaml:1:10: error: grant is a mapping, not text",
    ],
    "grants: x": [
        "more.yaml:1:9: error: grants is a list: begin each with `- to:`",
    ],
    "people: {kim: {name: Kim, email: a@b@c}}": [
        'more.yaml:1:34: error: "a@b@c" is no email address',
    ],
    "people: {kim: {name: ~}}": [
        "more.yaml:1:10: error: person kim has no name",
    ],
    "x": [
        "more.yaml:1:1: error: a file is a mapping of sections",
    ],
    "[a]": [
        "more.yaml:1:1: error: a file is a mapping of sections",
    ],
    "roles: {a b: {to: everyone, grants: {}}}": [
        'more.yaml:1:9: error: the role "a b" holds white space, `:`, `@` or `/`',
    ],
    "people: {kim: {name: Kim, manager: bot}}\nservice_accounts: {bot: {owner: ana}}": [
        "more.yaml:1:36: error: bot is a service account, not a person",
    ],
    "groups: &a {g: {people: [ana]}}\nroles: *a": [
        "more.yaml:2:8: error: *a refers to a whole section",
    ],
}

POLICY = {
    "never_together: [x]": [
        "policies.yaml:2:19: error: never_together is a mapping of names to lists, not a list",
    ],
    "never_together: {x: }": [
        "policies.yaml:2:20: error: never_together x names fewer than two entitlements",
    ],
    "protected: [x]": [
        "policies.yaml:2:14: error: protected is a mapping, not a list",
    ],
    "limits: {minimum_admins: x}": [
        'policies.yaml:2:28: error: minimum_admins is a number, not "x"',
    ],
    "limits: 3": [
        "policies.yaml:2:11: error: limits is a mapping, not text",
    ],
}


def first_lines(told: list[str]) -> list[str]:
    """Return problems without their hints."""
    return [line.partition("\n")[0] for line in told]


def told_of(repository: Repository) -> list[str]:
    """Return all that is told of a repository: warnings if there is nothing worse."""
    try:
        return first_lines(repository.warnings())
    except InputError as error:
        return first_lines([str(problem) for problem in error.problems])


@pytest.mark.parametrize("text", APP)
def test_a_wrong_shape_in_an_app_is_told(acme: Repository, text: str) -> None:
    """Lists, mappings and texts where others are wanted."""
    acme.write("s.yaml", "service_accounts: {bot: {owner: ana}}")
    acme.write("apps/jira.yaml", f"apps:\n  jira:\n    owner: ana\n    {text}\n")
    assert told_of(acme) == APP[text]


@pytest.mark.parametrize("text", ANYWHERE)
def test_a_wrong_shape_is_told(acme: Repository, text: str) -> None:
    """Among people, groups, roles and grants."""
    assert told_of(acme.write("more.yaml", text)) == ANYWHERE[text]


@pytest.mark.parametrize("text", POLICY)
def test_a_wrong_shape_in_a_policy_is_told(acme: Repository, text: str) -> None:
    """A guard that cannot be understood is no guard."""
    assert told_of(acme.write("policies.yaml", f"policies:\n  {text}\n")) == POLICY[text]
