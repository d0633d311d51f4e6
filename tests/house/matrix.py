"""What each provider can do and what it was run against, for the README: `python tests/house/matrix.py README.md`."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.evidence import (
    REFERENCE,
    STRENGTHS,
    Evidence,
    name_ability,
    name_reading,
    read_evidence,
    strongest,
)

from reconciler.provider.change import Operation
from reconciler.provider.conformance.samples import ON_ACCOUNTS, ON_ENTITLEMENTS
from reconciler.provider.contract import Capabilities, Surroundings
from reconciler.provider.registry import load_provider, read_config
from reconciler.provider.snapshot import ACCOUNTS, entitlements_of, grants_of

BEGIN = "<!-- providers: made by python tests/house/matrix.py -->"
END = "<!-- providers: end -->"
EVIDENCE = Path(__file__).resolve().parents[1] / "evidence.json"
TYPICAL: dict[str, tuple[str, dict[str, Any]]] = {
    "aws": ("aws", {"region": "eu-central-1"}),
    "atlassian": (
        "atlassian",
        {
            "organization": "0f0c7a2e",
            "api_key": {"env": "ATLASSIAN_KEY"},
            "site": "https://acme.atlassian.net",
            "email": "robot@acme.example",
            "api_token": {"env": "JIRA_TOKEN"},
            "starts_with": {"ari:cloud:jira-software::site/1": "atlassian/user"},
        },
    ),
    "atlassian, a Jira site alone": (
        "atlassian",
        {"site": "https://acme.atlassian.net", "email": "robot@acme.example", "api_token": {"env": "JIRA_TOKEN"}},
    ),
    "entra": (
        "entra",
        {"tenant": "acme.example", "client_id": f"{0:08}-0000-4000-8000-{0:012}", "client_secret": {"env": "SECRET"}},
    ),
    "ldap, OpenLDAP": (
        "ldap",
        {
            "url": "ldaps://ldap.acme.example",
            "product": "openldap",
            "base": "dc=acme",
            "bind_dn": "cn=tool,dc=acme",
            "password": {"env": "SECRET"},
            "disabled": {"attribute": "employeeType", "value": "disabled"},
        },
    ),
    "ldap, Active Directory": (
        "ldap",
        {
            "url": "ldaps://dc1.acme.example",
            "product": "active_directory",
            "base": "dc=acme",
            "bind_dn": "cn=tool,dc=acme",
            "password": {"env": "SECRET"},
        },
    ),
    "github": ("github", {"organization": "acme", "token": {"env": "GITHUB_TOKEN"}}),
    "gitlab, an instance": ("gitlab", {"url": "https://gitlab.acme.example", "token": {"env": "GITLAB_TOKEN"}}),
    "gitlab, one group": ("gitlab", {"group": "acme", "token": {"env": "GITLAB_TOKEN"}}),
    "google": (
        "google",
        {
            "subject": "admin@app.example",
            "token": {"env": "APP_TOKEN"},
            "licenses": {"starter": "Google-Apps/1010020027"},
        },
    ),
    "okta": ("okta", {"url": "https://acme.okta.com", "token": {"env": "OKTA_TOKEN"}}),
    "postgres": ("postgres", {"host": "db.example", "user": "access"}),
    "slack": ("slack", {"token": {"env": "SLACK_TOKEN"}}),
    "scim": (
        "scim",
        {"url": "https://app.example/scim/v2", "token": {"env": "APP_TOKEN"}, "value_kinds": {"role": "roles"}},
    ),
    "file": ("file", {"path": "app.csv", "complete": True, "columns": {"grants": "groups"}}),
    "file, `writable`": (
        "file",
        {
            "path": "app.csv",
            "writable": True,
            "columns": {"status": "status"},
            "grants": {"path": "grants.csv", "columns": {"level": "level"}},
            "entitlements": {"path": "entitlements.csv"},
        },
    ),
    "ticket": ("ticket", {}),
}
"""Title → provider and its configuration as most companies write it. A new provider is one line here.

