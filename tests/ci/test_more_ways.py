"""A merge queue, called workflows, and credentials that a cloud gives."""

from __future__ import annotations

import re

import pytest
import yaml
from life import KIM, Life
from support.actions_runner import ROOT, Outcome

pytestmark = pytest.mark.slow


def propose_kim(life: Life) -> int:
    """Open a pull request in which Kim joins, and let it be planned and approved."""
    life.begin("kim")
    life.write(more=KIM)
    life.push("kim", "Kim joins")
    number = life.propose("kim")
    assert life.plan(number).code == 0
    life.github.review(number, "lee")
    return number


def queue(life: Life, number: int) -> Outcome:
    """Let the plan's workflow run for a merge queue's commit."""
    base, merge = life.head("main"), life.refresh(number)
    branch = f"gh-readonly-queue/main/pr-{number}-{base}"
    life.git(
        "push",
        "--quiet",
        "--force",
        "origin",
        f"{merge}:refs/heads/{branch}",
        at=life.remote.parent / f"merge-{number}",
    )
    group = {"head_ref": f"refs/heads/{branch}", "head_sha": merge, "base_sha": base}
    return life.run_job(
        "access-plan.yml", "plan", event="merge_group", ref=f"refs/heads/{branch}", sha=merge, merge_group=group
    )


def test_a_merge_queue_lets_through_what_was_reviewed_and_nothing_else(life: Life) -> None:
    """A changed app is noticed before the merge."""
    number = propose_kim(life)
    done = queue(life, number)
    assert done.code == 0, done.log
    assert (
        life.github.statuses[life.head(f"gh-readonly-queue/main/pr-{number}-{life.head('main')}")][0]["state"]
        == "success"
    )
    life.github.artifacts.clear()
    done = queue(life, number)
    assert done.code == 3, done.log


def call(life: Life, file: str, job: str, inputs: dict[str, str], **said: str) -> Outcome:
    """Run a job of a workflow of ours as if a company's workflow called it."""
    text = (ROOT / ".github" / "workflows" / file).read_text(encoding="utf-8")
    asked = yaml.safe_load(text)[True]["workflow_call"]["inputs"]
    given = {name: str(one.get("default", "")) for name, one in asked.items()} | inputs
    assert not [name for name, one in asked.items() if one.get("required") and name not in inputs]
    for name, value in given.items():
        text = text.replace(f"${{{{ inputs.{name} }}}}", value)
    text = re.sub(r"(?m)^      - name: Fetch the tool\n(?:        .*\n)+?(?=      - name)", "", text)
    text = text.replace("path: company\n", "path: .\n").replace("company/", "")
    text = re.sub(r"uses: \./tool/(\S+) .*", rf"uses: acme/reconciler/\1@{'a' * 40}", text)
    payload = {"repository": {"default_branch": "main"}, "before": said.get("before", "")}
    return life.runner.run_job(
        text,
        job,
        path=f".github/workflows/{file}",
        event=said["event"],
        payload=payload,
        ref="refs/heads/main",
        sha=said["sha"],
    )


def test_our_workflows_can_be_called_with_one_secret(life: Life) -> None:
    """A JSON object of tokens, hidden in the log; what they do is what the written ones do."""
    tokens = f'{{"CHAT_TOKEN": "{life.chat.token}"}}'
    life.runner.secrets = {"access": {"ACCESS_TOKENS": tokens}}
    inputs = {"tool": "acme/reconciler", "tool-commit": "a" * 40, "environment": "access"}
    done = call(life, "access-drift.yml", "drift", inputs, event="schedule", sha=life.head("main"))
    assert done.code == 0, done.log
    assert [command for command in done.commands if command[0] == "add-mask"] == [("add-mask", "", life.chat.token)]
    pinned = call(
        life, "access-drift.yml", "drift", {**inputs, "tool-commit": "main"}, event="schedule", sha=life.head("main")
    )
    assert pinned.code == 1
    assert "is no full commit" in pinned.log


def test_a_cloud_may_keep_the_credentials_instead_of_an_environment(life: Life) -> None:
    """By saying so; saying neither, or both, is an error."""
    file = life.desk / ".github" / "workflows" / "access-drift.yml"
    text = file.read_text(encoding="utf-8")
    done = {}
    for name, said in {
        "cloud": 'oidc: "true"',
        "neither": 'oidc: ""',
        "both": 'environment: access\n          oidc: "true"',
    }.items():
        changed = text.replace("          environment: access\n", f"          {said}\n")
        path = ".github/workflows/access-drift.yml"
        payload = {"repository": {"default_branch": "main"}}
        done[name] = life.runner.run_job(
            changed, "drift", path=path, event="schedule", payload=payload, ref="refs/heads/main", sha=life.head("main")
        )
    assert done["cloud"].code == 0, done["cloud"].log
    for name in ("neither", "both"):
        assert done[name].code == 1
        assert "say how credentials are kept" in done[name].log


def test_two_merges_in_one_push_are_held_until_somebody_answers_for_them(life: Life) -> None:
    """Nobody reviewed both together: both pull requests are told, and the night does nothing until it is released."""
    numbers = []
    for name in ("kim", "park"):
        life.begin(name)
        life.write(**{name: KIM.replace("kim", name)})
        life.push(name, f"{name} joins")
        numbers.append(life.propose(name))
        assert life.plan(numbers[-1]).code == 0
        life.github.review(numbers[-1], "lee")
    before = life.head("main")
    life.begin("both")
    for number, name in zip(numbers, ("kim", "park"), strict=True):
        life.git("merge", "--quiet", "--no-ff", "--message", f"Merge pull request #{number}", f"origin/{name}")
        life.github.merged(number, life.git("rev-parse", "HEAD"), by="lee")
    life.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    pushed = life.pushed(before, life.head("main"))
    assert pushed.code == 3, pushed.log
    assert not {"kim@acme.example", "park@acme.example"} & set(life.users())
    for number in numbers:
        assert "Merged, and not applied" in life.comment(number, "apply")
    assert "pushed together with other merges" in life.comment(numbers[0], "apply")
    assert life.night().code == 0
    assert not {"kim@acme.example", "park@acme.example"} & set(life.users())
    life.begin("release")
    done = life.command("state", "release", f"#{numbers[1]}", "--yes", "--reason", "Each was approved; so are both")
    assert done.returncode == 0, done.stderr
    assert life.night().code == 0
    assert {"kim@acme.example", "park@acme.example"} <= set(life.users())
