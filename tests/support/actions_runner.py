"""A small runner of GitHub Actions: the jobs of workflow files are run as they are written, on this machine.

It knows what our workflows use: expressions, `run` by bash, composite actions, outputs, summaries, workflow commands in
logs (as the real runner parses them), environments with their branches, a token with the job's permissions. Anything
else in a workflow is an error here, so that nothing is silently not run. `actions/checkout` and
`actions/upload-artifact` are done by hand: a clone of the bare repository, and an artifact of the fake GitHub.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from support.fake_github import ACTIONS, FakeGitHub, Token

ROOT = Path(__file__).resolve().parents[2]
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_TERM = re.compile(r"\s*(always\(\)|'[^']*'|[A-Za-z_][\w-]*(?:\.[\w-]+)*|&&|\|\||==|!=)\s*")


class RefusedJobError(Exception):
    """GitHub would not let a job start: its environment is not for this branch."""


@dataclass
class Outcome:
    """What came of a job.

    Attributes:
        code: of the first step that failed, 0 if none did.
        log: everything that was printed.
        commands: the workflow commands that the runner obeyed: (name, properties, message).
        summary: what is on the page of the run.
        outputs: of each step by its id.
    """

    code: int = 0
    log: str = ""
    commands: list[tuple[str, str, str]] = field(default_factory=list)
    summary: str = ""
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    run: int = 0

    def annotations(self) -> list[tuple[str, str, str]]:
        """Return what is shown beside lines."""
        return [one for one in self.commands if one[0] in {"error", "warning", "notice"}]


@dataclass
class Runner:
    """Runs the jobs of workflows for one repository.

    Attributes:
        app_rights: what the token may beside what the job asks for, as that of an app can.
        secrets: environment → its secrets; the empty name has those of the repository.
        fork: whether the run is of a fork's pull request: it gets no secrets, and a token that reads.
    """

    github: FakeGitHub
    remote: Path
    folder: Path
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    app_rights: Mapping[str, str] = field(default_factory=dict)

    def run_job(
        self, text: str, job_name: str, *, path: str, event: str, payload: Mapping[str, Any], ref: str, sha: str
    ) -> Outcome:
        """Run one job of a workflow.

        Args:
            text: the workflow, as it is in the repository at that commit.
            job_name: which job.
            path: of the workflow's file.
            event: what happened, with its payload.
            payload: see `event`.
            ref: `refs/heads/main`, `refs/pull/1/merge`.
            sha: the commit that is checked out.
        """
        workflow = yaml.safe_load(text)
        assert workflow["permissions"] == {}, "nothing is allowed that no job asks for"
        job = workflow["jobs"][job_name]
        pull = payload.get("pull_request", {})
        fork = bool(pull) and pull["head"]["repo"]["full_name"] != self.github.repository
        environment = job.get("environment", "")
        self._check_environment(environment, ref)
        head = pull.get("head", {})
        run = self.github.run(
            path, event=event, branch=head.get("ref", ref.removeprefix("refs/heads/")), sha=head.get("sha", sha)
        )
        token = self._token(job["permissions"], fork=fork)
        here = self.folder / f"job-{run}"
        given = {} if fork else {**self.secrets.get("", {}), **self.secrets.get(environment, {})}
        said = {
            "GITHUB_EVENT_NAME": event,
            "GITHUB_REF": ref,
            "GITHUB_SHA": sha,
            "GITHUB_WORKFLOW_REF": f"{self.github.repository}/{path}@{ref}",
        }
        context = {
            "github": {"token": token, "sha": sha, "ref": ref, "event": payload},
            "secrets": given,
            "runner": {"temp": str(here / "temp")},
        }
        state = _Job(self, Outcome(run=run), here, context, self._environ(here, payload, run, said))
        state.run_steps(job["steps"], {}, {})
        self.github.tokens.pop(token)
        found = next(one for one in self.github.runs if one["id"] == run)
        found |= {"conclusion": "failure" if state.outcome.code else "success", "updated_at": self.github.now()}
        return state.outcome

    def _token(self, permissions: Mapping[str, str], *, fork: bool) -> str:
        rights = {name.replace("-", "_"): level for name, level in permissions.items()} | {"metadata": "read"}
        rights |= self.app_rights
        if fork:
            rights = dict.fromkeys(rights, "read")
        token = f"ghs_{secrets.token_hex(12)}"
        self.github.tokens[token] = Token(ACTIONS, rights)
        return token

    def _check_environment(self, name: str, ref: str) -> None:
        """Refuse a job whose environment is not for its branch, as GitHub does."""
        policy = (self.github.environments.get(name) or {}).get("deployment_branch_policy")
        allowed = [pattern for kind, pattern in self.github.branch_policies.get(name, []) if kind == "branch"]
        if policy and policy["custom_branch_policies"] and ref.removeprefix("refs/heads/") not in allowed:
            raise RefusedJobError(f"{ref} may not use the environment {name}")

    def _environ(self, here: Path, payload: Mapping[str, Any], run: int, said: Mapping[str, str]) -> dict[str, str]:
        temp = here / "temp"
        (here / "work").mkdir(parents=True)
        temp.mkdir()
        (temp / "event.json").write_text(json.dumps(payload))
        _provide_tool(temp)
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "COVERAGE_PROCESS_START") if name in os.environ}
        return {**kept, **said} | {
            "CI": "true",
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.github.url,
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_REPOSITORY": self.github.repository,
            "GITHUB_EVENT_PATH": str(temp / "event.json"),
            "GITHUB_RUN_ID": str(run),
            "GITHUB_WORKSPACE": str(here / "work"),
            "RUNNER_TEMP": str(temp),
        }


def _provide_tool(temp: Path) -> None:
    """Put the tool where `install.sh` would, so that it has nothing to do: that it does it is tested on its own."""
    lock = (ROOT / ".github/actions/requirements.lock").read_bytes()
    command = temp / "reconciler" / "bin" / "reconciler"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m reconciler.cli.main "$@"\n')
    command.chmod(0o755)
    (temp / "reconciler" / "installed").write_text(hashlib.sha256(lock).hexdigest())


@dataclass
class _Job:
    runner: Runner
    outcome: Outcome
    here: Path
    context: dict[str, Any]
    environ: dict[str, str]

    def run_steps(self, steps: list[dict[str, Any]], inputs: Mapping[str, str], env: Mapping[str, str]) -> None:
        """Run steps until one fails; then only those that always run."""
        for number, step in enumerate(steps):
            assert set(step) <= {"name", "id", "if", "uses", "with", "run", "shell", "env"}, step
            scope = {
                **self.context,
                "inputs": inputs,
                "steps": {n: {"outputs": o} for n, o in self.outcome.outputs.items()},
            }
            if not self._wanted(step.get("if", ""), scope):
                continue
            given = {**env, **{name: _fill(str(text), scope) for name, text in step.get("env", {}).items()}}
            said = {name: _fill(_text(value), scope) for name, value in step.get("with", {}).items()}
            if "run" in step:
                assert "${{" not in step["run"], "an expression in a script is an injection"
                self._run_script(step, given, number)
            else:
                self._use(step["uses"], said, given)

    def _wanted(self, condition: str, scope: Mapping[str, Any]) -> bool:
        if not condition:
            return not self.outcome.code
        return bool(_evaluate(condition.removeprefix("${{").removesuffix("}}"), scope))

    def _run_script(self, step: Mapping[str, Any], env: Mapping[str, str], number: int) -> None:
        output, summary = (self.here / "temp" / f"{name}-{secrets.token_hex(4)}" for name in ("output", "summary"))
        output.touch()
        summary.touch()
        files = {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary)}
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        environ = {**self.environ, **env, **files}
        done = subprocess.run(
            command,
            cwd=self.here / "work",
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
            errors="backslashreplace",
        )
        self.outcome.log += done.stdout
        self.outcome.commands += obey(done.stdout)
        page = summary.read_bytes()
        assert len(page) <= 1024 * 1024, "GitHub drops a longer summary"
        self.outcome.summary += page.decode()
        self.outcome.code = self.outcome.code or done.returncode
        pairs = (line.partition("=") for line in output.read_text().splitlines())
        self.outcome.outputs[step.get("id", f"#{number}")] = {name: value for name, _, value in pairs}

    def _use(self, uses: str, said: Mapping[str, str], env: Mapping[str, str]) -> None:
        name, _, commit = uses.partition("@")
        assert re.fullmatch(r"[0-9a-f]{40}", commit), f"{uses} is not pinned"
        if name == "actions/checkout":
            self._check_out(said)
        elif name == "actions/upload-artifact":
            assert Path(said["path"]).is_file()
            self.runner.github.keep(self.outcome.run, said["name"])
        else:
            folder = ROOT / name.split("/", 2)[2]
            action = yaml.safe_load((folder / "action.yml").read_text())
            assert action["runs"]["using"] == "composite"
            assert set(said) <= set(action["inputs"]), f"{name} has no such input"
            defaults = {key: _fill(str(one.get("default", "")), self.context) for key, one in action["inputs"].items()}
            self.environ["GITHUB_ACTION_PATH"] = str(folder)
            self.run_steps(action["runs"]["steps"], {**defaults, **said}, env)

    def _check_out(self, said: Mapping[str, str]) -> None:
        assert said["persist-credentials"] == "false"
        work, ref, sha = self.here / "work", self.environ["GITHUB_REF"], self.environ["GITHUB_SHA"]
        depth = [] if said.get("fetch-depth") == "0" else ["--depth=1"]
        for command in (
            ["init", "--quiet", "."],
            ["remote", "add", "origin", f"file://{self.runner.remote}"],
            ["fetch", "--quiet", *depth, "origin", "+refs/heads/*:refs/remotes/origin/*", f"+{ref}:refs/remotes/now"],
            ["checkout", "--quiet", "--detach", sha],
        ):
            subprocess.run(["git", *command], cwd=work, check=True, capture_output=True)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _fill(text: str, scope: Mapping[str, Any]) -> str:
    return _EXPRESSION.sub(lambda match: _text(_evaluate(match[1], scope)), text)


def _evaluate(text: str, scope: Mapping[str, Any]) -> Any:
    """Evaluate `a.b`, `'text'`, `always()`, `==`, `!=`, `&&` and `||`, from the left; all that our workflows use."""
    terms, end = [], 0
    while end < len(text.rstrip()):
        match = _TERM.match(text, end)
        assert match, f"this expression is more than the small runner knows: {text}"
        terms.append(match[1])
        end = match.end()
    for operator in ("||", "&&", "==", "!="):
        if operator in terms:
            at = terms.index(operator)
            left, right = (_evaluate(" ".join(part), scope) for part in (terms[:at], terms[at + 1 :]))
            return {"||": left or right, "&&": left and right, "==": left == right, "!=": left != right}[operator]
    (term,) = terms
    if term == "always()":
        return True
    if term.startswith("'"):
        return term[1:-1]
    value: Any = scope
    for name in term.split("."):
        value = value.get(name, "") if isinstance(value, Mapping) else ""
    return value


def obey(log: str) -> list[tuple[str, str, str]]:
    """Return the commands in a log that a runner obeys: `::name values::message`, and `##[name]message` anywhere."""
    found, stopped = [], ""
    for line in re.split(r"\r\n|\r|\n", log):
        if stopped:
            stopped = "" if line.strip() == f"::{stopped}::" else stopped
            continue
        match = re.match(r"\s*::([\w-]+)(?: (.*?))?::(.*)", line) or re.search(r"##\[([\w-]+)([^\]]*)\](.*)", line)
        if match and match[1] == "stop-commands":
            stopped = match[3].strip()
        elif match:
            found.append((match[1], match[2] or "", match[3]))
    return found
