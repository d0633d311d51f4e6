"""How a plan is put into words, the same in every output: what changes, why, by which way, and how many."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from reconciler.items import AccountItem, EntitlementItem, Item, Value
from reconciler.plan.plan import AppPlan, Scope
from reconciler.problems import Place
from reconciler.provider.change import Cause, Change, Operation, Why
from reconciler.render.escape import shorten, visible

TICKET = "ticket"
"""The way that asks a person."""

ADDS = frozenset(
    {Operation.CREATE_ACCOUNT, Operation.REACTIVATE_ACCOUNT, Operation.CREATE_ENTITLEMENT, Operation.GRANT}
)
CHANGES = frozenset(
    {
        Operation.UPDATE_ACCOUNT,
        Operation.UPDATE_ENTITLEMENT,
        Operation.RENAME_ENTITLEMENT,
        Operation.SET_LEVEL,
    }
)
STEPS = frozenset({Operation.END_SESSIONS, Operation.TRANSFER_FILES, Operation.REMOVE_LICENSES})
"""What is done for a leaver beside taking the account away."""

DRIFT = frozenset({Cause.LOST, Cause.DRIFTED})
"""Causes that lie outside git only."""

VERBS = {
    Operation.CREATE_ACCOUNT: "create",
    Operation.UPDATE_ACCOUNT: "update",
    Operation.REACTIVATE_ACCOUNT: "reactivate",
    Operation.SUSPEND_ACCOUNT: "suspend",
    Operation.DELETE_ACCOUNT: "delete",
    Operation.END_SESSIONS: "sessions",
    Operation.TRANSFER_FILES: "files",
    Operation.REMOVE_LICENSES: "licenses",
    Operation.CREATE_ENTITLEMENT: "create",
    Operation.RENAME_ENTITLEMENT: "rename",
    Operation.UPDATE_ENTITLEMENT: "update",
    Operation.GRANT: "grant",
    Operation.SET_LEVEL: "level",
    Operation.REVOKE: "revoke",
}
"""One word an operation, for rows whose symbol does not tell the direction."""

_AFTERWARDS = {
    Operation.REACTIVATE_ACCOUNT: "active",
    Operation.SUSPEND_ACCOUNT: "suspended",
    Operation.DELETE_ACCOUNT: "deleted",
}
_LONGEST_VALUE = 60
_LISTED = 12
_FINE = 0.1


def number(count: int, noun: str) -> str:
    """Return `1 ticket`, `2 tickets`."""
    return f"{count} {noun}" if count == 1 else f"{count:,} {noun}s"


def route_of(app: AppPlan) -> list[str]:
    """Return the names of an app's ways, without their versions."""
    return [visible(way.partition(" ")[0]) for way in app.ways]


def effort(app: AppPlan) -> str:
    """Return `312 requests, 2.1 s`; empty where nothing was asked."""
    if not app.requests:
        return ""
    return f"{number(app.requests, 'request')}, {app.seconds:.{1 if app.seconds >= _FINE else 2}f} s"


def read_words(app: AppPlan) -> str:
    """Return what reading an app took, of when that is, and what of it is only attested: never seen by this tool."""
    as_of = f"as of {instant(app.as_of)}" if app.as_of else ""
    return join_words([effort(app), as_of, attested_words(app)])


def attested_words(app: AppPlan) -> str:
    """Return `attested by tickets, not verified`, with what that holds for where it is not everything."""
    if not app.attested:
        return ""
    said = "attested by tickets, not verified"
    if len(app.attested) == len(app.collections):
        return said
    return f"{', '.join(visible(name) for name in app.attested if not name.endswith('*'))} {said}".lstrip()


def instant(moment: datetime) -> str:
    """Return a moment to the minute, with its zone: `2026-12-01 00:00 UTC`."""
    return f"{moment:%Y-%m-%d %H:%M} {moment.tzname() or ''}".rstrip()


def scope_words(scope: Scope) -> str:
    """Return what a plan was limited to, or empty."""
    parts = [
        _listed("app", "apps", scope.apps),
        _listed("identity", "identities", scope.identities),
        "what is due" if scope.due else "",
    ]
    said = [part for part in parts if part]
    return visible(f"only {' and '.join(said)}") if said else ""


def _listed(one: str, several: str, names: Sequence[str]) -> str:
    if len(names) > _LISTED:
        return f"{len(names):,} {several}"
    return f"{one if len(names) == 1 else several} {', '.join(names)}" if names else ""


