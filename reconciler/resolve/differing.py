"""Which apps two revisions of a company can say different things about: the others are declared and planned once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

from reconciler.model.access import Recipients
from reconciler.model.apps import App
from reconciler.model.company import Company
from reconciler.model.identities import Person, ServiceAccount
from reconciler.resolve.resolved import Block, Resolved

_WRITTEN = {
    kind: attrgetter(*(part.name for part in fields(kind) if part.name not in {"place", "accounts", "entitlements"}))
    for kind in (Person, ServiceAccount, App, Recipients)
}


@dataclass(frozen=True, slots=True)
class Differing:
    """What two resolved companies differ in.

    Attributes:
        apps: names of apps that are written differently, or in which somebody else is given something.
        identities: ids that are written differently, have come, gone, started or left.
        keys: their emails and usernames on both sides, without case: an account found by one may match otherwise.
    """

    apps: frozenset[str]
    identities: frozenset[str]
    keys: frozenset[str]


def differ(base: Resolved, head: Resolved) -> Differing:
    """Compare two revisions that were resolved at the same moment."""
    identities = frozenset(_identities(base, head))
    apps = {name for name, app in head.company.apps.items() if not same_app(base.company.apps.get(name), app)}
    for block in _changed_blocks(base, head):
        apps.update(block.grants)
    for resolved in (base, head):
        apps.update(_apps_of(resolved, identities))
    if base.company.settings.timezone != head.company.settings.timezone:
        apps.update(head.company.apps)
    return Differing(frozenset(apps), identities, frozenset(_keys(base, head, identities)))


def is_edited(base: Company, head: Company, identity: str) -> bool:
    """Say whether an identity that both have is written differently."""
    one, other = (company.people.get(identity) for company in (base, head))
    return bool(one and other and _WRITTEN[Person](one) != _WRITTEN[Person](other))


def same_app(one: App | None, other: App) -> bool:
    """Say whether two apps are written alike, wherever that is."""
    if one is None:
        return False
    rules = [(app.accounts.attributes, app.accounts.match, _recipients(app.accounts.to)) for app in (one, other)]
    entitlements = [
        {
            key: (e.formerly, e.privileged, e.approvers, e.price, e.levels, e.attributes)
            for key, e in app.entitlements.items()
        }
        for app in (one, other)
    ]
    ways = [[(way.provider, way.config) for way in app.route] for app in (one, other)]
    steps = [[(step.name, step.options, bool(step.place.line)) for step in app.leaver] for app in (one, other)]
    rest = [(app.owner, app.deputy, app.manage, app.manage_kinds, app.drift, app.delete_after) for app in (one, other)]
    return all(a == b for a, b in (rules, entitlements, ways, steps, rest))


def _recipients(to: Recipients | None) -> Any:
    return to and _WRITTEN[Recipients](to)


def _identities(base: Resolved, head: Resolved) -> Iterator[str]:
    pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]] = (
        (base.company.people, head.company.people),
        (base.company.service_accounts, head.company.service_accounts),
    )
    for before, now in pairs:
        written = _WRITTEN[Person] if before is base.company.people else _WRITTEN[ServiceAccount]
        for name in {*before, *now}:
            one, other = before.get(name), now.get(name)
            if one is None or other is None or written(one) != written(other):
                yield name
    yield from base.leavers.keys() ^ head.leavers.keys()
    yield from base.roster.waiting ^ head.roster.waiting


def _keys(base: Resolved, head: Resolved, identities: Iterable[str]) -> Iterator[str]:
    for name in identities:
        for company in (base.company, head.company):
            if found := company.people.get(name) or company.service_accounts.get(name):
                yield from (text.casefold() for text in (found.id, found.email, *found.usernames.values()) if text)


def _apps_of(resolved: Resolved, identities: Iterable[str]) -> Iterator[str]:
    """Yield the apps that some block gives these identities something in."""
    numbers = {number for name in identities if (number := resolved.roster.numbers.get(name)) is not None}
    for block in _blocks(resolved) if numbers else ():
        if not numbers.isdisjoint(block.members) or not numbers.isdisjoint(block.excluded):
            yield from block.grants


def _blocks(resolved: Resolved) -> list[Block]:
    """Return every block once, in the order of the files; those to come as well."""
    blocks = (resolved.blocks, resolved.upcoming)
    found = {id(block): block for part in blocks for listed in part.values() for block in listed}
    return list(found.values())


def _changed_blocks(base: Resolved, head: Resolved) -> list[Block]:
    """Return the blocks of both sides between those that are the same from the beginning, or up to the end."""
    one, other = _blocks(base), _blocks(head)
    same = _Same(base, head)
    start = 0
    while start < min(len(one), len(other)) and same(one[start], other[start]):
        start += 1
    end = 0
    while end < min(len(one), len(other)) - start and same(one[-1 - end], other[-1 - end]):
        end += 1
    return [*one[start : len(one) - end], *other[start : len(other) - end]]


class _Same:
    """Says whether a block of the base and one of the head give the same people the same things."""

    def __init__(self, base: Resolved, head: Resolved) -> None:
        numbers = head.roster.numbers
        alike = base.roster.ids == head.roster.ids
        self._numbers = None if alike else [numbers.get(name, -1) for name in base.roster.ids]
        self._moved: dict[int, tuple[int, ...]] = {}

    def __call__(self, one: Block, other: Block) -> bool:
        """Compare two blocks, wherever they are written."""
        return (
            (one.source, one.note, one.expired, one.start, one.until)
            == (other.source, other.note, other.expired, other.start, other.until)
            and self._head(one.members) == other.members
            and self._head(one.excluded) == other.excluded
            and one.grants.keys() == other.grants.keys()
            and _WRITTEN[Recipients](one.to) == _WRITTEN[Recipients](other.to)
            and all(wanted.wanted == other.grants[app].wanted for app, wanted in one.grants.items())
        )

    def _head(self, members: tuple[int, ...]) -> tuple[int, ...]:
        """Return the numbers that the head gives the same identities; both sides are sorted by id."""
        if self._numbers is None or not members:
            return members
        found = self._moved.get(id(members))
        if found is None:
            found = self._moved[id(members)] = tuple([self._numbers[number] for number in members])
        return found
