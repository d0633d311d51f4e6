"""The main job by the command itself: validate, plan, show, apply, and again with nothing to do."""

import json
import sqlite3
import stat
import subprocess

import pytest
from cli_company import COMMAND, Company, environment

from reconciler.cli.exits import Exit


def applied(company: Company) -> Company:
    """Apply a company once."""
    done = company.run("apply", "--yes")
    assert done.returncode == Exit.DONE, done.stderr
    return company


def test_a_sound_repository_validates(company: Company) -> None:
    """One line that counts what there is."""
    done = company.run("validate")
    assert done.stdout == "ok: 4 people, 1 group, 2 apps, 1 role, 1 grant\n"
    assert (done.returncode, done.stderr) == (Exit.DONE, "")


def test_every_error_is_told_at_its_place_on_stderr(company: Company) -> None:
    """All of them in one run, counted; stdout stays empty."""
    company.replace("people.yaml", "type: contractor, last_day: 2090-08-31", "type: contractor")
    company.replace("roles.yaml", "groups: [engineering]", "groups: [enginering]")
    done = company.run("validate")
    assert (done.returncode, done.stdout) == (Exit.ERROR, "")
    assert "people.yaml:" in done.stderr
    assert "roles.yaml:3:" in done.stderr
    assert "engineering" in done.stderr
    assert done.stderr.splitlines()[-1] == "2 errors"


