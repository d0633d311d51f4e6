"""Every row of the table for accounts and their attributes."""

from collections.abc import Iterator

from reconciler.items import AccountItem, Value, fold
from reconciler.model.apps import Manage
from reconciler.plan.draft import Draft, Gate, Wish
from reconciler.plan.plan import Fact
from reconciler.plan.removals import dismiss, remove_account
from reconciler.plan.values import cause_of, differences, is_same, worst
from reconciler.provider.change import Cause, Operation
from reconciler.provider.snapshot import AccountStatus, LiveAccount
from reconciler.resolve.declared import DeclaredAccount, Presence
from reconciler.state.contract import AppliedAccount

_HERE = frozenset({AccountStatus.ACTIVE, AccountStatus.INVITED})


def classify_accounts(draft: Draft) -> None:
    """Draft what each account needs, and say what is in the way of the others."""
    sides = draft.sides
    _show_conflicts(draft)
    if not sides.accounts_read:
        _dismiss_pinned(draft)
        return
    for identity in _identities(draft):
        if identity not in sides.matching.blocked:
            _classify(draft, identity)
    _classify_strangers(draft)


def _identities(draft: Draft) -> Iterator[str]:
    sides = draft.sides
    known = (sides.declared.accounts, sides.applied.accounts, sides.matching.accounts)
    if draft.about is not None:
        yield from sorted(name for name in draft.about if any(name in side for side in known))
    else:
        yield from sorted({name for side in known for name in side})


def _show_conflicts(draft: Draft) -> None:
    """Tell why an identity is blocked, which one was renamed, and that the match rule cannot be trusted."""
    matching, app = draft.sides.matching, draft.sides.declared.app
    for identity, why in sorted(matching.blocked.items()):
        wanted = identity in draft.sides.declared.accounts or identity in draft.sides.applied.accounts
        pinned = identity in draft.sides.applied.accounts
        way_out = f", or `reconciler state unpin {app.name} {identity}`" if pinned else ""
        text = f"{why}; nothing of {identity} is planned until the YAML is corrected{way_out}"
        draft.find(Fact.CONFLICT, AccountItem(identity), text, refuses=wanted)
    for identity, (before, now) in sorted(matching.renamed.items()):
        draft.find(Fact.RENAMED, AccountItem(identity), f"{before} is now called {now}; followed by its pinned id")
    if not matching.by_rule and not draft.only and draft.sides.live.accounts:
        text = f"accounts are not matched by {app.accounts.match}: their holders can edit it; declare usernames instead"
        draft.find(Fact.NOTE, None, text)


def _dismiss_pinned(draft: Draft) -> None:
    """Suspend leavers whose pinned accounts could be seen, though the list of all accounts could not be read."""
    sides = draft.sides
    for identity in sorted(sides.declared.leavers):
        applied = sides.applied.accounts.get(identity)
        if applied is None or not applied.remote_id or identity in sides.matching.blocked:
            continue
        account = sides.inputs.reread.get(applied.remote_id) or sides.live.accounts.get(applied.remote_id)
        if account is not None and account.status in _HERE:
            sides.matching.accounts.setdefault(identity, account)
            dismiss(draft, identity, account)


def _classify(draft: Draft, identity: str) -> None:
    sides = draft.sides
    presence = sides.declared.accounts.get(identity)
    applied, live = sides.applied.accounts.get(identity), sides.matching.accounts.get(identity)
    if presence is Presence.PRESENT:
        if live is None:
            _create(draft, identity, applied)
        elif live.status is AccountStatus.SUSPENDED:
            _restore(draft, identity, applied, live)
        else:
            _keep(draft, identity, applied, live)
    elif live is None:
        if applied is not None and draft.manages("accounts") is not Manage.OBSERVE:
            draft.forget(AccountItem(identity))
    elif presence is not None:
        dismiss(draft, identity, live)
    else:
        remove_account(draft, identity, applied, live)


def _create(draft: Draft, identity: str, applied: AppliedAccount | None) -> None:
    account = draft.sides.inputs.account(identity)
    cause = Cause.NEW
    if applied is not None and applied.pending:
        cause = Cause.UNFINISHED
    elif applied is not None and applied.status in _HERE:
        cause = Cause.LOST
    attributes = tuple(name for name, value in account.attributes.items() if not is_same(value, None))
    before: dict[str, Value] = {"status": AccountStatus.ABSENT.value}
    item = AccountItem(identity)
    draft.propose(Wish(Operation.CREATE_ACCOUNT, item, cause, before, _starting_values(account), attributes))


def _starting_values(account: DeclaredAccount) -> dict[str, Value]:
    """Return what a new account is made with."""
    username = account.username or str(account.initial.get("username") or "")
    known: dict[str, Value] = {"username": username, "email": account.email, "external_id": account.external_id}
    values: dict[str, Value] = {name: value for name, value in known.items() if value}
    values |= {name: value for name, value in account.attributes.items() if not is_same(value, None)}
    return values | {f"person.{name}": value for name, value in account.initial.items() if name != "username"}


