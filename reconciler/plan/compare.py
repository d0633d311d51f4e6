"""One live read, compared twice: what of a head's plan is the pull request's own, and what its base asks for as well.

Both plans are made by the same core from the same live and applied sides. A change that both ask for was there before;
so are, of an account's or an entitlement's update, the attributes that both ask for. What only the base asks for is
dropped by the pull request. Pure.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.items import AccountItem, EntitlementItem, GrantItem, Item, kind_of
from reconciler.plan.basis import basis_of
from reconciler.plan.order import in_order, requirements
from reconciler.plan.plan import AppPlan, Fact, Finding, TicketCancellation
from reconciler.plan.tickets import contrary_ids
from reconciler.plan.touched import Touched
from reconciler.problems import NOWHERE, Place
from reconciler.provider.change import Cause, Change, Operation, Why
from reconciler.provider.snapshot import ACCOUNTS, entitlements_of, grants_of
from reconciler.state.contract import Adoption

SINGLY = 200
"""How many items of one app that are true already are listed one by one; more are counted by kind."""

REMOVED = "removed from git: "
"""How the reasons begin that the base had for what the head is silent about."""

_PARTIAL = frozenset({Operation.UPDATE_ACCOUNT, Operation.UPDATE_ENTITLEMENT})
_MAKING = frozenset({Operation.CREATE_ACCOUNT, Operation.CREATE_ENTITLEMENT})
_DRIFT = frozenset({Cause.LOST, Cause.DRIFTED, Cause.CONFLICT, Cause.STRANGER})

Explain = Callable[[Item], tuple[Why, ...]]


@dataclass(frozen=True, slots=True)
class Compared:
    """The three parts of one app's comparison; `own` carries what the guards need."""

    own: AppPlan
    before: AppPlan
    dropped: AppPlan


@dataclass
class _Split:
    """Changes, parted."""

    own: list[Change] = field(default_factory=list)
    before: list[Change] = field(default_factory=list)
    dropped: list[Change] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def leave_out(head: AppPlan) -> Compared:
    """Part the plan of an app in which base and head cannot differ: all of it was there before."""
    return Compared(_only(head), replace(head, adoption=Adoption()), _only(head))


def compare_app(  # noqa: PLR0913 - two plans, and what is known of them
    head: AppPlan,
    base: AppPlan | None,
    touched: Touched,
    explain: Explain,
    formerly: Explain,
    *,
    about: frozenset[str] | None = None,
) -> Compared:
    """Part the plan of one app.

    Args:
        head: the plan with what the head declares, with what guards need.
        base: the same with what the base declares; None where the base did not have the app.
        touched: what the pull request asks for.
        explain: why the head asks for an item.
        formerly: why the base asked for one that the head is silent about.
        about: the holders whom the base's plan was limited to; about everybody else it says what the head's does.
    """
    split = _Split()
    _part(head.changes, base.changes if base else (), split, about)
    _hold_back(head, split)
    own = tuple(_explain_removal(change, formerly) for change in split.own)
    mine, before = _part_findings(head, base, touched, own, about)
    already = _already(head, touched, own, mine, explain)
    contrary = {one for change in split.own for one in contrary_ids(change)}
    # What the pull request does the opposite of is cancelled by it, whoever else would cancel it too.
    cancelled = {one.key for one in base.cancellations if one.change_id not in contrary} if base else set()
    return Compared(
        _only(
            head,
            changes=in_order(own),
            findings=(*split.findings, *already, *mine),
            adoption=_adoption(head.adoption, touched, own),
            cancellations=tuple(one for one in head.cancellations if one.key not in cancelled),
        ),
        _only(
            head,
            changes=in_order(split.before),
            findings=tuple(before),
            cancellations=tuple(one for one in head.cancellations if one.key in cancelled),
        ),
        _only(head, changes=in_order(split.dropped)),
    )


def hold_until_merged(compared: Compared, text: str) -> Compared:
    """Turn the own changes of an app into findings: what the head would reach the app by is not trusted yet."""
    own = compared.own
    waits = [_waiting(change, f"would {change.operation}: after the merge") for change in own.changes]
    told = Finding(Fact.UNREAD, None, text)
    held = _only(own, findings=(told, *waits, *own.findings))
    return replace(compared, own=held)


