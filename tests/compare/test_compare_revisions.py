"""What a checkout is compared with: stale branches, shallow clones, merge commits, renames, no base, a broken one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from checkout import Checkout, changes, findings, left_out, run_git

from reconciler.cli.exits import Exit

ADMIN = "wiki/grant/omar/role:admin"


def clone(checkout: Checkout, folder: Path, *options: str) -> Checkout:
    """Clone a company over `file://`, so that depth counts; its apps and its state come along."""
    address = f"file://{checkout.folder}"
    run_git(folder.parent, "clone", "--quiet", *options, address, str(folder))
    for name in ("wiki.csv", "grants.csv", "entitlements.csv"):
        shutil.copy(checkout.folder / name, folder / name)
    for name in (".reconciler", "tickets"):
        shutil.copytree(checkout.folder / name, folder / name)
    found = object.__new__(Checkout)
    found.folder = folder
    return found


def merged(checkout: Checkout) -> str:
    """Make a pull request and the merge commit that a forge would check out for it; return the base's tip."""
    checkout.branch("request")
    checkout.give("omar", "role:admin")
    checkout.commit("Make Omar an admin")
    checkout.branch("other", "main")
    checkout.give("lee", "team:eng")
    checkout.commit("Let Lee in")
    checkout.git("checkout", "--quiet", "main")
    checkout.git("merge", "--quiet", "--ff-only", "other")
    tip = checkout.git("rev-parse", "main")
    checkout.git("checkout", "--quiet", "-b", "pull/7/merge", "main")
    checkout.git("merge", "--quiet", "--no-ff", "--no-edit", "request")
    return tip


@pytest.mark.parametrize("base", ["main", "HEAD^", "HEAD^1", "HEAD~1", "COMMIT"])
def test_a_shallow_clone_of_a_merge_commit_gets_what_it_needs(checkout: Checkout, tmp_path: Path, base: str) -> None:
    """One commit deep, as a forge's runner has it; the base is fetched, alone, and nobody's merge is reverted."""
    tip = merged(checkout)
    shallow = clone(checkout, tmp_path / "shallow", "--depth=1", "--single-branch", "--branch", "pull/7/merge")
    plan = shallow.plan(tip if base == "COMMIT" else base)
    assert changes(plan) == [ADMIN]
    assert left_out(plan) == ["wiki/grant/lee/team:eng"]
    assert plan["comparison"]["base"] == tip
    assert plan["provenance"] == []
    assert len(shallow.git("rev-list", "HEAD").split()) == 1


def test_a_shallow_clone_that_cannot_tell_says_what_to_do(checkout: Checkout, tmp_path: Path) -> None:
    """The branch itself, one commit deep: where it parted from main cannot be seen."""
    merged(checkout)
    shallow = clone(checkout, tmp_path / "shallow", "--depth=1", "--single-branch", "--branch", "request")
    done = shallow.run("plan", "--base", "main")
    assert done.returncode == Exit.ERROR
    assert "fetch-depth: 0" in done.stderr
    shallow.git("fetch", "--quiet", "--unshallow")
    assert changes(shallow.plan("main")) == [ADMIN]


def test_a_base_that_does_not_exist_is_told(checkout: Checkout) -> None:
    """Neither here nor at the remote, nor an option of git's."""
    for name in ("nowhere", "--output=x", "f" * 40):
        done = checkout.run("plan", f"--base={name}")
        assert done.returncode == Exit.ERROR
        assert name in done.stderr
        assert not (checkout.folder / "x").exists()


def test_a_branch_that_main_has_left_behind_reverts_nobody(checkout: Checkout) -> None:
    """What main gained since is neither the pull request's nor taken away by it."""
    merged(checkout)
    checkout.git("checkout", "--quiet", "main")
    checkout.apply_all()
    checkout.git("checkout", "--quiet", "request")
    plan = checkout.plan("main")
    assert changes(plan) == [ADMIN]
    assert left_out(plan) == ["wiki/revoke/lee/team:eng"]
    assert any("main has moved on" in warning for warning in plan["warnings"])
    assert checkout.run("apply", "--base", "main", "--yes").returncode == Exit.DONE
    assert "lee team:eng" in checkout.live()


