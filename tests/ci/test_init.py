"""`init` writes what is missing, makes anew what it made, and never takes away what somebody wrote."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from support.actions_runner import ROOT
from support.fake_github import READER, FakeGitHub, Token, running
from support.real_command import run_command

from reconciler.ci.scaffold import is_ours, merge_owners

PIN = f"acme-tools/reconciler@{'a' * 40}"


def init(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it."""
    environ = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    return run_command(["init", *arguments], folder, environ)


def contents(folder: Path) -> dict[str, str]:
    """Return every file with its content."""
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def declare_chat(folder: Path, *, github: str = "lee-w") -> None:
    """Write an app with a secret, and its owner."""
    (folder / "people.yaml").write_text(
        f"people: {{lee: {{name: Lee, email: lee@acme.example, usernames: {{github: {github}}}}}}}\n"
    )
    (folder / "apps" / "chat.yaml").write_text(
        'apps: {chat: {owner: lee, route: [scim: {url: "https://chat.example/v2", token: {env: CHAT_TOKEN}}]}}\n'
    )


def test_an_empty_folder_becomes_a_repository_that_validates(tmp_path: Path) -> None:
    """And the second run changes nothing."""
    done = init(tmp_path, "--actions", PIN, "--organization", 'Acme "& Sons"', "--timezone", "Europe/Berlin")
    assert done.returncode == 0, done.stderr
    assert "make the environment access" in done.stderr
    before = contents(tmp_path)
    assert yaml.safe_load(before["reconciler.yaml"])["organization"] == 'Acme "& Sons"'
    again = init(tmp_path, "--actions", PIN)
    assert contents(tmp_path) == before
    assert {line.split(": ", 1)[1] for line in again.stdout.splitlines()} == {"as it was"}


def checked(folder: Path, github: FakeGitHub, rights: Mapping[str, str]) -> str:
    """Run it where the forge can be asked, and return what it says about that."""
    github.tokens["t"] = Token("lee-w", rights, user=True)
    with running(github):
        environ = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "GITHUB_TOKEN": "t"}
        environ |= {"GITHUB_REPOSITORY": "acme/access", "GITHUB_API_URL": github.url}
        done = run_command(["init", "--actions", PIN], folder, environ)
    assert done.returncode == 0, done.stderr
    assert github.violations == []
    return done.stderr.partition("\nchecked on GitHub:\n")[2]


def test_what_is_not_as_needed_on_the_forge_is_told_with_what_to_change(tmp_path: Path) -> None:
    """The environment, the rules, the secrets; and nothing once it is so."""
    init(tmp_path, "--actions", PIN)
    declare_chat(tmp_path)
    github = FakeGitHub(strict=False, secrets=["CHAT_TOKEN"])
    told = checked(tmp_path, github, {"metadata": "read", "contents": "read"})
    assert "not seen: who may use the environment access: the token needs the permission actions=read" in told
    rights = {**READER, "administration": "read", "secrets": "read", "environments": "read"}
    told = checked(tmp_path, github, rights)
    assert "change: there is no environment 'access': make it" in told
    assert "change: every branch can use the secret CHAT_TOKEN of the repository" in told
    assert "better: in the rules of main: require the status access/plan" in told
    named = {"protected_branches": False, "custom_branch_policies": True}
    github.environments["access"] = {"deployment_branch_policy": named}
    github.branch_policies["access"] = [("branch", "main")]
    github.secrets, github.strict = [], True
    assert (
        checked(tmp_path, github, rights) == "  better: add CHAT_TOKEN to the environment 'access': a route uses it\n"
    )
    github.environment_secrets["access"] = ["CHAT_TOKEN"]
    assert checked(tmp_path, github, rights) == "  all of it is so\n"


def test_workflows_follow_the_apps(tmp_path: Path) -> None:
    """Their secrets are named one by one; owners of apps own their files."""
    init(tmp_path, "--actions", PIN)
    declare_chat(tmp_path)
    done = init(tmp_path, "--actions", PIN)
    assert ".github/workflows/access-apply.yml: updated" in done.stdout
    steps = yaml.safe_load((tmp_path / ".github/workflows/access-apply.yml").read_text())["jobs"]["apply"]["steps"]
    assert steps[-1]["env"] == {"CHAT_TOKEN": "${{ secrets.CHAT_TOKEN }}"}
    assert "/apps/chat.yaml @lee-w\n" in (tmp_path / ".github/CODEOWNERS").read_text()
    declare_chat(tmp_path, github="lee-new")
    owners = tmp_path / ".github" / "CODEOWNERS"
    owners.write_text("* @acme/everybody\n" + owners.read_text() + "/docs @kim\n")
    init(tmp_path, "--actions", PIN)
    assert owners.read_text().startswith("* @acme/everybody\n")
    assert owners.read_text().endswith("/docs @kim\n")
    assert "/apps/chat.yaml @lee-new\n" in owners.read_text()


def test_what_somebody_edited_is_kept_unless_it_is_named(tmp_path: Path) -> None:
    """And told."""
    init(tmp_path, "--actions", PIN)
    file = tmp_path / ".github/workflows/access-plan.yml"
    file.write_text(file.read_text().replace("timeout-minutes: 30", "timeout-minutes: 5"))
    (tmp_path / "notes.txt").write_text("mine\n")
    declare_chat(tmp_path)
    done = init(tmp_path, "--actions", PIN)
    assert ".github/workflows/access-plan.yml: kept: it is yours" in done.stdout
    assert "timeout-minutes: 5" in file.read_text()
    done = init(tmp_path, "--actions", PIN, "--overwrite", ".github/workflows/access-plan.yml")
    assert ".github/workflows/access-plan.yml: updated" in done.stdout
    assert is_ours(file.read_text())


@pytest.mark.parametrize(
    "arguments",
    [
        ("--actions", "acme/reconciler@main"),
        ("--actions", f"acme/reconciler@{'a' * 39}"),
        ("--actions", PIN, "--branch", "main]\npermissions: write-all"),
        ("--actions", PIN, "--environment", "${{ secrets.X }}"),
    ],
)
def test_what_is_not_pinned_or_not_a_name_is_written_nowhere(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Nothing at all is written then."""
    done = init(tmp_path, *arguments)
    assert done.returncode == 1
    assert contents(tmp_path) == {}


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    """Out of the repository least of all."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / ".github").symlink_to(elsewhere)
    done = init(repository, "--actions", PIN)
    assert done.returncode == 1
    assert "is a link" in done.stderr
    assert list(elsewhere.iterdir()) == []


def test_owners_that_somebody_wrote_stay() -> None:
    """Our block is put behind them, and found again."""
    block = "# reconciler: begin\n/apps/a.yaml @a\n# reconciler: end"
    first = merge_owners("* @x\n", block)
    assert first == f"* @x\n\n{block}\n"
    assert merge_owners(first, block.replace("@a", "@b")) == first.replace("@a", "@b")
