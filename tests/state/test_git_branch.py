"""The state on a branch: beside the work, small, refused where it moved or is newer, and able to forget."""

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from support.state_back_ends import git, make_clone

from reconciler.audit.chain import link
from reconciler.audit.verify import verify_trail
from reconciler.errors import ConfigurationError, LockError, StateError
from reconciler.items import Names
from reconciler.state.contract import Adoption, AppliedAccount, Run
from reconciler.state.git import GitStore

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BRANCH = "reconciler/state"
SOME = Adoption({"ana": AppliedAccount("u1", "ana")}, grants=[("ana", "team:x", "write"), ("bob", "team:x", None)])


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a clone of a repository."""
    folder = tmp_path / "clone"
    folder.mkdir()
    make_clone(folder)
    return folder


def remote_of(clone: Path) -> Path:
    """Return the bare repository of a clone."""
    return clone / ".remote.git"


def commits(clone: Path) -> int:
    """Count the commits of the state's branch in the remote."""
    return int(git(remote_of(clone), "rev-list", "--count", BRANCH))


def around(clone: Path) -> list[str]:
    """Return what git says of the work tree, the branches and where HEAD is."""
    return [git(clone, *asked) for asked in (("status", "--porcelain"), ("branch", "-v"), ("symbolic-ref", "HEAD"))]


def test_the_work_tree_the_index_and_the_branches_stay_as_they_are(clone: Path) -> None:
    """Also with staged and unstaged changes; the state is an orphan branch of the remote only."""
    (clone / "people.yaml").write_text("people: {ana: {}}\n")
    (clone / "new.yaml").write_text("groups: {}\n")
    git(clone, "add", "new.yaml")
    index = (clone / ".git" / "index").read_bytes()
    before = around(clone)
    with GitStore(clone) as store:
        store.adopt("chat", SOME)
    assert around(clone) == before
    assert (clone / ".git" / "index").read_bytes() == index
    assert "people.yaml" not in git(remote_of(clone), "ls-tree", "-r", "--name-only", BRANCH)
    assert subprocess.run(["git", "merge-base", "main", BRANCH], cwd=remote_of(clone), check=False).returncode == 1


def test_people_can_read_the_difference(clone: Path) -> None:
    """One line a row, sorted, with names; a change of one grant is a change of one line. It says who may read it."""
    with GitStore(clone) as store:
        store.adopt("chat", SOME)
        store.adopt("chat", Adoption(grants=[("ana", "team:y", None)]))
    difference = git(remote_of(clone), "diff", "--unified=0", f"{BRANCH}~1", BRANCH, "--", "apps/chat/grants.jsonl")
    assert difference.splitlines()[5:] == ['+["ana","team:y"]']
    assert git(remote_of(clone), "show", f"{BRANCH}:apps/chat/grants.jsonl").splitlines() == [
        '["ana","team:x","write"]',
        '["ana","team:y"]',
        '["bob","team:x"]',
    ]
    assert "Everybody who can read this repository" in git(remote_of(clone), "show", f"{BRANCH}:README.md")


def test_the_same_state_is_the_same_tree(clone: Path, tmp_path: Path) -> None:
    """However it came about, apart from its own identity."""
    other = tmp_path / "other"
    other.mkdir()
    make_clone(other)
    with GitStore(clone) as store:
        store.adopt("chat", SOME)
    with GitStore(other) as store:
        store.adopt("chat", Adoption(grants=SOME.grants[::-1][:1]))
        store.adopt("chat", SOME)
    listed = [git(remote_of(folder), "ls-tree", f"{BRANCH}:apps/chat").splitlines() for folder in (clone, other)]
    first, second = ([line for line in lines if "apps.jsonl" not in line] for lines in listed)
    assert first == second != []


def test_a_shallow_clone_is_enough(clone: Path, tmp_path: Path) -> None:
    """It fetches that branch alone, without its history, and goes on writing it."""
    with GitStore(clone) as store:
        for number in range(5):
            store.adopt("chat", Adoption(grants=[("ana", f"team:{number}", None)]))
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth=1", remote_of(clone).as_uri(), str(shallow))
    with GitStore(shallow) as store:
        assert len(store.load("chat", Names()).grants) == 5
        store.adopt("chat", Adoption(grants=[("ana", "team:5", None)]))
    assert int(git(shallow, "rev-list", "--count", f"refs/reconciler/{BRANCH}")) <= 2
    assert commits(clone) == 6
    with GitStore(clone, read_only=True) as store:
        assert len(store.load("chat", Names()).grants) == 6


def test_planning_pushes_nothing(clone: Path) -> None:
    """A missing branch is an empty state and stays missing."""
    with GitStore(clone, read_only=True) as store:
        assert store.apps() == []
        with pytest.raises(StateError, match="never writes"):
            store.adopt("chat", SOME)
    assert git(clone, "ls-remote", "origin", BRANCH) == ""


