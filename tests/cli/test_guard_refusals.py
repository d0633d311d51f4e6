"""Every guard refuses with the real command: exit code 3, the reason, and nothing of it done."""

import json
import re

import pytest
from cli_company import Company

from reconciler.cli.exits import Exit

PEOPLE = ("ana", "ben", "cleo", "dan", "eva", "finn", "gil", "hal")
WIKI = """\
apps:
  wiki:
    owner: ana
    route:
      - file:
          path: wiki.csv
          writable: true
          complete: true
          columns: {id: id, email: email, username: name, status: status}
          grants: {path: grants.csv}
          entitlements: {path: entitlements.csv}
    entitlements:
      role:admin: {privileged: true}
"""


@pytest.fixture
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Return a company of eight people in one app, applied."""
    company = Company(tmp_path_factory.mktemp("company"))
    company.write("apps/wiki.yaml", WIKI)
    declare(company)
    company.write("wiki.csv", "id,email,name,status\n")
    company.write("grants.csv", "holder,entitlement\n")
    company.write("entitlements.csv", "entitlement\nteam:eng\nrole:admin\n")
    done = company.run("apply", "--yes")
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    return company


def declare(
    company: Company,
    *,
    gone: tuple[str, ...] = (),
    grants: tuple[str, ...] = PEOPLE,
    admins: tuple[str, ...] = PEOPLE[:2],
) -> None:
    """Write who is there, who has left, who has the team and who the role."""
    rows = (
        f"  {name}: {{name: {name}, email: {name}@acme.example{', last_day: 2024-01-31' if name in gone else ''}}}\n"
        for name in PEOPLE
    )
    company.write("people.yaml", "people:\n" + "".join(rows))
    blocks = [(grants, "team:eng"), (admins, "role:admin")]
    said = "".join(
        f"  - to: {{people: [{', '.join(who)}]}}\n    grants: {{wiki: [{key}]}}\n" for who, key in blocks if who
    )
    company.write("roles.yaml", f"grants:\n{said}" if said else "")


def refused(company: Company, words: str, *arguments: str) -> str:
    """Check that a plan and an apply are refused, and that nothing was written; return what the plan printed."""
    before = [company.read(name) for name in ("wiki.csv", "grants.csv")]
    planned = company.run("plan", *arguments)
    assert planned.returncode == Exit.REFUSED, planned.stdout + planned.stderr
    assert words in planned.stdout
    applied = company.run("apply", "--yes", *arguments)
    assert applied.returncode == Exit.REFUSED, applied.stdout + applied.stderr
    assert [company.read(name) for name in ("wiki.csv", "grants.csv")] == before
    return planned.stdout


def limit(company: Company, text: str) -> None:
    """Write the limits."""
    company.write("policies.yaml", f"policies:\n  limits: {text}\n")


def test_too_many_leavers(company: Company) -> None:
    """Nobody of them, in no app."""
    declare(company, gone=PEOPLE[4:], grants=PEOPLE[:4])
    refused(company, "4 of 3 leavers")


def test_too_many_removals_in_an_app(company: Company) -> None:
    """Whoever left goes all the same."""
    limit(company, "{removals_per_app: 2, minimum_admins: 0}")
    declare(company, grants=PEOPLE[:5])
    refused(company, "3 of 2 removals")
    declare(company, grants=PEOPLE[:4], gone=PEOPLE[7:])
    assert company.run("apply", "--yes").returncode == Exit.PARTIAL
    assert "hal@acme.example,hal,suspended" in company.read("wiki.csv") or "hal" in _suspended(company)
    assert "gil" not in _suspended(company)


def _suspended(company: Company) -> str:
    return "\n".join(line for line in company.read("wiki.csv").splitlines() if "suspended" in line)


def test_too_many_removals_in_all_apps(company: Company) -> None:
    """Although no app refuses."""
    limit(company, "{removals_per_app: 5, removals: 2}")
    declare(company, grants=PEOPLE[:5])
    refused(company, "3 of 2 removals in all apps")


@pytest.mark.parametrize("protected", ["people: [hal]", "accounts: [wiki/HAL]", "entitlements: ['wiki/team:eng']"])
def test_what_is_protected(company: Company, protected: str) -> None:
    """A person, an account, an entitlement; an override does not lift it."""
    company.write("policies.yaml", f"policies:\n  protected: {{{protected}}}\n")
    declare(company, grants=PEOPLE[:7])
    before = company.read("wiki.csv")
    company.write("wiki.csv", re.sub(r"hal@acme.example,[^,]*,", "hal@acme.example,hal,", before))
    shown = refused(company, "is protected")
    (digest,) = re.findall(r"digest ([0-9a-f]{12})", shown)
    refused(company, "is protected")
    lifted = company.run("apply", "--yes", "--override", digest, "--reason", "he must go")
    assert lifted.returncode == Exit.REFUSED
    assert len(company.read("grants.csv").splitlines()) == 11


def test_the_last_admins(company: Company) -> None:
    """Two must stay."""
    declare(company, admins=PEOPLE[:1])
    refused(company, "role:admin would have 1 holder left, at least 2 must stay")


def test_a_leaver_goes_though_fewer_admins_are_left_than_the_company_likes(company: Company) -> None:
    """Somebody who has left and can still do everything is worse; only the others' removals wait."""
    declare(company, gone=PEOPLE[:1], admins=PEOPLE[1:2])
    assert "role:admin would have 1 holder left, at least 2 must stay" in company.run("plan").stdout
    assert company.run("apply", "--yes").returncode == Exit.DONE
    assert PEOPLE[0] in _suspended(company)


