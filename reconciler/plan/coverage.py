"""What of an app is done by which way and what becomes a ticket, from capabilities alone: no app is asked. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from reconciler.items import kind_of
from reconciler.model.access import Wanted
from reconciler.model.apps import App
from reconciler.plan.inputs import TICKET, WayRead
from reconciler.plan.live import offers
from reconciler.plan.routes import refusal
from reconciler.provider.change import Operation
from reconciler.provider.snapshot import ACCOUNTS, entitlements_of, grants_of

ANY = "*"
"""The kind that stands for all, where none is known."""

_ALWAYS = (
    Operation.CREATE_ACCOUNT,
    Operation.UPDATE_ACCOUNT,
    Operation.SUSPEND_ACCOUNT,
    Operation.REACTIVATE_ACCOUNT,
)
_STEPS = {
    "end_sessions": Operation.END_SESSIONS,
    "transfer_files": Operation.TRANSFER_FILES,
    "remove_licenses": Operation.REMOVE_LICENSES,
}


class Extent(StrEnum):
    """How much of an app needs nobody."""

    WHOLE = "automated"
    PART = "in part"
    NONE = "by ticket"


@dataclass(frozen=True, slots=True)
class Covered:
    """One operation on one kind, or one collection that is read, and who does it.

    Attributes:
        kind: of entitlement, `accounts`, or `*` where no kind is known.
        operation: None for a read.
        collection: what is read (see `provider.snapshot`); empty for an operation.
        way: the provider's name; empty for nobody.
        missed: the earlier ways that cannot, each with its reason.
    """

    kind: str
    operation: Operation | None
    collection: str
    way: str
    missed: tuple[tuple[str, str], ...] = ()

    @property
    def by_ticket(self) -> bool:
        """Whether a person is asked; what is read so is attested, never seen."""
        return self.way == TICKET


@dataclass(frozen=True, slots=True)
class AppCoverage:
    """Who does what in one app.

    Attributes:
        ways: the names of its ways, in the order of the route.
        operations: what the YAML can call for in it; a leaver's step that is only the default and that no interface
            has is done by nobody.
        reads: accounts, and the grants and the entitlements of each kind.
    """

    app: str
    owner: str
    ways: tuple[str, ...]
    operations: tuple[Covered, ...]
    reads: tuple[Covered, ...]

    @property
    def asked(self) -> tuple[Covered, ...]:
        """The operations that somebody or something does."""
        return tuple(one for one in self.operations if one.way)

    @property
    def tickets(self) -> tuple[Covered, ...]:
        """The operations that become tickets."""
        return tuple(one for one in self.operations if one.by_ticket)

    @property
    def extent(self) -> Extent:
        """How much of the app needs nobody."""
        if not self.tickets:
            return Extent.WHOLE
        return Extent.NONE if len(self.tickets) == len(self.asked) else Extent.PART


@dataclass(frozen=True, slots=True)
class Coverage:
    """Who does what, app by app."""

    apps: tuple[AppCoverage, ...]

    @property
    def extents(self) -> Counter[Extent]:
        """How many apps are automated, in part, or by ticket."""
        return Counter(app.extent for app in self.apps)

    @property
    def ways(self) -> Counter[str]:
        """How many operations each way does, over all apps."""
        return Counter(one.way for app in self.apps for one in app.asked)

    @property
    def readers(self) -> Counter[str]:
        """How many apps have their accounts read by which way; by `ticket`, they are attested."""
        return Counter(one.way for app in self.apps for one in app.reads if one.collection == ACCOUNTS)


def cover_app(app: App, ways: Sequence[WayRead], wanted: Iterable[Wanted] = ()) -> AppCoverage:
    """Say who does what in an app.

    Args:
        app: the app as it is written.
        ways: of its route, in order; only names and capabilities are looked at.
        wanted: what anybody is to have in it, so that its kinds and levels are known.
    """
    asked = set(wanted)
    kinds = _kinds(app, ways, asked) or (ANY,)
    operations = [*_on_accounts(app, ways)]
    for kind in kinds:
        operations += _on_kind(app, ways, kind, leveled=any(one.level for one in asked if _is_of(one, kind)))
    collections = [(ACCOUNTS, ACCOUNTS)]
    collections += [(kind, make(kind)) for kind in kinds for make in (grants_of, entitlements_of)]
    reads = tuple(_read(ways, kind, collection) for kind, collection in collections)
    return AppCoverage(app.name, app.owner, tuple(way.name for way in ways), tuple(operations), reads)


def _kinds(app: App, ways: Sequence[WayRead], asked: set[Wanted]) -> tuple[str, ...]:
    """Return every kind that a way or the YAML names."""
    keys = {*app.entitlements, *(one.entitlement for one in asked)}
    named = {kind for way in ways for kind in way.capabilities.kinds}
    return tuple(sorted((named | {kind_of(key) for key in keys}) - {ANY, ""}))


def _is_of(one: Wanted, kind: str) -> bool:
    return kind_of(one.entitlement) == kind


def _on_accounts(app: App, ways: Sequence[WayRead]) -> Iterator[Covered]:
    for operation in _ALWAYS:
        writes = operation in {Operation.CREATE_ACCOUNT, Operation.UPDATE_ACCOUNT}
        yield _find(ways, operation, ACCOUNTS, frozenset(app.accounts.attributes) if writes else frozenset())
    if app.delete_after is not None:
        yield _find(ways, Operation.DELETE_ACCOUNT, ACCOUNTS)
    for step in app.leaver:
        if operation_of := _STEPS.get(step.name):
            found = _find(ways, operation_of, ACCOUNTS)
            # A step that nobody wrote down is worth no ticket.
            yield found if step.place.line or not found.by_ticket else _by_nobody(found)


def _by_nobody(found: Covered) -> Covered:
    return Covered(found.kind, found.operation, "", "", found.missed)


def _on_kind(app: App, ways: Sequence[WayRead], kind: str, *, leveled: bool) -> Iterator[Covered]:
    """Yield what can be called for with entitlements of a kind: only what its rules and levels give reason for."""
    rules = [rule for key, rule in app.entitlements.items() if kind_of(key) == kind]
    levels = leveled or any(rule.levels for rule in rules) or any(kind in way.capabilities.levels for way in ways)
    yield _find(ways, Operation.GRANT, kind)
    if levels:
        yield _find(ways, Operation.SET_LEVEL, kind)
    yield _find(ways, Operation.REVOKE, kind)
    if rules:
        yield _find(ways, Operation.CREATE_ENTITLEMENT, kind)
    if any(rule.formerly for rule in rules):
        yield _find(ways, Operation.RENAME_ENTITLEMENT, kind)
    if any(rule.attributes for rule in rules):
        yield _find(ways, Operation.UPDATE_ENTITLEMENT, kind)


def _find(
    ways: Sequence[WayRead], operation: Operation, kind: str, attributes: frozenset[str] = frozenset()
) -> Covered:
    """Return the first way that can, and why the ones before it cannot: as the plan chooses."""
    missed: list[tuple[str, str]] = []
    for way in ways:
        why = refusal(way, operation, kind, attributes)
        if not why:
            return Covered(kind, operation, "", way.name, tuple(missed))
        missed.append((way.name, why))
    return Covered(kind, operation, "", "", tuple(missed))


def _read(ways: Sequence[WayRead], kind: str, collection: str) -> Covered:
    """Return the way that is the authority on a collection."""
    missed: list[tuple[str, str]] = []
    for way in ways:
        if offers(way, collection):
            return Covered(kind, None, collection, way.name, tuple(missed))
        ability = way.capabilities.reads.get(collection)
        missed.append((way.name, ability.why if ability is not None else "it is not read by this way"))
    return Covered(kind, None, collection, "", tuple(missed))