def subject(item: Item | None, name: str = "") -> tuple[str, str]:
    """Return (holder, entitlement) of an item, each visible, empty where it has none.

    Args:
        item: what it is.
        name: what the app calls the holder, where the item's own is only an id.
    """
    match item:
        case None:
            return "", ""
        case AccountItem(holder):
            return visible(name or holder), ""
        case EntitlementItem(entitlement):
            return "", visible(entitlement)
        case _:
            return visible(name or item.holder), visible(item.entitlement)


def objects(change: Change, *, whole: bool = False) -> list[str]:
    """Return what a change is about and what it makes of it, a line each, visible.

    Args:
        change: any change.
        whole: long values are not shortened.
    """
    if change.operation in (Operation.UPDATE_ACCOUNT, Operation.UPDATE_ENTITLEMENT):
        changed = list(differences(change.before, change.after, whole=whole))
        return [visible(change.entitlement), *changed] if change.entitlement else changed
    return [_object(change)]


def _object(change: Change) -> str:
    match change.operation:
        case Operation.CREATE_ACCOUNT:
            text = visible(str(change.after.get("email") or change.username or change.after.get("username") or ""))
        case Operation.SUSPEND_ACCOUNT | Operation.DELETE_ACCOUNT | Operation.REACTIVATE_ACCOUNT:
            text = f"{visible(change.username)} → {_AFTERWARDS[change.operation]}".lstrip()
        case Operation.END_SESSIONS:
            text = "end all sessions"
        case Operation.TRANSFER_FILES:
            text = f"transfer to {visible(str(change.after.get('to') or 'the manager'))}"
        case Operation.REMOVE_LICENSES:
            text = "remove licenses"
        case Operation.RENAME_ENTITLEMENT:
            before = f"{change.kind}:{change.before.get('name')}"
            text = f"{visible(before)} → {visible(change.entitlement)}"
        case Operation.CREATE_ENTITLEMENT:
            text = visible(change.entitlement)
        case _:
            text = _granted(change)
    return text


def _granted(change: Change) -> str:
    before, after = change.before.get("level"), change.after.get("level")
    name = visible(change.entitlement)
    if change.operation is Operation.SET_LEVEL:
        return f"{name} {show_value(before)} → {show_value(after)}"
    level = before if change.operation is Operation.REVOKE else after
    return f"{name} at {show_value(level)}" if level else name


def differences(before: Mapping[str, Value], after: Mapping[str, Value], *, whole: bool = False) -> Iterator[str]:
    """Yield `title: Developer → Lead` for each attribute that changes."""
    for name, value in after.items():
        if name.startswith("person.") or before.get(name) == value:
            continue
        old, new = show_value(before.get(name)), show_value(value)
        if not whole:
            old, new = shorten(old, _LONGEST_VALUE), shorten(new, _LONGEST_VALUE)
        yield f"{visible(name)}: {old} → {new}"


def show_value(value: Value) -> str:
    """Return a value as plans show it: text as it is, nothing as `(none)`."""
    match value:
        case None | "" | ():
            return "(none)"
        case bool():
            return "true" if value else "false"
        case tuple():
            return visible(", ".join(value))
        case _:
            return visible(str(value))


def cause_words(change: Change) -> str:
    """Return the kind of cause, empty for what is simply new."""
    return "" if change.cause is Cause.NEW else change.cause.value


def reason_words(why: Why) -> str:
    """Return one reason with its place: `role engineer, because group engineering (roles.yaml:4)`."""
    return with_place(visible(why.text), why.place)


def with_place(text: str, place: Place) -> str:
    """Return a visible text followed by its place in brackets, or the place alone."""
    where = visible(place.short)
    if not where or where in text:
        return text
    return f"{text} ({where})" if text else where


def because(cause: str, why: Sequence[Why], *, whole: bool = False) -> str:
    """Return a cause and its reasons in one text: the first and how many more, or all of them.

    Args:
        cause: `cause_words`; left out where the first reason starts with it.
        why: the reasons.
        whole: every reason is told, parted by `; `.
    """
    if len(why) == 1 and not why[0].text:
        return with_place(cause, why[0].place)
    told = list(dict.fromkeys(filter(None, map(reason_words, why))))
    shown = told if whole else told[:1]
    text = "; ".join(shown)
    if len(told) > len(shown):
        text += f", and {number(len(told) - len(shown), 'more reason')}"
    if not cause or text.startswith(cause):
        return text
    return f"{cause}: {text}" if text else cause


def join_words(parts: Iterable[str]) -> str:
    """Return the parts that say something, parted by ` · `."""
    return " · ".join(filter(None, parts))