def test_problems_are_data_with_json(company: Company) -> None:
    """For editors and bots: severity, message, hint, place."""
    company.replace("roles.yaml", "groups: [engineering]", "groups: [enginering]")
    done = company.run("validate", "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == Exit.ERROR
    assert answer["valid"] is False
    assert answer["problems"][0]["place"]["file"] == "roles.yaml"
    assert answer["problems"][0]["severity"] == "error"


def test_a_plan_is_data_on_stdout_and_progress_on_stderr(company: Company) -> None:
    """Neither ever mixes with the other."""
    done = company.run("plan")
    assert done.returncode == Exit.DONE
    assert "sam@acme.example → suspended" in done.stdout
    assert "space:web read → write" in done.stdout
    assert "digest " in done.stdout
    assert "wiki" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert company.run("plan", "--quiet").stderr == ""


def test_a_plan_as_json_is_one_document(company: Company) -> None:
    """Nothing else is on stdout."""
    data = json.loads(company.run("plan", "--json").stdout)
    assert data["summary"]["tickets"] == 4
    assert {app["app"] for app in data["apps"]} == {"wiki", "figma"}


def test_pending_changes_have_a_code_of_their_own_only_if_asked(company: Company) -> None:
    """So that a plain plan never fails a job."""
    assert company.run("plan").returncode == Exit.DONE
    assert company.run("plan", "--detailed-exitcode").returncode == Exit.PENDING


def test_a_plan_file_shows_what_was_planned(company: Company) -> None:
    """As text, Markdown and data; readable by its owner alone."""
    planned = company.run("plan", "--out", "plan.json")
    file = company.folder / "plan.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in company.folder.glob(".plan.json*")] == []
    assert company.run("show", "plan.json").stdout == planned.stdout
    assert company.run("show", "plan.json", "--markdown").stdout.startswith("## Plan: ")
    shown = json.loads(company.run("show", "plan.json", "--json").stdout)
    assert shown["digest"] == json.loads(file.read_text())["digest"]
    assert company.run("show", "plan.json", "--detailed-exitcode").returncode == Exit.PENDING


def test_a_plan_is_written_as_a_page(company: Company) -> None:
    """The same one from the plan and from its file, readable by its owner alone, and beside what is printed."""
    planned = company.run("plan", "--out", "plan.json", "--html", "plan.html")
    page = company.folder / "plan.html"
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert json.loads(company.read("plan.json"))["digest"] in page.read_text(encoding="utf-8")
    assert company.run("show", "plan.json", "--html", "shown.html").stdout == planned.stdout
    assert company.read("shown.html") == company.read("plan.html")
    assert company.run("show", "plan.json", "--html", "no/such.html").returncode == Exit.ERROR


def test_a_reviewed_plan_is_applied_and_then_nothing_is_left(company: Company) -> None:
    """The files of the app are as declared, and the next plan is empty."""
    company.run("plan", "--out", "plan.json")
    done = company.run("apply", "plan.json")
    assert done.returncode == Exit.DONE, done.stderr
    assert "Applied: 8 done and verified · 2 tickets open (4 changes)" in done.stdout
    assert "2,sam@acme.example,suspended" in company.read("wiki.csv")
    again = company.run("plan", "--detailed-exitcode")
    assert again.returncode == Exit.DONE
    assert "nothing to do: " in again.stdout


def test_a_plan_that_is_no_longer_true_is_refused(company: Company) -> None:
    """What was reviewed is what is applied, or nothing is."""
    company.run("plan", "--out", "plan.json")
    company.replace("grants.csv", "1,space:web,read", "1,space:web,admin")
    before = company.read("wiki.csv")
    done = company.run("apply", "plan.json")
    assert done.returncode == Exit.REFUSED
    assert done.stderr.count("error: ") == 1
    assert company.read("wiki.csv") == before


def test_a_damaged_plan_file_is_an_error(company: Company) -> None:
    """Changed by hand, no JSON, not there: each is told, none is a traceback."""
    company.run("plan", "--out", "plan.json")
    company.replace("plan.json", "ana@acme.example", "eve@acme.example")
    company.write("text.json", "no plan")
    for name in ("plan.json", "text.json", "missing.json"):
        done = company.run("apply", name)
        assert done.returncode == Exit.ERROR
        assert "Traceback" not in done.stderr
        assert done.stderr.startswith("error: ")


def test_without_a_terminal_an_apply_needs_a_plan_or_a_yes(company: Company) -> None:
    """Nothing is read or written before that is clear."""
    done = company.run("apply")
    assert done.returncode == Exit.ERROR
    assert "there is no terminal to ask on" in done.stderr
    assert "--yes" in done.stderr
    assert "sam@acme.example,active" in company.read("wiki.csv")


def test_an_apply_for_a_machine_is_one_event_a_line(company: Company) -> None:
    """From the plan to the exit code, on stdout."""
    done = company.run("apply", "--yes", "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[0]["event"] == "plan"
    assert events[-1]["event"] == "finished"
    assert events[-1]["exit_code"] == done.returncode == Exit.DONE
    assert {"started", "change", "verified"} <= {event["event"] for event in events}


def test_an_app_that_cannot_be_read_is_never_nothing_to_do(company: Company) -> None:
    """It has an exit code of its own, and the others are still planned."""
    (company.folder / "grants.csv").unlink()
    done = company.run("plan", "--detailed-exitcode")
    assert done.returncode == Exit.UNREAD
    assert "grants.csv" in done.stdout
    assert "license:full" in done.stdout


def test_too_many_leavers_are_refused_with_the_way_out(company: Company) -> None:
    """The plan says which guard, and how an override of exactly this plan is written."""
    people = company.read("people.yaml").replace(", last_day: 2090-08-31", "")
    leavers = "".join(f"  x{n}: {{name: X {n}, email: x{n}@acme.example, last_day: 2020-01-01}}\n" for n in range(5))
    company.write(
        "people.yaml", people.replace("type: contractor", "type: employee").replace("groups:", f"{leavers}groups:")
    )
    rows = "".join(f"1{n},x{n}@acme.example,active\n" for n in range(5))
    company.write("wiki.csv", company.read("wiki.csv") + rows)
    done = company.run("plan")
    assert done.returncode == Exit.REFUSED
    assert "refused by leavers" in done.stdout
    digest = done.stdout.partition("--override ")[2].split()[0]
    assert company.run("apply", "--yes").returncode == Exit.REFUSED
    lifted = company.run("apply", "--yes", "--override", digest, "--reason", "the office was closed")
    assert lifted.returncode == Exit.DONE, lifted.stdout + lifted.stderr
    assert company.read("wiki.csv").count("suspended") == 6


def test_drift_is_what_nobody_wrote_in_git(company: Company) -> None:
    """Silent after an apply, told afterwards, with the codes that were asked for."""
    applied(company)
    company.replace("wiki.csv", "3,bot@acme.example,active\n", "")
    assert "no drift" in company.run("drift").stdout
    company.replace("grants.csv", "1,space:web,write", "1,space:web,read")
    assert company.run("drift").returncode == Exit.DONE
    drift = company.run("drift", "--detailed-exitcode")
    assert drift.returncode == Exit.PENDING
    assert "space:web read → write" in drift.stdout
    assert json.loads(company.run("drift", "--json").stdout)["drift"] is True


def test_privileged_access_that_nobody_declared_fails_the_drift_check(company: Company) -> None:
    """Also without asking for detailed codes."""
    applied(company)
    company.write("grants.csv", company.read("grants.csv") + "3,role:admin,\n")
    done = company.run("drift")
    assert done.returncode == Exit.REFUSED
    assert "privileged" in done.stdout


def test_a_plan_of_another_day_needs_no_file_to_change(company: Company) -> None:
    """A bare day is meant in the organization's time zone; nobody can apply it."""
    done = company.run("plan", "--at", "2090-09-02", "--out", "plan.json")
    assert "as it will be at 2090-09-02 00:00" in done.stdout
    assert "space:web" in done.stdout
    assert "grant      ana" not in done.stdout
    refused = company.run("apply", "plan.json")
    assert refused.returncode == Exit.ERROR
    assert "cannot be applied" in refused.stderr


def test_a_partial_plan_says_what_it_leaves_out(company: Company) -> None:
    """Only the app and the identity that were asked for."""
    done = company.run("plan", "--app", "wiki", "--identity", "ana")
    assert done.stdout.startswith("only app wiki and identity ana\n")
    assert "figma" not in done.stdout
    assert "sam" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["plan", "--app", "wikki"], "wiki"),
        (["plan", "--identity", "anna"], "ana"),
        (["explain", "anna"], "did you mean ana?"),
        (["explain", "wiki/team:eng"], "who has an entitlement: reconciler who wiki/team:eng"),
        (["explain", "ana", "wikki"], "did you mean wiki?"),
        (["who", "wikki/team:eng"], "did you mean wiki?"),
        (["who", "wiki/team:engg"], "did you mean team:eng?"),
        (["tickets", "--app", "figm"], "did you mean figma?"),
        (["providers", "--app", "figm"], "did you mean figma?"),
    ],
)
def test_a_misspelt_name_gets_the_nearest_one(company: Company, arguments: list[str], hint: str) -> None:
    """Wherever a name is asked for."""
    done = company.run(*arguments)
    assert (done.returncode, done.stdout) == (Exit.ERROR, "")
    assert hint in done.stderr