def test_a_tag_and_a_remote_branch_are_bases_too(checkout: Checkout, tmp_path: Path) -> None:
    """Whatever git takes for a commit, and a branch that only the remote has."""
    checkout.git("tag", "--annotate", "--message", "x", "v1")
    copy = clone(checkout, tmp_path / "copy")
    copy.git("checkout", "--quiet", "-b", "request")
    copy.git("branch", "--quiet", "-D", "main")
    copy.give("omar", "role:admin")
    copy.commit("Make Omar an admin")
    for base in ("v1", "main", "origin/main", "HEAD^"):
        assert changes(copy.plan(base)) == [ADMIN]


def test_a_tag_with_the_name_of_a_branch_does_not_stand_in_for_it(checkout: Checkout) -> None:
    """Whoever may push tags could name whom secrets are sent to."""
    checkout.branch("request")
    checkout.give("omar", "role:admin")
    checkout.commit("Make Omar an admin")
    checkout.git("tag", "main", "request")
    assert changes(checkout.plan("main")) == [ADMIN]


def test_a_renamed_file_is_no_change(checkout: Checkout) -> None:
    """Nor is a moved line; but both are lines that were reviewed."""
    checkout.branch("request")
    (checkout.folder / "teams").mkdir()
    checkout.git("mv", "people.yaml", "teams/everybody.yaml")
    checkout.write("roles.yaml", "# from the top\n\n" + checkout.read("roles.yaml"))
    checkout.commit("Tidy up")
    plan = checkout.plan("main")
    assert changes(plan) == []
    assert left_out(plan, "dropped") == []
    assert [found for app in plan["apps"] for found in app["findings"]] == []
    assert plan["comparison"]["edits"] != checkout.plan("HEAD")["comparison"]["edits"]


def test_a_repository_whose_yaml_is_in_a_folder_is_compared_there(tmp_path: Path) -> None:
    """The root of the work tree is above it; what lies beside it is not ours."""
    whole = tmp_path / "mono"
    (whole / "access" / "acme").mkdir(parents=True)
    checkout = Checkout(whole / "access" / "acme")
    shutil.rmtree(checkout.folder / ".git")
    run_git(whole, "init", "--quiet", "--initial-branch=main")
    (whole / "broken.yaml").write_text("people: [not, ours\n")
    run_git(whole, "add", "--all")
    run_git(whole, "commit", "--quiet", "--message", "Begin")
    checkout.apply_all()
    checkout.branch("request")
    checkout.give("omar", "role:admin")
    checkout.commit("Make Omar an admin")
    done = checkout.run("plan", "--base", "main", "--config", str(checkout.folder), cwd=tmp_path)
    assert "1 to add" in done.stdout, done.stderr
    plan = checkout.plan("main")
    assert changes(plan) == [ADMIN]
    assert plan["provenance"][0]["place"]["file"] == "omar.yaml"


@pytest.mark.parametrize("base", ["HEAD^", "0" * 40])
def test_before_the_first_commit_there_was_nothing(tmp_path: Path, base: str) -> None:
    """Everything is the pull request's own; what no base knows is not asked for anything yet."""
    checkout = Checkout(tmp_path)
    plan = checkout.plan(base)
    assert plan["comparison"]["base"] == ""
    assert plan["comparison"]["rerouted"] == ["wiki"]
    assert {change.split("/")[0] for change in changes(plan)} == {"figma"}
    [text] = findings(plan, "unread")
    assert "nothing is asked" in text


