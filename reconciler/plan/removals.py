"""Accounts that must go: leavers by the app's own steps, what was removed from git, strangers; deletion after grace."""

from collections.abc import Mapping
from datetime import datetime

from reconciler.items import AccountItem, Value
from reconciler.model.apps import LeaverStep, Manage
from reconciler.plan.draft import Draft, Wish
from reconciler.plan.inputs import TICKET
from reconciler.plan.order import step_rank
from reconciler.plan.plan import Fact
from reconciler.provider.change import Cause, Operation
from reconciler.provider.snapshot import AccountStatus, LiveAccount
from reconciler.resolve.declared import AbsentBecause, Leaver
from reconciler.resolve.presence import absent_because
from reconciler.state.contract import AppliedAccount

_STEPS: Mapping[str, Operation] = {
    "end_sessions": Operation.END_SESSIONS,
    "suspend": Operation.SUSPEND_ACCOUNT,
    "transfer_files": Operation.TRANSFER_FILES,
    "remove_licenses": Operation.REMOVE_LICENSES,
}
_CAUSES: Mapping[str, Cause] = {"expired": Cause.EXPIRED, "excluded": Cause.EXCLUDED, "leaver": Cause.LEAVER}


def dismiss(draft: Draft, identity: str, live: LiveAccount) -> None:
    """Do to a leaver's account what the app's `leaver` steps say, suspension always among them.

    The steps go with the suspension: an account that is suspended already needs none, but for those that were intended
    and never done. A step that no way can do is a ticket where the YAML asked for it, and left out where it is only the
    default.
    """
    applied = draft.sides.applied.accounts.get(identity)
    if live.status is AccountStatus.SUSPENDED:
        _finish_steps(draft, identity, applied, live)
        settle_suspended(draft, identity, applied, live)
        return
    change_id = f"{draft.sides.inputs.app}/suspend-account/{identity}"
    waiting = draft.tickets.open(change_id) is not None
    for step in _steps(draft):
        operation = _STEPS[step.name]
        if operation is Operation.SUSPEND_ACCOUNT:
            _suspend(draft, identity, Cause.LEAVER, live)
        elif waiting:
            # What came with the suspension was done when its ticket was opened.
            _show_open_step(draft, identity, step, live)
        elif _is_wanted(draft, step, operation):
            after = _options(draft, step, draft.sides.declared.leavers.get(identity))
            draft.propose(Wish(operation, AccountItem(identity), Cause.LEAVER, _status(live), after))


def _steps(draft: Draft) -> list[LeaverStep]:
    steps = [step for step in draft.sides.declared.app.leaver if step.name in _STEPS]
    if all(step.name != "suspend" for step in steps):
        steps.append(LeaverStep("suspend"))
    return sorted(steps, key=lambda step: step_rank(_STEPS[step.name]))


def _is_wanted(draft: Draft, step: LeaverStep, operation: Operation) -> bool:
    """Say whether a step is worth a ticket: one that was written down is, one that is only the default is not."""
    route = draft.router.route(operation, "accounts")
    return bool(step.place.line) or (bool(route.way) and route.way != TICKET)


def _options(draft: Draft, step: LeaverStep, leaver: Leaver | None) -> dict[str, Value]:
    """Return a step's options, `manager` replaced by who that is, with that person's account where it is known."""
    options: dict[str, Value] = dict(step.options)
    if options.get("to") == "manager" and leaver and leaver.manager:
        options["to"] = leaver.manager
    to = options.get("to")
    account = draft.sides.matching.accounts.get(to) if isinstance(to, str) else None
    return options | ({"to_account": account.remote_id} if account else {})


def _finish_steps(draft: Draft, identity: str, applied: AppliedAccount | None, live: LiveAccount) -> None:
    """Do what a leaver's suspended account no longer shows to be missing, and keep the tickets of the other steps."""
    for step in _steps(draft):
        operation = _STEPS[step.name]
        if applied and operation.value in applied.unfinished and operation is not Operation.SUSPEND_ACCOUNT:
            after = _options(draft, step, draft.sides.declared.leavers.get(identity))
            draft.propose(Wish(operation, AccountItem(identity), Cause.UNFINISHED, _status(live), after))
        else:
            _show_open_step(draft, identity, step, live)