def test_a_transaction_that_changes_nothing_is_no_commit(clone: Path) -> None:
    """Adopting what is adopted pushes nothing."""
    with GitStore(clone) as store:
        store.adopt("chat", SOME)
        before = commits(clone)
        store.adopt("chat", SOME)
    assert commits(clone) == before == 1


def test_without_a_remote_the_branch_is_local(tmp_path: Path) -> None:
    """Two stores on it keep out of each other's way just the same."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    with GitStore(tmp_path) as store, GitStore(tmp_path) as other:
        store.lock("ana", "apply", NOW)
        with pytest.raises(LockError, match="ana"):
            other.lock("bob", "apply", NOW)
        store.adopt("chat", SOME)
        store.unlock()
        assert git(tmp_path, "branch", "--list", BRANCH) != ""
        other.lock("bob", "apply", NOW)
        assert other.apps() == ["chat"]


def _begin_while(store: GitStore, meanwhile: Callable[[], None]) -> None:
    with store.together():
        store.begin(Run("run-1", "digest", "ana", "laptop", NOW))
        meanwhile()


def test_what_is_written_together_is_one_commit(clone: Path) -> None:
    """The journal and the trail arrive in the remote at once, or neither does."""
    with GitStore(clone) as store:
        store.adopt("chat", SOME)
        with store.together():
            store.append_audit(link(store.audit_head(), [("run started", {"run": "run-1"})], NOW))
            store.begin(Run("run-1", "digest", "ana", "laptop", NOW))
            assert commits(clone) == 1
        assert commits(clone) == 2
    with GitStore(clone, read_only=True) as store:
        assert (store.audit_head()[0], len(store.runs())) == (1, 1)


def test_of_two_writers_at_once_one_is_refused_and_nothing_is_mixed(clone: Path) -> None:
    """The second push finds that the branch moved; its transaction is as if it had never been."""
    with GitStore(clone) as store, GitStore(clone) as other:
        with pytest.raises(LockError, match="at the same time"):
            _begin_while(store, lambda: other.adopt("chat", SOME))
        assert store.runs() == []
        assert store.apps() == ["chat"]
        store.adopt("code", SOME)
    with GitStore(clone) as third:
        assert (third.apps(), third.runs()) == (["chat", "code"], [])


def test_the_history_is_begun_anew_before_it_grows_long(clone: Path) -> None:
    """Whatever is in it stays; what was taken out is in no commit any more."""
    with GitStore(clone, commits=4) as store:
        store.adopt("chat", Adoption({"secret-person": AppliedAccount("u9")}))
        for number in range(10):
            store.adopt("chat", Adoption(grants=[("ana", f"team:{number}", None)]))
            assert commits(clone) <= 4
    with GitStore(clone) as store:
        assert len(store.load("chat", Names()).grants) == 10


def test_a_remote_that_forbids_replacing_the_branch_still_takes_the_state(clone: Path) -> None:
    """The history then stays long, which is told; an apply is not stopped by it."""
    git(remote_of(clone), "config", "receive.denyNonFastForwards", "true")
    with GitStore(clone, commits=2) as store:
        for number in range(4):
            store.adopt("chat", Adoption(grants=[("ana", f"team:{number}", None)]))
    assert commits(clone) == 4


def test_forgetting_an_app_leaves_no_trace_in_the_branch(clone: Path) -> None:
    """Not in older commits either: they are replaced."""
    with GitStore(clone) as store:
        store.adopt("chat", Adoption({"secret-person": AppliedAccount("u9")}))
        store.adopt("code", SOME)
        store.forget("chat")
    assert commits(clone) == 1
    found = git(remote_of(clone), "log", "-p", "--format=%H", BRANCH)
    assert "secret-person" not in found
    assert "ana" in found


def test_forgetting_a_person_leaves_no_trace_in_the_branch(clone: Path) -> None:
    """Neither in what was applied nor in what was live, in no commit that the branch still has."""
    with GitStore(clone) as store:
        store.adopt(
            "chat", Adoption({"secret-person": AppliedAccount("u9")}, grants=[("secret-person", "team:x", None)])
        )
        store.remember("chat", NOW, [("secret-person", "team:x", None), ("ana", "team:x", None)])
        assert store.forget_identity("secret-person") == 3
    assert commits(clone) == 1
    found = git(remote_of(clone), "log", "-p", "--format=%H", BRANCH)
    assert "secret-person" not in found
    assert "ana" in found


def test_a_newer_state_is_refused_and_left_alone(clone: Path) -> None:
    """An older tool says that it is what must be updated."""
    with GitStore(clone) as store:
        store.adopt("chat", SOME)
    _replace(clone, "state.json", lambda data: {**data, "format": 99})
    before = git(remote_of(clone), "rev-parse", BRANCH)
    for read_only in (True, False):
        with pytest.raises(StateError, match="format 99") as refused:
            GitStore(clone, read_only=read_only)
        assert "update the tool" in refused.value.hint
    assert git(remote_of(clone), "rev-parse", BRANCH) == before


def test_lines_of_the_trail_that_changed_places_are_found(clone: Path) -> None:
    """Though each says its number itself: its place counts, as in every other back end."""
    with GitStore(clone) as store:
        store.append_audit(link(store.audit_head(), [("run started", {"run": str(one)}) for one in range(6)], NOW))
    _edit(clone, "audit/000000.jsonl", lambda text: b"\n".join(_swap(text.split(b"\n"))))
    with GitStore(clone, read_only=True) as store:
        found = verify_trail(store.audit(), [])
    assert {fault.number for fault in found.faults} == {3, 4, 5}


def _swap(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], lines[3], lines[2], *lines[4:]]


def _replace(clone: Path, path: str, change: Callable[[dict[str, object]], dict[str, object]]) -> None:
    _edit(clone, path, lambda content: msgspec.json.encode(change(msgspec.json.decode(content))))


def _edit(clone: Path, path: str, change: Callable[[bytes], bytes]) -> None:
    """Edit a file of the branch, as somebody with git would."""
    work = clone.parent / "editing"
    git(clone.parent, "clone", "--quiet", "--branch", BRANCH, str(remote_of(clone)), str(work))
    (work / path).write_bytes(change((work / path).read_bytes()))
    git(work, "commit", "--quiet", "-am", "Edit")
    git(work, "push", "--quiet")


def test_somebody_elses_branch_is_not_a_state(clone: Path) -> None:
    """It is refused before anything is pushed."""
    with pytest.raises(StateError, match="no state"):
        GitStore(clone, branch="main")


def test_a_folder_outside_git_and_an_unknown_remote_are_errors(clone: Path, tmp_path: Path) -> None:
    """Both say what to write instead."""
    with pytest.raises(ConfigurationError, match="no git repository"):
        GitStore(tmp_path)
    with pytest.raises(ConfigurationError, match="no remote elsewhere"):
        GitStore(clone, remote="elsewhere")


def test_an_unreachable_remote_is_an_error_without_its_password(clone: Path) -> None:
    """The message has git's own words, less what a URL may hold."""
    git(clone, "remote", "set-url", "origin", "http://user:canary-secret@127.0.0.1:9/x.git")
    with pytest.raises(StateError, match="cannot be used") as refused:
        GitStore(clone)
    assert "canary-secret" not in str(refused.value)


