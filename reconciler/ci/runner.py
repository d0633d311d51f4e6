"""What the runner of GitHub Actions says of the event that started it, and where it takes what a step hands over.

From the reference (https://docs.github.com/en/actions/reference/workflows-and-actions/variables, and its page on
events).
Whatever comes from the event may have been written by the author of a pull request: names of branches and titles are
values here and never part of a command.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from reconciler.errors import ConfigurationError

_LARGEST: Final = 8 * 1024 * 1024
_QUEUED: Final = re.compile(r"refs/heads/gh-readonly-queue/.+/pr-(\d{1,9})-[0-9a-f]{40}")
_GONE: Final = "(gone)"
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,60}")


@dataclass(frozen=True, slots=True)
class Event:
    """What started a run.

    Attributes:
        name: `pull_request`, `merge_group`, `push`, `schedule`, `workflow_dispatch`, …
        repository: `OWNER/NAME`.
        sha: the commit that the run is about; of a pull request, its merge into the base.
        ref: `refs/heads/main`; of a pull request `refs/pull/7/merge`.
        number: of the pull request, also in a merge queue; 0 where there is none.
        head_sha: the commit that was last pushed to the pull request, or that the queue made.
        head_repository: `OWNER/NAME` that the pull request comes from, or `(gone)`.
        base_sha: what it is compared with: the tip of the base, or what was there before a push; empty if unknown.
        default_branch: its name.
        run_url: where people see the run.
    """

    name: str
    repository: str
    sha: str
    ref: str
    default_branch: str
    number: int = 0
    head_sha: str = ""
    head_repository: str = ""
    base_sha: str = ""
    run_url: str = ""

    @property
    def from_fork(self) -> bool:
        """Whether it is a pull request from another repository: such a run gets no secrets, and a token that reads."""
        return bool(self.head_repository) and self.head_repository.casefold() != self.repository.casefold()

    @property
    def on_default_branch(self) -> bool:
        """Whether the run is of the default branch itself."""
        return bool(self.default_branch) and self.ref == f"refs/heads/{self.default_branch}"


def read_event(environ: Mapping[str, str]) -> Event:
    """Return what the variables of the runner, and the file of its event, say.

    Raises:
        ConfigurationError: this is no run of GitHub Actions, or the event cannot be read.
    """
    if environ.get("GITHUB_ACTIONS") != "true":
        raise ConfigurationError(
            "this is no run of GitHub Actions", hint="the actions call it; by hand use plan, apply and drift"
        )
    payload = _payload(Path(environ.get("GITHUB_EVENT_PATH", "")))
    pull = _mapping(payload, "pull_request")
    group = _mapping(payload, "merge_group")
    ref = environ.get("GITHUB_REF", "")
    queued = _QUEUED.fullmatch(str(group.get("head_ref") or ""))
    repository = environ.get("GITHUB_REPOSITORY", "")
    return Event(
        name=environ.get("GITHUB_EVENT_NAME", ""),
        repository=repository,
        sha=environ.get("GITHUB_SHA", ""),
        ref=ref,
        default_branch=str(_mapping(payload, "repository").get("default_branch") or ""),
        number=int(pull.get("number") or (queued[1] if queued else 0)),
        head_sha=str(_mapping(pull, "head").get("sha") or group.get("head_sha") or ""),
        head_repository=str(_mapping(_mapping(pull, "head"), "repo").get("full_name") or _GONE) if pull else repository,
        base_sha=_commit(_mapping(pull, "base").get("sha") or group.get("base_sha") or payload.get("before")),
        run_url=_run_url(environ, repository),
    )


def _payload(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        payload = json.loads(content) if len(content) <= _LARGEST else None
    except (OSError, ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        raise ConfigurationError("the runner's event cannot be read", hint="GITHUB_EVENT_PATH names its file")
    return payload


def _mapping(payload: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = payload.get(key)
    return found if isinstance(found, dict) else {}


def _commit(text: object) -> str:
    """Return a commit's name, empty for none and for the zeros that stand for none."""
    found = str(text or "")
    return found if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", found) and set(found) != {"0"} else ""


def _run_url(environ: Mapping[str, str], repository: str) -> str:
    server, run = environ.get("GITHUB_SERVER_URL", ""), environ.get("GITHUB_RUN_ID", "")
    return f"{server}/{repository}/actions/runs/{run}" if server.startswith("https://") and run.isdecimal() else ""


def set_output(environ: Mapping[str, str], name: str, value: str) -> None:
    """Hand a value over to the steps that follow: one line of plain characters, so that it can end nothing early.

    Raises:
        ConfigurationError: it is none.
    """
    if not _PLAIN.fullmatch(name) or not re.fullmatch(r"[\w.:/-]*", value, re.ASCII):
        raise ConfigurationError(f"the output {name} cannot be handed over")
    _append(environ.get("GITHUB_OUTPUT", ""), f"{name}={value}\n")


def add_summary(environ: Mapping[str, str], markdown: str) -> None:
    """Add Markdown to the page of the run; whoever wrote it kept it under 1 MiB."""
    _append(environ.get("GITHUB_STEP_SUMMARY", ""), markdown)


def _append(path: str, text: str) -> None:
    if path:
        try:
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise ConfigurationError(f"the runner's file cannot be written: {error.strerror}") from None
