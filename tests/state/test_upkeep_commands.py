"""`reconciler state` by the real command, on every back end: look, move, import, forget, unpin, repair, unlock."""

import json
from pathlib import Path
from typing import Any

import pytest
from cli_company import Company
from other_process import holding
from support.state_back_ends import BACK_ENDS, git, options_of

from reconciler.cli.exits import Exit
from reconciler.model.company import Settings


@pytest.fixture
def applied(company: Company) -> Company:
    """Return a company after its first apply."""
    done = company.run("apply", "--yes")
    assert done.returncode == Exit.DONE, done.stderr
    return company


def state(company: Company, *arguments: str, code: Exit = Exit.DONE) -> str:
    """Run a subcommand, and return what it printed on the stream that its end is told on."""
    done = company.run("state", *arguments)
    assert done.returncode == code, done.stderr
    return done.stdout if code is Exit.DONE else done.stderr


def shown(company: Company) -> dict[str, Any]:
    """Return what is applied in the wiki."""
    data: dict[str, Any] = json.loads(state(company, "show", "wiki", "--json"))
    return data


def test_it_is_listed_and_shown(applied: Company, company_settings: Settings) -> None:
    """Counts of each app, every item of one, and who else may read it."""
    listed = json.loads(state(applied, "list", "--json"))
    counts = {one["app"]: (one["accounts"], one["entitlements"], one["grants"]) for one in listed["apps"]}
    assert counts["wiki"] == (4, 3, 5)
    assert listed["lock"] is None
    assert bool(listed["readers"]) == (next(iter(company_settings.state)) != "sqlite")
    assert listed["readers"] in state(applied, "list")
    assert {one["identity"] for one in shown(applied)["accounts"]} == {"ana", "lee", "omar", "sam"}
    table = state(applied, "show", "wiki").splitlines()
    assert "space:web" in "".join(line for line in table if " omar" in line)
    assert "did you mean wiki?" in state(applied, "show", "wikki", code=Exit.ERROR)


@pytest.mark.parametrize("target", BACK_ENDS)
def test_it_is_moved_anywhere_and_used_from_there(
    applied: Company, target: str, request: pytest.FixtureRequest
) -> None:
    """Row by row the same, and the plan has nothing to do there."""
    elsewhere = applied.folder / "elsewhere"
    options = {"branch": "other/state"} if target == "git" else options_of(target, request, elsewhere)
    if target == "git" and not (applied.folder / ".git").exists():
        git(applied.folder, "init", "--quiet", "--initial-branch=main")
    before = state(applied, "export")
    named = json.dumps({target: options})
    assert "now write `state: " in state(applied, "move", "--to", named)
    applied.write("reconciler.yaml", f"organization: Acme\ntimezone: Europe/Berlin\nstate: {named}\n")
    assert without_deeds(state(applied, "export")) == before
    assert applied.run("plan", "--app", "wiki", "--detailed-exitcode").returncode == Exit.DONE


def without_deeds(export: str) -> str:
    """Return an export without the entries of the trail that tell of the move itself."""
    return "".join(row for row in export.splitlines(keepends=True) if '"state changed by hand"' not in row)


def test_an_export_is_imported_only_into_an_empty_state(applied: Company, tmp_path: Path) -> None:
    """What is there is never overwritten."""
    file = tmp_path / "state.jsonl"
    file.write_text(state(applied, "export"))
    assert "it is not empty" in state(applied, "import", str(file), code=Exit.ERROR)
    applied.write("reconciler.yaml", "organization: Acme\nstate: {sqlite: {path: new/state.db}}\n")
    assert state(applied, "import", str(file)) == f"imported {len(file.read_text().splitlines()) - 1} rows\n"
    assert without_deeds(state(applied, "export")) == file.read_text()


def test_people_and_apps_are_forgotten_and_no_app_is_touched(applied: Company) -> None:
    """A person is in no row but the trail's; an app only goes when it is no longer in the YAML."""
    wiki = applied.read("wiki.csv"), applied.read("grants.csv")
    assert "forgotten: " in state(applied, "forget", "--identity", "omar", "--yes")
    named = {json.loads(row)[0] for row in state(applied, "export").splitlines() if "omar" in row}
    assert named == {"audit"}
    assert "is still in the YAML" in state(applied, "forget", "wiki", "--yes", code=Exit.REFUSED)
    applied.replace("roles.yaml", "      wiki: [team:eng, {space:web: write}]\n", "")
    applied.replace("roles.yaml", "    grants: {wiki: [role:admin]}\n", "    grants: {figma: [role:admin]}\n")
    (applied.folder / "apps" / "wiki.yaml").write_text("apps:\n  figma: {owner: omar}\n")
    assert "forgotten: 3 accounts" in state(applied, "forget", "wiki", "--yes")
    assert "wiki" not in {one["app"] for one in json.loads(state(applied, "list", "--json"))["apps"]}
    assert (applied.read("wiki.csv"), applied.read("grants.csv")) == wiki


def test_pins_are_dropped_and_found_again(applied: Company) -> None:
    """Singly or all; the next apply adopts what it matches."""
    before = shown(applied)
    state(applied, "unpin", "wiki", "omar", "--yes")
    state(applied, "unpin", "wiki", "team:eng", "--yes")
    assert [one["remote_id"] for one in shown(applied)["accounts"] if one["identity"] == "omar"] == [""]
    assert "dropped 5 pins" in state(applied, "repair", "wiki", "--yes")
    assert {one["remote_id"] for one in [*shown(applied)["accounts"], *shown(applied)["entitlements"]]} == {""}
    assert applied.run("apply", "--yes").returncode == Exit.DONE
    after = shown(applied)
    assert [one["remote_id"] for one in after["accounts"]] == [one["remote_id"] for one in before["accounts"]]


def test_a_lock_is_given_back_only_by_its_number(applied: Company, company_settings: Settings) -> None:
    """And while somebody holds it, nothing else that writes gets through."""
    with holding(company_settings):
        lock = json.loads(state(applied, "list", "--json"))["lock"]
        assert (lock["owner"], lock["command"]) == ("ana@laptop", "apply")
        for refused in (
            ["unpin", "wiki", "omar"],
            ["repair", "wiki"],
            ["forget", "--identity", "omar"],
        ):
            assert "ana@laptop" in state(applied, *refused, "--yes", code=Exit.ERROR)
        wrong = state(applied, "unlock", str(lock["id"] + 1), "--yes", code=Exit.ERROR)
        assert f"lock {lock['id'] + 1} is no longer held: ana@laptop (apply) holds lock {lock['id']}" in wrong
        assert "it was held by ana@laptop" in state(applied, "unlock", str(lock["id"]), "--yes")
        assert json.loads(state(applied, "list", "--json"))["lock"] is None
        assert "it is not locked" in state(applied, "unlock", str(lock["id"]), "--yes")