def test_explain_and_who_answer_with_places(company: Company) -> None:
    """Each chain with file and line, in both directions, and as data."""
    explained = company.run("explain", "ana", "wiki").stdout
    assert explained.startswith("ana  Ana Ruiz · contractor · Engineering · until 2090-08-31 (people.yaml:2)")
    assert "space:web at write" in explained
    assert "because group engineering" in explained
    assert "roles.yaml:5" in explained
    assert "figma" in company.run("explain", "ana").stdout
    holders = json.loads(company.run("who", "wiki/team:eng", "--json").stdout)["holders"]
    assert [one["item"]["holder"] for one in holders if one["presence"] == "present"] == ["ana", "omar"]


def test_tickets_and_state_list_what_was_done(company: Company) -> None:
    """After an apply there are four tickets, and everything that was made is known."""
    assert company.run("tickets").stdout == "no open tickets\n"
    assert company.run("state", "list").stdout == "the state is empty: nothing was applied yet\n"
    applied(company)
    assert len(company.run("tickets").stdout.splitlines()) == 4
    assert len(json.loads(company.run("tickets", "--json").stdout)["tickets"]) == 4
    listed = {app["app"]: app for app in json.loads(company.run("state", "list", "--json").stdout)["apps"]}
    assert listed["wiki"]["accounts"] == 4
    shown = company.run("state", "show", "wiki").stdout
    assert "role:admin" in shown
    assert "suspended" in shown
    assert company.run("state", "unlock", "1", "--yes").stdout == "it is not locked\n"


