"""Random companies on disk: YAML as a person would write it, in any order, and apps that are CSV files."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import yaml
from pains_company import strip
from support.companies import APPS, LEVELS, WANTED

from reconciler.apply.progress import Silence
from reconciler.apply.report import Report
from reconciler.errors import InputError
from reconciler.model.access import GrantBlock, Recipients, Role, WantedList
from reconciler.model.apps import App
from reconciler.model.company import Company
from reconciler.model.identities import Group, Person
from reconciler.plan.plan import Plan, Scope
from reconciler.run.applying import apply_plan
from reconciler.run.planning import make_plan
from reconciler.run.session import Session, open_session

POLICIES = {"limits": {"leavers": "100%", "removals_per_app": 1000, "minimum_admins": 0}}


def write_company(folder: Path, company: Company, random: Random) -> bool:
    """Write a company, its keys and files in a random order; return whether loading accepts it."""
    parts: list[tuple[str, dict[str, Any]]] = [
        ("people", {person.id: _person(person) for person in company.people.values()}),
        ("groups", {group.name: _group(group) for group in company.groups.values()}),
        ("roles", {role.name: _role(role) for role in company.roles.values()}),
        (
            "service_accounts",
            {bot.id: {"owner": bot.owner, "email": bot.email} for bot in company.service_accounts.values()},
        ),
    ]
    files: dict[str, list[dict[str, Any]]] = {}
    for section, entries in parts:
        for name, entry in _mixed(entries.items(), random):
            file = f"{random.choice('abc')}.yaml"
            files.setdefault(file, []).append({section: {name: entry}})
    for block in _mixed(company.grants, random):
        files.setdefault(f"{random.choice('abc')}.yaml", []).append({"grants": [_block(block)]})
    for name, documents in _mixed(files.items(), random):
        (folder / name).write_text(yaml.safe_dump_all(documents, sort_keys=bool(random.getrandbits(1))))
    _dump(folder / "reconciler.yaml", {"timezone": company.settings.timezone})
    _dump(folder / "policies.yaml", {"policies": POLICIES})
    (folder / "apps").mkdir()
    for app in company.apps.values():
        _dump(folder / "apps" / f"{app.name}.yaml", {"apps": {app.name: _app(app)}})
    return _is_accepted(folder)


def _is_accepted(folder: Path) -> bool:
    """Random companies have rules over attributes that nobody has: that is an error, and not what is tested here."""
    try:
        open_session(folder, cache=False)
    except InputError as error:
        wrong = [problem for problem in error.problems if problem.severity.name == "ERROR"]
        if all("nobody has" in problem.message or "no person has" in problem.message for problem in wrong):
            return False
        raise
    return True


def _mixed(items: Any, random: Random) -> list[Any]:
    listed = list(items)
    return random.sample(listed, len(listed))


def _dump(path: Path, data: Any) -> None:
    path.write_text(yaml.safe_dump(data))


def _person(person: Person) -> dict[str, Any]:
    """Write a person; managers only upwards, so that nobody manages themselves."""
    return {
        "name": person.name,
        "email": person.email,
        "type": person.type,
        "title": person.title,
        "department": person.department,
        **strip(
            {
                "manager": person.manager if "" < person.manager < person.id else None,
                "start": person.start,
                "last_day": person.last_day,
            }
        ),
        **({"usernames": dict(person.usernames)} if person.usernames else {}),
        **({"attributes": dict(person.attributes)} if person.attributes else {}),
    }


def _group(group: Group) -> dict[str, Any]:
    where: Any = group.expression or ({name: _plain(value) for name, value in (group.where or {}).items()} or None)
    return strip(
        {
            "people": list(group.people),
            "service_accounts": list(group.service_accounts),
            "groups": list(group.groups),
            "where": where,
            "except": list(group.excluded) or None,
        }
    )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _recipients(to: Recipients, grants: Mapping[str, WantedList] | None = None) -> dict[str, Any]:
    """Write who gets something; entitlements only where they hold others of their own app, and never themselves."""
    held = {f"{app}/{wanted.entitlement}" for app, listed in (grants or {}).items() for wanted in listed}
    holders = [one for one in to.entitlements if set(grants or {}) == {one.partition("/")[0]} and one not in held]
    return strip(
        {
            "people": list(to.people),
            "service_accounts": list(to.service_accounts),
            "groups": list(to.groups),
            "entitlements": holders or None,
            "everyone": to.everyone or None,
            "except": list(to.excluded) or None,
        }
    )


def _grants(grants: Mapping[str, WantedList]) -> dict[str, Any]:
    return {
        app: [{one.entitlement: one.level} if one.level else one.entitlement for one in listed]
        for app, listed in grants.items()
    }


def _role(role: Role) -> dict[str, Any]:
    return {"to": _recipients(role.to, role.grants), "grants": _grants(role.grants)}


def _block(block: GrantBlock) -> dict[str, Any]:
    moments = {"start": _instant(block.start), "until": _instant(block.until)}
    return {"to": _recipients(block.to, block.grants), "grants": _grants(block.grants), **strip(moments)}


def _instant(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else None


def _app(app: App) -> dict[str, Any]:
    way = {
        "path": f"live/{app.name}.csv",
        "writable": True,
        "complete": True,
        "columns": {
            "id": "id",
            "username": "username",
            "email": "email",
            "external_id": "external_id",
            "status": "status",
            "attributes": {"displayName": "displayName", "title": "title"},
        },
        "grants": {"path": f"live/{app.name}-grants.csv", "columns": {"level": "level"}},
        "entitlements": {"path": f"live/{app.name}-entitlements.csv"},
        "levels": {kind: list(levels) for kind, levels in LEVELS.items()},
    }
    accounts = strip(
        {"attributes": dict(app.accounts.attributes), "to": _recipients(app.accounts.to) if app.accounts.to else None}
    )
    return {
        "owner": app.owner,
        "route": [{"file": way}],
        "accounts": accounts,
        "entitlements": {key: {} for key in app.entitlements},
    }


def write_live(folder: Path, company: Company, random: Random) -> None:
    """Write what the apps hold already: some people's accounts, strangers, suspended ones, and random grants."""
    (folder / "live").mkdir()
    keys = sorted({wanted.entitlement for wanted in WANTED})
    for app in APPS:
        people = [person for person in company.people.values() if random.random() < 0.5]
        rows = [
            [f"i-{one.id}", one.usernames.get(app, one.email), one.email, "", _status(random), one.name, "Old"]
            for one in people
        ]
        rows += [[f"i-x{n}", f"x{n}", f"x{n}@other.example", "", "active", "X", ""] for n in range(random.randrange(3))]
        head = ["id", "username", "email", "external_id", "status", "displayName", "title"]
        _write_rows(folder / "live" / f"{app}.csv", head, _mixed(rows, random))
        grants = {
            (row[0], key): random.choice(LEVELS["repo"]) if key.startswith("repo:") else ""
            for row in rows
            for key in keys
            if random.random() < 0.3 and not key.startswith("seat:")
        }
        listed = [[holder, key, level] for (holder, key), level in grants.items()]
        _write_rows(folder / "live" / f"{app}-grants.csv", ["holder", "entitlement", "level"], _mixed(listed, random))
        _write_rows(folder / "live" / f"{app}-entitlements.csv", ["entitlement"], [[key] for key in keys])


def _status(random: Random) -> str:
    return random.choice(("active", "active", "active", "invited", "suspended"))


def _write_rows(path: Path, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    path.write_text("".join(",".join(row) + "\n" for row in [head, *rows]))


def shuffle_rows(folder: Path, random: Random) -> None:
    """Put the rows of every CSV file in another order."""
    for path in sorted((folder / "live").glob("*.csv")):
        head, *rows = path.read_text().splitlines()
        path.write_text("\n".join([head, *_mixed(rows, random)]) + "\n")


def copy_live(source: Path, target: Path) -> None:
    """Copy what the apps hold."""
    shutil.copytree(source / "live", target / "live")


def session_at(folder: Path, moment: datetime) -> Session:
    """Open a company as if it were that moment now."""
    return replace(open_session(folder, moment=moment, cache=False), future=False)


def plan_at(folder: Path, moment: datetime) -> Plan:
    """Plan as if it were that moment now."""
    return make_plan(session_at(folder, moment), Scope())


def apply_at(folder: Path, moment: datetime) -> Report:
    """Apply as if it were that moment now."""
    session = session_at(folder, moment)
    report = apply_plan(session, Scope(), reviewed=None, confirm=lambda _: True, progress=Silence())
    assert report is not None
    return report