def test_a_base_that_cannot_be_read_refuses_and_removes_nothing_by_itself(checkout: Checkout) -> None:
    """A pull request mends main: all of it is shown, nothing can be applied as a part, and guards of both hold."""
    checkout.write("policies.yaml", "policies:\n  protected: {people: [ana]}\n")
    checkout.commit("Protect Ana")
    checkout.replace("roles.yaml", "roles:\n", "roles: [\n")
    checkout.commit("Break it")
    checkout.branch("mend")
    checkout.replace("roles.yaml", "roles: [\n", "roles:\n")
    checkout.git("rm", "--quiet", "policies.yaml")
    checkout.replace("people.yaml", "last_day: 2090-08-31", "last_day: 2020-08-31")
    checkout.commit("Mend it, and let Ana go")
    done = checkout.run("plan", "--base", "main")
    assert done.returncode == Exit.REFUSED
    assert "roles.yaml:" in done.stdout
    assert "cannot be told apart" in done.stdout
    assert "ana is protected" in done.stdout
    assert checkout.run("apply", "--base", "main", "--yes").returncode == Exit.REFUSED
    assert "ana team:eng" in checkout.live()
    whole = checkout.run("plan", "--json")
    assert "wiki/revoke/ana/team:eng" in whole.stdout


def test_what_the_base_removed_by_a_mistake_in_its_yaml_is_not_removed(checkout: Checkout) -> None:
    """Main lost a whole file to a wrong indentation: the mending branch removes nothing of what it declared."""
    checkout.write("people.yaml", checkout.read("people.yaml").replace("groups:", " groups:"))
    checkout.commit("Break it")
    checkout.branch("mend")
    checkout.write("people.yaml", checkout.read("people.yaml").replace(" groups:", "groups:"))
    checkout.commit("Mend it")
    plan = checkout.plan("main")
    assert changes(plan) == []
    assert plan["refused"]


def test_what_a_merged_pull_request_removed_is_told_with_its_commit(checkout: Checkout) -> None:
    """The merge commit is checked out; the branch's commit took the line away, and the merge's number is known."""
    checkout.give("omar", "role:admin")
    checkout.write(
        "grants.yaml", checkout.read("omar.yaml") + "  - to: {people: [omar]}\n    grants: {wiki: [team:b]}\n"
    )
    checkout.git("rm", "--quiet", "--force", "--cached", "omar.yaml", "--ignore-unmatch")
    (checkout.folder / "omar.yaml").unlink()
    checkout.write("entitlements.csv", checkout.read("entitlements.csv") + "team:b\n")
    checkout.commit("Give Omar some")
    checkout.apply_all()
    checkout.branch("request")
    checkout.replace("grants.yaml", "[role:admin]", "[team:eng]")
    gone = checkout.commit("Not an admin")
    checkout.git("checkout", "--quiet", "main")
    checkout.write("other.yaml", "# other\n")
    checkout.commit("Something else (#3)")
    checkout.git("merge", "--quiet", "--no-ff", "--message", "Merge pull request #12 from ana/request", "request")
    plan = checkout.plan("HEAD^")
    [change] = [change for app in plan["apps"] for change in app["changes"]]
    assert change["id"] == "wiki/revoke/omar/role:admin"
    assert change["why"][-1]["text"] == f"removed from git (grants.yaml:3, {gone[:7]})"
    assert [(one["commit"], one["pull_request"]) for one in plan["provenance"]][-1] == (gone, "12")


def test_a_link_in_the_base_is_read_as_on_disk(checkout: Checkout) -> None:
    """A file that is only linked to belongs to the company, in the commit as in the work tree."""
    checkout.write(".kept/more", "grants:\n  - to: {people: [omar]}\n    grants: {wiki: [role:admin]}\n")
    (checkout.folder / "more.yaml").symlink_to(".kept/more")
    checkout.commit("By a link")
    checkout.apply_all()
    checkout.branch("request")
    checkout.write("notes.yaml", "# nothing\n")
    checkout.commit("Nothing")
    plan = checkout.plan("main")
    assert (changes(plan), left_out(plan), left_out(plan, "dropped")) == ([], [], [])
    checkout.git("rm", "--quiet", "more.yaml")
    assert changes(checkout.plan("main")) == ["wiki/revoke/omar/role:admin"]
