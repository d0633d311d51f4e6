"""What is said of a commit: its statuses, the runs of workflows, and what these kept."""

from typing import Any, Final

from reconciler.forge.api import Api, instant, login, part, sha
from reconciler.forge.values import Artifact, State, Status, WorkflowRun

_LONGEST: Final = 140
"""Characters that the description of a status may have."""


class Checks:
    """Statuses and runs."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def set_status(self, commit: str, context: str, state: State, description: str, url: str = "") -> None:
        """Set a commit status; a longer description is cut at 140 characters.

        Args:
            commit: a full commit name.
            context: which check it is.
            state: what it says.
            description: in a few words, why.
            url: where there is more.
        """
        text = description if len(description) <= _LONGEST else description[: _LONGEST - 1] + "…"
        send = {"state": state.value, "context": context, "description": text} | ({"target_url": url} if url else {})
        await self._api.send("POST", f"statuses/{sha(commit)}", f"set the status {context}", send)

    async def statuses(self, commit: str) -> list[Status]:
        """List the newest status of each context of a commit."""
        found: dict[str, Status] = {}
        async for entry in self._api.pages(f"commits/{sha(commit)}/statuses", f"list the statuses of {commit[:12]}"):
            status = _status(entry)
            found.setdefault(status.context, status)
        return list(found.values())

    async def runs(self, *, commit: str = "", event: str = "", workflow: str = "", most: int = 0) -> list[WorkflowRun]:
        """List runs of workflows, the newest first.

        Args:
            commit: only those of this commit.
            event: only those that this started.
            workflow: the name of a file in `.github/workflows`; only its runs.
            most: stop after so many; 0 lists all.
        """
        params = {"head_sha": sha(commit)} if commit else {}
        params |= {"event": event} if event else {}
        path = f"actions/workflows/{part(workflow)}/runs" if workflow else "actions/runs"
        runs: list[WorkflowRun] = []
        async for entry in self._api.pages(path, "list the runs of workflows", params, key="workflow_runs"):
            runs.append(_run(entry))
            if most and len(runs) >= most:
                break
        return runs

    async def artifacts(self, run: int) -> list[Artifact]:
        """List what a run kept."""
        found = self._api.pages(f"actions/runs/{run:d}/artifacts", "list what a run kept", key="artifacts")
        return [
            Artifact(str(entry["name"]), instant(entry["created_at"]), bool(entry.get("expired")))
            async for entry in found
        ]


def _status(entry: dict[str, Any]) -> Status:
    return Status(
        context=str(entry.get("context") or ""),
        state=State(entry["state"]),
        description=str(entry.get("description") or ""),
        author=login(entry.get("creator")),
    )


def _run(entry: dict[str, Any]) -> WorkflowRun:
    return WorkflowRun(
        id=int(entry["id"]),
        path=str(entry.get("path") or "").partition("@")[0],
        event=str(entry.get("event") or ""),
        head_branch=str(entry.get("head_branch") or ""),
        head_sha=str(entry.get("head_sha") or ""),
        head_repository=str((entry.get("head_repository") or {}).get("full_name") or ""),
        conclusion=str(entry.get("conclusion") or ""),
        created_at=instant(entry["created_at"]),
        updated_at=instant(entry["updated_at"]),
        url=str(entry.get("html_url") or ""),
    )
