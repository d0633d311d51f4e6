"""A trail is checked: every entry against its digest and the one before it, and the whole against anchored heads.

The chain alone shows what was edited, removed or moved inside it. That its end was cut off, or that all of it was
written anew with new digests, only a head shows that was kept elsewhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from reconciler.audit.anchor import NO_HEAD, Head
from reconciler.audit.chain import digest_entry
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
        anchored: how many heads from elsewhere were compared.
        faults: what is wrong, in the order of the trail.
    """

    entries: int
    head: Head
    anchored: int
    faults: tuple[Fault, ...]


def verify_trail(entries: Iterable[AuditEntry], heads: Iterable[Head]) -> Verified:
    """Check a whole trail, from its first entry on, against heads that were kept outside of it."""
    check = _Check()
    for head in heads:
        check.heads.setdefault(head.number, set()).add(head.digest)
    for entry in entries:
        check.look_at(entry)
    check.look_beyond()
    anchored = sum(map(len, check.heads.values()))
    return Verified(check.count, check.last, anchored, tuple(check.faults))


@dataclass
class _Check:
    """A check in progress.

    Attributes:
        follows: digests that the next entry may name as the one before it; None where that entry is missing.
        good: the last anchored head that was found again.
    """

    heads: dict[int, set[str]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    count: int = 0
    last: Head = NO_HEAD
    follows: frozenset[str] | None = frozenset({""})
    good: int = 0

    def look_at(self, entry: AuditEntry) -> None:
        """Check the next entry."""
        self._check_number(entry)
        actual = digest_entry(entry.number, entry.at, entry.kind, entry.body, entry.previous)
        if actual != entry.digest:
            self._fault(entry.number, "was edited: its digest is not that of its content")
        if self.follows is not None and entry.previous not in self.follows:
            self._fault(entry.number, "does not follow the entry before it: it names another one's digest")
        self._check_heads(entry, actual)
        self.count += 1
        self.last = Head(entry.number, entry.digest)
        self.follows = frozenset({entry.digest, actual})

    def _check_number(self, entry: AuditEntry) -> None:
        expected = self.last.number + 1
        if entry.number > expected:
            self._fault(expected, f"{_range(expected, entry.number - 1)} missing", whole=True)
            self.follows = None
        elif entry.number < expected:
            self._fault(entry.number, f"stands where entry {expected} belongs")
            self.follows = None

    def _check_heads(self, entry: AuditEntry, actual: str) -> None:
        anchored = self.heads.get(entry.number, set())
        wrong = anchored - {entry.digest, actual}
        for digest in sorted(wrong):
            since = f"entry {self.good}" if self.good else "the beginning"
            self._fault(
                entry.number,
                f"is not the one that was anchored ({digest[:_SHOWN]}…): it, or one before it since {since}, "
                "was replaced and the chain written anew",
            )
        if anchored and not wrong:
            self.good = entry.number

    def look_beyond(self) -> None:
        """Check whether anything was anchored that the trail does not have any more."""
        furthest = max(self.heads, default=0)
        if furthest > self.last.number:
            first = self.last.number + 1
            self._fault(first, f"{_range(first, furthest)} cut off: {furthest} was anchored", whole=True)

    def _fault(self, number: int, text: str, *, whole: bool = False) -> None:
        self.faults.append(Fault(number, text if whole else f"entry {number} {text}"))


def _range(first: int, last: int) -> str:
    return f"entry {first} is" if first == last else f"entries {first} to {last} are"
