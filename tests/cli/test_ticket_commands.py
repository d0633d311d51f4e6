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


def opened_long_ago(company: Company, due: str) -> None:
    """Make every ticket one that was opened in January and is due on a day."""
    for file in (company.folder / "tickets").glob("*.md"):
        text = file.read_text(encoding="utf-8")
        for name, value in {"opened": "2026-01-01T08:00:00+00:00", "due": due}.items():
            text = re.sub(rf"^{name}:.*$", f'{name}: "{value}"', text, flags=re.MULTILINE)
        file.write_text(text, encoding="utf-8")


def test_an_overdue_ticket_is_told_of_once(company: Company) -> None:
    """By the run that finds it so; the next one tells nothing, even where the state has forgotten all about it."""
    apply_all(company)
    opened_long_ago(company, "2026-01-05")
    first = company.run("tickets", "--remind")
    assert (first.returncode, first.stderr.count("This was due on 2026-01-05")) == (0, 2), first.stderr
    assert company.run("tickets", "--remind").stderr == ""
    company.run("state", "forget", "@told", "--yes")
    assert company.run("tickets", "--remind").stderr == ""
    for file in (company.folder / "tickets").glob("*.md"):
        assert file.read_text(encoding="utf-8").count("\n> 20") == 1
    assert company.run("plan").stderr.count("@told") == 0


def test_the_ticket_of_an_owner_who_left_waits_for_the_deputy_then_for_the_new_owner(company: Company) -> None:
    """The plan and the list say so at once; whoever it waits for is told by the next reminding, once."""
    apply_all(company)
    company.replace("apps/wiki.yaml", "figma: {owner: omar}", "figma: {owner: omar, deputy: lee}")
    company.replace("people.yaml", "email: omar@acme.example,", "email: omar@acme.example, last_day: 2020-01-31,")
    listed = json.loads(company.run("tickets", "--app", "figma", "--json").stdout)["tickets"]
    assert {ticket["waits_for"] for ticket in listed} == {"lee"}
    told = company.run("tickets", "--app", "figma", "--remind", "--quiet").stderr.splitlines()
    assert len(told) == len({ticket["address"] for ticket in listed})
    assert all("This waits for Lee Wong (lee) now: Omar Haddad (omar) is not here" in line for line in told)
    assert company.run("tickets", "--app", "figma", "--remind", "--quiet").stderr == ""
    company.replace("people.yaml", "email: lee@acme.example,", "email: lee@acme.example, last_day: 2020-01-31,")
    company.replace("apps/wiki.yaml", "figma: {owner: omar, deputy: lee}", "figma: {owner: ana}")
    told = company.run("tickets", "--app", "figma", "--remind", "--quiet").stderr.splitlines()
    assert all("This waits for Ana Ruiz (ana) now: Lee Wong (lee) is not here" in line for line in told)
    assert len(told) == len({ticket["address"] for ticket in listed})


def test_an_app_whose_tickets_cannot_be_read_keeps_nobody_from_hearing_of_others(company: Company) -> None:
    """One app's tickets cannot be read; those of the other app are told of all the same."""
    company.replace("apps/wiki.yaml", "figma: {owner: omar}", "figma: {owner: omar}\n  zoom: {owner: lee}")
    company.replace("roles.yaml", "figma: [license:full]", "figma: [license:full]\n      zoom: [license:pro]")
    apply_all(company)
    opened_long_ago(company, "2026-01-05")
    broken = next((company.folder / "tickets").glob("figma-*.md"))
    broken.write_text(broken.read_text(encoding="utf-8").replace("operation:", "oparation:"), encoding="utf-8")
    done = company.run("tickets", "--app", "zoom", "--app", "figma", "--remind")
    assert "error: figma: " in done.stderr
    assert "did you mean 'operation'?" in done.stderr
    assert done.stderr.count("told: tickets/zoom-") == 2
