"""What each provider can do, as a table for the README: `python tests/house/matrix.py README.md` writes it there."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reconciler.provider.change import Operation
from reconciler.provider.contract import Capabilities, Surroundings
from reconciler.provider.registry import installed, load_provider, read_config

BEGIN = "<!-- providers: made by python tests/house/matrix.py -->"
END = "<!-- providers: end -->"
TYPICAL: dict[str, tuple[str, dict[str, Any]]] = {
    "aws": ("aws", {"region": "eu-central-1"}),
    "entra": (
        "entra",
        {"tenant": "acme.example", "client_id": f"{0:08}-0000-4000-8000-{0:012}", "client_secret": {"env": "SECRET"}},
    ),
    "ldap": (
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
    "okta": ("okta", {"url": "https://acme.okta.com", "token": {"env": "OKTA_TOKEN"}}),
    "postgres": ("postgres", {"host": "db.example", "user": "access"}),
    "scim": ("scim", {"url": "https://app.example/scim/v2", "token": {"env": "APP_TOKEN"}}),
    "slack": ("slack", {"token": {"env": "SLACK_TOKEN"}}),
    "file": ("file", {"path": "app.csv", "complete": True, "columns": {"grants": "groups"}}),
    "file, `writable`": ("file", {"path": "app.csv", "writable": True, "columns": {"status": "s", "grants": "g"}}),
    "google": (
        "google",
        {
            "subject": "admin@app.example",
            "token": {"env": "APP_TOKEN"},
            "licenses": {"starter": "Google-Apps/1010020027"},
        },
    ),
    "ticket": ("ticket", {}),
}


def make_matrix() -> str:
    """Return the table: a row an ability, a column a provider as it is typically configured."""
    columns = {title: _capabilities(name, config) for title, (name, config) in TYPICAL.items()}
    rows = [["", *columns], ["---"] * (len(columns) + 1)]
    rows.append(["read accounts", *(_mark("accounts" in can.reads) for can in columns.values())])
    rows.append(["read who holds what", *(_mark(any("grants" in r for r in can.reads)) for can in columns.values())])
    rows += [[operation.value, *(_ability(can, operation) for can in columns.values())] for operation in Operation]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def insert_matrix(text: str) -> str:
    """Return a Markdown text with the table of now between the markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin, BEGIN
    assert end, END
    return f"{before}{BEGIN}\n\n{make_matrix()}\n\n{END}{after}"


def _capabilities(name: str, config: dict[str, Any]) -> Capabilities:
    near = Surroundings(app="app", root=Path.cwd(), read_only=True, now=datetime.now(UTC))
    return load_provider(name).open(read_config(name, config), near).capabilities


def _ability(can: Capabilities, operation: Operation) -> str:
    if operation in can.operations:
        return _mark(bool(can.operations[operation]))
    return _mark(any(bool(kind.get(operation)) for kind in can.kinds.values()))


def _mark(can: bool) -> str:
    return "yes" if can else "no"


if __name__ == "__main__":
    assert set(installed()) <= {name for name, _ in TYPICAL.values()}
    readme = Path(sys.argv[1])
    readme.write_text(insert_matrix(readme.read_text(encoding="utf-8")), encoding="utf-8")
