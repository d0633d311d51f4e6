"""The entries of a trail put together again: each run, and each change from its request to its verification."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from reconciler.audit.kinds import Kind
from reconciler.provider.change import Cause, Operation, Outcome
from reconciler.provider.snapshot import AccountStatus
from reconciler.state.contract import AuditEntry

SEEN_LATER: Final = "seen later"
"""How a change ended that a later run found to be true: a ticket that somebody did, say."""

_REMOVING: Final = frozenset({Operation.REVOKE, Operation.DELETE_ACCOUNT})


@dataclass(frozen=True, slots=True)
class Period:
    """From an instant to before another one; None is open."""

    start: datetime | None = None
    end: datetime | None = None

    def __contains__(self, at: datetime) -> bool:
        return (self.start is None or self.start <= at) and (self.end is None or at < self.end)


@dataclass(slots=True)
class RunStory:
    """One run: its entry, and its end where it has one."""

    started: AuditEntry
    ended: AuditEntry | None = None

    @property
    def approval(self) -> Mapping[str, Any]:
        """Return by whose approval it ran."""
        found: Mapping[str, Any] = self.started.body.get("approval", {})
        return found


@dataclass(slots=True)
class ChangeStory:
    """One change of one run.

    Attributes:
        request: the entry that asked for it, or that says why it was not attempted.
        answer: what came back, or that a ticket was opened.
        seen: the entry that shows it to be true.
        closed: the entry that cancelled its ticket.
        outcome: as the last entry about it says; empty while nothing came back.
    """

    request: AuditEntry
    answer: AuditEntry | None = None
    seen: AuditEntry | None = None
    closed: AuditEntry | None = None
    outcome: str = ""
    detail: str = ""

    @property
    def asked(self) -> Mapping[str, Any]:
        """Return what was asked."""
        return self.request.body

    @property
    def item(self) -> tuple[str, ...]:
        """Return the item: its kind and its names."""
        return tuple(self.asked.get("item", ()))

    @property
    def ticket(self) -> bool:
        """Whether somebody was asked to do it."""
        return self.answer is not None and self.answer.kind == Kind.TICKET


@dataclass
class History:
    """Runs and changes of a trail.

    Attributes:
        period: what is asked about; changes before and after it are kept only where they may matter to it.
        told: the other entries that a reader wants, in their order.
    """

    period: Period
    runs: dict[str, RunStory] = field(default_factory=dict)
    changes: dict[tuple[str, str], ChangeStory] = field(default_factory=dict)
    told: list[AuditEntry] = field(default_factory=list)
    _open: dict[tuple[str, ...], list[ChangeStory]] = field(default_factory=dict)
    _by_id: dict[str, ChangeStory] = field(default_factory=dict)

    def take(self, entry: AuditEntry) -> None:
        """Put the next entry where it belongs; one that was tampered with and makes no sense is left out."""
        body = entry.body
        run = str(body.get("run", ""))
        match entry.kind:
            case Kind.STARTED:
                self.runs[run] = RunStory(entry)
            case Kind.ENDED if run in self.runs:
                self.runs[run].ended = entry
            case Kind.ASKED:
                self._ask(run, entry)
            case Kind.NOT_ATTEMPTED if "item" in body:
                self._ask(run, entry)
                self._conclude(run, entry)
            case Kind.ANSWERED | Kind.TICKET | Kind.NOT_ATTEMPTED | Kind.READ_BACK | Kind.SETTLED:
                self._conclude(run, entry)
            case Kind.CANCELLED:
                self._cancel(entry)
            case Kind.ADOPTED | Kind.FORGOTTEN:
                self._see_later(entry)
            case Kind.REFUSED | Kind.LIFTED | Kind.BY_HAND | Kind.ACCEPTED:
                self.told.append(entry)

    def _ask(self, run: str, entry: AuditEntry) -> None:
        story = ChangeStory(entry)
        change = str(entry.body.get("change", ""))
        self.changes[run, change] = self._by_id[change] = story
        self._open.setdefault((str(entry.body.get("app", "")), *story.item), []).append(story)

    def _conclude(self, run: str, entry: AuditEntry) -> None:
        story = self.changes.get((run, str(entry.body.get("change", ""))))
        if story is None:
            return
        story.outcome = str(entry.body.get("outcome", ""))
        story.detail = str(entry.body.get("detail", ""))
        if entry.kind != Kind.READ_BACK and story.answer is None:
            story.answer = entry
        if story.outcome == Outcome.VERIFIED:
            story.seen = entry
            self._put_away(story)

    def _cancel(self, entry: AuditEntry) -> None:
        """Close the newest ticket of an operation, whichever run opened it."""
        story = self._by_id.get(str(entry.body.get("change", "")))
        if story and story.ticket and not story.seen:
            story.closed = entry

    def _see_later(self, entry: AuditEntry) -> None:
        """Take what was found to be true, or gone, for the verification of what was asked before."""
        removed = entry.kind == Kind.FORGOTTEN
        app = str(entry.body.get("app", ""))
        for item in entry.body.get("items", ()):
            names = 3 if item[:1] == ["grant"] else 2
            for story in tuple(self._open.get((app, *map(str, item[:names])), ())):
                if story.seen is None and story.answer and _fits(story, item, removed=removed):
                    story.seen, story.outcome = entry, SEEN_LATER
                    self._put_away(story)

    def _put_away(self, story: ChangeStory) -> None:
        """Look out for a change no more; forget one that is over and that nobody asked about."""
        key = (str(story.asked.get("app", "")), *story.item)
        self._open[key] = [one for one in self._open.get(key, ()) if one is not story]
        if not self._open[key]:
            del self._open[key]
        if story.request.at not in self.period and story.asked.get("cause") != Cause.LEAVER and not story.ticket:
            change = str(story.asked.get("change", ""))
            self.changes.pop((str(story.asked.get("run", "")), change), None)
            self._by_id.pop(change, None)


def _fits(story: ChangeStory, item: list[Any], *, removed: bool) -> bool:
    """Say whether what was seen is what was asked for."""
    operation = story.asked.get("operation")
    if story.outcome == Outcome.FAILED or story.request.kind == Kind.NOT_ATTEMPTED:
        return False
    if removed or operation in _REMOVING:
        return removed and operation in _REMOVING
    suspends = operation == Operation.SUSPEND_ACCOUNT
    return item[0] != "account" or suspends is (str(item[-1]) == AccountStatus.SUSPENDED)
