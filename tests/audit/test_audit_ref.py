"""The audit trail's head on a git ref: only added to, by pushes that fast-forward, and read back before each run."""

from pathlib import Path

import pytest
from audit_worlds import NOW, tamper
from cli_company import Company
from support.state_back_ends import git, make_clone

from reconciler.audit.anchor import Anchored, Head, RefAnchor
from reconciler.cli.exits import Exit
from reconciler.errors import ConfigurationError, StateError
from reconciler.load.settings import parse_settings
from reconciler.model.company import KeptRef

REF = "refs/heads/reconciler/audit"
SETTINGS = f"organization: Acme\ntimezone: Europe/Berlin\naudit: {{anchor: {{git: {{ref: {REF}, remote: origin}}}}}}\n"
HEADS = [Head(number, f"{number:064x}") for number in range(1, 6)]


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """Return a company in a clone of a bare repository, applied twice."""
    make_clone(tmp_path)
    company = Company(tmp_path)
    company.write("reconciler.yaml", SETTINGS)
    for _ in range(2):
        done = company.run("apply", "--yes")
        assert done.returncode == Exit.DONE, done.stderr
    return company


def remote_of(folder: Path) -> Path:
    """Return the bare repository of a clone."""
    return folder / ".remote.git"


def log_of(folder: Path, ref: str = REF) -> list[str]:
    """Return the commits of the ref in the remote, the newest first, each with its message."""
    return git(remote_of(folder), "log", "--format=%H %s", ref).splitlines()


def test_each_apply_adds_a_commit_that_follows_the_one_before(company: Company) -> None:
    """A line each, none changed; the work tree and the branches of the clone stay as they are."""
    before = log_of(company.folder)
    assert company.run("apply", "--yes").returncode == Exit.DONE
    after = log_of(company.folder)
    assert after[1:] == before
    assert company.run("audit", "verify").returncode == Exit.DONE
    lines = git(remote_of(company.folder), "show", f"{REF}:heads").splitlines()
    assert len(lines) == 3
    assert lines[-1] in after[0]
    assert "reconciler/audit" not in git(company.folder, "branch", "--list")
    assert "wiki " in git(remote_of(company.folder), "show", f"{REF}:lineage")


def test_a_state_that_was_cut_off_is_noticed_by_the_ref(company: Company) -> None:
    """Only leavers go; the ref gets no commit that would confirm it, until somebody accepts it."""
    before = log_of(company.folder)
    tamper(company.folder / ".reconciler/state.db", "DELETE FROM audit WHERE number > 4")
    planned = company.run("plan")
    assert planned.returncode == Exit.REFUSED
    assert "are cut off" in planned.stdout
    company.run("apply", "--yes")
    assert log_of(company.folder) == before
    head = planned.stdout.partition("audit accept ")[2].split()[0]
    company.run("apply", "--yes")
    current = company.run("plan").stdout.partition("audit accept ")[2].split()[0]
    assert head.partition(":")[0] == "4"
    assert company.run("audit", "accept", current, "--reason", "looked into it", "--yes").returncode == Exit.DONE
    assert log_of(company.folder)[0].endswith("accepted [skip ci]")
    assert company.run("plan").returncode == Exit.DONE


def test_an_anchor_that_was_rewritten_is_noticed_by_a_clone_that_saw_it(company: Company) -> None:
    """Somebody who may force a push takes the last head back, together with the end of the trail."""
    older = log_of(company.folder)[2].split()[0]
    git(remote_of(company.folder), "update-ref", REF, older)
    planned = company.run("plan")
    assert planned.returncode == Exit.REFUSED
    assert "was rewritten" in planned.stdout
    git(remote_of(company.folder), "update-ref", "-d", REF)
    assert company.run("plan").returncode == Exit.REFUSED


def test_a_remote_that_cannot_be_asked_stops_all_but_leavers(company: Company) -> None:
    """Nobody can tell whether the state is what it was; who has left goes all the same."""
    company.replace("people.yaml", "omar@acme.example,", "omar@acme.example, last_day: 2024-01-31,")
    remote_of(company.folder).rename(company.folder / ".gone.git")
    done = company.run("apply", "--yes")
    assert done.returncode in (Exit.REFUSED, Exit.PARTIAL), done.stderr
    assert "cannot be compared with its anchor" in done.stdout
    assert "1,omar@acme.example,suspended" in company.read("wiki.csv")