def _only(
    plan: AppPlan,
    *,
    changes: Sequence[Change] = (),
    findings: Sequence[Finding] = (),
    adoption: Adoption = Adoption(),  # noqa: B008 - frozen
    cancellations: Sequence[TicketCancellation] = (),
) -> AppPlan:
    """Return a plan with nothing in it but this; what is unmanaged is nobody's pull request."""
    return replace(
        plan,
        changes=tuple(changes),
        findings=tuple(findings),
        adoption=adoption,
        cancellations=tuple(cancellations),
        counts=replace(plan.counts, unmanaged_accounts=0, unmanaged_grants=0),
    )


def _part(head: Iterable[Change], base: Iterable[Change], split: _Split, about: frozenset[str] | None) -> None:
    asked = {change.id: change for change in base}
    for change in head:
        if _is_aside(change.item, about):
            split.before.append(change)
        else:
            _part_one(change, asked.pop(change.id, None), split)
    split.dropped.extend(asked.values())


def _is_aside(item: Item | None, about: frozenset[str] | None) -> bool:
    """Say whether an item is one about which the base's plan is known to be like the head's, and was not made."""
    if about is None or isinstance(item, EntitlementItem):
        return False
    return item is None or item.holder not in about


def _part_one(change: Change, asked: Change | None, split: _Split) -> None:
    if asked is None:
        split.own.append(change)
    elif (change.before, change.after) == (asked.before, asked.after):
        split.before.append(change)
    elif change.operation in _MAKING:
        split.before.append(change)
        split.findings.append(_waiting(change, f"{change.operation} is not yet applied, and is made with what is new"))
    elif change.operation in _PARTIAL:
        _part_values(change, asked, split)
    else:
        split.own.append(change)
        split.findings.extend(_conflict(change, asked))


def _part_values(change: Change, asked: Change, split: _Split) -> None:
    """Part one update by its attributes."""
    same = {n for n, value in change.after.items() if n in asked.after and asked.after[n] == value}
    if same:
        split.before.append(_narrow(change, same, asked.cause))
    if mine := change.after.keys() - same:
        twice = bool(mine & asked.after.keys()) and asked.cause in _DRIFT
        own = _narrow(change, mine, Cause.CONFLICT if twice else Cause.EDITED)
        split.own.append(own)
        split.findings.extend(_conflict(own, _narrow(asked, mine & asked.after.keys(), asked.cause)))
    if gone := asked.after.keys() - change.after.keys():
        split.dropped.append(_narrow(asked, gone, asked.cause))


def _narrow(change: Change, names: Iterable[str], cause: Cause) -> Change:
    kept = frozenset(names)
    before, after = (
        {name: value for name, value in values.items() if name in kept} for values in (change.before, change.after)
    )
    return replace(change, before=before, after=after, cause=cause)


def _conflict(change: Change, asked: Change) -> Iterator[Finding]:
    """Yield a finding where a pull request changes what was changed outside git, too."""
    if asked.cause in _DRIFT and asked.after:
        now = ", ".join(f"{name} {value!r}" for name, value in sorted(asked.before.items())) or "not there"
        text = f"changed here, and outside git as well: live is {now}; this pull request's value will be set"
        yield Finding(Fact.CONFLICT, change.item, text, _place(change.why), change.why, change.privileged)


def _hold_back(head: AppPlan, split: _Split) -> None:
    """Keep back own changes that stand on what was asked for before and is not done: it is not theirs to do."""
    before = {change.id: change for change in split.before}
    needs = requirements(head.changes)
    kept: list[Change] = []
    for change in split.own:
        if missing := [before[name] for name in needs.get(change.id, ()) if name in before]:
            first = f"{missing[0].operation} {missing[0].item}"
            text = f"would {change.operation}; waits for what was asked for before: {first}"
            split.findings.append(_waiting(change, text))
        else:
            kept.append(change)
    split.own = kept


def _waiting(change: Change, text: str) -> Finding:
    return Finding(Fact.WAITING, change.item, text, _place(change.why), change.why, change.privileged)


def _place(why: Iterable[Why]) -> Place:
    return next((one.place for one in why if one.place.line), NOWHERE)


def _explain_removal(change: Change, formerly: Explain) -> Change:
    """Say where what a pull request takes away was written, if nothing in the head tells why."""
    if not change.operation.removes or any(one.place.line for one in change.why):
        return change
    written = tuple(one for one in formerly(change.item) if one.place.line)
    return (
        replace(change, why=tuple(replace(one, text=f"{REMOVED}{one.text}") for one in written)) if written else change
    )


