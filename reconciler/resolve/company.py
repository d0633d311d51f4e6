"""The model at a moment: the dates of people, the members of groups, and every block that has begun, by app."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from reconciler.model.access import GrantBlock, Recipients, Role, WantedList
from reconciler.model.apps import App
from reconciler.model.company import Company
from reconciler.resolve.app import declare_app
from reconciler.resolve.groups import Memberships, resolve_groups
from reconciler.resolve.masks import numbers_of
from reconciler.resolve.resolved import Block, Resolved
from reconciler.resolve.roster import Roster, call_roster

__all__ = ["Resolved", "declare_app", "resolve_company"]


def resolve_company(company: Company, moment: datetime) -> Resolved:
    """Resolve a company at a moment, as far as that does not depend on an app.

    Args:
        company: what people wrote.
        moment: an instant with a time zone.

    Raises:
        ConfigurationError: the moment has no time zone, or the organization's is unknown.
        ExpressionError: a group's rule cannot be compiled or evaluated.
    """
    roster = call_roster(company, moment)
    groups = resolve_groups(company, roster)
    begun: list[Block] = []
    upcoming: list[Block] = []
    for block in _Blocks(roster, groups, moment).of(company):
        (begun if block.start is None or block.start <= moment else upcoming).append(block)
    return Resolved(company, moment, roster, groups, _by_app(begun), _by_app(upcoming))


def _by_app(blocks: Iterable[Block]) -> dict[str, tuple[Block, ...]]:
    by_app: dict[str, list[Block]] = {}
    for block in blocks:
        for app in block.grants:
            by_app.setdefault(app, []).append(block)
    return {app: tuple(found) for app, found in by_app.items()}


class _Blocks:
    """Makes blocks; equal sets of recipients become one object."""

    def __init__(self, roster: Roster, groups: Memberships, moment: datetime) -> None:
        self._roster = roster
        self._groups = groups
        self._moment = moment
        self._numbers: dict[int, tuple[int, ...]] = {}

    def of(self, company: Company) -> Iterator[Block]:
        """Yield every block of a company."""
        for role in company.roles.values():
            yield self._role(role)
        for grant in company.grants:
            yield self._grant(grant)
        for app in company.apps.values():
            if app.accounts.to is not None:
                yield self._accounts(app, app.accounts.to)

    def _role(self, role: Role) -> Block:
        return Block(f"role {role.name}", role.place, role.to, role.grants, *self._recipients(role.to))

    def _grant(self, grant: GrantBlock) -> Block:
        expired = grant.until is not None and grant.until <= self._moment
        who = self._recipients(grant.to)
        return Block(
            "grant", grant.place, grant.to, grant.grants, *who, expired, grant.start, grant.until, grant.reason
        )

    def _accounts(self, app: App, to: Recipients) -> Block:
        nothing_more = {app.name: WantedList((), place=to.place)}
        return Block(f"accounts of {app.name}", to.place, to, nothing_more, *self._recipients(to))

    def _recipients(self, to: Recipients) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the numbers of those who get a block, and of those whom `except` keeps out of it."""
        listed = (*to.people, *to.service_accounts)
        if not (to.groups or to.everyone or to.excluded):
            here = {number for number in map(self._roster.number_here, listed) if number is not None}
            return tuple(sorted(here)), ()
        members = self._roster.mask(listed) | (self._roster.people if to.everyone else 0)
        excepted = barred = self._roster.mask(to.excluded)
        for group in to.groups:
            members |= self._groups.members(group)
            barred |= self._groups.barred(group)
        members &= ~excepted
        return self._shared(members), self._shared(barred & ~members)

    def _shared(self, mask: int) -> tuple[int, ...]:
        if (numbers := self._numbers.get(mask)) is None:
            numbers = self._numbers[mask] = numbers_of(mask)
        return numbers
