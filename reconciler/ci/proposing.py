"""A pull request is planned: the YAML is checked, the plan is told where reviewers look, and its digest is kept.

What was reviewed is kept as the name of an artifact, which the action uploads after this: see `judging`.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler.apply.report import EXIT_DONE, EXIT_REFUSED, EXIT_UNREAD
from reconciler.ci.annotations import CommandLog, annotate, annotate_problems
from reconciler.ci.gathering import gather_case
from reconciler.ci.independence import name_dependent
from reconciler.ci.judging import RECORD, judge
from reconciler.ci.runner import Event, add_summary, set_output
from reconciler.ci.telling import (
    STATUS,
    failed_comment,
    fork_summary,
    invalid_comment,
    plan_comment,
    plan_summary,
)
from reconciler.errors import ConfigurationError, InputError, ReconcilerError
from reconciler.forge.github import open_forge
from reconciler.forge.values import State
from reconciler.load.repository import Repository
from reconciler.load.settings import find_root, named_root
from reconciler.model.company import Settings
from reconciler.plan.plan import Plan, Scope
from reconciler.problems import NOWHERE, Place, Problem, Severity
from reconciler.render.tally import count_changes, headline, limits
from reconciler.render.words import join_words
from reconciler.run.planning import make_plan
from reconciler.run.reading import ReadProgress
from reconciler.run.session import open_session

COMMENT: Final = "plan"
_FIRST: Final = "0" * 40
_ERROR: Final = 1


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed, and who is told.

    Attributes:
        root: the folder of `reconciler.yaml`.
        workflow: the name of the file in `.github/workflows/` that this runs in: in a merge queue, what its runs kept
            is compared with.
        record: where the digest is written for the action to keep.
    """

    event: Event
    root: Path
    environ: Mapping[str, str]
    log: CommandLog
    workflow: str
    record: Path | None = None

    @property
    def settings(self) -> Settings:
        """Return settings of which only the root counts: on a runner, its own variables say where the forge is."""
        return Settings(self.root)


def base_of(event: Event, root: Path) -> str:
    """Return the revision that a run is compared with.

    A pull request is checked out as its merge into the base: then that merge's first parent is the base, which may be
    newer than the one in the event.
    """
    if event.name == "pull_request":
        repository = Repository(root)
        try:
            if repository.head == event.sha and len(repository.parents(event.sha)) > 1:
                return "HEAD^1"
        finally:
            repository.close()
    return event.base_sha or _FIRST


def propose(proposal: Proposal, progress: ReadProgress | None = None) -> int:
    """Check and plan a pull request, tell the outcome, and return the exit code.

    Raises:
        ReconcilerError: it could not be planned, or the forge could not be told; the commit's status says so first.
    """
    if proposal.event.name not in {"pull_request", "merge_group"}:
        raise ConfigurationError(
            f"a plan is made of pull requests, not on {proposal.event.name or 'nothing'}",
            hint="run it on pull_request and merge_group",
        )
    try:
        planned = _plan(proposal, progress)
    except InputError as error:
        _tell_invalid(proposal, error.problems)
        return _ERROR
    except ReconcilerError as error:
        if not proposal.event.from_fork:
            asyncio.run(
                _say(proposal, failed_comment(str(error), proposal.event), State.ERROR, "no plan could be made")
            )
        raise
    if planned is None:
        add_summary(proposal.environ, fork_summary(valid=True))
        return EXIT_DONE
    return _tell_plan(proposal, *planned)


def _plan(proposal: Proposal, progress: ReadProgress | None) -> tuple[Plan, tuple[str, ...]] | None:
    """Return the plan and whose approval will not count; None of a fork's pull request, for which no app is asked."""
    session = open_session(proposal.root, cache=False, base=base_of(proposal.event, proposal.root))
    with proposal.log.obeyed():
        for line in annotate_problems(session.warnings):
            proposal.log.command(line)
    if proposal.event.from_fork:
        return None
    plan = make_plan(session, Scope(), progress=progress, snapshots=True)
    return plan, name_dependent(session, plan)


def _tell_invalid(proposal: Proposal, problems: Sequence[Problem]) -> None:
    with proposal.log.obeyed():
        for line in annotate_problems(problems):
            proposal.log.command(line)
    if proposal.event.from_fork:
        add_summary(proposal.environ, fork_summary(valid=False))
        return
    text = invalid_comment(problems, proposal.event)
    add_summary(proposal.environ, text + "\n")
    asyncio.run(_say(proposal, text, State.FAILURE, "the YAML has errors"))