def _part_findings(
    head: AppPlan, base: AppPlan | None, touched: Touched, own: Sequence[Change], about: frozenset[str] | None
) -> tuple[list[Finding], list[Finding]]:
    """Return the findings that are the pull request's: new ones, and whatever stands in the way of what it asks for."""
    known = {(one.fact, one.item, one.text) for one in base.findings} if base else set()
    holders = touched.accounts | {change.holder for change in own}
    keys = touched.entitlements | {change.entitlement for change in own}
    mine: list[Finding] = []
    before: list[Finding] = []
    for one in head.findings:
        new = (one.fact, one.item, one.text) not in known and not _is_aside(one.item, about)
        ours = new or one.item in touched.items or _stands_in_the_way(one, holders, keys)
        (mine if ours else before).append(one)
    return mine, before


_IN_THE_WAY = frozenset({Fact.CONFLICT, Fact.BLOCKED, Fact.UNREAD, Fact.RENAMED})


def _stands_in_the_way(finding: Finding, holders: frozenset[str], keys: frozenset[str]) -> bool:
    if finding.fact not in _IN_THE_WAY:
        return False
    match finding.item:
        case AccountItem(holder):
            return holder in holders
        case EntitlementItem(key):
            return key in keys
        case GrantItem():
            return False
        case None:
            return finding.fact is Fact.UNREAD


def _already(
    head: AppPlan, touched: Touched, own: Sequence[Change], mine: Sequence[Finding], explain: Explain
) -> Iterator[Finding]:
    """Yield what a pull request asks for and the app has: touched, whole, and with nothing to do or to say about it."""
    busy: set[Item] = {change.item for change in head.changes} | {one.item for one in mine if one.item}
    stuck = {item.holder for item in busy if isinstance(item, AccountItem)} - {change.holder for change in own}
    gone = set(head.adoption.gone)
    listed: list[Item] = []
    for item, wanted in touched.items.items():
        if item in busy or (isinstance(item, GrantItem) and item.holder in stuck):
            continue
        if _is_whole(head, item) if wanted else item in gone:
            listed.append(item)
    listed.extend(AccountItem(name) for name in touched.values if AccountItem(name) not in {*busy, *touched.items})
    privileged = basis_of(head).privileged
    apart = {item for item in listed if not isinstance(item, AccountItem) and item.entitlement in privileged}
    yield from _tell(sorted(listed, key=str), touched.items, apart, explain)


def _is_whole(head: AppPlan, item: Item) -> bool:
    """Say whether an item was seen, so that nothing to do about it means that it is there."""
    names = (
        [] if isinstance(item, EntitlementItem) or (isinstance(item, GrantItem) and ":" in item.holder) else [ACCOUNTS]
    )
    if not isinstance(item, AccountItem):
        kind = kind_of(item.entitlement)
        names.append(grants_of(kind) if isinstance(item, GrantItem) else entitlements_of(kind))
    found = [head.collections.get(name) for name in names]
    return all(part is not None and part.complete and not part.unread for part in found)


def _tell(
    items: Sequence[Item], wanted: Mapping[Item, bool], privileged: Collection[Item], explain: Explain
) -> Iterator[Finding]:
    """Yield a finding for each item; where there are many, only the privileged ones are told singly."""
    singly = items if len(items) <= SINGLY else [item for item in items if item in privileged]
    for item in singly:
        why = explain(item)
        text = "asked for here, and there already" if wanted.get(item, True) else "removed here, and gone already"
        yield Finding(Fact.ALREADY, item, text, _place(why), why, item in privileged)
    rest = items if len(singly) < len(items) else ()
    kinds = Counter("accounts" if isinstance(item, AccountItem) else kind_of(item.entitlement) for item in rest)
    for kind, count in sorted(kinds.items()):
        yield Finding(Fact.ALREADY, None, f"{count} items of kind {kind}: as this pull request asks for already")


def _adoption(adoption: Adoption, touched: Touched, own: Sequence[Change]) -> Adoption:
    """Return what is taken on with the pull request: exactly what it asks for, or stands on."""
    holders = touched.accounts | {change.holder for change in own}
    keys = touched.entitlements | {key for change in own for key in (change.entitlement, change.holder)}
    return Adoption(
        accounts={name: account for name, account in adoption.accounts.items() if name in holders},
        entitlements={key: found for key, found in adoption.entitlements.items() if key in keys},
        grants=tuple(one for one in adoption.grants if GrantItem(one[0], one[1]) in touched.items),
        gone=tuple(item for item in adoption.gone if item in touched.items),
    )
