"""Patterns in who has what become suggestions of roles: they are shown, and never written by themselves."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.model.access import Wanted
from reconciler.model.identities import Person

FEWEST = 2
"""A rule over fewer people is no pattern."""

_ATTRIBUTES = ("department", "title", "type")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A role that would say the same in fewer words.

    Attributes:
        attribute, value: everybody with this value has all of it; empty where the people are everyone, or just these.
        everyone: whether the people are all who are here.
        people: who has all of it by this role.
        others: who has some of it beside, and keeps it otherwise.
    """

    wanted: tuple[Wanted, ...]
    people: tuple[str, ...]
    attribute: str = ""
    value: str = ""
    others: int = 0
    everyone: bool = False


def suggest_roles(
    people: Mapping[str, Person], held: Iterable[tuple[str, str, str | None]], here: Sequence[str]
) -> tuple[Suggestion, ...]:
    """Return rules over attributes first, then sets of people who hold the same; what one says no later one repeats.

    Args:
        people: the company's, by id.
        held: (holder, key, level) of what is live.
        here: ids of people who are here: a rule would give it to all of them.
    """
    has: dict[str, set[Wanted]] = {name: set() for name in here if name in people}
    for holder, key, level in held:
        if holder in has:
            has[holder].add(Wanted(key, level))
    everybody = tuple(sorted(has))
    found = list(_rule("", "", everybody, has, set())) if len(has) > FEWEST else []
    told = {(name, wanted) for one in found for name in one.people for wanted in one.wanted}
    for attribute in _ATTRIBUTES:
        members: dict[str, list[str]] = {}
        for name in everybody:
            members.setdefault(str(getattr(people[name], attribute)), []).append(name)
        for value, names in sorted(members.items()):
            if value and len(names) >= FEWEST and len(names) < len(has):
                new = list(_rule(attribute, value, tuple(names), has, told))
                told |= {(name, wanted) for one in new for name in one.people for wanted in one.wanted}
                found += new
    return (*found, *_alike(has, told))


def _rule(
    attribute: str, value: str, names: tuple[str, ...], has: Mapping[str, set[Wanted]], told: set[tuple[str, Wanted]]
) -> Iterable[Suggestion]:
    common = set.intersection(*(has[name] for name in names))
    common = {wanted for wanted in common if not all((name, wanted) in told for name in names)}
    if common:
        listed = set(names)
        others = sum(1 for name, wanted in has.items() if name not in listed and common & wanted)
        yield Suggestion(tuple(sorted(common, key=str)), names, attribute, value, others, everyone=not attribute)


def _alike(has: Mapping[str, set[Wanted]], told: set[tuple[str, Wanted]]) -> Iterable[Suggestion]:
    """Yield sets of at least three people whom no rule explains and who hold the same several entitlements."""
    sets: dict[frozenset[Wanted], list[str]] = {}
    for name, wanted in has.items():
        rest = frozenset(one for one in wanted if (name, one) not in told)
        sets.setdefault(rest, []).append(name)
    for rest, names in sorted(sets.items(), key=lambda one: (-len(one[1]), sorted(map(str, one[0])))):
        if len(rest) >= FEWEST and len(names) > FEWEST:
            yield Suggestion(tuple(sorted(rest, key=str)), tuple(sorted(names)))