def test_the_very_last_admins_stay_though_they_have_left(company: Company) -> None:
    """What the plan calls refused is not done; whoever else has left goes, and an override lets the admins go, too."""
    declare(company, gone=(*PEOPLE[:2], *PEOPLE[7:]), admins=())
    planned = company.run("plan")
    assert planned.returncode == Exit.REFUSED
    assert "role:admin would have 0 holders left" in planned.stdout
    assert company.run("apply", "--yes").returncode == Exit.PARTIAL
    assert "hal" in _suspended(company)
    assert PEOPLE[0] not in _suspended(company)
    (digest,) = re.findall(r"digest ([0-9a-f]{12})", company.run("plan").stdout)
    assert company.run("apply", "--yes", "--override", digest, "--reason", "no successor").returncode == Exit.DONE
    assert PEOPLE[0] in _suspended(company)


def test_an_app_that_is_suddenly_declared_empty(company: Company) -> None:
    """However generous the limits."""
    limit(company, "{removals_per_app: 100%, removals: 100%, minimum_admins: 0}")
    declare(company, grants=(), admins=())
    refused(company, "nothing is declared any more")


def test_an_app_that_suddenly_shows_far_less(company: Company) -> None:
    """Nothing is made again, and nothing counts as gone, until somebody believes it."""
    lines = company.read("wiki.csv").splitlines(keepends=True)
    company.write("wiki.csv", "".join(lines[:3]))
    kept = tuple(f"{part}," for line in lines[:3] for part in line.split(",")[::2])
    grants = company.read("grants.csv").splitlines(keepends=True)
    company.write("grants.csv", "".join(line for line in grants if line.startswith(("holder", *kept))))
    before = company.read("wiki.csv")
    planned = company.run("plan")
    assert planned.returncode == Exit.UNREAD, planned.stdout
    assert "only 2 where the last complete read had 8" in planned.stdout
    assert company.run("apply", "--yes").returncode == Exit.UNREAD
    assert company.read("wiki.csv") == before
    believed = company.run("plan", "--trust-read", "wiki", "--json")
    assert believed.returncode != Exit.UNREAD


def test_a_first_apply_that_recognizes_nobody(company: Company) -> None:
    """Thirty accounts are there under other addresses: everybody would get a second one."""
    rows = "".join(f"{number},old{number}@acme.example,old{number},active\n" for number in range(30))
    company.write("wiki.csv", f"id,email,name,status\n{rows}")
    company.write("grants.csv", "holder,entitlement\n")
    for path in (company.folder / ".reconciler").glob("*"):
        if path.is_file():
            path.unlink()
    many = "".join(f"  n{number}: {{name: n, email: n{number}@acme.example}}\n" for number in range(25))
    company.write("people.yaml", f"people:\n{many}")
    listed = ", ".join(f"n{number}" for number in range(25))
    company.write("roles.yaml", f"grants:\n  - to: {{people: [{listed}]}}\n    grants: {{wiki: [team:eng]}}\n")
    company.replace("apps/wiki.yaml", "owner: ana", "owner: n1")
    refused(company, "25 accounts to make")


def test_an_override_names_the_plan_and_a_reason_and_is_recorded(company: Company) -> None:
    """Another plan's digest, or none, lifts nothing; in the trail stand the guard, the plan and the reason."""
    limit(company, "{removals_per_app: 2, removals: 2, minimum_admins: 0}")
    declare(company, grants=PEOPLE[:5])
    (digest,) = re.findall(r"digest ([0-9a-f]{12})", company.run("plan").stdout)
    for wrong in (["--override", "f" * 12, "--reason", "x"], ["--override", digest[:8], "--reason", "x"]):
        assert company.run("apply", "--yes", *wrong).returncode == Exit.REFUSED
    assert company.run("apply", "--yes", "--override", digest).returncode == Exit.ERROR
    assert company.run("apply", "--yes", "--override", digest, "--reason", " ").returncode in (Exit.ERROR, Exit.REFUSED)
    done = company.run("apply", "--yes", "--override", digest, "--reason", "the team is dissolved")
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    rows = [json.loads(row) for row in company.run("audit", "export", "--part", "exceptions").stdout.splitlines()]
    lifted = [row["detail"] for row in rows if row["exception"] == "override"]
    assert len(lifted) == 2
    assert all("the team is dissolved" in detail for detail in lifted)
    entries = json.loads(company.run("audit", "show", "--last", "200", "--json").stdout)["entries"]
    bodies = [entry["body"] for entry in entries if entry["kind"] == "guard lifted"]
    assert {body["guard"] for body in bodies} == {"removals", "removals_per_app"}
    assert all(body["plan"].startswith(digest) and body["reason"] == "the team is dissolved" for body in bodies)
