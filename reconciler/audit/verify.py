"""A trail is checked: every entry against its digest and the one before it, and the whole against anchored heads.

The chain alone shows what was edited, removed or moved inside it. That its end was cut off, or that all of it was
written anew with new digests, only a head shows that was kept elsewhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from reconciler.audit.anchor import Head
from reconciler.audit.chain import digest_entry
from reconciler.audit.kinds import Kind
from reconciler.state.contract import AuditEntry

_SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry that is wrong: its number, and what is wrong with it."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What checking a trail came to.

    Attributes:
        entries: how many there are.
        head: the last of them; (0, "") where there is none.
        anchored: how many heads from elsewhere were compared; furthest: the greatest number among them, 0 for none.
        faults: what is wrong, in the order of the trail.
        accepted: what was wrong before somebody looked at it and accepted the trail as it was.
    """

    entries: int
    head: Head
    anchored: int
    furthest: int
    faults: tuple[Fault, ...]
    accepted: tuple[Fault, ...] = ()


def verify_trail(
    entries: Iterable[AuditEntry], heads: Iterable[Head], *, since: int = 0, anchored: bool = True
) -> Verified:
    """Check a whole trail, from its first entry on; the arguments are those of `TrailCheck`."""
    check = TrailCheck(heads, since=since, anchored=anchored)
    for entry in entries:
        check.look_at(entry)
    return check.finish()


class TrailCheck:
    """A check in progress, for whoever reads the trail anyway: hand it each entry, then ask what it came to.

    Args:
        heads: those that were kept outside the trail.
        start: the number of the first entry that will be handed over.
        since: the entry that a person accepted, as the anchor says: what is wrong before it is told apart.
        anchored: whether there is an anchor; without one the trail itself says what was accepted.
    """

    def __init__(self, heads: Iterable[Head], *, start: int = 1, since: int = 0, anchored: bool = True) -> None:
        self.start = start
        self._since = since
        self._anchored = anchored
        self._heads: dict[int, set[str]] = {}
        for head in (head for head in heads if head.number >= start):
            self._heads.setdefault(head.number, set()).add(head.digest)
        self._faults: list[Fault] = []
        self._count = 0
        self._last = Head(start - 1, "")
        self._follows: frozenset[str] | None = frozenset({""}) if start == 1 else None
        self._good = 0

    def look_at(self, entry: AuditEntry) -> None:
        """Check the next entry."""
        self._check_number(entry)
        actual = digest_entry(entry.number, entry.at, entry.kind, entry.body, entry.previous)
        if actual != entry.digest:
            self._fault(entry.number, "was edited: its digest is not that of its content")
        if self._follows is not None and entry.previous not in self._follows:
            self._fault(entry.number, "does not follow the entry before it: it names another one's digest")
        self._check_heads(entry, actual)
        if entry.kind == Kind.ACCEPTED and not self._anchored:
            self._since = entry.number
        self._count += 1
        self._last = Head(entry.number, entry.digest)
        self._follows = frozenset({entry.digest, actual})

    def _check_number(self, entry: AuditEntry) -> None:
        expected = self._last.number + 1
        if entry.number > expected:
            self._fault(expected, f"{_range(expected, entry.number - 1)} missing", whole=True)
            self._follows = None
        elif entry.number < expected:
            self._fault(entry.number, f"stands where entry {expected} belongs")
            self._follows = None

    def _check_heads(self, entry: AuditEntry, actual: str) -> None:
        anchored = self._heads.get(entry.number, set())
        wrong = anchored - {entry.digest, actual}
        for digest in sorted(wrong):
            since = f"entry {self._good}" if self._good else "the beginning"
            self._fault(
                entry.number,
                f"is not the one that was anchored ({digest[:_SHOWN]}…): it, or one before it since {since}, "
                "was replaced and the chain written anew",
            )
        if anchored and not wrong:
            self._good = entry.number

    def finish(self) -> Verified:
        """Compare the end with what was anchored, and return what everything came to."""
        furthest = max(self._heads, default=0)
        if furthest > self._last.number:
            first = self._last.number + 1
            self._fault(first, f"{_range(first, furthest)} cut off: {furthest} was anchored", whole=True)
        anchored = sum(map(len, self._heads.values()))
        faults = tuple(fault for fault in self._faults if fault.number >= self._since)
        accepted = tuple(fault for fault in self._faults if fault.number < self._since)
        return Verified(self._count, self._last, anchored, furthest, faults, accepted)

    def _fault(self, number: int, text: str, *, whole: bool = False) -> None:
        self._faults.append(Fault(number, text if whole else f"entry {number} {text}"))


def _range(first: int, last: int) -> str:
    return f"entry {first} is" if first == last else f"entries {first} to {last} are"
