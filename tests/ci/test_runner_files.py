"""What a runner says is read strictly, and what it is told can end nothing early."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.actions_runner import obey

from reconciler.ci.annotations import CommandLog, annotate, annotate_problems, open_log
from reconciler.ci.runner import Event, add_summary, read_event, set_output
from reconciler.ci.tokens import take_tokens
from reconciler.errors import ConfigurationError, SecretError
from reconciler.problems import Place, Problem, Severity

A, B = "a" * 40, "b" * 40


def environ(tmp_path: Path, payload: object, **more: str) -> dict[str, str]:
    """Return the variables of a runner."""
    file = tmp_path / "event.json"
    file.write_text(json.dumps(payload))
    said = {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": str(file), "GITHUB_REPOSITORY": "acme/access"}
    return {**said, "GITHUB_SHA": A, "GITHUB_SERVER_URL": "https://github.example", "GITHUB_RUN_ID": "7", **more}


def pull(repository: str | None) -> dict[str, object]:
    """Return the event of a pull request."""
    head = {"sha": B, "repo": {"full_name": repository} if repository else None}
    return {"pull_request": {"number": 7, "head": head, "base": {"sha": A}}, "repository": {"default_branch": "main"}}


def test_a_pull_request_is_read(tmp_path: Path) -> None:
    """Number, commits, where it comes from, and where people see the run."""
    event = read_event(environ(tmp_path, pull("acme/access"), GITHUB_EVENT_NAME="pull_request"))
    assert (event.number, event.head_sha, event.base_sha, event.from_fork) == (7, B, A, False)
    assert event.run_url == "https://github.example/acme/access/actions/runs/7"


@pytest.mark.parametrize("repository", ["mallory/access", None])
def test_a_fork_is_told_from_a_branch(tmp_path: Path, repository: str | None) -> None:
    """Also one that was deleted since."""
    event = read_event(environ(tmp_path, pull(repository), GITHUB_EVENT_NAME="pull_request"))
    assert event.from_fork


def test_a_merge_queue_names_its_pull_request(tmp_path: Path) -> None:
    """In the name of its branch, as GitHub makes it."""
    group = {"head_ref": f"refs/heads/gh-readonly-queue/main/pr-12-{A}", "head_sha": B, "base_sha": A}
    event = read_event(environ(tmp_path, {"merge_group": group}, GITHUB_EVENT_NAME="merge_group"))
    assert (event.number, event.head_sha, event.base_sha) == (12, B, A)


def test_a_first_push_has_nothing_before_it(tmp_path: Path) -> None:
    """Forges write zeros."""
    event = read_event(environ(tmp_path, {"before": "0" * 40}, GITHUB_EVENT_NAME="push", GITHUB_REF="refs/heads/x"))
    assert (event.base_sha, event.on_default_branch) == ("", False)


def test_elsewhere_it_says_so(tmp_path: Path) -> None:
    """By hand these commands are of no use."""
    with pytest.raises(ConfigurationError, match="no run of GitHub Actions"):
        read_event({})
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(ConfigurationError, match="event cannot be read"):
            read_event({"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": str(path)})


def test_an_output_is_one_plain_line(tmp_path: Path) -> None:
    """A value cannot set another output."""
    file = tmp_path / "output"
    set_output({"GITHUB_OUTPUT": str(file)}, "digest", "ab12")
    assert file.read_text() == "digest=ab12\n"
    for value in ("a\nrecord=x", "a\rb", "a b", "a<<EOF"):
        with pytest.raises(ConfigurationError, match="cannot be handed over"):
            set_output({"GITHUB_OUTPUT": str(file)}, "digest", value)
    add_summary({"GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}, "text")
    assert (tmp_path / "summary").read_text() == "text"
    add_summary({}, "nowhere")


@given(st.text(max_size=80), st.text(max_size=40))
def test_an_annotation_is_one_command_whatever_is_in_it(message: str, file: str) -> None:
    """Names, values and paths stay inside of it."""
    line = annotate(Severity.ERROR, message, file=file, line=3)
    assert "\n" not in line
    assert "\r" not in line
    ((name, values, text),) = obey(line)
    assert name == "error"
    assert (
        text.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%").strip() == message.strip()
        or message.isspace()
    )
    assert values.count(",") == (1 if file else 0)


def test_only_so_many_annotations_are_made() -> None:
    """As many as are shown; errors first."""
    problems = [Problem(Place("a.yaml", n), Severity.WARNING if n % 2 else Severity.ERROR, "x") for n in range(1, 60)]
    lines = list(annotate_problems(problems))
    assert [line.split(" ")[0] for line in lines] == ["::error"] * 10 + ["::warning"] * 10


def test_a_log_obeys_nothing_that_others_wrote() -> None:
    """Whatever is printed between our own commands: nobody knows the token."""
    stream = io.StringIO()
    log = CommandLog(stream)
    print("::add-mask::x\n ::error::pwned\nname ##[warning]pwned\n::stop-commands::y", file=stream)
    with log.obeyed():
        log.command(annotate(Severity.ERROR, "ours"))
    print("::set-output name=digest::y\n##[error]pwned", file=stream)
    assert obey(stream.getvalue()) == [("error", "", "ours")]


def test_tokens_of_one_secret_are_hidden_and_taken() -> None:
    """Before anything is printed."""
    variables = {"ACCESS_TOKENS": '{"CHAT_TOKEN": "planted-chat-token"}', "PATH": "/bin"}
    stream = io.StringIO()
    open_log(variables, stream)
    assert variables == {"CHAT_TOKEN": "planted-chat-token", "PATH": "/bin"}
    assert obey(stream.getvalue()) == [("add-mask", "", "planted-chat-token")]


@pytest.mark.parametrize(
    "text",
    ["[]", "x", '{"a": "b"}', '{"PATH": "/evil"}', '{"LD_PRELOAD": "x"}', '{"PYTHONPATH": "x"}', '{"A": 1}',
     '{"GITHUB_TOKEN": "x"}', '{"A": ""}', '{"HTTPS_PROXY": "x"}', '{"RECONCILER_CONFIG": "x"}', '{"A-B": "x"}'],
)  # fmt: skip
def test_tokens_cannot_be_what_programs_obey(text: str) -> None:
    """Nor anything but a JSON object of texts; nothing of it is repeated."""
    variables = {"ACCESS_TOKENS": text}
    with pytest.raises(SecretError, match="ACCESS_TOKENS") as caught:
        list(take_tokens(variables))
    assert variables == {}
    assert "evil" not in str(caught.value)


def test_events_know_the_default_branch() -> None:
    """By its name alone, nothing is taken for it."""
    event = Event("push", "acme/access", A, "refs/heads/main", "main")
    assert event.on_default_branch
    assert not Event("push", "acme/access", A, "refs/tags/main", "main").on_default_branch
    assert not Event("push", "acme/access", A, "refs/heads/", "").on_default_branch
