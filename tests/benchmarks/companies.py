"""Companies of any size on disk: YAML, and the CSV files that their `file` apps export."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

GRANTS_A_PERSON = 100
DEPARTMENTS = 20


def write_company(folder: Path, grants: int, *, apps: int = 10, style: str = "listed", lost: float = 0.0) -> None:
    """Write a company with so many grants, whose apps show exactly what is declared, less a share that was lost.

    Args:
        folder: an empty folder.
        grants: how many in all; a hundred a person.
        apps: how many apps they are spread over.
        style: `listed` (each grant is written out, a block a person) or `roles` (a role a department).
        lost: the share (0 to 1) of grants that the apps do not show.
    """
    people = grants // GRANTS_A_PERSON
    per_app = GRANTS_A_PERSON // apps
    (folder / "apps").mkdir(parents=True, exist_ok=True)
    (folder / "reconciler.yaml").write_text("organization: Scale\ntimezone: Europe/Berlin\n")
    with (folder / "people.yaml").open("w") as out:
        out.write("people:\n")
        out.writelines(_person(number) for number in range(people))
    with (folder / "grants.yaml").open("w") as out:
        out.writelines(_listed(people, apps, per_app) if style == "listed" else _roles(apps, per_app))
    for app in range(apps):
        (folder / "apps" / f"app{app}.yaml").write_text(_app(app))
        write_exports(folder, app, people, per_app, lost=lost)


def write_exports(folder: Path, app: int, people: int, per_app: int, *, lost: float = 0.0) -> None:
    """Write what one app shows: its accounts, and a row a grant, without those that are lost."""
    exports = folder / "exports"
    exports.mkdir(exist_ok=True)
    with (exports / f"app{app}-accounts.csv").open("w", newline="") as out:
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(["id", "username", "email", "status"])
        rows.writerows([f"u{n}", f"p{n}", f"p{n}@scale.example", "active"] for n in range(people))
    step = round(1 / lost) if lost else 0
    with (exports / f"app{app}-grants.csv").open("w", newline="") as out:
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(["holder", "entitlement"])
        count = 0
        for person in range(people):
            for name in _teams(person, app, per_app):
                count += 1
                if not step or count % step:
                    rows.writerow([f"u{person}", f"team:{name}"])


def _person(number: int) -> str:
    return (
        f"  p{number}:\n"
        f"    name: Person {number}\n"
        f"    email: p{number}@scale.example\n"
        "    type: employee\n"
        f"    department: D{number % DEPARTMENTS}\n"
        f"    title: Engineer {number % 7}\n"
        "    manager: p0\n"
        "    start: 2024-02-01\n"
    ).replace("    manager: p0\n", "    manager: p0\n" if number else "")


def _teams(person: int, app: int, per_app: int) -> list[str]:
    """Name the teams of a person in an app: those of the department."""
    department = person % DEPARTMENTS
    return [f"d{department}-{app}-{number}" for number in range(per_app)]


def _listed(people: int, apps: int, per_app: int) -> Iterator[str]:
    yield "grants:\n"
    for person in range(people):
        yield f"  - to: {{people: [p{person}]}}\n    grants:\n"
        for app in range(apps):
            names = "".join(f"        - team:{name}\n" for name in _teams(person, app, per_app))
            yield f"      app{app}:\n{names}"


def _roles(apps: int, per_app: int) -> Iterator[str]:
    yield "groups:\n"
    for department in range(DEPARTMENTS):
        yield f"  d{department}: {{where: {{department: D{department}}}}}\n"
    yield "roles:\n"
    for department in range(DEPARTMENTS):
        yield f"  d{department}:\n    to: {{groups: [d{department}]}}\n    grants:\n"
        for app in range(apps):
            names = "".join(f"        - team:{name}\n" for name in _teams(department, app, per_app))
            yield f"      app{app}:\n{names}"


def _app(number: int) -> str:
    return (
        f"apps:\n  app{number}:\n    owner: p0\n    route:\n      - file:\n"
        f"          path: exports/app{number}-accounts.csv\n"
        "          complete: true\n"
        "          columns: {id: id, username: username, email: email, status: status}\n"
        f"          grants: {{path: exports/app{number}-grants.csv}}\n"
    )