def test_an_app_that_left_the_yaml_can_be_forgotten(company: Company) -> None:
    """Only then; its access stays where it is, and the warning about it ends."""
    applied(company)
    assert company.run("state", "forget", "wiki", "--yes").returncode == Exit.REFUSED
    (company.folder / "apps/wiki.yaml").unlink()
    company.write("apps/figma.yaml", "apps: {figma: {owner: omar}}\n")
    company.write("roles.yaml", "roles: {engineer: {to: {groups: [engineering]}, grants: {figma: [license:full]}}}\n")
    before = company.read("grants.csv")
    assert "'wiki' is no longer in the YAML" in company.run("plan").stdout
    assert company.run("state", "forget", "wiki").returncode == Exit.ERROR
    assert company.run("state", "forget", "wiki", "--yes").stdout.startswith("forgotten: 4 accounts")
    assert "no longer in the YAML" not in company.run("plan").stdout
    assert company.read("grants.csv") == before


def test_a_stale_lock_can_be_given_back(company: Company) -> None:
    """After telling whose it is."""
    applied(company)
    with sqlite3.connect(company.folder / ".reconciler" / "state.db") as database:
        database.execute(
            "INSERT INTO lock (fence, owner, command, since) VALUES (99, 'omar', 'apply', '2026-03-02T00:00:00+00:00')"
        )
    database.close()
    assert "locked by omar (apply)" in company.run("state", "list").stdout
    assert company.run("state", "unlock", "99").returncode == Exit.ERROR
    assert "it was held by omar (apply)" in company.run("state", "unlock", "99", "--yes").stdout
    assert "locked" not in company.run("state", "list").stdout


def test_providers_are_listed_with_what_they_can_do(company: Company) -> None:
    """The installed ones anywhere; abilities and their reasons for an app."""
    listed = json.loads(company.run("providers", "--json").stdout)["providers"]
    assert {"file", "scim", "ticket"} <= {one["name"] for one in listed}
    assert all(one["version"] and not one["error"] for one in listed)
    assert "suspend account" in company.run("providers", "--app", "wiki").stdout


@pytest.mark.parametrize("what", ["config", "plan"])
def test_schemas_are_json_schemas(company: Company, what: str) -> None:
    """Valid JSON with a dialect, for editors and for readers of plan files."""
    schema = json.loads(company.run("schema", what).stdout)
    assert schema["$schema"].startswith(("http://json-schema.org/draft-07", "https://json-schema.org/draft/2020-12"))


def test_a_reader_that_goes_away_changes_no_exit_code(company: Company) -> None:
    """`plan | head -1` is quiet, and ends as the plan does."""
    with subprocess.Popen(
        [*COMMAND, "plan", "--quiet", "--detailed-exitcode"],
        cwd=company.folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=60) == Exit.PENDING


def test_secrets_are_in_no_output(company: Company) -> None:
    """Neither the plan nor its file nor any message holds what a reference stands for."""
    company.write("token.txt", "canary-3f2c1a9be07d")
    company.write(
        "apps/slack.yaml",
        "apps:\n  slack:\n    owner: lee\n    route: [{scim: {url: 'http://127.0.0.1:9/v2', token: {env: TOKEN}}}]\n",
    )
    company.replace("roles.yaml", "figma: [license:full]", "slack: []")
    for arguments in (
        ["plan", "--verbose"],
        ["plan", "--json"],
        ["plan", "--out", "p.json"],
        ["apply", "--yes", "--verbose"],
    ):
        done = company.run(*arguments, TOKEN="canary-3f2c1a9be07d")
        assert "canary" not in done.stdout + done.stderr
    assert "canary" not in company.read("p.json")
