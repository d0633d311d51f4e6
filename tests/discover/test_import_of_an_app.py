"""What an app has becomes YAML after which the plan is empty, whatever it has."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.apply.progress import Silence
from reconciler.errors import ConfigurationError
from reconciler.plan.plan import Plan, Scope
from reconciler.run.applying import apply_plan
from reconciler.run.importing import import_accounts
from reconciler.run.importing_access import AccessImport, Order, import_access
from reconciler.run.planning import make_plan
from reconciler.run.session import open_session

APP = """\
apps:
  wiki:
    owner: ana   # keeps it
    route:
      - file:
          path: wiki.csv
          writable: true
          complete: true
          columns: {id: id, email: email, status: status}
          grants: {path: grants.csv, columns: {level: level}}
          entitlements: {path: entitlements.csv}
    entitlements:
      role:root: {privileged: true}
"""
KEYS = ("team:eng", "team:NO", "space:a: b", "space:0123", "channel:#x", "role:root")


def make(root: Path, people: int, accounts: list[tuple[str, str]], grants: list[tuple[int, str, str]]) -> None:
    """Write a repository with `people` people, and an app: (address, status), (account's number, key, level)."""
    names = ["ana", *(f"p{number}" for number in range(1, people))]
    lines = "".join(f"  {name}: {{name: {name}, email: {name}@acme.example}}\n" for name in names)
    files = {
        "reconciler.yaml": "organization: Acme\n",
        "people.yaml": f"people:\n{lines}",
        "apps/wiki.yaml": APP,
        "wiki.csv": "id,email,status\n" + "".join(f"{n},{mail},{what}\n" for n, (mail, what) in enumerate(accounts)),
        "grants.csv": "holder,entitlement,level\n" + "".join(f"{n},{key},{level}\n" for n, key, level in grants),
        "entitlements.csv": "entitlement\n" + "".join(f"{key}\n" for key in KEYS),
    }
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def run(root: Path, *accept: str, unmatched: bool = False) -> AccessImport:
    """Import the app."""
    return import_access(root, Order("wiki", unmatched=unmatched, accept=accept), None, dry_run=False)


def plan(root: Path) -> Plan:
    """Plan everything."""
    return make_plan(open_session(root), Scope())


def bytes_of(root: Path) -> dict[str, bytes]:
    """Return every YAML file."""
    return {str(path): path.read_bytes() for path in sorted(root.rglob("*.yaml"))}


@settings(max_examples=30)
@given(st.data())
def test_after_an_import_the_plan_is_empty_and_a_second_one_writes_nothing(data: st.DataObject) -> None:
    """For any accounts, suspended ones and strangers too, and any grants with or without levels."""
    people = data.draw(st.integers(1, 5))
    known = ["ana", *(f"p{number}" for number in range(1, people)), "stranger", "bot"]
    names = data.draw(st.lists(st.sampled_from(known), unique=True, min_size=1))
    accounts = [(f"{name}@acme.example", data.draw(st.sampled_from(["active", "suspended"]))) for name in names]
    held = st.tuples(st.integers(0, len(names) - 1), st.sampled_from(KEYS))
    pairs = data.draw(st.lists(held, unique=True, max_size=15))
    grants = [(number, key, data.draw(st.sampled_from(["", "write"]))) for number, key in pairs]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make(root, people, accounts, grants)
        if data.draw(st.booleans()):
            with (root / "grants.csv").open("a", encoding="utf-8") as file:
                file.write("team:eng,space:a: b,write\nteam:eng,space:0123,\n")
        found = run(root, unmatched=data.draw(st.booleans())).found
        after = bytes_of(root)
        made = plan(root)
        assert made.empty, made
        assert run(root).files == ()
        assert bytes_of(root) == after
        root_grants = {(f"{names[number]}", key) for number, key, _ in grants if key == "role:root"}
        assert {holder for holder, _ in found.withheld} <= {name for name, _ in root_grants}


def test_the_same_holders_share_a_grant_and_the_file_reads_well(tmp_path: Path) -> None:
    """The widest first; an account without any grant last."""
    grants = [(number, key, level) for number in (0, 1) for key, level in (("team:eng", ""), ("space:0123", "write"))]
    make(tmp_path, 3, [(f"{name}@acme.example", "active") for name in ("ana", "p1", "p2")], grants)
    run(tmp_path)
    assert (tmp_path / "grants/wiki.yaml").read_text() == (
        "# Access that was there in wiki when it was imported.\n"
        "grants:\n"
        "  - to: {people: [ana, p1]}\n"
        "    grants: {wiki: [{space:0123: write}, team:eng]}\n"
        "  - to: {people: [p2]}\n"
        "    grants: {wiki: []}\n"
    )


def test_new_access_joins_the_grant_that_gives_the_same(tmp_path: Path) -> None:
    """One line changes, and comments stay."""
    make(tmp_path, 2, [("ana@acme.example", "active"), ("p1@acme.example", "active")], [(0, "team:eng", "")])
    run(tmp_path)
    file = tmp_path / "grants/wiki.yaml"
    file.write_text(file.read_text().replace("[team:eng]}", "[team:eng]}   # all of us"))
    (tmp_path / "grants.csv").write_text("holder,entitlement,level\n0,team:eng,\n1,team:eng,\n")
    run(tmp_path)
    assert "  - to: {people: [ana, p1]}\n    grants: {wiki: [team:eng]}   # all of us\n" in file.read_text()


def test_privileged_access_is_only_written_where_it_is_named(tmp_path: Path) -> None:
    """Neither an import nor `all` takes it."""
    make(tmp_path, 1, [("ana@acme.example", "active")], [(0, "role:root", "")])
    assert run(tmp_path).found.withheld == (("ana", "role:root"),)
    run(tmp_path, "all")
    assert "role:root" not in (tmp_path / "grants/wiki.yaml").read_text()
    run(tmp_path, "ana/role:root")
    assert "role:root" in (tmp_path / "grants/wiki.yaml").read_text()


POLICIES = """\
policies:
  protected: {people: [p1], entitlements: [wiki/team:vip]}
  limits: {minimum_admins: 0}
"""


def test_accepting_all_leaves_out_whatever_is_or_seems_privileged_or_is_protected(tmp_path: Path) -> None:
    """By its name, its level, its holder or a policy; all of it is told, and written where it is named."""
    accounts = [("ana@acme.example", "active"), ("p1@acme.example", "active")]
    risky = [(0, "team:Admins", ""), (0, "team:NO", "owner"), (0, "team:vip", ""), (1, "team:eng", "")]
    make(tmp_path, 2, accounts, [*risky, (0, "team:eng", "")])
    (tmp_path / "policies.yaml").write_text(POLICIES, encoding="utf-8")
    (tmp_path / "entitlements.csv").write_text("entitlement\nteam:Admins\nteam:NO\nteam:vip\nteam:eng\n")
    found = run(tmp_path, "all").found
    assert found.withheld == (("ana", "team:Admins"), ("ana", "team:NO"), ("ana", "team:vip"), ("p1", "team:eng"))
    written = (tmp_path / "grants/wiki.yaml").read_text()
    assert "team:eng" in written
    assert not any(word in written for word in ("Admins", "team:NO", "vip", "p1"))
    run(tmp_path, "all", "ana/team:Admins")
    assert "team:Admins" in (tmp_path / "grants/wiki.yaml").read_text()


def test_accepting_all_takes_no_privileged_access_out_of_the_yaml(tmp_path: Path) -> None:
    """Somebody may have taken it away to do harm: a plan gives it back, or a person names it."""
    make(tmp_path, 1, [("ana@acme.example", "active")], [(0, "role:root", ""), (0, "team:eng", "")])
    (tmp_path / "policies.yaml").write_text("policies: {limits: {minimum_admins: 0}}\n", encoding="utf-8")
    run(tmp_path, "all", "ana/role:root")
    session = open_session(tmp_path)
    report = apply_plan(session, Scope(), reviewed=None, confirm=lambda _: True, progress=Silence())
    assert report is not None
    (tmp_path / "grants.csv").write_text("holder,entitlement,level\n", encoding="utf-8")
    done = run(tmp_path, "all")
    assert (done.dropped, done.kept) == (("ana/team:eng",), (("ana/role:root", "privileged"),))
    assert "role:root" in (tmp_path / "grants/wiki.yaml").read_text()
    assert run(tmp_path, "ana/role:root").dropped == ("ana/role:root",)


def test_an_item_that_is_no_drift_is_refused(tmp_path: Path) -> None:
    """And nothing is written."""
    make(tmp_path, 1, [("ana@acme.example", "active")], [])
    with pytest.raises(ConfigurationError, match="'ana/team:eng' is no drift"):
        run(tmp_path, "ana/team:eng")
    assert not (tmp_path / "grants").exists()


def test_strangers_become_service_accounts_where_it_is_asked(tmp_path: Path) -> None:
    """But not one that has privileged access."""
    make(
        tmp_path,
        1,
        [("ci@acme.example", "active"), ("evil@acme.example", "active")],
        [(0, "team:eng", ""), (1, "role:root", "")],
    )
    done = run(tmp_path, unmatched=True)
    assert done.services == ("ci",)
    assert [(one.account.email, one.privileged) for one in done.found.strangers] == [("evil@acme.example", True)]
    assert plan(tmp_path).empty
    assert "service_accounts: [ci]" in (tmp_path / "grants/wiki.yaml").read_text()


def test_what_no_yaml_can_name_is_told_and_the_rest_is_written(tmp_path: Path) -> None:
    """A name with a line break in it stays unmanaged."""
    make(tmp_path, 1, [("ana@acme.example", "active")], [])
    (tmp_path / "grants.csv").write_text('holder,entitlement,level\n0,team:eng,\n0,"team:a\nb",\n')
    (tmp_path / "entitlements.csv").write_text('entitlement\nrole:root\nteam:eng\n"team:a\nb"\n')
    assert run(tmp_path).found.unwritable == ("team:a\nb",)
    assert "[team:eng]" in (tmp_path / "grants/wiki.yaml").read_text()


def test_an_app_that_could_not_be_read_wholly_writes_nothing(tmp_path: Path) -> None:
    """What was not read is not known to be missing."""
    make(tmp_path, 1, [("ana@acme.example", "active")], [(7, "team:eng", "")])
    assert run(tmp_path).found.unread
    assert not (tmp_path / "grants").exists()


def test_ten_thousand_accounts_are_imported_in_seconds(tmp_path: Path) -> None:
    """People first, then 50,000 grants."""
    count = 10_000
    accounts = [(f"u{number}@acme.example", "active") for number in range(count)]
    grants = [(number, f"team:t{number // 100 * 5 + more}", "") for number in range(count) for more in range(5)]
    make(tmp_path, 1, accounts, grants)
    listed = sorted({key for _, key, _ in grants})
    (tmp_path / "entitlements.csv").write_text("entitlement\nrole:root\n" + "\n".join(listed) + "\n")
    began = time.perf_counter()
    import_accounts(tmp_path, "wiki", None, None, dry_run=False)
    people = time.perf_counter() - began
    run(tmp_path)
    whole = time.perf_counter() - began
    print(f"people {people:.1f} s, access {whole - people:.1f} s")
    assert whole < 60
    assert plan(tmp_path).empty
