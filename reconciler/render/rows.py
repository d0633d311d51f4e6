"""The rows of a plan in the terminal: what each change and finding shows, before any layout."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from reconciler.plan.plan import AppPlan, Fact, Finding, TicketCancellation
from reconciler.problems import NOWHERE
from reconciler.provider.change import Change
from reconciler.render.escape import visible
from reconciler.render.words import (
    ADDS,
    TICKET,
    VERBS,
    because,
    cause_words,
    join_words,
    number,
    objects,
    subject,
    with_place,
)

SHOWN_AT_MOST = 20
"""How many unprivileged findings of one fact an app shows before the rest is only counted."""

_FOLDED = frozenset({Fact.UNMANAGED, Fact.ALREADY, Fact.OBSERVED, Fact.WAITING, Fact.RENAMED})
_SYMBOLS = {
    Fact.UNMANAGED: "?",
    Fact.CONFLICT: "⚠",
    Fact.BLOCKED: "⚠",
    Fact.HELD: "⚠",
    Fact.UNREAD: "⚠",
    Fact.PENDING: "!",
}
_ORDER = (
    Fact.BLOCKED,
    Fact.HELD,
    Fact.CONFLICT,
    Fact.UNREAD,
    Fact.PENDING,
    Fact.WAITING,
    Fact.RENAMED,
    Fact.ADOPTED,
    Fact.ALREADY,
    Fact.OBSERVED,
    Fact.NOTE,
    Fact.UNMANAGED,
)


class Row(NamedTuple):
    """One row; every text in it is visible already.

    Attributes:
        symbol: one of `+ - ~ ! ? ⚠ ·`; it chooses the colour.
        holder: whom it is about; empty for entitlements and collections.
        objects: the entitlement with its level, or what changes, a line each.
        way: `via slack` where it is not the app's first way.
        note: the cause, the reasons, what is in the way.
    """

    symbol: str
    label: str
    holder: str
    objects: list[str]
    way: str
    note: str
    privileged: bool = False


def app_rows(app: AppPlan, *, verbose: bool) -> Iterator[Row]:
    """Yield the rows of an app: changes in their order, then what stands in the way, then what is only told."""
    first = app.ways[0].partition(" ")[0] if app.ways else ""
    for change in app.changes:
        yield change_row(change, first, owner=app.owner, verbose=verbose)
    for cancellation in app.cancellations:
        yield _cancellation_row(cancellation)
    yield from unread_rows(app)
    yield from finding_rows(app, verbose=verbose)
    yield from adoption_rows(app)


def change_row(change: Change, first_way: str, *, owner: str = "", verbose: bool = False) -> Row:
    """Return the row of a change."""
    symbol = symbol_of(change)
    spelled = symbol in "!⚠"
    label = VERBS[change.operation] if spelled else label_of(change)
    reasons = because(cause_words(change), change.why, whole=verbose)
    if change.blocked:
        note = f"blocked: {visible(change.blocked)}"
    elif change.way == TICKET:
        opens = f"by ticket to {visible(owner)}" if owner else "by ticket"
        note = f"{opens} · {reasons}" if reasons else opens
    else:
        note = reasons
    way = f"via {visible(change.way)}" if change.way and change.way != first_way else ""
    return Row(symbol, label, visible(change.holder), objects(change, whole=verbose), way, note, change.privileged)


def symbol_of(change: Change) -> str:
    """Return the symbol of a change: `⚠` blocked, `!` by ticket, `+` adds, `-` removes, `~` changes."""
    if change.blocked:
        return "⚠"
    if change.way == TICKET:
        return "!"
    if change.operation in ADDS:
        return "+"
    return "-" if change.operation.removes else "~"


def label_of(change: Change) -> str:
    """Return the kind of item that a change is about; for a leaver's step, the step."""
    verb = VERBS[change.operation]
    if verb in ("sessions", "files", "licenses"):
        return verb
    if change.kind == "accounts":
        return "account"
    return "grant" if change.holder else "entitlement"


def finding_rows(app: AppPlan, *, verbose: bool) -> Iterator[Row]:
    """Yield the rows of an app's findings, the urgent first; long lists of harmless ones end in a count."""
    shown: Counter[Fact] = Counter()
    for fact in _ORDER:
        hidden = 0
        found = [one for one in app.findings if one.fact is fact]
        for finding in sorted(found, key=_is_harmless):
            foldable = fact in _FOLDED and _is_harmless(finding)
            if foldable and not verbose and shown[fact] >= SHOWN_AT_MOST:
                hidden += 1
                continue
            shown[fact] += foldable
            yield finding_row(finding, verbose=verbose)
        if hidden:
            yield Row(_SYMBOLS.get(fact, "·"), fact.value, f"and {hidden:,} more", [], "", "--verbose shows them all")


def _is_harmless(finding: Finding) -> bool:
    return not (finding.privileged or finding.refuses or finding.fails_drift)


def finding_row(finding: Finding, *, verbose: bool = False) -> Row:
    """Return the row of a finding; why something that is only waited for is declared is told if verbose."""
    holder, entitlement = subject(finding.item, finding.name)
    waits = finding.fact in (Fact.PENDING, Fact.WAITING)
    reasons = "" if waits and not verbose else because("", finding.why, whole=verbose)
    text = visible(finding.text)
    note = join_words([text, reasons]) if reasons else with_place(text, NOWHERE if waits else finding.place)
    symbol = _SYMBOLS.get(finding.fact, "·")
    if finding.refuses or finding.fails_drift:
        symbol = "⚠"
    objects = [entitlement] if entitlement else []
    return Row(symbol, finding.fact.value, holder, objects, "", note, finding.privileged)


def unread_rows(app: AppPlan) -> Iterator[Row]:
    """Yield a row for each collection that was not read whole, and for each part; not for what a finding tells of."""
    told = [finding.text for finding in app.findings if finding.fact is Fact.UNREAD and finding.item is None]
    for name, part in sorted(app.collections.items()):
        if not part.complete and not any(text.startswith(f"{name}: ") for text in told):
            yield Row("⚠", "unread", visible(name), [], "", visible(part.why) or "not read completely")
        for key in sorted(part.unread):
            yield Row("⚠", "unread", visible(key), [], "", "could not be read")


def adoption_rows(app: AppPlan) -> Iterator[Row]:
    """Yield one row that counts what is taken on without any operation."""
    adopted = [
        number(count, noun)
        for count, noun in (
            (len(app.adoption.accounts), "account"),
            (len(app.adoption.entitlements), "entitlement"),
            (len(app.adoption.grants), "grant"),
        )
        if count
    ]
    if adopted:
        yield Row("·", "adoption", ", ".join(adopted), [], "", "already as declared; recorded when this is applied")
    if app.adoption.gone:
        yield Row("·", "forgotten", number(len(app.adoption.gone), "item"), [], "", "gone, and no longer declared")


def _cancellation_row(cancellation: TicketCancellation) -> Row:
    note = f"cancelled: {visible(cancellation.reason)} · {visible(cancellation.address)}"
    return Row("!", "ticket", visible(cancellation.change_id), [], f"via {visible(cancellation.way)}", note)
