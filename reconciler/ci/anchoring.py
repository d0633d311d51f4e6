"""Whether the state is the one that the last run left: the head of its audit trail is kept where nobody can rewrite it.

A runner forgets everything, and whoever can push to the state's branch could put an older state there, or none: what is
remembered as ours decides who loses access. So each run keeps the head of the trail as the name of an artifact, and the
next one looks for that entry before anything else. If it is not there, the state counts as lost in every app: leavers
still go, and nothing else happens until somebody names the head that is right now.
"""

import asyncio
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler.audit.anchor import Head, parse_head
from reconciler.ci.gathering import WORKFLOWS
from reconciler.ci.runner import Event, set_output
from reconciler.errors import AnswerError, ConfigurationError
from reconciler.forge.github import GitHub, open_forge
from reconciler.forge.values import WorkflowRun
from reconciler.run.session import Session
from reconciler.state.contract import StateStore
from reconciler.state.lineage import mark_lost
from reconciler.state.open import open_state

ANCHOR: Final = "access-state-"
_ANCHOR: Final = re.compile(rf"{ANCHOR}([1-9][0-9]{{0,17}})-([0-9a-f]{{64}})")
_LOOKED_AT: Final = 30
_EVENTS: Final = frozenset({"push", "schedule", "workflow_dispatch"})
_NOT_FOUND: Final = 404


async def newest_anchor(forge: GitHub, workflows: Sequence[str], branch: str, own_run: int = 0) -> Head | None:
    """Return the head that the newest run kept, None if none of the last runs did.

    Args:
        forge: where they ran.
        workflows: the names of the files in `.github/workflows/` that apply.
        branch: the default branch: only what ran there is believed.
        own_run: the run that asks.
    """
    runs = [run for name in workflows for run in await _runs(forge, name, branch)]
    for run in sorted(runs, key=lambda run: run.created_at, reverse=True):
        if run.id == own_run:
            continue
        for artifact in await forge.checks.artifacts(run.id):
            if found := _ANCHOR.fullmatch(artifact.name):
                return Head(int(found[1]), found[2])
    return None


async def _runs(forge: GitHub, name: str, branch: str) -> list[WorkflowRun]:
    try:
        found = await forge.checks.runs(workflow=name, most=_LOOKED_AT)
    except AnswerError as error:
        if error.status != _NOT_FOUND:
            raise
        return []
    return [
        run
        for run in found
        if run.path == f"{WORKFLOWS}{name}"
        and run.head_branch == branch
        and run.event in _EVENTS
        and run.head_repository.casefold() == forge.repository.casefold()
    ]


def check_anchor(session: Session, anchor: Head | None, accepted: str) -> str:
    """Compare the state with what the last run left; mark it as lost where it is not the same.

    Args:
        session: the company.
        anchor: the head that the last run kept; None believes the state.
        accepted: a head, `NUMBER:DIGEST`, that somebody says is right now; or empty.

    Returns:
        What is wrong, as a sentence; empty if nothing is.
    """
    with open_state(session.settings, read_only=True) as state:
        now = Head(*state.audit_head())
        known = state.apps()
        if anchor is None or _holds(state, anchor):
            return ""
    if accepted:
        if parse_head(accepted) != now:
            raise ConfigurationError(f"the state's trail ends at {now}, not at {accepted}", hint="look at it again")
        return ""
    mark_lost(session.settings, {*session.company.apps, *known})
    return (
        f"the state is not the one that the last run left: entry {anchor.number} of its trail was "
        f"{anchor.digest[:12]}…, and the trail now ends at {now.number}. Somebody rewrote or lost it: only leavers are "
        f"handled. Restore it, or, after a look, accept {now}"
    )


def _holds(state: StateStore, anchor: Head) -> bool:
    entry = next(iter(state.audit(since=anchor.number)), None)
    return entry is not None and entry.number == anchor.number and entry.digest == anchor.digest


def keep_anchor(environ: Mapping[str, str], session: Session, file: Path | None) -> None:
    """Hand the head of the trail over to the action, which keeps it."""
    with open_state(session.settings, read_only=True) as state:
        head = Head(*state.audit_head())
    if head.number:
        set_output(environ, "anchor", f"{ANCHOR}{head.number}-{head.digest}")
        if file:
            try:
                file.write_text(json.dumps({"head": str(head)}) + "\n", encoding="utf-8")
            except OSError as error:
                raise ConfigurationError(f"{file}: the head cannot be kept: {error.strerror}") from None


@dataclass(frozen=True, slots=True)
class Anchoring:
    """How a run compares the state with what the run before it left, and keeps what it leaves itself.

    Attributes:
        workflows: the names of the files in `.github/workflows/` that apply.
        accepted: the head that somebody says is right now, or empty.
        file: what the action uploads, or None.
    """

    workflows: tuple[str, ...]
    accepted: str = ""
    file: Path | None = None

    def check(self, event: Event, environ: Mapping[str, str], session: Session) -> str:
        """Return what is wrong with the state, as a sentence; empty if nothing is."""
        return check_anchor(session, asyncio.run(self._ask(event, environ, session)), self.accepted)

    async def _ask(self, event: Event, environ: Mapping[str, str], session: Session) -> Head | None:
        own = environ.get("GITHUB_RUN_ID", "")
        async with open_forge(session.settings, environ=environ, read_only=True) as forge:
            return await newest_anchor(
                forge, plain_names(self.workflows), event.default_branch, int(own) if own.isdecimal() else 0
            )

    def keep(self, environ: Mapping[str, str], session: Session) -> None:
        """Hand the head of the trail over to the action."""
        keep_anchor(environ, session, self.file)


def plain_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return names of workflow files.

    Raises:
        ConfigurationError: one is a path.
    """
    for name in names:
        if not re.fullmatch(r"[\w.-]{1,100}\.ya?ml", name, re.ASCII):
            raise ConfigurationError(f"{name!r} is no file in {WORKFLOWS}")
    return tuple(names)
