"""What a plan of one app is collected in, and the gates that a change passes on its way into it.

A change that is out of scope is dropped. One that the app's mode, a due run or an open ticket keeps from being done
becomes a finding, so that it is seen all the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from reconciler.items import AccountItem, EntitlementItem, GrantItem, Item, Value, kind_of
from reconciler.model.apps import EntitlementRules, Manage, OnDrift
from reconciler.plan.inputs import TICKET
from reconciler.plan.order import loses_files, transfer_id
from reconciler.plan.plan import Fact, Finding, TicketCancellation
from reconciler.plan.routes import Route, Router
from reconciler.plan.sides import Sides
from reconciler.plan.tickets import Tickets, contrary_ids
from reconciler.problems import NOWHERE, Place
from reconciler.provider.change import Cause, Change, Operation, Why
from reconciler.provider.snapshot import ACCOUNTS, entitlements_of
from reconciler.state.contract import AppliedAccount, AppliedEntitlement

_CREATING = frozenset({Operation.CREATE_ACCOUNT, Operation.CREATE_ENTITLEMENT})
_DRIFT = frozenset({Cause.LOST, Cause.DRIFTED, Cause.CONFLICT, Cause.STRANGER})


@dataclass(frozen=True, slots=True)
class Wish:
    """One operation that a row of the table asks for.

    Attributes:
        cause: which row.
        before: what it relies on.
        after: what it will be.
        attributes: names that the way must be able to write.
        notes: what a reader should know beside the YAML's own reasons.
    """

    operation: Operation
    item: Item
    cause: Cause
    before: Mapping[str, Value] = field(default_factory=dict)
    after: Mapping[str, Value] = field(default_factory=dict)
    attributes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gate:
    """What keeps something from being done; `always` even where what it is about is there (a suspended account)."""

    fact: Fact
    text: str
    always: bool = False


@dataclass
class Draft:
    """Collects changes, findings and adoption.

    Attributes:
        creating: identities and entitlement keys that this plan creates.
        waiting: identities and entitlement keys that are not there yet and that this plan does not create, and why.
        unknown: entitlement keys that are neither declared nor live.
        considered: ids of all changes that were wanted, whatever became of them.
        contrary: id of an operation → the change, planned or asked for already, beside which it may not be open.
        asked: id of a wanted operation that waits in an open ticket with others → its change, and how it is shown.
        cancellations: open tickets that are to be closed.
        about: holders that alone are looked at, because all the others are known to be as in another plan; None means
            everybody.
        unmanaged_accounts, unmanaged_grants: how many there are.
    """

    sides: Sides
    router: Router
    tickets: Tickets
    changes: list[Change] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    accounts: dict[str, AppliedAccount] = field(default_factory=dict)
    entitlements: dict[str, AppliedEntitlement] = field(default_factory=dict)
    grants: list[tuple[str, str, str | None]] = field(default_factory=list)
    gone: list[Item] = field(default_factory=list)
    creating: set[str] = field(default_factory=set)
    waiting: dict[str, Gate] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    considered: set[str] = field(default_factory=set)
    contrary: dict[str, Change] = field(default_factory=dict)
    asked: dict[str, tuple[Change, Finding]] = field(default_factory=dict)
    cancellations: tuple[TicketCancellation, ...] = ()
    about: frozenset[str] | None = None
    unmanaged_accounts: int = 0
    unmanaged_grants: int = 0

    @cached_property
    def only(self) -> frozenset[str]:
        """Return the identities that the plan is limited to; empty means everything."""
        return frozenset(self.sides.inputs.scope.identities)

    def touches(self, item: Item) -> bool:
        """Say whether an item is in scope."""
        return not self.only or (not isinstance(item, EntitlementItem) and item.holder in self.only)

    def manages(self, kind: str) -> Manage:
        """Return how far to go for a kind of entitlement, or for `accounts`."""
        return self.sides.declared.app.manages(kind)

    def rules(self, key: str) -> EntitlementRules | None:
        """Return what the YAML says about an entitlement."""
        return self.sides.declared.entitlements.get(key)

    def is_privileged(self, item: Item) -> bool:
        """Say whether an item is, or grants, privileged access."""
        return not isinstance(item, AccountItem) and self.is_privileged_key(item.entitlement)

    def is_privileged_key(self, key: str) -> bool:
        """Say whether an entitlement is privileged."""
        rules = self.rules(key)
        return rules is not None and rules.privileged

    def find(self, fact: Fact, item: Item | None, text: str, *, refuses: bool = False, alarms: bool = False) -> None:
        """Add a finding about an item that is in scope, or about a whole collection."""
        if item is None or self.touches(item):
            why = self.explain(item) if item and fact in {Fact.CONFLICT, Fact.BLOCKED, Fact.OBSERVED} else ()
            place = next((reason.place for reason in why if reason.place.line), self._place(item))
            privileged = item is not None and self.is_privileged(item)
            name = self._name(item)
            self.findings.append(Finding(fact, item, text, place, why, privileged, refuses, alarms, name))

    def _name(self, item: Item | None) -> str:
        """Return what the app calls the account of a stranger."""
        holder = item.holder if isinstance(item, AccountItem | GrantItem) else ""
        account = self.sides.live.accounts.get(holder.removeprefix("@")) if holder.startswith("@") else None
        return (account.username or account.email) if account else ""

    def _place(self, item: Item | None) -> Place:
        rules = self.rules(item.entitlement) if isinstance(item, EntitlementItem) else None
        return rules.place if rules else NOWHERE

    def explain(self, item: Item) -> tuple[Why, ...]:
        """Return why the YAML wants an item, or wants it no more."""
        if isinstance(item, AccountItem | GrantItem) and item.holder.startswith("@"):
            return ()
        return tuple(Why(reason.text, reason.place) for reason in self.sides.inputs.reasons(item))

    def adopt_account(self, identity: str, account: AppliedAccount) -> None:
        """Take an account on, or repair what is recorded of it; nothing if that is right already, or only observed."""
        known = self.sides.applied.accounts.get(identity)
        account = replace(account, unfinished=known.unfinished if known else ())
        if known != account and self.manages("accounts") is not Manage.OBSERVE and self.touches(AccountItem(identity)):
            self.accounts[identity] = account

    def adopt_entitlement(self, key: str, entitlement: AppliedEntitlement) -> None:
        """Pin an entitlement, or repair what is recorded of it; nothing if that is right already, or only observed."""
        known = self.sides.applied.entitlements.get(key) == entitlement
        if not known and not self.only and self.manages(kind_of(key)) is not Manage.OBSERVE:
            self.entitlements[key] = entitlement

    def forget(self, item: Item) -> None:
        """Drop an item that is wanted no more and was seen absent."""
        if self.touches(item):
            self.gone.append(item)

    def propose(self, wish: Wish) -> bool:
        """Draft one change; return whether it is in the plan and may be done."""
        if not self.touches(wish.item):
            return False
        change = self.draft(wish)
        self.considered.add(change.id)
        gate = self._gate(change)
        if self.tickets.by_change and not change.blocked and (gate is None or gate.fact is Fact.PENDING):
            self.contrary |= dict.fromkeys(contrary_ids(change), change)
        if gate:
            self._hold(change, gate)
            return False
        if note := self.tickets.history(change):
            change = replace(change, why=(*change.why, Why(note)))
        self.changes.append(change)
        if change.blocked:
            self._remember(change, Gate(Fact.BLOCKED, change.blocked))
        elif wish.operation in _CREATING:
            self.creating.add(str(wish.item))
        return not change.blocked

    def was_asked_for(self, item: AccountItem | GrantItem, removing: Operation) -> bool:
        """Say whether people were asked for something by ticket that only people can take away.

        It is ours then, though no read has shown it while it was declared; and what they claim to have taken away and
        a newer read shows all the same is asked for again.
        """
        if not self.tickets.by_change:
            return False
        kind, rest = "accounts", item.holder
        if isinstance(item, GrantItem):
            kind, rest = kind_of(item.entitlement), f"{item.holder}/{item.entitlement}"
        by_people = self.router.route(removing, kind).way == TICKET
        return by_people and self.tickets.was_handled(removing, rest, self.sides.inputs.app)

    def hold_unseen(self) -> None:
        """Neither adopt nor forget what people claim to have changed since the read, and show that it is not known."""
        held = set()
        for item, ticket in self.tickets.unseen(self.sides.inputs.app, self.considered):
            held.add(item)
            address = ticket.address or ticket.key
            self.find(Fact.PENDING, item, f"a ticket was closed as done after what was read: {address}")
        if held:
            self.accounts = {name: one for name, one in self.accounts.items() if AccountItem(name) not in held}
            self.grants = [grant for grant in self.grants if GrantItem(*grant[:2]) not in held]
            self.gone = [item for item in self.gone if item not in held]

    def draft(self, wish: Wish) -> Change:
        """Return the change that a wish asks for, with the way that does it; it is not in the plan yet."""
        item = wish.item
        kind = "accounts" if isinstance(item, AccountItem) else kind_of(item.entitlement)
        route = self.router.route(wish.operation, kind, wish.attributes)
        account_id, entitlement_id, holder_id = self.router.ids(route, item)
        return Change(
            app=self.sides.inputs.app,
            operation=wish.operation,
            item=item,
            way=route.way,
            before=wish.before,
            after=wish.after,
            account_id=account_id,
            entitlement_id=entitlement_id,
            holder_entitlement_id=holder_id,
            username=self._username(item, wish.after),
            version=self._version(item, route),
            cause=wish.cause,
            why=(*self.explain(item), *map(Why, wish.notes)),
            privileged=self.is_privileged(item),
            blocked="" if route.way else f"no way can do it: {route.why_not}",
        )

    def _username(self, item: Item, after: Mapping[str, Value]) -> str:
        if isinstance(item, EntitlementItem):
            return ""
        account = self.sides.account_of(item.holder)
        return account.username or account.email if account else str(after.get("username") or "")

    def _version(self, item: Item, route: Route) -> str:
        """Return the concurrency token, if the way that will write is the one that read it."""
        ways = self.sides.live.ways
        if isinstance(item, GrantItem) or route.number < 0:
            return ""
        if isinstance(item, AccountItem):
            account = self.sides.account_of(item.holder)
            return account.version if account and ways[route.number] is self.sides.live.way(ACCOUNTS) else ""
        live = self.sides.aligned.live.get(item.entitlement)
        way = self.sides.live.way(entitlements_of(kind_of(item.entitlement)))
        return live.version if live and ways[route.number] is way else ""

    def _gate(self, change: Change) -> Gate | None:
        """Return what keeps a change from being done by this plan, or None."""
        sides = self.sides
        if self.manages(change.kind) is Manage.OBSERVE:
            return Gate(Fact.OBSERVED, f"would {change.operation} ({change.cause}); only observed here")
        if sides.inputs.scope.due and change.cause in _DRIFT and sides.declared.app.drift is not OnDrift.CORRECT:
            return Gate(Fact.OBSERVED, f"would {change.operation} ({change.cause}); left to a reviewed plan")
        if found := self.tickets.judge(change):
            return Gate(*found)
        ticket = self.tickets.open(transfer_id(change)) if loses_files(change) and change.way != TICKET else None
        if ticket:
            return Gate(Fact.PENDING, f"{change.operation}: after transfer files: {self.tickets.tell_open(ticket)}")
        return self._unreachable(change)

    def _unreachable(self, change: Change) -> Gate | None:
        """Say why what a grant needs is not there and is not created by this plan either; a person manages anyway."""
        if change.operation is not Operation.GRANT or change.way == TICKET:
            return None
        holder_id = change.account_id or change.holder_entitlement_id
        for name, known in ((change.holder, holder_id), (change.entitlement, change.entitlement_id)):
            gate = self.waiting.get(name)
            if gate and (gate.always or not known):
                return Gate(gate.fact, f"waits: {gate.text}")
        return None

    def _hold(self, change: Change, gate: Gate) -> None:
        """Show a change that is not done, and remember what cannot be done without it."""
        place = next((reason.place for reason in change.why if reason.place.line), NOWHERE)
        refuses = gate.fact is Fact.BLOCKED
        finding = Finding(gate.fact, change.item, gate.text, place, change.why, change.privileged, refuses)
        self.findings.append(finding)
        self._remember(change, gate)
        if gate.fact is Fact.PENDING:
            self.share(change, finding)

    def share(self, change: Change, finding: Finding) -> None:
        """Remember what waits in an open ticket with others: it may have to be asked for again."""
        ticket = self.tickets.open(change.id)
        if ticket and ticket.together:
            self.asked[change.id] = (change, finding)

    def _remember(self, change: Change, gate: Gate) -> None:
        always = change.operation is Operation.REACTIVATE_ACCOUNT
        if always or change.operation in _CREATING:
            self.waiting[str(change.item)] = Gate(gate.fact, f"{change.operation} {change.item}: {gate.text}", always)