def _restore(draft: Draft, identity: str, applied: AppliedAccount | None, live: LiveAccount) -> None:
    """Reactivate an account that we suspended; one that somebody else suspended is a conflict, never routine."""
    item = AccountItem(identity)
    ours = applied is not None and applied.status is AccountStatus.SUSPENDED
    unfinished = applied is not None and applied.pending and bool(applied.remote_id) and not ours
    cause = Cause.UNFINISHED if unfinished else Cause.EDITED if ours else Cause.DRIFTED
    if ours or unfinished or identity in draft.sides.inputs.scope.reactivate:
        values: dict[str, Value] = {"status": AccountStatus.SUSPENDED.value}
        after: dict[str, Value] = {"status": AccountStatus.ACTIVE.value}
        if draft.propose(Wish(Operation.REACTIVATE_ACCOUNT, item, cause, values, after)):
            _update(draft, identity, _changed(draft.sides.inputs.account(identity), applied, live))
        return
    text = f"suspended by somebody else; not reactivated unless asked: --reactivate {identity}"
    if draft.manages("accounts") is not Manage.OBSERVE:
        draft.waiting[identity] = Gate(Fact.CONFLICT, text, always=True)
    draft.find(Fact.CONFLICT, item, text)


def _keep(draft: Draft, identity: str, applied: AppliedAccount | None, live: LiveAccount) -> None:
    """Compare what is mapped, and take on what is as it should be."""
    account = draft.sides.inputs.account(identity)
    changed = _changed(account, applied, live)
    _update(draft, identity, changed)
    _adopt(draft, account, applied, live, frozenset(changed))


def _update(draft: Draft, identity: str, changed: dict[str, tuple[Value, Value, Cause]]) -> None:
    if changed:
        causes = {cause for _, _, cause in changed.values()}
        before = {name: old for name, (old, _, _) in changed.items()}
        after = {name: new for name, (_, new, _) in changed.items()}
        item = AccountItem(identity)
        draft.propose(Wish(Operation.UPDATE_ACCOUNT, item, worst(causes), before, after, tuple(changed)))


def _changed(
    account: DeclaredAccount, applied: AppliedAccount | None, live: LiveAccount
) -> dict[str, tuple[Value, Value, Cause]]:
    """Return name → (live value, declared value, cause) of what is to be updated."""
    pending = applied is not None and applied.pending
    known = applied.attributes if applied else {}
    changed: dict[str, tuple[Value, Value, Cause]] = {}
    for name, (old, new) in differences(account.attributes, live.attributes).items():
        # What a new account was made without is not recorded: it was empty.
        was_known = name in known or (applied is not None and is_same(new, None))
        cause = cause_of(new, old, known.get(name), known=was_known, pending=pending)
        changed[name] = (old, new, cause)
    if account.username and live.username and fold(account.username) != fold(live.username):
        before = applied.username if applied else ""
        if not before or fold(before) != fold(account.username):
            changed["username"] = (live.username, account.username, Cause.EDITED)
        elif pending:
            changed["username"] = (live.username, account.username, Cause.UNFINISHED)
    return changed


def _adopt(
    draft: Draft, account: DeclaredAccount, applied: AppliedAccount | None, live: LiveAccount, changed: frozenset[str]
) -> None:
    """Pin a live account with the values that are as declared; what is about to change keeps what was recorded."""
    recorded = applied.attributes if applied else {}
    settled = {name: value for name, value in account.attributes.items() if name not in changed}
    attributes = {name: value for name, value in settled.items() if name in recorded or not is_same(value, None)}
    attributes |= {name: recorded[name] for name in changed if name in recorded}
    username = live.username or (applied.username if applied else "")
    if "username" in changed or (applied and applied.username and account.identity in draft.sides.matching.renamed):
        # A declared username stays recorded until the YAML follows, so that the rename goes on being shown.
        username = applied.username if applied and account.username else live.username
    since = applied.since if applied and applied.status in _HERE and applied.since else draft.sides.inputs.moment
    pending = bool(applied and applied.pending and changed)
    draft.adopt_account(
        account.identity, AppliedAccount(live.remote_id, username, AccountStatus.ACTIVE, attributes, pending, since)
    )


def _classify_strangers(draft: Draft) -> None:
    """Report, or in an app that is managed whole remove, the accounts that belong to no identity."""
    sides = draft.sides
    for remote_id in sorted(sides.live.accounts.keys() - sides.matching.identities.keys() - sides.matching.contested):
        remove_account(draft, f"@{remote_id}", None, sides.live.accounts[remote_id])
