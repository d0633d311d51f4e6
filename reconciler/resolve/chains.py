"""How a holder came to be a recipient of a block, or to be kept out of it: each way as words and places."""

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.items import Value
from reconciler.model.access import Recipients
from reconciler.model.identities import Group
from reconciler.problems import Place
from reconciler.resolve.groups import Membership
from reconciler.resolve.resolved import Resolved

_LONGEST_RULE = 80


@dataclass(frozen=True, slots=True)
class Chain:
    """One way: `group platform > sre (rule department = SRE)`, with the place of each link."""

    text: str
    places: tuple[Place, ...] = ()


def chains_in(resolved: Resolved, to: Recipients, holder: str) -> Iterator[Chain]:
    """Yield each way by which a holder is one of the recipients; through a group the shortest one."""
    number = resolved.roster.number_here(holder)
    if number is None:
        yield from _entitlement_chains(to, holder)
        return
    person = resolved.company.people.get(holder)
    if holder in to.people or holder in to.service_accounts:
        yield Chain(f"{holder} is listed", (to.place,))
    if to.everyone and person is not None:
        yield Chain("it is for everyone", (to.place, person.place))
    for group in to.groups:
        if path := resolved.groups.path_in(group, number):
            yield Chain(f"group {_path(path)}{_how(path[-1], number)}", tuple(step.group.place for step in path))


def chains_out(resolved: Resolved, to: Recipients, holder: str) -> Iterator[Chain]:
    """Yield each way by which a holder is kept out of the recipients."""
    number = resolved.roster.number_here(holder)
    if holder in to.excluded:
        yield Chain(f"{holder} is excepted", (to.place,))
    if number is None:
        return
    for group in to.groups:
        if path := resolved.groups.path_out(group, number):
            yield Chain(f"group {_path(path)} excepts {holder}", tuple(step.group.place for step in path))


def _entitlement_chains(to: Recipients, holder: str) -> Iterator[Chain]:
    if any(written.partition("/")[2] == holder for written in to.entitlements):
        yield Chain(f"{holder} is listed", (to.place,))


def _path(path: tuple[Membership, ...]) -> str:
    return " > ".join(step.group.name for step in path)


def _how(membership: Membership, number: int) -> str:
    """Return the rule in brackets, where that and not a list is how somebody is in a group."""
    return "" if membership.listed >> number & 1 else f" (rule {describe_rule(membership.group)})"


def describe_rule(group: Group) -> str:
    """Return a group's rule in few words: `department = Engineering and location in Berlin, Paris`."""
    if group.where:
        return " and ".join(f"{name} {_equals(value)}" for name, value in group.where.items())
    text = " ".join(group.expression.split())
    return text if len(text) <= _LONGEST_RULE else text[: _LONGEST_RULE - 1] + "…"


def _equals(value: Value) -> str:
    return f"in {', '.join(value)}" if isinstance(value, tuple) else f"= {value}"
