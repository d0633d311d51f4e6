"""Whom tickets wait for, until when, and who is asked when the owner has left."""

from __future__ import annotations

import json
import re

from cli_company import Company


def apply_all(company: Company) -> None:
    """Apply a company once."""
    done = company.run("apply", "--yes")
    assert done.returncode == 0, done.stderr


def test_tickets_are_listed_with_age_due_day_and_whom_they_wait_for(company: Company) -> None:
    """The same in JSON."""
    apply_all(company)
    line = company.run("tickets").stdout.splitlines()[0]
    assert re.match(r"open +[01] days? +due \d{4}-\d\d-\d\d +omar +ticket +figma/", line), line
    (first, *_) = json.loads(company.run("tickets", "--json").stdout)["tickets"]
    assert (first["waits_for"], first["overdue"], first["way"]) == ("omar", False, "ticket")
    assert first["title"].startswith(("create account", "grant"))
    pending = company.run("plan").stdout
    assert f"{first['address']}, waits for omar, due {first['due']}" in re.sub(r"\s+", " ", pending)


def test_overdue_tickets_come_first(company: Company) -> None:
    """Whatever was opened before them; the plan says that they are overdue."""
    apply_all(company)
    last = json.loads(company.run("tickets", "--json").stdout)["tickets"][-1]
    company.replace(last["address"], f'due: "{last["due"]}"', 'due: "2026-01-05"')
    first = json.loads(company.run("tickets", "--json").stdout)["tickets"][0]
    assert (first["address"], first["overdue"], first["due"]) == (last["address"], True, "2026-01-05")
    assert company.run("tickets").stdout.startswith("overdue")
    assert "due 2026-01-05 (overdue)" in re.sub(r"\s+", " ", company.run("plan").stdout)


def test_the_deputy_is_asked_when_the_owner_has_left(company: Company) -> None:
    """The plan says so, and the tickets wait for the deputy."""
    company.replace("apps/wiki.yaml", "figma: {owner: omar}", "figma: {owner: sam, deputy: lee}")
    assert "tickets go to lee, the deputy: the owner sam has left" in company.run("plan").stdout
    apply_all(company)
    tickets = json.loads(company.run("tickets", "--app", "figma", "--json").stdout)["tickets"]
    assert {ticket["waits_for"] for ticket in tickets} == {"lee"}


def test_the_owners_manager_is_asked_when_there_is_no_deputy(company: Company) -> None:
    """And where nobody stands in, the plan says that nobody is asked."""
    company.replace("apps/wiki.yaml", "figma: {owner: omar}", "figma: {owner: sam}")
    assert "tickets wait for nobody: the owner sam has left" in company.run("plan").stdout
    company.replace("people.yaml", "department: IT, last_day: 2020", "department: IT, manager: omar, last_day: 2020")
    assert "tickets go to omar, the owner's manager: the owner sam has left" in company.run("plan").stdout
