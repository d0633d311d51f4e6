"""Who is in which group at a moment, and by which way: listed, by rule, or through a nested group."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from reconciler.model.company import Company
from reconciler.model.identities import Group
from reconciler.resolve.roster import Roster
from reconciler.resolve.rules import RuleIndex

_Test = Callable[["Membership"], bool]


@dataclass(slots=True)
class Membership:
    """One group's identities, as masks of those who are here.

    Attributes:
        listed, matched: by name, and by rule; before anybody is excepted.
        excepted: by this group itself.
        members: listed, matched or nested, without those excepted.
        barred: excepted by this group or by one nested in it; somebody may be a member by another way all the same.
    """

    group: Group
    listed: int
    matched: int
    excepted: int
    members: int = 0
    barred: int = 0


class Memberships:
    """The groups of a company at a moment."""

    __slots__ = ("_by_name",)

    def __init__(self, by_name: Mapping[str, Membership]) -> None:
        self._by_name = by_name

    def members(self, group: str) -> int:
        """Return the mask of a group's members; 0 for a group that does not exist."""
        return self._by_name[group].members if group in self._by_name else 0

    def barred(self, group: str) -> int:
        """Return the mask of those whom a group, or one nested in it, excepts."""
        return self._by_name[group].barred if group in self._by_name else 0

    def path_in(self, group: str, number: int) -> tuple[Membership, ...]:
        """Return the shortest way by which an identity is in a group: the group itself first; empty if it is not."""
        bit = 1 << number
        return self._find(group, lambda found: bool(found.members & bit), lambda found: bool(_direct(found) & bit))

    def path_out(self, group: str, number: int) -> tuple[Membership, ...]:
        """Return the shortest way to the group that excepts an identity: the asked group first; empty if none does."""
        bit = 1 << number
        return self._find(group, lambda found: bool(found.barred & bit), lambda found: bool(found.excepted & bit))

    def _find(self, start: str, enter: _Test, stop: _Test) -> tuple[Membership, ...]:
        """Search nested groups in breadth, by name, through those that `enter` holds for, to where `stop` holds."""
        came_from: dict[str, str] = {start: ""}
        queue = deque([start])
        while queue:
            name = queue.popleft()
            found = self._by_name.get(name)
            if found is None or not enter(found):
                continue
            if stop(found):
                return self._path(came_from, name)
            for nested in sorted(found.group.groups):
                if nested not in came_from:
                    came_from[nested] = name
                    queue.append(nested)
        return ()

    def _path(self, came_from: Mapping[str, str], name: str) -> tuple[Membership, ...]:
        path: list[Membership] = []
        while name:
            path.append(self._by_name[name])
            name = came_from[name]
        return tuple(reversed(path))


def resolve_groups(company: Company, roster: Roster) -> Memberships:
    """Work out the members of every group among those who are here.

    Nested groups may be of any depth. A group that is nested in itself (which loading refuses) has the members that all
    its groups bring.

    Raises:
        ExpressionError: a rule cannot be compiled or evaluated.
    """
    numbered = ((roster.numbers[person.id], person) for person in company.people.values())
    index = RuleIndex({number: person for number, person in numbered if roster.people >> number & 1}, len(roster.ids))
    found = {name: _measure(group, roster, index) for name, group in company.groups.items()}
    order, circular = _order(company.groups)
    while _settle(order, found) and circular:
        pass
    return Memberships(found)


def _measure(group: Group, roster: Roster, index: RuleIndex) -> Membership:
    listed = roster.mask((*group.people, *group.service_accounts))
    return Membership(group, listed, index.match(group) & roster.people, roster.mask(group.excluded))


def _order(groups: Mapping[str, Group]) -> tuple[Sequence[str], bool]:
    """Return the groups, nested ones first, and whether some are nested in themselves (then the order means little)."""
    sorter = TopologicalSorter({name: group.groups for name, group in groups.items()})
    try:
        return [name for name in sorter.static_order() if name in groups], False
    except CycleError:
        return sorted(groups), True


def _settle(order: Sequence[str], found: Mapping[str, Membership]) -> bool:
    """Bring nested members up once; return whether anything grew."""
    grew = False
    for name in order:
        this = found[name]
        members, barred = _direct(this) | this.members, this.excepted | this.barred
        for nested in this.group.groups:
            if nested in found:
                members |= found[nested].members
                barred |= found[nested].barred
        members &= ~this.excepted
        grew = grew or members != this.members or barred != this.barred
        this.members, this.barred = members, barred
    return grew


def _direct(membership: Membership) -> int:
    return membership.listed | membership.matched