def test_a_remote_that_refuses_the_head_is_a_problem_of_the_apply(company: Company) -> None:
    """What was done is told; that it has no witness, too."""
    hook = remote_of(company.folder) / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    done = company.run("apply", "--yes")
    assert done.returncode == Exit.PARTIAL
    assert "does not accept the commit" in done.stdout + done.stderr


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return an empty clone."""
    folder = tmp_path / "clone"
    folder.mkdir()
    make_clone(folder)
    return folder


@pytest.mark.parametrize("ref", [REF, "refs/tags/audit", "refs/reconciler/audit"])
def test_heads_are_kept_on_any_kind_of_ref(clone: Path, ref: str) -> None:
    """A branch, a tag or one of our own; of the remote, or of the local repository where there is none."""
    anchor = RefAnchor(clone, KeptRef(ref, "origin"))
    assert anchor.read() == Anchored()
    for head in HEADS[:2]:
        anchor.add(head, NOW, "run-1")
    assert RefAnchor(clone, KeptRef(ref)).read() == Anchored(tuple(HEADS[:2]), 0)
    anchor.add(HEADS[2], NOW, "accepted")
    assert anchor.read() == Anchored((HEADS[2],), 3)
    assert len(log_of(clone, ref)) == 3
    git(clone, "remote", "remove", "origin")
    local = RefAnchor(clone, KeptRef(ref + "-here"))
    local.add(HEADS[0], NOW, "run-1")
    assert local.read() == Anchored((HEADS[0],), 0)


def test_two_clones_add_to_one_ref(clone: Path, tmp_path: Path) -> None:
    """Neither overwrites the other's head."""
    other = tmp_path / "other"
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{remote_of(clone)}", str(other))
    for number, folder in enumerate((clone, other, clone, other, clone)):
        RefAnchor(folder, KeptRef(REF)).add(HEADS[number], NOW, "run-1")
    assert RefAnchor(other, KeptRef(REF)).read().heads == tuple(HEADS)
    assert len(log_of(clone)) == 5


def test_the_file_of_heads_stays_small(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Old lines are left to the ref's history; the one since which they bind stays."""
    monkeypatch.setattr("reconciler.audit.anchor._KEPT", 2)
    anchor = RefAnchor(clone, KeptRef(REF))
    for number, head in enumerate(HEADS):
        anchor.add(head, NOW, "accepted" if number == 1 else "run-1")
    assert anchor.read() == Anchored((HEADS[1], HEADS[3], HEADS[4]), 2)


def test_a_branch_of_another_kind_is_left_alone(clone: Path) -> None:
    """Whatever is in a file of that name, it gets no line."""
    git(clone, "checkout", "--quiet", "-b", "docs")
    (clone / "heads").write_text("All our heads of department\n")
    git(clone, "add", "heads")
    git(clone, "commit", "--quiet", "-m", "Add heads")
    git(clone, "push", "--quiet", "origin", "docs")
    before = log_of(clone, "docs")
    anchor = RefAnchor(clone, KeptRef("refs/heads/docs"))
    with pytest.raises(ConfigurationError, match="is no head"):
        anchor.add(HEADS[0], NOW, "run-1")
    assert log_of(clone, "docs") == before


def test_a_ref_needs_a_repository_and_its_remote(clone: Path, tmp_path: Path) -> None:
    """Both are said."""
    (tmp_path / "bare").mkdir()
    with pytest.raises(ConfigurationError, match=r"audit\.anchor"):
        RefAnchor(tmp_path / "bare", KeptRef(REF)).read()
    with pytest.raises(ConfigurationError, match="no remote backup"):
        RefAnchor(clone, KeptRef(REF, "backup")).read()
    remote_of(clone).rename(clone / ".gone.git")
    with pytest.raises(StateError, match="cannot be used"):
        RefAnchor(clone, KeptRef(REF)).read()


@pytest.mark.parametrize(
    ("text", "anchor"),
    [
        ("log/heads", "log/heads"),
        ("~", ""),
        ("{git: {}}", KeptRef(REF)),
        ("{git: ~}", KeptRef(REF)),
        ("{git: {ref: refs/tags/audit, remote: backup}}", KeptRef("refs/tags/audit", "backup")),
    ],
)
def test_the_settings_name_a_file_or_a_ref(tmp_path: Path, text: str, anchor: object) -> None:
    """Short or long."""
    settings, problems = parse_settings(f"audit: {{anchor: {text}}}\n".encode(), tmp_path)
    assert (settings.audit_anchor, problems) == (anchor, [])


@pytest.mark.parametrize(
    "text",
    [
        "[a]",
        "{git: {ref: main}}",
        "{git: {ref: refs/heads/../main}}",
        "{git: {ref: refs/heads/-x}}",
        "{git: {ref: refs/heads/a/}}",
        "{git: {ref: 7}}",
        "{git: {remote: '--upload-pack=x'}}",
        "{git: {remote: 'ext::sh -c id'}}",
        "{git: {branch: x}}",
        "{git: {}, file: x}",
        "{svn: {}}",
        "{git: x}",
    ],
)
def test_any_other_anchor_is_an_error(tmp_path: Path, text: str) -> None:
    """No option of git's is smuggled in, and nothing is guessed."""
    settings, problems = parse_settings(f"audit: {{anchor: {text}}}\n".encode(), tmp_path)
    assert settings.audit_anchor == ""
    assert len(problems) == 1
    assert "audit" in str(problems[0]) or "anchor" in str(problems[0])
