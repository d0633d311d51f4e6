"""What a forge knows of a merged pull request, put together to be judged."""

import re
from pathlib import Path
from typing import Final

from reconciler.ci.judging import Case, Record, parse_record
from reconciler.forge.github import GitHub
from reconciler.forge.values import PullRequest, WorkflowRun
from reconciler.load.repository import Repository
from reconciler.run.requesting import ASKED_BY

_MOST_PUSHED: Final = 50
_BOT: Final = "[bot]"
_ASKED: Final = re.compile(rf"(?m)^{re.escape(ASKED_BY)}: (\S+)[ \t]*$")
WORKFLOWS: Final = ".github/workflows/"


def pushed_before(root: Path, before: str, after: str) -> list[str]:
    """Return the commits of a branch that a push brought before its last one, the newest first.

    Args:
        root: a folder in the clone.
        before: the commit that was there before the push; empty for a new branch, of which nothing is listed.
        after: the last commit of the push.
    """
    if not before:
        return []
    repository = Repository(root)
    try:
        most = f"--max-count={_MOST_PUSHED}"
        status, answer, _ = repository.ask("rev-list", "--first-parent", most, f"{before}..{after}")
    finally:
        repository.close()
    return answer.decode().split()[1:] if not status else []


async def find_merged(forge: GitHub, commit: str, branch: str) -> PullRequest | None:
    """Return the pull request that was merged as a commit of a branch, None if none was."""
    for pull in await forge.pulls.of_commit(commit):
        if pull.merged and pull.merge_sha == commit and pull.base == branch:
            return pull
    return None


async def gather_case(forge: GitHub, pull: PullRequest, workflow: str) -> Case:
    """Return everything that is judged of a pull request.

    Args:
        forge: where it is.
        pull: which one.
        workflow: the name of the file in `.github/workflows/` that makes the plans.
    """
    same_branch = (
        await forge.pulls.find(head=pull.head, state="all") if pull.head_repository == forge.repository else []
    )
    return Case(
        pull=pull,
        reviews=tuple(await forge.pulls.reviews(pull.number)),
        records=await _records(forge, pull, workflow),
        files=tuple(await forge.pulls.files(pull.number)),
        elsewhere=tuple(other.number for other in same_branch if other.base != pull.base),
        asked=await _askers(forge, pull),
        bypassed=await forge.protection.was_bypassed(pull.base, pull.merge_sha),
    )


async def _askers(forge: GitHub, pull: PullRequest) -> tuple[str, ...]:
    """Return the logins of those who asked for a pull request, where a program opened it for them.

    Its commits say so, as the program wrote them; whoever pushed others to its branch made it theirs.
    """
    named = [name for message in await forge.pulls.messages(pull.number) for name in _ASKED.findall(message)]
    if pull.author.endswith(_BOT) and pull.head_repository == forge.repository:
        named += [name for name in await forge.pulls.pushers(pull.head) if not name.endswith(_BOT)]
    return tuple(sorted(set(named)))


async def _records(forge: GitHub, pull: PullRequest, workflow: str) -> tuple[Record, ...]:
    """Return the plans that the right workflow kept for the last commit of a pull request, the oldest first."""
    found: list[Record] = []
    for run in await forge.checks.runs(commit=pull.head_sha, event="pull_request"):
        if _is_ours(run, forge.repository, pull, workflow):
            found += [
                Record(digest, artifact.created_at, run.url)
                for artifact in await forge.checks.artifacts(run.id)
                if (digest := parse_record(artifact.name)) and not artifact.expired
            ]
    return tuple(sorted(found, key=lambda record: record.at))


def _is_ours(run: WorkflowRun, repository: str, pull: PullRequest, workflow: str) -> bool:
    """Say whether a run is of the workflow that makes plans, for this branch of this repository."""
    return (
        run.path == f"{WORKFLOWS}{workflow}"
        and run.event == "pull_request"
        and run.head_sha == pull.head_sha
        and run.head_branch == pull.head
        and run.head_repository.casefold() == repository.casefold() == pull.head_repository.casefold()
    )