A provider of several products has a title for each (`ldap, OpenLDAP`), and marks name the title: what was seen of one
product is no evidence for another.
"""

MARKS = {**dict(zip(STRENGTHS, "●◐○", strict=True)), REFERENCE: "?"}
CANNOT = "-"
LEGEND = """\
What each can do, and against what the tests saw it done: ● the real product, ◐ a third party's server, ○ only our own
fake, ? nothing (written from the vendor's reference); - cannot. What one way cannot do, the next way of the route does,
and at the end a ticket. For tickets, done means opened."""
ANY = "*"
ENTITLEMENT_OPERATIONS = (*ON_ENTITLEMENTS[:2], Operation.UPDATE_ENTITLEMENT, *ON_ENTITLEMENTS[2:])


@cache
def typical() -> Mapping[str, Capabilities]:
    """Return the capabilities of each typical configuration, by title."""
    near = Surroundings(app="app", root=Path.cwd(), read_only=True, now=datetime.now(UTC))
    return {
        title: load_provider(name).open(read_config(name, config), near).capabilities
        for title, (name, config) in TYPICAL.items()
    }


def abilities_of(can: Capabilities) -> Iterator[str]:
    """Yield everything that capabilities say can be done, as evidence calls it."""
    yield from (name_reading(collection) for collection, ability in can.reads.items() if ability)
    yield from (name_ability(operation.value) for operation, ability in can.operations.items() if ability)
    for kind, table in can.kinds.items():
        yield from (name_ability(operation.value, kind) for operation, ability in table.items() if ability)


def known_abilities(name: str) -> set[str]:
    """Return what a title, or a provider in any of its typical configurations, can do; empty where it has none."""
    titles = [title for title, (provider, _) in TYPICAL.items() if name in {title, provider}]
    return {ability for title in titles for ability in abilities_of(typical()[title])}


def make_matrix(evidence: Evidence) -> str:
    """Return the two tables (accounts, entitlements), their legend, and what the providers were run against."""
    parts = [
        LEGEND,
        _table(["accounts", "read", *(_short(operation) for operation in ON_ACCOUNTS)], _account_rows(evidence)),
        _table(
            ["entitlements", "kind", "list", "who holds it", *(_short(each) for each in ENTITLEMENT_OPERATIONS)],
            _entitlement_rows(evidence),
        ),
        "### Evidence",
        "What the tests ran each provider against (`tests/evidence.json` has each ability; every full run checks it):",
        _table(["", *STRENGTHS, REFERENCE], _evidence_rows(evidence)),
    ]
    return "\n\n".join(parts)


def insert_matrix(text: str) -> str:
    """Return a Markdown text with the matrix of now between the markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin, BEGIN
    assert end, END
    return f"{before}{BEGIN}\n\n{make_matrix(read_evidence(EVIDENCE))}\n\n{END}{after}"


def write_matrix(readme: Path) -> None:
    """Write the matrix of now into a Markdown file."""
    project = tomllib.loads((readme.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    forgotten = set(project["entry-points"]["reconciler.providers"]) - {name for name, _ in TYPICAL.values()}
    assert not forgotten, f"TYPICAL says nothing of {', '.join(sorted(forgotten))}"
    readme.write_text(insert_matrix(readme.read_text(encoding="utf-8")), encoding="utf-8")


def _account_rows(evidence: Evidence) -> Iterator[list[str]]:
    for title, can in typical().items():
        names = [name_reading(ACCOUNTS), *(name_ability(operation.value) for operation in ON_ACCOUNTS)]
        yield [f"**{title}**", *_cells(title, can, names, evidence)]


def _entitlement_rows(evidence: Evidence) -> Iterator[list[str]]:
    for title, can in typical().items():
        shown = f"**{title}**"
        for kind in can.kinds:
            names = [name_reading(entitlements_of(kind)), name_reading(grants_of(kind))]
            names += [name_ability(operation.value, kind) for operation in ENTITLEMENT_OPERATIONS]
            yield [shown, "any" if kind == ANY else f"`{kind}`", *_cells(title, can, names, evidence)]
            shown = ""


def _cells(title: str, can: Capabilities, names: Sequence[str], evidence: Evidence) -> list[str]:
    able, seen = set(abilities_of(can)), evidence.get(_named(title, evidence), {})
    return [MARKS[strongest(seen.get(name, {}))] if name in able else CANNOT for name in names]


def _evidence_rows(evidence: Evidence) -> Iterator[list[str]]:
    for name in dict.fromkeys(_named(title, evidence) for title in TYPICAL):
        seen = evidence.get(name, {})
        against = [sorted({of for found in seen.values() for of in found.get(each, ())}) for each in STRENGTHS]
        unseen = sorted(known_abilities(name) - seen.keys())
        yield [f"**{name}**", *(", ".join(cell) or CANNOT for cell in (*against, unseen))]


def _named(title: str, evidence: Evidence) -> str:
    """Return under what name evidence has what was seen of a title: its own, or its provider's."""
    return title if title in evidence else TYPICAL[title][0]


def _short(operation: Operation) -> str:
    return operation.value.removesuffix(" account").removesuffix(" entitlement").replace("set level", "change level")


def _table(header: Sequence[str], rows: Iterator[list[str]]) -> str:
    lines = [list(header), ["---", *[":-:" if len(header) > len(STRENGTHS) + 2 else "---"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    write_matrix(Path(sys.argv[1]))
