"""GitLab and a server of one's own: their files are read, and their steps are run, as far as that goes without them."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from life import KIM, Life

ROOT = Path(__file__).resolve().parents[2]
GITLAB = ROOT / "examples" / "gitlab" / ".gitlab-ci.yml"
SERVER = ROOT / "examples" / "server"


def run_script(life: Life, script: str, tmp_path: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a script at the desk, with the tool where the examples install it."""
    command = tmp_path / "bin" / "reconciler"
    command.parent.mkdir(exist_ok=True)
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m reconciler.cli.main "$@"\n')
    command.chmod(0o755)
    text = script.replace("/tmp/reconciler/bin/reconciler", str(command))  # noqa: S108 - the example's own path
    kept = {name: os.environ[name] for name in ("HOME", "COVERAGE_PROCESS_START") if name in os.environ}
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    environ = {**kept, "PATH": path, "PYTHONPATH": str(ROOT), "CHAT_TOKEN": life.chat.token, "LANG": "C.UTF-8", **more}
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", text], cwd=life.desk, env=environ, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_gitlab_plans_a_merge_request_applies_the_merge_and_looks_for_drift(life: Life, tmp_path: Path) -> None:
    """The scripts of its jobs, one after the other, with the variables that GitLab sets."""
    jobs = yaml.safe_load(GITLAB.read_text())
    assert jobs["apply"]["resource_group"] == jobs["drift"]["resource_group"]
    assert jobs["plan"]["environment"]["name"] != jobs["apply"]["environment"]["name"]
    before = life.head("main")
    life.begin("kim")
    life.write(more=KIM)
    life.push("kim")
    planned = run_script(life, "\n".join(jobs["plan"]["script"]), tmp_path, CI_MERGE_REQUEST_DIFF_BASE_SHA=before)
    assert planned.returncode == 0, planned.stderr
    assert "1 to add" in (life.desk / "access.md").read_text()
    life.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    applied = run_script(life, "\n".join(jobs["apply"]["script"]), tmp_path, CI_COMMIT_BEFORE_SHA=before)
    assert applied.returncode == 0, applied.stderr
    assert "kim@acme.example" in life.users()
    drift = run_script(life, "\n".join(jobs["drift"]["script"]), tmp_path)
    assert drift.returncode == 0, drift.stderr


@pytest.mark.slow
def test_a_server_applies_what_is_due_and_tells_drift_by_its_exit_code(life: Life, tmp_path: Path) -> None:
    """As cron or systemd would run it; tokens come from a file."""
    tokens = tmp_path / "tokens"
    tokens.write_text(f"CHAT_TOKEN={life.chat.token}\n")
    script = (SERVER / "access-night.sh").read_text()
    done = run_script(life, script, tmp_path, ACCESS_TOKENS_FILE=str(tokens), CHAT_TOKEN="")
    assert done.returncode == 0, done.stderr
    life.change_user("lee@acme.example", {"displayName": "Somebody Else"})
    assert run_script(life, script, tmp_path).returncode == 2


def test_the_units_are_whole() -> None:
    """What they run is beside them; drift (2) is no failure of the unit."""
    units = configparser.ConfigParser(interpolation=None)
    units.optionxform = str  # type: ignore[assignment,method-assign]
    units.read([SERVER / "access-night.service", SERVER / "access-night.timer"])
    assert (SERVER / Path(units["Service"]["ExecStart"]).name).is_file()
    assert units["Service"]["SuccessExitStatus"] == "2"
    assert units["Timer"]["OnCalendar"]
    subprocess.run(["bash", "-n", SERVER / "access-night.sh"], check=True)
