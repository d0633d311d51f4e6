"""A merge is applied: exactly what was reviewed of it, by an identity that nothing but the default branch can use."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reconciler.apply.progress import Progress
from reconciler.apply.report import EXIT_DONE, EXIT_REFUSED, Report
from reconciler.ci.anchoring import Anchoring
from reconciler.ci.gathering import find_merged, gather_case, pushed_before
from reconciler.ci.independence import find_dependent
from reconciler.ci.judging import Case, Judgement, audit_review, judge
from reconciler.ci.proposing import COMMENT, base_of, does_something
from reconciler.ci.reachable import Reach, check_reach
from reconciler.ci.runner import Event, add_summary
from reconciler.ci.scaffold import secret_names
from reconciler.ci.telling import outcome_comment, recall, refused_comment
from reconciler.errors import ConfigurationError, RefusedError
from reconciler.forge.github import open_forge
from reconciler.load.repository import NOBODY
from reconciler.model.company import Settings
from reconciler.plan.plan import Plan, Scope
from reconciler.render.inert import sentence
from reconciler.run.applying import apply_plan
from reconciler.run.merging import Merging, refused_by_guards
from reconciler.run.reading import ReadProgress
from reconciler.run.session import Session, open_session
from reconciler.run.withholding import counts_ever

PATIENCE: Final = 1_800.0
"""Seconds that one merge waits for another to be applied."""

_OUTCOME: Final = "apply"
_NOT_ALL: Final = "> ⚠ Not all could be checked of where credentials can be reached:"
_TOGETHER: Final = "it was pushed together with other merges, and nobody reviewed what they do together"


@dataclass(frozen=True, slots=True)
class Merge:
    """What was merged, and under which rules it is applied.

    Attributes:
        root: the folder of `reconciler.yaml`.
        workflow: the name of the file in `.github/workflows/` that made its plan.
        environment: the environment that holds the credentials; empty where a cloud checks the branch (OIDC).
        approvals: how many people must have approved the plan.
        anchoring: how the state is known to be the one that the last run left.
    """

    event: Event
    root: Path
    environ: Mapping[str, str]
    workflow: str
    environment: str
    approvals: int
    anchoring: Anchoring

    @property
    def base(self) -> str:
        """Return the commit before the push, empty for none."""
        return "" if NOBODY.fullmatch(self.event.base_sha) else self.event.base_sha

    @property
    def settings(self) -> Settings:
        """Return settings of which only the root counts: on a runner, its own variables say where the forge is."""
        return Settings(self.root)


@dataclass(slots=True)
class _Verdict:
    """What was decided once the fresh plan was there."""

    plan: Plan | None = None
    refusals: tuple[str, ...] = ()
    nothing: bool = False
    name: str = ""
    dependent: Mapping[str, str] = field(default_factory=dict)
    judgement: Judgement = field(default_factory=Judgement)


def refuse_elsewhere(event: Event) -> None:
    """Refuse to apply anything but the default branch.

    Raises:
        ConfigurationError: the run is of another branch, a tag or a pull request.
    """
    if event.name == "pull_request" or not event.on_default_branch:
        raise ConfigurationError(
            f"only {event.default_branch or 'the default branch'} is applied, and this is {event.ref or 'no branch'}",
            hint="run it on push to the default branch, or on its schedule",
        )


def refuse_reachable(session: Session, environ: Mapping[str, str], environment: str, branch: str) -> None:
    """Refuse to go on with credentials that a pull request could reach; tell what cannot be seen on the run's page.

    Args:
        session: names the secrets that routes use, with its base.
        environ: of the runner.
        environment: that holds the credentials; empty where a cloud checks the branch (OIDC).
        branch: the default branch.

    Raises:
        RefusedError: they can be; the message says how to close each way.
    """
    if not environment:
        return
    companies = [*(session.base.companies if session.base else ()), session.company]
    names = set().union(*map(secret_names, companies))
    reach = asyncio.run(_reach(Settings(session.settings.root), environ, environment, branch, names))
    if reach.unseen:
        lines = [f"> - {sentence(one)}" for one in reach.unseen]
        add_summary(environ, "\n".join([_NOT_ALL, *lines]) + "\n\n")
    if reach.problems:
        raise RefusedError(
            "the credentials that write are not kept to the default branch:\n"
            + "\n".join(f"  {one}" for one in reach.problems),
            hint="nothing was applied; whoever can push a branch could use them",
        )


async def _reach(
    settings: Settings, environ: Mapping[str, str], environment: str, branch: str, names: Collection[str]
) -> Reach:
    async with open_forge(settings, environ=environ, read_only=True) as forge:
        return await check_reach(forge, environment, branch, names)


def apply_merge(merge: Merge, progress: Progress, read_progress: ReadProgress | None = None) -> int:
    """Apply what a merge brought, if it is what was reviewed; tell the outcome on its pull request.

    Returns:
        The exit code.

    Raises:
        RefusedError: the credentials can be reached from elsewhere.
        ReconcilerError: it could not be planned or applied, or the forge could not be told.
    """
    refuse_elsewhere(merge.event)
    session = open_session(merge.root, cache=False, base=base_of(merge.event, merge.root))
    refuse_reachable(session, merge.environ, merge.environment, merge.event.default_branch)
    wrong = merge.anchoring.check(merge.event, merge.environ, session)
    case = asyncio.run(_gather(merge))
    verdict = _Verdict(name=f"#{case.pull.number}" if case else merge.event.sha[:12])
    if case:
        verdict.dependent = find_dependent(session, {review.reviewer for review in case.reviews})
    expected = case.records[-1].digest if case and case.records else ""
    ahead = _judge(merge, case, expected, verdict) if case else Judgement()
    report = apply_plan(
        session,
        Scope(),
        reviewed=None,
        confirm=lambda plan: _decide(merge, case, plan, verdict, session),
        progress=progress,
        read_progress=read_progress,
        review=audit_review(case, ahead) if case else None,
        merging=Merging(merge.base, merge.event.sha, verdict.name, lambda plan: _refusal(verdict, plan)),
        wait=PATIENCE,
    )
    if not wrong:
        merge.anchoring.keep(merge.environ, session)
    text, code = _tell(case, verdict, report)
    if wrong:
        text, code = f"> ⚠ {sentence(wrong)}\n\n{text}", code or EXIT_REFUSED
    add_summary(merge.environ, text + "\n")
    if case:
        asyncio.run(_comment(merge, case, verdict, text))
    if verdict.refusals:
        asyncio.run(_tell_others(merge, verdict.name))
    return code


async def _gather(merge: Merge) -> Case | None:
    async with open_forge(merge.settings, environ=merge.environ, read_only=True) as forge:
        pull = await find_merged(forge, merge.event.sha, merge.event.default_branch)
        return await gather_case(forge, pull, merge.workflow) if pull else None


def _refusal(verdict: _Verdict, plan: Plan) -> str:
    """Return why what a merge changed is held, or an empty text: nobody reviewed it so, or guards refuse it."""
    return "; ".join([*verdict.refusals, *refused_by_guards(plan)])


def _decide(merge: Merge, case: Case | None, plan: Plan, verdict: _Verdict, session: Session) -> bool:
    """Say whether a fresh plan may be applied, and note why not.

    What does nothing yet may do something when its date has come: then nobody asks who reviewed it, so it is asked now.
    """
    verdict.plan = plan
    acts = does_something(plan)
    if not acts and (plan.refused or not _counts_ever(session)):
        verdict.nothing = not plan.refused
        return False
    if case is None:
        verdict.refusals = (
            f"{merge.event.sha[:12]} came by no pull request that was merged as it, so nobody reviewed it",
        )
        return False
    verdict.judgement = _judge(merge, case, plan.digest, verdict)
    verdict.refusals = verdict.judgement.refusals
    verdict.nothing = not acts and verdict.judgement.allowed
    return acts and verdict.judgement.allowed


def _judge(merge: Merge, case: Case, digest: str, verdict: _Verdict) -> Judgement:
    return judge(case, digest, approvals_needed=merge.approvals, dependent=verdict.dependent)


def _counts_ever(session: Session) -> bool:
    base = session.base
    if base is None or base.rerouted or base.loosened:
        return True
    return counts_ever(base.resolved, session.resolved)


def _tell(case: Case | None, verdict: _Verdict, report: Report | None) -> tuple[str, int]:
    """Return what is said, and the exit code."""
    if report is not None and verdict.plan is not None:
        bypassed = bool(case and case.bypassed) or not verdict.judgement.approvers
        return outcome_comment(report, verdict.plan, verdict.judgement.approvers, bypassed=bypassed), report.exit_code
    if verdict.nothing:
        return "## Merged: no access had to be changed", EXIT_DONE
    refusals = verdict.refusals or ("guards refuse all of it",)
    return refused_comment(refusals, verdict.plan, held=verdict.name), EXIT_REFUSED


async def _tell_others(merge: Merge, name: str) -> None:
    """Tell the pull requests that came with others in one push: nobody reviewed what they do together."""
    text = refused_comment([_TOGETHER], held=name)
    commits = pushed_before(merge.root, merge.event.base_sha, merge.event.sha)
    if not commits:
        return
    async with open_forge(merge.settings, environ=merge.environ) as forge:
        for commit in commits:
            pull = await find_merged(forge, commit, merge.event.default_branch)
            if pull:
                await forge.issues.put_comment(pull.number, _OUTCOME, text)


async def _comment(merge: Merge, case: Case, verdict: _Verdict, text: str) -> None:
    async with open_forge(merge.settings, environ=merge.environ) as forge:
        if verdict.refusals:
            said = await forge.issues.find_comment(case.pull.number, COMMENT)
            text = refused_comment(
                verdict.refusals, verdict.plan, recall(said.body) if said else None, held=verdict.name
            )
        await forge.issues.put_comment(case.pull.number, _OUTCOME, text)
