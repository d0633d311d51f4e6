"""When something is told about an open ticket, and what."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from reconciler.plan.notes import Telling, due_notes
from reconciler.provider.contract import Note, Ticket, TicketStatus

OPENED = datetime(2026, 3, 2, 10, tzinfo=UTC)
NAMES = {"lee": "Lee Wong (lee)", "kim": "Kim Ito (kim)"}


def notes(
    moment: datetime,
    *,
    due: date | None = date(2026, 3, 6),
    status: TicketStatus = TicketStatus.OPEN,
    waits_for: str = "lee",
    zone: str = "UTC",
) -> list[Note]:
    """Return what is due to be told about a ticket that lee was asked to do."""
    ticket = Ticket("badges/grant/ana/door:lab", "c0ffee", status, "it/1", OPENED, due=due, owner="lee")
    telling = Telling(moment, ZoneInfo(zone), lambda person: NAMES.get(person, person))
    return list(due_notes(ticket, waits_for, telling))


@pytest.mark.parametrize(
    ("moment", "marks"),
    [
        (datetime(2026, 3, 4, 16, 59, tzinfo=UTC), []),
        (datetime(2026, 3, 4, 17, tzinfo=UTC), ["half-time"]),
        (datetime(2026, 3, 5, 23, 59, tzinfo=UTC), ["half-time"]),
        (datetime(2026, 3, 6, 0, tzinfo=UTC), ["due"]),
        (datetime(2026, 4, 6, 0, tzinfo=UTC), ["due"]),
    ],
)
def test_half_time_and_the_last_day_are_told(moment: datetime, marks: list[str]) -> None:
    """Half of what there is until the end of the last day; after that day has begun only that is told."""
    assert [note.mark for note in notes(moment)] == marks


def test_what_is_due_on_its_own_day_is_told_of_on_the_next() -> None:
    """A leaver's ticket is due at once: a run that follows a minute later says nothing."""
    assert notes(datetime(2026, 3, 2, 23, tzinfo=UTC), due=OPENED.date()) == []
    (note,) = notes(datetime(2026, 3, 3, 1, tzinfo=UTC), due=OPENED.date())
    asked = "Lee Wong (lee): please do it and close it, or close it as rejected and say why."
    assert (note.mark, note.text) == ("due", f"This was due on 2026-03-02, and it is not done yet. {asked}")


def test_days_begin_where_the_company_is() -> None:
    """In Auckland the last day has come half a day earlier."""
    moment = datetime(2026, 3, 5, 12, tzinfo=UTC)
    assert [note.mark for note in notes(moment, zone="Pacific/Auckland")] == ["due"]


def test_whoever_it_waits_for_now_is_told_once_for_each_person() -> None:
    """The mark is another one for another person, and holds no name."""
    moment = datetime(2026, 3, 2, 11, tzinfo=UTC)
    (kim,), (sam,) = notes(moment, waits_for="kim"), notes(moment, waits_for="sam")
    assert kim.text == "This waits for Kim Ito (kim) now: Lee Wong (lee) is not here any more."
    assert (kim.owner, kim.mark == sam.mark, "kim" in kim.mark) == ("kim", False, False)
    assert notes(moment, waits_for="") == []


@pytest.mark.parametrize("status", [TicketStatus.CLAIMED, TicketStatus.REJECTED, TicketStatus.SUPERSEDED])
def test_nothing_is_told_about_what_is_closed(status: TicketStatus) -> None:
    """Whoever it waited for, and however late."""
    assert notes(datetime(2027, 1, 1, tzinfo=UTC), status=status, waits_for="kim") == []


def test_a_ticket_without_a_day_is_never_late() -> None:
    """There is nothing to be half of."""
    assert notes(datetime(2027, 1, 1, tzinfo=UTC), due=None) == []
