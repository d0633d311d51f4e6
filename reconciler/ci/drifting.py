"""The scheduled run: what is due is applied, drift becomes one issue for each app, and silence becomes an alarm."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from reconciler.apply.progress import Progress
from reconciler.apply.report import EXIT_DONE, EXIT_REFUSED, EXIT_UNREAD, Report
from reconciler.ci.anchoring import Anchoring
from reconciler.ci.applying import PATIENCE, refuse_elsewhere, refuse_reachable
from reconciler.ci.drift_text import (
    LABEL,
    Withheld,
    gone_comment,
    has_drift,
    is_alarming,
    issue_body,
    issue_name,
    issue_title,
)
from reconciler.ci.offering import NOTHING, Desk, Offered, Offers
from reconciler.ci.runner import Event, add_summary
from reconciler.errors import ReconcilerError
from reconciler.forge.github import GitHub, open_forge
from reconciler.forge.values import Issue
from reconciler.model.company import Settings
from reconciler.plan.plan import AppPlan, Plan, Scope
from reconciler.provider.contract import Surroundings
from reconciler.render.drift import drift_in
from reconciler.render.inert import code, sentence
from reconciler.render.words import join_words, number
from reconciler.run.applying import apply_plan
from reconciler.run.planning import make_plan
from reconciler.run.reading import ReadProgress
from reconciler.run.reminding import Reminders, remind
from reconciler.run.session import Session, open_session
from reconciler.run.withholding import HELD

_FRESH: Final = "fresh"
_SUCCESS: Final = "success"
_RUNS_LOOKED_AT: Final = 300


@dataclass(frozen=True, slots=True)
class Night:
    """One scheduled run.

    Attributes:
        root: the folder of `reconciler.yaml`.
        environment: the environment that holds the credentials; empty where a cloud checks the branch (OIDC).
        anchoring: how the state is known to be the one that the last run left.
        apply_due: whether what is due is applied before drift is looked for.
        offers: what is proposed as pull requests.
    """

    event: Event
    root: Path
    environ: Mapping[str, str]
    environment: str
    anchoring: Anchoring
    apply_due: bool = True
    offers: Offers = NOTHING

    @property
    def settings(self) -> Settings:
        """Return settings of which only the root counts: on a runner, its own variables say where the forge is."""
        return Settings(self.root)

    @property
    def surroundings(self) -> Surroundings:
        """Return what a notice is sent with."""
        return Surroundings(app="notice", root=self.root, read_only=False, now=datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Told:
    """What a scheduled run found and did.

    Attributes:
        code: the exit code.
        headline: one line for a notice; empty where nobody need be told.
    """

    code: int
    headline: str = ""


def run_night(night: Night, progress: Progress, read_progress: ReadProgress | None = None) -> Told:
    """Apply what is due, then tell drift.

    Raises:
        RefusedError: the credentials can be reached from elsewhere.
        ReconcilerError: it could not be planned or applied, or the forge could not be told.
    """
    refuse_elsewhere(night.event)
    session = open_session(night.root, cache=False)
    refuse_reachable(session, night.environ, night.environment, night.event.default_branch)
    wrong = night.anchoring.check(night.event, night.environ, session)
    report, held = _apply_due(session, progress, read_progress) if night.apply_due else (None, [])
    reminders = asyncio.run(remind(session, wait=PATIENCE)) if night.apply_due and not wrong else None
    if not wrong:
        night.anchoring.keep(night.environ, session)
    drift = drift_in(make_plan(open_session(night.root, cache=False), Scope(), progress=read_progress))
    offered = _offer(night, drift, read_progress)
    changed = asyncio.run(_tell_issues(night, drift, offered))
    untold = reminders.problems if reminders else []
    more = _reminder_lines(reminders) + _offer_lines(offered)
    add_summary(night.environ, _summary(report, drift, wrong, held) + more)
    code = _code(report, drift) or (EXIT_REFUSED if wrong else EXIT_DONE) or int(bool(offered.problems or untold))
    words = [f"not proposed: {'; '.join(offered.problems)}" if offered.problems else ""]
    words += [f"{number(len(untold), 'ticket')} not told of" if untold else ""]
    return Told(code, "; ".join(filter(None, [wrong, _headline(report, drift, changed, held), *words])))


def _reminder_lines(reminders: Reminders | None) -> str:
    """Return what was told about open tickets, for the summary."""
    if reminders is None:
        return ""
    told = [
        f"- told: {code(one.ticket.address or one.ticket.key)}: {sentence(one.note.text)}" for one in reminders.told
    ]
    told += [f"- ⚠ {sentence(problem)}" for problem in reminders.problems]
    return "".join(f"{line}\n" for line in told[:1_000])


def _offer(night: Night, drift: Plan, read_progress: ReadProgress | None) -> Offered:
    """Propose what may be; whatever goes wrong with that, drift is told all the same."""
    if night.offers == NOTHING:
        return Offered()
    desk = Desk(night.root, lambda: open_forge(night.settings, environ=night.environ), night.event.default_branch)
    try:
        return desk.offer(night.offers, drift, read_progress)
    except ReconcilerError as error:
        return Offered(problems=(error.message,))


def _offer_lines(offered: Offered) -> str:
    told = [f"- {sentence(line)}" for line in offered.lines]
    told += [f"- ⚠ not proposed: {sentence(problem)}" for problem in offered.problems]
    return "".join(f"{line}\n" for line in told[:1_000])


def _apply_due(
    session: Session, progress: Progress, read_progress: ReadProgress | None
) -> tuple[Report | None, list[str]]:
    """Apply what is due, and return what is held because nobody reviewed it, a line each."""
    held: list[str] = []

    def note(plan: Plan) -> bool:
        held.extend(one.removeprefix(HELD) for one in plan.warnings if one.startswith(HELD))
        return True

    report = apply_plan(
        session,
        Scope(due=True),
        reviewed=None,
        confirm=note,
        progress=progress,
        read_progress=read_progress,
        wait=PATIENCE,
    )
    return report, held


async def _tell_issues(night: Night, drift: Plan, offered: Offered) -> list[str]:
    """Open, update and close issues, one for each app; return the apps whose drift is new or worse."""
    async with open_forge(night.settings, environ=night.environ) as forge:
        open_ones = await forge.issues.labelled(LABEL)
        known: set[int] = set()
        changed: list[str] = []
        for app in drift.apps:
            there = _issues_of(app, open_ones)
            known |= {issue.number for issue in there}
            if await _tell_app(forge, app, there, offered.withheld.get(app.app, ())):
                changed.append(app.app)
        if not drift.scope.apps:
            for issue in open_ones:
                if issue.number not in known and issue.body.startswith("<!-- reconciler:drift/"):
                    await _close(forge, issue)
    return changed


def _issues_of(app: AppPlan, issues: Sequence[Issue]) -> list[Issue]:
    start = f"<!-- reconciler:{issue_name(app.app)} -->"
    return sorted((one for one in issues if one.body.startswith(start)), key=lambda one: one.number)


async def _tell_app(forge: GitHub, app: AppPlan, there: Sequence[Issue], withheld: Withheld) -> bool:
    """Make the issue of an app say what is so; return whether that is news."""
    if not has_drift(app) and not withheld:
        if app.complete:  # what could not be read may still be there
            for issue in there:
                await _close(forge, issue)
        return False
    name, title, body = issue_name(app.app), issue_title(app, withheld), issue_body(app, withheld)
    if there:
        updated = await forge.issues.update(there[0], name, title=title, body=body)
        for twin in there[1:]:
            await forge.issues.close(twin, done=False)
        return updated is not there[0] and (is_alarming(app) or bool(withheld))
    await forge.issues.open(name, title, body, [LABEL])
    return True


async def _close(forge: GitHub, issue: Issue) -> None:
    await forge.issues.comment(issue.number, gone_comment())
    await forge.issues.close(issue)


def _code(report: Report | None, drift: Plan) -> int:
    if report is not None and report.exit_code not in {EXIT_DONE, EXIT_UNREAD}:
        return report.exit_code
    if not drift.complete:
        return EXIT_UNREAD
    return EXIT_REFUSED if any(finding.fails_drift for _, finding in drift.findings()) else EXIT_DONE


def _summary(report: Report | None, drift: Plan, wrong: str, held: Sequence[str]) -> str:
    lines = ["## The scheduled run", "", *([f"> ⚠ {sentence(wrong)}", ""] if wrong else [])]
    lines += [f"- due: {sentence(report.summary)}"] if report is not None else []
    lines += [f"- ⚠ held: {sentence(one)}" for one in held]
    for app in drift.apps:
        word = "privileged drift" if is_alarming(app) else "drift" if has_drift(app) else "as declared"
        unread = join_words(["not read completely", sentence(app.error)])
        lines.append(f"- {code(app.app)}: {word if app.complete else unread}")
    return "\n".join(lines[:1_000]) + "\n"


def _headline(report: Report | None, drift: Plan, changed: Sequence[str], held: Sequence[str]) -> str:
    """Return one line for whoever wants to be told, plain text; nothing where there is no news."""
    alarming = [app.app for app in drift.apps if is_alarming(app)]
    unread = sum(1 for app in drift.apps if not app.complete)
    parts = [
        f"new drift in {', '.join(changed)}" if changed else "",
        f"privileged access outside git in {', '.join(alarming)}" if alarming else "",
        f"due: {report.summary}" if report is not None and report.exit_code not in {EXIT_DONE, EXIT_UNREAD} else "",
        f"{number(len(held), 'merge')} held, which nobody reviewed" if held else "",
        f"{number(unread, 'app')} could not be read" if unread else "",
    ]
    return "; ".join(filter(None, parts))


async def check_fresh(
    forge: GitHub, workflow: str, *, hours: float, now: datetime, own_run: int = 0
) -> tuple[bool, str]:
    """Say whether the scheduled workflow has succeeded lately, and keep one issue open while it has not.

    Args:
        forge: where it runs.
        workflow: the name of its file in `.github/workflows/`.
        hours: how long it may be silent.
        now: the instant.
        own_run: the run that asks, which does not count: it has not succeeded yet.

    Returns:
        Whether it is fresh, and what is the case in words.
    """
    runs = await forge.checks.runs(workflow=workflow, most=_RUNS_LOOKED_AT)
    good = [run for run in runs if run.conclusion == _SUCCESS and run.id != own_run]
    last = max((run.updated_at for run in good), default=None)
    fresh = last is not None and now - last <= timedelta(hours=hours)
    when = f"the last success was at {last:%Y-%m-%d %H:%M} UTC" if last else "there was no success yet"
    text = f"no run of {workflow} has succeeded for {hours:g} hours: {when}"
    there = await forge.issues.find(_FRESH, LABEL)
    if fresh:
        for issue in there:
            await _close_alarm(forge, issue, when)
        return True, when
    body = (
        f"No scheduled run of {code(workflow)} has succeeded for {hours:g} hours ({when}). Until one does, nothing "
        "that is due is applied, leavers keep what they have, and drift goes unnoticed. Look at its last runs."
    )
    title = "The scheduled run of access is overdue"
    if there:
        await forge.issues.update(there[0], _FRESH, title=title, body=body)
    else:
        await forge.issues.open(_FRESH, title, body, [LABEL])
    return False, text


async def _close_alarm(forge: GitHub, issue: Issue, when: str) -> None:
    await forge.issues.comment(issue.number, f"It runs again: {when}.")
    await forge.issues.close(issue)
