"""One leaver's access in every app, as values: how far each thing has come, with whom, by which way, until when."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final


class Standing(StrEnum):
    """How far something has come; the worst first."""

    LEFT = "left"
    PENDING = "pending"
    CLAIMED = "claimed done"
    UNKNOWN = "nobody can say"
    DONE = "done, not verified"
    ATTESTED = "attested"
    VERIFIED = "verified"
    NEVER = "nothing there"


ORDER: Final = {standing: number for number, standing in enumerate(Standing)}
OPEN: Final = (Standing.LEFT, Standing.PENDING, Standing.CLAIMED)
"""What somebody has still to do, or to show."""
NOT_READ: Final = "nothing reads it, and no ticket ever named them"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was, is or would be done.

    Attributes:
        what: the operation, or what is left.
        entitlement: the key of what was granted; empty for the account.
        way: by which it was done, or will be.
        asked, done, verified: instants, None for not (yet).
        who: whom a ticket waits for, or who closed it.
        due: until when a ticket is to be done.
        overdue: whether that day is over.
        address: of the ticket.
        why: more words: a reason, the app's own answer.
    """

    what: str
    standing: Standing
    entitlement: str = ""
    way: str = ""
    asked: datetime | None = None
    done: datetime | None = None
    verified: datetime | None = None
    who: str = ""
    due: date | None = None
    overdue: bool = False
    address: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class LeaverApp:
    """What became of a leaver in one app.

    Attributes:
        standing: of the whole app: that of its worst step, or how far its read can be believed.
        read_by: the way that its accounts are read from, or empty.
        as_of: when that read was true.
        why: why nobody can say, or what else there is to know.
        owner: whom to ask.
    """

    app: str
    standing: Standing
    steps: tuple[Step, ...] = ()
    read_by: str = ""
    as_of: datetime | None = None
    why: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class LeaverView:
    """What became of one leaver in every app.

    Attributes:
        gone: since when they have left, or when they will; None where the YAML does not know them any more.
        ahead: whether that is still to come: the steps are those that will be due.
        moment: when this was asked.
    """

    identity: str
    name: str
    gone: str
    ahead: bool
    moment: datetime
    apps: tuple[LeaverApp, ...]

    def count(self, *standings: Standing) -> int:
        """Count the apps of these standings."""
        return sum(1 for app in self.apps if app.standing in standings)

    @property
    def left(self) -> Mapping[Standing, int]:
        """Return how many steps there are still to do or to show, by how far they have come."""
        counted = Counter(step.standing for app in self.apps for step in app.steps)
        return {standing: counted[standing] for standing in OPEN if counted[standing]}

    @property
    def overdue(self) -> int:
        """Return how many tickets are overdue."""
        return sum(1 for app in self.apps for step in app.steps if step.overdue)

    @property
    def all_gone(self) -> bool:
        """Whether nothing is left, and of every app somebody can say so."""
        return not self.left and not self.count(Standing.UNKNOWN)
