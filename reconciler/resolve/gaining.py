"""What somebody gains by another revision of the YAML, now or when a date has come. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from reconciler.model.access import Wanted
from reconciler.resolve.resolved import Block, Resolved

_ALWAYS = datetime.min.replace(tzinfo=UTC)
_FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Gain:
    """Access that somebody has by one revision, and not, or not for so long, by another.

    Attributes:
        entitlement: empty for the account alone.
        privileged: whether either revision says so.
    """

    app: str
    entitlement: str
    level: str
    privileged: bool

    def __str__(self) -> str:
        at = f" at {self.level}" if self.level else ""
        return f"{self.app}/{self.entitlement}{at}" if self.entitlement else f"an account in {self.app}"


_What = tuple[str, str, str]
_Time = tuple[datetime, datetime, bool]


def find_gains(before: Resolved, after: Resolved, identity: str) -> tuple[Gain, ...]:
    """Return what an identity gains, by itself, by the service accounts that it owns, and by what it is a member of.

    What everybody is given is no gain, unless it is privileged: nobody favours themselves by it.

    Args:
        before: the company without what is proposed.
        after: the company with it, at the same moment.
        identity: a person's id.
    """
    own = [_held(resolved, _owned(resolved, identity)) for resolved in (before, after)]
    found = []
    for what, times in sorted(own[1].items()):
        gain = _gain(before, after, what)
        favoured = [one for one in times if gain.privileged or not one[2]]
        if not all(_covered(one, own[0].get(what, [])) for one in favoured):
            found.append(gain)
    return tuple(found)


def _gain(before: Resolved, after: Resolved, what: _What) -> Gain:
    app, entitlement, level = what
    rules = [one.company.apps[app].entitlements.get(entitlement) for one in (before, after) if app in one.company.apps]
    return Gain(app, entitlement, level, any(rule is not None and rule.privileged for rule in rules))


def _owned(resolved: Resolved, identity: str) -> set[int]:
    """Return the numbers of an identity and of the service accounts that are its."""
    services = resolved.company.service_accounts.values()
    names = {identity, *(one.id for one in services if one.owner == identity)}
    return {number for name in names if (number := resolved.roster.number_here(name)) is not None}


def _held(resolved: Resolved, numbers: set[int]) -> Mapping[_What, list[_Time]]:
    """Return what identities hold: for each thing from when until when, and whether everybody does."""
    held: dict[_What, list[_Time]] = {}
    waiting: list[tuple[str, str]] = []

    def take(app: str, wanted: Iterable[Wanted], times: _Time) -> None:
        for key, level in [("", None), *wanted]:
            what = (app, key, level or "")
            if times not in held.setdefault(what, []):
                held[what].append(times)
                waiting.append((app, key))

    for app, block in _blocks(resolved):
        if not numbers.isdisjoint(block.members):
            take(app, block.grants[app], (*_times(block), block.to.everyone))
    while waiting:
        app, key = waiting.pop()
        for _, block in _blocks(resolved, app) if key else ():
            if f"{app}/{key}" in block.to.entitlements:
                take(app, block.grants[app], (*_times(block), False))
    return held


def _blocks(resolved: Resolved, only: str = "") -> Iterator[tuple[str, Block]]:
    for part in (resolved.blocks, resolved.upcoming):
        for app in (only,) if only else part:
            yield from ((app, block) for block in part.get(app, ()) if not block.expired)


def _times(block: Block) -> tuple[datetime, datetime]:
    return block.start or _ALWAYS, block.until or _FOREVER


def _covered(wanted: _Time, had: Iterable[_Time]) -> bool:
    """Say whether somebody had something for all of a time already, by a single block."""
    return any(start <= wanted[0] and wanted[1] <= end for start, end, _ in had)


def stays_longer(before: Resolved, after: Resolved, identity: str) -> bool:
    """Say whether somebody keeps what they have for longer than they would: a later last day, or none."""
    one, other = before.company.people.get(identity), after.company.people.get(identity)
    if one is None or other is None:
        return False
    later = one.last_day is not None and (other.last_day is None or other.last_day > one.last_day)
    return later or (one.left is not None and (other.left is None or other.left > one.left))
