"""What became of one leaver's access in an app: done, attested, verified, pending, left, or nobody can say. Pure.

The plan says what is left to do, tickets say who was asked, the audit trail says what was done by which way, and what
was read says whether it is true. Nothing is called verified but by a complete read of the app's own that is newer.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Final

from reconciler.audit.history import SEEN_LATER, ChangeStory
from reconciler.audit.leaver import NOT_READ, OPEN, ORDER, LeaverApp, Standing, Step
from reconciler.items import EntitlementItem, Item, kind_of
from reconciler.plan.plan import AppPlan, Fact, Finding
from reconciler.plan.sides import Sides
from reconciler.plan.tickets import named_items
from reconciler.provider.change import TRACELESS, Cause, Change, Operation, Outcome
from reconciler.provider.contract import Ticket, TicketStatus
from reconciler.provider.snapshot import ACCOUNTS, grants_of

_TAKING: Final = frozenset({Operation.SUSPEND_ACCOUNT, Operation.DELETE_ACCOUNT, Operation.REVOKE, *TRACELESS})
_GIVING: Final = frozenset({Operation.CREATE_ACCOUNT, Operation.REACTIVATE_ACCOUNT})
_IN_THE_WAY: Final = frozenset({Fact.CONFLICT, Fact.BLOCKED, Fact.OBSERVED, Fact.UNMANAGED})
_OF_ACCOUNT: Final = 2
"""The parts of an account's item: its sort and its holder."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Of whom, when, and in which zone days begin."""

    identity: str
    moment: datetime
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class _Named:
    """A ticket that names the leaver, and what it asks for."""

    way: str
    ticket: Ticket
    what: str
    entitlement: str

    def step(self, standing: Standing) -> Step:
        """Return it as a step; a closed one was done by whoever closed it."""
        one = self.ticket
        asked, done, by = one.opened, one.closed, one.closed_by
        return Step(self.what, standing, self.entitlement, self.way, asked, done, who=by, address=one.address)

    def is_told_by(self, found: Finding) -> bool:
        """Say whether a finding is about this ticket."""
        return _key_of(found) == self.entitlement and (self.ticket.address or self.ticket.key) in found.text


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
    tickets = {one.ticket.change_id: one for one in _tickets(asking, sides, plan)}
    left = [*_left(asking, plan, tickets.values())]
    asked = [*_asked(asking, plan, tickets.values())]
    open_ids = {name for name, one in tickets.items() if one.ticket.status is TicketStatus.OPEN}
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
    worst = min((step.standing for step in steps), key=ORDER.__getitem__, default=Standing.NEVER)
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
        return f"nobody says when what {way.name} reads was true: say it with `exported_at`"
    if sides.account_of(asking.identity) is None:
        return ""
    unread = [
        f"{name}: {part.why or 'not whole'}"
        for name, part in sides.live.collections.items()
        if name.startswith("grants:") and (not part.complete or part.unread)
    ]
    return "; ".join(unread)


def _verified(step: Step, sides: Sides, moment: datetime) -> Step:
    """Return a step that was done as verified, where a newer complete read of the app's own shows it.

    What the trail calls seen is only attested where nothing but closed tickets tells of it.
    """
    collection = grants_of(kind_of(step.entitlement)) if step.entitlement else ACCOUNTS
    way, found = sides.live.way(collection), sides.live.collections.get(collection)
    over = step.standing in {Standing.DONE, Standing.VERIFIED}
    if not over or step.what in TRACELESS or way is None or found is None or not found.complete:
        return step
    if found.attested:
        return replace(step, standing=Standing.ATTESTED, verified=None) if step.way == way.name else step
    read = (way.snapshot.as_of if way.snapshot else None) or moment
    if step.standing is Standing.VERIFIED or step.done is None or read < step.done:
        return step
    return replace(step, standing=Standing.VERIFIED, verified=read)


def _left(asking: Asking, plan: AppPlan, tickets: Iterable[_Named]) -> Iterator[Step]:
    """Yield what would be done now, and what stands in the way of something."""
    for change in plan.changes:
        if change.holder == asking.identity:
            yield _left_step(change)
    for found in plan.findings:
        if not _is_about(found.item, asking):
            continue
        if found.fact in _IN_THE_WAY:
            yield Step(found.fact.value, Standing.LEFT, _key_of(found), why=found.text)
        elif found.fact is Fact.PENDING and not any(one.is_told_by(found) for one in tickets):
            yield Step(found.fact.value, Standing.PENDING, _key_of(found), why=found.text)