def _tell_plan(proposal: Proposal, plan: Plan, dependent: Sequence[str]) -> int:
    """Tell a plan on the page of the run, on the pull request and on the commit; keep its digest."""
    with proposal.log.obeyed():
        for line in _refusals(plan):
            proposal.log.command(line)
    add_summary(proposal.environ, plan_summary(plan))
    code = EXIT_UNREAD if not plan.complete else EXIT_REFUSED if plan.refused else EXIT_DONE
    told = _headline(plan, code)
    if proposal.event.name == "merge_group":
        return asyncio.run(_check_queued(proposal, plan, code, told))
    _keep(proposal, plan)
    state = State.FAILURE if code else State.SUCCESS
    asyncio.run(_say(proposal, plan_comment(plan, proposal.event, dependent), state, told))
    return code


def _headline(plan: Plan, code: int) -> str:
    words = {EXIT_REFUSED: "refused", EXIT_UNREAD: "an app could not be read"}
    return join_words([words.get(code, ""), headline(count_changes(plan)), limits(plan), f"plan {plan.digest[:12]}"])


def _refusals(plan: Plan) -> Iterator[str]:
    """Yield annotations for what guards and policies refuse, on the lines that it comes from."""
    for verdict in plan.verdicts:
        if verdict.refused:
            where = f" in {verdict.app}" if verdict.app else ""
            yield annotate(Severity.ERROR, f"refused by {verdict.guard}{where}: {verdict.text}")
    for change in plan.changes():
        if change.blocked:
            yield _beside(next((why.place for why in change.why), NOWHERE), f"{change.id}: {change.blocked}")
    for app, finding in plan.findings():
        if finding.refuses:
            yield _beside(finding.place, f"{app}: {finding.text}")


def _beside(place: Place, text: str) -> str:
    return annotate(Severity.ERROR, text, file=place.file, line=place.line, column=place.column)


def _keep(proposal: Proposal, plan: Plan) -> None:
    """Hand the digest over to the action: it goes into the name of what it uploads, the rest is for readers."""
    set_output(proposal.environ, "record", f"{RECORD}{plan.digest}")
    set_output(proposal.environ, "digest", plan.digest)
    if proposal.record:
        compared = plan.comparison
        told = {"digest": plan.digest, "head": proposal.event.head_sha, "base": compared.base if compared else ""}
        try:
            proposal.record.write_text(json.dumps(told) + "\n", encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"{proposal.record}: the digest cannot be kept: {error.strerror}") from None


async def _say(proposal: Proposal, comment: str, state: State, told: str) -> None:
    event = proposal.event
    async with open_forge(proposal.settings, environ=proposal.environ) as forge:
        if event.number and event.name == "pull_request":
            await forge.issues.put_comment(event.number, COMMENT, comment)
        await forge.checks.set_status(event.head_sha, STATUS, state, told, event.run_url)


async def _check_queued(proposal: Proposal, plan: Plan, code: int, told: str) -> int:
    """Let a pull request go on in a merge queue only if its plan there is still the one that was reviewed."""
    event = proposal.event
    async with open_forge(proposal.settings, environ=proposal.environ) as forge:
        case = await gather_case(forge, await forge.pulls.get(event.number), proposal.workflow)
        refusals = judge(case, plan.digest, approvals_needed=0).refusals if does_something(plan) else ()
        failed = bool(code or refusals)
        text = refusals[0] if refusals else told
        await forge.checks.set_status(
            event.head_sha, STATUS, State.FAILURE if failed else State.SUCCESS, text, event.run_url
        )
    return code or (EXIT_REFUSED if refusals else EXIT_DONE)


def does_something(plan: Plan) -> bool:
    """Say whether applying a plan would do or take on anything at all."""
    return not plan.empty or any(
        app.adoption.accounts or app.adoption.entitlements or app.adoption.grants or app.adoption.gone
        for app in plan.apps
    )


def root_of(config: Path | None) -> Path:
    """Return the folder of `reconciler.yaml`, as every command finds it."""
    return find_root(named_root(config) if config else Path.cwd())