def test_a_push_that_the_remote_refuses_is_an_error_and_changes_nothing(clone: Path) -> None:
    """What was not pushed is not there: the caller may not send its request."""
    hook = remote_of(clone) / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho protected\nexit 1\n")
    hook.chmod(0o755)
    with GitStore(clone) as store:
        with pytest.raises(StateError, match="does not accept"):
            store.adopt("chat", SOME)
        assert store.apps() == []
        hook.unlink()
        store.adopt("chat", SOME)
        assert store.apps() == ["chat"]


@pytest.fixture
def large() -> list[tuple[str, str, str | None]]:
    """Return the grants of an app that is spread over files."""
    return [(f"person-{i:04d}", f"team:{j}", "write" if j % 2 else None) for i in range(900) for j in range(10)]


def test_a_large_app_is_spread_and_a_small_change_writes_one_file(
    clone: Path, large: list[tuple[str, str, str | None]]
) -> None:
    """Growing spreads it, shrinking gathers it again; what is in it is the same all the time."""
    with GitStore(clone) as store:
        store.adopt("chat", Adoption(grants=large[:100]))
        store.adopt("chat", Adoption(grants=large))
        store.adopt("chat", Adoption(grants=[("person-0001", "team:new", None)]))
        changed = git(remote_of(clone), "diff", "--name-only", f"{BRANCH}~1", BRANCH).splitlines()
        assert len([path for path in changed if path.startswith("apps/chat/grants/")]) == 1
    with GitStore(clone) as store:
        names = Names()
        applied = store.load("chat", names)
        found = {(i.holder, i.entitlement) for i in map(names.item, applied.grants)}
        assert found == {(h, e) for h, e, _ in large} | {("person-0001", "team:new")}
        store.adopt("chat", Adoption(gone=[names.item(grant) for grant in list(applied.grants)[:1500]]))
        assert "grants.jsonl" in git(remote_of(clone), "ls-tree", "--name-only", f"{BRANCH}:apps/chat")
    with GitStore(clone, read_only=True) as store:
        assert len(store.load("chat", Names()).grants) == 9001 - 1500
