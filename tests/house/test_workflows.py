"""The workflows are linted by the test command; here: that the linters would find something, and what is installed."""

import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

sys.path.insert(0, str(Path(__file__).parent))

from action_lock import TARGET, make_lock, read_lock
from lint_workflows import lint

ROOT = Path(__file__).resolve().parents[2]
SOUND = """\
name: test
on:
  push:
permissions: {}
concurrency: {group: test, cancel-in-progress: true}
jobs:
  test:
    name: test
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
      - run: echo hello
"""
FAULTS = {
    "zizmor": ("echo hello", "echo ${{ github.event.pull_request.title }}"),
    "schema": ("runs-on: ubuntu-latest", "runs_on: ubuntu-latest"),
    "actionlint": ("echo hello", "echo ${{ needs.nothing.outputs.x }}"),
}


@pytest.mark.parametrize("fault", ["none", *FAULTS])
def test_the_linters_find_what_is_planted(tmp_path: Path, fault: str) -> None:
    """And nothing where nothing is wrong."""
    old, new = FAULTS.get(fault, ("", ""))
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "test.yml").write_text(SOUND.replace(old, new) if old else SOUND)
    assert bool(lint(tmp_path)) == (fault != "none")


def test_what_the_actions_install_is_a_part_of_the_lock() -> None:
    """Made by `python tests/house/action_lock.py`; nothing of it is only for tests."""
    text = TARGET.read_text(encoding="utf-8")
    assert text == make_lock()
    assert not {"pytest", "mypy", "scim2-server", "zizmor"} & {line.split("==")[0] for line in text.splitlines()}
    assert all(block in text for name, block in read_lock().items() if name in {"httpx", "click", "gitpython"})


def workflows() -> list[Path]:
    """List every workflow, action and template."""
    patterns = (".github/workflows/*.yml", ".github/actions/*/action.yml", "reconciler/ci/templates/access-*.yml")
    return [path for pattern in patterns for path in sorted(ROOT.glob(pattern))]


@pytest.mark.parametrize("lock", [ROOT / "requirements.lock", TARGET], ids=["all", "of the actions"])
def test_what_is_needed_with_extras_is_pinned_with_them(lock: Path) -> None:
    """Without, pip takes the newest release for another package than the pinned one, and refuses it for its hash."""
    heads = re.findall(r"(?m)^([A-Za-z0-9._-]+)(?:\[([^\]]*)\])?==", lock.read_text(encoding="utf-8"))
    pinned = {canonicalize_name(name): {extra.strip() for extra in extras.split(",")} for name, extras in heads}
    for name, extras in pinned.items():
        try:
            needs = [Requirement(need) for need in requires(name) or ()]
        except PackageNotFoundError:
            continue
        for need in needs:
            wanted = [{"extra": extra} for extra in {"", *extras}]
            if need.extras and any(need.marker is None or need.marker.evaluate(one) for one in wanted):
                assert need.extras <= pinned[canonicalize_name(need.name)], f"{name} needs {need}"


def test_nothing_runs_on_pull_request_target_and_no_script_holds_an_expression() -> None:
    """What an author wrote reaches a script by the environment only."""
    assert workflows()
    for path in workflows():
        text = path.read_text(encoding="utf-8")
        assert "pull_request_target" not in text
        assert "secrets: inherit" not in text
        for script in re.findall(r"(?m)^\s+run: (?:\|\n((?:\s{10}.*\n)+)|(.*))$", text):
            assert "${{" not in "".join(script), path


def test_every_foreign_action_is_pinned_and_every_permission_has_a_reason() -> None:
    """By the hash of a commit, with the version beside it; permissions are empty on top."""
    for path in workflows():
        lines = (line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
        for line in lines:
            if match := re.match(r"\s*(?:- )?uses: (?!\./|@@)(\S+)(.*)", line):
                assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", match[1]), line
                assert re.search(r"# v\d+\.\d+\.\d+$", match[2]), line
            if re.match(r"\s{6}[\w-]+: (read|write)\b", line):
                assert "#" in line, f"{path.name}: {line.strip()} without a reason"


@pytest.mark.parametrize("path", [path for path in workflows() if "@@" not in path.read_text()], ids=lambda p: p.name)
def test_the_files_are_yaml_with_no_permissions_on_top(path: Path) -> None:
    """Each job asks for what it needs."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    if "jobs" in data:
        assert data["permissions"] == {}
        assert all("permissions" in job for job in data["jobs"].values())


@pytest.mark.slow
def test_the_actions_install_the_tool_from_their_own_checkout(tmp_path: Path) -> None:
    """With hashes, once for each job, and with nothing of the working directory, where a pull request is."""
    work, temp = tmp_path / "work", tmp_path / "temp"
    work.mkdir()
    temp.mkdir()
    for name in ("venv", "pip", "sitecustomize", "ensurepip", "reconciler"):
        (work / f"{name}.py").write_text(f"open({str(tmp_path / 'pwned')!r}, 'w')\n")
    script = ROOT / ".github" / "actions" / "install.sh"
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "RUNNER_TEMP": str(temp)}
    for _ in range(2):
        done = subprocess.run(["bash", script], cwd=work, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    command = [temp / "reconciler" / "bin" / "reconciler", "providers"]
    told = subprocess.run(command, cwd=work, env=environ, capture_output=True, text=True, check=True)
    assert "scim" in told.stdout
    assert not (tmp_path / "pwned").exists()
