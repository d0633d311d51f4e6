"""A leaver in an app that nothing but tickets tells of, and in one that answers itself."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from cli_company import Company

UNREAD = 5


def close_all(company: Company) -> None:
    """Close every open ticket as done, by somebody who says so."""
    values = {"status": "done", "closed": datetime.now(UTC).isoformat(), "attested_by": "Omar Haddad"}
    for file in (company.folder / "tickets").glob("*.md"):
        text = file.read_text(encoding="utf-8")
        if "\nstatus: open\n" in f"\n{text}":
            for name, value in values.items():
                text = re.sub(rf"^{name}:.*$", f"{name}: {value}", text, count=1, flags=re.MULTILINE)
            file.write_text(text, encoding="utf-8")


def view(company: Company) -> dict[str, Any]:
    """Return what became of sam, by app."""
    done = company.run("leaver", "sam", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return {one["app"]: one for one in json.loads(done.stdout)["apps"]}


def test_what_only_tickets_tell_of_is_attested_and_never_verified(company: Company) -> None:
    """The other app lists its accounts itself: there, it is verified by the read that came after."""
    company.replace("people.yaml", "department: IT, last_day: 2020-01-31", "department: Engineering")
    company.run("apply", "--yes")
    close_all(company)
    company.run("apply", "--yes")
    company.replace("people.yaml", "department: Engineering}\n  lee", "department: Engineering}\n  lee")
    company.replace(
        "people.yaml", "sam@acme.example, department: Engineering", "sam@acme.example, last_day: 2020-01-31"
    )
    company.run("apply", "--yes")
    asked = view(company)["figma"]
    assert (asked["standing"], {step["way"] for step in asked["steps"]}) == ("pending", {"ticket"})
    close_all(company)
    company.run("apply", "--yes")
    found = view(company)
    assert (found["figma"]["standing"], found["wiki"]["standing"]) == ("attested", "verified")
    for step in found["figma"]["steps"]:
        assert (step["standing"], step["verified"], step["who"]) == ("attested", None, "Omar Haddad")
    assert any(step["verified"] for step in found["wiki"]["steps"])