def _left_step(change: Change) -> Step:
    why = change.blocked or ("; ".join(why.text for why in change.why) if change.cause is not Cause.LEAVER else "")
    return Step(change.operation.value, Standing.LEFT, change.entitlement, change.way, why=why)


def _tickets(asking: Asking, sides: Sides, plan: AppPlan) -> Iterator[_Named]:
    """Yield the tickets that name somebody, without those that this plan takes back."""
    dropped = {one.key for one in plan.cancellations}
    for way, ticket in sides.inputs.tickets:
        keys = [key for holder, key in named_items(ticket.change_id, plan.app) if holder == asking.identity]
        if keys and ticket.key not in dropped:
            slug = ticket.change_id.removeprefix(f"{plan.app}/").partition("/")[0]
            yield _Named(way, ticket, slug.replace("-", " "), keys[0])


def _asked(asking: Asking, plan: AppPlan, tickets: Iterable[_Named]) -> Iterator[Step]:
    """Yield what waits for a person, and what a person says was done and no read shows yet."""
    doubted = [found for found in plan.findings if found.fact is Fact.PENDING and _is_about(found.item, asking)]
    today = asking.moment.astimezone(asking.zone).date()
    for one in tickets:
        if one.ticket.status is TicketStatus.OPEN:
            late = one.ticket.due is not None and one.ticket.due < today
            due = one.ticket.due
            yield replace(one.step(Standing.PENDING), who=one.ticket.owner, due=due, overdue=late)
        elif one.ticket.status is TicketStatus.CLAIMED and any(map(one.is_told_by, doubted)):
            yield replace(one.step(Standing.CLAIMED), why="waits for a read that is newer")


def _closed_unknown(tickets: Iterable[_Named], known: set[str], asked: Sequence[Step]) -> Iterator[Step]:
    """Yield closed tickets that the trail does not know: it was begun anew, or the state was lost."""
    told = {step.address for step in asked}
    for one in tickets:
        new = one.ticket.change_id not in known and one.ticket.address not in told
        if one.ticket.status is TicketStatus.CLAIMED and new and one.what in _TAKING:
            yield one.step(Standing.DONE)


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


def _counts(story: ChangeStory, named: _Named | None) -> bool:
    """Say whether something came of a change: of a ticket that was lost or refused only if a read has shown it."""
    closed = named is not None and named.ticket.status is TicketStatus.CLAIMED
    return not story.ticket or story.seen is not None or closed


def _id(story: ChangeStory) -> str:
    return str(story.asked.get("change", ""))


def _entitlement(story: ChangeStory) -> str:
    return story.item[-1] if len(story.item) > _OF_ACCOUNT else ""


def _is_among(story: ChangeStory, steps: Iterable[Step]) -> bool:
    key = _entitlement(story)
    return any(step.what == story.asked.get("operation") and step.entitlement == key for step in steps)


def _done_step(story: ChangeStory, named: _Named | None) -> Step:
    """Return what the trail tells of one change, and its ticket of who closed it."""
    if named is not None and named.ticket.status is TicketStatus.CLAIMED:
        seen_at = story.seen.at if story.seen else None
        return replace(named.step(Standing.VERIFIED if seen_at else Standing.DONE), verified=seen_at)
    said = story.answer.body if story.answer else {}
    failed = story.outcome in {Outcome.FAILED, Outcome.NOT_ATTEMPTED, Outcome.UNKNOWN}
    seen = story.outcome in {Outcome.VERIFIED, SEEN_LATER}
    standing = Standing.VERIFIED if seen else Standing.UNKNOWN if failed else Standing.DONE
    return Step(
        str(story.asked.get("operation", "")),
        standing,
        _entitlement(story),
        str(said.get("way") or story.asked.get("way", "")),
        asked=story.request.at,
        done=story.answer.at if story.answer and not failed and not story.ticket else None,
        verified=story.seen.at if story.seen else None,
        why=story.detail if failed else "",
    )


def _is_about(item: Item | None, asking: Asking) -> bool:
    return item is not None and not isinstance(item, EntitlementItem) and item.holder == asking.identity


def _key_of(found: Finding) -> str:
    return str(getattr(found.item, "entitlement", ""))
