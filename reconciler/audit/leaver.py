"""What became of one leaver's access, app by app: done, attested, verified, pending, left, or nobody can say. Pure.

The plan says what is left to do, tickets say who was asked, the audit trail says what was done by which way, and what
was read says whether it is true. Nothing is called verified but by a complete read of the app's own that is newer.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import Final

from reconciler.audit.history import SEEN_LATER, ChangeStory
from reconciler.items import EntitlementItem, Item, kind_of
from reconciler.plan.plan import AppPlan, Fact, Finding
from reconciler.plan.sides import Sides
from reconciler.plan.tickets import named_items
from reconciler.provider.change import TRACELESS, Cause, Change, Operation, Outcome
from reconciler.provider.contract import Ticket, TicketStatus
from reconciler.provider.snapshot import ACCOUNTS, grants_of


class Standing(StrEnum):
    """How far something has come; the worst first."""

    LEFT = "left"
    PENDING = "pending"
    CLAIMED = "claimed done"
    UNKNOWN = "nobody can say"
    DONE = "done, not verified"
    ATTESTED = "attested"
    VERIFIED = "verified"
    NEVER = "nothing there"


_ORDER: Final = {standing: number for number, standing in enumerate(Standing)}
OPEN: Final = (Standing.LEFT, Standing.PENDING, Standing.CLAIMED)
"""What somebody has still to do, or to show."""
NOT_READ: Final = "nothing reads it, and no ticket ever named them"
_TAKING: Final = frozenset({Operation.SUSPEND_ACCOUNT, Operation.DELETE_ACCOUNT, Operation.REVOKE, *TRACELESS})
_GIVING: Final = frozenset({Operation.CREATE_ACCOUNT, Operation.REACTIVATE_ACCOUNT})
_IN_THE_WAY: Final = frozenset({Fact.CONFLICT, Fact.BLOCKED, Fact.OBSERVED, Fact.UNMANAGED})


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was, is or would be done.

    Attributes:
        what: the operation, or what is left.
        entitlement: the key of what was granted; empty for the account.
        way: by which it was done, or will be.
        asked, done, verified: instants, None for not (yet).
        who: whom a ticket waits for, or who closed it.
        due: until when a ticket is to be done.
        overdue: whether that day is over.
        address: of the ticket.
        why: more words: a reason, the app's own answer.
    """

    what: str
    standing: Standing
    entitlement: str = ""
    way: str = ""
    asked: datetime | None = None
    done: datetime | None = None
    verified: datetime | None = None
    who: str = ""
    due: date | None = None
    overdue: bool = False
    address: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class LeaverApp:
    """What became of a leaver in one app.

    Attributes:
        standing: of the whole app: that of its worst step, or how far its read can be believed.
        read_by: the way that its accounts are read from, or empty.
        as_of: when that read was true.
        why: why nobody can say, or what else there is to know.
        owner: whom to ask.
    """

    app: str
    standing: Standing
    steps: tuple[Step, ...] = ()
    read_by: str = ""
    as_of: datetime | None = None
    why: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class LeaverView:
    """What became of one leaver in every app.

    Attributes:
        gone: since when they have left, or when they will; None where the YAML does not know them any more.
        ahead: whether that is still to come: the steps are those that will be due.
        moment: when this was asked.
    """

    identity: str
    name: str
    gone: str
    ahead: bool
    moment: datetime
    apps: tuple[LeaverApp, ...]

    def count(self, *standings: Standing) -> int:
        """Count the apps of these standings."""
        return sum(1 for app in self.apps if app.standing in standings)

    @property
    def left(self) -> Mapping[Standing, int]:
        """Return how many steps there are still to do or to show, by how far they have come."""
        counted = Counter(step.standing for app in self.apps for step in app.steps)
        return {standing: counted[standing] for standing in OPEN if counted[standing]}

    @property
    def overdue(self) -> int:
        """Return how many tickets are overdue."""
        return sum(1 for app in self.apps for step in app.steps if step.overdue)

    @property
    def all_gone(self) -> bool:
        """Whether nothing is left, and of every app somebody can say so."""
        return not self.left and not self.count(Standing.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Asking:
    """Of whom, when, and in which zone days begin."""

    identity: str
    moment: datetime
    zone: tzinfo


def view_app(asking: Asking, sides: Sides | None, plan: AppPlan, stories: Iterable[ChangeStory]) -> LeaverApp:
    """Return what became of a leaver in one app.

    Args:
        asking: of whom.
        sides: what was read, None where the app could not be asked at all.
        plan: what is still to be done in it.
        stories: of changes of this app and this person, the oldest first.
    """
    done = _last_ones(stories)
    if sides is None:
        steps = tuple(_done_step(one, None) for one in done)
        return LeaverApp(plan.app, Standing.UNKNOWN, steps, why=plan.error or "was not read", owner=plan.owner)
    tickets = {ticket.change_id: ticket for ticket in _tickets(asking, sides, plan)}
    left = [*_left(asking, plan, tickets.values())]
    asked = [*_asked(asking, plan, tickets.values())]
    open_ids = {ticket.change_id for ticket in tickets.values() if ticket.status is TicketStatus.OPEN}
    over = [
        _done_step(one, tickets.get(_id(one)))
        for one in done
        if _id(one) not in open_ids and not _is_among(one, (*left, *asked)) and _counts(one, tickets.get(_id(one)))
    ]
    over += [*_closed_unknown(tickets.values(), {_id(one) for one in done}, asked)]
    return _judge(asking, sides, plan, (*left, *asked, *over))


def _judge(asking: Asking, sides: Sides, plan: AppPlan, steps: tuple[Step, ...]) -> LeaverApp:
    """Say how far an app has come as a whole, and mark as verified what its read shows."""
    doubt = _doubt(asking, sides, steps)
    live = sides.live.way(ACCOUNTS)
    snapshot = live.snapshot if live else None
    attested = any(one.attested for one in plan.collections.values())
    if not doubt:
        steps = tuple(_verified(step, sides, asking.moment) for step in steps)
    account = sides.account_of(asking.identity)
    there = account is not None or asking.identity in sides.applied.accounts
    worst = min((step.standing for step in steps), key=_ORDER.__getitem__, default=Standing.NEVER)
    if worst not in OPEN and doubt:
        worst = Standing.UNKNOWN
    elif worst is Standing.NEVER and there:
        worst = Standing.ATTESTED if attested else Standing.VERIFIED
    waits = [found.text for found in plan.findings if found.fact is Fact.WAITING and _is_about(found.item, asking)]
    return LeaverApp(
        plan.app,
        worst,
        steps,
        read_by=live.name if live and snapshot else "",
        as_of=snapshot.as_of if snapshot else None,
        why="; ".join(filter(None, [doubt, *waits])),
        owner=plan.owner,
    )


def _doubt(asking: Asking, sides: Sides, steps: Sequence[Step]) -> str:
    """Say why what was read cannot tell whether somebody has anything in an app; empty if it can."""
    if not sides.accounts_read:
        found = sides.live.collections.get(ACCOUNTS)
        return f"accounts: {found.why}" if found else "no way of its route reads accounts"
    way = sides.live.way(ACCOUNTS)
    if sides.live.collections[ACCOUNTS].attested and not steps and sides.account_of(asking.identity) is None:
        return NOT_READ
    if way and way.snapshot and way.snapshot.undated:
        return f"nobody says when what {way.name} reads was true"
    if sides.account_of(asking.identity) is None:
        return ""
    unread = [
        f"{name}: {part.why or 'not whole'}"
        for name, part in sides.live.collections.items()
        if name.startswith("grants:") and (not part.complete or part.unread)
    ]
    return "; ".join(unread)


def _verified(step: Step, sides: Sides, moment: datetime) -> Step:
    """Return a step that was done as verified, where a newer complete read of the app's own shows it."""
    collection = grants_of(kind_of(step.entitlement)) if step.entitlement else ACCOUNTS
    way, found = sides.live.way(collection), sides.live.collections.get(collection)
    traceless = step.what in TRACELESS
    if step.standing is not Standing.DONE or traceless or way is None or found is None or not found.complete:
        return step
    if found.attested:
        return _with(step, Standing.ATTESTED) if step.way == way.name else step
    read = (way.snapshot.as_of if way.snapshot else None) or moment
    return _with(step, Standing.VERIFIED, read) if step.done and read >= step.done else step


def _with(step: Step, standing: Standing, verified: datetime | None = None) -> Step:
    values = {name: getattr(step, name) for name in Step.__slots__}
    return Step(**{**values, "standing": standing, "verified": verified})


def _left(asking: Asking, plan: AppPlan, tickets: Iterable[Ticket]) -> Iterator[Step]:
    """Yield what would be done now, and what stands in the way of something."""
    for change in plan.changes:
        if change.holder == asking.identity:
            yield _left_step(change)
    known = [ticket.address or ticket.key for ticket in tickets]
    for found in plan.findings:
        if found.fact in _IN_THE_WAY and _is_about(found.item, asking):
            yield Step(found.fact.value, Standing.LEFT, _key_of(found), why=found.text)
        elif found.fact is Fact.PENDING and _is_about(found.item, asking) and not _names(found, known):
            yield Step(found.fact.value, Standing.PENDING, _key_of(found), why=found.text)


def _left_step(change: Change) -> Step:
    why = change.blocked or ("; ".join(why.text for why in change.why) if change.cause is not Cause.LEAVER else "")
    return Step(change.operation.value, Standing.LEFT, change.entitlement, change.way, why=why)


def _tickets(asking: Asking, sides: Sides, plan: AppPlan) -> Iterator[Ticket]:
    """Yield the tickets that name somebody, without those that this plan takes back."""
    dropped = {one.key for one in plan.cancellations}
    for _, ticket in sides.inputs.tickets:
        named = named_items(ticket.change_id, plan.app)
        if ticket.key not in dropped and any(holder == asking.identity for holder, _ in named):
            yield ticket


def _asked(asking: Asking, plan: AppPlan, tickets: Iterable[Ticket]) -> Iterator[Step]:
    """Yield what waits for a person, and what a person says was done and no read shows yet."""
    doubted = [found for found in plan.findings if found.fact is Fact.PENDING and _is_about(found.item, asking)]
    today = asking.moment.astimezone(asking.zone).date()
    for ticket in tickets:
        what, key = _named(ticket, plan.app)
        if ticket.status is TicketStatus.OPEN:
            late = ticket.due is not None and ticket.due < today
            yield Step(
                what,
                Standing.PENDING,
                key,
                asked=ticket.opened,
                who=ticket.owner,
                due=ticket.due,
                overdue=late,
                address=ticket.address,
            )
        elif ticket.status is TicketStatus.CLAIMED:
            why = next((found.text for found in doubted if ticket.address and ticket.address in found.text), "")
            if why:
                yield Step(
                    what,
                    Standing.CLAIMED,
                    key,
                    asked=ticket.opened,
                    done=ticket.closed,
                    who=ticket.closed_by,
                    address=ticket.address,
                    why="waits for a read that is newer",
                )


def _closed_unknown(tickets: Iterable[Ticket], known: set[str], asked: Sequence[Step]) -> Iterator[Step]:
    """Yield closed tickets that the trail does not know: it was begun anew, or the state was lost."""
    told = {step.address for step in asked}
    for ticket in tickets:
        what, key = _named(ticket, ticket.change_id.partition("/")[0])
        known_one = ticket.change_id in known or ticket.address in told
        if ticket.status is TicketStatus.CLAIMED and not known_one and what in _TAKING:
            yield _closed_step(what, key, ticket)


def _closed_step(what: str, key: str, ticket: Ticket) -> Step:
    return Step(
        what,
        Standing.DONE,
        key,
        "ticket",
        asked=ticket.opened,
        done=ticket.closed,
        who=ticket.closed_by,
        address=ticket.address,
    )


def _last_ones(stories: Iterable[ChangeStory]) -> list[ChangeStory]:
    """Return the last story of each thing that was taken, since the account was last given."""
    found: dict[str, ChangeStory] = {}
    for one in stories:
        operation = one.asked.get("operation")
        if operation in _GIVING:
            found.clear()
        elif operation in _TAKING:
            found.pop(_id(one), None)
            found[_id(one)] = one
    return [one for one in found.values() if one.closed is None]


def _counts(story: ChangeStory, ticket: Ticket | None) -> bool:
    """Say whether something came of a change: of a ticket that was lost or refused only if a read has shown it."""
    closed = ticket is not None and ticket.status is TicketStatus.CLAIMED
    return not story.ticket or story.seen is not None or closed


def _id(story: ChangeStory) -> str:
    return str(story.asked.get("change", ""))


def _is_among(story: ChangeStory, steps: Iterable[Step]) -> bool:
    key = story.item[-1] if len(story.item) > _OF_ACCOUNT else ""
    return any(step.what == story.asked.get("operation") and step.entitlement == key for step in steps)


_OF_ACCOUNT: Final = 2
"""The parts of an account's item: its sort and its holder."""


def _done_step(story: ChangeStory, ticket: Ticket | None) -> Step:
    """Return what the trail tells of one change, and its ticket of who closed it."""
    what, key = str(story.asked.get("operation", "")), story.item[-1] if len(story.item) > _OF_ACCOUNT else ""
    if ticket is not None and ticket.status is TicketStatus.CLAIMED:
        step = _closed_step(what, key, ticket)
        return _with(step, Standing.VERIFIED, story.seen.at) if story.seen else step
    said = story.answer.body if story.answer else {}
    failed = story.outcome in {Outcome.FAILED, Outcome.NOT_ATTEMPTED, Outcome.UNKNOWN}
    seen = story.outcome in {Outcome.VERIFIED, SEEN_LATER}
    standing = Standing.VERIFIED if seen else Standing.UNKNOWN if failed else Standing.DONE
    return Step(
        what,
        standing,
        key,
        str(said.get("way") or story.asked.get("way", "")),
        asked=story.request.at,
        done=story.answer.at if story.answer and not failed and not story.ticket else None,
        verified=story.seen.at if story.seen else None,
        why=story.detail if failed else "",
    )


def _named(ticket: Ticket, app: str) -> tuple[str, str]:
    """Return the operation and the entitlement of a ticket."""
    slug = ticket.change_id.removeprefix(f"{app}/").partition("/")[0]
    key = next((key for _, key in named_items(ticket.change_id, app)), "")
    return slug.replace("-", " "), key


def _is_about(item: Item | None, asking: Asking) -> bool:
    return item is not None and not isinstance(item, EntitlementItem) and item.holder == asking.identity


def _names(found: Finding, addresses: Iterable[str]) -> bool:
    return any(address in found.text for address in addresses)


def _key_of(found: Finding) -> str:
    return str(getattr(found.item, "entitlement", ""))