def _show_open_step(draft: Draft, identity: str, step: LeaverStep, live: LiveAccount) -> None:
    """Keep the ticket of a step that is still being done by a person."""
    operation = _STEPS[step.name]
    change_id = f"{draft.sides.inputs.app}/{operation.replace(' ', '-')}/{identity}"
    ticket = draft.tickets.open(change_id) if operation is not Operation.SUSPEND_ACCOUNT else None
    if ticket:
        draft.considered.add(change_id)
        found = len(draft.findings)
        draft.find(Fact.PENDING, AccountItem(identity), f"{operation}: {draft.tickets.tell_open(ticket)}")
        after = _options(draft, step, draft.sides.declared.leavers.get(identity))
        for finding in draft.findings[found:]:
            wish = Wish(operation, AccountItem(identity), Cause.LEAVER, _status(live), after)
            draft.share(draft.draft(wish), finding)


def remove_account(draft: Draft, holder: str, applied: AppliedAccount | None, live: LiveAccount) -> None:
    """Suspend an account about which the YAML is silent, if it is ours, declared absent, or strangers are to go."""
    absent = _absent(draft).get(holder)
    asked_for = draft.was_asked_for(AccountItem(holder), Operation.SUSPEND_ACCOUNT)
    if applied is None and absent is None and not asked_for and not _is_removable_stranger(draft, live):
        _report_unmanaged(draft, holder, live)
    elif live.status is AccountStatus.SUSPENDED:
        settle_suspended(draft, holder, applied, live)
    elif absent is not None:
        _suspend(draft, holder, _CAUSES[absent.value], live)
    elif applied is None and not asked_for:
        _suspend(draft, holder, Cause.STRANGER, live)
    elif applied is not None and applied.status is AccountStatus.SUSPENDED:
        _suspend(draft, holder, Cause.UNFINISHED if applied.pending else Cause.DRIFTED, live)
    elif lapsed := absent_because(draft.sides.declared, AccountItem(holder)):
        _suspend(draft, holder, _CAUSES[lapsed.value], live)
    else:
        _suspend(draft, holder, Cause.REMOVED, live, notes=("removed from git",))


def _is_removable_stranger(draft: Draft, live: LiveAccount) -> bool:
    whole = draft.manages("accounts") is Manage.EVERYTHING
    return whole and live.remote_id not in draft.sides.live.own_accounts


def _report_unmanaged(draft: Draft, holder: str, live: LiveAccount) -> None:
    draft.unmanaged_accounts += 1
    own = "the account that this tool itself acts as; " if live.remote_id in draft.sides.live.own_accounts else ""
    status = "" if live.status is AccountStatus.ACTIVE else f"{live.status}; "
    draft.find(Fact.UNMANAGED, AccountItem(holder), f"{own}{status}never declared here; left alone")


def _suspend(draft: Draft, holder: str, cause: Cause, live: LiveAccount, *, notes: tuple[str, ...] = ()) -> None:
    after: dict[str, Value] = {"status": AccountStatus.SUSPENDED.value}
    draft.propose(Wish(Operation.SUSPEND_ACCOUNT, AccountItem(holder), cause, _status(live), after, notes=notes))


def _status(live: LiveAccount) -> dict[str, Value]:
    return {"status": live.status.value}


def settle_suspended(draft: Draft, holder: str, applied: AppliedAccount | None, live: LiveAccount) -> None:
    """Record a suspension that is there, and delete the account once the app's grace is over."""
    if applied is None and draft.sides.declared.accounts.get(holder) is None and holder not in _absent(draft):
        return
    moment, grace = draft.sides.inputs.moment, draft.sides.declared.app.delete_after
    recorded = applied is not None and applied.status is AccountStatus.SUSPENDED
    since = applied.since if applied and recorded and applied.since else moment
    if grace is not None and recorded and since + grace <= moment:
        _delete(draft, holder, since, live, pending=bool(applied and applied.pending))
        return
    if grace is not None:
        _wait(draft, holder, since, since + grace)
    attributes = applied.attributes if applied else {}
    username = live.username or (applied.username if applied else "")
    suspended = AppliedAccount(live.remote_id, username, AccountStatus.SUSPENDED, attributes, since=since)
    draft.adopt_account(holder, suspended)


def _absent(draft: Draft) -> Mapping[str, AbsentBecause]:
    return draft.sides.declared.absent_accounts


def _delete(draft: Draft, holder: str, since: datetime, live: LiveAccount, *, pending: bool) -> None:
    cause = Cause.UNFINISHED if pending else Cause.DUE
    after: dict[str, Value] = {"status": AccountStatus.ABSENT.value}
    notes = (f"suspended since {since.date().isoformat()}, and the grace is over",)
    draft.propose(Wish(Operation.DELETE_ACCOUNT, AccountItem(holder), cause, _status(live), after, notes=notes))


def _wait(draft: Draft, holder: str, since: datetime, due: datetime) -> None:
    text = f"suspended since {since.date().isoformat()}; to be deleted from {due.date().isoformat()} on"
    draft.find(Fact.WAITING, AccountItem(holder), text)
